"""Files of the console: sent, checked, taken beside everything else, and gone after a day."""

from __future__ import annotations

import csv
import io
import re

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import delete, func, select

from hub import sheets
from hub import uploads as service
from hub.jobs.scheduler import look_after
from hub.web.admin import uploads
from loyalty_core.service import catalogue
from loyalty_core.service.catalogue import ProductRow
from loyalty_core.service.import_coupons import CouponImport
from loyalty_core.service.import_products import ProductImport
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import coupons, products, upload_parts, upload_rejects
from tests.hub.api.client import Caller, new_key
from tests.support.pages import figure
from tests.support.uploads import Killed, checked, press, send, taken, worked_off

HERE = "/admin/p/demo"
GOODS, COUPONS = f"{HERE}/catalogue/import", f"{HERE}/coupons/import"
CODES = "code\nOLD-1\nx\nOLD-2\nOLD-1\nOLD-3\n"
"""The second line is no code, the fourth is told already."""


@pytest.fixture
def programme_id(hub):
    with read(hub.engine) as connection:
        return get_programme(connection, "demo").id


@pytest.fixture
def series(hub, app, programme_id):
    """Rules with a series of coupons and one of certificates."""
    caller = Caller(app, new_key(hub, programme_id).key)
    rules = caller.get("/programmes/demo/rules").json
    rules["coupons"] = [{"code": "spring", "name": "Spring"}]
    rules["certificates"] = [{"code": "gift", "name": "Gift"}]
    draft = caller.put("/programmes/demo/rules", rules).json["draft"]
    assert caller.post("/programmes/demo/rules/publish", {"draft": draft}).status_code == 200


def figures(page):
    return tuple(figure(page, name) for name in ("added", "known", "rejected"))


def rows_of(hub, table):
    with read(hub.engine) as connection:
        return connection.scalars(select(func.count()).select_from(table)).one()


def test_products_come_in_after_a_check_and_go_out_again(owner, hub, programme_id):
    text = "Артикул;Название;Цена;Категории;class\nT1;Чай чёрный;1 250,50;tea|black;\nT2;;10;;\n"

    page = checked(owner, hub, programme_id, GOODS, text)
    assert 'data-stage="checked"' in page
    assert figures(page) == ("1", "0", "1")
    assert "Line 3: has no name (name of the product)" in page
    assert "No products yet" in owner.page(f"{HERE}/catalogue/")

    press(owner, GOODS, "begin")
    assert 'data-stage="taking"' in owner.page(GOODS)
    worked_off(hub, programme_id)
    page = owner.page(GOODS)
    assert ('data-stage="done"' in page, figures(page)) == (True, ("1", "0", "1"))
    assert rows_of(hub, upload_parts) == 0, "a file goes when it is brought in"
    assert figures(taken(owner, hub, programme_id, GOODS, text)) == ("0", "1", "1")
    page = owner.page(f"{HERE}/catalogue/")
    assert "Чай чёрный" in page
    assert "1,250.50" in page
    assert "File brought in" in owner.page(f"{HERE}/log/")

    out = owner.send(GOODS, f"{HERE}/catalogue/export", format="csv").get_data()
    assert out.startswith(b"\xef\xbb\xbfsku;name;price;")
    assert figures(taken(owner, hub, programme_id, GOODS, out)) == ("0", "1", "0")


def test_a_price_that_goes_out_is_no_date_to_a_spreadsheet_and_comes_in_again(
    owner, hub, programme_id
):
    """An article that looks like one stays as it is."""
    goods = [
        ProductRow("3.12", "Чай", None, 3_12, (), "1.5", (), None),
        ProductRow("T2", "Настойка", None, 1250_50, (), None, (), None, 900_00, 500, 40_50),
    ]
    with write(hub.engine) as connection:
        catalogue.upsert_products(connection, programme_id, goods, now=hub.clock.now())
    files = {
        kind: owner.send(GOODS, f"{HERE}/catalogue/export", format=kind).get_data()
        for kind in ("csv", "xlsx")
    }

    told = csv.DictReader(io.StringIO(files["csv"].decode("utf-8-sig")), delimiter=";")
    assert [
        (row["sku"], row["price"], row["cost"], row["brand"], row["strength"]) for row in told
    ] == [("3.12", "3,12", "", "1.5", ""), ("T2", "1250,50", "900,00", "", "40,50")]
    sheet = load_workbook(io.BytesIO(files["xlsx"])).active
    assert [[row[place].value for place in (0, 2, 3)] for row in sheet.iter_rows(min_row=2)] == [
        ["3.12", 3.12, None],
        ["T2", 1250.5, 900],
    ]
    for kind, file in files.items():
        with write(hub.engine) as connection:
            connection.execute(delete(products))
        page = taken(owner, hub, programme_id, GOODS, file, name=f"goods.{kind}")
        assert figures(page) == ("2", "0", "0")
        with read(hub.engine) as connection:
            pages = catalogue.product_pages(connection, programme_id, catalogue.Wanted())
            assert [one for page in pages for one in page] == goods


def test_a_spreadsheet_comes_in_and_what_was_refused_goes_out(owner, hub, programme_id):
    book = Workbook()
    for cells in (("sku", "name", "note"), ("T1", "Tea", ""), ("@SUM(A1)", None, "beyond", "torn")):
        book.active.append(cells)
    file = io.BytesIO()
    book.save(file)

    page = taken(owner, hub, programme_id, GOODS, file.getvalue(), name="list.xlsx")
    upload = re.search(r'name="upload" value="(\w+)"', page)[1]
    told = [
        owner.send(GOODS, f"{GOODS}/refused", upload=upload, format=form).get_data()
        for form in ("csv", "xlsx")
    ]

    text = told[0].decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text), delimiter=";")) == [
        ["sku", "name", "note", "Why it was not taken"],
        ["'@SUM(A1)", "", "beyond", "Line 3: has more cells than there are headings", "torn"],
    ]
    sheet = load_workbook(io.BytesIO(told[1])).active
    assert next(cell.value for cell in sheet[2]) == "'@SUM(A1)"
    assert sheet.max_row == 2


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("sku;price\n1;2\n", "a.csv", "The file has no column name"),
        ("", "a.csv", "a.csv has no headings in its first row."),
        (b"PK\x03\x04 no workbook", "b.xlsx", "b.xlsx is no XLSX file"),
        ("sku;name\n", "", "Choose a file."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_beside_its_field(owner, text, name, said):
    answer = send(owner, GOODS, text, name=name)
    wrong = re.search(r'id="wrong-file">([^<]*)', answer.text)

    assert answer.status_code == 422
    assert wrong is not None
    assert said in wrong[1].replace("&#34;", '"')


def test_codes_need_a_lot_and_a_series_of_their_own(owner, hub, series, programme_id):
    gifts = f"{HERE}/certificates/import"
    for path, fields, said in (
        (COUPONS, {"lot": " "}, "Give it a name"),
        (gifts, {"lot": "Old", "series": "none"}, "Not a series of certificates"),
    ):
        answer = send(owner, path, CODES, **fields)
        assert (answer.status_code, said in answer.text) == (422, True)
    assert service.claim(hub, programme_id) is None

    page = taken(
        owner, hub, programme_id, gifts, "code;balance\nGIFT-1;100\n", lot="Old", series="gift"
    )
    assert figures(page) == ("1", "0", "0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('sku;name\n1;"open\n2;b\n3;c\n', "c.csv: a quotation mark that opens on line 2"),
        ("sku;name\n1;a\n2;b\n3;c\n4;d\n", "at most 3 lines"),
    ],
)
def test_what_is_found_wrong_on_the_way_is_told_and_nothing_is_taken(
    owner, hub, programme_id, monkeypatch, text, said
):
    monkeypatch.setattr(service, "MOST_LINES", 3)
    page = checked(owner, hub, programme_id, GOODS, text, name="c.csv")

    assert 'data-stage="failed"' in page
    assert said in page
    assert "No products yet" in owner.page(f"{HERE}/catalogue/")
    assert rows_of(hub, upload_parts) == 0


def test_a_file_that_is_too_large_is_refused_whole(owner, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    large = send(owner, GOODS, "x" * 2000)
    assert (large.status_code, "This is too large" in large.text) == (413, True)


@pytest.fixture
def killed_after_a_portion(owner, hub, series, programme_id, monkeypatch):
    """Coupons of which two lines are in, and a worker that is no more."""
    monkeypatch.setattr(sheets, "PORTION", 2)
    page = checked(owner, hub, programme_id, COUPONS, CODES, lot="Old", series="spring")
    assert figures(page) == ("3", "0", "2")
    press(owner, COUPONS, "begin")
    take, portions = CouponImport.take, []

    def killed(self, connection, lines):
        portions.append(lines)
        if len(portions) == 2:
            take(self, connection, lines)
            raise Killed
        return take(self, connection, lines)

    with monkeypatch.context() as patch:
        patch.setattr(CouponImport, "take", killed)
        with pytest.raises(Killed):
            worked_off(hub, programme_id)


def test_another_worker_goes_on_behind_the_last_portion(
    owner, hub, programme_id, killed_after_a_portion
):
    assert figures_on_the_way(owner) == "2"
    assert service.claim(hub, programme_id) is None, "its lease is not over"
    hub.clock.advance(minutes=2)
    slow = service.claim(hub, programme_id)
    hub.clock.advance(minutes=2)
    worked_off(hub, programme_id)
    service.work_off(hub, slow)

    page = owner.page(COUPONS)
    assert ('data-stage="done"' in page, figures(page)) == (True, ("3", "0", "2"))
    assert re.findall(r"Line \d: [^<]+", page) == [
        "Line 3: has no code of 3 to 64 characters",
        "Line 5: stands in the file before",
    ]
    assert rows_of(hub, coupons) == 3


def figures_on_the_way(owner):
    return re.search(r"(\d+) of about \d+ lines", owner.page(COUPONS))[1]


def test_a_file_that_is_stopped_leaves_what_is_in(owner, hub, programme_id, killed_after_a_portion):
    other = send(owner, COUPONS, CODES, lot="New", series="spring")
    assert (other.status_code, "at work already" in other.text) == (422, True)
    press(owner, COUPONS, "stop")
    hub.clock.advance(minutes=2)

    assert service.claim(hub, programme_id) is None
    page = owner.page(COUPONS)
    assert ('data-stage="stopped"' in page, figures(page)) == (True, ("1", "0", "1"))
    assert rows_of(hub, coupons) == 1
    assert rows_of(hub, upload_parts) == 0


def killed_again_and_again(hub, programme_id):
    """Workers that take a file up, bring it to wherever it goes, and are no more."""
    taken_up = 0
    while service.claim(hub, programme_id):
        taken_up += 1
        hub.clock.advance(minutes=2)
        assert taken_up < 99, "somebody must stop"
    return taken_up


def test_a_file_that_kills_its_workers_waits_for_a_person(
    owner, hub, programme_id, killed_after_a_portion
):
    """It is at half its way: a worker got so far, so the tries are counted from there."""
    hub.clock.advance(minutes=2)
    assert killed_again_and_again(hub, programme_id) == 5

    page = owner.page(COUPONS)
    assert ('data-stage="failed"' in page, figures(page)) == (True, ("1", "0", "1"))
    assert "The work on this file was broken off 5 times" in page
    assert "The file list.csv could not be finished" in owner.page(f"{HERE}/")
    listed = owner.page(f"{HERE}/attention/?view=files")
    assert f'href="{COUPONS}">list.csv' in listed
    assert "Brought in: 2 of about" in listed

    press(owner, COUPONS, "again")
    worked_off(hub, programme_id)
    page = owner.page(COUPONS)
    assert ('data-stage="done"' in page, figures(page)) == (True, ("3", "0", "2"))
    assert rows_of(hub, coupons) == 3
    assert "Nothing to look at" in owner.page(f"{HERE}/attention/?view=files")


def test_a_check_that_kills_its_workers_waits_for_a_person_however_far_it_comes(
    owner, hub, programme_id, monkeypatch
):
    """A check that is broken off begins anew, so getting far is no way forward."""
    monkeypatch.setattr(sheets, "PORTION", 2)
    take, lines_done = ProductImport.take, []

    def killed(self, connection, lines):
        lines_done.append(len(lines))
        if len(lines_done) % 2 == 0:
            raise Killed
        return take(self, connection, lines)

    send(owner, GOODS, "sku;name\n1;a\n2;b\n3;c\n")
    with monkeypatch.context() as patch:
        patch.setattr(ProductImport, "take", killed)
        while row := service.claim(hub, programme_id):
            with pytest.raises(Killed):
                service.work_off(hub, row)
            hub.clock.advance(minutes=2)
            assert len(lines_done) < 99, "somebody must stop"
    assert len(lines_done) == 10

    again = press(owner, GOODS, "again")
    assert again.status_code == 302
    worked_off(hub, programme_id)
    page = owner.page(GOODS)
    assert ('data-stage="checked"' in page, figures(page)) == (True, ("3", "0", "0"))


def test_a_file_that_was_given_up_may_be_left_or_another_sent(
    owner, hub, programme_id, killed_after_a_portion
):
    hub.clock.advance(minutes=2)
    killed_again_and_again(hub, programme_id)
    page = owner.page(COUPONS)
    shown = re.search(r'name="upload" value="(\w+)"', page)[1]
    press(owner, COUPONS, "stop")

    assert 'data-stage="stopped"' in owner.page(COUPONS)
    assert rows_of(hub, upload_parts) == 0
    late = owner.send(COUPONS, f"{COUPONS}/again", upload=shown)
    assert late.status_code == 302
    assert service.claim(hub, programme_id) is None, "there is no file any more"
    checked(owner, hub, programme_id, COUPONS, CODES, lot="New", series="spring")


def test_a_click_means_the_file_that_its_page_showed(owner, hub, series, programme_id):
    page = checked(owner, hub, programme_id, COUPONS, CODES, lot="Old", series="spring")
    shown = re.search(r'name="upload" value="(\w+)"', page)[1]
    checked(owner, hub, programme_id, COUPONS, "code\nNEW-1\n", lot="New", series="spring")

    for button in ("begin", "again", "stop", "refused"):
        late = owner.send(COUPONS, f"{COUPONS}/{button}", upload=shown, format="csv")
        assert late.status_code == 404
    assert 'data-stage="checked"' in owner.page(COUPONS)
    assert rows_of(hub, upload_rejects) == 0, "those of the other file are gone with it"


def test_nothing_of_a_file_is_kept_for_longer_than_a_day(owner, hub, series, programme_id):
    checked(owner, hub, programme_id, COUPONS, CODES, lot="Old", series="spring")
    taken(owner, hub, programme_id, GOODS, "sku;name\n1;a\n2;\n")

    def kept_after(**passed):
        hub.clock.advance(**passed)
        look_after(hub)
        return rows_of(hub, upload_parts), rows_of(hub, upload_rejects)

    assert kept_after(days=1) == (1, 2)
    assert kept_after(seconds=1) == (0, 0)
    assert owner.log_in().status_code == 302
    assert "It was left for a day" in owner.page(COUPONS)
    page = owner.page(GOODS)
    assert (figures(page), "no longer kept" in page) == (("1", "0", "1"), True)


def test_a_file_that_nobody_tried_again_is_deleted_after_a_day(owner, hub, programme_id):
    send(owner, GOODS, "sku;name\n1;a\n")
    killed_again_and_again(hub, programme_id)
    hub.clock.advance(days=1, seconds=1)
    look_after(hub)

    assert owner.log_in().status_code == 302
    page = owner.page(GOODS)
    assert ("Try again" in page, "The file is deleted" in page) == (False, True)
    assert "Nothing to look at" in owner.page(f"{HERE}/attention/?view=files")
    assert rows_of(hub, upload_parts) == 0
