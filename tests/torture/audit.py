"""The end: everything is worked off, and the books equal what the senders told.

Figures of every member are compared with the slow model, the lots of savers one by one.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, cast, func, literal_column, select, text

from hub.clock import SystemClock
from loyalty_core.service.verify_ledger import rebuild_ledger, verify_ledger
from loyalty_core.store.database import read, write
from loyalty_core.store.ids import to_wire
from loyalty_core.store.tables import (
    accounts,
    deliveries,
    entries,
    holds,
    identities,
    lots,
    outbox,
    purchases,
    refunds,
)
from loyalty_kit.events_schema import load_event
from tests.core.ledger import model
from tests.torture.sender import Sender, Tally
from tests.torture.stage import LIFE_DAYS, Stage
from tests.torture.story import Person, Sale, Story

FORWARD_S = (0, 400, 2400, 4 * 3600)
"""Leases, abandoned keys, pauses before another attempt, and holds end while clocks go on."""
_STILL_S = 2.5
_LOOK_S = 0.25


def drain(stage: Stage, tally: Tally) -> list[str]:
    """Let the hub finish, its clocks put forward step by step; what is left undone."""
    sender = Sender(stage, tally)
    left: dict[str, int] = {}
    for shift in FORWARD_S:
        for clock in stage.clocks.values():
            clock.set(shift)
        parked, tally.parked = tally.parked, []
        for deed in parked:
            sender.send(deed)
        left = _wait_while_it_works(stage)
        if not any(left.values()) and not tally.parked:
            return []
    return [f"{count} {name} are left" for name, count in left.items() if count]


def _wait_while_it_works(stage: Stage) -> dict[str, int]:
    pause, still, last = threading.Event(), 0.0, {}
    while still < _STILL_S:
        left = _left(stage)
        still = still + _LOOK_S if left == last else 0.0
        last = left
        if not any(left.values()):
            break
        pause.wait(_LOOK_S)
    return last


def _left(stage: Stage) -> dict[str, int]:
    with read(stage.engine) as connection:
        return {
            "deliveries due": _count(connection, deliveries, deliveries.c.state == "due"),
            "outbox rows due": _count(connection, outbox, outbox.c.state == "due"),
            "live holds": _count(connection, holds, holds.c.state == "live"),
            "waiting refunds": _count(connection, refunds, refunds.c.state == "waiting"),
            "pending lots": _count(connection, lots, and_(~lots.c.active, lots.c.free > 0)),
        }


def _count(connection: Connection, table: Any, condition: Any) -> int:
    query = select(func.count()).select_from(table).where(condition)
    return int(connection.execute(query).scalar_one())


def audit(stage: Stage, story: Story, tally: Tally) -> list[str]:
    """Everything that is not as it must be; an empty list is the proof."""
    checks: list[Callable[[], Iterable[str]]] = [
        lambda: _inbox(stage, tally),
        lambda: _events(stage, story, tally),
        lambda: _outbox(stage),
        lambda: _books(stage),
        lambda: _model(stage, story),
    ]
    return [finding for check in checks for finding in check()]


def _inbox(stage: Stage, tally: Tally) -> Iterator[str]:
    with read(stage.engine) as connection:
        rows = connection.execute(
            select(deliveries.c.key, deliveries.c.state, deliveries.c.error_code).where(
                deliveries.c.hook == "events"
            )
        ).all()
    states = Counter((row.state, row.error_code) for row in rows)
    for (state, code), count in states.items():
        if state != "done":
            yield f"{count} deliveries are {state} ({code})"
    kept = Counter(row.key.partition("/")[0] for row in rows)
    twice = [key for key, count in kept.items() if count > 1]
    if twice:
        yield f"{len(twice)} deliveries are kept more than once, as {twice[0]}"
    lost = tally.deliveries - set(kept)
    if lost:
        yield f"{len(lost)} acknowledged deliveries are lost, as {min(lost)}"


def _events(stage: Stage, story: Story, tally: Tally) -> Iterator[str]:
    with read(stage.engine) as connection:
        rows = connection.execute(select(purchases.c.external_id, purchases.c.linked_to)).all()
        told_back = connection.execute(select(refunds.c.external_id, refunds.c.state)).all()
    booked = Counter([row.external_id for row in rows] + [row.external_id for row in told_back])
    lost, more = tally.events - set(booked), set(booked) - tally.events
    if lost:
        yield f"{len(lost)} acknowledged events are not booked, as {min(lost)}"
    if more:
        yield f"{len(more)} events are booked that nobody told, as {min(more)}"
    twice = [name for name, count in booked.items() if count > 1]
    if twice:
        yield f"{len(twice)} events are booked more than once, as {twice[0]}"
    wrong = [row.external_id for row in told_back if row.state != "booked"]
    if wrong:
        yield f"{len(wrong)} refunds are not booked, as {wrong[0]}"


def _outbox(stage: Stage) -> Iterator[str]:
    """One row for each transaction that moved an account, named by its last entry there.

    Placing and releasing a hold announces nothing.
    """
    mover = literal_column("entries.xmin::text")
    moved = select(
        entries.c.member_id,
        entries.c.currency,
        func.max(entries.c.seq),
        func.bool_or(entries.c.kind.not_in(["hold", "release"])),
    ).group_by(entries.c.member_id, entries.c.currency, mover)
    parts = [func.split_part(outbox.c.key, ":", number) for number in (1, 2, 3)]
    with read(stage.engine) as connection:
        rows = connection.execute(moved).all()
        told = Counter(
            (row.member, row.currency, row.seq)
            for row in connection.execute(
                select(
                    parts[0].label("member"),
                    parts[1].label("currency"),
                    cast(parts[2], BigInteger).label("seq"),
                )
            )
        )
        states = Counter(connection.scalars(select(outbox.c.state)))
    every = {(to_wire("m", member), currency, seq): must for member, currency, seq, must in rows}
    missing = [key for key, must in every.items() if must and key not in told]
    strange = [key for key in told if key not in every]
    if missing:
        yield f"{len(missing)} changes have no outbox row, as {missing[0]}"
    if strange:
        yield f"{len(strange)} outbox rows have no change, as {strange[0]}"
    if any(count > 1 for count in told.values()):
        yield "a change has several outbox rows"
    if set(states) - {"done"}:
        yield f"outbox rows are left: {dict(states)}"


def _books(stage: Stage) -> Iterator[str]:
    with read(stage.engine) as connection:
        for finding in verify_ledger(connection):
            yield f"ledger verify: {finding.code} {finding.member} {finding.text}"
        below_zero = connection.execute(text(_EVER_BELOW_ZERO)).scalar_one()
    if below_zero:
        yield f"{below_zero} lots were below zero at some time"
    with write(stage.engine) as connection:
        changed = rebuild_ledger(connection)
    if changed:
        yield f"ledger rebuild changed {changed} accounts"


_EVER_BELOW_ZERO = """
    SELECT count(DISTINCT (member_id, currency, lot)) FROM (
        SELECT member_id, currency, lot,
               sum(sum(d_free)) OVER until AS free, sum(sum(d_held)) OVER until AS held,
               sum(sum(d_owed)) OVER until AS owed
        FROM entry_lots GROUP BY member_id, currency, lot, seq
        WINDOW until AS (PARTITION BY member_id, currency, lot ORDER BY seq)
    ) AS running WHERE free < 0 OR held < 0 OR owed < 0
"""


# --- the model --------------------------------------------------------------------------------


def _model(stage: Stage, story: Story) -> Iterator[str]:
    now = SystemClock().now() + timedelta(seconds=FORWARD_S[-1])
    for person in story.people:
        sales = [sale for sale in story.sales if sale.person is person and sale.told]
        expected = _played(story, person, sales, now)
        figures, booked = _stored(stage, person)
        if figures != expected.figures:
            yield f"{person.phone} has {figures}, and the model {expected.figures}"
        wanted = sorted((lot.amount, lot.free) for lot in expected.lots)
        if person.saver and booked != wanted:
            yield f"the lots of {person.phone} are not the model's"


def _played(story: Story, person: Person, sales: list[Sale], now: datetime) -> model.Member:
    """All facts about a member, in the shop's own order."""
    member = model.Member(model.Programme(LIFE_DAYS, 0, 14, most_debt=None))
    for sale in sales:
        purchase: Any = load_event(sale.wire)
        told: list[Any] = [load_event(refund) for refund in sale.refunds]
        times = (purchase.occurred_at, now)
        model.rebook(member, model.Sale(), purchase, told, times)
    for gift in story.gifts:
        if gift.person is person and gift.moved:
            place = model.Sale()
            if gift.points > 0:
                member.earn(place, gift.points, now, now)
            else:
                member.spend(place, -gift.points, now, now)
    return member


def _stored(stage: Stage, person: Person) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    who = (
        select(identities.c.member_id)
        .where(identities.c.kind == "phone", identities.c.value == person.phone)
        .scalar_subquery()
    )
    figures = (accounts.c.available, accounts.c.pending, accounts.c.held, accounts.c.debt)
    with read(stage.engine) as connection:
        row = connection.execute(select(*figures).where(accounts.c.member_id == who)).first()
        own = connection.execute(select(lots.c.amount, lots.c.free).where(lots.c.member_id == who))
        return tuple(row or (0, 0, 0, 0)), sorted((amount, free) for amount, free in own)
