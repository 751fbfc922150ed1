"""Only a hold promises: it stores the priced basket and sets points aside (`ledger.md` 8, 13)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.conditions.scene import Person, Place
from loyalty_core.domain.errors import (
    CodeRequired,
    GoodsBarred,
    HoldCaptured,
    HoldNotFound,
    NotAvailable,
    NotEnoughPoints,
    PriceChanged,
    ProgrammeNotFound,
    WrongCurrency,
)
from loyalty_core.domain.members import full_name
from loyalty_core.domain.points import Cause
from loyalty_core.domain.pricing.basket import PricedBasket
from loyalty_core.domain.pricing.coupons import look_at
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.receipt import NOTHING_BACK
from loyalty_core.domain.tiers import Ladder
from loyalty_core.service.certificate_payment import paid_with, promised
from loyalty_core.service.certificate_uses import entered
from loyalty_core.service.confirm import spend_code
from loyalty_core.service.coupon_uses import codes_of, taken_by
from loyalty_core.service.identify import names_of
from loyalty_core.service.people import person_in
from loyalty_core.service.place import place_of
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.promise import (
    certificate_keys,
    has_coupons,
    has_effects,
    keep_promise,
    promised_quote,
)
from loyalty_core.service.promotion_limits import CountedFor, Counters, wanted_of
from loyalty_core.service.quote_basket import (
    Buyer,
    answer,
    fill_in,
    is_verified,
    member_facts,
    quote_id,
)
from loyalty_core.service.source import Source, check_channel, check_shop, shop_for
from loyalty_core.store import holds as store
from loyalty_core.store import ledger, members, programmes
from loyalty_core.store.certificates import CertificateKey
from loyalty_core.store.codec import to_json
from loyalty_core.store.coupons import CouponKey
from loyalty_core.store.holds import NOBODY, Claim, HoldKey, KeptHold
from loyalty_core.store.ids import from_wire, new_id
from loyalty_core.store.programmes import Shop
from loyalty_core.store.promotion_uses import UseKey
from loyalty_core.store.tiers import contributions, tier_of_row
from loyalty_core.store.unproved import is_unproved
from loyalty_kit.checkout import Balance, HoldRequest, Quote, QuoteRequest
from loyalty_kit.money import format_decimal


@dataclass(frozen=True, slots=True)
class PlacedHold:
    """A hold as its owner sees it.  `state`: live, captured or released; `points` in
    hundredths, set aside now."""

    id: str
    state: str
    expires_at: datetime
    quote: Quote
    cart: str | None
    order: str | None
    points: int


def place_hold(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    source: Source,
    wanted: HoldRequest,
    *,
    now: datetime,
    code_secrets: Iterable[bytes] | None = None,
    looked: Callable[[Quote], None] | None = None,
) -> PlacedHold:
    """Price the basket, set its points aside, and promise both.

    A new hold for the same cart or order replaces the old one.  Never degraded.

    A code in it is checked under `code_secrets`, the keys of codes, and then the buyer counts as
    verified.  A refused code has written its attempt and nothing else: commit it.  `looked` is
    told the priced basket before a refusal may tell of it; what it raises ends the call.

    Raises: NotEnoughPoints, PriceChanged, CodeRequired, CodeRefused, GoodsBarred, NotAvailable,
    UnknownShop, ShopForbidden, ChannelForbidden, WrongCurrency, PhoneImpossible.
    """
    desk = _open_desk(connection, plans, source, wanted.request, now)
    if wanted.code is not None:
        if code_secrets is None:
            raise NotAvailable({"feature": "confirmation_codes"})
        spend_code(
            connection,
            shop_id=desk.shop.id,
            member_id=desk.member_id,
            cart=wanted.request.cart,
            code=wanted.code,
            secrets=code_secrets,
            now=now,
        )
        desk.confirmed = True
    desk.let_go(now)
    priced = _price(desk, now)
    quote = _answer(desk, priced, now)
    if looked is not None:
        looked(quote)
    _refuse_barred(priced)
    _expect(wanted, quote)
    hold = _new_hold(desk, source, wanted, keep_promise(quote, priced), now)
    book = desk.book
    if book is not None and priced.points.spend and wanted.set_aside:
        cause = Cause(f"hold:{hold.id}", now, now, None, {"hold": store.hold_to_wire(hold.key)})
        hold.lots = book.hold(priced.points.spend, cause)
        hold.points = priced.points.spend
    if priced.effects:
        reserved = wanted_of(priced.effects, NOTHING_BACK, desk.plan, desk.counted)
        coupons = [(hold.programme_id, one.code) for one in taken_by(priced)]
        desk.counters.set(("hold", hold.id), reserved, coupons)
    desk.counters.certificates.reserve(hold, promised(quote), now)
    desk.counters.write()
    for one in desk.books.values():
        one.settle(now)
    ledger.write_books(connection, desk.books.values())
    store.write_holds(connection, [*desk.replaced, *desk.ended, hold])
    store.set_claims(connection, dict.fromkeys(desk.claims, hold.key))
    return _placed(hold)


def get_hold(connection: Connection, source: Source, hold_id: str, *, now: datetime) -> PlacedHold:
    """Raises: HoldNotFound, ShopForbidden."""
    return _as_of(_find(connection, source, hold_id, lock=False), now)


def name_order(
    connection: Connection, source: Source, hold_id: str, order: str, *, now: datetime
) -> PlacedHold:
    """Tie a live hold to the order that its cart became; another live one of the order ends, and
    an order that this one had before has it no more.

    Raises: HoldNotFound, HoldCaptured, ShopForbidden.
    """
    hold = _find(connection, source, hold_id, lock=False)
    claim = Claim(source.programme_id, hold.shop_id, "order", order)
    store.lock_claims(connection, {claim, replace(claim, ref=hold.order or order)})
    had = store.claimed_holds(connection, [claim]).values()
    owners = {member for member, _ in (hold.key, *had)} - {NOBODY}
    # As in `release_hold`: nobody merges the members away meanwhile.
    members.lock_survivors(connection, source.programme_id, owners)
    hold = _living(_find(connection, source, hold_id, lock=False), now)
    had = store.claimed_holds(connection, [claim]).values()
    if others := [key for key in had if key != hold.key]:
        end_holds_of(connection, others, why="replaced", now=now, beside=[hold.key])
    hold = _living(_find(connection, source, hold_id, lock=True), now)
    if hold.order is not None and hold.order != order:
        store.drop_claim(connection, replace(claim, ref=hold.order), hold.key)
    hold.order, hold.changed = order, True
    store.write_holds(connection, [hold])
    store.set_claims(connection, {claim: hold.key})
    return _placed(hold)


def release_hold(connection: Connection, source: Source, hold_id: str, *, now: datetime) -> None:
    """Let a hold go; one that has ended by itself stays ended.

    Raises: HoldNotFound, HoldCaptured, ShopForbidden.
    """
    hold = _find(connection, source, hold_id, lock=False)
    if hold.member_id != NOBODY:
        # A merge would move the hold from under our hands; the member's row keeps it away.
        members.lock_survivors(connection, source.programme_id, [hold.member_id])
        hold = _find(connection, source, hold_id, lock=False)
    end_holds_of(connection, [hold.key], why="released", now=now)
    if _find(connection, source, hold_id, lock=False).state == "captured":
        raise HoldCaptured


def release_cart(
    connection: Connection, source: Source, cart: str, shop: str | None, *, now: datetime
) -> None:
    """Let the live hold of a cart go, if there is one.

    Raises: UnknownShop, ShopForbidden.
    """
    claim = Claim(source.programme_id, shop_for(connection, source, shop).id, "cart", cart)
    member, number = store.claimed_holds(connection, [claim]).get(claim, (NOBODY, None))
    if number is None:
        return
    if member != NOBODY:
        # As in `release_hold`: nobody merges the member away meanwhile.
        members.lock_survivors(connection, source.programme_id, [member])
        member, number = store.claimed_holds(connection, [claim])[claim]
    end_holds_of(connection, [(member, number)], why="released", now=now)


def end_holds_of(
    connection: Connection,
    keys: list[HoldKey],
    *,
    why: str,
    now: datetime,
    beside: Sequence[HoldKey] = (),
) -> int:
    """Release those of these holds that still live; gives how many.  `beside`: locked with them."""
    known = store.holds_by_key(connection, keys).values()
    accounts = {(hold.member_id, hold.currency) for hold in known if hold.member_id != NOBODY}
    counters = Counters(connection)
    load_uses(counters, known, now)
    books = ledger.open_books(connection, accounts)
    for book in books.values():
        book.settle(now)
    held = store.holds_by_key(connection, [*keys, *beside], lock=True)
    live = [hold for key, hold in held.items() if hold.state == "live" and key not in beside]
    if why == "expired":
        # An order that was placed since may have made it last longer (`ledger.md` 8).
        live = [hold for hold in live if not hold.lives_at(now)]
    load_uses(counters, live, now)
    for hold in live:
        let_go(hold, books.get((hold.member_id, hold.currency)), why, now)
        counters.end_hold(hold.id, now)
    counters.write()
    for book in books.values():
        book.settle(now)
    ledger.write_books(connection, books.values())
    store.write_holds(connection, live)
    return len(live)


def load_uses(  # noqa: PLR0913 - what holds set aside, kind by kind
    counters: Counters,
    holds: Collection[KeptHold],
    now: datetime,
    also: Iterable[UseKey] = (),
    coupons: Iterable[CouponKey] = (),
    certificates: Iterable[CertificateKey] = (),
) -> None:
    """Lock what these holds may have of limits, coupons and certificates, and some others."""
    counters.load([("hold", hold.id) for hold in holds if has_effects(hold)], also)
    counters.coupons.load([("hold", hold.id) for hold in holds if has_coupons(hold)], coupons)
    reserved = {hold.id: keys for hold in holds if (keys := certificate_keys(hold))}
    asked = {*certificates, *chain(*reserved.values())}
    counters.certificates.load(asked, now=now, holds=reserved)


def let_go(hold: KeptHold, book: AccountBook | None, why: str, now: datetime) -> None:
    """Give a live hold's points back to the lots they came from."""
    if book is not None:
        book.release(hold.lots, Cause(f"hold:{hold.id}:release", now, now, None, {"why": why}))
    hold.points, hold.lots, hold.state, hold.changed = 0, (), "released", True
    hold.ran_out = why == "expired"


# --- inside ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Desk:
    """What placing a hold works on: the shop, the buyer, locked books, and older holds."""

    connection: Connection
    request: QuoteRequest
    plan: Plan
    shop: Shop
    member_id: int | None
    member: Any
    books: dict[ledger.AccountKey, AccountBook]
    claims: tuple[Claim, ...]
    replaced: list[KeptHold]
    ended: list[KeptHold]
    unproved: bool
    place: Place
    counters: Counters
    counted: CountedFor
    now: datetime
    person: Person | None
    confirmed: bool = False

    @property
    def book(self) -> AccountBook | None:
        if self.member_id is None:
            return None
        return self.books[(self.member_id, self.plan.main.code)]

    def let_go(self, now: datetime) -> None:
        for holds, why in ((self.replaced, "replaced"), (self.ended, "expired")):
            for hold in holds:
                let_go(hold, self.books.get((hold.member_id, hold.currency)), why, now)
                self.counters.end_hold(hold.id, now)
        for book in self.books.values():
            book.settle(now)

    def buyer(self) -> Buyer:
        vouched = is_verified(self.request, self.plan, unproved=self.unproved)
        verified = vouched or self.confirmed
        if self.member_id is None:
            return Buyer(None, verified, None, None, (), 0)
        row, main = self.member, self.plan.main.code
        balances = sorted(
            (
                Balance(book.currency, book.available, book.pending, book.held, book.debt)
                for (member, _), book in self.books.items()
                if member == self.member_id
            ),
            key=lambda balance: (balance.currency != main, balance.currency),
        )
        return Buyer(
            self.member_id,
            verified,
            full_name(row["first_name"], row["middle_name"], row["last_name"]),
            tier_of_row(self.connection, row, self.now),
            tuple(balances),
            balances[0].available,
            self.person,
            row["spent_minor"],
            self._measured(),
        )

    def _measured(self) -> int | None:
        """What counts for the tier so far, where the receipt that reaches one earns by it."""
        if not self.plan.asks_measure or self.member_id is None:
            return None
        ladder = Ladder.of(self.plan.rules, self.counted.zone)
        given = contributions(self.connection, ladder, [self.member_id])
        return ladder.measured(given[self.member_id].values(), self.now)


def _open_desk(
    connection: Connection,
    plans: PlanCache,
    source: Source,
    request: QuoteRequest,
    now: datetime,
) -> _Desk:
    programme = programmes.programme_by_id(connection, source.programme_id)
    if programme is None:
        raise ProgrammeNotFound
    if request.currency != programme.currency:
        raise WrongCurrency({"currency": request.currency})
    plan = plans.get(connection, programme.id, programme.rules_version)
    check_channel(source, request.channel)
    shop = shop_for(connection, source, request.shop)
    claims = tuple(
        Claim(programme.id, shop.id, kind, ref)
        for kind, ref in (("cart", request.cart), ("order", request.order))
        if ref is not None
    )
    store.lock_claims(connection, claims)
    member, unproved = _member_of(connection, source, request, plan)
    older = set(store.claimed_holds(connection, claims).values())
    if request.hold is not None and (named := store.hold_from_wire(request.hold)):
        older.add(named)
    older = _followed(connection, programme.id, older, member)
    # A caller may name any hold; of another programme nothing is touched, not even locked.
    known = store.holds_by_key(connection, older).values()
    own = [hold for hold in known if hold.programme_id == programme.id]
    for hold in own:
        check_shop(connection, source, hold.shop_id)
    older = {hold.key for hold in own}
    # A quote has counted them as ended already, before a job books that.
    ended = [] if member is None else store.ended_holds_of(connection, member, now)
    ended = [hold for hold in ended if hold.key not in older]
    own += ended
    members_ = {one for one, _ in older if one != NOBODY} | ({member} - {None})
    codes = {currency.code for currency in plan.rules.currencies}
    codes |= {hold.currency for hold in own}
    keys = {(one, code) for one in members_ if one is not None for code in codes}
    request = fill_in(connection, programme.id, replace(request, shop=shop.code), plan)
    counted = CountedFor(programme.id, shop.id, member, now, ZoneInfo(programme.timezone))
    counters = Counters(connection)
    limited = plan.limited(request.lines) if plan.limits else ()
    load_uses(
        counters,
        own,
        now,
        (key for _, key in counted.keys(plan, limited)),
        ((programme.id, code) for code in codes_of(request.coupons, plan)),
        ((programme.id, code) for code in entered(request.certificates)),
    )
    books = ledger.open_books(connection, keys)
    for book in books.values():
        book.settle(now)
    found = store.holds_by_key(connection, [*older, *(one.key for one in ended)], lock=True)
    live = [hold for hold in found.values() if hold.state == "live"]
    load_uses(counters, live, now)
    rows = members.member_rows(connection, programme.id, [] if member is None else [member])
    row = rows.get(member or 0)
    return _Desk(
        connection,
        request,
        plan,
        shop,
        member,
        row,
        books,
        claims,
        [hold for hold in live if hold.key in older],
        # An order that was placed since may have made one last longer (`ledger.md` 8).
        [hold for hold in live if hold.key not in older and not hold.lives_at(now)],
        unproved,
        place_of(source, shop.code, ZoneInfo(shop.timezone or programme.timezone), request),
        counters,
        counted,
        now,
        person_in(connection, row, plan, now) if row is not None and plan.asks_person else None,
    )


def _member_of(
    connection: Connection, source: Source, request: QuoteRequest, plan: Plan
) -> tuple[int | None, bool]:
    """Who it is, with the member's row locked, and whether the account is unproved."""
    customer = request.member
    if customer is None:
        return None, False
    names = names_of(customer, source.name, plan.rules.policies.phone_region)
    number = from_wire("m", customer.id) if customer.id else None
    if number is not None:
        known = members.lock_survivors(connection, source.programme_id, [number])
        if known.get(number) is not None:
            return known[number], False
    owners = members.owners(connection, source.programme_id, names)
    owner = next((owners[name] for name in names if name in owners), None)
    if owner is None:
        return None, False
    member = members.lock_survivors(connection, source.programme_id, [owner])[owner]
    return member, member is not None and is_unproved(connection, member, names)


def _followed(
    connection: Connection, programme_id: int, older: set[HoldKey], member: int | None
) -> set[HoldKey]:
    """Where these holds stand by now: those of merged members are the survivor's.

    `member` is held already, the others from now on, so that nobody merges them away meanwhile.
    """
    strangers = {one for one, _ in older} - {NOBODY, member}
    if not strangers:
        return older
    home = members.lock_survivors(connection, programme_id, strangers)
    return {(home.get(one) or one, number) for one, number in older}


def _price(desk: _Desk, now: datetime) -> PricedBasket:
    request, buyer = desk.request, desk.buyer()
    asked = request.spend
    if asked:
        if desk.member_id is not None and not buyer.verified:
            raise CodeRequired
        if asked != "max" and asked > buyer.available_points:
            raise NotEnoughPoints(wanted=asked, available=buyer.available_points)
    facts = member_facts(buyer, desk.place)
    if desk.plan.limits:
        names = desk.counted.keys(desk.plan, desk.plan.limited(request.lines))
        facts = replace(facts, used=desk.counters.used(names))
    if codes := codes_of(request.coupons, desk.plan):
        keys = [(desk.counted.programme_id, code) for code in codes]
        entered = look_at(
            codes,
            desk.counters.coupons.seen(keys),
            desk.plan.series,
            desk.plan.by_coupon.keys(),
            (desk.member_id, now),
        )
        facts = replace(facts, coupons=entered)
    return price_basket(request, desk.plan, facts, now)


def _answer(desk: _Desk, priced: PricedBasket, now: datetime) -> Quote:
    """With what certificates pay of it."""
    quote = answer(priced, desk.buyer(), quote_id(now))
    if not desk.request.certificates:
        return quote
    known = desk.counters.certificates.seen(desk.counted.programme_id)
    return paid_with(quote, desk.request, known, (desk.member_id, now))


def _refuse_barred(priced: PricedBasket) -> None:
    """Goods that are not for this buyer are not promised."""
    barred = {
        f"lines.{place}": ["Is not for this buyer."]
        for place, line in enumerate(priced.lines)
        if line.barred
    }
    if barred:
        raise GoodsBarred(barred)


def _expect(wanted: HoldRequest, quote: Quote) -> None:
    """What the buyer was shown is what is promised, or the buyer is asked again."""
    shown = (
        ("payable", wanted.expect_payable_minor, quote.totals.payable_minor),
        ("spend", wanted.expect_spend_points, quote.points.spend),
        ("to_pay", wanted.expect_to_pay_minor, quote.totals.to_pay_minor),
    )
    facts = {name: format_decimal(now) for name, was, now in shown if was not in (None, now)}
    if facts:
        raise PriceChanged(facts)


def _new_hold(
    desk: _Desk, source: Source, wanted: HoldRequest, promise: dict[str, object], now: datetime
) -> KeptHold:
    return KeptHold(
        new_id(now),
        desk.member_id or NOBODY,
        source.programme_id,
        desk.shop.id,
        source.name,
        desk.request.cart,
        desk.request.order,
        desk.plan.main.code,
        0,
        (),
        "live",
        now + timedelta(seconds=wanted.ttl_s),
        now,
        desk.plan.version,
        request=to_json(replace(wanted.request, member=None)),
        quote=promise,
        is_new=True,
    )


def _find(connection: Connection, source: Source, hold_id: str, *, lock: bool) -> KeptHold:
    key = store.hold_from_wire(hold_id)
    if key is None:
        raise HoldNotFound
    member, number = key
    if member != NOBODY:
        member = members.survivors(connection, source.programme_id, [member]).get(member) or member
    found = store.holds_by_key(connection, [(member, number)], lock=lock).get((member, number))
    if found is None or found.programme_id != source.programme_id:
        raise HoldNotFound
    check_shop(connection, source, found.shop_id)
    return found


def _living(hold: KeptHold, now: datetime) -> KeptHold:
    """Raises: HoldCaptured, HoldNotFound, of one that has ended."""
    if hold.state == "captured":
        raise HoldCaptured
    if not hold.lives_at(now):
        raise HoldNotFound
    return hold


def _as_of(hold: KeptHold, now: datetime) -> PlacedHold:
    """A hold whose time is up has ended, whether or not a job has booked it yet."""
    placed = _placed(hold)
    if hold.state == "live" and not hold.lives_at(now):
        return replace(placed, state="released", points=0)
    return placed


def _placed(hold: KeptHold) -> PlacedHold:
    return PlacedHold(
        store.hold_to_wire(hold.key),
        hold.state,
        hold.expires_at,
        promised_quote(hold),
        hold.cart,
        hold.order,
        hold.points,
    )
