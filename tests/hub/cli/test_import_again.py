"""The same base once more under another name: nothing of it is booked twice."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from hub.clock import SystemClock
from loyalty_core.domain.errors import ImportKnown
from loyalty_core.service.import_balances import BalancesImport
from loyalty_core.service.import_purchases import PurchasesImport
from loyalty_core.service.imports import Row, Wanted, begin_import
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read, transact, write
from loyalty_core.store.scratch import Scratch
from tests.support.moving import card, write_rows


@pytest.fixture
def on_engine(settings, engine):
    settings["HUB_DATABASE_URL"] = engine.url.render_as_string(hide_password=False)


@pytest.fixture
def base(demo, tmp_path):
    """A programme with the members of the cards 1 to 5."""
    file = write_rows(tmp_path / "base.csv", "card", "1", "2", "3", "4", "5")
    assert demo("import", "members", str(file)).code == 0
    return demo


def figures(told):
    """Points that went in, that were known, and the rows that were not taken."""
    lines = [(one["line"], one["code"]) for one in told.json["lines"]]
    return told.json["points_taken"], told.json["points_known"], lines


@pytest.mark.usefixtures("on_engine")
def test_r112_the_same_file_under_another_name_is_refused(base, tmp_path):
    rows = ("card,points", "1,100", "2,50")
    first, second = (write_rows(tmp_path / name, *rows) for name in ("old.csv", "old (1).csv"))
    assert base("import", "balances", str(first)).code == 0

    for more in ((), ("--dry-run",), ("--column", "points=points"), ("--besides",)):
        refused = base("import", "balances", str(second), *more)
        assert refused.code == 1
        assert "brought in already" in refused.err
        assert "--name" in refused.err
        assert "name: old)" in refused.err
    again = base("import", "balances", str(second), "--name", "old", "--json")
    assert figures(again) == ("0.00", "150.00", [])


@pytest.mark.usefixtures("on_engine")
def test_r112_a_mended_file_under_another_name_books_only_what_is_missing(base, engine, tmp_path):
    """Lots are known by whose they are and by their dates, or by their word in `row`."""
    first = write_rows(
        tmp_path / "old.csv",
        "card;points;expires_at;row",
        "1;100;31.12.2098;",
        "2;50;31.12.2098;",
        "3;30;31.12.2098;",
        "3;40;31.12.2099;",
        "3;50;soon;",
        "4;10;;a",
        "4;10;;b",
        "5;1;never;",
        "5;2;never;",
    )
    assert figures(base("import", "balances", str(first), "--json"))[0] == "241.00"
    second = write_rows(
        tmp_path / "mended.csv",
        "card;points;expires_at;row",
        "1;100;31.12.2098;",  # the same
        "2;60;31.12.2098;",  # another sum
        "3;30;31.12.2098;",
        "3;50;31.12.2097;",  # mended, and the others of its member stand here too
        "3;40;31.12.2099;",
        "4;10;31.12.2097;a",  # other dates, and its own word
        "4;5;;c",
        "5;1;never;x",  # the same lot has a word now
        "5;2;never;y",
    )
    words = ("import", "balances", str(second), "--json")
    wanted = ("57.00", "181.00", [(3, "other_points")])

    dry, done = base(*words, "--dry-run"), base(*words)

    assert figures(dry) == figures(done) == wanted
    again = base(*words)
    assert (again.json["points_taken"], again.json["rejected"]) == ("0.00", 1)
    have = [card(engine, card=str(number)).balance.available for number in range(1, 6)]
    assert have == [10_000, 5_000, 12_000, 2_500, 300]
    assert base("ledger", "verify").code == 0


def test_r112_a_lot_beside_others_that_the_file_does_not_tell_wants_a_word(base, tmp_path):
    """It may be the same points with other dates."""
    first = write_rows(tmp_path / "old.csv", "card;points;expires_at", "1;100;31.12.2098", "2;5;")
    base("import", "balances", str(first))
    second = write_rows(
        tmp_path / "new.csv", "card;points;expires_at", "1;100;31.12.2097", "2;0;", "3;7;"
    )

    told = base("import", "balances", str(second), "--json")

    assert figures(told) == ("7.00", "0.00", [(2, "other_lots"), (3, "other_points")])
    assert "100.00 points" in told.json["lines"][0]["why"]
    gift = base("import", "balances", str(second), "--name", "gift", "--json")
    assert (gift.code, "brought in already" in gift.err) == (1, True)
    gift = write_rows(tmp_path / "gift.csv", "card;points;expires_at", "1;100;31.12.2097", "3;7;")
    words = ("import", "balances", str(gift), "--besides", "--json")
    assert figures(base(*words)) == ("107.00", "0.00", [])
    assert figures(base(*words)) == ("0.00", "107.00", [])


@pytest.mark.usefixtures("on_engine")
def test_r112_receipts_and_what_was_bought_before_count_once_under_any_name(base, engine, tmp_path):
    spent = ("card,spent_before", "1,500")
    receipts = ("receipt,bought_at,card,paid", "17,2024-06-05,4,700", "18,2024-06-06,,5")
    for name, more in (("old", ""), ("new", "2,70"), ("extra", "3,7")):
        file = write_rows(tmp_path / f"{name}.csv", *spent, *filter(None, [more]))
        assert base("import", "members", str(file)).code == 0
    write_rows(tmp_path / "old.csv", *receipts)
    write_rows(tmp_path / "new.csv", *receipts, "19,2024-06-06,4,30")
    assert base("import", "purchases", str(tmp_path / "old.csv")).code == 0

    told = base("import", "purchases", str(tmp_path / "new.csv"), "--json").json

    assert (told["taken"], told["known"], told["money_taken"]) == (1, 2, "30.00")
    spent = [card(engine, card=str(number)).spent_minor for number in (1, 2, 3, 4)]
    assert spent == [50_000, 7_000, 700, 73_000]
    write_rows(tmp_path / "other.csv", *receipts, "20,2024-06-06,2,1")
    words = ("import", "purchases", str(tmp_path / "other.csv"), "--json")
    counted = base(*words, "--dry-run").json
    assert [(one["line"], one["code"]) for one in counted["lines"]] == [(4, "counted_before")]
    assert base(*words, "--besides").json["taken"] == 3, "of another system's till"


def test_r112_one_file_begun_under_several_names_at_once_is_begun_once(
    settings, cli, postgres_engine
):
    """The database decides."""
    settings["HUB_DATABASE_URL"] = postgres_engine.url.render_as_string(hide_password=False)
    assert cli("programmes", "create", "demo").code == 0
    with read(postgres_engine) as connection:
        programme = get_programme(connection, "demo").id
    begun, refused = [], []
    gate = threading.Barrier(8)

    def begin(number):
        wanted = Wanted(programme, "balances", f"name {number}", f"read {number}", "the content")
        gate.wait(10)
        try:
            transact(
                postgres_engine,
                lambda c: begin_import(c, PlanCache(), wanted, now=SystemClock().now()),
            )
            begun.append(number)
        except ImportKnown as known:
            refused.append(known.facts["name"])

    run_all(begin, 8)

    assert len(begun) == 1
    assert refused == [f"name {begun[0]}"] * 7


def test_r112_one_base_in_files_of_several_names_at_once_is_booked_once(
    settings, cli, tmp_path, postgres_engine
):
    settings["HUB_DATABASE_URL"] = postgres_engine.url.render_as_string(hide_password=False)
    assert cli("programmes", "create", "demo").code == 0
    cards = [str(number) for number in range(20)]
    base = write_rows(tmp_path / "base.csv", "card", *cards)
    assert cli("import", "members", str(base)).code == 0
    with read(postgres_engine) as connection:
        programme = get_programme(connection, "demo").id
    plans, now, gate = PlanCache(), SystemClock().now(), threading.Barrier(32)
    taken = []

    def bring_in(number):
        with closing(Scratch()) as scratch, closing(Scratch()) as other:
            where = (plans, programme, f"name {number}")
            points = BalancesImport(*where, scratch, system=None, author="anna")
            receipts = PurchasesImport(*where, other, system=None, started_at=now)
            lots = [Row(2 + at, {"card": card, "points": "10"}) for at, card in enumerate(cards)]
            bought = {"bought_at": "2024-06-05", "paid": "1"}
            sold = [Row(2 + at, {"receipt": str(at), **bought}) for at in range(20)]
            gate.wait(30)
            for kind, rows in ((points, lots), (receipts, sold)):
                told = transact(
                    postgres_engine,
                    lambda c, kind=kind, rows=rows: kind.take(c, rows, now=now, dry=False),
                )
                taken.append((told.counts["taken"], told.counts["known"]))

    with write(postgres_engine) as connection:
        for number in range(32):
            for kind in ("balances", "purchases"):
                wanted = Wanted(programme, kind, f"name {number}", str(number), str(number))
                begin_import(connection, plans, wanted, now=now)
    run_all(bring_in, 32)

    assert sorted(taken) == [(0, 20)] * 62 + [(20, 0)] * 2
    assert {card(postgres_engine, card=one).balance.available for one in cards} == {1000}


def run_all(work, count):
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
