"""`export`: everything of a programme in files that anybody can read."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from hub.cli.certificates import COLUMNS as CERTIFICATES
from hub.cli.certificates import certificate_pages
from hub.cli.coupons import COLUMNS as COUPONS
from hub.cli.output import json_option, print_row, progress_bar
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.cli.private_file import open_private
from hub.sheets import guarded
from loyalty_core.service import coupons
from loyalty_core.service import export_programme as service
from loyalty_core.service.programmes import Programme, get_rules
from loyalty_core.store import everything
from loyalty_core.store.database import look

Pages = Iterator[Sequence[Any]]


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@programme_option
@json_option
def export(folder: Path, code: str | None, as_json: bool) -> None:
    """Write all of a programme to FOLDER, which is made or empty, for its owner alone.

    What is written is how things stood at one moment.
    """
    hub = open_hub()
    programme = chosen_programme(hub, code)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written: {error.strerror}.") from None
    if not is_empty:
        raise click.ClickException(f"{folder} is not empty.")
    now = hub.clock.now()
    with look(hub.engine) as connection:
        total = everything.counts(connection, programme.id)
        out = _Folder(folder)
        told = {
            "members": out.table(
                "members.csv",
                service.MEMBERS,
                service.member_rows(connection, programme.id),
                total["members"],
            ),
            "lots": out.table("lots.csv", service.LOTS, service.lot_rows(connection, programme.id)),
            "entries": out.table(
                "entries.csv",
                service.ENTRIES,
                service.entry_rows(connection, programme.id),
                total["entries"],
            ),
            "receipt_lines": out.table(
                "receipts.csv", service.RECEIPTS, service.receipt_rows(connection, programme.id)
            ),
            "purchases": out.documents(
                "purchases.jsonl",
                service.purchase_documents(connection, programme.id),
                total["purchases"],
            ),
            "refunds": out.documents(
                "refunds.jsonl",
                service.refund_documents(connection, programme.id),
                total["refunds"],
            ),
            "events": out.documents(
                "events.jsonl", service.event_documents(connection, programme.id)
            ),
            "consents": out.documents(
                "consents.jsonl", service.consent_documents(connection, programme.id)
            ),
            "reward_orders": out.documents(
                "reward_orders.jsonl", service.order_documents(connection, programme.id)
            ),
            "coupons": out.table("coupons.csv", COUPONS, _coupons(connection, programme, now)),
            "certificates": out.table(
                "certificates.csv",
                CERTIFICATES,
                (
                    service.owners_named(connection, page)
                    for page in certificate_pages(connection, programme.id, now)
                ),
            ),
        }
        rules = get_rules(connection, programme.id)
    out.text("rules.json", json.dumps(rules, ensure_ascii=False, indent=2))
    readme = resources.files("hub.cli").joinpath("export_readme.md").read_text("utf-8")
    facts = {"name": programme.name, "code": programme.code, "at": now.isoformat()}
    out.text("README.md", readme.format(**facts))
    print_row({"folder": str(folder), **told}, as_json)


class _Folder:
    """Files that their owner alone may read."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def table(self, name: str, columns: Sequence[str], pages: Pages, total: int = 0) -> int:
        """How many rows it has."""
        with open_private(self._place / name) as file:
            writer = csv.writer(file)
            writer.writerow(columns)

            def write(page: Iterable[Any]) -> None:
                writer.writerows(
                    [guarded(_cell(row.get(column))) for column in columns] for row in page
                )

            return _written(name, pages, total, write)

    def documents(self, name: str, pages: Pages, total: int = 0) -> int:
        with open_private(self._place / name) as file:

            def write(page: Iterable[Any]) -> None:
                file.writelines(f"{json.dumps(one, ensure_ascii=False)}\n" for one in page)

            return _written(name, pages, total, write)

    def text(self, name: str, text: str) -> None:
        with open_private(self._place / name) as file:
            file.write(text)


def _written(name: str, pages: Pages, total: int, write: Callable[[Iterable[Any]], None]) -> int:
    done = 0
    with progress_bar(name, "row") as move:
        for page in pages:
            write(page)
            done += len(page)
            move(done, max(total, done))
    return done


def _coupons(connection: Connection, programme: Programme, now: Any) -> Pages:
    for page in coupons.all_coupons(connection, programme.id, None):
        views = [coupons.coupon_view(one, now) for one in page]
        yield service.owners_named(connection, views)


def _cell(value: object) -> str:
    return "" if value is None else str(value)
