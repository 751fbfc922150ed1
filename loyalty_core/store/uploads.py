"""Files that the console brings in: where each kind's last one stands, its bytes, its refused
lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.tables import upload_parts, upload_rejects, uploads

CHECKING, CHECKED, TAKING, DONE = "checking", "checked", "taking", "done"
FAILED, STOPPED, LAPSED = "failed", "stopped", "lapsed"
UNDERWAY = (CHECKING, TAKING)

NOTHING: Mapping[str, Any] = {"done": 0, "added": 0, "known": 0, "rejected": 0, "counts": {}}
"""How far one has come that begins at its first line."""
GIVEN_UP = "given_up"
"""What is wrong with one that failed and is kept, so that a person may have it tried again."""

Why = str | Mapping[str, Any]
"""In words, or a stable `code` with the `facts` of its sentence."""
Reject = tuple[int, Why, Sequence[str]]
"""The number of a line in its file, why it was not taken, and its cells."""


@dataclass(frozen=True, slots=True)
class UploadRow:
    """`name`: as its owner calls the file; `options` are what was asked for beside it.  `done` of
    about `total` lines are through.  `tries`: how often it was taken up without getting anywhere
    that lasts.  `began_at`: when somebody had it taken.  `due_at`: from then
    on whoever comes works on it; None: nobody is to.  `emptied_at`: since then neither the file
    nor its refused lines are kept.  `columns` of a base: our word, the heading, how it is known;
    `counts`: figures of its own beside the others."""

    id: int
    programme_id: int
    kind: str
    name: str
    options: Mapping[str, str]
    headings: Sequence[str]
    stage: str
    total: int
    due_at: datetime | None
    made_at: datetime
    made_by: str
    changed_at: datetime
    done: int = 0
    added: int = 0
    known: int = 0
    rejected: int = 0
    tries: int = 0
    began_at: datetime | None = None
    emptied_at: datetime | None = None
    error_code: str | None = None
    error_facts: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[Sequence[str]] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_underway(self) -> bool:
        return self.stage in UNDERWAY

    @property
    def is_given_up(self) -> bool:
        return self.error_code == GIVEN_UP and self.emptied_at is None

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // max(1, self.total))


_GIVEN_UP = and_(uploads.c.error_code == GIVEN_UP, uploads.c.emptied_at.is_(None))
_ROWS = select(*[uploads.c[name] for name in UploadRow.__dataclass_fields__])


def get(
    connection: Connection, programme_id: int, kind: str, *, lock: bool = False
) -> UploadRow | None:
    """The last one of this kind; None where there never was one."""
    query = _ROWS.where(uploads.c.programme_id == programme_id, uploads.c.kind == kind)
    found = connection.execute(query.with_for_update() if lock else query).first()
    return None if found is None else UploadRow(*found)


def put(connection: Connection, row: UploadRow, body: Iterable[bytes]) -> bool:
    """In the place of one that nobody works on; False where somebody does."""
    before = get(connection, row.programme_id, row.kind, lock=True)
    values = asdict(row)
    put_ = connection.scalar(
        insert_or(connection, uploads)
        .values(**values)
        .on_conflict_do_update(
            index_elements=["programme_id", "kind"],
            set_=values,
            where=uploads.c.stage.not_in(UNDERWAY),
        )
        .returning(uploads.c.id)
    )
    if put_ is None:
        return False
    if before is not None:
        drop(connection, before.id)
    for number, part in enumerate(body):
        connection.execute(insert(upload_parts).values(upload_id=row.id, number=number, body=part))
    return True


def body(connection: Connection, upload_id: int) -> Iterator[bytes]:
    """The bytes of the file, a piece at a time."""
    numbers = select(upload_parts.c.number).where(upload_parts.c.upload_id == upload_id)
    for number in connection.scalars(numbers.order_by(upload_parts.c.number)).all():
        yield connection.scalars(
            select(upload_parts.c.body).where(
                upload_parts.c.upload_id == upload_id, upload_parts.c.number == number
            )
        ).one()


def begin(connection: Connection, row: UploadRow, *, now: datetime) -> bool:
    """From the check to the taking, from the first line on; False where it is not at that, or the
    check found it wrong."""
    begun = connection.execute(
        update(uploads)
        .where(uploads.c.id == row.id, uploads.c.stage == CHECKED, uploads.c.error_code.is_(None))
        .values(stage=TAKING, due_at=now, began_at=now, changed_at=now, tries=0, **NOTHING)
    )
    if begun.rowcount:
        drop_rejects(connection, row.id)
    return bool(begun.rowcount)


def read_anew(connection: Connection, row: UploadRow) -> bool:
    """One that was checked is to be read by the columns of `row`, and stands as `row` says; False
    where it is not at that."""
    names = ("columns", "stage", "due_at", "changed_at", "error_code", "error_facts")
    anew = connection.execute(
        update(uploads)
        .where(uploads.c.id == row.id, uploads.c.stage == CHECKED)
        .values(**{name: getattr(row, name) for name in names}, tries=0, **NOTHING)
    )
    if anew.rowcount:
        drop_rejects(connection, row.id)
    return bool(anew.rowcount)


def claim(
    connection: Connection, programme_id: int, *, now: datetime, until: datetime
) -> UploadRow | None:
    """Take one that waits for somebody; nobody else takes it before `until`.  It is a try."""
    query = (
        _ROWS.where(uploads.c.programme_id == programme_id, uploads.c.due_at <= now)
        .order_by(uploads.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = connection.execute(query).first()
    if found is None:
        return None
    taken = {"due_at": until, "tries": found.tries + 1}
    connection.execute(update(uploads).where(uploads.c.id == found.id).values(**taken))
    return UploadRow(**{**found._mapping, **taken})


def given_up(connection: Connection, programme_id: int) -> list[UploadRow]:
    """Those that a person may have tried again."""
    query = _ROWS.where(uploads.c.programme_id == programme_id, _GIVEN_UP)
    return [UploadRow(*row) for row in connection.execute(query.order_by(uploads.c.kind))]


def try_again(connection: Connection, row: UploadRow, *, now: datetime) -> bool:
    """What was given up goes on from where it stands; False where it is not given up any more."""
    stage = CHECKING if row.began_at is None else TAKING
    begun = connection.execute(
        update(uploads)
        .where(uploads.c.id == row.id, _GIVEN_UP)
        .values(stage=stage, due_at=now, changed_at=now, tries=0, error_code=None)
    )
    return bool(begun.rowcount)


def save(connection: Connection, row: UploadRow, **values: Any) -> bool:
    """Write down how far it has come; False where it was stopped, or another worker has it by
    now."""
    saved = connection.execute(
        update(uploads)
        .where(uploads.c.id == row.id, uploads.c.due_at == row.due_at)
        .values(**values)
    )
    return bool(saved.rowcount)


def stop(connection: Connection, upload_id: int, *, now: datetime) -> bool:
    """End it, or leave what was checked or given up; the file goes.  False where it is over
    already."""
    is_kept = uploads.c.stage.in_((*UNDERWAY, CHECKED)) | _GIVEN_UP
    stopped = connection.execute(
        update(uploads)
        .where(uploads.c.id == upload_id, is_kept)
        .values(stage=STOPPED, due_at=None, changed_at=now, error_code=None)
    )
    if stopped.rowcount:
        drop_body(connection, upload_id)
    return bool(stopped.rowcount)


def add_rejects(
    connection: Connection, upload_id: int, position: int, lines: Sequence[Reject]
) -> None:
    """Of the portion that begins behind so many lines."""
    if lines:
        connection.execute(
            insert(upload_rejects).values(
                upload_id=upload_id, position=position, lines=[list(line) for line in lines]
            )
        )


def rejects(connection: Connection, upload_id: int) -> Iterator[list[Reject]]:
    """Refused lines, a portion at a time, in the order of the file."""
    where = upload_rejects.c.upload_id == upload_id
    positions = select(upload_rejects.c.position).where(where)
    for position in connection.scalars(positions.order_by(upload_rejects.c.position)).all():
        lines = connection.scalars(
            select(upload_rejects.c.lines).where(where, upload_rejects.c.position == position)
        ).one()
        yield [(number, why, cells) for number, why, cells in lines]


def drop_body(connection: Connection, upload_id: int) -> None:
    connection.execute(delete(upload_parts).where(upload_parts.c.upload_id == upload_id))


def drop_rejects(connection: Connection, upload_id: int) -> None:
    connection.execute(delete(upload_rejects).where(upload_rejects.c.upload_id == upload_id))


def drop(connection: Connection, upload_id: int) -> None:
    drop_body(connection, upload_id)
    drop_rejects(connection, upload_id)


def empty(connection: Connection, *, before: datetime, now: datetime, limit: int) -> int:
    """Delete the files and refused lines of those that have not moved since; how many.

    One that was not over is no more to be begun; what it has brought in stays.
    """
    still = _ROWS.where(uploads.c.emptied_at.is_(None), uploads.c.changed_at < before)
    query = still.order_by(uploads.c.changed_at).limit(limit).with_for_update(skip_locked=True)
    found = [UploadRow(*row) for row in connection.execute(query)]
    for row in found:
        drop(connection, row.id)
        over = not row.is_underway and row.stage != CHECKED
        connection.execute(
            update(uploads)
            .where(uploads.c.id == row.id)
            .values(stage=row.stage if over else LAPSED, due_at=None, emptied_at=now)
        )
    return len(found)


def programmes_due(connection: Connection, now: datetime) -> list[int]:
    query = select(uploads.c.programme_id).where(uploads.c.due_at <= now)
    return list(connection.scalars(query.distinct()))
