"""Catalogue, coupons, certificates, rewards, notes and what was looked at, on the pages."""

from __future__ import annotations

import csv
import io
import re
from functools import partial

import pytest
from openpyxl import load_workbook

from hub.jobs.lots import fill_lots
from loyalty_core.domain.staff import Role
from loyalty_core.service import catalogue
from loyalty_core.service.catalogue import CategoryRow, ProductRow
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read, write
from tests.hub.api.bodies import a_purchase
from tests.hub.api.client import Caller, new_key
from tests.hub.web.test_people import add
from tests.support.clock import NOON
from tests.support.pages import figure

HERE = "/admin/p/demo"
TRIES = 200
"""Wrong codes an hour, of one person: ten times those of a member."""
FORMULAS = ("=1+1", "+A1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\tx")


@pytest.fixture
def programme_id(hub):
    with read(hub.engine) as connection:
        return get_programme(connection, "demo").id


@pytest.fixture
def caller(hub, app, programme_id):
    """The API, with the rules that these pages are about."""
    caller = Caller(app, new_key(hub, programme_id).key)
    rules = caller.get("/programmes/demo/rules").json
    rules["coupons"] = [{"code": "spring", "name": "Spring"}]
    rules["certificates"] = [{"code": "gift", "name": "Gift", "top_up": True}]
    rules["reward_catalogue"] = [{"code": "mug", "name": "Mug", "kind": "gift", "price": "1.00"}]
    draft = caller.put("/programmes/demo/rules", rules).json["draft"]
    assert caller.post("/programmes/demo/rules/publish", {"draft": draft}).status_code == 200
    return caller


@pytest.fixture
def codes(caller):
    """One of each kind, by the page that finds it."""
    gifts = {"series": "gift", "nominal": "5.00", "loaded": True}
    lots = {"coupons": {"series": "spring"}, "certificates": gifts}
    found = {
        f"{kind}/find": caller.post(f"/{kind}/lots", {"lot": "one", "count": 1, **lot}).json
        for kind, lot in lots.items()
    }
    member = caller.post("/purchases", a_purchase()).json["member"]
    once = {"Idempotency-Key": "k-1"}
    assert caller.post("/rewards/mug/stock", {"left": 1}, headers=once).status_code == 200
    made = caller.post(f"/members/{member}/rewards", {"reward": "mug"}, headers=once).json
    return {
        **{page: told["codes"][0] for page, told in found.items()},
        "rewards/hand-out": made["order"]["code"],
    }


def trier(someone):
    """Sends codes to pages, with the token of one form."""
    page = someone.page(f"{HERE}/members/")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)

    def tried(page, code):
        form = {"csrf_token": token, "code": code, "blocked": "yes"}
        return someone.client.post(f"{HERE}/{page}", data=form, headers=someone.headers)

    return tried


def filled(hub, programme_id):
    while fill_lots(hub, programme_id):
        pass


def test_products_are_found_by_name_article_category_and_class(owner, hub, programme_id):
    product = partial(ProductRow, external_id=None, price_minor=None, brand=None, attributes=())
    goods = [
        product(sku="T1", name="Чай «Ёлка»", categories=("black",), legal_class=None),
        product(sku="T2", name="Чай зелёный", categories=("green",), legal_class=None),
        product(sku="V9", name="Наливка", categories=(), legal_class="alcohol"),
    ]
    tree = [CategoryRow("tea", "Tea", None), CategoryRow("black", "Black tea", "tea")]
    with write(hub.engine) as connection:
        catalogue.upsert_products(connection, programme_id, goods, now=NOON)
        catalogue.upsert_categories(connection, programme_id, tree)

    def found(query):
        page = owner.page(f"{HERE}/catalogue/?{query}")
        return [sku for sku in ("T1", "T2", "V9") if f">{sku}<" in page]

    assert found("q=ЧАЙ") == ["T1", "T2"]
    assert found("q=v9") == ["V9"]
    assert found("category=tea") == ["T1"]
    assert found("legal_class=alcohol") == ["V9"]
    assert found("q=кофе") == []


def test_no_cell_that_goes_out_is_a_formula(owner, hub, programme_id):
    rows = [
        ProductRow(f"s{n}", name, None, None, (), name, (), None) for n, name in enumerate(FORMULAS)
    ]
    with write(hub.engine) as connection:
        catalogue.upsert_products(connection, programme_id, rows, now=NOON)
    form = f"{HERE}/catalogue/import"

    text = owner.send(form, f"{HERE}/catalogue/export", format="csv").get_data(as_text=True)
    told = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))
    book = owner.send(form, f"{HERE}/catalogue/export", format="xlsx").get_data()
    cells = list(load_workbook(io.BytesIO(book)).active.iter_rows(min_row=2))

    assert [row["name"] for row in told] == [f"'{name}" for name in FORMULAS]
    assert [row[1].value for row in cells] == [f"'{name}" for name in FORMULAS]
    assert "f" not in {cell.data_type for row in cells for cell in row}


def test_coupons_are_made_found_blocked_and_written_out(owner, hub, caller, programme_id):
    new = f"{HERE}/coupons/new"
    wanted = {"series": "spring", "count": "1 000", "lot": "Flyers", "ends_at": "2027-05-31"}
    lot = owner.send(new, new, **wanted).location
    assert "Coupons are being made" in owner.page(lot)
    filled(hub, programme_id)
    assert figure(owner.page(lot), "active") == "1,000"

    export = owner.send(new, f"{lot}/export", format="csv").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(export.removeprefix("\ufeff")), delimiter=";"))
    assert len({row["code"] for row in rows}) == 1000
    code = rows[0]["code"]
    assert code in owner.send(new, f"{HERE}/coupons/find", code=code.lower()).text
    owner.send(new, f"{HERE}/coupons/block", code=code, blocked="yes")
    page = owner.page(lot)
    assert (figure(page, "active"), figure(page, "blocked")) == ("999", "1")
    owner.send(new, f"{lot}/block", blocked="yes")
    assert figure(owner.page(lot), "blocked") == "1,000"

    log = owner.page(f"{HERE}/log/")
    for told in ("Lot of coupons", "Coupon blocked or let", "Codes of coupons taken out"):
        assert told in log
    assert code not in log


@pytest.mark.parametrize(
    ("page", "role", "rights"),
    [
        ("coupons/find", Role.VIEWER, 5),
        ("certificates/find", Role.VIEWER, 5),
        ("rewards/hand-out", Role.CASHIER, 0),
    ],
)
def test_whoever_tries_codes_is_stopped_and_a_right_one_looks_the_same(
    visitor, hub, programme_id, codes, page, role, rights
):
    add(hub, programme_id, "guesser", role)
    guesser = visitor()
    guesser.log_in("guesser")
    tried = trier(guesser)
    for _ in range(rights):
        assert tried(page, codes[page]).status_code in (200, 302)
    for number in range(TRIES + 1):
        assert tried(page, f"WRONG{number}").status_code == 422

    for code in ("WRONG", codes[page]):
        stopped = tried(page, code)
        assert (stopped.status_code, "Too many wrong attempts" in stopped.text) == (429, True)

    hub.clock.advance(hours=1)
    assert tried(page, codes[page]).status_code in (200, 302)


def test_wrong_codes_count_together_on_whatever_page_they_are_tried(owner, caller, codes):
    tried, pages = trier(owner), (*codes, "coupons/block")
    for number in range(TRIES + 1):
        assert tried(pages[number % len(pages)], f"WRONG{number}").status_code in (404, 422)

    coupon = codes["coupons/find"]
    assert [tried(page, coupon).status_code for page in pages] == [429] * len(pages)
    assert caller.get(f"/coupons/{coupon}").json["state"] == "active"


@pytest.mark.parametrize(
    ("page", "wrong", "field", "said"),
    [
        ("coupons/new", {"count": "many"}, "count", "Write a number from 1 to 1,000,000."),
        ("coupons/new", {"count": "1000001"}, "count", "Write a number from 1 to 1,000,000."),
        ("coupons/new", {"lot": " "}, "lot", "Give it a name"),
        ("coupons/new", {"series": "none"}, "series", "Not a series of coupons"),
        ("coupons/new", {"starts_at": "tomorrow"}, "starts_at", "Choose a day."),
        ("coupons/new", {"starts_at": "0001-01-01"}, "starts_at", "Choose a day."),
        ("coupons/new", {"ends_at": "9999-12-31"}, "ends_at", "Choose a day."),
        ("coupons/new", {"ends_at": "9999-12-30"}, "ends_at", "Time out of range."),
        (
            "coupons/new",
            {"starts_at": "2027-05-02", "ends_at": "2027-05-01"},
            "ends_at",
            "Must be later than starts_at.",
        ),
        ("certificates/new", {"nominal": "-5"}, "nominal", "Write a sum of money"),
        ("certificates/new", {"nominal": "", "loaded": "yes"}, "nominal", "Give a nominal"),
        ("certificates/new", {"count": "0"}, "count", "Write a number"),
    ],
)
def test_bad_words_are_refused_beside_the_field_and_kept(owner, caller, page, wrong, field, said):
    series = "gift" if "certificates" in page else "spring"
    typed = {"series": series, "count": "7", "lot": "Kept as it was", **wrong}
    answer = owner.send(f"{HERE}/{page}", f"{HERE}/{page}", **typed)
    found = re.search(rf'id="wrong-{field}">([^<]+)', answer.text)

    assert answer.status_code == 422
    assert found is not None
    assert said in found[1]
    assert f'value="{typed["lot"].strip()}"' in answer.text
    assert "Kept as it was" not in owner.page(f"{HERE}/{page.split('/')[0]}/")


def test_a_certificate_is_issued_topped_up_printed_and_blocked(owner, hub, caller, programme_id):
    new = f"{HERE}/certificates/new"
    wanted = {"series": "gift", "count": "1", "lot": "Box", "nominal": "1 500", "loaded": "yes"}
    lot = owner.send(new, new, **wanted).location
    filled(hub, programme_id)
    one = re.search(r'href="([^"]+/certificates/one/ct_\w+)"', owner.page(lot))
    assert one is not None
    page = owner.page(one[1])
    assert figure(page, "balance") == "1,500.00 ₽"

    key = re.search(r'name="key" value="(\w+)"', page)[1]
    refused = owner.send(one[1], f"{one[1]}/top-up", amount="a lot", key=key)
    assert (refused.status_code, 'value="a lot"' in refused.text) == (422, True)
    for _ in range(2):
        owner.send(one[1], f"{one[1]}/top-up", amount="250,50", key=key)
    page = owner.page(one[1])
    assert figure(page, "balance") == "1,750.50 ₽", "a form that is sent twice loads once"

    code = re.search(r'<span class="font-monospace">([^<]+)', page)[1]
    paper = owner.page(f"{one[1]}/print")
    assert code in paper
    assert "<svg" in paper
    assert "style=" not in paper
    owner.send(one[1], f"{one[1]}/block", blocked="yes")
    assert "Let it be used" in owner.page(one[1])
    log = owner.page(f"{HERE}/log/")
    for told in ("Lot of certificates", "Money put onto", "Certificate blocked or let"):
        assert told in log
    assert code not in log


def test_whoever_may_not_issue_money_sees_the_end_of_its_code(
    owner, hub, caller, programme_id, visitor
):

    new = f"{HERE}/certificates/new"
    owner.send(new, new, series="gift", count="1", lot="Box", nominal="100", loaded="yes")
    filled(hub, programme_id)
    lot = re.search(r'href="([^"]+/lots/cl_\w+)"', owner.page(f"{HERE}/certificates/"))[1]
    one = re.search(r'href="([^"]+/one/ct_\w+)"', owner.page(lot))[1]
    code = re.search(r'<span class="font-monospace">([^<]+)', owner.page(one))[1]
    add(hub, programme_id, "vera", Role.VIEWER)
    vera = visitor()
    vera.log_in("vera")

    assert code not in vera.page(one)
    assert code[-4:] in vera.page(one)
    assert vera.get(f"{one}/print").status_code == 403


def test_a_member_s_own_codes_tell_the_names_of_their_series(owner, caller):
    anna = caller.post("/purchases", a_purchase()).json["member"]
    own = {"lot": "own", "count": 1, "member": anna}
    caller.post("/coupons/lots", {**own, "series": "spring"})
    caller.post("/certificates/lots", {**own, "series": "gift", "nominal": "100.00"})

    assert ">Spring</td>" in owner.page(f"{HERE}/members/{anna}?view=coupons")
    assert ">Gift</td>" in owner.page(f"{HERE}/members/{anna}?view=certificates")


def test_a_reward_is_put_in_stock_handed_out_once_and_cancelled(owner, caller):
    bought = caller.post("/purchases", a_purchase()).json
    for wrong, said in (("many", "Write a whole number."), ("-1", "Takes more than is left.")):
        page = owner.send(
            f"{HERE}/rewards/", f"{HERE}/rewards/mug/stock", way="add", pieces=wrong, was="0"
        )
        assert (page.status_code, said in page.text) == (422, True)
        assert f'value="{wrong}"' in page.text
    owner.send(f"{HERE}/rewards/", f"{HERE}/rewards/mug/stock", way="left", pieces="3", was="0")
    twice = owner.send(
        f"{HERE}/rewards/", f"{HERE}/rewards/mug/stock", way="add", pieces="3", was="0"
    )
    assert (twice.status_code, "Has changed meanwhile." in twice.text) == (422, True)
    form = {"way": "left", "pieces": "9", "was": "3" * 5000}
    odd = owner.send(f"{HERE}/rewards/", f"{HERE}/rewards/mug/stock", **form)
    assert odd.status_code == 400, "no form of ours tells it"
    orders = [
        caller.post(
            f"/members/{bought['member']}/rewards",
            {"reward": "mug"},
            headers={"Idempotency-Key": f"k-{n}"},
        ).json["order"]
        for n in range(2)
    ]
    assert figure(owner.page(f"{HERE}/rewards/"), "left-mug") == "1"

    form = f"{HERE}/rewards/hand-out"
    given = owner.send(form, form, code=orders[0]["code"])
    assert "Hand out: Mug" in given.text
    for code, said in ((orders[0]["code"], "handed out"), ("WRONG", "")):
        again = owner.send(form, form, code=code)
        assert (again.status_code, said in again.text) == (422, True)
        assert f'value="{code}"' in again.text
    owner.send(form, f"{HERE}/rewards/orders/{orders[1]['id']}/cancel")
    page = owner.page(f"{HERE}/rewards/orders?state=cancelled")
    assert "Mug" in page
    assert figure(owner.page(f"{HERE}/rewards/"), "left-mug") == "2"
    assert "Reward handed out" in owner.page(f"{HERE}/log/")


def test_the_log_knows_partners_stock_and_clubs(owner, caller):
    rules = caller.get("/programmes/demo/rules").json
    rules["clubs"] = [{"code": "tea", "name": "Tea"}]
    draft = caller.put("/programmes/demo/rules", rules).json["draft"]
    assert caller.post("/programmes/demo/rules/publish", {"draft": draft}).status_code == 200
    member = caller.post("/members", {"phone": "+79161234567"}).json["id"]
    for shops in ([], ["main"], ["main"]):
        assert caller.put("/partners/bakery", {"shops": shops}).status_code == 200
    once = {"Idempotency-Key": "k-1"}
    assert caller.post("/rewards/mug/stock", {"left": 9}, headers=once).status_code == 200
    assert caller.post(f"/members/{member}/clubs", {"club": "tea"}).status_code == 201
    for _ in range(2):
        assert caller.delete(f"/members/{member}/clubs/tea").status_code == 204

    def told(action):
        page = owner.page(f"{HERE}/log/?action={action}")
        return page.count("<tr>") - 1

    # Said again it changes nothing, and is no change.
    counts = {"partner_set": 2, "stock_changed": 1, "club_joined": 1, "club_left": 1}
    assert {action: told(action) for action in counts} == counts


def test_a_members_page_has_lines_codes_rewards_and_notes(owner, caller):
    bought = caller.post("/purchases", a_purchase()).json
    here = f"{HERE}/members/{bought['member']}"
    for view in ("coupons", "certificates", "orders", "messages", "notes"):
        assert owner.get(f"{here}?view={view}").status_code == 200
    assert 'class="line"' in owner.page(f"{here}?view=purchases")

    new = f"{here}/notes/new"
    empty = owner.send(new, new, text=" ")
    assert empty.status_code == 422
    for _ in range(2):
        owner.send(new, new, text="Asks for <green> tea")
    page = owner.page(f"{here}?view=notes")
    assert "Asks for &lt;green&gt; tea" in page
    told = owner.send(new, f"{here}/export").json
    assert [one["text"] for one in told["notes"]] == ["Asks for <green> tea"]
    note = re.search(r"/notes/(mn_\w+)/remove", page)[1]
    owner.send(new, f"{here}/notes/{note}/remove")
    assert "No notes" in owner.page(f"{here}?view=notes")
    assert "Asks for" not in owner.page(f"{HERE}/log/")


def test_what_was_looked_at_leaves_the_list_with_a_note(owner, caller):
    odd = caller.post("/purchases", a_purchase(occurred_at="2035-01-01T12:00:00+03:00")).json
    here, what = f"{HERE}/attention/", odd["id"]
    assert "Its time lies in the future" in owner.page(here)

    long = "x" * 501
    refused = owner.send(here, f"{here}look", view="receipts", what=what, note=long)
    assert (refused.status_code, long in refused.text) == (422, True)
    owner.send(here, f"{here}look", view="receipts", what=what, note="The till's clock")
    assert "Nothing to look at" in owner.page(here)
    seen = owner.page(f"{here}?seen=yes")
    assert "The till&#39;s clock" in seen
    assert "admin:owner" in seen
    owner.send(here, f"{here}put-back", view="receipts", what=what)
    assert "Its time lies in the future" in owner.page(here)
    assert caller.get("/attention/receipts").json["items"][0]["id"] == what
    log = owner.page(f"{HERE}/log/")
    assert "Put back on the list" in log
    assert "clock" not in log


def test_a_poster_leads_where_the_owner_says(owner):
    page = f"{HERE}/posters/"
    for link in ("javascript:alert(1)", "shop", "https:// x"):
        wrong = owner.get(f"{page}?link={link}&title=Join")
        assert (wrong.status_code, 'id="wrong-link"' in wrong.text) == (422, True)
        assert 'value="Join"' in wrong.text
    poster = owner.page(f"{page}?link=https://shop.example/join&title=Join&text=10%25")
    assert "<svg" in poster
    assert "https://shop.example/join" in poster


def test_what_was_sent_is_filtered(owner):
    assert "Nothing was sent" in owner.page(f"{HERE}/messages/sent/?state=failed&kind=welcome")
