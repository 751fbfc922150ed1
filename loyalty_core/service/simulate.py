"""What a draft would have made of receipts that are past: nothing is booked.

Each paid receipt of the period becomes the basket that it was, before our discounts, and is
priced twice: by the rules that stood then (or by a given version), and by the draft.  What
differs is the effect of the draft.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.conditions.scene import History, Person, Place
from loyalty_core.domain.errors import ProgrammeNotFound, TooManyReceipts
from loyalty_core.domain.pricing.allot import money_of
from loyalty_core.domain.pricing.basket import MemberFacts, PricedBasket
from loyalty_core.domain.pricing.coupons import Entered
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.pricing.promotion import BASE
from loyalty_core.domain.pricing.rule_type import Stage
from loyalty_core.domain.pricing.rules import scale_off
from loyalty_core.domain.tiers import Ladder
from loyalty_core.service.catalogue import (
    CatalogueProduct,
    basket_line_filled_in,
    products_for,
)
from loyalty_core.service.place import paid_with
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.whole_days import whole_days
from loyalty_core.store import members
from loyalty_core.store.clubs import clubs_at, memberships_of
from loyalty_core.store.ids import to_wire
from loyalty_core.store.past_sales import (
    PastSale,
    Span,
    count_sales,
    history_before,
    sales_of,
    spans_of,
)
from loyalty_core.store.personal import goods_of
from loyalty_core.store.programmes import (
    all_shops,
    programme_by_id,
    published_versions,
)
from loyalty_core.store.tiers import contributions
from loyalty_kit.checkout import BasketLine, QuoteRequest
from loyalty_kit.events import PurchaseLine
from loyalty_kit.money import UNIT_MILLI, divide

SPAN = 500
"""Receipts that are read at once."""
NAMED = 10
"""So many of those who win and who lose most are named."""
_MEMBERS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Question:
    """A draft (or version) against receipts of whole days, `first` to `last`.

    `against` None: each receipt is held against the version that stood when it was sold.
    """

    draft: int
    first: date
    last: date
    against: int | None = None


@dataclass(slots=True)
class Side:
    """Sums over all receipts by one set of rules.  `earned_minor`: what those points are worth.

    `margin_minor`: paid with money for goods whose cost is known, less that cost.
    """

    discount_minor: int = 0
    spend_minor: int = 0
    payable_minor: int = 0
    earned_points: int = 0
    earned_minor: int = 0
    margin_minor: int = 0

    @property
    def given_minor(self) -> int:
        """Discounts and the worth of points: what the programme gives to buyers."""
        return self.discount_minor + self.earned_minor


@dataclass(slots=True)
class Share:
    """What one promotion, or the programme's own earning, gave."""

    receipts: int = 0
    discount_minor: int = 0
    points: int = 0


@dataclass(slots=True)
class PromotionRow:
    """`id` "base" is the programme's own earning.  `was` is under the rules that are compared
    with, `now` under the draft."""

    id: str
    name: str
    was: Share = field(default_factory=Share)
    now: Share = field(default_factory=Share)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Members who get more (or less) under the draft: kopecks of discounts and points.

    `largest`: ids of those who get most (or lose most), with how much.
    """

    count: int
    sum_minor: int
    largest: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """`receipts` with `amount_minor`: what was sold, before our discounts; `costed_minor` of it
    are goods whose cost is known."""

    question: Question
    receipts: int
    of_members: int
    amount_minor: int
    costed_minor: int
    was: Side
    now: Side
    promotions: tuple[PromotionRow, ...]
    winners: Crowd
    losers: Crowd


def simulate_rules(
    simulator: Simulator,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    most: int | None = None,
    price_all: Callable[[Sequence[Span]], Iterable[Tally]] | None = None,
) -> Simulation:
    """The draft's effect on the receipts of a period; `progress` is told (done, all).

    Receipts are read in spans, so memory does not grow with them; it grows with the members
    whose benefit differs.  `price_all` prices the spans elsewhere, by simulators of its own.

    Raises: TooManyReceipts (more than `most`), VersionNotFound, RulesInvalid.
    """
    total = simulator.count()
    if most is not None and total > most:
        raise TooManyReceipts({"receipts": str(total), "most": str(most)})
    spans = simulator.spans()
    tally = Tally()
    for part in map(simulator.price, spans) if price_all is None else price_all(spans):
        tally.join(part)
        progress(tally.receipts, total)
    return simulator.result(tally)


# --- pricing a receipt again ----------------------------------------------------------------


class Simulator:
    """The rules of both sides, and how a receipt becomes the basket that it was.

    The connection should see one moment (`store.database.look`).

    Raises: ProgrammeNotFound, VersionNotFound, InvalidInput, RulesInvalid.
    """

    def __init__(self, connection: Connection, programme_id: int, question: Question) -> None:
        programme = programme_by_id(connection, programme_id)
        if programme is None:
            raise ProgrammeNotFound
        self._connection, self._programme, self._question = connection, programme, question
        self._period = whole_days(question.first, question.last, programme.timezone, named="to")
        self._plans = PlanCache()
        self._draft = self._plan(question.draft)
        self._against = None if question.against is None else self._plan(question.against)
        self._history = published_versions(connection, programme.id)
        self._shops = {shop.id: shop for shop in all_shops(connection, programme.id)}

    def count(self) -> int:
        return count_sales(self._connection, self._programme.id, self._period)

    def spans(self) -> list[Span]:
        return spans_of(self._connection, self._programme.id, self._period, size=SPAN)

    def price(self, span: Span) -> Tally:
        """What the receipts of a span come to on both sides."""
        tally = Tally()
        page = sales_of(self._connection, self._programme.id, self._period, span)
        products, alive = self._products(page), self._alive(page)
        people, measured = self._people(page, alive), self._measured(page, alive)
        for sale in page:
            request = self._basket(sale, products)
            facts = self._facts(sale, people.get(sale.id))
            was, now = (
                price_basket(
                    request,
                    plan,
                    replace(facts, measured=measured.get((plan.version, sale.id))),
                    sale.event.occurred_at,
                )
                for plan in (self._then(sale), self._draft)
            )
            tally.add(sale, was, now)
            tally.add_margin(_costs(request, products), was, now)
        return tally

    def result(self, tally: Tally) -> Simulation:
        survivors = _survivors(self._connection, self._programme.id, tally.benefit)
        return tally.result(self._question, survivors)

    def _products(self, page: Sequence[PastSale]) -> Mapping[str, CatalogueProduct]:
        """What the catalogue knows today of what was sold."""
        skus = {line.sku for sale in page for line in sale.event.lines if line.sku}
        return products_for(self._connection, self._programme.id, skus)

    def _alive(self, page: Sequence[PastSale]) -> Mapping[int, int | None]:
        """Who the buyers are by now."""
        told = {sale.member_id for sale in page if sale.member_id is not None}
        return members.survivors(self._connection, self._programme.id, told)

    def _people(
        self, page: Sequence[PastSale], alive: Mapping[int, int | None]
    ) -> dict[int, Person]:
        """Buyers by sale, where a rule looks at them: as their profile is today, with what they
        had bought by then."""
        if not any(map(_looks_at_buyers, (self._draft, *map(self._then, page)))):
            return {}
        kept = {one for one in alive.values() if one is not None}
        rows = members.member_rows(self._connection, self._programme.id, kept)
        before = history_before(self._connection, page)
        own = goods_of(self._connection, kept)
        clubs = memberships_of(self._connection, kept)
        return {
            sale.id: replace(
                members.person_of(row),
                history=before.get(sale.id, History()),
                goods=tuple(one for one in own[row["id"]] if one.lasts(sale.event.occurred_at)),
                clubs=clubs_at(clubs[row["id"]], sale.event.occurred_at),
            )
            for sale in page
            if (row := rows.get(alive.get(sale.member_id or 0) or 0)) is not None
        }

    def _measured(
        self, page: Sequence[PastSale], alive: Mapping[int, int | None]
    ) -> dict[tuple[int, int], int]:
        """What had counted for the tier before a sale, by the version of the rules and the sale:
        under those by which the receipt that reaches a tier earns by it."""
        plans = {plan.version: plan for plan in (self._draft, *map(self._then, page))}
        kept = {one for one in alive.values() if one is not None}
        found: dict[tuple[int, int], int] = {}
        for plan in [one for one in plans.values() if one.asks_measure]:
            ladder = Ladder.of(plan.rules, ZoneInfo(self._programme.timezone))
            given = contributions(self._connection, ladder, kept)
            for sale in page:
                member = alive.get(sale.member_id or 0)
                if member is not None:
                    found[(plan.version, sale.id)] = ladder.measured_before(
                        given[member], sale.event.occurred_at, but=sale.id
                    )
        return found

    def _facts(self, sale: PastSale, person: Person | None) -> MemberFacts:
        known = sale.member_id is not None
        return MemberFacts(
            known=known,
            tier=sale.tier,
            available_points=sale.points_spent,
            spent_minor=0 if person is None else person.history.spent_minor,
            may_spend=known,
            verified=known,
            person=person,
            place=self._place(sale),
            coupons=_entered(sale),
        )

    def _basket(self, sale: PastSale, products: Mapping[str, CatalogueProduct]) -> QuoteRequest:
        """What lines leave out, the catalogue fills in."""
        return QuoteRequest(
            lines=tuple(
                line if product is None else basket_line_filled_in(line, product)
                for line in map(_basket_line, sale.event.lines)
                for product in [products.get(line.sku or "")]
            ),
            currency=sale.event.currency,
            shop=self._shops[sale.shop_id].code,
            channel=sale.event.channel,
            coupons=sale.event.coupons,
            spend=sale.points_spent or None,
        )

    def _place(self, sale: PastSale) -> Place:
        """The channel as it was told: who said so then is not asked again."""
        shop, event = self._shops[sale.shop_id], sale.event
        return Place(
            shop.code,
            fold(event.channel),
            paid_with(event),
            frozenset(map(fold, event.coupons)),
            ZoneInfo(shop.timezone or self._programme.timezone),
        )

    def _then(self, sale: PastSale) -> Plan:
        if self._against is not None:
            return self._against
        at = sale.event.occurred_at
        place = bisect_right(self._history, at, key=lambda published: published[0])
        return self._plan(self._history[max(0, place - 1)][1])

    def _plan(self, version: int) -> Plan:
        return self._plans.get(self._connection, self._programme.id, version)


def _entered(sale: PastSale) -> Entered:
    """The coupons that it went by, of each series the first."""
    chosen = dict(reversed(sale.coupons))
    return Entered({code: series for series, code in sale.coupons}, chosen)


def _looks_at_buyers(plan: Plan) -> bool:
    """Whether a condition or a scale asks what is known of the buyer beside the tier."""
    return plan.asks_person or any(one.rule is scale_off.RULE for one in plan.promotions)


def _basket_line(line: PurchaseLine) -> BasketLine:
    return BasketLine(
        id=line.id,
        quantity_milli=line.quantity_milli,
        amount_minor=line.amount_minor,
        kind=line.kind,
        sku=line.sku,
        name=line.name,
        price_minor=line.price_minor,
        categories=line.categories,
        brand=line.brand,
        attributes=line.attributes,
        legal_class=line.legal_class,
    )


def _costs(request: QuoteRequest, products: Mapping[str, CatalogueProduct]) -> dict[str, int]:
    """Kopecks that lines cost the shop, by line, where it is known."""
    costs: dict[str, int] = {}
    for line in request.lines:
        product = products.get(line.sku or "")
        if product is not None and product.cost_minor is not None:
            costs[line.id] = divide(product.cost_minor * line.quantity_milli, UNIT_MILLI, "half_up")
    return costs


# --- adding up ------------------------------------------------------------------------------


class Tally:
    """Sums of both sides; `benefit` is how much more each member gets under the draft."""

    def __init__(self) -> None:
        self.receipts = self.of_members = self.amount_minor = self.costed_minor = 0
        self.was, self.now = Side(), Side()
        self.rows: dict[str, PromotionRow] = {}
        self.benefit: dict[int, int] = {}

    def add(self, sale: PastSale, was: PricedBasket, now: PricedBasket) -> None:
        self.receipts += 1
        self.amount_minor += was.totals.amount_minor
        known = sale.member_id is not None
        self.of_members += known
        more = _add_side(self.now, now, known) - _add_side(self.was, was, known)
        if sale.member_id is not None and more:
            self.benefit[sale.member_id] = self.benefit.get(sale.member_id, 0) + more
        self._add_promotions(was, known, lambda row: row.was)
        self._add_promotions(now, known, lambda row: row.now)

    def add_margin(self, costs: Mapping[str, int], was: PricedBasket, now: PricedBasket) -> None:
        if not costs:
            return
        self.costed_minor += sum(line.amount_minor for line in was.lines if line.id in costs)
        for side, priced in ((self.was, was), (self.now, now)):
            side.margin_minor += sum(
                line.payable_minor - costs[line.id] for line in priced.lines if line.id in costs
            )

    def _add_promotions(
        self, priced: PricedBasket, known: bool, side: Callable[[PromotionRow], Share]
    ) -> None:
        for outcome in priced.outcomes:
            promotion, rule = outcome.promotion.promotion, outcome.promotion.rule
            if outcome.refusal is None and (known or rule.stage is not Stage.EARN):
                side(self._row(promotion.id, promotion.name)).receipts += 1
        for line in priced.lines:
            for taken in line.discounts:
                side(self._row(taken.promotion, taken.name)).discount_minor += taken.amount_minor
        if not known:
            return
        main = priced.plan.main.code
        for award in priced.earned:
            share = side(self._row(award.source, award.source))
            share.receipts += award.source == BASE
            share.points += award.points if award.currency == main else 0

    def join(self, other: Tally) -> None:
        """Add what other receipts came to."""
        self.receipts += other.receipts
        self.of_members += other.of_members
        self.amount_minor += other.amount_minor
        self.costed_minor += other.costed_minor
        _join(self.was, other.was)
        _join(self.now, other.now)
        for code, row in other.rows.items():
            mine = self._row(code, row.name)
            _join(mine.was, row.was)
            _join(mine.now, row.now)
        for member, more in other.benefit.items():
            self.benefit[member] = self.benefit.get(member, 0) + more

    def _row(self, code: str, name: str) -> PromotionRow:
        row = self.rows.get(code)
        if row is None:
            row = self.rows[code] = PromotionRow(code, name)
        return row

    def result(self, question: Question, survivors: Mapping[int, int | None]) -> Simulation:
        benefit: dict[int, int] = {}
        for member, more in self.benefit.items():
            alive = survivors.get(member)
            if alive is not None:
                benefit[alive] = benefit.get(alive, 0) + more
        order = sorted(self.rows, key=lambda code: (code != BASE, code))
        return Simulation(
            question,
            self.receipts,
            self.of_members,
            self.amount_minor,
            self.costed_minor,
            self.was,
            self.now,
            tuple(self.rows[code] for code in order),
            _crowd(benefit, 1),
            _crowd(benefit, -1),
        )


def _add_side(side: Side, priced: PricedBasket, known: bool) -> int:
    """What the buyer gets of it: the discount, and what the points are worth, in kopecks.

    Nobody stands behind a receipt without a member, so it earns nothing.
    """
    totals = priced.totals
    side.discount_minor += totals.discount_minor
    side.spend_minor += totals.spend_minor
    side.payable_minor += totals.payable_minor
    if not known:
        return totals.discount_minor
    earned = priced.points.earn
    worth = money_of(earned, priced.plan.main.value_minor)
    side.earned_points += earned
    side.earned_minor += worth
    return totals.discount_minor + worth


def _join(sums: Side | Share, more: Side | Share) -> None:
    for slot in fields(sums):
        setattr(sums, slot.name, getattr(sums, slot.name) + getattr(more, slot.name))


def _crowd(benefit: Mapping[int, int], sign: int) -> Crowd:
    """`sign` 1: those who get more; -1: less."""
    theirs = [(member, more) for member, more in benefit.items() if more * sign > 0]
    theirs.sort(key=lambda pair: (-pair[1] * sign, pair[0]))
    return Crowd(
        len(theirs),
        sum(more for _, more in theirs),
        tuple((to_wire("m", member), more) for member, more in islice(theirs, NAMED)),
    )


def _survivors(
    connection: Connection, programme_id: int, benefit: Mapping[int, int]
) -> dict[int, int | None]:
    """Members that were merged since count as the one that they are now; erased ones as nobody."""
    found: dict[int, int | None] = {}
    ids = iter(benefit)
    while some := list(islice(ids, _MEMBERS_AT_ONCE)):
        found |= members.survivors(connection, programme_id, some)
    return found
