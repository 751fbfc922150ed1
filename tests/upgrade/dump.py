"""A small hub's whole database as JSON, for the releases to come: `python -m tests.upgrade.dump`.

Run it with the code of a release, before its successor's first migration; it writes
`dumps/<revision>.json`, which is committed and never made anew.  Everybody in it is invented.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, LargeBinary, MetaData, select

from hub.app import create_app
from loyalty_core.store.database import make_engine, read
from loyalty_core.store.migrate import upgrade
from tests.hub.api.bodies import ANNA, a_basket, a_purchase, a_refund
from tests.hub.api.client import Caller, new_key
from tests.support.ingest import Shopfloor
from tests.support.shopfloor import receipt

DUMPS = Path(__file__).parent / "dumps"
BORIS = "+79161234599"


def play(engine: Engine) -> str:
    """Two members, three weeks, everything that leaves a row; the API key that was used."""
    shop = Shopfloor(engine)
    key = new_key(shop.hub, shop.programme.id).key
    till = Caller(create_app(shop.hub), key)
    person = {"phone": ANNA, "email": "anna@example.com", "first_name": "Anna"}
    _done(till.post("/members", {**person, "attributes": {"size": "M"}}))
    _done(till.post("/purchases", a_purchase(), headers={"Idempotency-Key": "one"}))
    _done(till.post("/refunds", a_refund(amount="100.00", lines=[_back("0.1", "100.00")])))
    _done(till.post("/refunds", a_refund(external_id="r-lost", purchase="p-lost")))
    shop.deliver(event=receipt("w-1", "300.00", customer={"phone": BORIS, "verified": True}))
    shop.deliver(event=receipt("w-2", shop="nowhere"))
    shop.remote.put("order", "7", receipt("w-7", "200.00"))
    shop.deliver(hint=[["order", "7"]])
    shop.drain()
    shop.clock.advance(days=20)
    spend = {"member": {"phone": ANNA, "verified": True}, "spend": "10.00", "cart": "cart-1"}
    _done(till.post("/holds", a_basket(**spend)))
    visit = {"kind": "visit", "external_id": "v-1", "member": {"phone": ANNA}, "data": {"n": 1}}
    _done(till.post("/events", {**visit, "occurred_at": "2026-04-03T12:00:00+03:00"}))
    shop.deliver(event=receipt("w-3", "50.00"))
    return key


def _back(quantity: str, paid_back: str) -> dict[str, str]:
    return {"id": "1", "quantity": quantity, "paid_back": paid_back}


def _done(answer: Any) -> None:
    assert answer.status_code < 300, answer.get_data(as_text=True)


def dumped(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table as it is stored; bytes in base64."""
    known = MetaData()
    known.reflect(connection)
    return {
        table.name: [
            {name: _told(value) for name, value in row.items()}
            for row in connection.execute(select(table)).mappings()
        ]
        for table in known.sorted_tables
    }


def load(connection: Connection, tables: dict[str, list[dict[str, Any]]]) -> None:
    """Put the rows of a dump in the tables of its own schema, which are there and empty."""
    known = MetaData()
    known.reflect(connection)
    for name, rows in tables.items():
        table = known.tables[name]
        if rows and name != "alembic_version":
            connection.execute(table.insert(), [_stored(table.c, row) for row in rows])


def _told(value: Any) -> Any:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value


def _stored(columns: Any, row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: base64.b64decode(value)
        if value is not None and isinstance(columns[name].type, LargeBinary)
        else value
        for name, value in row.items()
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/hub.db")
        upgrade(engine)
        key = play(engine)
        with read(engine) as connection:
            tables = dumped(connection)
        engine.dispose()
    (revision,) = (row["version_num"] for row in tables["alembic_version"])
    place = DUMPS / f"{revision}.json"
    lines = [f"{json.dumps(name)}: {_lines(rows)}" for name, rows in tables.items()]
    text = ",\n".join(lines)
    place.write_text(f'{{"key": {json.dumps(key)}, "tables": {{\n{text}\n}}}}\n', "utf-8")
    sys.stderr.write(f"{place.name}\n")
    return 0


def _lines(rows: list[dict[str, Any]]) -> str:
    return "[" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "]"


if __name__ == "__main__":
    sys.exit(main())
