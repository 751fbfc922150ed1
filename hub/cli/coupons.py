"""`coupons`: lots of codes, made, brought in, written out, blocked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from hub.cli.code_file import (
    bring_in_file,
    column_option,
    dry_option,
    encoding_option,
    out_option,
    rejected_option,
    write_codes,
)
from hub.cli.output import json_option, print_row, print_rows, progress_bar
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.wiring import Hub
from loyalty_core.service import coupons as service
from loyalty_core.service.coupons import NewLot
from loyalty_core.service.import_codes import Way
from loyalty_core.service.import_coupons import WORDS, CouponImport
from loyalty_core.store.coupons import KeptLot
from loyalty_core.store.database import read, transact

AUTHOR = "command line"
COLUMNS = ("code", "series", "member", "most", "uses", "state", "starts_at", "ends_at")


class Moment(click.ParamType[datetime]):
    """An ISO 8601 time with an offset."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail(f"{value!r} is not an ISO 8601 time with an offset.", param, ctx)
        return moment


@click.group()
def coupons() -> None:
    """Coupons: lots of codes for the series in the rules."""


@coupons.command()
@click.option("--series", required=True, help="Of the rules in force.")
@click.option("--count", "size", required=True, type=click.IntRange(1, service.MOST))
@click.option(
    "--lot", "name", help="A name of its own: the same again goes on where it was cut off."
)
@click.option("--member", metavar="ID", help="Whose they are (m_...).  Left out, anybody's.")
@click.option("--starts", type=Moment(), help="Left out, as the series says.")
@click.option("--ends", type=Moment(), help="Left out, as the series says.")
@out_option
@programme_option
@json_option
def generate(  # noqa: PLR0913 - the command's own words
    series: str,
    size: int,
    name: str | None,
    member: str | None,
    starts: datetime | None,
    ends: datetime | None,
    out: Path | None,
    code: str | None,
    as_json: bool,
) -> None:
    """Make a lot of coupons, up to 1,000,000, and write their codes to a file."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    now = hub.clock.now()
    wanted = NewLot(name or f"{series} {now:%Y-%m-%d %H:%M:%S}", series, size, member, starts, ends)
    transact(
        hub.engine,
        lambda connection: service.open_lot(
            connection, hub.plans, programme.id, wanted, author=AUTHOR, now=now
        ),
    )
    if name is None:
        click.echo(f'Should it be cut off, --lot "{wanted.name}" goes on with it.', err=True)
    with progress_bar("Making", "coupon") as move:
        for lot in _filled(hub, programme.id, wanted.name):
            move(lot.made, lot.size)
    if out is not None:
        _write(hub, programme.id, lot, out)
    print_row(_lot_row(lot), as_json)


@click.command("coupons")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--lot", "name", help="Name of their lot; left out, that of the file.")
@click.option("--series", help="Of lines that name none.")
@column_option(WORDS)
@encoding_option
@dry_option
@rejected_option
@programme_option
@json_option
def bring_in(  # noqa: PLR0913 - the command's own words
    file: Path,
    name: str | None,
    series: str | None,
    columns: tuple[str, ...],
    encoding: str | None,
    dry: bool,
    rejected: Path | None,
    code: str | None,
    as_json: bool,
) -> None:
    """Bring in coupons that exist, from a CSV or XLSX file; the same once more brings in what is
    missing.

    Exits with 1 if a line could not be taken.
    """
    hub = open_hub()
    programme = chosen_programme(hub, code)
    way = Way(hub.plans, programme.id, name or file.stem, series, AUTHOR, hub.clock.now(), dry=dry)
    bring_in_file(
        hub,
        CouponImport(way),
        file,
        WORDS,
        columns=columns,
        encoding=encoding,
        rejected=rejected,
        as_json=as_json,
    )


@coupons.command()
@click.option("--lot", "name", help="Left out: all coupons of the programme.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@programme_option
def export(name: str | None, file: Path, code: str | None) -> None:
    """Write coupons with their uses to a CSV file."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        lot = None if name is None else service.find_lot(connection, programme.id, name)
    _write(hub, programme.id, lot, file)


@coupons.command("lots")
@programme_option
@json_option
def list_lots(code: str | None, as_json: bool) -> None:
    """List the lots."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        rows = [_lot_row(lot) for lot in service.list_lots(connection, programme.id)]
    print_rows(rows, as_json, none="No lots.")


@coupons.command()
@click.argument("coupon", metavar="CODE")
@programme_option
@json_option
def show(coupon: str, code: str | None, as_json: bool) -> None:
    """Tell of one coupon."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        told = service.show_coupon(connection, programme.id, coupon, now=hub.clock.now())
    print_row(told, as_json)


@coupons.command()
@click.argument("coupon", metavar="CODE", required=False)
@click.option("--lot", "name", help="All coupons of a lot instead of one.")
@programme_option
@json_option
def block(coupon: str | None, name: str | None, code: str | None, as_json: bool) -> None:
    """Let a coupon, or all of a lot, not be used any more."""
    _set_blocked(coupon, name, code, as_json, blocked=True)


@coupons.command()
@click.argument("coupon", metavar="CODE", required=False)
@click.option("--lot", "name", help="All coupons of a lot instead of one.")
@programme_option
@json_option
def unblock(coupon: str | None, name: str | None, code: str | None, as_json: bool) -> None:
    """Let it be used again."""
    _set_blocked(coupon, name, code, as_json, blocked=False)


def _set_blocked(
    coupon: str | None, name: str | None, code: str | None, as_json: bool, *, blocked: bool
) -> None:
    if (coupon is None) == (name is None):
        raise click.UsageError("Give either a CODE or a --lot.")
    hub = open_hub()
    programme = chosen_programme(hub, code)
    now = hub.clock.now()
    if name is not None:
        lot = transact(
            hub.engine,
            lambda connection: service.block_lot(
                connection, programme.id, name, blocked=blocked, author=AUTHOR, now=now
            ),
        )
        print_row(_lot_row(lot), as_json)
        return
    told = transact(
        hub.engine,
        lambda connection: service.block_coupon(
            connection, programme.id, coupon or "", blocked=blocked, author=AUTHOR, now=now
        ),
    )
    print_row(told, as_json)


def _filled(hub: Hub, programme_id: int, name: str) -> Iterator[KeptLot]:
    """The lot after each portion, until it is whole."""
    while True:
        lot = transact(
            hub.engine,
            lambda connection: service.fill_lot(connection, hub.plans, programme_id, name),
        )
        yield lot
        if lot.made >= lot.size:
            return


def _write(hub: Hub, programme_id: int, lot: KeptLot | None, file: Path) -> None:
    now = hub.clock.now()
    with read(hub.engine) as connection:
        total = service.count_coupons(connection, programme_id, lot)
        pages = service.all_coupons(connection, programme_id, lot)
        views = ([service.coupon_view(one, now) for one in page] for page in pages)
        write_codes(file, COLUMNS, views, total, "coupon")


def _lot_row(lot: KeptLot) -> dict[str, Any]:
    return {
        "lot": lot.name,
        "series": lot.series,
        "size": lot.size,
        "made": lot.made,
        "state": lot.state,
        "created_at": lot.created_at,
    }
