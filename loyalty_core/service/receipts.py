"""What is answered to an event, and kept so that the same event gets the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from loyalty_core.service.booking import CERTIFICATES, Moved
from loyalty_kit.frozen import frozen


@frozen
class EventReceipt:
    """`points`: earned, spent, clawed_back, given_back in hundredths of the main currency;
    `certificates`: paid, given_back, loaded, taken_back in kopecks.

    `status`: booked, open, cancelled, superseded (an older revision) or waiting (a refund
    whose purchase is not known).  `created`: this very call booked it.
    """

    id: str
    status: str
    member: str | None
    points: Mapping[str, int]
    flags: tuple[str, ...]
    created: bool
    certificates: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(CERTIFICATES, 0))

    def kept(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "member": self.member,
            "points": dict(self.points),
            "flags": list(self.flags),
            "certificates": dict(self.certificates),
        }

    def superseded(self) -> EventReceipt:
        return replace(self, status="superseded", created=False)


def receipt_of(wire_id: str, status: str, member: str | None, moved: Moved) -> EventReceipt:
    points = {
        "earned": moved.earned,
        "spent": moved.spent,
        "clawed_back": moved.clawed_back,
        "given_back": moved.given_back,
    }
    return EventReceipt(
        wire_id,
        status,
        member,
        points,
        tuple(moved.flags),
        created=True,
        certificates=dict(moved.certificates),
    )


def kept_receipt(wire_id: str, answer: Mapping[str, Any]) -> EventReceipt:
    """The answer of the first time."""
    return EventReceipt(
        wire_id,
        answer["status"],
        answer["member"],
        answer["points"],
        tuple(answer["flags"]),
        created=False,
        certificates=answer.get("certificates") or dict.fromkeys(CERTIFICATES, 0),
    )
