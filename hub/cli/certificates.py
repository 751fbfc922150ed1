"""`certificates`: lots of gift certificates, issued, brought in, written out, blocked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from hub.cli.code_file import (
    bring_in_file,
    column_option,
    dry_option,
    encoding_option,
    out_option,
    rejected_option,
    write_codes,
)
from hub.cli.coupons import AUTHOR
from hub.cli.output import json_option, print_row, print_rows, progress_bar
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.wiring import Hub
from loyalty_core.domain.certificates import MOST_MINOR
from loyalty_core.service import certificates as service
from loyalty_core.service.certificate_views import certificate_view
from loyalty_core.service.certificates import NewLot
from loyalty_core.service.import_certificates import WORDS, CertificateImport
from loyalty_core.service.import_codes import Way
from loyalty_core.store.certificates import KeptLot
from loyalty_core.store.database import read, transact
from loyalty_kit.money import HUNDREDTHS, format_decimal, parse_decimal

COLUMNS = ("code", "series", "member", "nominal", "balance", "state", "ends_at")


class Money(click.ParamType[int]):
    """Roubles and kopecks, as kopecks."""

    name = "money"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        try:
            minor = parse_decimal(str(value), HUNDREDTHS)
        except ValueError:
            minor = 0
        if not 0 < minor <= MOST_MINOR:
            self.fail(f"{value!r} is not a sum of money, as 1000.00.", param, ctx)
        return minor


@click.group()
def certificates() -> None:
    """Gift certificates: lots of codes for the series in the rules."""


@certificates.command()
@click.option("--series", required=True, help="Of the rules in force.")
@click.option("--count", "size", required=True, type=click.IntRange(1, service.MOST))
@click.option("--nominal", type=Money(), help="Left out, as the series says, or each sale.")
@click.option("--loaded", is_flag=True, help="With their money on them: nobody has to buy them.")
@click.option(
    "--lot",
    "name",
    required=True,
    help="A name of its own: the same again goes on where it was cut off.",
)
@click.option("--member", metavar="ID", help="Whose they are (m_...).  Left out, anybody's.")
@out_option
@programme_option
@json_option
def generate(  # noqa: PLR0913 - the command's own words
    series: str,
    size: int,
    nominal: int | None,
    loaded: bool,
    name: str,
    member: str | None,
    out: Path | None,
    code: str | None,
    as_json: bool,
) -> None:
    """Issue a lot of certificates, up to 1,000,000, and write their codes to a file."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    now = hub.clock.now()
    wanted = NewLot(name, series, size, nominal, loaded, member)
    transact(
        hub.engine,
        lambda connection: service.open_lot(
            connection, hub.plans, programme.id, wanted, author=AUTHOR, now=now
        ),
    )
    with progress_bar("Making", "certificate") as move:
        for lot in _filled(hub, programme.id, name):
            move(lot.made, lot.size)
    if out is not None:
        _write(hub, programme.id, lot, out)
    print_row(_lot_row(lot), as_json)


@click.command("certificates")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--series", required=True, help="Of the rules in force: the lot keeps its terms.")
@click.option("--lot", "name", help="Name of their lot; left out, that of the file.")
@column_option(WORDS)
@encoding_option
@dry_option
@rejected_option
@programme_option
@json_option
def bring_in(  # noqa: PLR0913 - the command's own words
    file: Path,
    series: str,
    name: str | None,
    columns: tuple[str, ...],
    encoding: str | None,
    dry: bool,
    rejected: Path | None,
    code: str | None,
    as_json: bool,
) -> None:
    """Bring in certificates with their balances, from a CSV or XLSX file; the same once
    more brings in what is missing.

    Exits with 1 if a line could not be taken.
    """
    hub = open_hub()
    programme = chosen_programme(hub, code)
    way = Way(hub.plans, programme.id, name or file.stem, series, AUTHOR, hub.clock.now(), dry=dry)
    bring_in_file(
        hub,
        CertificateImport(way),
        file,
        WORDS,
        columns=columns,
        encoding=encoding,
        rejected=rejected,
        as_json=as_json,
    )


@certificates.command()
@click.option("--lot", "name", help="Left out: all certificates of the programme.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@programme_option
def export(name: str | None, file: Path, code: str | None) -> None:
    """Write certificates with their balances to a CSV file."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        lot = None if name is None else service.find_lot(connection, programme.id, name)
    _write(hub, programme.id, lot, file)


@certificates.command("lots")
@programme_option
@json_option
def list_lots(code: str | None, as_json: bool) -> None:
    """List the lots."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        rows = [_lot_row(lot) for lot in service.list_lots(connection, programme.id)]
    print_rows(rows, as_json, none="No lots.")


@certificates.command()
@click.argument("certificate", metavar="CODE")
@programme_option
@json_option
def show(certificate: str, code: str | None, as_json: bool) -> None:
    """Tell of one certificate."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        told = service.check_certificate(connection, programme.id, certificate, now=hub.clock.now())
    print_row(told, as_json)


@certificates.command()
@click.argument("certificate", metavar="CODE")
@programme_option
@json_option
def block(certificate: str, code: str | None, as_json: bool) -> None:
    """Let a certificate not be paid with any more; its money stays on it."""
    _set_blocked(certificate, code, as_json, blocked=True)


@certificates.command()
@click.argument("certificate", metavar="CODE")
@programme_option
@json_option
def unblock(certificate: str, code: str | None, as_json: bool) -> None:
    """Let it be used again."""
    _set_blocked(certificate, code, as_json, blocked=False)


def _set_blocked(certificate: str, code: str | None, as_json: bool, *, blocked: bool) -> None:
    hub = open_hub()
    programme = chosen_programme(hub, code)
    now = hub.clock.now()
    told = transact(
        hub.engine,
        lambda connection: service.block_certificate(
            connection, programme.id, certificate, blocked=blocked, author=AUTHOR, now=now
        ),
    )
    print_row(told, as_json)


def _filled(hub: Hub, programme_id: int, name: str) -> Iterator[KeptLot]:
    """The lot after each portion, until it is whole."""
    while True:
        lot = transact(
            hub.engine,
            lambda connection: service.fill_lot(
                connection, programme_id, name, now=hub.clock.now()
            ),
        )
        yield lot
        if lot.made >= lot.size:
            return


def certificate_pages(
    connection: Connection, programme_id: int, now: datetime, lot: KeptLot | None = None
) -> Iterator[list[dict[str, Any]]]:
    """Rows with `COLUMNS`, of a lot or of all."""
    for page in service.all_certificates(connection, programme_id, lot):
        views = [certificate_view(one, now) for one in page]
        # What live holds have reserved is on it all the same.
        sums = [format_decimal(one.book.figures.balance) for one in page]
        yield [
            {**view, "ends_at": view["expires_at"], "balance": balance}
            for view, balance in zip(views, sums, strict=True)
        ]


def _write(hub: Hub, programme_id: int, lot: KeptLot | None, file: Path) -> None:
    with read(hub.engine) as connection:
        total = service.count_certificates(connection, programme_id, lot)
        views = certificate_pages(connection, programme_id, hub.clock.now(), lot)
        write_codes(file, COLUMNS, views, total, "certificate")


def _lot_row(lot: KeptLot) -> dict[str, Any]:
    nominal = lot.nominal_minor
    return {
        "lot": lot.name,
        "series": lot.terms.series,
        "size": lot.size,
        "made": lot.made,
        "nominal": None if nominal is None else format_decimal(nominal),
        "loaded": lot.loaded,
        "created_at": lot.created_at,
    }
