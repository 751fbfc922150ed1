"""One file's way in from the command line: portions, rejected rows, the report."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from hub import import_words as words
from hub.bases import LONGEST_NAME, Base
from hub.cli.import_columns import Asked, columns_of
from hub.cli.import_file import RejectFile, apart
from hub.cli.output import print_json, progress_bar
from hub.cli.place import chosen_programme, open_hub
from hub.import_columns import Columns, Portion
from hub.sheets import Sheet
from hub.wiring import Hub
from loyalty_core.service import imports as service
from loyalty_core.service.imports import Bad, Kind, Report, Row
from loyalty_core.store import imports as store
from loyalty_core.store.database import read, transact
from loyalty_core.store.imports import KeptImport
from loyalty_core.store.scratch import Scratch
from loyalty_kit.money import format_decimal

AUTHOR = "command line"
SHOWN = 20
"""Bad rows that are told on the terminal."""
LISTED = 1000
"""Bad rows that are told in JSON."""


@dataclass(frozen=True, slots=True)
class Said:
    """The options of the command."""

    file: Path
    name: str | None
    columns: tuple[str, ...]
    without: tuple[str, ...]
    kept_as: str
    system: str | None
    encoding: str | None
    dry: bool
    rejected: Path | None
    besides: bool
    language: str
    as_json: bool


@dataclass(slots=True)
class Told:
    """What is told in the end."""

    counts: Counter[str] = field(default_factory=Counter)
    bad: list[Bad] = field(default_factory=list)
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)

    def add(self, report: Report) -> None:
        self.bad += report.bad[: max(0, LISTED - len(self.bad))]


def short_name(_context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    if name is not None and not 0 < len(name.strip()) <= LONGEST_NAME:
        raise click.BadParameter(f"from 1 to {LONGEST_NAME} characters")
    return name


def bring_in(kind: str, code: str | None, said: Said) -> None:
    """Bring in a file, or say what that would do."""
    apart(said.file, said.rejected)
    hub = open_hub()
    programme = chosen_programme(hub, code)
    sheet = Sheet(said.file, said.encoding)
    asked = Asked(said.columns, said.kept_as, said.system is not None, said.without)
    columns = columns_of(hub, programme.id, kind, sheet, asked)
    if not said.as_json:
        _tell_file(columns, said)
    with closing(Scratch()) as scratch:
        run = _Run(hub, programme.id, columns, said, scratch)
        told = run.dry() if said.dry else run.wet()
    _tell(columns, told, said)
    if told.counts["rejected"]:
        sys.exit(1)


class _Run:
    """One file, from its first row, or from where it was cut off, to its last."""

    def __init__(
        self, hub: Hub, programme_id: int, columns: Columns, said: Said, scratch: Scratch
    ) -> None:
        self._hub = hub
        self._programme_id = programme_id
        self._columns = columns
        self._said = said
        self._scratch = scratch
        name = said.name or said.file.stem[:LONGEST_NAME]
        how = (said.system, said.besides, AUTHOR)
        self._base = Base(programme_id, columns.kind, name, *how)
        self._told = Told()

    def dry(self) -> Told:
        now = self._hub.clock.now()
        kind, told = self._kind(now), self._told
        with read(self._hub.engine) as connection:
            service.refuse_known(connection, self._base.wanted(self._columns))
        told.before = self._totals()
        if self._is_surveyed():
            self._survey(kind)
        with ExitStack() as things, progress_bar("Reading", "row") as move:
            rejects = self._rejects(things, 0)
            for portion in self._columns.portions():
                with read(self._hub.engine) as connection:
                    report = kind.take(connection, _rows(portion), now=now, dry=True)
                report.counts["rows"] += len(portion)
                told.counts.update(report.counts)
                self._put(rejects, portion, report)
                rejects.settle()
                told.add(report)
                move(told.counts["rows"], self._columns.sheet.look.about_rows)
        told.after = {
            "members": told.before["members"] + told.counts["new"],
            "points": told.before["points"] + told.counts["points_taken"],
        }
        return told

    def wet(self) -> Told:
        hub, told = self._hub, self._told
        is_surveyed = self._is_surveyed()
        kept = transact(
            hub.engine,
            lambda c: service.begin_import(
                c, hub.plans, self._base.wanted(self._columns), now=hub.clock.now()
            ),
        )
        self._keep_columns()
        kind, skip = self._kind(kept.started_at), kept.position
        if skip and not self._said.as_json:
            click.echo(self._sentence("goes_on", position=skip))
        if is_surveyed:
            self._survey(kind)
        with ExitStack() as things, progress_bar("Bringing in", "row") as move:
            rejects = self._rejects(things, kept.bookmark)
            for portion in self._columns.portions():
                # Where it was cut off is between two receipts, if not between two portions:
                # another version of the hub may have made others.
                done, portion = portion[:skip], portion[skip:]
                skip -= len(done)
                if done:
                    self._skim(kind, done)
                if not portion:
                    continue
                kept, report = self._portion(kept, kind, portion, rejects)
                told.add(report)
                move(kept.position, self._columns.sheet.look.about_rows)
        kept = transact(
            hub.engine,
            lambda c: service.finish_import(c, hub.plans, kept, now=hub.clock.now()),
        )
        told.counts.update(kept.counts)
        told.before, told.after = kept.before, dict(kept.after or {})
        return told

    # --- inside -----------------------------------------------------------------------------

    def _is_surveyed(self) -> bool:
        with read(self._hub.engine) as connection:
            return self._base.is_surveyed(connection)

    def _survey(self, kind: Kind) -> None:
        with progress_bar("Reading", "row") as move:
            done = 0
            for portion in self._columns.portions():
                self._skim(kind, portion)
                done += len(portion)
                move(done, self._columns.sheet.look.about_rows)

    def _portion(
        self, kept: KeptImport, kind: Kind, portion: Portion, rejects: RejectFile
    ) -> tuple[KeptImport, Report]:
        now = self._hub.clock.now()

        def work(connection: Connection) -> tuple[KeptImport, Report]:
            return service.take_portion(
                connection,
                kept,
                kind,
                _rows(portion),
                partial(self._put, rejects, portion),
                now=now,
            )

        done = transact(self._hub.engine, work)
        rejects.settle()
        return done

    def _skim(self, kind: Kind, portion: Portion) -> None:
        with read(self._hub.engine) as connection:
            kind.skim(connection, _rows(portion), now=self._hub.clock.now())

    def _put(self, rejects: RejectFile, portion: Portion, report: Report) -> int:
        why = {bad.number: words.why(bad, self._said.language) for bad in report.bad}
        return rejects.put(
            [(cells, why[row.number]) for row, cells in portion if row.number in why]
        )

    def _rejects(self, things: ExitStack, resume_at: int) -> RejectFile:
        rejects = RejectFile(self._said.rejected, self._columns.sheet, resume_at)
        return things.enter_context(closing(rejects))

    def _kind(self, started_at: datetime) -> Kind:
        return self._base.importer(self._hub.plans, self._scratch, started_at)

    def _totals(self) -> dict[str, int]:
        hub = self._hub
        with read(hub.engine) as connection:
            return service.totals_of(connection, hub.plans, self._programme_id, now=hub.clock.now())

    def _keep_columns(self) -> None:
        """For the next file of this kind."""
        where = (self._programme_id, self._columns.kind, self._said.kept_as)
        pairs, now = self._columns.told(), self._hub.clock.now()
        transact(self._hub.engine, lambda c: store.keep_columns(c, where, pairs, now=now))

    def _sentence(self, name: str, **facts: object) -> str:
        return words.sentence(name, self._said.language, **facts)


def _rows(portion: Portion) -> list[Row]:
    return [row for row, _ in portion]


# --- telling --------------------------------------------------------------------------------


def _tell_file(columns: Columns, said: Said) -> None:
    sheet, lang = columns.sheet, said.language
    if said.dry:
        click.echo(words.sentence("dry", lang))
    if sheet.look.encoding == "xlsx":
        click.echo(words.sentence("sheet", lang, file=sheet.name))
    else:
        delimiter = "TAB" if sheet.delimiter == "\t" else sheet.delimiter
        encoding = sheet.look.encoding
        click.echo(
            words.sentence("file", lang, file=sheet.name, encoding=encoding, delimiter=delimiter)
        )
    click.echo(words.sentence("columns", lang))
    for one in columns.all:
        click.echo(f"  {one.word} = {one.heading} ({words.how(one.how, lang)})")
    if columns.unused:
        click.echo(words.sentence("unused", lang, names=", ".join(columns.unused)))


def _tell(columns: Columns, told: Told, said: Said) -> None:
    if said.as_json:
        print_json(_as_json(columns, told, said))
        return
    lang = said.language
    for name, text in words.counts_of(columns.kind, lang, dry=said.dry).items():
        if told.counts[name] or name in words.ALWAYS:
            click.echo(f"{text}: {_figure(name, told.counts[name])}")
    _tell_totals(told, said)
    for bad in told.bad[:SHOWN]:
        line = words.sentence("line", lang, number=bad.number, why=words.why(bad, lang))
        click.echo(line, err=True)
    if told.counts["rejected"] > SHOWN:
        more = told.counts["rejected"] - SHOWN
        click.echo(words.sentence("more", lang, more=more), err=True)


def _tell_totals(told: Told, said: Said) -> None:
    """Before and after; what else moved while a file was brought in is told apart."""
    tail = "_dry" if said.dry else ""
    for name, count in (("members", "new"), ("points", "points_taken")):
        before, after = told.before[name], told.after[name]
        click.echo(
            words.sentence(
                f"{name}{tail}",
                said.language,
                before=_figure(name, before),
                after=_figure(name, after),
            )
        )
        apart = after - before - told.counts[count]
        if apart:
            click.echo(words.sentence("meanwhile", said.language, apart=_figure(name, apart)))


def _as_json(columns: Columns, told: Told, said: Said) -> dict[str, Any]:
    return {
        "dry_run": said.dry,
        "columns": {one.heading: one.word for one in columns.all},
        "unused": columns.unused,
        **{name: _plain(name, told.counts[name]) for name in words.counts(columns.kind)},
        "before": {name: _plain(name, value) for name, value in told.before.items()},
        "after": {name: _plain(name, value) for name, value in told.after.items()},
        "lines": [
            {"line": bad.number, "code": bad.code, "why": words.why(bad, said.language)}
            for bad in told.bad
        ],
    }


def _plain(name: str, value: int) -> int | str:
    return format_decimal(value) if name.startswith(("points", "money")) else value


def _figure(name: str, value: int) -> str:
    return str(_plain(name, value))
