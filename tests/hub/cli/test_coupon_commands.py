"""Coupons from the command line."""

from __future__ import annotations

import csv
import json
import re

import pytest

from hub.cli.coupons import COLUMNS
from loyalty_core.domain.coupon_codes import is_mistyped, normal
from loyalty_core.service import coupons as service
from loyalty_core.service.members import NewMember, enrol_member
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.source import Source
from loyalty_core.store.database import make_engine, transact
from tests.support.clock import NOON


@pytest.fixture
def shop(demo, tmp_path):
    """The command line with a programme whose rules have a series `spring`."""
    rules = demo("rules", "show").json
    rules["coupons"] = [{"code": "spring", "name": "Весна", "life_days": 30}]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(rules), "utf-8")
    assert demo("rules", "publish", str(file)).code == 0
    return demo


def rows_of(file):
    with file.open(encoding="utf-8", newline="") as told:
        return list(csv.DictReader(told))


def test_a_lot_is_made_and_written_out(shop, tmp_path):
    out = tmp_path / "codes.csv"
    words = ("--series", "spring", "--count", "12000", "--lot", "may", "--out", str(out))

    made = shop("coupons", "generate", *words, "--json")

    assert (made.code, made.json["made"], made.json["size"]) == (0, 12000, 12000)
    rows = rows_of(out)
    codes = {normal(row["code"]) for row in rows}
    assert (len(rows), len(codes), tuple(rows[0])) == (12000, 12000, COLUMNS)
    assert not any(map(is_mistyped, codes))
    assert {(row["state"], row["uses"], row["most"]) for row in rows} == {("active", "0", "1")}

    assert shop("coupons", "generate", *words).code == 0, "the same again is done already"
    assert len(shop("coupons", "lots", "--json").json) == 1
    assert {normal(row["code"]) for row in rows_of(out)} == codes


def test_a_lot_that_was_cut_off_goes_on_where_it_was(shop, tmp_path, monkeypatch):
    out, fill, portions = tmp_path / "codes.csv", service.fill_lot, []

    def cut_off(*said, **more):
        if len(portions) == 2:
            raise KeyboardInterrupt
        portions.append(1)
        return fill(*said, **more)

    words = ("--series", "spring", "--count", "14000", "--lot", "june", "--out", str(out))
    monkeypatch.setattr(service, "fill_lot", cut_off)
    with pytest.raises(BaseException):  # noqa: B017, PT011 - as click passes it on
        assert shop("coupons", "generate", *words).code == 0
    monkeypatch.setattr(service, "fill_lot", fill)
    (lot,) = shop("coupons", "lots", "--json").json
    assert 0 < lot["made"] < 14000

    again = shop("coupons", "generate", *words, "--json")

    assert again.json["made"] == 14000
    assert len(rows_of(out)) == 14000


def test_a_lot_without_a_name_tells_the_one_that_goes_on_with_it(shop, tmp_path):
    words = ("coupons", "generate", "--series", "spring", "--count", "5")
    made = shop(*words, "--json")
    (name,) = re.findall(r'--lot "(.+)"', made.err)

    assert shop(*words, "--lot", name, "--json").json == made.json
    assert len(shop("coupons", "lots", "--json").json) == 1


def test_files_of_codes_are_for_their_owner_alone(shop, tmp_path):
    """Each is worth what its promotion gives."""
    made, told, bad = (tmp_path / name for name in ("made.csv", "told.csv", "bad.csv"))
    shop("coupons", "generate", "--series", "spring", "--count", "5", "--out", str(made))
    shop("coupons", "export", str(told))
    shop("import", "coupons", str(told), "--lot", "again", "--rejected", str(bad))

    assert len(rows_of(bad)) == 5
    assert {file.stat().st_mode & 0o777 for file in (made, told, bad)} == {0o600}


def test_a_lot_of_other_words_is_refused_and_so_is_an_unknown_series(shop):
    assert shop("coupons", "generate", "--series", "spring", "--count", "5", "--lot", "a").code == 0

    for words, said in (
        (("--series", "spring", "--count", "6", "--lot", "a"), "other words"),
        (("--series", "summer", "--count", "6"), "Not a series"),
        (("--series", "spring", "--count", "6", "--member", "m_1"), "member"),
    ):
        refused = shop("coupons", "generate", *words)
        assert refused.code == 1
        assert said in refused.err


def test_a_coupon_is_shown_blocked_and_given_back(shop, tmp_path):
    out = tmp_path / "codes.csv"
    shop(
        "coupons", "generate", "--series", "spring", "--count", "1", "--lot", "a", "--out", str(out)
    )
    (row,) = rows_of(out)

    def state():
        return shop("coupons", "show", row["code"].lower(), "--json").json["state"]

    assert state() == "active"
    assert shop("coupons", "block", row["code"]).code == 0
    assert state() == "blocked"
    assert shop("coupons", "unblock", row["code"]).code == 0
    assert shop("coupons", "block", "--lot", "a").code == 0
    assert state() == "blocked"
    assert shop("coupons", "unblock", "--lot", "a").code == 0
    assert state() == "active"

    unknown = shop("coupons", "show", "NONE-SUCH")
    assert (unknown.code, "no such coupon" in unknown.err.lower()) == (1, True)


def test_no_code_that_was_brought_in_is_a_formula_of_the_export(shop, tmp_path):
    old, out = tmp_path / "old.csv", tmp_path / "out.csv"
    old.write_text('code,series\n"=HYPERLINK(A1)",spring\n', "utf-8")
    assert shop("import", "coupons", str(old), "--lot", "old").code == 0

    assert shop("coupons", "export", str(out)).code == 0

    assert [row["code"] for row in rows_of(out)] == ["'=HYPERLINK(A1)"]
    again = shop("import", "coupons", str(out), "--lot", "old", "--json")
    assert (again.json["added"], again.json["known"]) == (0, 1)


# --- import -----------------------------------------------------------------------------------


OLD = """\
code,series,member,most,uses,state,starts_at,ends_at
SPRING-1,spring,,,,,,
spring 1,spring,,,,,,
VIP-10,,+7 916 123-45-67,3,1,,2026-01-01,2099-12-31
GONE,spring,,1,1,,,
OLD,spring,,,,,,2020-01-01
LATE,spring,,,,expired,,
NOBODY,spring,+7 916 000-00-00,,,,,
,spring,,,,,,
X-777,summer,,,,,,
SHUT-1,spring,,,,blocked,,
MANY-1,spring,,ten,,,,
BAD-TIME,spring,,,,,tomorrow,
NO-START,spring,,,,,0001-01-01,
NO-END,spring,,,,,,9999-12-31
NO-END-2,spring,,,,,,9999-12-31T23:59:59-05:00
"""
BAD = [
    (3, "stands in the file before"),
    (5, "is used already"),
    (6, "is expired already"),
    (7, "is expired already"),
    (8, "names a member whom nobody knows"),
    (9, "has no code of 3 to 64 characters"),
    (10, "has no series of the rules in force"),
    (12, "has most that is no whole number"),
    (13, "has a starts_at that is no time"),
    (14, "has a starts_at that is no time"),
    (15, "has a ends_at that is no time"),
    (16, "has a ends_at that is no time"),
]


@pytest.fixture
def old(shop, data_dir, tmp_path):
    """A file of an older system, and the member that it names."""
    engine = make_engine(f"sqlite:///{data_dir / 'hub.db'}")
    plans = PlanCache()

    def enrol(connection):
        programme = get_programme(connection, "demo")
        source = Source(programme.id, "key:till")
        return enrol_member(connection, plans, source, NewMember(phone="+79161234567"), now=NOON)

    card = transact(engine, enrol)
    engine.dispose()
    file = tmp_path / "old.csv"
    file.write_text(OLD, "utf-8")
    return file, card.id


def test_a_file_is_brought_in_and_each_bad_line_is_told(shop, old, tmp_path):
    file, anna = old
    words = ("import", "coupons", str(file), "--series", "spring", "--json")

    dry = shop(*words, "--dry-run")
    assert (dry.code, dry.json["would_be_added"], dry.json["rejected"]) == (1, 3, len(BAD))
    assert [(one["line"], one["why"]) for one in dry.json["lines"]] == BAD
    assert shop("coupons", "show", "SPRING-1").code == 1, "a dry run writes nothing"

    rejected = tmp_path / "rejected.csv"
    done = shop(*words, "--rejected", str(rejected))
    assert (done.code, done.json["added"], done.json["known"]) == (1, 3, 0)
    assert [row["rejected"] for row in rows_of(rejected)] == [why for _, why in BAD]
    assert rows_of(rejected)[0]["code"] == "spring 1"

    vip = shop("coupons", "show", "vip10", "--json").json
    assert (vip["member"], vip["most"], vip["uses"], vip["state"]) == (anna, 2, 0, "active")
    assert vip["ends_at"] == "2099-12-31T21:00:00+00:00", "the midnight that ends its last day"
    assert shop("coupons", "show", "SHUT-1", "--json").json["state"] == "blocked"

    again = shop(*words)
    assert (again.json["added"], again.json["known"]) == (0, 3), "the same once more adds nothing"
    (lot,) = shop("coupons", "lots", "--json").json
    assert (lot["lot"], lot["made"]) == ("old", 3)

    other = shop(*words, "--lot", "another")
    assert (2, "is a coupon already") in [(one["line"], one["why"]) for one in other.json["lines"]]


def test_a_code_that_comes_again_much_later_in_the_file_is_told(shop, tmp_path):
    """Lines are brought in by portions; a dry run says what the run itself will say."""
    file = tmp_path / "long.csv"
    lines = [f"CODE-{number}" for number in range(12_000)]
    file.write_text("\n".join(["code", *lines, "code 7"]) + "\n", "utf-8")
    words = ("import", "coupons", str(file), "--series", "spring", "--json")
    again = [{"line": 12_002, "why": "stands in the file before"}]

    dry = shop(*words, "--dry-run")
    assert (dry.json["would_be_added"], dry.json["lines"]) == (12_000, again)
    done = shop(*words)
    assert (done.json["added"], done.json["known"], done.json["lines"]) == (12_000, 0, again)
    once_more = shop(*words)
    assert (once_more.json["added"], once_more.json["known"]) == (0, 12_000)


def test_columns_of_an_export_by_its_own_names(shop, tmp_path):
    file = tmp_path / "их.csv"
    file.write_text("Промокод;Остаток\nВЕСНА-1;5\n", "cp1251")
    words = ("import", "coupons", str(file), "--series", "spring", "--encoding", "cp1251")

    refused = shop(*words)
    assert (refused.code, "no column code" in refused.err) == (1, True)
    done = shop(*words, "--column", "code=Промокод", "--column", "most=Остаток", "--json")

    assert (done.code, done.json["added"]) == (0, 1)
    assert shop("coupons", "show", "весна1", "--json").json["most"] == 5


def test_what_was_exported_can_be_brought_in_elsewhere(shop, tmp_path):
    out, back = tmp_path / "out.csv", tmp_path / "back.csv"
    shop("coupons", "generate", "--series", "spring", "--count", "3", "--out", str(out))
    assert shop("coupons", "export", str(back)).code == 0
    assert rows_of(back) == rows_of(out)

    rules = shop("rules", "show", "--programme", "demo").json
    (tmp_path / "rules.json").write_text(json.dumps(rules), "utf-8")
    assert shop("programmes", "create", "other").code == 0
    there = ("--programme", "other")
    assert shop("rules", "publish", str(tmp_path / "rules.json"), *there).code == 0

    done = shop("import", "coupons", str(back), "--json", *there)

    assert (done.code, done.json["added"]) == (0, 3)
