"""What is known already of the events in a batch: purchases, refunds, and refunds that wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import Connection

from loyalty_core.service.identify import Found
from loyalty_core.service.source import Source
from loyalty_core.store import purchases as store
from loyalty_core.store import refunds as refund_store
from loyalty_core.store.codec import content_hash, to_json
from loyalty_core.store.database import lock_keys
from loyalty_core.store.purchases import KeptPurchase
from loyalty_core.store.refunds import EventKey, KeptRefund
from loyalty_kit.events import Event, FiscalSign, Purchase, Refund

NOBODY = Found(None)


@dataclass(slots=True)
class Told:
    """One event of a batch: who sent it, whose it is, and whether its time was ahead.

    `content` is the hash of what was really said.
    """

    source: Source
    event: Event
    content: str
    found: Found = NOBODY
    ahead: bool = False


def hash_of(event: Event) -> str:
    """Equal events of one key: equal but for their revision (`ledger.md` 19).

    One instant told with two offsets is the same, and so are listed refunds in another order.
    """
    return content_hash(_plain(event))


def says_the_same(told: Told, kept: KeptPurchase | KeptRefund) -> bool:
    """Whether nothing else is told than before, but perhaps under another revision.

    Signs were once hashed with the zeros before them, which are told no more.
    """
    if told.content == kept.content_hash:
        return True
    return told.event.revision == kept.event.revision and told.content == hash_of(kept.event)


def _plain(event: Event) -> dict[str, Any]:
    plain: dict[str, Any] = to_json(event)
    plain.pop("revision", None)
    plain["occurred_at"] = event.occurred_at.astimezone(UTC).isoformat()
    if isinstance(event, Purchase) and event.refunds is not None:
        refunds = sorted(event.refunds, key=lambda refund: refund.external_id)
        plain["refunds"] = [_plain(refund) for refund in refunds]
    return plain


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
        self._by_fiscal: dict[FiscalSign, int] = {}
        self._told_signs: set[FiscalSign] = set()
        self._waiting: list[KeptRefund] = []

    def load(self, told: Sequence[Told]) -> None:
        """Lock the keys of these events, then read all that is known of them."""
        programme = self._programme_id
        names = [lock_names(programme, one.source.name, one.event) for one in told]
        lock_keys(self._connection, (name for own in names for name in own))
        self._told_signs = {sign for one in told for sign in _signs(one.event)}
        self.refunds = refund_store.refunds_by_key(self._connection, _refund_keys(told))
        wanted = _purchase_keys(told)
        self.take(store.purchases_by_key(self._connection, wanted).values())
        self._load_named([one.event for one in told])
        links = {refund.purchase_id for refund in self.refunds.values()} - {None}
        links |= {one.linked_to for one in self._by_id.values()} - {None}
        self._load_ids(link for link in links if link is not None)

    def take(self, found: Iterable[KeptPurchase]) -> None:
        """Make purchases known, with their lines and refunds, as they stand under lock.

        Two events may name one purchase in two ways, and then share no event key.
        """
        ids = {one.id for one in found} - set(self._by_id)
        if not ids:
            return
        fresh = list(store.purchases_by_id(self._connection, ids, lock=True).values())
        store.load_lines(self._connection, fresh)
        for one in fresh:
            self.add(one)
        for refund in refund_store.refunds_of(self._connection, [one.id for one in fresh]):
            key = (refund.programme_id, refund.source, refund.event.external_id)
            refund = self.refunds.setdefault(key, refund)
            assert refund.purchase_id is not None
            self._by_id[refund.purchase_id].refunds.append(refund)

    def add(self, purchase: KeptPurchase) -> None:
        self.purchases[purchase.key] = purchase
        self._by_id[purchase.id] = purchase
        order = purchase.event.order
        if order is not None:
            self._by_order.setdefault(order, []).append(purchase)
        for sign in purchase.event.fiscal:
            self._by_fiscal.setdefault(sign, purchase.id)

    def add_refund(self, key: EventKey, refund: KeptRefund) -> None:
        self.refunds[key] = refund
        if refund.state == "waiting":
            self._waiting.append(refund)

    def all_purchases(self) -> list[KeptPurchase]:
        return list(self._by_id.values())

    def all_signs(self) -> set[FiscalSign]:
        """Of the purchases that are known, and of those that are told."""
        return self._told_signs | self._by_fiscal.keys()

    def main_of(self, purchase: KeptPurchase) -> KeptPurchase:
        """The purchase that counts, where one was seen twice (`ledger.md` 24)."""
        return purchase if purchase.linked_to is None else self._by_id[purchase.linked_to]

    def named_by(self, told: Told) -> KeptPurchase | None:
        """The purchase that counts for this event, if it has come."""
        if isinstance(told.event, Refund):
            return self.purchase_of(told.source.name, told.event)
        kept = self.purchases.get(key_of(told.source, told.event))
        return None if kept is None else self.main_of(kept)

    def seen_before(self, purchase: KeptPurchase) -> KeptPurchase | None:
        """Another purchase that bears one of the same fiscal signs, and did so first."""
        for sign in purchase.event.fiscal:
            found = self._by_fiscal.get(sign, purchase.id)
            if found != purchase.id and self.main_of(self._by_id[found]) is not purchase:
                return self.main_of(self._by_id[found])
        return None

    def purchase_of(self, source: str, refund: Refund) -> KeptPurchase | None:
        """The purchase that a refund names, if it has come."""
        found: KeptPurchase | None = None
        if refund.purchase is not None:
            found = self.purchases.get((self._programme_id, source, refund.purchase))
        if found is None and refund.fiscal is not None:
            number = self._by_fiscal.get(refund.fiscal)
            found = None if number is None else self._by_id[number]
        if found is None and refund.order is not None:
            found = self._one_of_order(source, refund.order)
        return None if found is None else self.main_of(found)

    def waiting_for(self, purchase: KeptPurchase) -> list[KeptRefund]:
        """Refunds that came before this purchase; they wait no longer."""
        ready = [
            refund
            for refund in self._waiting
            if self.purchase_of(refund.source, refund.event) is self.main_of(purchase)
        ]
        self._waiting = [refund for refund in self._waiting if refund not in ready]
        return sorted(ready, key=lambda refund: (refund.event.occurred_at, refund.id))

    def _one_of_order(self, source: str, order: str) -> KeptPurchase | None:
        """Order numbers of one source are its own; else only where one purchase has it."""
        found = self._by_order.get(order, [])
        own = [one for one in found if one.source == source]
        if own:
            return own[0]
        return found[0] if len(found) == 1 else None

    def _load_named(self, events: Sequence[Event]) -> None:
        """What refunds name by order or fiscal sign, and what else bears a purchase's sign."""
        orders = {event.order for event in events if isinstance(event, Refund) and event.order}
        programme = self._programme_id
        if orders:
            self.take(store.purchases_by_order(self._connection, programme, orders))
        signs = {sign for event in events for sign in _signs(event)}
        seen = store.purchases_by_fiscal(self._connection, programme, signs)
        self._by_fiscal |= seen
        self._load_ids(seen.values())
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

    def _load_ids(self, ids: Iterable[int]) -> None:
        missing = set(ids) - set(self._by_id)
        if missing:
            self.take(store.purchases_by_id(self._connection, missing).values())


def lock_name_of(programme_id: int, sign: FiscalSign) -> str:
    """Whoever books or registers a fiscal receipt holds this."""
    return f"fiscal:{programme_id}:{sign.fn}:{sign.fd}:{sign.fp}"


def lock_names(programme_id: int, source: str, event: Event) -> list[str]:
    """All that whoever books an event of a source holds, in one call (`database.lock_keys`)."""
    names = [lock_name_of(programme_id, sign) for sign in _signs(event)]
    if event.order is not None:
        names.append(f"order:{programme_id}:{event.order}")
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
