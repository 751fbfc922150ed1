"""What may become of a row that is not simply sent."""

from __future__ import annotations

from datetime import datetime

from loyalty_kit.errors import Drop

QUIET_HOURS, PAUSED = "quiet_hours", "paused"
PERHAPS_TAKEN = "perhaps_taken"
"""The vendor was handed it and did not say whether it took it: it goes out once more at most."""


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
