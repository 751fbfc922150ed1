"""The application: asks the hub, goes on alone where it must, and hands in what it sold alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.evotor.terminal.line import Declined, Line, LineDown
from connectors.evotor.terminal.receipt import ZERO, Offer, Receipt, document_of, kopecks
from connectors.evotor.terminal.rules import Untrusted, is_good, opened, reckoned

Json = dict[str, Any]

PORTION = 50
"""Receipts handed in by one call."""
MOST_SEEN = 200
"""Buyers whose balance a terminal keeps for the time without a line."""


class Till:
    """One terminal.  What must outlive a restart stands in the file `memory`.

    The hub's key is taken from the first `config` and kept: a pack under another key is refused,
    until somebody clears the memory (the owner has changed the token).
    """

    def __init__(
        self, line: Line, memory: Path, *, store: str, clock: Callable[[], datetime]
    ) -> None:
        self._line, self._memory, self._store, self._clock = line, memory, store, clock
        empty: Json = {
            "key": None,
            "rules": None,
            "late": [],
            "unread": [],
            "seen": {},
            "spent": {},
        }
        kept = json.loads(memory.read_text("utf-8")) if memory.exists() else {}
        self._kept: Json = {**empty, **kept}

    # The line

    def refresh(self) -> None:
        """Settings and rules, each time that the line is there.  Raises: LineDown, Untrusted."""
        config = self._line.send("GET", "config")
        self._kept["key"] = self._kept["key"] or config["rulesKey"]
        sent = self._line.send("GET", "rules")
        opened(sent, self._kept["key"])
        self._kept["rules"] = sent
        self._save()

    def rules(self) -> Mapping[str, Any] | None:
        """The rules for going on alone; None where they are missing, foreign or over."""
        if self._kept["rules"] is None or self._kept["key"] is None:
            return None
        try:
            pack = opened(self._kept["rules"], self._kept["key"])
        except Untrusted:
            return None
        return pack if is_good(pack, self._clock()) else None

    # A receipt

    def identify(self, receipt: Receipt, **who: str) -> Mapping[str, Any] | None:
        """The buyer by `code`, `card` or `phone`; without a line, as last seen.

        Raises: Declined, where the hub knows nobody of this name.
        """
        receipt.who = dict(who)
        try:
            told: Json = self._line.send("POST", "customers/resolve", who)
        except LineDown:
            known: Json | None = self._kept["seen"].get(_key(who))
            return known
        self._remember(_key(who), told)
        return told

    def _remember(self, key: str, told: Mapping[str, Any]) -> None:
        """What going on alone needs of a buyer, and no more; the oldest make room.

        What was spent alone is not booked yet, so the hub's balance still has it.
        """
        seen: Json = self._kept["seen"]
        seen.pop(key, None)
        seen[key] = {name: told[name] for name in ("customerId", "tier", "balance")}
        _lower(seen[key], self._spent_alone(seen[key]["customerId"]))
        while len(seen) > MOST_SEEN:
            del seen[next(iter(seen))]
        self._save()

    def enrol(self, **who: Any) -> Mapping[str, Any]:
        """Raises: LineDown, Declined."""
        told: Json = self._line.send("POST", "customers", who)
        return told

    def offer(self, receipt: Receipt, points: str | None = None, code: str | None = None) -> Offer:
        """Prices the receipt; `points` is a number, or "max".  Raises: Declined."""
        body: Json = {
            "receiptUuid": receipt.uuid,
            **receipt.who,
            "pointsToSpend": points,
            "positions": [
                {
                    "uuid": one.uuid,
                    "productUuid": one.product,
                    "name": one.name,
                    "type": one.type,
                    "quantity": str(one.quantity),
                    "priceWithDiscount": str(one.price),
                }
                for one in receipt.positions
            ],
        }
        if code is not None:
            body["confirmationCode"] = code
        try:
            told = self._line.send("POST", "quotes", body)
        except LineDown:
            return self._alone(receipt, points)
        return Offer(
            {name: Decimal(off) for name, off in told["positionDiscounts"].items()},
            told["extra"]["loyalty"],
            spent=Decimal(told["points"]["spend"]),
            earned=Decimal(told["points"]["earn"]),
            needs_code=told["needsCode"],
            lines=tuple(told["printLines"]),
        )

    def send_code(self, receipt: Receipt) -> Mapping[str, Any]:
        """Raises: LineDown, Declined."""
        told: Json = self._line.send("POST", f"quotes/{receipt.uuid}/code", receipt.who)
        return told

    def clear(self, receipt: Receipt) -> None:
        """The receipt is dropped; a hold that cannot be let go ends by itself."""
        try:
            self._line.send("DELETE", f"quotes/{receipt.uuid}")
        except (LineDown, Declined):
            return

    def close(self, receipt: Receipt, offer: Offer) -> Any:
        """The receipt is printed.  One sold alone is remembered, to be handed in."""
        now = self._clock()
        document = document_of(receipt, offer, closed_at=now, store=self._store)
        if offer.alone:
            told = {
                "receiptUuid": receipt.uuid,
                "earned": str(offer.earned),
                "spent": str(offer.spent),
                "hadCustomer": bool(receipt.who),
                "pack": offer.pack,
                "closedAt": now.astimezone(UTC).isoformat(timespec="seconds"),
            }
            self._kept["late"].append({"document": document, "told": told})
        if offer.spent:
            self._count(offer)
        if offer.alone or offer.spent:
            self._save()
        return document

    def _count(self, offer: Offer) -> None:
        """Points are gone from each name that the buyer was seen by; alone, also from the limit."""
        buyer = offer.block["customer"]
        for known in self._kept["seen"].values():
            if known["customerId"] == buyer:
                _lower(known, offer.spent)
        if offer.alone:
            self._kept["spent"][buyer] = str(self._spent_alone(buyer) + offer.spent)

    def _spent_alone(self, buyer: str) -> Decimal:
        return Decimal(self._kept["spent"].get(buyer, "0"))

    def _alone(self, receipt: Receipt, points: str | None) -> Offer:
        """By the rules; without any, the buyer is written down and nothing is promised."""
        pack = self.rules()
        if pack is None:
            who = {name: told for name, told in receipt.who.items() if name in ("card", "phone")}
            return Offer({}, {"v": 1, **who}, alone=True)
        known = self._kept["seen"].get(_key(receipt.who)) if receipt.who else None
        spent = ZERO if known is None else self._spent_alone(known["customerId"])
        left = max(ZERO, Decimal(pack["spend"]["offlineLimit"]) - spent)
        wish = left if points == "max" else Decimal(points or "0")
        return reckoned(pack, receipt, customer=known, wish=wish, left=left)

    # Handing in

    def waiting(self) -> int:
        return len(self._kept["late"])

    def hand_in(self) -> list[Json]:
        """Hands in what was sold alone, and gives the reports of what is booked by now.

        A receipt stays in the memory until the hub says that it is booked; handed in again, it is
        the same receipt.  One that the hub cannot read is reported as `refused`, and is set aside
        in the memory for a person.  Once nothing waits, buyers have their whole limit again.

        Raises: LineDown.
        """
        reports: list[Json] = []
        for start in range(0, len(self._kept["late"]), PORTION):
            portion = self._kept["late"][start : start + PORTION]
            documents = {"receipts": [one["document"] for one in portion]}
            unread = set(self._line.send("POST", "receipts", documents)["refused"])
            reports += [
                {"receiptUuid": portion[place]["told"]["receiptUuid"], "state": "refused"}
                for place in unread
            ]
            told = [one["told"] for place, one in enumerate(portion) if place not in unread]
            if told:
                asked = {"receipts": told}
                reports += self._line.send("POST", "receipts/report", asked)["receipts"]
        ended = [one for one in reports if one["state"] != "waiting"]
        states = {one["receiptUuid"]: one["state"] for one in ended}
        late = self._kept["late"]
        self._kept["late"] = [one for one in late if _name(one) not in states]
        self._kept["unread"] += [one for one in late if states.get(_name(one)) == "refused"]
        if not self._kept["late"]:
            self._kept["spent"] = {}
        self._save()
        return ended

    def _save(self) -> None:
        """All or nothing: a terminal may lose its power at any time."""
        fresh = self._memory.with_suffix(".new")
        fresh.write_text(json.dumps(self._kept, ensure_ascii=False), "utf-8")
        fresh.replace(self._memory)


def _lower(known: Json, spent: Decimal) -> None:
    known["balance"] = str(kopecks(max(ZERO, Decimal(known["balance"]) - spent)))


def _key(who: Mapping[str, str]) -> str:
    return "|".join(f"{name}={who[name]}" for name in sorted(who))


def _name(late: Mapping[str, Any]) -> str:
    told: str = late["told"]["receiptUuid"]
    return told
