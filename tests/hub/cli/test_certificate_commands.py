"""Gift certificates from the command line."""

from __future__ import annotations

import csv
import json

import pytest

from hub.cli.certificates import COLUMNS
from loyalty_core.domain.certificates import LENGTH
from loyalty_core.domain.coupon_codes import is_mistyped, normal


@pytest.fixture
def shop(demo, tmp_path):
    """The command line with a programme whose rules have a series `gift`."""
    rules = demo("rules", "show").json
    rules["certificates"] = [{"code": "gift", "name": "Подарок", "life_days": 365}]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(rules), "utf-8")
    assert demo("rules", "publish", str(file)).code == 0
    return demo


def rows_of(file):
    with file.open(encoding="utf-8", newline="") as told:
        return list(csv.DictReader(told))


def test_a_lot_is_issued_and_written_out(shop, tmp_path):
    out = tmp_path / "codes.csv"
    words = ("--series", "gift", "--count", "6000", "--lot", "may", "--nominal", "1000.00")

    made = shop("certificates", "generate", *words, "--loaded", "--out", str(out), "--json")

    assert (made.code, made.json["made"], made.json["nominal"]) == (0, 6000, "1000.00")
    rows = rows_of(out)
    codes = {normal(row["code"]) for row in rows}
    assert (len(rows), len(codes), tuple(rows[0])) == (6000, 6000, COLUMNS)
    assert not any(is_mistyped(code, LENGTH) for code in codes)
    assert {(row["state"], row["balance"]) for row in rows} == {("active", "1000.00")}
    assert out.stat().st_mode & 0o777 == 0o600, "each is money"

    again = shop("certificates", "generate", *words, "--loaded", "--out", str(out))
    assert again.code == 0, "the same again is done already"
    assert {normal(row["code"]) for row in rows_of(out)} == codes
    (lot,) = shop("certificates", "lots", "--json").json
    assert (lot["lot"], lot["size"], lot["made"], lot["loaded"]) == ("may", 6000, 6000, True)


def test_a_lot_of_other_words_is_refused(shop):
    words = ("certificates", "generate", "--series", "gift", "--count", "5", "--lot", "a")
    assert shop(*words).code == 0

    for more, said in (
        (("--count", "6"), "other words"),
        (("--nominal", "5.00"), "other words"),
        (("--lot", "b", "--series", "none"), "Not a series"),
        (("--lot", "b", "--loaded"), "nominal"),
        (("--lot", "b", "--member", "m_1"), "member"),
    ):
        refused = shop(*words, *more)
        assert (refused.code, said in refused.err) == (1, True), (more, refused.err)
    assert shop(*words, "--lot", "b", "--nominal", "0").code == 2


def test_a_certificate_is_shown_and_blocked(shop, tmp_path):
    out = tmp_path / "codes.csv"
    words = ("--series", "gift", "--count", "1", "--lot", "a", "--nominal", "5.00", "--loaded")
    shop("certificates", "generate", *words, "--out", str(out))
    (row,) = rows_of(out)

    def seen():
        told = shop("certificates", "show", row["code"].lower(), "--json").json
        return told["state"], told["balance"]

    assert seen() == ("active", "5.00")
    assert shop("certificates", "block", row["code"]).code == 0
    assert seen() == ("blocked", "5.00")
    assert shop("certificates", "unblock", row["code"]).code == 0
    assert seen() == ("active", "5.00")
    unknown = shop("certificates", "show", "NONE-SUCH")
    assert (unknown.code, "no such gift certificate" in unknown.err.lower()) == (1, True)


OLD = """\
code;balance;nominal;state;ends_at;member
GIFT-1;1000,00;;;;
gift 1;500.00;;;;
GIFT-2;300.50;1000;active;2099-12-31;
GIFT-3;;500.00;;2099-12-31;
GIFT-4;700.00;;blocked;;
GONE;;1000.00;spent;;
OLD;100.00;;;2020-01-01;
ODD;abc;;;;
LESS;-5.00;;;;
FREE;;;active;;
EARLY;100.00;;issued;;
NOBODY;100.00;;;;+7 916 000-00-00
;100.00;;;;
"""
BAD = {
    3: "stands in the file before",
    7: "is spent already",
    8: "is expired already",
    9: "has a balance that is no sum of money",
    10: "has a balance that is not from 0 to 999999999.99",
    11: "is active and has no balance",
    12: "has a balance and was not paid for",
    13: "names a member whom nobody knows",
    14: "has no code of 3 to 64 characters",
}


def test_certificates_of_another_system_are_brought_in_with_what_is_left(shop, tmp_path):
    file, bad = tmp_path / "old.csv", tmp_path / "bad.csv"
    file.write_text(OLD, "utf-8")
    words = ("import", "certificates", str(file), "--series", "gift", "--json")

    dry = shop(*words, "--dry-run")
    assert (dry.code, dry.json["would_be_added"], dry.json["rejected"]) == (1, 4, 9)
    assert shop("certificates", "lots", "--json").json == []

    done = shop(*words, "--rejected", str(bad))
    assert (done.code, done.json["added"]) == (1, 4)
    assert {one["line"]: one["why"] for one in done.json["lines"]} == BAD
    assert [row["rejected"] for row in rows_of_semicolons(bad)] == list(BAD.values())
    again = shop(*words)
    assert (again.json["added"], again.json["known"]) == (0, 4)

    def seen(code):
        told = shop("certificates", "show", code, "--json").json
        return told["state"], told["balance"], told["nominal"]

    assert seen("GIFT-1") == ("active", "1000.00", "1000.00")
    assert seen("GIFT-2") == ("active", "300.50", "1000.00")
    assert seen("GIFT-3") == ("issued", "0.00", "500.00")
    assert seen("GIFT-4") == ("blocked", "700.00", "700.00")
    out = tmp_path / "all.csv"
    assert shop("certificates", "export", str(out)).code == 0
    ends = {row["code"]: row["ends_at"] for row in rows_of(out)}
    assert ends["GIFT2"] == "2099-12-31T21:00:00+00:00", "the last day is whole"
    assert shop("ledger", "verify").code == 0


def rows_of_semicolons(file):
    with file.open(encoding="utf-8", newline="") as told:
        return list(csv.DictReader(told, delimiter=";"))
