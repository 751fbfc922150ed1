"""Balances go out to the shops that show them, as they are when they are told.

The outbox says whose balance changed.  Of that comes one row for each member and connection
(`balance_pushes`), so many changes before it is told are one call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from hub.ingest import fates
from hub.live import Live, enliven, wire_id
from hub.outbox import turns
from hub.outbox.turns import Duty, Turn, is_of_the_shop
from hub.wiring import Hub
from loyalty_core.store import (
    accounts,
    balance_pushes,
    installations,
    members,
    programmes,
    tiers,
)
from loyalty_core.store.balance_pushes import BalancePush
from loyalty_core.store.database import is_away, read, transact
from loyalty_core.store.ids import from_wire
from loyalty_core.store.installations import InstallationRow
from loyalty_core.store.outbox import OutboxRow
from loyalty_core.store.unproved import is_unproved
from loyalty_kit.checkout import Balance, ShownBalance, TierView
from loyalty_kit.ports import Client

log = structlog.get_logger(__name__)

BATCH = 20
"""So many calls are one turn of a connection."""
PATIENCE = turns.LEASE
"""A member who is put off lets the others of the connection wait no longer."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a shop is told of a member; `names` are the shop's own for the member."""

    names: Sequence[str]
    balance: ShownBalance


def spread(
    hub: Hub, connection: Connection, programme_id: int, changes: Sequence[OutboxRow], now: datetime
) -> None:
    """Of members whose balance or tier changed: which connections are to be told."""
    homes = [
        home.id
        for home in installations.of_programme(connection, programme_id)
        if home.shows_balances and can_show(hub, home.connector)
    ]
    if not homes:
        return
    named = {from_wire("m", str(row.payload.get("member"))) for row in changes}
    found = members.survivors(connection, programme_id, named - {None})  # type: ignore[arg-type]
    alive = {member for member in found.values() if member is not None}
    balance_pushes.ask(connection, homes, alive, now=now)


def can_show(hub: Hub, connector: str) -> bool:
    found = hub.registry.ready().get(connector)
    return found is not None and found.push_balance is not None


def push_batch(hub: Hub, programme_id: int) -> int:
    """One turn of one connection that has balances to tell; how many it looked at.

    Raises: database errors; whatever else goes wrong is shown at the connection.
    """
    return turns.take_turn(hub, programme_id, DUTY, lambda turn: _work(hub, turn))


def _work(hub: Hub, turn: Turn) -> int:
    """Raises: LeaseLost; what stands between the hub and the shop as a whole."""
    goes_on = transact(hub.engine, lambda connection: _walk_on(hub, connection, turn))
    with read(hub.engine) as connection:
        rows = balance_pushes.due(connection, turn.row.id, now=hub.clock.now(), limit=BATCH)
    if not rows:
        return int(goes_on)
    live = enliven(hub, turn.row)
    client = live.client()
    return turns.each(hub, turn, rows, lambda row: _tell_or_note(hub, turn, live, client, row))


def _walk_on(hub: Hub, connection: Connection, turn: Turn) -> bool:
    """Whether there was a slice more of those who are to be asked of, or forgotten."""
    row = installations.lock(connection, turn.row.id)
    if row is None or row.balances_due_at != turn.until:
        return False
    return balance_pushes.go_on(connection, row, now=hub.clock.now())


def _tell_or_note(hub: Hub, turn: Turn, live: Live, client: Client, push: BalancePush) -> None:
    """Raises: what is wrong with the shop as a whole, with the row put off."""
    try:
        turn.told |= _tell(hub, live, client, push)
    except Exception as error:
        if is_away(error):
            raise
        turn.troubled |= _note(hub, push, error)
        if is_of_the_shop(error):
            raise


def _tell(hub: Hub, live: Live, client: Client, push: BalancePush) -> bool:
    """Whether the shop was told now.

    Raises: what is wrong with the shop as a whole; else, when each of the member's accounts was
    tried, what was wrong with the first that was.
    """
    facts = _facts(hub, live, push)
    if facts is None:
        transact(hub.engine, lambda c: balance_pushes.drop(c, push))
        return False
    mark = _mark(facts)
    is_news = mark != push.told
    if is_news:
        _push_to_each(live, client, push, facts, mark)
    now = hub.clock.now()
    transact(hub.engine, lambda c: balance_pushes.settle_told(c, push, mark, now=now))
    return is_news


def _push_to_each(live: Live, client: Client, push: BalancePush, facts: _Facts, mark: str) -> None:
    """Raises: as `_tell`."""
    shows = live.connector.push_balance
    assert shows is not None, "a connector that shows none is asked for none"
    first: Exception | None = None
    for name in facts.names:
        key = _digest(live.wire_id, name, push.asked, mark)
        try:
            shows.push(client, name, facts.balance, key=key)
        except Exception as error:
            if is_of_the_shop(error):
                raise
            first = first or error
    if first is not None:
        raise first


def _facts(hub: Hub, live: Live, push: BalancePush) -> _Facts | None:
    """As they are at this moment; None where the member is erased, merged, or not this shop's.

    The balance is that of the currency with which receipts are paid.  Customers who see it are told
    nothing where nobody has proved the phone of their account, for it may be a stranger's balance
    (`ledger.md` 28); what they were told before is taken back by one of nothing.
    """
    programme_id, member = live.row.programme_id, push.member_id
    with read(hub.engine) as connection:
        if members.survivors(connection, programme_id, [member]).get(member) != member:
            return None
        keys = [
            key
            for key, _ in members.names_of(connection, [member]).get(member, [])
            if key.kind == "external" and key.system == live.source.name
        ]
        hidden = not live.connector.balances_for_staff and is_unproved(connection, member, keys)
        if not keys or (hidden and push.told_at is None):
            return None
        programme = programmes.programme_by_id(connection, programme_id)
        assert programme is not None
        plan = hub.plans.get(connection, programme_id, programme.rules_version)
        currency = plan.rules.main.code
        now = hub.clock.now()
        figures = accounts.balances(connection, [member], now)
        row = members.member_rows(connection, programme_id, [member])[member]
        tier = plan.tiers.get(tiers.tier_of_row(connection, row, now) or "")
    names = sorted(key.value for key in keys)
    if hidden:
        return _Facts(names, ShownBalance(currency))
    found = {balance.currency: balance for _, balance in figures}
    own = found.get(currency, Balance(currency))
    shown = None if tier is None else TierView(tier.code, tier.name)
    balance = ShownBalance(own.currency, own.available, own.pending, own.held, own.debt, tier=shown)
    return _Facts(names, balance)


def _mark(facts: _Facts) -> str:
    """Stands for all that a shop was told, so that the same is not told twice in a row."""
    one = facts.balance
    figures = (one.currency, one.available, one.pending, one.held, one.debt)
    tier = () if one.tier is None else (one.tier.code, one.tier.name)
    return _digest(*facts.names, *figures, *tier)


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]


def _note(hub: Hub, push: BalancePush, error: Exception) -> bool:
    """What became of one member's row; what may pass is tried for ever, ever more rarely.

    Whether it is a matter for the owner, and of this member alone.
    """
    now = hub.clock.now()
    verdict = fates.judge(error, min(push.attempts + 1, len(fates.PAUSES)), now)
    fate = verdict.fate
    trouble = None if is_of_the_shop(error) else verdict.trouble
    known = {"installation": wire_id(push.installation_id), "code": fate.error_code}
    if fate.error_code == fates.DEFECT:
        log.error("balance_defect", **known, exc_info=error)
    else:
        log.warning("balance_not_told", **known)

    def write_down(connection: Connection) -> None:
        if trouble is not None:
            turns.show(connection, push.installation_id, fates.BALANCES, trouble)
        if fate.state == "due":
            # What is no fault of this row keeps its place; the shop as a whole waits.
            balance_pushes.put_off(
                connection,
                push,
                due_at=(fate.due_at if fate.attempt_counts else None) or now,
                code=fate.error_code,
                text=fate.error_text,
                attempt_counts=fate.attempt_counts,
            )
        else:
            balance_pushes.settle_failed(
                connection, push, fate.error_code or "", fate.error_text or "", now=now
            )

    transact(hub.engine, write_down)
    return trouble is not None


def _next_at(connection: Connection, row: InstallationRow, now: datetime) -> datetime | None:
    if row.balance_walk is not None:
        return now
    due_at = balance_pushes.next_due_at(connection, row.id)
    return due_at and min(due_at, now + PATIENCE)


DUTY = Duty("balances", fates.BALANCES, _next_at)


def switch(hub: Hub, row: InstallationRow, on: bool) -> None:
    """Show balances in this shop, of everybody whom it knows, or show none any more.

    What the shop shows already stays there.
    """
    now = hub.clock.now()

    def save(connection: Connection) -> None:
        if installations.lock(connection, row.id) is None:
            return
        installations.change(connection, row.id, balances_failed=0)
        if on:
            installations.change(connection, row.id, shows_balances=True)
            balance_pushes.ask_all(connection, row.id, now=now)
        else:
            balance_pushes.stop(connection, row.id, now=now)

    transact(hub.engine, save)
    hub.bell.ring(row.programme_id)
