"""What may become of a row that is not simply sent, and what is believed of one that is."""

from __future__ import annotations

from datetime import datetime

from hub.ingest.inbox import NO_DATABASE_HOLDS
from loyalty_kit.errors import Drop
from loyalty_kit.ports import Sent

QUIET_HOURS, PAUSED = "quiet_hours", "paused"
PERHAPS_TAKEN = "perhaps_taken"
"""The vendor was handed it and did not say whether it took it: it goes out once more at most."""

_COSTS = range(100_000_00)
"""Kopecks that a message may cost; what a vendor tells beyond is no cost."""
_PARTS = range(1, 1000)


def told_cost(minor: int | None) -> int | None:
    """What a vendor says that a message costs; None where that cannot be."""
    return minor if minor in _COSTS else None


def believed(told: Sent) -> Sent:
    """What a vendor says of a message that it took, without what cannot be: a row that cannot be
    marked as sent would be sent again."""
    reference = told.reference
    if reference is not None and NO_DATABASE_HOLDS.search(reference):
        reference = None
    parts = told.parts if told.parts in _PARTS else None
    return Sent(reference, parts, told_cost(told.cost_minor))


class Later(Exception):
    """It cannot go now, and loses nothing by it: not before `due_at`; `code` says why."""

    def __init__(self, due_at: datetime, code: str) -> None:
        super().__init__(code)
        self.due_at = due_at
        self.code = code


class PassedOver(Exception):
    """It is rightly not sent, and nobody has anything to mend; `code` says why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Outlived(PassedOver):
    """A connection was paused for so long that it is no news any more; the owner is told."""

    def __init__(self) -> None:
        super().__init__(PAUSED, "Its connection was paused until its time was over.")


class Withheld(PassedOver):
    """Law, policy or the person keeps it back; `code` says which (`may_send`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "It may not be sent to this member by this channel.")


class Late(Drop):
    """It could not go out before its time was over."""

    code = "message_late"


class NoWay(Drop):
    """There is no address, or no connection, by which it could go."""

    code = "no_way"


class NotDelivered(Drop):
    """The vendor refuses this message for good."""

    code = "undeliverable"


class NotAnswered(Drop):
    """The vendor was handed it twice and never said whether it took it."""

    code = "not_answered"


class BrokenLetter(Drop):
    """Its text cannot be filled in for this member."""

    code = "letter_broken"
