"""Files that the console brings in: checked, then taken, beside everything else.

A file lies in the database, since whoever works it off may be another machine; each kind of a
programme has one, the last, and its row says where it stands.  Whoever drains the programme takes
it, in a thread of its own.  It is read through first and told what would be done; a person's
click has it taken, portion by portion, each in one transaction with how far it has come.  So a
worker that dies leaves a lease that runs out, and another one goes on behind the last portion.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any

import structlog
from sqlalchemy import Connection

from hub.base_intake import BaseTaking, read_by
from hub.intake import Intake, Outcome, Portion, Taking
from hub.list_intake import ListTaking
from hub.sheets import Sheet, SheetUnreadable
from hub.wiring import Hub
from loyalty_core.domain.errors import InvalidInput, LoyaltyError
from loyalty_core.domain.import_columns import BALANCES, MEMBERS, PURCHASES, Column
from loyalty_core.service import import_certificates, import_coupons, import_products
from loyalty_core.service.import_certificates import CertificateImport
from loyalty_core.service.import_coupons import CouponImport
from loyalty_core.service.import_products import ProductImport
from loyalty_core.store import audit
from loyalty_core.store import uploads as store
from loyalty_core.store.database import is_away, read, transact
from loyalty_core.store.ids import new_id
from loyalty_core.store.uploads import UploadRow
from loyalty_kit.money import format_decimal

log = structlog.get_logger(__name__)

PRODUCTS, COUPONS, CERTIFICATES = "products", "coupons", "certificates"
MOST_LINES = 500_000
"""The codes of all lines of a list are held at once, so that none comes twice; for more there is
the command line."""
LEASE = timedelta(minutes=1)
MOST_TRIES = 5
"""So often a file is taken up without getting anywhere; then it waits for a person, for over it
the workers may be dying, and receipts with them."""
UNREADABLE, TOO_LONG, DEFECT = "unreadable", "too_long", "defect"
_MOST_UNPACKED = 256 << 20
"""Of a packed file: its texts are held at once."""
_PART = 1 << 20


class _Over(Exception):
    """Somebody stopped it, or another worker has it by now."""


class _TooLong(Exception):
    """It has more than `MOST_LINES`."""


KINDS: Mapping[str, Taking] = {
    PRODUCTS: ListTaking(
        import_products.WORDS,
        lambda way: ProductImport(way.programme_id, way.now, way.dry),
        # As lists of goods in Russia name their columns.
        {
            "sku": ("артикул", "код товара", "article"),
            "name": ("название", "наименование", "товар"),
            "price": ("цена",),
            "cost": ("себестоимость", "закупочная цена"),
            "categories": ("категории", "категория", "группа"),
            "brand": ("бренд", "марка"),
            "attributes": ("признаки",),
            "class": ("класс", "вид товара"),
            "volume_ml": ("объём, мл", "объем, мл"),
            "strength": ("крепость", "крепость, %"),
        },
        import_products.NEEDED,
    ),
    COUPONS: ListTaking(import_coupons.WORDS, CouponImport),
    CERTIFICATES: ListTaking(import_certificates.WORDS, CertificateImport),
    **{kind: BaseTaking(kind) for kind in (MEMBERS, BALANCES, PURCHASES)},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A file as it came, under the name that its owner knows it by, with what was asked for
    beside it: the `lot` that its codes go into, and their `series`; of a base the options that
    `base_intake` names."""

    kind: str
    name: str
    options: Mapping[str, str]
    author: str


def put(hub: Hub, programme_id: int, asked: Asked, file: IO[bytes]) -> bool:
    """Keep a file, to be checked; False where one of this kind is at work.

    Raises: SheetUnreadable, InvalidInput (no such series, or its lot is of another), ImportKnown.
    """
    now = hub.clock.now()
    with tempfile.TemporaryFile() as kept:
        shutil.copyfileobj(file, kept)
        sheet = _sheet(kept)
        row = UploadRow(
            new_id(now),
            programme_id,
            asked.kind,
            asked.name,
            asked.options,
            sheet.names,
            store.CHECKING,
            sheet.look.about_rows,
            now,
            now,
            asked.author,
            now,
        )
        with read(hub.engine) as connection:
            row = KINDS[asked.kind].look(hub, connection, row, sheet)
        begun = transact(hub.engine, lambda c: store.put(c, row, _parts(kept)))
    hub.bell.ring(programme_id)
    return begun


def last_upload(hub: Hub, programme_id: int, kind: str) -> UploadRow | None:
    with read(hub.engine) as connection:
        return store.get(connection, programme_id, kind)


def read_anew(hub: Hub, row: UploadRow, columns: Sequence[Column]) -> bool:
    """Have a base that was checked read by these columns; False where it is no longer at that."""
    now = hub.clock.now()
    fresh = replace(
        row, stage=store.CHECKING, due_at=now, changed_at=now, error_code=None, error_facts={}
    )
    begun = transact(hub.engine, lambda c: store.read_anew(c, read_by(fresh, columns)))
    hub.bell.ring(row.programme_id)
    return begun


def begin(hub: Hub, row: UploadRow) -> bool:
    """Have a file taken that was checked; False where it is no longer at that."""
    begun = transact(hub.engine, lambda c: store.begin(c, row, now=hub.clock.now()))
    hub.bell.ring(row.programme_id)
    return begun


def stop(hub: Hub, row: UploadRow) -> bool:
    """End it; what it has brought in stays.  False where it is over already."""
    return transact(hub.engine, lambda c: store.stop(c, row.id, now=hub.clock.now()))


def given_up(hub: Hub, programme_id: int) -> list[UploadRow]:
    """Files that are kept and that nobody takes up any more, until a person says so."""
    with read(hub.engine) as connection:
        return store.given_up(connection, programme_id)


def try_again(hub: Hub, row: UploadRow) -> bool:
    """Have one that was given up go on; False where it is not that any more."""
    begun = transact(hub.engine, lambda c: store.try_again(c, row, now=hub.clock.now()))
    hub.bell.ring(row.programme_id)
    return begun


def go_on(hub: Hub, programme_id: int) -> bool:
    """Take a file of the programme, if one waits for somebody; whether one did."""
    row = claim(hub, programme_id)
    if row is None:
        return False
    threading.Thread(target=work_off, args=(hub, row), name="upload", daemon=True).start()
    return True


def claim(hub: Hub, programme_id: int) -> UploadRow | None:
    """One that waits for somebody; it is the caller's until its lease is over."""
    return transact(hub.engine, partial(_claim, programme_id, hub.clock.now()))


def _claim(programme_id: int, now: datetime, connection: Connection) -> UploadRow | None:
    row = store.claim(connection, programme_id, now=now, until=now + LEASE)
    if row is None or row.tries <= MOST_TRIES:
        return row
    over = {"stage": store.FAILED, "error_code": store.GIVEN_UP, "due_at": None, "changed_at": now}
    store.save(connection, row, **over)
    log.error("upload_given_up", programme=programme_id, kind=row.kind, tries=MOST_TRIES)
    return None


def work_off(hub: Hub, row: UploadRow) -> None:
    """Check or take it to its end, and write down what came of it."""
    run = _Run(hub, row)
    try:
        run.to_the_end()
    except _Over:
        log.info("upload_stopped", programme=row.programme_id)
    except SheetUnreadable as error:
        facts = {name: str(value) for name, value in error.facts.items()}
        run.fail(UNREADABLE, {"template": error.template, "facts": facts})
    except _TooLong:
        run.fail(TOO_LONG, {})
    except InvalidInput as error:
        run.fail(error.code, {name: why[0] for name, why in error.errors.items()})
    except Exception as error:  # the thread's outer edge: the row must say what became of it
        code = error.code if isinstance(error, LoyaltyError) else DEFECT
        log.error("upload_failed", programme=row.programme_id, code=code, exc_info=error)
        if not is_away(error):
            run.fail(code, {})


class _Run:
    def __init__(self, hub: Hub, row: UploadRow) -> None:
        self._hub, self._row = hub, row
        self._dry = row.stage == store.CHECKING

    def to_the_end(self) -> None:
        """Raises: SheetUnreadable, _TooLong, _Over, and what taking raises."""
        if self._dry:
            # Nothing is booked: whoever comes after a worker that died begins anew.
            self._save(store.drop_rejects, **store.NOTHING)
        with tempfile.TemporaryFile() as file:
            with read(self._hub.engine) as connection:
                file.writelines(store.body(connection, self._row.id))
            kind = KINDS[self._row.kind]
            with closing(kind.intake(self._hub, self._row, _sheet(file))) as intake:
                self._all(intake)
                self._finish(intake)

    def fail(self, code: str, facts: Mapping[str, Any]) -> None:
        """What was brought in stays; the file goes."""
        values = {"error_code": code, "error_facts": facts, "due_at": None}
        try:
            self._save(store.drop_body, stage=store.FAILED, **values)
        except _Over:
            log.info("upload_stopped", programme=self._row.programme_id)

    def _all(self, intake: Intake) -> None:
        self._begin(intake)
        if intake.is_surveyed:
            for portion in intake.portions():
                self._skim(intake, portion)
        skip = self._row.done
        for portion in intake.portions():
            # Another version of the hub may have made other portions.
            before, portion = portion[:skip], portion[skip:]
            skip -= len(before)
            if before:
                self._skim(intake, before)
            if portion:
                self._portion(intake, portion)

    def _begin(self, intake: Intake) -> None:
        row = self._row

        def work(connection: Connection) -> UploadRow:
            told = intake.begin(connection, row.done)
            return self._moved(connection, replace(row, counts={**told, **row.counts}))

        self._row = transact(self._hub.engine, work)

    def _skim(self, intake: Intake, portion: Portion) -> None:
        with read(self._hub.engine) as connection:
            intake.skim(connection, _lines(portion))
        self._row = transact(self._hub.engine, lambda c: self._moved(c, self._row))

    def _portion(self, intake: Intake, portion: Portion) -> None:
        row = self._row
        if row.done + len(portion) > MOST_LINES:
            raise _TooLong
        lines = _lines(portion)
        if self._dry:
            with read(self._hub.engine) as connection:
                outcome = intake.take(connection, lines, row.done)
            work = partial(self._written, portion, outcome)
        else:
            work = partial(self._taken, intake, portion)
        self._row = transact(self._hub.engine, work)

    def _taken(self, intake: Intake, portion: Portion, connection: Connection) -> UploadRow:
        outcome = intake.take(connection, _lines(portion), self._row.done)
        return self._written(portion, outcome, connection)

    def _written(self, portion: Portion, outcome: Outcome, connection: Connection) -> UploadRow:
        """How far it has come with this portion.  Raises: _Over."""
        row = self._row
        counts = Counter(row.counts)
        counts.update(outcome.counts)
        moved = replace(
            row,
            done=row.done + len(portion),
            added=row.added + outcome.added,
            known=row.known + outcome.known,
            rejected=row.rejected + len(outcome.bad),
            # A check that is broken off begins anew, so its portions are no way forward.
            tries=row.tries if self._dry else 0,
            counts=dict(counts),
        )
        moved = self._moved(connection, moved)
        why = dict(outcome.bad)
        bad = [
            (line.number, why[line.number], cells) for line, cells in portion if line.number in why
        ]
        store.add_rejects(connection, row.id, row.done, bad)
        return moved

    def _moved(self, connection: Connection, row: UploadRow) -> UploadRow:
        """Write down how far it is; keeps the lease.  Raises: _Over."""
        now = self._hub.clock.now()
        moved = replace(row, due_at=now + LEASE, changed_at=now)
        names = (*store.NOTHING, "tries", "due_at", "changed_at")
        values = {name: getattr(moved, name) for name in names}
        if not store.save(connection, self._row, **values):
            raise _Over
        return moved

    def _finish(self, intake: Intake) -> None:
        """Raises: _Over."""
        row, now = self._row, self._hub.clock.now()

        def work(connection: Connection) -> None:
            stage = store.CHECKED if self._dry else store.DONE
            counts = intake.finish(connection, row.counts)
            over = {"stage": stage, "counts": counts, "total": row.done, "due_at": None}
            if not store.save(connection, row, **over, changed_at=now):
                raise _Over
            if not self._dry:
                store.drop_body(connection, row.id)
                self._note(connection)

        transact(self._hub.engine, work)

    def _save(self, *besides: Callable[[Connection, int], None], **values: Any) -> None:
        """Raises: _Over."""
        now = self._hub.clock.now()

        def work(connection: Connection) -> None:
            if not store.save(connection, self._row, **values, changed_at=now):
                raise _Over
            for change in besides:
                change(connection, self._row.id)

        transact(self._hub.engine, work)
        self._row = replace(self._row, **values, changed_at=now)

    def _note(self, connection: Connection) -> None:
        row = self._row
        points = row.counts.get("points_taken")
        audit.note(
            connection,
            row.programme_id,
            "file_brought_in",
            row.kind,
            author=row.made_by,
            now=self._hub.clock.now(),
            after={
                **row.options,
                "added": row.added,
                "known": row.known,
                "rejected": row.rejected,
                **({} if points is None else {"points": format_decimal(points)}),
            },
        )


# --- inside ---------------------------------------------------------------------------------


def _sheet(file: IO[bytes]) -> Sheet:
    """Raises: SheetUnreadable."""
    return Sheet(_path_of(file), None, most_unpacked=_MOST_UNPACKED)


def _lines(portion: Portion) -> list[Any]:
    return [line for line, _ in portion]


def _path_of(file: IO[bytes]) -> Path:
    """By which a temporary file is opened once more, from its beginning, while it is open here
    (Linux: proc(5), /proc/self/fd).  It has no name, so a process that is killed leaves nothing
    of it."""
    file.flush()
    return Path(f"/proc/self/fd/{file.fileno()}")


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    """What it holds, in pieces that fit into a row."""
    file.seek(0)
    while part := file.read(_PART):
        yield part
