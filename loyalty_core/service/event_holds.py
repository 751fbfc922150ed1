"""The holds that purchases of a batch name, by number, cart or order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from loyalty_core.service.promise import certificate_keys
from loyalty_core.store import holds as store
from loyalty_core.store.certificates import CertificateKey
from loyalty_core.store.holds import Claim, HoldKey, KeptHold
from loyalty_core.store.programmes import Shop
from loyalty_kit.events import Purchase


class EventHolds:
    """Looked up before the accounts are locked, read again under lock after."""

    def __init__(self, connection: Connection, programme_id: int) -> None:
        self._connection = connection
        self._programme_id = programme_id
        self._claims: dict[Claim, HoldKey] = {}
        self._named: set[HoldKey] = set()
        self._holds: dict[HoldKey, KeptHold] = {}
        self._now_at: dict[HoldKey, HoldKey] = {}
        self.rules_versions: set[int] = set()
        """Under which the holds were placed."""
        self.certificates: set[CertificateKey] = set()
        """Those that the holds reserved money of."""

    def look_up(self, purchases: Sequence[tuple[Shop, Purchase]]) -> None:
        claims = {claim for shop, one in purchases for claim in claims_of(shop, one)}
        self._claims = store.claimed_holds(self._connection, claims)
        named = (store.hold_from_wire(one.hold) for _, one in purchases if one.hold)
        self._named = {key for key in named if key is not None}
        self._look_at(self.named())

    def follow(self, survivor: Mapping[int, int | None]) -> None:
        """Look at the holds of merged members as well: they are the survivor's by now."""
        homes = {(survivor.get(member) or member, no) for member, no in self.named()}
        self._look_at(homes - self.named())

    def _look_at(self, keys: set[HoldKey]) -> None:
        for hold in store.holds_by_key(self._connection, keys).values():
            if hold.programme_id == self._programme_id:
                self.rules_versions.add(hold.rules_version)
                self.certificates.update(certificate_keys(hold))

    def named(self) -> set[HoldKey]:
        return self._named | set(self._claims.values())

    def lock(self, survivor: Mapping[int, int | None]) -> None:
        """Read the holds under lock; those of merged members have moved to the survivor."""
        for member, no in self.named():
            home = survivor.get(member) if member != store.NOBODY else member
            if home is not None:
                self._now_at[(member, no)] = (home, no)
        self._holds = store.holds_by_key(self._connection, set(self._now_at.values()), lock=True)

    def of(self, shop: Shop, purchase: Purchase) -> KeptHold | None:
        """The hold of this programme that a purchase names; its number counts before others."""
        keys = [store.hold_from_wire(purchase.hold)] if purchase.hold else []
        keys += [self._claims.get(claim) for claim in claims_of(shop, purchase)]
        for key in keys:
            hold = self._holds.get(self._now_at.get(key, key)) if key is not None else None
            if hold is not None and hold.programme_id == self._programme_id:
                return hold
        return None

    def all(self) -> list[KeptHold]:
        return list(self._holds.values())


def claims_of(shop: Shop, purchase: Purchase) -> list[Claim]:
    named = (("order", purchase.order), ("cart", purchase.cart))
    return [Claim(shop.programme_id, shop.id, kind, ref) for kind, ref in named if ref]
