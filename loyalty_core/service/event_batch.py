"""A batch of events of one programme, with all that booking them needs, locked in sets.

Locks are taken in one order everywhere: event keys, receipts, carts and orders that have holds,
names of people, members, counters of limits, coupons, certificates, accounts, holds; each by id
(`ledger.md` 4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.conditions.scene import Person, PersonalGoods
from loyalty_core.domain.coupon_codes import normal
from loyalty_core.domain.errors import ProgrammeNotFound, WrongCurrency
from loyalty_core.domain.points import Cause, Terms
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.pricing.rule_type import Stage
from loyalty_core.domain.tiers import Ladder
from loyalty_core.service.booking import Booked, Desk, Occasion, terms_of
from loyalty_core.service.brought_in import BroughtIn
from loyalty_core.service.catalogue import CatalogueProduct, filled_in, products_for
from loyalty_core.service.certificate_uses import named_in
from loyalty_core.service.clubs import Memberships
from loyalty_core.service.event_holds import EventHolds
from loyalty_core.service.identify import Ask, identify
from loyalty_core.service.known_events import KnownEvents, Told, key_of
from loyalty_core.service.plans import PlanCache, version_at
from loyalty_core.service.promotion_limits import CountedFor, Counters
from loyalty_core.service.rate_tiers import ladder_of
from loyalty_core.service.receipt_claims import Claims
from loyalty_core.service.source import Source, check_channel, shop_for
from loyalty_core.service.standing import Counted, Standings
from loyalty_core.store import ledger, members, outbox, personal, programmes, rewards
from loyalty_core.store import purchases as purchase_store
from loyalty_core.store import refunds as refund_store
from loyalty_core.store.event_words import Words, words_of
from loyalty_core.store.holds import KeptHold, write_holds
from loyalty_core.store.ids import to_wire
from loyalty_core.store.ledger import AccountKey, Needs
from loyalty_core.store.outbox import Notice
from loyalty_core.store.past_sales import OwnSale
from loyalty_core.store.programmes import Programme, Shop
from loyalty_core.store.promotion_uses import Ref, UseKey
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import Customer, Event, Purchase, Refund

Figures = tuple[int, int, int]
"""Available, pending and debt, in hundredths of a point."""
FUTURE_LIMIT = timedelta(hours=24)


class EventBatch:
    """Filled by `admit`, worked on by `record_purchase` and `record_refund`, then written."""

    def __init__(
        self, connection: Connection, plans: PlanCache, programme_id: int, now: datetime
    ) -> None:
        programme = programmes.programme_by_id(connection, programme_id)
        if programme is None:
            raise ProgrammeNotFound
        self.connection = connection
        self.programme: Programme = programme
        self.zone = ZoneInfo(programme.timezone)
        self.now = now
        self.told: list[Told] = []
        self.known = KnownEvents(connection, programme_id)
        self.holds = EventHolds(connection, programme_id)
        self.standings: Standings
        self.claims: Claims
        self.counters = Counters(connection)
        self.products: dict[str, CatalogueProduct] = {}
        self._plans = plans
        self._plan: dict[int, Plan] = {}
        self._terms: dict[int, Terms] = {}
        self._versions = programmes.published_versions(connection, programme_id)
        # The tiers that count are those in force now, whenever a purchase was.
        self.ladder = Ladder.of(self.plan(programme.rules_version).rules, self.zone)
        self._shops: dict[tuple[frozenset[str] | None, str], Shop] = {}
        self._survivor: dict[int, int | None] = {}
        self._people: dict[int, Person] | None = None
        self._clubs: Memberships | None = None
        self._goods: dict[int, list[PersonalGoods]] | None = None
        self._brought_in: BroughtIn | None = None
        self._choices: dict[int, list[rewards.Choice]] | None = None
        self._books: dict[AccountKey, AccountBook] = {}
        self._books_of: dict[int, dict[str, AccountBook]] = defaultdict(dict)

    # --- loading --------------------------------------------------------------------------

    def admit(self, events: Sequence[tuple[Source, Event, Words | None]]) -> list[Told]:
        """Check the events against the programme, then load and lock what they need.

        Raises: UnknownShop, ShopForbidden, ChannelForbidden, WrongCurrency, PhoneImpossible.
        """
        return self._load([self._checked(*one) for one in events])

    def admit_again(self, *told: Told) -> None:
        """Load and lock what known events need that turned out to be somebody's, or seen twice."""
        self._load(list(told))

    def figures(self) -> dict[AccountKey, Figures]:
        """Of all accounts that the batch may move, as they stand by now."""
        return {key: (book.available, book.pending, book.debt) for key, book in self._books.items()}

    def _load(self, told: list[Told]) -> list[Told]:
        self.told = told
        self.known.load(self.told)
        self.claims = Claims(self.connection, self.programme.id, self.known.all_signs())
        self.holds.look_up(
            [
                (one.source, self.shop(one.source, event.shop), event)
                for one in self.told
                for event in self._words_of(one)
            ],
            self.known.all_purchases(),
        )
        self._pass_over_erased()
        self._identify()
        self.products = products_for(self.connection, self.programme.id, self._skus())
        self._lock_accounts()
        return self.told

    def was_brought_in(self, kept: KeptPurchase) -> bool:
        """Whether a file has probably brought this purchase in before."""
        if self._brought_in is None:
            told = [one for one in self.told if isinstance(one.event, Purchase)]
            sales = [
                _sale(one.event, self.shop(one.source, one.event.shop).id, one.found.member_id)
                for one in told
            ]
            self._brought_in = BroughtIn(
                self.connection, self.programme.id, self.zone, sales, self.now
            )
        if not self._brought_in.sales:
            return False
        member = self.survivor(kept.member_id)
        return self._brought_in.probably(_sale(kept.event, kept.shop_id, member))

    def _words_of(self, told: Told) -> list[Purchase]:
        """What is told of a purchase, and what is known: either may name its hold."""
        if not isinstance(told.event, Purchase):
            return []
        kept = self.known.purchases.get(key_of(told.source, told.event))
        return [told.event] if kept is None else [told.event, kept.event]

    def _checked(self, source: Source, event: Event, written: Words | None) -> Told:
        listed = (event.refunds or ()) if isinstance(event, Purchase) else ()
        for one in (event, *listed):
            if one.currency != self.programme.currency:
                raise WrongCurrency({"currency": one.currency})
        shop = self.shop(source, event.shop)
        ahead = event.occurred_at > self.now + FUTURE_LIMIT
        words = written or words_of(event)
        booked = replace(event, occurred_at=self.now) if ahead else event
        if isinstance(booked, Purchase):
            check_channel(source, booked.channel)
        else:
            # It may wait, and who looks for its purchase then does not know the sender's own shop.
            booked = replace(booked, shop=shop.code)
        return Told(source, booked, words.content, ahead=ahead, words=words)

    def _pass_over_erased(self) -> None:
        """What still comes for a receipt of an erased person says nothing of the person."""
        known = [(one, kept) for one in self.told for kept in self.known.named_by(one)]
        owned = [(one, kept.member_id) for one, kept in known if kept.member_id]
        if not owned:
            return
        ids = {member for _, member in owned}
        alive = members.survivors(self.connection, self.programme.id, ids)
        for one, member in owned:
            if alive.get(member) is None:
                one.event = without_customer(one.event)

    def _identify(self) -> None:
        named = [one for one in self.told if one.event.customer is not None]
        asks = [self._ask(one, one.event.customer) for one in named if one.event.customer]
        for one, found in zip(named, identify(self.connection, asks, now=self.now), strict=True):
            one.found = found

    def _skus(self) -> set[str]:
        """Articles of lines that leave out what the catalogue may know."""
        purchases = [one.event for one in self.told if isinstance(one.event, Purchase)]
        purchases += [
            one.word
            for first in self.known.all_purchases()
            if first.sightings
            for one in (first, *first.sightings)
        ]
        lawful = any(self.plan_at(event.occurred_at).law for event in purchases)
        return {
            line.sku
            for event in purchases
            for line in event.lines
            if line.sku and (line.categories is None or (lawful and line.legal_class is None))
        }

    def _ask(self, told: Told, customer: Customer) -> Ask:
        event, source = told.event, told.source
        policies = self.plan_at(event.occurred_at).rules.policies
        is_purchase = isinstance(event, Purchase)
        at_till = isinstance(event, Purchase) and event.channel == "pos"
        return Ask(
            source.programme_id,
            source.name,
            customer,
            policies.phone_region,
            may_enrol=is_purchase and policies.enrol_on_purchase,
            vouched=customer.verified or (at_till and policies.trust_pos),
            lenient=source.lenient,
            tier=self.ladder.reached(0),
        )

    def _lock_accounts(self) -> None:
        """Every member that this batch may move points of, whoever they are by now."""
        for one in self.told:
            self._load_own_purchases(one)
        kept = self.known.all_purchases()
        ids = {one for purchase in kept for one in (purchase.member_id, purchase.own_member_id)}
        ids |= self.claims.members()
        ids |= {member for member, _ in self.holds.named()}
        known = {member for member in ids if member}
        self._lock_members(known)
        if self._found_erased():
            self._identify()
            self._lock_members(known)
        self.holds.follow(self._survivor)
        alive = sorted({member for member in self._survivor.values() if member is not None})
        # Read under their lock: all members may have been rated by another ladder meanwhile.
        self.ladder = ladder_of(self.connection, self._plans, self.programme.id)
        self.standings = Standings(self.connection, self.programme.id, alive, self.ladder, self.now)
        needs = Needs(
            frozenset(purchase.id for purchase in kept),
            self._spends_since(kept),
            members.aliases_of(self.connection, alive) if kept else {},
        )
        booked = [Booked.of(one) for one in kept]
        plans = self._plans_concerned(kept, booked)
        if any(plan.limits for plan in plans):
            self._lock_counters(kept)
        if any(plan.series for plan in plans):
            self._lock_coupons(kept)
        self._lock_certificates(kept, booked)
        currencies = {currency.code for plan in plans for currency in plan.rules.currencies}
        currencies |= {name for one in booked for name in one.earned}
        keys = {(member, currency) for member in alive for currency in currencies}
        self._books = ledger.open_books(self.connection, keys, needs)
        for (member, currency), book in self._books.items():
            book.settle(self.now)
            self._books_of[member][currency] = book
        self.holds.lock(self._survivor)

    def _spends_since(self, kept: Collection[KeptPurchase]) -> datetime | None:
        """No spend of this batch happened before; None: it has none, and looks at no lot that is
        closed, of which a member has more each year."""
        if not kept and not any(_may_spend(one.event) for one in self.told):
            return None
        return min((one.event.occurred_at for one in self.told), default=None)

    def _lock_members(self, known: set[int]) -> None:
        ids = {one.found.member_id for one in self.told if one.found.member_id}
        self._survivor = members.lock_survivors(self.connection, self.programme.id, known | ids)

    def _found_erased(self) -> bool:
        """Whether somebody was erased between being found and being held; the names that people
        were given meanwhile follow them."""
        ids = {one.found.member_id for one in self.told if one.found.member_id}
        return bool(members.settle_names(self.connection, ids, self._survivor))

    def _load_own_purchases(self, told: Told) -> None:
        """A refund that names no purchase is looked for among the member's own (22)."""
        event, member = told.event, told.found.member_id
        if isinstance(event, Purchase) or member is None:
            return
        if event.purchase or event.order or event.fiscal:
            return
        days = self.plan_at(event.occurred_at).rules.policies.return_window_days
        since = event.occurred_at - timedelta(days=days)
        names = [member, *members.aliases_of(self.connection, [member]).get(member, ())]
        self.known.take(
            purchase_store.purchases_of_member(self.connection, names, since=since, limit=200)
        )

    def _plans_concerned(
        self, kept: Sequence[KeptPurchase], booked: Sequence[Booked]
    ) -> list[Plan]:
        """All the rules that may have a say; a currency's code may change with them."""
        versions = {self.programme.rules_version, *self.holds.rules_versions}
        versions |= {one.rules_version for one in booked if one.rules_version}
        events = [one.event for one in self.told] + [one.event for one in kept]
        return [
            *(self.plan(version) for version in versions),
            *(self.plan_at(event.occurred_at) for event in events),
        ]

    def _lock_counters(self, kept: Sequence[KeptPurchase]) -> None:
        """Of what is known already, and of what the new purchases may earn by."""
        refs: list[Ref] = [("purchase", one.id) for one in kept]
        refs += [("hold", number) for _, number in self.holds.named()]
        keys: set[UseKey] = set()
        for one in self.told:
            if isinstance(one.event, Purchase):
                plan = self.plan_at(one.event.occurred_at)
                member = self.survivor(one.found.member_id)
                counted = self.counted_for(
                    self.shop(one.source, one.event.shop).id, member, one.event
                )
                lines = filled_in(one.event.lines, self.products)
                promotions = plan.limited(lines, (Stage.EARN, Stage.ISSUE)) if plan.limits else ()
                keys |= {key for _, key in counted.keys(plan, promotions)}
        self.counters.load(refs, keys)

    def _lock_coupons(self, kept: Sequence[KeptPurchase]) -> None:
        """Those that are used already, and those that the purchases name."""
        refs: list[Ref] = [("purchase", one.id) for one in kept]
        refs += [("hold", number) for _, number in self.holds.named()]
        told = [one.event for one in self.told if isinstance(one.event, Purchase)]
        told += _own_words(kept)
        codes = {code for event in told for code in map(normal, event.coupons) if code}
        for booked in map(Booked.of, kept):
            codes |= {one.code for one in booked.coupons} | set(booked.issued.values())
        self.counters.coupons.load(refs, [(self.programme.id, code) for code in codes])

    def _lock_certificates(self, kept: Sequence[KeptPurchase], booked: Sequence[Booked]) -> None:
        """Those that purchases were paid with or sold, and those that their holds reserved."""
        events = [*(one.event for one in kept), *_own_words(kept)]
        events += [one.event for one in self.told if isinstance(one.event, Purchase)]
        codes = {code for event in events for code in named_in(event)}
        codes |= {use.code for one in booked for use in one.certificates}
        keys = {(self.programme.id, code) for code in codes} | self.holds.certificates
        if keys:
            self.counters.certificates.load(
                keys,
                now=self.now,
                holds=[number for _, number in self.holds.named()],
                purchases=[one.id for one in kept],
            )

    # --- asked while booking --------------------------------------------------------------

    def shop(self, source: Source, code: str | None) -> Shop:
        """Raises: UnknownShop, ShopForbidden."""
        key = (source.shops, code or source.default_shop)
        if key not in self._shops:
            self._shops[key] = shop_for(self.connection, source, code)
        return self._shops[key]

    def plan(self, version: int) -> Plan:
        plan = self._plan.get(version)
        if plan is None:
            plan = self._plans.get(self.connection, self.programme.id, version)
            self._plan[version] = plan
        return plan

    def plan_at(self, moment: datetime) -> Plan:
        """The rules in force at that time; before the first ones, the first."""
        return self.plan(version_at(self._versions, moment))

    def count_purchase(
        self,
        kept: KeptPurchase,
        booked: Booked,
        was_minor: int,
        at: datetime,
        *,
        retimed: bool = False,
    ) -> None:
        """Count for its member what a purchase comes to now; a new tier holds from `at` on.

        Raises: BeyondCount.
        """
        member = self.survivor(kept.member_id)
        assert member is not None
        change = Counted(
            kept.id,
            was_minor,
            kept.qualifying_minor,
            kept.event.occurred_at,
            booked.points_left(self.standings.currency),
            retimed,
        )
        self.standings.count_purchase(member, change, at)

    def survivor(self, member: int | None) -> int | None:
        """Who a member is by now: merged ones are followed, erased ones are nobody."""
        return None if member is None else self._survivor.get(member)

    def person(self, member: int) -> Person:
        """What conditions may ask of a member; read once for the whole batch."""
        if self._people is None:
            alive = {one for one in self._survivor.values() if one is not None}
            rows = members.member_rows(self.connection, self.programme.id, alive)
            self._people = {number: members.person_of(row) for number, row in rows.items()}
        return self._people[member]

    @property
    def clubs(self) -> Memberships:
        """Of all members of the batch; read only where a purchase gives or asks for them."""
        if self._clubs is None:
            alive = {one for one in self._survivor.values() if one is not None}
            self._clubs = Memberships(self.connection, alive)
        return self._clubs

    def goods(self, member: int) -> list[PersonalGoods]:
        """What the member has for the member's own; read once for the whole batch."""
        if self._goods is None:
            alive = {one for one in self._survivor.values() if one is not None}
            self._goods = personal.goods_of(self.connection, alive)
        return self._goods.get(member, [])

    def reward(self, member: int, moment: datetime) -> str | None:
        """What the member had chosen by then; read once for the whole batch."""
        if self._choices is None:
            alive = {one for one in self._survivor.values() if one is not None}
            self._choices = rewards.choices_of(self.connection, alive)
        known = [choice.reward for choice in self._choices.get(member, ()) if choice.at <= moment]
        return known[-1] if known else None

    def desk(self, purchase: KeptPurchase, plan: Plan) -> Desk | None:
        """The books that a purchase moves; None where it is nobody's."""
        member = self.survivor(purchase.member_id)
        if member is None:
            return None
        terms = self._terms.get(plan.version)
        if terms is None:
            terms = self._terms[plan.version] = terms_of(plan, self.now, self.zone)
        return Desk(self._books_of[member], plan, terms)

    def counted_for(
        self, shop_id: int, member: int | None, event: Event, at: datetime | None = None
    ) -> CountedFor:
        """Where limits count what an event gave; `at` instead of its own time."""
        return CountedFor(self.programme.id, shop_id, member, at or event.occurred_at, self.zone)

    def occasion(self, source: str, event: Event) -> Occasion:
        kind = "purchase" if isinstance(event, Purchase) else "refund"
        return Occasion(
            f"{source}/{kind}/{event.external_id}/r{event.revision}",
            event.occurred_at,
            self.now,
            self.zone,
            {"event": kind, "source": source, "external_id": event.external_id},
        )

    def release(self, hold: KeptHold, why: str) -> None:
        """Let a live hold go, and its points with it."""
        if hold.state != "live":
            return
        book = self._books.get((hold.member_id, hold.currency))
        if book is not None:
            cause = Cause(f"hold:{hold.id}:release", self.now, self.now, None, {"why": why})
            book.release(hold.lots, cause)
            book.settle(self.now)
        hold.points, hold.lots, hold.state, hold.changed = 0, (), "released", True

    # --- writing --------------------------------------------------------------------------

    def write(self) -> None:
        for book in self._books.values():
            book.settle(self.now)
        moved = [book for book in self._books.values() if book.entries]
        announce_balances(self.connection, self.programme.id, moved, self.now)
        self.counters.write()
        ledger.write_books(self.connection, moved)
        purchase_store.write_purchases(self.connection, self.known.all_purchases())
        refund_store.write_refunds(self.connection, list(self.known.refunds.values()))
        write_holds(self.connection, self.holds.all())
        self.standings.write()
        self.claims.write()
        if self._clubs is not None:
            self._clubs.write()


def _may_spend(event: Event) -> bool:
    """Whether a receipt that is new may come to points spent; what a shop cannot tell from a
    discount may be some."""
    if not isinstance(event, Purchase):
        return False
    spent = [line for line in event.lines if line.spend_minor or line.reduction_minor]
    return bool(event.points_spent or spent)


def _own_words(kept: Sequence[KeptPurchase]) -> list[Purchase]:
    """Of purchases that were seen by several: any of them may count from now on."""
    return [one.word for one in kept if one.sightings or one.linked_to is not None]


def without_customer(event: Event) -> Event:
    if isinstance(event, Refund):
        return replace(event, customer=None)
    listed = event.refunds
    bare = None if listed is None else tuple(replace(one, customer=None) for one in listed)
    return replace(event, customer=None, refunds=bare)


def announce_balances(
    connection: Connection, programme_id: int, books: Iterable[AccountBook], now: datetime
) -> None:
    """Tell the world which accounts changed: once for each state that they come to."""
    notices = [
        Notice(
            programme_id,
            outbox.BALANCE_CHANGED,
            f"{member}:{book.currency}:{book.entries_made}",
            {"member": member, "currency": book.currency},
        )
        for book in books
        for member in [to_wire("m", book.member_id)]
    ]
    outbox.announce(connection, notices, now=now)


def _sale(event: Event, shop_id: int, member_id: int | None) -> OwnSale:
    assert isinstance(event, Purchase)
    paid = sum(line.paid_minor for line in event.lines)
    return OwnSale(shop_id, member_id, event.order, event.external_id, event.occurred_at, paid)
