"""Everything of a programme in files that anybody can read, and that go back in."""

from __future__ import annotations

import csv
import json

import pytest

from hub.app import create_app
from hub.clock import SystemClock
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read
from tests.hub.api.client import Caller, new_key
from tests.support.hub import make_hub
from tests.support.moving import card, write_rows

TABLES = (
    "members.csv",
    "lots.csv",
    "entries.csv",
    "receipts.csv",
    "coupons.csv",
    "certificates.csv",
)
OTHERS = (
    "purchases.jsonl",
    "refunds.jsonl",
    "events.jsonl",
    "consents.jsonl",
    "reward_orders.jsonl",
    "rules.json",
    "README.md",
)


pytestmark = pytest.mark.usefixtures("on_engine")


@pytest.fixture
def base(demo, tmp_path, engine):
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
    rules["certificates"] = [{"code": "gift", "name": "Подарок", "nominal": "100.00"}]
    rules["events"] = [{"id": "visit", "name": "Визит", "kind": "visit", "points": "5"}]
    rules["reward_catalogue"] = [
        {"code": "mug", "name": "Кружка", "kind": "gift", "price": "10", "unlimited": True}
    ]
    (tmp_path / "rules.json").write_text(json.dumps(rules), "utf-8")
    assert demo("rules", "publish", str(tmp_path / "rules.json")).code == 0
    for kind, file in (("members", members), ("balances", balances), ("purchases", receipts)):
        assert demo("import", kind, str(file)).code == 0
    for what, series, count in (("coupons", "spring", "3"), ("certificates", "gift", "2")):
        words = ("--series", series, "--count", count, "--lot", "may")
        assert demo(what, "generate", *words).code == 0
    live_a_little(engine, demo, tmp_path)
    return demo


def live_a_little(engine, demo, tmp_path):
    """A visit earns 5, a mug costs 10, and a yes is said to processing."""
    hub = make_hub(engine, clock=SystemClock(), data_dir=tmp_path / "api")
    programme = demo("programmes", "list", "--json").json[0]["code"]
    with read(engine) as connection:
        number = get_programme(connection, programme).id
    api = Caller(create_app(hub), new_key(hub, number).key)
    anna = api.get("/members?card=1").json["items"][0]["id"]
    now = hub.clock.now().isoformat()
    visit = {"kind": "visit", "external_id": "v-1", "occurred_at": now, "member": {"id": anna}}
    told = [
        api.post("/events", visit),
        api.post(
            f"/members/{anna}/rewards", {"reward": "mug"}, headers={"Idempotency-Key": "mug-1"}
        ),
        api.post(
            f"/programmes/{programme}/consent-texts",
            {"purpose": "processing", "texts": {"ru": "Согласен."}},
        ),
        api.post(
            f"/members/{anna}/consents",
            {
                "consents": [
                    {
                        "purpose": "processing",
                        "given": True,
                        "text_version": 1,
                        "place": "shop",
                        "proof": {"how": "paper"},
                    }
                ]
            },
        ),
    ]
    assert [one.status_code for one in told] == [201, 201, 201, 200], [one.json for one in told]


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
        "entries": 5,
        "receipt_lines": 3,
        "purchases": 2,
        "refunds": 0,
        "events": 1,
        "consents": 1,
        "reward_orders": 1,
        "coupons": 3,
        "certificates": 2,
    }
    anna = next(row for row in rows_of(folder / "members.csv") if row["external"] == "crm:17")
    assert (anna["phone"], anna["card"], anna["city"]) == ("+79161234567", "1;2", "'=Тверь")
    assert json.loads(anna["attributes"]) == {"size": "42"}
    lots = rows_of(folder / "lots.csv")
    assert sorted(row["points"] for row in lots) == ["-20.00", "50.00", "95.00"]
    entries = rows_of(folder / "entries.csv")
    moved = [row["available"] for row in entries]
    assert sorted(moved) == ["-10.00", "0.00", "100.00", "5.00", "50.00"]
    assert {row["event"][:2] for row in entries if row["kind"] == "earn"} == {"e_"}
    assert {row["purchase"] for row in entries} == {""}, "a reward's order is no purchase"
    (line,) = (folder / "reward_orders.jsonl").read_text("utf-8").splitlines()
    order = json.loads(line)
    assert (order["reward"], order["points"], order["member_id"]) == ("mug", 1000, anna["member"])
    documents = (folder / "purchases.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(one)["order"] for one in documents} == {"17", "18"}
    assert "import members" in (folder / "README.md").read_text("utf-8")


def test_r109_what_was_written_goes_back_in_elsewhere_with_equal_totals(base, tmp_path, engine):
    folder, there = tmp_path / "out", ("--programme", "there")
    base("export", str(folder))
    assert base("programmes", "create", "there").code == 0
    assert base("rules", "publish", str(folder / "rules.json"), *there).code == 0

    bare = ("--without", "spent_before", "--without", "tier")  # the receipts tell that
    words = ("import", "members", str(folder / "members.csv"), *bare, "--json")
    members = base(*words, *there).json
    balances = base("import", "balances", str(folder / "lots.csv"), "--json", *there).json
    receipts = base("import", "purchases", str(folder / "receipts.csv"), "--json", *there).json
    coupons = base("import", "coupons", str(folder / "coupons.csv"), "--json", *there).json

    assert (members["new"], members["rejected"]) == (2, 0)
    assert (balances["points_taken"], balances["rejected"]) == ("125.00", 0)
    assert (receipts["taken_receipts"], receipts["money_taken"]) == (2, "1550.00")
    assert coupons["added"] == 3
    again = tmp_path / "again"
    base("export", str(again), *there)
    same = ("phone", "email", "card", "external", "first_name", "city", "attributes", "enrolled_at")

    def people(place):
        return sorted([row[name] for name in same] for row in rows_of(place / "members.csv"))

    assert people(again) == people(folder)
    assert card(engine, phone="+79161234568").balance.debt == 2_000

    def spent(place):
        return sorted(row["spent_before"] for row in rows_of(place / "members.csv"))

    assert spent(again) == spent(folder) == ["0.00", "1200.00"]


def test_r109_what_goes_back_in_where_it_came_from_is_told_and_not_booked_twice(base, tmp_path):
    folder = tmp_path / "out"
    base("export", str(folder))
    before = [row["points"] for row in rows_of(folder / "lots.csv")]

    told = base("import", "balances", str(folder / "lots.csv"), "--besides", "--json").json

    assert (told["points_taken"], told["rejected"]) == ("0.00", 3)
    assert {one["code"] for one in told["lines"]} == {"own_lot"}
    base("export", str(tmp_path / "again"))
    assert [row["points"] for row in rows_of(tmp_path / "again" / "lots.csv")] == before


def test_r109_a_folder_that_cannot_be_made_is_told_in_a_line(base):
    refused = base("export", "/proc/export")

    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "/proc/export cannot be written" in refused.err


def test_r109_a_folder_with_files_in_it_is_refused(base, tmp_path):
    refused = base("export", str(tmp_path))

    assert (refused.code, "not empty" in refused.err) == (1, True)
