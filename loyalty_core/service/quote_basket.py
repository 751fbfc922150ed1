"""What is this basket worth to this member?  Reads once, writes nothing (`ledger.md` 13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.conditions.scene import Person, Place
from loyalty_core.domain.dates import EVER, period_start
from loyalty_core.domain.errors import (
    LoyaltyError,
    ProgrammeNotFound,
    ShopForbidden,
    UnknownShop,
    WrongCurrency,
)
from loyalty_core.domain.ladder_path import Contribution
from loyalty_core.domain.members import full_name
from loyalty_core.domain.pricing.allot import unit_price
from loyalty_core.domain.pricing.basket import MemberFacts, PricedBasket
from loyalty_core.domain.pricing.coupons import look_at
from loyalty_core.domain.pricing.explain import code_answers, explain, promotions_of_codes
from loyalty_core.domain.pricing.limits import LimitName
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.tiering import LIFETIME
from loyalty_core.domain.tiers import Ladder
from loyalty_core.service.catalogue import basket_line_filled_in, products_for
from loyalty_core.service.certificate_payment import paid_with
from loyalty_core.service.certificate_uses import entered
from loyalty_core.service.coupon_uses import codes_of
from loyalty_core.service.identify import names_of
from loyalty_core.service.place import place_of
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.source import Source, check_channel
from loyalty_core.store.checkout import Facts, checkout_facts, checkout_facts_of_each
from loyalty_core.store.checkout_statement import Asked
from loyalty_core.store.holds import hold_from_wire
from loyalty_core.store.ids import from_wire, new_id, to_wire
from loyalty_core.store.programmes import fold
from loyalty_kit.checkout import (
    Balance,
    BasketLine,
    CertificateAnswer,
    CodeAnswer,
    MemberView,
    PointsOffer,
    PricedLine,
    Quote,
    QuoteRequest,
    TierView,
    Totals,
)
from loyalty_kit.frozen import frozen

VALID_FOR = timedelta(minutes=15)


@frozen
class Buyer:
    """The member as pricing and the answer see them.

    `verified`: the shop vouches, or stands at a till that the programme trusts.
    """

    member_id: int | None
    verified: bool
    name: str | None
    tier: str | None
    balances: tuple[Balance, ...]
    available_points: int
    person: Person | None = None
    spent_minor: int = 0
    measured: int | None = None


def quote_basket(
    connection: Connection,
    plans: PlanCache,
    source: Source,
    request: QuoteRequest,
    *,
    now: datetime,
) -> Quote:
    """The price of a basket by line, what it earns, what points may pay, and why.

    Raises: UnknownShop, ShopForbidden, ChannelForbidden, WrongCurrency, PhoneImpossible.
    """
    newest = plans.newest(connection, source.programme_id)
    facts = _facts(connection, source, request, newest, now)
    return _priced(connection, plans, source, request, newest, facts, now)


def quote_baskets(
    connection: Connection,
    plans: PlanCache,
    some: Sequence[tuple[Source, QuoteRequest]],
    *,
    now: datetime,
) -> list[Quote | None]:
    """As `quote_basket` of each, whose facts are read together.  PostgreSQL only.

    None for one that is refused: alone it is told why.
    """
    asked: dict[int, tuple[Plan, Asked]] = {}
    for place, (source, request) in enumerate(some):
        try:
            newest = plans.newest(connection, source.programme_id)
            asked[place] = (newest, _question(source, request, newest, now))
        except LoyaltyError:
            continue
    found = checkout_facts_of_each(connection, [one for _, one in asked.values()], now)
    quotes: list[Quote | None] = [None] * len(some)
    for (place, (newest, _)), told in zip(asked.items(), found, strict=True):
        source, request = some[place]
        try:
            facts = _checked(told, source, request)
            quotes[place] = _priced(connection, plans, source, request, newest, facts, now)
        except LoyaltyError:
            continue
    return quotes


def _priced(  # noqa: PLR0913 - what was asked, and what is known of it
    connection: Connection,
    plans: PlanCache,
    source: Source,
    request: QuoteRequest,
    newest: Plan,
    facts: Facts,
    now: datetime,
) -> Quote:
    """`newest`: by which the facts were asked for."""
    plan = plans.get(connection, source.programme_id, facts.rules_version)
    if plan.version != newest.version and (
        plan.asks_person or plan.limits or plan.series or plan.asks_measure
    ):
        facts = _facts(connection, source, request, plan, now)
    buyer = _buyer(facts, request, plan, now)
    request = fill_in(connection, source.programme_id, request, plan)
    place = place_of(
        source,
        shop_of(source, request),
        ZoneInfo(facts.shop_timezone or facts.timezone),
        request,
    )
    known = member_facts(buyer, place)
    if plan.limits:
        known = replace(known, used=_used(facts, now))
    if codes := codes_of(request.coupons, plan):
        coupons = {coupon.code: coupon for coupon in facts.coupons}
        who = (buyer.member_id, now)
        entered = look_at(codes, coupons, plan.series, plan.by_coupon.keys(), who)
        known = replace(known, coupons=entered)
    priced = price_basket(request, plan, known, now)
    quote = answer(priced, buyer, quote_id(now))
    if request.certificates:
        certificates = {one.code: one for one in facts.certificates}
        quote = paid_with(quote, request, certificates, (buyer.member_id, now))
    return quote


def base_quote(request: QuoteRequest, *, now: datetime) -> Quote:
    """The answer when there is no time to price: base prices, no spending, and it says so."""
    lines = tuple(
        PricedLine(
            line.id,
            line.amount_minor,
            0,
            0,
            line.amount_minor,
            0,
            unit_price_minor=unit_price(line.amount_minor, line.quantity_milli),
        )
        for line in request.lines
    )
    total = sum(line.amount_minor for line in lines)
    return Quote(
        quote_id(now),
        0,
        now + VALID_FOR,
        lines,
        Totals(total, 0, 0, total),
        PointsOffer(),
        degraded=True,
        coupons=tuple(CodeAnswer(code, "unknown", "degraded") for code in request.coupons),
        certificates=tuple(
            CertificateAnswer(code, "unknown", "degraded") for code in request.certificates
        ),
    )


def answer(priced: PricedBasket, buyer: Buyer, number: str) -> Quote:
    """A priced basket in the words of the checkout."""
    request, plan = priced.request, priced.plan
    known_buyer = request.member is not None
    lines = priced.lines if known_buyer else _earning_nothing(priced.lines)
    points = priced.points if known_buyer else replace(priced.points, earn=0, others=())
    return Quote(
        number,
        plan.version,
        priced.now + VALID_FOR,
        lines,
        priced.totals,
        points,
        member=_view(buyer, plan),
        coupons=code_answers(priced),
        benefits=priced.benefits,
        gifts=priced.gifts,
        offers=priced.offers,
        explanation=explain(priced, request.explain, promotions_of_codes(priced)),
    )


def quote_id(now: datetime) -> str:
    return to_wire("q", new_id(now))


def member_facts(buyer: Buyer, place: Place) -> MemberFacts:
    return MemberFacts(
        known=buyer.member_id is not None,
        tier=buyer.tier,
        available_points=buyer.available_points,
        spent_minor=buyer.spent_minor,
        may_spend=buyer.member_id is not None and buyer.verified,
        code_required=buyer.member_id is not None and not buyer.verified,
        verified=buyer.member_id is not None and buyer.verified,
        person=buyer.person,
        place=place,
        measured=buyer.measured,
    )


def is_verified(request: QuoteRequest, plan: Plan, *, unproved: bool) -> bool:
    """Whether somebody answers for who the buyer is (`ledger.md` 28).

    `unproved`: the account that names the buyer proves nobody; a cashier sees who stands there.
    """
    if request.member is None:
        return False
    at_till = request.channel == "pos" and plan.rules.policies.trust_pos
    return at_till or (request.member.verified and not unproved)


def fill_in(
    connection: Connection, programme_id: int, request: QuoteRequest, plan: Plan
) -> QuoteRequest:
    """What lines leave out, the catalogue knows; asked only where a promotion, or a certificate
    for some goods, may look."""
    looks = plan.promotions or plan.law or plan.rules.policies.min_paid
    if not looks and not request.certificates:
        return request
    skus = {line.sku for line in request.lines if line.sku and _is_open(line, plan)}
    if not skus:
        return request
    known = products_for(connection, programme_id, skus)
    if not known:
        return request
    lines: list[BasketLine] = []
    for line in request.lines:
        product = known.get(line.sku or "") if _is_open(line, plan) else None
        if product is not None:
            line = basket_line_filled_in(line, product)
        lines.append(line)
    return replace(request, lines=tuple(lines))


def _is_open(line: BasketLine, plan: Plan) -> bool:
    """Whether the catalogue may know more than the line tells, and it counts: the law asks for
    the class of goods, and its least prices for volume and strength."""
    if line.categories is None or (plan.law and line.legal_class is None):
        return True
    return plan.law_has_floors and (line.volume_ml is None or line.strength_bp is None)


def shop_of(source: Source, request: QuoteRequest) -> str:
    return fold(request.shop or source.default_shop)


def _facts(
    connection: Connection, source: Source, request: QuoteRequest, plan: Plan, now: datetime
) -> Facts:
    told = checkout_facts(connection, _question(source, request, plan, now), now)
    return _checked(told, source, request)


def _question(source: Source, request: QuoteRequest, plan: Plan, now: datetime) -> Asked:
    """`plan`, nearly always the one in force, says how local phones are read, whether
    conditions look at the person, and which limits count."""
    check_channel(source, request.channel)
    shop = shop_of(source, request)
    if source.shops is not None and shop not in source.shops:
        raise ShopForbidden({"shop": shop})
    member, region = request.member, plan.rules.policies.phone_region
    return Asked(
        source.programme_id,
        shop,
        from_wire("m", member.id) if member is not None and member.id else None,
        () if member is None else names_of(member, source.name, region),
        request.cart,
        request.order,
        hold_from_wire(request.hold) if request.hold else None,
        plan.asks_person,
        _limited(request, plan) if plan.limits else (),
        codes_of(request.coupons, plan),
        _bought_since(plan, now) if plan.asks_measure else None,
        sorted(plan.lists),
        plan.clubs,
        entered(request.certificates),
    )


def _checked(facts: Facts | None, source: Source, request: QuoteRequest) -> Facts:
    if facts is None:
        raise ProgrammeNotFound
    if facts.shop_id is None:
        raise UnknownShop({"shop": shop_of(source, request)})
    if request.currency != facts.currency:
        raise WrongCurrency({"currency": request.currency})
    return facts


_LONGEST = {"month": 33, "quarter": 94, "year": 368}
"""Days ago within which the window of now began, in whatever zone."""


def _bought_since(plan: Plan, now: datetime) -> datetime:
    """A time before the window of the tiers began: its zone is told by the statement."""
    tiering = plan.rules.tiering
    if tiering.window == LIFETIME:
        return EVER
    return now - timedelta(days=_LONGEST.get(tiering.window, (tiering.days or 0) + 2))


def _measured(facts: Facts, plan: Plan, now: datetime) -> int | None:
    if not plan.asks_measure or facts.member_id is None:
        return None
    ladder = Ladder.of(plan.rules, ZoneInfo(facts.timezone))
    given = [Contribution(at, ladder.amount(minor, 0)) for at, minor in facts.bought]
    return ladder.measured(given, now)


def _limited(request: QuoteRequest, plan: Plan) -> Sequence[str]:
    """Promotions with limits that may have a say; all, where the catalogue may know of more."""
    if any(line.sku and line.categories is None for line in request.lines):
        return list(plan.limits)
    return plan.limited(request.lines)


def _used(facts: Facts, now: datetime) -> dict[LimitName, int]:
    """What others have used, in the periods that now is in."""
    zone = ZoneInfo(facts.timezone)
    owners = {"promotion": 0, "shop": facts.shop_id, "member": facts.member_id}
    return {
        (key.promotion, key.per, key.period, key.of): used
        for key, used in facts.uses
        if key.owner == owners[key.per] and key.starts_at == period_start(now, key.period, zone)
    }


def _buyer(facts: Facts, request: QuoteRequest, plan: Plan, now: datetime) -> Buyer:
    main = plan.main.code
    own = next((one for one in facts.accounts if one.balance.currency == main), None)
    balances = [one.balance for one in facts.accounts if one.balance.currency != main]
    return Buyer(
        facts.member_id,
        is_verified(request, plan, unproved=facts.unproved),
        full_name(facts.first_name, facts.middle_name, facts.last_name),
        facts.tier,
        (own.balance if own is not None else Balance(main), *balances),
        0 if own is None else max(0, own.balance.available + own.own_hold - own.balance.debt),
        facts.person,
        facts.spent_minor,
        _measured(facts, plan, now),
    )


def _view(buyer: Buyer, plan: Plan) -> MemberView | None:
    """Nothing personal unless verified."""
    if buyer.member_id is None:
        return None
    number = to_wire("m", buyer.member_id)
    held = plan.tiers.get(buyer.tier) if buyer.tier is not None else None
    tier = None if held is None else TierView(held.code, held.name)
    if not buyer.verified:
        return MemberView(number, verified=False, tier=tier)
    main, *others = buyer.balances
    return MemberView(number, True, buyer.name, tier, main, tuple(others))


def _earning_nothing(lines: Sequence[PricedLine]) -> tuple[PricedLine, ...]:
    """Nobody stands behind a basket without a buyer, so it promises no points."""
    return tuple(replace(line, earn_points=0) for line in lines)
