"""Everything of a programme in files that anybody can read, and that go back in."""

from __future__ import annotations

import csv
import json

import pytest

from tests.support.moving import card, write_rows

TABLES = ("members.csv", "lots.csv", "entries.csv", "receipts.csv", "coupons.csv")
OTHERS = ("purchases.jsonl", "refunds.jsonl", "rules.json", "README.md")


pytestmark = pytest.mark.usefixtures("on_engine")


@pytest.fixture
def base(demo, tmp_path):
    members = write_rows(
        tmp_path / "members.csv",
        "phone,card,external,name,birth_date,city,attr.size",
        "+79161234567,1;2,crm:17,Петрова Анна,14.03.1990,=Тверь,42",
        "+79161234568,3,,,,,",
    )
    balances = write_rows(
        tmp_path / "balances.csv",
        "card,points,expires_at,row",
        "1,100,31.12.2098,a",
        "1,50,31.12.2098,b",
        "3,-20,,",
    )
    receipts = write_rows(
        tmp_path / "receipts.csv",
        "receipt,bought_at,card,sku,goods,quantity,paid",
        "17,2024-06-05,1,tea,Чай,2,700",
        "17,2024-06-05,1,cup,Чашка,1,500",
        "18,2024-06-06,,tea,Чай,1,350",
    )
    rules = demo("rules", "show").json
    rules["policies"]["negative_balance"] = "allow"
    rules["coupons"] = [{"code": "spring", "name": "Весна"}]
    (tmp_path / "rules.json").write_text(json.dumps(rules), "utf-8")
    assert demo("rules", "publish", str(tmp_path / "rules.json")).code == 0
    for kind, file in (("members", members), ("balances", balances), ("purchases", receipts)):
        assert demo("import", kind, str(file)).code == 0
    assert demo("coupons", "generate", "--series", "spring", "--count", "3").code == 0
    return demo


def rows_of(file):
    with file.open(encoding="utf-8", newline="") as told:
        return list(csv.DictReader(told))


def test_r109_everything_is_written_in_an_open_form(base, tmp_path):
    folder = tmp_path / "out"

    told = base("export", str(folder), "--json")

    assert told.code == 0
    assert {one.name for one in folder.iterdir()} == {*TABLES, *OTHERS}
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    counts = {name: told.json[name] for name in told.json if name != "folder"}
    assert counts == {
        "members": 2,
        "lots": 3,
        "entries": 3,
        "receipt_lines": 3,
        "purchases": 2,
        "refunds": 0,
        "coupons": 3,
    }
    anna = next(row for row in rows_of(folder / "members.csv") if row["external"] == "crm:17")
    assert (anna["phone"], anna["card"], anna["city"]) == ("+79161234567", "1;2", "'=Тверь")
    assert json.loads(anna["attributes"]) == {"size": "42"}
    lots = rows_of(folder / "lots.csv")
    assert sorted(row["points"] for row in lots) == ["-20.00", "100.00", "50.00"]
    entries = rows_of(folder / "entries.csv")
    assert sorted(row["available"] for row in entries) == ["0.00", "100.00", "50.00"]
    documents = (folder / "purchases.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(one)["order"] for one in documents} == {"17", "18"}
    assert "import members" in (folder / "README.md").read_text("utf-8")


def test_r109_what_was_written_goes_back_in_elsewhere_with_equal_totals(base, tmp_path, engine):
    folder, there = tmp_path / "out", ("--programme", "there")
    base("export", str(folder))
    assert base("programmes", "create", "there").code == 0
    assert base("rules", "publish", str(folder / "rules.json"), *there).code == 0

    members = base("import", "members", str(folder / "members.csv"), "--json", *there).json
    balances = base("import", "balances", str(folder / "lots.csv"), "--json", *there).json
    receipts = base("import", "purchases", str(folder / "receipts.csv"), "--json", *there).json
    coupons = base("import", "coupons", str(folder / "coupons.csv"), "--json", *there).json

    assert (members["new"], members["rejected"]) == (2, 0)
    assert (balances["points_taken"], balances["rejected"]) == ("130.00", 0)
    assert (receipts["taken_receipts"], receipts["money_taken"]) == (2, "1550.00")
    assert coupons["added"] == 3
    again = tmp_path / "again"
    base("export", str(again), *there)
    same = ("phone", "email", "card", "external", "first_name", "city", "attributes", "enrolled_at")

    def people(place):
        return sorted([row[name] for name in same] for row in rows_of(place / "members.csv"))

    assert people(again) == people(folder)
    assert card(engine, phone="+79161234568").balance.debt == 2_000


def test_r109_a_folder_with_files_in_it_is_refused(base, tmp_path):
    refused = base("export", str(tmp_path))

    assert (refused.code, "not empty" in refused.err) == (1, True)
