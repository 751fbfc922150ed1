"""Which column of a file means what: as was said now, as was kept of the last file, as guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from hub.import_columns import Columns, joined, missing, twice
from hub.sheets import Sheet
from hub.wiring import Hub
from loyalty_core.domain.import_columns import KEPT, TOLD, WORDS, Column, guessed, is_word
from loyalty_core.store import imports as store
from loyalty_core.store.database import read


@dataclass(frozen=True, slots=True)
class Asked:
    """`--column` options, the name of those that are kept, whether a system is named, and headings
    that are not to be used."""

    options: Sequence[str]
    kept_as: str
    with_external: bool
    without: Sequence[str] = ()


def columns_of(hub: Hub, programme_id: int, kind: str, sheet: Sheet, asked: Asked) -> Columns:
    """Raises: click.UsageError, click.ClickException (a column is not there, or missing)."""
    for heading in asked.without:
        if heading not in sheet.names:
            raise click.ClickException(f"{sheet.name} has no column {heading}.")
    names = [name for name in sheet.names if name not in asked.without]
    told = [Column(word, heading, TOLD) for word, heading in map(_pair, asked.options)]
    for one in told:
        if not is_word(kind, one.word):
            raise click.UsageError(f"--column {one.word}=...: ours are {', '.join(WORDS[kind])}.")
        if one.heading not in names:
            raise click.ClickException(f"{sheet.name} has no column {one.heading}.")
    with read(hub.engine) as connection:
        kept = store.kept_columns(connection, programme_id, kind, asked.kept_as) or []
    found = joined(
        told,
        [Column(word, heading, KEPT) for word, heading in kept if heading in names],
        guessed(kind, names, with_external=asked.with_external),
    )
    if word := twice(found):
        raise click.UsageError(f"--column {word}=...: say it once.")
    lacks = missing(kind, found)
    if lacks:
        told_lacks = ["phone (or email, card, external)" if w == "phone" else w for w in lacks]
        raise click.ClickException(
            f"{sheet.name} has no column {', '.join(told_lacks)}; "
            "name it: --column OURS=THEIRS.  "
            f"Its columns: {', '.join(name for name in sheet.names if name)}"
        )
    return Columns(kind, sheet, found)


def _pair(option: str) -> tuple[str, str]:
    ours, _, theirs = option.partition("=")
    if not ours.strip() or not theirs.strip():
        raise click.UsageError(f"--column {option}: write OURS=THEIRS.")
    return ours.strip(), theirs.strip()
