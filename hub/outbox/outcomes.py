"""What may become of a row that is not simply sent."""

from __future__ import annotations

from datetime import datetime

from loyalty_kit.errors import Drop


class Later(Exception):
    """Nobody is disturbed now: not before `due_at`."""

    def __init__(self, due_at: datetime) -> None:
        super().__init__("quiet hours")
        self.due_at = due_at


class PassedOver(Exception):
    """It is rightly not sent, and nobody has anything to mend; `code` says why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


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


class BrokenLetter(Drop):
    """Its text cannot be filled in for this member."""

    code = "letter_broken"
