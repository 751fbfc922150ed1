"""Tables as files: CSV row by row, or an XLSX.  No cell is a formula to a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, repeat
from typing import Any

from flask import Response, request, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, Engine
from werkzeug.exceptions import BadRequest

from hub.sheets import guarded
from hub.web.admin.context import the_hub
from loyalty_core.store.database import look

MOST_IN_XLSX = 100_000
"""Rows: a workbook is made whole before its first byte goes out."""
_CSV = "text/csv; charset=utf-8"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"

Row = Mapping[str, Any] | list[str]
"""By the names of the columns, or cell by cell."""
Rows = Iterable[Sequence[Row]]


def table(
    name: str,
    columns: Sequence[str],
    pages: Callable[[Connection], Rows],
    *,
    count: int,
    decimals: Collection[str] = (),
) -> ResponseReturnValue:
    """The file that the form's `format` asks for; `pages` are read as of one moment.

    CSV as spreadsheets in Russia open it: semicolons, a mark that it is UTF-8, and a comma in the
    columns of `decimals`, where 3.12 would be the third of December.  In a workbook these are
    numbers.

    Raises: BadRequest (another format, or more than `MOST_IN_XLSX` rows in one).
    """
    form = request.form.get("format")
    if form == "csv":
        answer = Response(_csv(the_hub().engine, columns, pages, decimals), content_type=_CSV)
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
        return answer
    if form != "xlsx" or count > MOST_IN_XLSX:
        raise BadRequest
    return send_file(
        _xlsx(columns, pages, decimals),
        mimetype=_XLSX,
        as_attachment=True,
        download_name=f"{name}.xlsx",
    )


def _csv(
    engine: Engine,
    columns: Sequence[str],
    pages: Callable[[Connection], Rows],
    decimals: Collection[str],
) -> Iterator[str]:
    yield _BOM
    with look(engine) as connection:
        yield _text([list(columns)])
        for page in pages(connection):
            rows = ([_in_csv(*one, decimals) for one in _cells(row, columns)] for row in page)
            yield _text(list(rows))


def _text(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows(rows)
    return out.getvalue()


def _xlsx(
    columns: Sequence[str], pages: Callable[[Connection], Rows], decimals: Collection[str]
) -> io.BytesIO:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(columns))
    with look(the_hub().engine) as connection:
        for page in pages(connection):
            for row in page:
                sheet.append([_in_xlsx(*one, decimals) for one in _cells(row, columns)])
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


def _cells(row: Row, columns: Sequence[str]) -> list[tuple[str, str]]:
    """Each with the name of its column; cells beyond the columns have none."""
    values = row if isinstance(row, list) else [row.get(name) for name in columns]
    texts = ["" if value is None else str(value) for value in values]
    return list(zip(chain(columns, repeat("")), texts, strict=False))


def _in_csv(column: str, text: str, decimals: Collection[str]) -> str:
    return text.replace(".", ",") if column in decimals else guarded(text)


def _in_xlsx(column: str, text: str, decimals: Collection[str]) -> str | Decimal:
    return Decimal(text) if text and column in decimals else guarded(text)
