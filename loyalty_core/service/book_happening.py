"""What an event that is no purchase comes to: points by the rules, and a step on the ladder."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.conditions.scene import Place, Scene
from loyalty_core.domain.errors import ProgrammeNotFound
from loyalty_core.domain.event_rules import EventRule, earns, source_of
from loyalty_core.domain.pricing.basket import Award, MemberFacts
from loyalty_core.domain.pricing.earning import scene_of
from loyalty_core.domain.pricing.limits import LimitName
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.pricing.rule_type import View
from loyalty_core.service.booking import (
    Booked,
    Desk,
    Moved,
    Occasion,
    Origin,
    rebook_event,
    terms_of,
)
from loyalty_core.service.event_batch import announce_balances
from loyalty_core.service.people import person_in
from loyalty_core.service.plans import PlanCache, version_at
from loyalty_core.service.promotion_limits import CountedFor, Counters, Wanted
from loyalty_core.service.rate_tiers import ladder_of
from loyalty_core.service.standing import Counted, Standings
from loyalty_core.store import happenings as store
from loyalty_core.store import ledger, members, programmes
from loyalty_core.store.clubs import clubs_at, memberships_of
from loyalty_core.store.codec import from_json, to_json
from loyalty_core.store.happenings import KeptHappening
from loyalty_core.store.ledger import Needs
from loyalty_core.store.promotion_uses import Ref, UseKey

LIMIT_REACHED = "limit_reached"
PRODUCT_REQUIRED = "product_required"


@dataclass(frozen=True, slots=True)
class About:
    """Whom an event names now; None keeps whose it was.  `of_another_product` than before."""

    named: int | None
    of_another_product: bool


def book_happening(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    kept: KeptHappening,
    about: About,
    moved: Moved,
    *,
    now: datetime,
) -> int | None:
    """Book by difference what the event is worth as it now stands; gives whose it is.

    What was moved, and what is odd, is added to `moved`.
    """
    programme = programmes.programme_by_id(connection, kept.programme_id)
    if programme is None:
        raise ProgrammeNotFound
    before, named = kept.member_id, about.named
    ids = {number for number in (before, named) if number is not None}
    survivor = members.lock_survivors(connection, kept.programme_id, ids)
    members.settle_names(connection, ids, survivor)
    old = None if before is None else survivor[before]
    if before is not None and old is None:
        kept.data = {}
        store.change_happening(connection, kept)
        return None  # erased: what it moved is not moved again for whoever is named now
    member = old if named is None else survivor[named] or old
    if member != old:
        kept.member_id = member
    store.change_happening(connection, kept)
    alive = sorted({one for one in (old, member) if one is not None})
    versions = programmes.published_versions(connection, kept.programme_id)
    plan = plans.get(connection, kept.programme_id, version_at(versions, kept.occurred_at))
    rated = kept.booking is not None or any(
        rule.stands(kept.kind, kept.occurred_at) for rule in plan.rules.events
    )
    ladder = ladder_of(connection, plans, kept.programme_id)
    climbs = ladder.asks_history and kept.kind in ladder.tiering.actions
    if not alive or not (rated or climbs):
        return member
    standings = Standings(connection, kept.programme_id, alive, ladder, now)
    if climbs:
        for one in alive:
            standings.settle(one, kept.occurred_at)
    if rated:
        zone = ZoneInfo(programme.timezone)
        work = _Work(connection, plan, kept, standings, zone, now, moved)
        work.book(old, member, anew=about.of_another_product)
    standings.write()
    return member


@dataclass(frozen=True, slots=True)
class _Work:
    """One event while it is being booked; the rows of its members are locked."""

    connection: Connection
    plan: Plan
    kept: KeptHappening
    standings: Standings
    zone: ZoneInfo
    now: datetime
    moved: Moved

    @property
    def ref(self) -> Ref:
        """Under which its parts of limits are kept."""
        return ("purchase", -self.kept.id)

    def book(self, old: int | None, member: int | None, *, anew: bool) -> None:
        """`anew`: what rules give once for a product is asked once more."""
        kept, booked = self.kept, from_json(Booked, self.kept.booking or {})
        alive = sorted({one for one in (old, member) if one is not None})
        counters = Counters(self.connection)
        counters.load([self.ref], [key for one in alive for _, key in self._limits(one)])
        books = self._books(alive, booked)
        if old is not None and member != old:
            self._rebook(False, old, booked, books)
            self._let_go(old, booked, counters)
            booked.unrate()
        if member is not None:
            standing = earns(kept.kind, kept.state)
            if anew and booked.rated and any(rule.once_per_product for rule in self._rules()):
                self._let_go(member, booked, counters)
            if standing and not booked.rated:
                self._rate(member, booked, counters)
            elif not standing:
                self._let_go(member, booked, counters)
            self._rebook(standing, member, booked, books)
        kept.booking = to_json(booked)
        moved = [book for book in books.values() if book.entries]
        announce_balances(self.connection, kept.programme_id, moved, self.now)
        counters.write()
        ledger.write_books(self.connection, moved)

    # --- points ---------------------------------------------------------------------------

    def _books(
        self, alive: Collection[int], booked: Booked
    ) -> dict[ledger.AccountKey, AccountBook]:
        currencies = {currency.code for currency in self.plan.rules.currencies}
        keys = {(one, code) for one in alive for code in currencies | set(booked.earned)}
        needs = Needs()
        if booked.earned:
            aliases = members.aliases_of(self.connection, alive)
            needs = Needs(frozenset([-self.kept.id]), aliases=aliases)
        books = ledger.open_books(self.connection, keys, needs)
        for book in books.values():
            book.settle(self.now)
        return books

    def _rebook(
        self,
        standing: bool,
        member: int,
        booked: Booked,
        books: dict[ledger.AccountKey, AccountBook],
    ) -> None:
        kept = self.kept
        own = {code: book for (one, code), book in books.items() if one == member}
        desk = Desk(own, self.plan, terms_of(self.plan, self.now, self.zone))
        facts = {"event": kept.kind, "source": kept.source, "external_id": kept.external_id}
        occasion = Occasion(
            f"{kept.source}/event/{kept.kind}/{kept.external_id}/r{kept.revision}",
            kept.occurred_at,
            self.now,
            self.zone,
            facts,
        )
        origin = Origin(-kept.id, kept.occurred_at)
        self.moved.add(rebook_event(standing, origin, booked, desk, occasion))
        points = booked.points_left(self.standings.currency)
        counted = Counted(origin.number, 0, 0, kept.occurred_at, points)
        self.standings.count_purchase(member, counted, kept.occurred_at)
        for book in own.values():
            book.settle(self.now)

    # --- rules ----------------------------------------------------------------------------

    def _rate(self, member: int, booked: Booked, counters: Counters) -> None:
        """What the rules of its time give for it, as far as limits leave anything."""
        kept = self.kept
        used = counters.used(self._limits(member), [self.ref])
        given = store.rules_given(self.connection, member, kept.product)
        awards: list[Award] = []
        wanted: dict[UseKey, Wanted] = {}
        products: list[str] = []
        for rule in self._rules_for(member):
            points = self._points(rule, used, given)
            if not points:
                continue
            awards.append(_award(rule, points, self.plan))
            wanted |= self._wanted(rule, member, points)
            if rule.once_per_product:
                products.append(rule.id)
        booked.rules_version = self.plan.version
        booked.rate(tuple(awards))
        counters.set(self.ref, wanted)
        if kept.product is not None:
            store.give_for(self.connection, member, kept.product, products, kept.id)

    def _rules_for(self, member: int) -> list[EventRule]:
        """Those whose conditions the member meets."""
        rules = self._rules()
        if all(rule.when is None for rule in rules):
            return rules
        scene = self._scene(member)
        return [rule for rule in rules if rule.is_for(scene)]

    def _points(self, rule: EventRule, used: dict[LimitName, int], given: set[str]) -> int:
        if rule.once_per_product and self.kept.product is None:
            self.moved.flag(PRODUCT_REQUIRED)
            return 0
        before = rule.once_per_product and rule.id in given
        points = 0 if before else rule.given(used)
        if not points:
            self.moved.flag(LIMIT_REACHED)
        return points

    def _let_go(self, member: int, booked: Booked, counters: Counters) -> None:
        """It takes nothing of limits any more, and its product may be reviewed again."""
        counters.set(self.ref, {})
        for rule, product in store.take_back_for(self.connection, member, self.kept.id):
            self._pass_on(member, rule, product)
        booked.rated = False

    def _pass_on(self, member: int, rule: str, product: str) -> None:
        """Who was two members may have been given for two events about it: one is left."""
        ids = members.known_as(self.connection, member)
        for other in store.about_product(self.connection, ids, product):
            awards = from_json(Booked, other.booking or {})
            given = awards.rated and any(one.source == source_of(rule) for one in awards.awards)
            if given and other.id != self.kept.id:
                store.give_for(self.connection, member, product, [rule], other.id)
                return

    def _rules(self) -> list[EventRule]:
        kept = self.kept
        return [one for one in self.plan.rules.events if one.stands(kept.kind, kept.occurred_at)]

    def _limits(self, member: int) -> list[tuple[LimitName, UseKey]]:
        counted = self._counted(member)
        return [
            (limit.name(rule.source), key)
            for rule in self._rules()
            for limit in rule.limits
            if (key := counted.key(rule.source, limit)) is not None
        ]

    def _wanted(self, rule: EventRule, member: int, points: int) -> dict[UseKey, Wanted]:
        counted = self._counted(member)
        return {
            key: Wanted(1 if limit.of == "uses" else points, limit.most)
            for limit in rule.limits
            if (key := counted.key(rule.source, limit)) is not None
        }

    def _counted(self, member: int) -> CountedFor:
        return CountedFor(self.kept.programme_id, 0, member, self.kept.occurred_at, self.zone)

    def _scene(self, member: int) -> Scene:
        """The member as known for the time of the event, without a basket."""
        kept, plan = self.kept, self.plan
        row = members.member_rows(self.connection, kept.programme_id, [member])[member]
        person = person_in(self.connection, row, plan, kept.occurred_at)
        if plan.rules.clubs:
            found = memberships_of(self.connection, [member])[member]
            person = replace(person, clubs=clubs_at(found, kept.occurred_at))
        facts = MemberFacts(
            known=True,
            tier=self.standings.tier_at(member, kept.occurred_at),
            spent_minor=row["spent_minor"],
            verified=True,
            person=person,
            place=Place(zone=self.zone),
        )
        return scene_of(View((), [], []), plan, facts, kept.occurred_at)


def _award(rule: EventRule, points: int, plan: Plan) -> Award:
    code = rule.currency or plan.main.code
    currency = next(one for one in plan.rules.currencies if one.code == code)
    life, wait = rule.life_days, rule.activation_days
    return Award(
        code,
        points,
        (),
        rule.source,
        currency.life_days if life is None else life,
        currency.activation_days if wait is None else wait,
    )
