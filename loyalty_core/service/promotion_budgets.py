"""What is left of the limits of promotions that count for everybody together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.dates import period_start
from loyalty_core.domain.pricing.limits import Limit
from loyalty_core.domain.rules import RuleSet
from loyalty_core.store.promotion_uses import UseKey, read_uses

EVERYBODY = 0
"""The owner of what counts for a whole programme (`store.promotion_uses`)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """`used` of `limit.most`, in the units of the limit, in the period that now is in."""

    limit: Limit
    used: int

    @property
    def left(self) -> int:
        return max(0, self.limit.most - self.used)

    @property
    def percent_used(self) -> int:
        return min(100, self.used * 100 // self.limit.most)


def budgets(
    connection: Connection, programme_id: int, rules: RuleSet, zone: ZoneInfo, *, now: datetime
) -> Mapping[str, tuple[Budget, ...]]:
    """By promotion, those of its limits that count for everybody together; holds count as used."""

    def keys() -> Iterator[tuple[UseKey, Limit]]:
        for promotion in rules.promotions:
            for limit in promotion.limits:
                if limit.per == "promotion":
                    start = period_start(now, limit.period, zone)
                    name = limit.name(promotion.id)
                    yield UseKey(programme_id, EVERYBODY, *name, start), limit

    wanted = dict(keys())
    used = read_uses(connection, wanted)
    found: dict[str, list[Budget]] = {}
    for key, limit in wanted.items():
        found.setdefault(key.promotion, []).append(Budget(limit, used.get(key, 0)))
    return {promotion: tuple(own) for promotion, own in found.items()}
