"""One programme on a real database, and short words for what happens in it.

Everything goes through the services; balances, lots and entries are read as they are stored.
Money in kopecks, points in hundredths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Connection, Engine, Table, select

from loyalty_core.domain.rules import default_rules
from loyalty_core.service import certificates as gifts
from loyalty_core.service.adjust_points import Adjustment, adjust_points
from loyalty_core.service.coupons import NewLot, all_coupons, fill_lot, open_lot
from loyalty_core.service.erase_member import erase_member
from loyalty_core.service.hold_points import PlacedHold, get_hold, place_hold, release_hold
from loyalty_core.service.members import MemberCard, get_member
from loyalty_core.service.merge_members import merge_members
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import create_programme, draft_rules, publish_rules
from loyalty_core.service.quote_basket import quote_basket, quote_baskets
from loyalty_core.service.receipts import EventReceipt
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.shops import NewShop, create_shop
from loyalty_core.service.source import Source
from loyalty_core.service.upkeep import (
    activate_points,
    end_holds,
    expire_certificates,
    expire_points,
)
from loyalty_core.service.verify_ledger import rebuild_ledger
from loyalty_core.store.database import is_sqlite, read, transact
from loyalty_core.store.ids import to_wire
from loyalty_core.store.tables import (
    accounts,
    certificate_lots,
    certificate_moves,
    certificates,
    coupon_lots,
    coupon_uses,
    coupons,
    entries,
    entry_lots,
    happenings,
    hold_claims,
    holds,
    identities,
    identity_conflicts,
    lots,
    members,
    promotion_use_parts,
    promotion_uses,
    purchase_fiscal,
    purchase_lines,
    purchases,
    refunds,
    reward_orders,
    reward_stock,
    tier_changes,
)
from loyalty_kit.checkout import BasketLine, HoldRequest, Quote, QuoteRequest
from loyalty_kit.events import Customer, Event, Purchase, Refund
from tests.support.lines import basket, line

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
"""Noon in Moscow, whose zone the programme has."""

ANNA = "+79161234501"
BORIS = "+79161234502"
VERA = "+79161234503"

WATCHED = (
    accounts,
    certificate_lots,
    certificate_moves,
    certificates,
    coupon_lots,
    coupon_uses,
    coupons,
    entries,
    entry_lots,
    happenings,
    hold_claims,
    holds,
    identities,
    identity_conflicts,
    lots,
    members,
    promotion_use_parts,
    promotion_uses,
    purchase_fiscal,
    purchase_lines,
    purchases,
    refunds,
    reward_orders,
    reward_stock,
    tier_changes,
)
"""Everything that a programme keeps of its members, their points and their receipts."""


def rules(
    *,
    earn: str = "10",
    life_days: int | None = 365,
    activation_days: int = 0,
    rounding: str = "none",
    negative_balance: str = "allow",
    **policies: Any,
) -> dict[str, Any]:
    """10 % comes back, all may be paid with points, nothing is rounded to whole points."""
    document = default_rules(
        earn_percent=earn,
        spend_limit_percent="100",
        rounding=rounding,
        activation_days=activation_days,
        point_life_days=life_days,
        negative_balance=negative_balance,
    )
    document["spending"]["step"] = "0.01"
    document["policies"] |= policies
    return document


_numbers = count(1)


@dataclass(frozen=True)
class Figures:
    """What an account shows, in hundredths."""

    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0


@dataclass
class Shop:
    """A programme, its clock, and a till whose name is the source of events."""

    engine: Engine
    programme_id: int
    now: datetime = NOW
    source: str = "key:till"
    plans: PlanCache = field(default_factory=PlanCache)

    # --- what happens -----------------------------------------------------------------------

    def tell(self, *events: Event, source: str | None = None) -> list[EventReceipt]:
        """Report events in one batch."""
        incoming = [Incoming(self.told_by(source), event) for event in events]

        def work(connection: Connection) -> list[EventReceipt]:
            return record_events(connection, self.plans, incoming, now=self.now)

        return transact(self.engine, work)

    def buy(self, external_id: str, *paid: int, source: str | None = None, **more: Any):
        """Report a purchase of lines that cost so much each."""
        return self.tell(self.purchase(external_id, *paid, **more), source=source)[0]

    def bring_back(self, external_id: str, amount: int, *, source: str | None = None, **more: Any):
        """Report a refund."""
        return self.tell(self.refund(external_id, amount, **more), source=source)[0]

    def hold(self, *amounts: int, by: str | None = ANNA, **more: Any) -> PlacedHold:
        """Place a hold for lines of such prices; the rest as a till says it."""
        return self.hold_lines(basket(*amounts), by=by, **more)

    def hold_lines(self, lines: Sequence[BasketLine], **more: Any) -> PlacedHold:
        terms = {name: more.pop(name) for name in list(more) if name.startswith(("expect_", "ttl"))}
        wanted = HoldRequest(_request(lines, **more), **terms)

        def work(connection: Connection) -> PlacedHold:
            return place_hold(connection, self.plans, self.told_by(), wanted, now=self.now)

        return transact(self.engine, work)

    def release(self, hold: PlacedHold) -> None:
        def work(connection: Connection) -> None:
            release_hold(connection, self.told_by(), hold.id, now=self.now)

        transact(self.engine, work)

    def see(self, hold: PlacedHold) -> PlacedHold:
        with self.engine.connect() as connection:
            return get_hold(connection, self.told_by(), hold.id, now=self.now)

    def quote(self, *amounts: int, by: str | None = ANNA, **more: Any) -> Quote:
        return self.quote_lines(basket(*amounts), by=by, **more)

    def quote_lines(self, lines: Sequence[BasketLine], **more: Any) -> Quote:
        """On PostgreSQL also in company, which must come to the same."""
        request = _request(lines, **more)
        with read(self.engine) as connection:
            told = quote_basket(connection, self.plans, self.told_by(), request, now=self.now)
            if not is_sqlite(connection):
                self._assert_the_same_in_company(connection, request, told)
        return told

    def _assert_the_same_in_company(
        self, connection: Connection, request: QuoteRequest, alone: Quote
    ) -> None:
        some = [(self.told_by(), one) for one in (QuoteRequest(request.lines), request, request)]
        _, *found = quote_baskets(connection, self.plans, some, now=self.now)
        assert [None if one is None else replace(one, id=alone.id) for one in found] == [alone] * 2

    def adjust(self, points: int, key: str, by: str = ANNA, reason: str = "sorry") -> dict:
        wanted = Adjustment(points, reason, key, "owner")

        def work(connection: Connection) -> dict[str, Any]:
            return adjust_points(
                connection, self.plans, self.programme_id, self.wire(by), wanted, now=self.now
            )

        return transact(self.engine, work)

    def merge(self, from_: str, into: str) -> MemberCard:
        """Both by phone."""
        names = {"into": self.wire(into), "from_": self.wire(from_)}

        def work(connection: Connection) -> MemberCard:
            return merge_members(
                connection, self.plans, self.programme_id, **names, author="owner", now=self.now
            )

        return transact(self.engine, work)

    def erase(self, phone: str = ANNA) -> Mapping[str, Any]:
        """What the act tells."""
        wire, by = self.wire(phone), {"author": "owner", "evidence_key": b"key", "now": self.now}
        return self.do(lambda c: erase_member(c, self.programme_id, wire, **by))

    def card(self, phone: str = ANNA) -> MemberCard:
        """The member as staff see them now."""
        with read(self.engine) as connection:
            wire, now = self.wire(phone), self.now
            return get_member(connection, self.plans, self.programme_id, wire, now=now)

    def keep_up(self) -> None:
        """The jobs that book what time has done."""
        for job in (end_holds, activate_points, expire_points, expire_certificates):
            while transact(self.engine, lambda connection, job=job: job(connection, now=self.now)):
                pass

    def rebuild(self) -> int:
        """How many accounts the rebuild changed."""
        return transact(
            self.engine,
            lambda connection: rebuild_ledger(connection, programme_id=self.programme_id),
        )

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)

    def publish(self, document: Mapping[str, Any]) -> int:
        """New rules, in force from now on."""

        def work(connection: Connection) -> int:
            by = {"author": "owner", "now": self.now}
            version = draft_rules(connection, self.programme_id, deepcopy(document), **by)
            return publish_rules(connection, self.programme_id, version, **by)

        return transact(self.engine, work)

    def make_coupons(self, series: str, size: int = 1, by: str | None = None, **dates: Any):
        """Codes of a new lot, of the member with this phone or of anybody's."""
        name = f"lot-{next(_numbers)}"
        owner = None if by is None else self.wire(by)
        wanted = NewLot(name, series, size, owner, **dates)

        def work(connection: Connection) -> list[str]:
            said = (connection, self.plans, self.programme_id)
            open_lot(*said, wanted, author="owner", now=self.now)
            lot = fill_lot(*said, name)
            pages = all_coupons(connection, self.programme_id, lot)
            return [one.code for page in pages for one in page]

        return transact(self.engine, work)

    def coupon(self, code: str) -> dict[str, Any]:
        """Its row."""
        (row,) = [one for one in self._own(coupons) if one["code"] == code]
        return row

    def coupon_uses(self, code: str) -> int:
        row = self.coupon(code)
        return row["uses"] + row["over"]

    def make_certificates(
        self,
        nominal: int | None = None,
        size: int = 1,
        *,
        loaded: bool = True,
        by: str | None = None,
        series: str = "gift",
    ) -> list[str]:
        """Codes of a new lot, with their money on them unless it says otherwise."""
        owner = None if by is None else self.wire(by)
        wanted = gifts.NewLot(f"lot-{next(_numbers)}", series, size, nominal, loaded, owner)

        def work(connection: Connection) -> list[str]:
            said = (connection, self.plans, self.programme_id)
            gifts.open_lot(*said, wanted, author="owner", now=self.now)
            lot = gifts.fill_lot(connection, self.programme_id, wanted.name, now=self.now)
            pages = gifts.all_certificates(connection, self.programme_id, lot)
            return [one.code for page in pages for one in page]

        return transact(self.engine, work)

    def certificate(self, code: str) -> dict[str, Any]:
        """As people see it, now."""
        with read(self.engine) as connection:
            return gifts.check_certificate(connection, self.programme_id, code, now=self.now)

    def money(self, code: str) -> str:
        """Its state and balance."""
        seen = self.certificate(code)
        return f"{seen['state']} {seen['balance']}"

    def top_up(self, code: str, amount: int, key: str) -> dict[str, Any]:
        wanted = gifts.TopUp(code, amount, key, "shop")
        return self.do(lambda c: gifts.top_up(c, self.programme_id, wanted, now=self.now))

    def certificate_moves(self, code: str) -> list[dict[str, Any]]:
        number = self.certificate(code)["id"]
        with read(self.engine) as connection:
            return gifts.certificate_moves(connection, self.programme_id, number)

    def open_shop(self, code: str) -> None:
        transact(
            self.engine,
            lambda connection: create_shop(
                connection, self.programme_id, NewShop(code), now=self.now
            ),
        )

    # --- events -----------------------------------------------------------------------------

    def purchase(
        self,
        external_id: str,
        *paid: int,
        by: str | None = ANNA,
        at: datetime | None = None,
        spent: int = 0,
        **more: Any,
    ) -> Purchase:
        """Lines "1", "2"... of goods; `spent` hundredths are taken off the first line."""
        if "lines" not in more:
            amounts = [(paid[0], spent), *((amount, 0) for amount in paid[1:])]
            more["lines"] = tuple(
                line(str(number), amount, spend=spend)
                for number, (amount, spend) in enumerate(amounts, 1)
            )
        if by is not None:
            more.setdefault("customer", Customer(phone=by))
        return Purchase(external_id, at or self.now, **more)

    def refund(
        self, external_id: str, amount: int, *, at: datetime | None = None, **more: Any
    ) -> Refund:
        return Refund(external_id, at or self.now, amount, **more)

    # --- what stands in the books -------------------------------------------------------------

    def figures(self, phone: str = ANNA, currency: str = "points") -> Figures:
        row = self._one(
            select(accounts).where(
                accounts.c.member_id == self.member(phone), accounts.c.currency == currency
            )
        )
        if row is None:
            return Figures()
        return Figures(row["available"], row["pending"], row["held"], row["debt"])

    def lots(self, phone: str = ANNA) -> list[dict[str, Any]]:
        """Every lot of the member by number, the debts among them."""
        return self._all(
            select(lots).where(lots.c.member_id == self.member(phone)).order_by(lots.c.no)
        )

    def free(self, phone: str = ANNA) -> list[int]:
        return [lot["free"] for lot in self.lots(phone)]

    def entries(self, phone: str = ANNA) -> list[dict[str, Any]]:
        return self._all(
            select(entries).where(entries.c.member_id == self.member(phone)).order_by(entries.c.seq)
        )

    def kinds(self, phone: str = ANNA) -> list[str]:
        return [entry["kind"] for entry in self.entries(phone)]

    def rows(self, phone: str = ANNA) -> list[dict[str, Any]]:
        return self._all(
            select(entry_lots)
            .where(entry_lots.c.member_id == self.member(phone))
            .order_by(entry_lots.c.seq, entry_lots.c.line)
        )

    def holds(self) -> list[dict[str, Any]]:
        """Of this programme, like all that follow."""
        return self._own(holds)

    def kept_purchases(self) -> list[dict[str, Any]]:
        return self._own(purchases)

    def kept_lines(self, external_id: str) -> list[dict[str, Any]]:
        (number,) = (
            one["id"] for one in self.kept_purchases() if one["external_id"] == external_id
        )
        return [row for row in self._own(purchase_lines) if row["purchase_id"] == number]

    def used(self, promotion: str = "off", of: str = "uses") -> int:
        """What all counters of these limits stand at together."""
        own = [one for one in self._own(promotion_uses) if one["promotion"] == promotion]
        return sum(one["used"] for one in own if one["of"] == of)

    def kept_refunds(self) -> list[dict[str, Any]]:
        return self._own(refunds)

    def member(self, phone: str) -> int | None:
        """The number of the member with this phone, merged ones followed."""
        row = self._one(
            select(members.c.id, members.c.merged_into)
            .join(identities, identities.c.member_id == members.c.id)
            .where(
                identities.c.programme_id == self.programme_id,
                identities.c.kind == "phone",
                identities.c.value == phone,
            )
        )
        return None if row is None else row["merged_into"] or row["id"]

    def wire(self, phone: str) -> str:
        number = self.member(phone)
        assert number is not None
        return to_wire("m", number)

    def snapshot(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that is stored about members, points and receipts."""
        return {table.name: self._own(table) for table in WATCHED}

    def do(self, work):
        """Run `work(connection)` in a transaction of its own."""
        return transact(self.engine, work)

    def told_by(self, name: str | None = None) -> Source:
        return Source(self.programme_id, name or self.source)

    def _own(self, table: Table) -> list[dict[str, Any]]:
        """The rows of this programme."""
        if "programme_id" in table.c:
            own = table.c.programme_id == self.programme_id
        elif "certificate_id" in table.c:
            ours = select(certificates.c.id).where(certificates.c.programme_id == self.programme_id)
            own = table.c.certificate_id.in_(ours)
        elif "member_id" in table.c:
            people = select(members.c.id).where(members.c.programme_id == self.programme_id)
            own = table.c.member_id.in_(people)
        else:
            receipts = select(purchases.c.id).where(purchases.c.programme_id == self.programme_id)
            own = table.c.purchase_id.in_(receipts)
        return self._all(select(table).where(own).order_by(*table.primary_key))

    def _one(self, query: Any) -> dict[str, Any] | None:
        found = self._all(query)
        return found[0] if found else None

    def _all(self, query: Any) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def open_programme(
    engine: Engine,
    document: Mapping[str, Any] | None = None,
    *,
    now: datetime = NOW,
) -> Shop:
    """A new programme that began three years ago, with a shop "main"."""
    began = now - timedelta(days=1000)
    code = f"shop-{next(_numbers)}"

    def work(connection: Connection) -> int:
        programme = create_programme(
            connection, code=code, document=document or rules(), author="owner", now=began
        )
        return programme.id

    return Shop(engine, transact(engine, work), now)


def _request(lines: Sequence[BasketLine], *, by: str | None = ANNA, **more: Any) -> QuoteRequest:
    member = None if by is None else Customer(phone=by, verified=True)
    more.setdefault("member", member)
    return QuoteRequest(tuple(lines), **more)
