"""The health of one connection: what the hub knows by itself, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.connections import advice, shop
from hub.connections.shop import ShopSide
from hub.installations import InstallationView, installation_row
from hub.wiring import Hub
from loyalty_core.store import balance_pushes, coupon_pushes, delivery_health
from loyalty_core.store.database import read

WEEK = timedelta(days=7)
TOO_LATE = timedelta(minutes=10)
"""What could be worked off and was not for so long: nobody works."""
SILENT = timedelta(days=3)
SKEW_S = 60
"""Signatures and tokens with times of their own begin to fail beyond some minutes."""
LOW_SHARE = 10
"""A budget with less than one of so many parts left is low."""


@dataclass(frozen=True, slots=True)
class Balances:
    """`waiting` members are to be told of; `failed`: the shop takes no balance for them."""

    on: bool
    waiting: int
    failed: int
    told_at: datetime | None
    errors: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Coupons:
    """`waiting` are to be told of, `made` stand in the shop; `failed`: it did not take them."""

    on: bool
    waiting: int
    made: int
    failed: int
    told_at: datetime | None
    errors: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Health:
    """`lag_s`: from the shop's call to the books, the middle one of the last hundred.  `errors`:
    of the last week's deliveries by code.  `hooks`: the connector takes webhooks.  `refused_...`:
    the last call that did not prove where it came from, or could not be read."""

    view: InstallationView
    looked_at: datetime
    found_at: datetime | None
    late: int
    late_since: datetime | None
    later: int
    dead: int
    lag_s: float | None
    errors: Mapping[str, int]
    hooks: bool
    mends_webhooks: bool
    address_known: bool
    refused_at: datetime | None
    refused_code: str | None
    balances: Balances | None
    coupons: Coupons | None = None


def health_of(hub: Hub, view: InstallationView) -> Health:
    """Raises: InstallationNotFound."""
    row, now = installation_row(hub, view.id), hub.clock.now()
    with read(hub.engine) as connection:
        waits = delivery_health.waiting(connection, row.id, now)
        lag = delivery_health.lag(connection, row.id)
        counts = balance_pushes.counts(connection, row.id)
        untold = balance_pushes.errors(connection, row.id)
        of_coupons = coupon_pushes.counts(connection, row.id, now=now)
        not_made = coupon_pushes.errors(connection, row.id)
        errors = delivery_health.errors_since(connection, row.id, now - WEEK)
        dead = delivery_health.dead(connection, row.id)
        found_at = delivery_health.last_found_at(connection, row.id)
    shows = view.shows_balances
    return Health(
        view,
        now,
        found_at,
        waits.late,
        waits.late_since,
        waits.later,
        dead,
        None if lag is None else lag.total_seconds(),
        errors,
        bool(view.hooks),
        shop.can_mend(hub, row),
        hub.config.public_url is not None,
        row.refused_at,
        row.refused_code,
        None
        if shows is None
        else Balances(shows, counts.waiting, counts.failed, counts.told_at, untold),
        None
        if view.makes_coupons is None
        else Coupons(view.makes_coupons, **asdict(of_coupons), errors=not_made),
    )


def what_to_do(health: Health, side: ShopSide | None) -> list[str]:
    """Codes of `advice.WORDS`, the most urgent first; `side` None: the shop was not asked."""
    found = [*_of_the_hub(health), *(_of_the_shop(side) if side else ())]
    return list(dict.fromkeys(found)) or ["fine"]


def _of_the_hub(health: Health) -> Iterator[str]:
    view = health.view
    if view.state == "paused":
        yield "resume"
    if view.trouble_code is not None:
        yield advice.of_trouble(view.trouble_code)
    if _is_refused(health):
        yield "calls_refused"
    if health.dead:
        yield "dead_deliveries"
    if view.state != "paused" and _is_before(health.late_since, health.looked_at - TOO_LATE):
        yield "late"
    if health.hooks:
        yield from _of_hooks(health)
    yield from _of_pushes(health)


def _of_pushes(health: Health) -> Iterator[str]:
    if health.balances is not None and health.balances.on and health.balances.failed:
        yield "balances_failed"
    if health.coupons is not None and health.coupons.failed:
        yield "coupons_failed"


def _is_refused(health: Health) -> bool:
    """Strangers knock, too: a call of the shop's own that came later shows that it was one."""
    refused, heard = health.refused_at, health.view.last_delivery_at
    if refused is None or refused < health.looked_at - WEEK:
        return False
    return heard is None or heard < refused


def _of_hooks(health: Health) -> Iterator[str]:
    last, found = health.view.last_delivery_at, health.found_at
    if last is None:
        if not _is_refused(health):
            yield "never_heard"
    elif found is not None and found > last + SILENT:
        yield "webhooks_silent"
    if not health.address_known:
        yield "no_address"


def _of_the_shop(side: ShopSide) -> Iterator[str]:
    if side.error_code is not None:
        yield advice.of_trouble(side.error_code)
    if any(one.state != "working" for one in side.webhooks or ()):
        yield "webhooks_off"
    if abs(side.skew_s or 0) > SKEW_S:
        yield "clock_skew"
    if side.left is not None and side.limit and side.left * LOW_SHARE < side.limit:
        yield "budget_low"


def _is_before(moment: datetime | None, other: datetime) -> bool:
    return moment is not None and moment < other


def as_document(health: Health, side: ShopSide | None, language: str) -> dict[str, Any]:
    """As programs read it; no name, no address and no secret of anybody."""
    view, balances, coupons = health.view, health.balances, health.coupons
    return {
        "id": view.id,
        "name": view.name,
        "connector": view.connector,
        "state": view.state,
        "trouble": view.trouble_code,
        "looked_at": health.looked_at.isoformat(),
        "last_delivery_at": _time(view.last_delivery_at),
        "last_document_at": _time(health.found_at),
        "next_poll_at": _time(view.pull_due_at),
        "lag_s": health.lag_s,
        "waiting": {
            "late": health.late,
            "since": _time(health.late_since),
            "later": health.later,
            "dead": health.dead,
        },
        "errors": dict(health.errors),
        "refused": None
        if health.refused_at is None
        else {"at": _time(health.refused_at), "error": health.refused_code},
        "balances": None
        if balances is None
        else {**asdict(balances), "told_at": _time(balances.told_at)},
        "coupons": None
        if coupons is None
        else {**asdict(coupons), "told_at": _time(coupons.told_at)},
        "shop": None if side is None else _shop(side),
        "advice": [
            {"code": code, "text": advice.sentence(code, language)}
            for code in what_to_do(health, side)
        ],
    }


def _shop(side: ShopSide) -> dict[str, Any]:
    webhooks = side.webhooks
    return {
        "looked_at": side.looked_at.isoformat(),
        "error": side.error_code,
        "clock_ahead_s": side.skew_s,
        "calls_left": side.left,
        "calls_limit": side.limit,
        "webhooks": None
        if webhooks is None
        else [{"name": one.name, "state": one.state} for one in webhooks],
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
