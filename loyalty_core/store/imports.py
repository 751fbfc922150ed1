"""Queries over imports: how far each has come, what files call their columns, old balances by day,
and what the programme holds in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.tables import (
    accounts,
    balance_comparisons,
    import_columns,
    imports,
    lots,
    members,
)

RUNNING, DONE = "running", "done"


@dataclass(slots=True)
class KeptImport:
    """One file's way in.

    `position`: rows of it that are done; `bookmark`: where its file of rejected rows ended with
    them, in bytes.  `before` and `after`: what the programme held.
    """

    id: int
    programme_id: int
    kind: str
    name: str
    file_hash: str
    state: str
    started_at: datetime
    changed_at: datetime
    position: int = 0
    bookmark: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] | None = None
    content_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the balances of the old system and ours agreed at the end of a day, in hundredths.

    `apart`: what members differ by, added up without signs.  `unknown`: of rows that name nobody.
    `others`: the same figures of further currencies, by their codes.
    """

    day: str
    members: int
    differing: int
    unknown_rows: int
    theirs_points: int
    ours_points: int
    unknown_points: int
    apart_points: int
    made_at: datetime
    others: Mapping[str, Mapping[str, int]] | None = None


_IMPORT = [imports.c[name] for name in KeptImport.__slots__]
_COMPARISON = [balance_comparisons.c[name] for name in Comparison.__slots__]


# --- imports --------------------------------------------------------------------------------


def add_import(connection: Connection, kept: KeptImport) -> None:
    """Unless there is one of this kind and name, or content, already."""
    statement = insert_or(connection, imports).values(**asdict(kept))
    connection.execute(statement.on_conflict_do_nothing())


def find_import(
    connection: Connection, programme_id: int, kind: str, name: str, *, lock: bool = False
) -> KeptImport | None:
    query = select(*_IMPORT).where(
        imports.c.programme_id == programme_id, imports.c.kind == kind, imports.c.name == name
    )
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else KeptImport(*row)


def same_content(
    connection: Connection, programme_id: int, kind: str, content_hash: str
) -> str | None:
    """The name of the import of a file with this content."""
    query = select(imports.c.name).where(
        imports.c.programme_id == programme_id,
        imports.c.kind == kind,
        imports.c.content_hash == content_hash,
    )
    return connection.scalar(query)


def names_of_imports(connection: Connection, programme_id: int, kind: str) -> list[str]:
    query = select(imports.c.name).where(
        imports.c.programme_id == programme_id, imports.c.kind == kind
    )
    return list(connection.scalars(query))


def last_begun(connection: Connection, programme_id: int, kind: str) -> datetime | None:
    """When the last import of this kind was begun; None where there was none."""
    query = select(func.max(imports.c.started_at)).where(
        imports.c.programme_id == programme_id, imports.c.kind == kind
    )
    found: datetime | None = connection.scalar(query)
    return found


def keep_import(connection: Connection, kept: KeptImport) -> None:
    values = asdict(kept)
    del values["id"]
    connection.execute(update(imports).where(imports.c.id == kept.id).values(**values))


def all_imports(connection: Connection, programme_id: int) -> list[KeptImport]:
    """The one that moved last comes first."""
    query = select(*_IMPORT).where(imports.c.programme_id == programme_id)
    found = connection.execute(query.order_by(imports.c.changed_at.desc(), imports.c.id))
    return [KeptImport(*row) for row in found]


# --- columns --------------------------------------------------------------------------------


def kept_columns(
    connection: Connection, programme_id: int, kind: str, name: str
) -> list[tuple[str, str]] | None:
    """Pairs of our word and the file's heading; None: none are kept under this name."""
    found = connection.scalar(
        select(import_columns.c.pairs).where(
            import_columns.c.programme_id == programme_id,
            import_columns.c.kind == kind,
            import_columns.c.name == name,
        )
    )
    return None if found is None else [(word, heading) for word, heading in found]


def keep_columns(
    connection: Connection,
    where: tuple[int, str, str],
    pairs: Sequence[tuple[str, str]],
    *,
    now: datetime,
) -> None:
    """`where`: programme, kind and name."""
    programme_id, kind, name = where
    values = {"pairs": [list(pair) for pair in pairs], "changed_at": now}
    statement = insert_or(connection, import_columns).values(
        programme_id=programme_id, kind=kind, name=name, **values
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["programme_id", "kind", "name"], set_=values
        )
    )


# --- comparisons ----------------------------------------------------------------------------


def keep_comparison(connection: Connection, programme_id: int, one: Comparison) -> None:
    """The newest of a day stays."""
    values = asdict(one)
    statement = insert_or(connection, balance_comparisons).values(
        programme_id=programme_id, **values
    )
    del values["day"]
    connection.execute(
        statement.on_conflict_do_update(index_elements=["programme_id", "day"], set_=values)
    )


def comparisons(connection: Connection, programme_id: int) -> list[Comparison]:
    """In the order of their days."""
    query = select(*_COMPARISON).where(balance_comparisons.c.programme_id == programme_id)
    found = connection.execute(query.order_by(balance_comparisons.c.day))
    return [Comparison(*row) for row in found]


# --- what there is --------------------------------------------------------------------------


def totals(
    connection: Connection, programme_id: int, currency: str, now: datetime
) -> Mapping[str, int]:
    """Members that can be met, and points in hundredths: what they have, less what they owe.

    Points whose last day is over count no more, whether or not the job has booked that.
    """
    alive = members.c.state.in_(("active", "unconfirmed"))
    own = members.c.programme_id == programme_id
    met = connection.scalars(select(func.count()).select_from(members).where(own, alive)).one()
    account = accounts.c
    figures = account.available + account.pending + account.held - account.debt
    booked = connection.scalar(
        select(func.sum(figures))
        .join(members, members.c.id == account.member_id)
        .where(own, account.currency == currency)
    )
    lapsed = connection.scalar(
        select(func.sum(lots.c.free))
        .join(members, members.c.id == lots.c.member_id)
        .where(own, lots.c.currency == currency, lots.c.free > 0, lots.c.expires_at <= now)
    )
    return {"members": met, "points": int(booked or 0) - int(lapsed or 0)}
