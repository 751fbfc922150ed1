"""The tier of a member as it is shown: until when, what keeps it, what is missing to the next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from loyalty_core.domain.ladder_path import Contribution
from loyalty_core.domain.rules import Tier
from loyalty_core.domain.tiering import ACTIONS, PURCHASES
from loyalty_core.domain.tiers import Ladder, Outlook
from loyalty_core.store import tiers as store
from loyalty_kit.checkout import TierView
from loyalty_kit.money import format_decimal


@dataclass(frozen=True, slots=True)
class TierHeld:
    """`until` None: no fall is in sight; `then` is the tier after it, `keep` what is missing to
    keep this one, in the ladder's measure."""

    code: str
    name: str
    until: datetime | None
    then: TierView | None
    keep: str | None
    warning: bool


@dataclass(frozen=True, slots=True)
class TierAhead:
    """The tier above; `missing` in roubles, points or pieces, as `by` says."""

    code: str
    name: str
    by: str
    missing: str


@dataclass(frozen=True, slots=True)
class TierShown:
    held: TierHeld | None
    ahead: TierAhead | None


def tiers_shown(
    connection: Connection, ladder: Ladder, rows: Collection[RowMapping], now: datetime
) -> Mapping[int, TierShown]:
    """By member.  Where the programme has no tiers nothing is asked."""
    ids = [row["id"] for row in rows]
    if not ladder.tiers or not ids:
        return dict.fromkeys(ids, TierShown(None, None))
    due = [row["id"] for row in rows if row["next_tier_at"] and row["next_tier_at"] <= now]
    known = store.known_tiers(connection, due, now) if due else {}
    given = store.contributions(connection, ladder, ids) if ladder.asks_history else {}
    shown = {}
    for row in rows:
        number = row["id"]
        code, spent_minor = known.get(number, (row["tier"], row["spent_minor"]))
        counted = [*given[number].values()] if given else [Contribution(now, spent_minor)]
        shown[number] = _shown(ladder, code, counted, now)
    return shown


def _shown(
    ladder: Ladder, code: str | None, counted: Collection[Contribution], now: datetime
) -> TierShown:
    """Of a member whom a changed ladder has not rated yet nothing is foretold."""
    rank, place = ladder.rank_of(code), ladder.place(counted, now)
    told = ladder.outlook(counted, place, now) if place.rank == rank else Outlook()
    held = ladder.tier(rank)
    return TierShown(None if held is None else _held(ladder, held, told), _ahead(ladder, told))


def _held(ladder: Ladder, tier: Tier, told: Outlook) -> TierHeld:
    return TierHeld(
        tier.code,
        tier.name,
        told.until,
        None if told.then is None else TierView(told.then.code, told.then.name),
        None if told.keep is None else _amount(ladder, told.keep),
        told.warning,
    )


def _ahead(ladder: Ladder, told: Outlook) -> TierAhead | None:
    if told.above is None:
        return None
    missing = _amount(ladder, told.missing)
    return TierAhead(told.above.code, told.above.name, ladder.tiering.by, missing)


def _amount(ladder: Ladder, amount: int) -> str:
    """Roubles and points with their hundredths; purchases and actions are counted in pieces."""
    pieces = ladder.tiering.by in (PURCHASES, ACTIONS)
    return str(amount) if pieces else format_decimal(amount)
