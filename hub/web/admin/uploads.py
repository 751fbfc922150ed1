"""A file that somebody brings in: sent, checked, taken by a click, and told of line by line.

Every list that takes files has the same routes; `hub.uploads` does the work beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import NotFound

from hub import uploads as service
from hub.base_intake import COLUMNS_MISSING
from hub.sheets import SheetUnreadable
from hub.uploads import KINDS, Asked
from hub.web.admin import base_words, downloads, rights
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.formats import number
from hub.web.admin.import_words import unreadable
from hub.web.admin.languages import gettext, language
from hub.web.admin.lot_forms import by_field, whole_page
from hub.web.sentences import detail, field_message
from loyalty_core.domain.errors import ImportKnown, InvalidInput
from loyalty_core.domain.import_columns import BALANCES, MEMBERS, PURCHASES
from loyalty_core.store import uploads as store
from loyalty_core.store.database import read
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.uploads import Reject, UploadRow

MOST_BYTES = 32 << 20
HOMES: Mapping[str, str] = {
    service.PRODUCTS: "catalogue",
    service.COUPONS: "coupons",
    service.CERTIFICATES: "certificates",
    MEMBERS: "members_in",
    BALANCES: "balances_in",
    PURCHASES: "receipts_in",
}
"""Whose pages bring in a kind of files."""
ENDPOINTS = frozenset(f"admin.{home}.bring_in" for home in HOMES.values())
"""Where a request may be so large."""
SHOWN = 10
"""Refused lines that the page tells of."""
WIRE = "up"
_LONGEST_NAME = 200

Texts = Callable[[], Mapping[str, Any]]
"""What the page of one list says and asks beside the file."""
Options = Callable[[dict[str, str]], dict[str, str]]
"""Reads what was asked for beside the file, with what is wrong of it by its field."""


@dataclass(frozen=True, slots=True)
class Imports:
    """How files come in from the pages of one list."""

    kind: str
    texts: Texts
    options: Options

    def add_to(self, pages: Blueprint) -> None:
        for name, rule, view, methods in (
            ("bring_in", "/import", self.bring_in, ["GET", "POST"]),
            ("import_progress", "/import/progress", self.progress, ["GET"]),
            ("begin_import", "/import/begin", self.begin, ["POST"]),
            ("try_import_again", "/import/again", self.try_again, ["POST"]),
            ("stop_import", "/import/stop", self.stop, ["POST"]),
            ("refused_lines", "/import/refused", self.refused, ["POST"]),
        ):
            pages.add_url_rule(rule, name, view, methods=methods)

    def bring_in(self) -> ResponseReturnValue:
        """The form, with how far the last file has come; or a file that is sent."""
        errors: dict[str, str] = {}
        if request.method == "POST":
            errors = _send(self.kind, self.options)
            if not errors and "HX-Request" in request.headers:
                return "", {"HX-Refresh": "true"}
            if not errors:
                return redirect(url_for(".bring_in"))
        return page(self.kind, self.texts(), errors)

    def progress(self) -> ResponseReturnValue:
        """The fragment that the page asks for again while a file is at work; then all of it."""
        row = _last(self.kind)
        if row is None:
            raise NotFound
        told = render_template("admin/import_progress.html", **_told(row))
        return told, whole_page(not row.is_underway)

    def begin(self) -> ResponseReturnValue:
        """Take a file that was checked."""
        if not service.begin(the_hub(), named(self.kind)):
            flash(no_longer(), "danger")
        return redirect(url_for(".bring_in"))

    def try_again(self) -> ResponseReturnValue:
        """Take up one that was given up, from where it stands."""
        if not service.try_again(the_hub(), named(self.kind)):
            flash(no_longer(), "danger")
        return redirect(url_for(".bring_in"))

    def stop(self) -> ResponseReturnValue:
        if service.stop(the_hub(), named(self.kind)):
            flash(gettext("Stopped. The file is deleted."), "success")
        return redirect(url_for(".bring_in"))

    def refused(self) -> ResponseReturnValue:
        """The lines that were not taken, as they were, each with the reason behind it."""
        return _refused(named(self.kind))


def may_bring_in() -> set[str]:
    """Kinds of files that the person may bring in."""
    return {kind for kind, home in HOMES.items() if rights.may(f"{home}.bring_in")}


def given_up() -> list[UploadRow]:
    """Files that wait for somebody to try them again, of those that the person may bring in."""
    mine = may_bring_in()
    found = service.given_up(the_hub(), the_programme().id) if mine else []
    return [row for row in found if row.kind in mine]


def _send(kind: str, options: Options) -> dict[str, str]:
    """What is wrong, by the field of the form; "" for the file as a whole."""
    errors: dict[str, str] = {}
    told = options(errors)
    file = request.files.get("file")
    if file is None or not file.filename:
        errors["file"] = gettext("Choose a file.")
    if errors or file is None:
        return errors
    name = str(file.filename)[-_LONGEST_NAME:]
    try:
        if not _put(Asked(kind, name, told, author()), file):
            errors["file"] = gettext("A file is at work already; wait for it, or stop it.")
    except SheetUnreadable as error:
        errors["file"] = unreadable(error.template, error.facts, name)
    except ImportKnown as error:
        errors["file"] = base_words.known(error.facts["name"])
    except InvalidInput as error:
        errors |= by_field(error)
    return errors


def _put(asked: Asked, file: FileStorage) -> bool:
    try:
        return service.put(the_hub(), the_programme().id, asked, file.stream)
    finally:
        file.close()


def _last(kind: str) -> UploadRow | None:
    return service.last_upload(the_hub(), the_programme().id, kind)


def named(kind: str) -> UploadRow:
    """The last file, where the form means it and no other.  Raises: NotFound."""
    row = _last(kind)
    if row is None or from_wire(WIRE, request.form.get("upload", "")) != row.id:
        raise NotFound
    return row


def no_longer() -> str:
    return gettext("This file is at work already, or it was left.")


def page(kind: str, texts: Mapping[str, Any], errors: Mapping[str, str]) -> ResponseReturnValue:
    """The form; a fragment's request gets what is wrong alone, so the file stays chosen."""
    name = "wrong" if "HX-Request" in request.headers else "file"
    answer = render_template(
        f"admin/import_{name}.html",
        columns=[(word, base_words.meaning(kind, word)) for word in KINDS[kind].words],
        form=request.form,
        errors=errors,
        **_told(_last(kind), silent=bool(errors)),
        **texts,
    )
    return answer, 422 if errors else 200


def _told(row: UploadRow | None, *, silent: bool = False) -> dict[str, Any]:
    """How it stands; `silent`: without lines of it, where a page tells what is wrong."""
    if row is None:
        return {"row": None}
    bad: list[Reject] = []
    if row.rejected and not row.emptied_at and not silent:
        with read(the_hub().engine) as connection:
            portions = store.rejects(connection, row.id)
            bad = list(islice((one for lines in portions for one in lines), SHOWN))
    return {
        "row": row,
        "upload": to_wire(WIRE, row.id),
        "bad": [(line, base_words.why(row, why)) for line, why, _ in bad],
        "base": base_words.told(row) if row.kind in base_words.KINDS else None,
        "trouble_text": _trouble(row),
        "most_in_xlsx": downloads.MOST_IN_XLSX,
    }


def _trouble(row: UploadRow) -> str:
    """Why a file could not be brought in to its end, in the language of the page."""
    if row.error_code is None:
        return ""
    if row.error_code == service.UNREADABLE:
        return unreadable(row.error_facts["template"], row.error_facts["facts"], row.name)
    if row.error_code == COLUMNS_MISSING:
        return base_words.lacks(row)
    if row.error_code == service.TOO_LONG:
        return gettext(
            "A browser brings in at most %(most)s lines; for more there is the command line.",
            most=number(service.MOST_LINES),
        )
    if row.error_code == store.GIVEN_UP:
        return gettext(
            "The work on this file was broken off %(num)s times, each time before it got any"
            " further. The server may have too little memory, or be restarted again and again.",
            num=number(service.MOST_TRIES),
        )
    if row.error_facts:
        return " ".join(field_message(why, language()) for why in row.error_facts.values())
    return detail(row.error_code, language())


def _refused(row: UploadRow) -> ResponseReturnValue:
    why = gettext("Why it was not taken")
    # A file of refused lines that comes in again has such a column already.
    width = len(row.headings) - (row.headings[-1:] == [why])

    def rows(connection: Connection) -> Iterator[list[list[str]]]:
        for lines in store.rejects(connection, row.id):
            yield [_with_reason(row, line, width) for line in lines]

    columns = [*row.headings[:width], why]
    return downloads.table("refused", columns, rows, count=row.rejected)


def _with_reason(row: UploadRow, line: Reject, width: int) -> list[str]:
    """The reason stands under its heading, and what has no heading behind it."""
    number_, why, cells = line
    own: Sequence[str] = [*cells[:width], *[""] * (width - len(cells))]
    told = gettext("Line %(number)s: %(why)s", number=number_, why=base_words.why(row, why))
    return [*own, told, *cells[len(row.headings) :]]
