"""Coupons of the programme become coupons of the shops that want them, as they are when told.

Whoever changes a coupon asks for it in the same transaction (`coupon_pushes`); what a whole series
comes to changes with the rules, which each turn looks at: it asks of a slice of the coupons, and
writes down where it is, so that nobody waits for the lock of a connection with many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from hub.ingest import fates
from hub.live import Live, enliven, wire_id
from hub.outbox import turns
from hub.outbox.turns import Duty, Turn, is_of_the_shop
from hub.wiring import Hub
from loyalty_core.domain.coupon_codes import told as told_code
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.pricing.shop_coupons import Terms, Why
from loyalty_core.service.shop_coupons import AGAIN, Wanted, series_in_shops, wanted
from loyalty_core.store import coupon_pushes, installations, programmes
from loyalty_core.store.coupon_pushes import CouponPush
from loyalty_core.store.database import is_away, read, transact
from loyalty_core.store.installations import InstallationRow
from loyalty_kit.checkout import ShopCoupon
from loyalty_kit.errors import Drop
from loyalty_kit.ports import Client, Connector, PushDiscounts, Settings

log = structlog.get_logger(__name__)

BATCH = 100
"""So many coupons are one turn of a connection; most of them are no news and no call."""
SLICE = 2000
"""So many codes of the programme are gone through at once, under the lock of the connection."""
LOOK = timedelta(minutes=1)
"""So long after a change a shop hears of it at the latest, if it answers."""


@dataclass(frozen=True, slots=True)
class InShop:
    """A series, and why its coupons cannot be in a shop; None: they can."""

    code: str
    name: str
    why: Why | None


def can_make(hub: Hub, connector: str) -> bool:
    found = hub.registry.ready().get(connector)
    return found is not None and found.push_discounts is not None


def is_wanted(connector: Connector, settings: Settings) -> bool:
    """Whether the owner asks for coupons of the programme in this shop."""
    pushes = connector.push_discounts
    return pushes is not None and bool(settings.get(pushes.setting))


def switch(row: InstallationRow, on: bool, now: datetime) -> dict[str, Any]:
    """What changes at an installation, which is locked, when its owner wants coupons, or none any
    more: turns take back those that the shop has then."""
    if on is row.makes_coupons:
        return {}
    anew = {"coupon_terms": None, "coupon_walk": None if on else asdict(_Walk())}
    return {"makes_coupons": on, "coupons_due_at": now, "coupons_failed": 0, **anew}


def series_of(hub: Hub, programme_id: int) -> list[InShop]:
    """The series of the rules in force, as the owner sees them."""
    with read(hub.engine) as connection:
        plan = _plan(hub, connection, programme_id)
    return [
        InShop(code, plan.series[code].name, None if isinstance(found, Terms) else found)
        for code, found in series_in_shops(plan).items()
    ]


def push_batch(hub: Hub, programme_id: int) -> int:
    """One turn of one connection that has coupons to tell of; how many it looked at.

    Raises: database errors; whatever else goes wrong is shown at the connection.
    """
    return turns.take_turn(hub, programme_id, DUTY, lambda turn: _work(hub, turn))


def _work(hub: Hub, turn: Turn) -> int:
    """Raises: LeaseLost; what stands between the hub and the shop as a whole."""
    goes_on = transact(hub.engine, lambda connection: _walk_on(hub, connection, turn))
    with read(hub.engine) as connection:
        rows = coupon_pushes.due(connection, turn.row.id, now=hub.clock.now(), limit=BATCH)
    if not rows:
        return int(goes_on)
    live = enliven(hub, turn.row)
    client = live.client()
    return turns.each(hub, turn, rows, lambda row: _tell_or_note(hub, turn, live, client, row))


@dataclass(frozen=True, slots=True)
class _Walk:
    """The way through codes, behind which it goes on: through those of the programme, to ask of
    those whose series `changed`, towards `terms`; or through those that the shop has, to take
    them back.  It is kept, since a turn is a slice of it."""

    after: str = ""
    changed: Sequence[str] = ()
    terms: Mapping[str, str] | None = None


def _walk_on(hub: Hub, connection: Connection, turn: Turn) -> bool:
    """Ask of a slice of the coupons that come to something else since the shop was told; whether
    there are more."""
    row = installations.lock(connection, turn.row.id)
    if row is None or row.coupons_due_at != turn.until:
        return False
    walk = _walk_of(hub, connection, row)
    if walk is None:
        return False
    if row.makes_coupons:
        last = coupon_pushes.ask_of_series(
            connection, row.id, series=walk.changed, after=walk.after, limit=SLICE
        )
    else:
        last = coupon_pushes.ask_back(connection, row.id, after=walk.after, limit=SLICE)
    there = None if last is None else asdict(replace(walk, after=last))
    done = {} if there else {"coupon_terms": walk.terms}
    installations.change(connection, row.id, coupon_walk=there, **done)
    return there is not None


def _walk_of(hub: Hub, connection: Connection, row: InstallationRow) -> _Walk | None:
    """The way that is left; None: there is none.  If the rules changed on it, it begins anew: some
    of the coupons were told as they are no more."""
    walk = None if row.coupon_walk is None else _Walk(**row.coupon_walk)
    if not row.makes_coupons:
        return walk
    terms = _terms(_plan(hub, connection, row.programme_id))
    if walk is not None and walk.terms == terms:
        return walk
    known = (row.coupon_terms if walk is None else walk.terms) or {}
    changed = {code for code in terms.keys() | known.keys() if terms.get(code) != known.get(code)}
    also = () if walk is None else walk.changed
    return _Walk(changed=sorted(changed.union(also)), terms=terms) if changed or also else None


def _terms(plan: Plan) -> dict[str, str]:
    """A mark of what each series comes to in a shop, of those that can be there."""
    return {
        code: _digest(*astuple(one))
        for code, one in series_in_shops(plan).items()
        if isinstance(one, Terms)
    }


def _plan(hub: Hub, connection: Connection, programme_id: int) -> Plan:
    programme = programmes.programme_by_id(connection, programme_id)
    assert programme is not None
    return hub.plans.get(connection, programme_id, programme.rules_version)


def _tell_or_note(hub: Hub, turn: Turn, live: Live, client: Client, push: CouponPush) -> None:
    """Raises: what is wrong with the shop as a whole; the row is due behind the others then, for
    it may be this coupon alone over which the shop stumbles."""
    try:
        turn.told |= _tell(hub, turn, live, client, push)
    except Exception as error:
        if is_away(error):
            raise
        if is_of_the_shop(error):
            now = hub.clock.now()
            transact(hub.engine, lambda c: coupon_pushes.put_off(c, push, now=now))
            raise
        turn.troubled |= _note(hub, push, error)


def _tell(hub: Hub, turn: Turn, live: Live, client: Client, push: CouponPush) -> bool:
    """Whether the shop was told now."""
    found = _wanted(hub, turn, live, push)
    told = None if found.coupon is None else _digest(*astuple(found.coupon))
    is_news = told != push.told
    if is_news and found.coupon is not None:
        if not transact(hub.engine, lambda c: coupon_pushes.begin(c, push)):
            return False
        _make(live, client, push, found.coupon)
    elif is_news:
        _take_back(live, client, push)
    now = hub.clock.now()

    def save(connection: Connection) -> None:
        coupon_pushes.settle(connection, push, told, due_at=found.changes_at, now=now)
        if found.why is not None:
            coupon_pushes.settle_refused(connection, push, found.why, "", due_at=found.changes_at)

    transact(hub.engine, save)
    return is_news


def _make(live: Live, client: Client, push: CouponPush, coupon: ShopCoupon) -> None:
    """Raises: what the shop says; what it had is taken back then, for it is not `coupon`."""
    key = _digest(live.wire_id, push.code, push.asked, _digest(*astuple(coupon)))
    try:
        _pushes(live).push(client, coupon, key=key)
    except Drop:
        if push.told is not None:
            _take_back(live, client, push)
        raise


def _take_back(live: Live, client: Client, push: CouponPush) -> None:
    key = _digest(live.wire_id, push.code, push.asked)
    _pushes(live).take_back(client, told_code(push.code), key=key)


def _pushes(live: Live) -> PushDiscounts:
    found = live.connector.push_discounts
    assert found is not None, "a connector that makes none is asked for none"
    return found


def _wanted(hub: Hub, turn: Turn, live: Live, push: CouponPush) -> Wanted:
    if not turn.row.makes_coupons:
        return Wanted()
    with read(hub.engine) as connection:
        return wanted(
            connection,
            _plan(hub, connection, live.row.programme_id),
            live.row.programme_id,
            push.code,
            source=live.source.name,
            now=hub.clock.now(),
        )


def _note(hub: Hub, push: CouponPush, error: Exception) -> bool:
    """One coupon that the shop does not take is tried again every day, and listed meanwhile.

    Whether it is a matter for the owner beyond that.
    """
    now = hub.clock.now()
    verdict = fates.judge(error, len(fates.PAUSES) + 1, now)
    code, trouble = verdict.fate.error_code, verdict.trouble
    known = {"installation": wire_id(push.installation_id), "code": code}
    if isinstance(error, Drop):
        log.warning("coupon_not_taken", **known)
    else:
        log.error("coupon_defect", **known, exc_info=error)
    text = verdict.fate.error_text

    def save(connection: Connection) -> None:
        if trouble is not None:
            turns.show(connection, push.installation_id, fates.COUPONS, trouble)
        coupon_pushes.settle_refused(connection, push, code, text, due_at=now + AGAIN)

    transact(hub.engine, save)
    return trouble is not None


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]


def _next_at(connection: Connection, row: InstallationRow, now: datetime) -> datetime | None:
    if row.coupon_walk is not None:
        return now
    due_at = coupon_pushes.next_due_at(connection, row.id)
    if not row.makes_coupons:
        return due_at
    return now + LOOK if due_at is None else min(due_at, now + LOOK)


DUTY = Duty("coupons", fates.COUPONS, _next_at)
