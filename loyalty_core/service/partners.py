"""Partners of a programme: their shops and terms, and what each side owes for a period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.dates import EVER
from loyalty_core.domain.errors import InvalidInput, PartnerNotFound, ProgrammeNotFound
from loyalty_core.domain.points import Kind
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import check_code
from loyalty_core.service.whole_days import whole_days
from loyalty_core.store import audit, programmes
from loyalty_core.store import partners as store
from loyalty_core.store.partners import HandedOut, Price
from loyalty_core.store.past_sales import Period
from loyalty_core.store.programmes import Programme, fold
from loyalty_kit.money import POINT, divide, format_decimal

_END = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PointPrice:
    """What a partner owes for a whole point of a currency, in kopecks."""

    currency: str
    price_minor: int


@dataclass(frozen=True, slots=True)
class Terms:
    """`name` None: the code.  `shops`: codes.  No currency has two prices."""

    name: str | None = None
    shops: Sequence[str] = ()
    prices: Sequence[PointPrice] = ()


@dataclass(frozen=True, slots=True)
class PartnerView:
    """A partner with its shops (codes) and the prices that hold now."""

    code: str
    name: str
    shops: Sequence[str]
    prices: Sequence[PointPrice]


@dataclass(frozen=True, slots=True)
class PointsMoved:
    """Points of one currency at the partner's shops, in hundredths, net of what was taken and
    given back; `owed_minor`: what the partner owes for those earned."""

    currency: str
    earned_points: int
    spent_points: int
    owed_minor: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is booked of a partner in whole days, `first` to `last`.  Money in kopecks."""

    partner: PartnerView
    currency: str
    first: date
    last: date
    points: Sequence[PointsMoved]
    rewards: Sequence[HandedOut]

    @property
    def partner_owes_minor(self) -> int:
        return sum(one.owed_minor for one in self.points)

    @property
    def programme_owes_minor(self) -> int:
        return sum(one.compensation_minor for one in self.rewards)


def set_partner(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    code: str,
    terms: Terms,
    *,
    author: str,
    now: datetime,
) -> PartnerView:
    """Make a partner, or put these terms in the place of its own.

    Prices that a partner is made with hold for purchases of before too; one that changes, or
    is new, for those that come from now on.

    Raises: ProgrammeNotFound, InvalidInput (code; a shop that is not there or another
    partner's; a currency).
    """
    check_code(code)
    told = {one.currency: one.price_minor for one in terms.prices}
    _check_currencies(connection, plans, programme_id, told)
    shops = _shop_ids(connection, programme_id, terms.shops)
    old = store.partner_by_code(connection, programme_id, code)
    before = None if old is None else _words(_views(connection, [old])[0])
    partner = store.put_partner(connection, programme_id, code, terms.name or code, now=now)
    owners = store.owners_of(connection, shops)
    if any(owner not in (None, partner.id) for owner in owners.values()):
        raise InvalidInput({"shops": ["Is another partner's."]})
    store.set_shops(connection, partner.id, shops)
    known = store.prices_of(connection, [partner.id])[partner.id]
    standing = {name: some[-1].price_minor for name, some in known.items()}
    wanted = {**dict.fromkeys(standing, 0), **told}
    changed = {name: price for name, price in wanted.items() if price != standing.get(name)}
    store.add_prices(connection, partner.id, changed, since=EVER if old is None else now)
    view = _views(connection, [partner])[0]
    audit.note(
        connection,
        programme_id,
        "partner_set",
        code,
        author=author,
        now=now,
        before=before,
        after=_words(view),
    )
    return view


def _words(view: PartnerView) -> Mapping[str, Any]:
    """As the log tells of it."""
    prices = {one.currency: format_decimal(one.price_minor) for one in view.prices}
    return {"name": view.name, "shops": list(view.shops), "prices": prices}


def list_partners(connection: Connection, programme_id: int) -> list[PartnerView]:
    """In the order of their codes."""
    return _views(connection, store.all_partners(connection, programme_id))


def settle(
    connection: Connection, programme_id: int, code: str, first: date, last: date
) -> Settlement:
    """What was earned and spent at the partner's shops and handed out of its rewards, and what
    each side owes for it.

    Points count when they are booked, at the price of the day on which their purchase came: so
    a return takes off what its purchase was charged.  A sum of each currency is rounded once.

    Raises: ProgrammeNotFound, PartnerNotFound, InvalidInput (days).
    """
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    partner = store.partner_by_code(connection, programme_id, code)
    if partner is None:
        raise PartnerNotFound
    period = whole_days(first, last, programme.timezone, named="until")
    return Settlement(
        _views(connection, [partner])[0],
        programme.currency,
        first,
        last,
        _points(connection, programme, partner.id, period),
        store.handed_out(connection, programme_id, partner.code, period),
    )


# --- inside -----------------------------------------------------------------------------------


def _check_currencies(
    connection: Connection, plans: PlanCache, programme_id: int, named: Iterable[str]
) -> None:
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    rules = plans.get(connection, programme_id, programme.rules_version).rules
    if set(named) - {one.code for one in rules.currencies}:
        raise InvalidInput({"prices": ["Not a currency of points of this programme."]})


def _shop_ids(connection: Connection, programme_id: int, codes: Sequence[str]) -> list[int]:
    found = programmes.shops_by_code(connection, programme_id, codes)
    if {fold(code) for code in codes} - set(found):
        raise InvalidInput({"shops": ["No such shop."]})
    return sorted(shop.id for shop in found.values())


def _views(connection: Connection, partners: Sequence[store.Partner]) -> list[PartnerView]:
    ids = [one.id for one in partners]
    shops = store.shops_of(connection, ids)
    prices = store.prices_of(connection, ids)
    return [
        PartnerView(
            one.code,
            one.name,
            shops[one.id],
            [
                PointPrice(name, some[-1].price_minor)
                for name, some in sorted(prices[one.id].items())
            ],
        )
        for one in partners
    ]


def _points(
    connection: Connection, programme: Programme, partner_id: int, period: Period
) -> list[PointsMoved]:
    """By currency.  Between two changes of prices all prices stand still."""
    prices = store.prices_of(connection, [partner_id])[partner_id]
    changes = sorted({one.since for some in prices.values() for one in some} - {EVER})
    earned: dict[str, int] = {}
    spent: dict[str, int] = {}
    owed: dict[str, int] = {}
    for since, until in zip([EVER, *changes], [*changes, _END], strict=True):
        moved = store.points_moved(
            connection, programme.id, partner_id, period, Period(since, until)
        )
        for currency in {currency for currency, _ in moved}:
            came = _net(moved, currency, (Kind.EARN,), (Kind.CLAW_BACK,))
            went = _net(moved, currency, (Kind.SPEND, Kind.CAPTURE), (Kind.GIVE_BACK,))
            price = _price_at(prices.get(currency, ()), since)
            earned[currency] = earned.get(currency, 0) + came
            spent[currency] = spent.get(currency, 0) + went
            owed[currency] = owed.get(currency, 0) + came * price
    return [
        PointsMoved(one, earned[one], spent[one], divide(owed[one], POINT, "half_up"))
        for one in sorted(earned)
    ]


def _net(
    moved: Mapping[tuple[str, str], int],
    currency: str,
    there: Sequence[Kind],
    back: Sequence[Kind],
) -> int:
    total = sum(moved.get((currency, kind.value), 0) for kind in there)
    return total - sum(moved.get((currency, kind.value), 0) for kind in back)


def _price_at(prices: Sequence[Price], moment: datetime) -> int:
    """The price that held then; nothing before the first one."""
    held = [one.price_minor for one in prices if one.since <= moment]
    return held[-1] if held else 0
