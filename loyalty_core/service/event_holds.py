"""The holds that purchases of a batch name, by number, cart or order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.service.booking import Booked
from loyalty_core.service.promise import certificate_keys
from loyalty_core.service.source import Source, reaches_shop
from loyalty_core.store import holds as store
from loyalty_core.store.certificates import CertificateKey
from loyalty_core.store.holds import Claim, HoldKey, KeptHold
from loyalty_core.store.programmes import Shop
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import Purchase


class EventHolds:
    """Looked up before the accounts are locked, their carts and orders held, and read again under
    lock after.

    A name may lead anywhere: what is another programme's, or of a shop that the sender is not
    bound to, is not even locked.
    """

    def __init__(self, connection: Connection, programme_id: int) -> None:
        self._connection = connection
        self._programme_id = programme_id
        self._claims: dict[Claim, HoldKey] = {}
        self._named: set[HoldKey] = set()
        self._named_by: dict[int, list[Source]] = {}
        self._strange: set[HoldKey] = set()
        self._holds: dict[HoldKey, KeptHold] = {}
        self._now_at: dict[HoldKey, HoldKey] = {}
        self.rules_versions: set[int] = set()
        """Under which the holds were placed."""
        self.certificates: set[CertificateKey] = set()
        """Those that the holds reserved money of."""

    def look_up(
        self,
        purchases: Sequence[tuple[Source, Shop, Purchase]],
        known: Iterable[KeptPurchase],
    ) -> None:
        """Those that are named, and those that the known purchases went by."""
        claims = {claim for _, shop, one in purchases for claim in claims_of(shop, one)}
        store.lock_claims(self._connection, claims)
        self._claims = store.claimed_holds(self._connection, claims)
        self._named, self._named_by = set(), {}
        for source, _, one in purchases:
            key = store.hold_from_wire(one.hold) if one.hold else None
            if key is not None:
                self._named.add(key)
                self._named_by.setdefault(key[1], []).append(source)
        if purchases:
            self._named |= {
                key
                for one, booked in ((one, Booked.of(one)) for one in known)
                for key in (*_gone_by(one, booked), *_brought(booked))
            }
        self._look_at(self.named())

    def follow(self, survivor: Mapping[int, int | None]) -> None:
        """Look at the holds of merged members as well: they are the survivor's by now."""
        homes = {(survivor.get(member) or member, no) for member, no in self.named()}
        self._look_at(homes - self.named())

    def _look_at(self, keys: set[HoldKey]) -> None:
        for key, hold in store.holds_by_key(self._connection, keys).items():
            if hold.programme_id != self._programme_id or not self._is_reached(hold):
                self._strange.add(key)
                continue
            self.rules_versions.add(hold.rules_version)
            self.certificates.update(certificate_keys(hold))

    def _is_reached(self, hold: KeptHold) -> bool:
        senders = self._named_by.get(hold.id, ())
        return all(reaches_shop(self._connection, one, hold.shop_id) for one in senders)

    def named(self) -> set[HoldKey]:
        return (self._named | set(self._claims.values())) - self._strange

    def lock(self, survivor: Mapping[int, int | None]) -> None:
        """Read the holds under lock; those of merged members have moved to the survivor."""
        for member, no in self.named():
            home = survivor.get(member) if member != store.NOBODY else member
            if home is not None:
                self._now_at[(member, no)] = (home, no)
        keys = set(self._now_at.values()) - self._strange
        self._holds = store.holds_by_key(self._connection, keys, lock=True)

    def of(
        self, shop: Shop, kept: KeptPurchase, booked: Booked, told_paid_at: datetime | None
    ) -> KeptHold | None:
        """The hold that a purchase goes by; None for `told_paid_at`: it was not paid so far.

        The number that it names counts before all.  What it has captured stays its own, whoever
        has its cart by now; and a hold that the cart or order was given after the sale had been
        told is of another sale.  One that was replaced gives way to the one that its cart has
        now (`ledger.md` 8).
        """
        named = store.hold_from_wire(kept.event.hold) if kept.event.hold else None
        hold = None if named is None else self.at(named)
        if hold is not None:
            return hold
        own = next(
            (one for key in _gone_by(kept, booked) if (one := self.at(key)) is not None), None
        )
        if own is not None and own.purchase_id == kept.id:
            return own
        found = [
            one
            for claim in claims_of(shop, kept.event)
            if (one := self.at(self._claims.get(claim))) is not None
            and (told_paid_at is None or one.created_at <= told_paid_at)
        ]
        standing = (one for one in found if one.state != "released" or one.ran_out)
        return next(standing, found[0] if found else own)

    def at(self, key: HoldKey | None) -> KeptHold | None:
        """A locked hold, wherever it has moved; None where there is none."""
        return None if key is None else self._holds.get(self._now_at.get(key, key))

    def all(self) -> list[KeptHold]:
        return list(self._holds.values())


def _gone_by(purchase: KeptPurchase, booked: Booked) -> list[HoldKey]:
    """Where the hold may stand that a purchase went by: at its member, or at nobody."""
    if booked.hold is None:
        return []
    members = {purchase.member_id or store.NOBODY, store.NOBODY}
    return [(member, booked.hold) for member in members]


def _brought(booked: Booked) -> list[HoldKey]:
    """What a sighting has for the purchase that counts."""
    key = None if booked.brings is None else store.hold_from_wire(booked.brings)
    return [] if key is None else [key]


def claims_of(shop: Shop, purchase: Purchase) -> list[Claim]:
    named = (("order", purchase.order), ("cart", purchase.cart))
    return [Claim(shop.programme_id, shop.id, kind, ref) for kind, ref in named if ref]
