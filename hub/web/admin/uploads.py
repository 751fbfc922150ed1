"""A file that somebody brings in: read, tried or taken, and told of line by line."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from hub.sheets import Rows, Sheet, SheetUnreadable
from hub.web.admin import words
from hub.web.admin.context import the_hub
from hub.web.admin.formats import number
from hub.web.admin.import_words import sentence, unreadable
from hub.web.admin.languages import gettext
from hub.web.admin.lot_forms import by_field
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.service.import_codes import Line, Report
from loyalty_core.store.database import transact

MOST_BYTES = 32 << 20
_MOST_UNPACKED = 256 << 20
"""Of a packed file: a web process holds all its texts at once."""
MOST_LINES = 100_000
"""More than that takes longer than a browser waits: there is the command line for it."""
ENDPOINTS = frozenset(
    {"admin.catalogue.bring_in", "admin.coupons.bring_in", "admin.certificates.bring_in"}
)
"""Where a request may be so large."""
SHOWN = 50
"""Bad lines that the page tells of."""

Take = Callable[[Connection, Sequence[Line]], Report]


@dataclass(frozen=True, slots=True)
class Taking:
    """What a file is brought in as.  `headings`: what our `words` may be called in the file,
    beside themselves; `needed` of them must be there."""

    words: Sequence[str]
    headings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    needed: Sequence[str] = ("code",)


@dataclass(slots=True)
class Outcome:
    """What became of a file.  `errors`: by the field of the form, "" for the file as a whole."""

    dry: bool
    report: Report = field(default_factory=Report)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        return self.report.added + self.report.known + len(self.report.bad)

    @property
    def bad(self) -> Sequence[tuple[int, str]]:
        """The first bad lines, in the language of the page."""
        return [(number, sentence(why)) for number, why in self.report.bad[:SHOWN]]


def is_dry() -> bool:
    """Whether the form only asks what would become of the file."""
    return request.form.get("dry") != "no"


def bring_in(taking: Taking, take: Take) -> Outcome:
    """Read the file of the form and take it portion by portion, each in a transaction."""
    outcome = Outcome(is_dry())
    file = request.files.get("file")
    if file is None or not file.filename:
        outcome.errors["file"] = gettext("Choose a file.")
        return outcome
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        file.save(path)
        file.close()
        try:
            _take_all(path, taking, take, outcome)
        except SheetUnreadable as error:
            outcome.errors["file"] = unreadable(error, file.filename)
        except InvalidInput as error:
            outcome.errors |= by_field(error)
    return outcome


def _take_all(path: Path, taking: Taking, take: Take, outcome: Outcome) -> None:
    sheet = Sheet(path, None, most_unpacked=_MOST_UNPACKED)
    called = {name.casefold(): name for name in sheet.names}
    told = {
        word: called[heading]
        for word, headings in taking.headings.items()
        for heading in headings
        if heading in called and word not in called
    }
    rows = Rows(sheet, taking.words, told=told, needed=taking.needed)
    # Read through before anything is taken: a file is refused as a whole.
    if sum(1 for _ in islice(sheet.rows(), MOST_LINES + 1)) > MOST_LINES:
        outcome.errors["file"] = gettext(
            "A browser brings in at most %(most)s lines; for more there is the command line.",
            most=number(MOST_LINES),
        )
        return
    for portion in rows.portions():
        lines = [line for line, _ in portion]
        part = transact(the_hub().engine, partial(_portion, take, lines))
        outcome.report.added += part.added
        outcome.report.known += part.known
        outcome.report.bad += part.bad


def _portion(take: Take, lines: Sequence[Line], connection: Connection) -> Report:
    return take(connection, lines)


def page(outcome: Outcome | None, **more: object) -> ResponseReturnValue:
    """The form with what became of its file; a fragment's request gets that alone, so the file
    stays chosen."""
    name = "report" if "HX-Request" in request.headers else "file"
    answer = render_template(
        f"admin/import_{name}.html",
        outcome=outcome,
        form=request.form,
        errors=outcome.errors if outcome else {},
        shown=SHOWN,
        words=words,
        **more,
    )
    return answer, 422 if outcome and outcome.errors else 200
