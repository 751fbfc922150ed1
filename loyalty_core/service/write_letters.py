"""Letters written to the outbox, in the transaction of what they tell of.

A row says of what kind it is and of what fact; to whom, by which channel, as what by law and in
what words is settled when it is sent, so that a language, an address or a consent counts as it is
then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.letters import KINDS, POINTS_EARNED, TIER_UP, TIER_WARNING, WELCOME
from loyalty_core.domain.tiers import Ladder
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.rate_tiers import ladder_of
from loyalty_core.service.standing import TIER_CHANGED, TIER_ENDING
from loyalty_core.store import letters as store
from loyalty_core.store import outbox
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.letters import LetterSetting
from loyalty_core.store.outbox import Fate, Notice, OutboxRow
from loyalty_kit.frozen import frozen

TOLD_ALREADY = Fate("done", error_code="told_already", error_text="Under another record of it.")
OLD_NEWS = timedelta(days=2)
"""A purchase that is reported so late is no news to its buyer."""


@frozen
class Earned:
    """A purchase that was booked just now; points in hundredths of the main currency."""

    purchase: str
    member: str
    points: int
    occurred_at: datetime


def tell_welcome(
    connection: Connection, programme_id: int, member_id: int, *, now: datetime
) -> None:
    """Somebody has joined."""
    setting = store.setting_on(connection, programme_id, WELCOME)
    if setting is not None:
        key = f"{WELCOME}:{to_wire('m', member_id)}"
        outbox.announce(connection, [letter_to(member_id, setting, key, {}, now=now)], now=now)


def tell_earned(
    connection: Connection, programme_id: int, earned: Sequence[Earned], *, now: datetime
) -> None:
    """Once for each purchase, whatever becomes of it later."""
    fresh = [one for one in earned if one.points > 0 and one.occurred_at > now - OLD_NEWS]
    setting = store.setting_on(connection, programme_id, POINTS_EARNED) if fresh else None
    if setting is None:
        return
    notices = []
    for one in fresh:
        member = from_wire("m", one.member)
        assert member is not None
        key, facts = f"{POINTS_EARNED}:{one.purchase}", {"points": one.points}
        notices.append(letter_to(member, setting, key, facts, now=now))
    outbox.announce(connection, notices, now=now)


def tell_tiers(
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    rows: Sequence[OutboxRow],
    *,
    now: datetime,
) -> None:
    """News of tiers, as the outbox has them: a rise, and a fall that is near."""
    kinds = {TIER_CHANGED: TIER_UP, TIER_ENDING: TIER_WARNING}
    settings = {
        kind: store.setting_on(connection, programme_id, kinds[kind])
        for kind in sorted({row.kind for row in rows})
    }
    if not any(settings.values()):
        return
    ladder = ladder_of(connection, plans, programme_id)
    notices = []
    for row in rows:
        setting, member = settings[row.kind], from_wire("m", row.payload["member"])
        if setting is None or member is None or not _is_news(ladder, row):
            continue
        key = f"{setting.kind}:{row.key}"
        until = row.payload.get("until")
        ends_at = None if until is None else datetime.fromisoformat(until)
        notices.append(
            letter_to(member, setting, key, _tier_facts(row), now=now, not_after=ends_at)
        )
    outbox.announce(connection, notices, now=now)


def merge_letters(connection: Connection, leaving: int, survivor: int, *, now: datetime) -> None:
    """What was written of one record of a person is written of the other; what both would be
    told, or one was, is not told again.
    """
    old, new = to_wire("m", leaving), to_wire("m", survivor)
    rows = outbox.keyed_messages(connection, [leaving, survivor])
    theirs = {row.key: row for row in rows if row.member_id == survivor}
    for row in rows:
        parts = row.key.split(":")
        if row.member_id != leaving or old not in parts:
            continue
        key = ":".join(new if part == old else part for part in parts)
        other = theirs.get(key)
        if other is None:
            outbox.change_key(connection, row.id, key)
        elif row.state == "due" and other.is_told:
            outbox.pass_over(connection, row.id, TOLD_ALREADY, now=now)
        elif other.state == "due" and row.is_told:
            outbox.pass_over(connection, other.id, TOLD_ALREADY, now=now)
    outbox.move_member(connection, leaving, survivor)


def _is_news(ladder: Ladder, row: OutboxRow) -> bool:
    """A tier that the ladder does not know any more is none."""
    if row.kind == TIER_ENDING:
        return True
    was, now = row.payload["was"], row.payload["now"]
    gone = was is not None and not ladder.rank_of(was)
    return not gone and ladder.rank_of(now) > ladder.rank_of(was)


def _tier_facts(row: OutboxRow) -> dict[str, Any]:
    names = ("until", "then") if row.kind == TIER_ENDING else ("was", "now")
    return {name: row.payload[name] for name in names}


def letter_to(  # noqa: PLR0913 - each is a word of its own to the caller
    member_id: int,
    setting: LetterSetting,
    key: str,
    facts: Mapping[str, Any],
    *,
    now: datetime,
    not_after: datetime | None = None,
) -> Notice:
    """A row of the outbox; the same key again is the same letter.  Points in hundredths."""
    expires_at = now + KINDS[setting.kind].lives
    if not_after is not None:
        expires_at = min(expires_at, not_after)
    payload = {
        "letter": setting.kind,
        "facts": dict(facts),
        "expires_at": expires_at.isoformat(),
    }
    return Notice(setting.programme_id, outbox.MESSAGE, key, payload, member_id=member_id)
