"""How large the database grows: bytes of each table by receipt, measured on real rows.

`python -m tests.torture.sizes` fills a private PostgreSQL through the inbox, as shops do, and
tells what a member and a receipt have come to, indexes and all.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click
from sqlalchemy import Connection, Engine, text

from hub.cli.output import print_json, print_rows, progress_bar
from hub.installations import create_installation
from hub.jobs.drain import drain
from hub.registry import registry_of
from hub.wiring import Hub
from loyalty_core.store import inbox
from loyalty_core.store.database import make_engine, transact
from loyalty_core.store.ids import from_wire
from loyalty_core.store.inbox import NewDelivery
from loyalty_core.store.migrate import upgrade
from loyalty_kit.money import format_decimal
from tests.support.clock import FixedClock
from tests.support.hub import make_hub
from tests.support.ledger import NOW, open_programme, rules
from tests.support.servers import NotStarted, start_postgres
from tests.support.shopfloor import SETTINGS, Remote, signed, tablo

BATCH = 100
NAMES = ("Чай чёрный листовой, 100 г", "Кофе в зёрнах, 250 г", "Печенье овсяное", "Мёд, 350 г")


class Shelf:
    """One till whose receipts come in the inbox's way."""

    def __init__(self, engine: Engine, members: int, lines: int) -> None:
        self._members, self._lines = members, lines
        self._chance = random.Random(1)
        self._programme = open_programme(engine, rules(earn="5")).programme_id
        self._clock = FixedClock(NOW)
        self.hub: Hub = make_hub(engine, clock=self._clock, registry=registry_of([tablo(Remote())]))
        till = create_installation(
            self.hub,
            programme_id=self._programme,
            connector="tablo",
            name="till",
            settings=SETTINGS,
        )
        self._installation = from_wire("i", till.id)
        self._made = 0

    def fill(self, receipts: int, progress: Callable[[int, int], None]) -> None:
        while self._made < receipts:
            self._clock.advance(minutes=10)
            count = min(BATCH, receipts - self._made)

            def keep(connection: Connection, count: int = count) -> None:
                for _ in range(count):
                    inbox.store(connection, self._delivery(), now=self._clock.now())

            transact(self.hub.engine, keep)
            drain(self.hub, self._programme)
            progress(self._made, receipts)

    def _delivery(self) -> NewDelivery:
        self._made += 1
        body = json.dumps({"no": self._made, "event": self._receipt()}).encode()
        assert self._installation is not None
        headers = {"content-type": "application/json", **signed(body)}
        return NewDelivery(
            self._installation, self._programme, "events", str(self._made), headers, body
        )

    def _receipt(self) -> dict[str, Any]:
        """Every member comes once before anybody comes again; every third pays with points."""
        member = self._made % self._members
        spend = self._chance.randint(1, 10_00) if self._made % 3 == 0 else 0
        at = self._clock.now() - timedelta(minutes=self._chance.randint(1, 600))
        return {
            "type": "purchase",
            "external_id": f"2026-03-{self._made:08}",
            "order": f"A-{self._made}",
            "occurred_at": at.isoformat(),
            "customer": {"phone": f"+7916{member:07}", "verified": True},
            "lines": [self._line(number, spend) for number in range(1, self._lines + 1)],
        }

    def _line(self, number: int, spend: int) -> dict[str, Any]:
        amount, part = self._chance.randint(50_00, 900_00), spend if number == 1 else 0
        return {
            "id": str(number),
            "sku": f"SKU-{self._chance.randint(1, 5000)}",
            "name": self._chance.choice(NAMES),
            "quantity": "1",
            "amount": format_decimal(amount),
            "spend": format_decimal(part),
            "paid": format_decimal(amount - part),
        }


def measure(engine: Engine, receipts: int, members: int) -> list[dict[str, Any]]:
    """By table: rows, bytes by row with and without indexes, and updates that were HOT."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM FULL ANALYZE"))
        rows = connection.execute(text(_SIZES)).mappings().all()
    return [
        {
            "table": row["relname"],
            "rows": row["rows"],
            "heap_by_row": round(row["heap"] / row["rows"]),
            "all_by_row": round(row["whole"] / row["rows"]),
            "by_receipt": round(row["whole"] / receipts),
            "by_member": round(row["whole"] / members),
            "hot_updates": f"{row['hot']} of {row['updated']}",
        }
        for row in rows
    ]


_SIZES = """
    SELECT c.relname, c.reltuples::bigint AS rows,
           pg_table_size(relid) AS heap, pg_total_relation_size(relid) AS whole,
           n_tup_upd AS updated, n_tup_hot_upd AS hot
    FROM pg_stat_user_tables JOIN pg_class c ON c.oid = relid
    WHERE c.reltuples >= 100 ORDER BY whole DESC
"""


@click.command()
@click.option("--members", default=2000, show_default=True)
@click.option("--receipts", default=10_000, show_default=True)
@click.option("--lines", default=10, show_default=True, help="Of each receipt.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a text for people.")
def main(members: int, receipts: int, lines: int, as_json: bool) -> None:
    """Measure what a receipt comes to in bytes."""
    try:
        server = start_postgres()
    except NotStarted as error:
        raise click.ClickException(str(error)) from None
    try:
        engine = make_engine(server.url)
        upgrade(engine)
        with progress_bar("Filling", "receipt") as move:
            Shelf(engine, members, lines).fill(receipts, move)
        told = measure(engine, receipts, members)
        engine.dispose()
    finally:
        server.stop()
    if as_json:
        print_json(told)
    else:
        print_rows(told, False, none="nothing was stored")
    sys.exit(0)


if __name__ == "__main__":
    main()
