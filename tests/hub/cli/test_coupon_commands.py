"""Coupons from the command line."""

from __future__ import annotations

import csv
import json

import pytest

from hub.cli.coupons import COLUMNS
from loyalty_core.domain.coupon_codes import is_mistyped, normal
from loyalty_core.service import coupons as service


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
