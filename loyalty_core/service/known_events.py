"""What is known already of the events in a batch: purchases, refunds, and refunds that wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from loyalty_core.domain.sightings import DAYS_APART, word_that_counts
from loyalty_core.service.identify import Found
from loyalty_core.service.returned_goods import has_goods, has_money
from loyalty_core.service.source import Source
from loyalty_core.store import linked_sources as links
from loyalty_core.store import purchases as store
from loyalty_core.store import refunds as refund_store
from loyalty_core.store.api_keys import bound_to
from loyalty_core.store.database import lock_keys
from loyalty_core.store.event_words import Words, hash_of
from loyalty_core.store.linked_sources import LinkedSources, Pair
from loyalty_core.store.programmes import shop_code
from loyalty_core.store.purchases import KeptPurchase
from loyalty_core.store.refunds import EventKey, KeptRefund
from loyalty_kit.events import Event, FiscalSign, Purchase, PurchaseStatus, Refund

NOBODY = Found(None)
CONNECTION = "installation:"
"""Sources that the owner may declare linked begin so (`ledger.md` 18)."""
FISCAL, ORDER, PERSON = "fiscal", "order", "person"
"""By what a sighting is linked."""


@dataclass(slots=True)
class Told:
    """One event of a batch: who sent it, whose it is, and whether its time was ahead.

    `content` is the hash of what was really said, `words` all that is kept of it.
    """

    source: Source
    event: Event
    content: str
    found: Found = NOBODY
    ahead: bool = False
    words: Words | None = None


def says_the_same(told: Told, kept: KeptPurchase | KeptRefund) -> bool:
    """Whether nothing else is told than before, but perhaps under another revision.

    Signs were once hashed with the zeros before them, which are told no more.
    """
    if told.content == kept.content_hash:
        return True
    known = kept.word if isinstance(kept, KeptPurchase) else kept.event
    return told.event.revision == known.revision and told.content == hash_of(known)


def key_of(source: Source, event: Event) -> EventKey:
    return (source.programme_id, source.name, event.external_id)


class KnownEvents:
    """Looked up once for the whole batch; what the batch adds is known from then on."""

    def __init__(self, connection: Connection, programme_id: int) -> None:
        self._connection = connection
        self._programme_id = programme_id
        self.purchases: dict[EventKey, KeptPurchase] = {}
        self.refunds: dict[EventKey, KeptRefund] = {}
        self._by_id: dict[int, KeptPurchase] = {}
        self._by_order: dict[str, list[KeptPurchase]] = {}
        self._by_fiscal: dict[FiscalSign, list[int]] = {}
        self._told_signs: set[FiscalSign] = set()
        self._waiting: list[KeptRefund] = []
        self._declared: list[LinkedSources] | None = None
        self._parted: set[Pair] | None = None
        self._shops: dict[str, frozenset[str] | None] = {}

    @property
    def declared(self) -> list[LinkedSources]:
        """Which sources see each other's orders."""
        if self._declared is None:
            self._declared = links.declared(self._connection, self._programme_id)
        return self._declared

    def load(self, told: Sequence[Told]) -> None:
        """Lock the keys of these events, then read all that is known of them."""
        programme = self._programme_id
        sought = self._sought(told)
        names = [lock_names(programme, one.source.name, one.event) for one in told]
        names += [[order_lock(programme, number)] for *_, numbers in sought for number in numbers]
        lock_keys(self._connection, (name for own in names for name in own))
        self._shops |= {one.source.name: one.source.shops for one in told}
        self._told_signs = {sign for one in told for sign in _signs(one.event)}
        self.refunds = refund_store.refunds_by_key(self._connection, _refund_keys(told))
        found = list(store.purchases_by_key(self._connection, _purchase_keys(told)).values())
        found += self._named([one.event for one in told])
        ids = {refund.purchase_id for refund in self.refunds.values() if refund.purchase_id}
        for source, field, numbers in sought:
            ids |= links.numbered(self._connection, programme, source, field, numbers)
        found += store.purchases_by_id(self._connection, ids).values()
        self.take(found)
        self._find_waiting([one.event for one in told])

    def take(self, found: Iterable[KeptPurchase]) -> None:
        """Make purchases known, with their lines and refunds, as they stand under lock.

        Two events may name one purchase in two ways, and then share no event key.  What counts
        is always the first of its sightings and is locked before them, in the order of ids.
        """
        wanted = self._with_first({one.id: one for one in found}) - set(self._by_id)
        while wanted:
            fresh = list(store.purchases_by_id(self._connection, wanted, lock=True).values())
            store.load_lines(self._connection, fresh)
            for one in fresh:
                self.add(one)
            for refund in refund_store.refunds_of(self._connection, [one.id for one in fresh]):
                key = (refund.programme_id, refund.source, refund.event.external_id)
                refund = self.refunds.setdefault(key, refund)
                assert refund.purchase_id is not None
                self._by_id[refund.purchase_id].refunds.append(refund)
            wanted = store.sightings_of(self._connection, {one.id for one in fresh})
            wanted |= {one.linked_to for one in fresh if one.linked_to is not None}
            wanted -= set(self._by_id)
        self.gather()

    def _with_first(self, found: dict[int, KeptPurchase]) -> set[int]:
        """With those that these are linked to, and so on."""
        missing = {one.linked_to for one in found.values() if one.linked_to} - set(found)
        while missing:
            found |= store.purchases_by_id(self._connection, missing)
            missing = {one.linked_to for one in found.values() if one.linked_to} - set(found)
        return set(found)

    def gather(self) -> None:
        """Tell each purchase that counts what its sightings are by now."""
        for one in self._by_id.values():
            one.sightings = []
        for number in sorted(self._by_id):
            one = self._by_id[number]
            if one.linked_to is not None:
                self.main_of(one).sightings.append(one)

    def add(self, purchase: KeptPurchase) -> None:
        self.purchases[purchase.key] = purchase
        self._by_id[purchase.id] = purchase
        self.name(purchase)

    def name(self, purchase: KeptPurchase) -> None:
        """Whatever its sender has told of it by now is what a refund may name it by."""
        order = purchase.word.order
        if order is not None:
            numbered = self._by_order.setdefault(order, [])
            if all(one is not purchase for one in numbered):
                numbered.append(purchase)
        for sign in purchase.word.fiscal:
            bearing = self._by_fiscal.setdefault(sign, [])
            if purchase.id not in bearing:
                bearing.append(purchase.id)
                bearing.sort()

    def add_refund(self, key: EventKey, refund: KeptRefund) -> None:
        self.refunds[key] = refund
        if refund.state == "waiting":
            self._waiting.append(refund)

    def all_purchases(self) -> list[KeptPurchase]:
        return list(self._by_id.values())

    def by_id(self, number: int) -> KeptPurchase:
        """One that is known."""
        return self._by_id[number]

    def all_signs(self) -> set[FiscalSign]:
        """Of the purchases that are known, and of those that are told."""
        return self._told_signs | self._by_fiscal.keys()

    def main_of(self, purchase: KeptPurchase) -> KeptPurchase:
        """The purchase that counts, where one was seen twice (`ledger.md` 24)."""
        while purchase.linked_to is not None:
            purchase = self._by_id[purchase.linked_to]
        return purchase

    def named_by(self, told: Told) -> list[KeptPurchase]:
        """The purchase that this event is of, if it has come, and the one that counts for it."""
        if isinstance(told.event, Refund):
            named = self.purchase_of(told.source.name, told.event)
        else:
            named = self.purchases.get(key_of(told.source, told.event))
        return [] if named is None else [named, self.main_of(named)]

    def twin_of(self, purchase: KeptPurchase) -> tuple[KeptPurchase, str] | None:
        """What counts of the same sale, seen by somebody else, and by what they are linked;
        never what a person parted from it."""
        for sign in purchase.word.fiscal:
            for number in self._by_fiscal.get(sign, ()):
                other = self.main_of(self._by_id[number])
                if other is purchase or self._is_parted(purchase, other):
                    continue
                if not _is_another_part(purchase, other):
                    return other, FISCAL
        for one in self._seen_by_number(purchase):
            other = self.main_of(one)
            sources = {sighting.source for sighting in (other, *other.sightings)}
            if purchase.source not in sources and not self._is_parted(purchase, other):
                return other, ORDER
        return None

    def counting_of(self, sightings: Sequence[KeptPurchase]) -> KeptPurchase:
        """The sighting whose word counts, of these in the order in which they came."""
        truths = [
            (link.truth, link.seen_in if link.truth == link.source else link.source)
            for link in self.declared
            if link.truth is not None
        ]
        return sightings[word_that_counts([one.source for one in sightings], truths)]

    def seen_under_another_sign(self, purchase: KeptPurchase) -> KeptPurchase | None:
        """What bears one of its signs and is not linked with it yet.  Two records of one system
        are two, so none whose systems have told of this sale already; but where the word that
        counts is of both, they are."""
        first = self.main_of(purchase)
        for sign in purchase.word.fiscal:
            for number in self._by_fiscal.get(sign, ()):
                other = self.main_of(self._by_id[number])
                if other is first or self._is_parted(first, other):
                    continue
                if not _is_another_part(purchase, other) and self._are_one(purchase, other):
                    return other
        return None

    def _are_one(self, purchase: KeptPurchase, other: KeptPurchase) -> bool:
        """Whether what counts of a purchase and of another, whose sign it bears, is one sale."""
        first = self.main_of(purchase)
        here, there = (first, *first.sightings), (other, *other.sightings)
        told = {one.source for one in here if one is not purchase}
        twice = told & {one.source for one in there}
        if not twice:
            return True
        every = sorted((*here, *there), key=lambda one: one.id)
        signs = set(self.counting_of(every).word.fiscal)
        return not any(one.source in twice and signs.isdisjoint(one.word.fiscal) for one in every)

    def _seen_by_number(self, purchase: KeptPurchase) -> list[KeptPurchase]:
        """Those that are the same order as the owner said it is seen, of the same sum and time."""
        if not purchase.source.startswith(CONNECTION):
            return []
        source, word = purchase.source, purchase.word
        found: set[int] = set()
        for link in self.declared:
            if link.field is None or source not in (link.source, link.seen_in):
                continue
            for one in self._by_id.values():
                if {one.source, source} != {link.source, link.seen_in}:
                    continue
                order, seen = (word, one.word) if link.source == source else (one.word, word)
                if number_of(order) == getattr(seen, link.field) and is_like(order, seen):
                    found.add(one.id)
        return [self._by_id[number] for number in sorted(found)]

    def _is_parted(self, one: KeptPurchase, other: KeptPurchase) -> bool:
        if self._parted is None:
            self._parted = links.parted(self._connection, set(self._by_id))
        return any(
            links.pair_of(here.id, there.id) in self._parted
            for here in (one, *one.sightings)
            for there in (other, *other.sightings)
        )

    def purchase_of(self, source: str, refund: Refund) -> KeptPurchase | None:
        """The purchase that a refund names, if it has come: as its own sender saw it, where
        several did."""
        found: KeptPurchase | None = None
        if refund.purchase is not None:
            found = self.purchases.get((self._programme_id, source, refund.purchase))
        if found is None and refund.fiscal is not None:
            bearing = [self._by_id[one] for one in self._by_fiscal.get(refund.fiscal, ())]
            own = [one for one in bearing if one.source == source]
            found = next(iter(own or bearing), None)
        if found is None and refund.order is not None and refund.purchase is None:
            found = self._of_order(source, refund, refund.order)
        return found

    def waiting_for(self, purchase: KeptPurchase) -> list[KeptRefund]:
        """Refunds that came before this purchase; they wait no longer."""
        ready = [
            refund
            for refund in self._waiting
            if self._would_be_of(refund) is self.main_of(purchase)
        ]
        self._waiting = [refund for refund in self._waiting if refund not in ready]
        return sorted(ready, key=lambda refund: (refund.event.occurred_at, refund.id))

    def _would_be_of(self, refund: KeptRefund) -> KeptPurchase | None:
        named = self.purchase_of(refund.source, refund.event)
        return None if named is None else self.main_of(named)

    def _of_order(self, source: str, refund: Refund, order: str) -> KeptPurchase | None:
        """Order numbers of one source are its own: of several the newest that has these goods.
        Else that of another, of a shop that the sender may act for, where one alone has number,
        goods and money.
        """
        found = self._by_order.get(order, [])
        own = [one for one in found if one.source == source]
        if own:
            newest = sorted(own, key=lambda one: (one.word.occurred_at, one.id), reverse=True)
            fitting = (one for one in newest if has_goods(one, refund))
            return next(fitting, newest[0])
        fits = [
            one
            for one in found
            if has_goods(one, refund)
            and has_money(self.main_of(one), refund)
            and self.reaches(source, one.shop_id)
        ]
        return fits[0] if len({self.main_of(one).id for one in fits}) == 1 else None

    def reaches(self, source: str, shop_id: int) -> bool:
        """Whether who sends as this source may act for a shop."""
        if source not in self._shops:
            self._shops[source] = bound_to(self._connection, self._programme_id, source)
        shops = self._shops[source]
        return shops is None or shop_code(self._connection, shop_id) in shops

    def _sought(self, told: Sequence[Told]) -> list[tuple[str, str | None, set[str]]]:
        """Where the orders of these events may be seen: the source, its field, the numbers."""
        sought: dict[tuple[str, str | None], set[str]] = {}
        for one in told:
            event, source = one.event, one.source.name
            if not isinstance(event, Purchase) or not source.startswith(CONNECTION):
                continue
            for link in self.declared:
                if link.field is None:
                    continue
                if link.source == source:
                    sought.setdefault((link.seen_in, link.field), set()).add(number_of(event))
                number = getattr(event, link.field)
                if link.seen_in == source and number is not None:
                    sought.setdefault((link.source, None), set()).add(number)
        return [(source, field, numbers) for (source, field), numbers in sought.items()]

    def _named(self, events: Sequence[Event]) -> list[KeptPurchase]:
        """What refunds name by order or fiscal sign, and what else bears a purchase's sign."""
        told = [event for event in events if isinstance(event, Refund)]
        orders = {one.order for one in told if one.order is not None and one.purchase is None}
        programme = self._programme_id
        found: list[KeptPurchase] = []
        if orders:
            found += store.purchases_by_order(self._connection, programme, orders)
        signs = {sign for event in events for sign in _signs(event)}
        bearing = store.purchases_bearing(self._connection, programme, signs)
        ids = {number for numbers in bearing.values() for number in numbers}
        return found + list(store.purchases_by_id(self._connection, ids).values())

    def _find_waiting(self, events: Sequence[Event]) -> None:
        programme = self._programme_id
        signs = {sign for event in events for sign in _signs(event)}
        told = [event for event in events if isinstance(event, Purchase)]
        if told:
            ids = {event.external_id for event in told}
            own = {event.order for event in told if event.order}
            self._waiting += [
                self.refunds.setdefault((programme, one.source, one.event.external_id), one)
                for one in refund_store.refunds_waiting(
                    self._connection, programme, ids, own, signs
                )
            ]


def _is_another_part(purchase: KeptPurchase, counts: KeptPurchase) -> bool:
    """Whether a system keeps as two sales what others tell as one, and this is one of the two
    while the word that counts is the other's: it counts beside that, or its money were lost."""
    signs = set(purchase.word.fiscal)
    beside = any(
        one.source == purchase.source and one is not purchase and signs.isdisjoint(one.word.fiscal)
        for one in (counts, *counts.sightings)
    )
    return beside and signs.isdisjoint(counts.counting.word.fiscal)


def lock_name_of(programme_id: int, sign: FiscalSign) -> str:
    """Whoever books or registers a fiscal receipt holds this."""
    return f"fiscal:{programme_id}:{sign.fn}:{sign.fd}:{sign.fp}"


def order_lock(programme_id: int, number: str) -> str:
    """Whoever books something under this order number holds this."""
    return f"order:{programme_id}:{number}"


def number_of(order: Purchase) -> str:
    """Under which it may be seen elsewhere."""
    return order.order or order.external_id


def is_like(one: Purchase, other: Purchase) -> bool:
    """Equal totals, within three days, and both stand (`ledger.md` 24)."""
    return (
        sum(line.paid_minor for line in one.lines) == sum(line.paid_minor for line in other.lines)
        and abs(one.occurred_at - other.occurred_at) <= DAYS_APART
        and PurchaseStatus.CANCELLED not in (one.status, other.status)
    )


def lock_names(programme_id: int, source: str, event: Event) -> list[str]:
    """All that whoever books an event of a source holds, in one call (`database.lock_keys`)."""
    names = [lock_name_of(programme_id, sign) for sign in _signs(event)]
    if event.order is not None:
        names.append(order_lock(programme_id, event.order))
    refunds: Iterable[str] = ()
    purchase: str | None
    if isinstance(event, Purchase):
        purchase = event.external_id
        refunds = (refund.external_id for refund in event.refunds or ())
    else:
        purchase = event.purchase
        refunds = (event.external_id,)
    if purchase is not None:
        names.append(f"purchase:{programme_id}:{source}:{purchase}")
    return [*names, *(f"refund:{programme_id}:{source}:{refund}" for refund in refunds)]


def _signs(event: Event) -> Iterable[FiscalSign]:
    if isinstance(event, Purchase):
        return event.fiscal
    return () if event.fiscal is None else (event.fiscal,)


def _purchase_keys(told: Sequence[Told]) -> set[EventKey]:
    keys = set()
    for one in told:
        source, event = one.source, one.event
        if isinstance(event, Purchase):
            keys.add(key_of(source, event))
        elif event.purchase is not None:
            keys.add((source.programme_id, source.name, event.purchase))
    return keys


def _refund_keys(told: Sequence[Told]) -> set[EventKey]:
    keys = set()
    for one in told:
        if isinstance(one.event, Refund):
            keys.add(key_of(one.source, one.event))
        else:
            keys |= {key_of(one.source, refund) for refund in one.event.refunds or ()}
    return keys
