"""Consents: what a person says yes or no to, one purpose at a time.

Each purpose has a text and a statement of its own: consent to the processing of personal data
stands apart from whatever else a person signs (152-FZ, article 9, part 1, as changed by 156-FZ
of 24 June 2025, since 1 September 2025).  Advertising needs consent given before, which its
sender has to prove, and ends at once when the person says so (38-FZ, article 18, part 1; 152-FZ,
article 15).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

PROCESSING = "processing"
ADVERTISING = "advertising"
THIRD_PARTIES = "third_parties"
PURPOSES = (PROCESSING, ADVERTISING, THIRD_PARTIES)
"""To have personal data processed; to get advertising, by one channel; to have data handed on."""
PLACES = ("site", "app", "shop", "call", "letter", "bot")
"""Where a person said it, as a shop tells it."""
WAYS = ("checkbox", "code", "paper", "reply", "call")
"""How, as a shop tells it: a box that the person ticked, a code that was sent to the person, a
signature, an answer to a message, a call that was recorded."""
REPLY = "reply"
LINK = "link"
ONE_CLICK = "one_click"
WITH_PROCESSING = "with_processing"
"""How, as the hub knows it: the page of a message, the button of a mail program (RFC 8058), or
with the consent to processing, which all others stand on."""
ERASE_WITHIN = timedelta(days=30)
"""After consent to processing is withdrawn, data that nothing else asks to be kept is destroyed
within thirty days (152-FZ, article 21, part 5)."""

STOP_WORDS = ("стоп", "stop", "отписка", "отписаться", "отказ", "unsubscribe")
"""With which an answer by SMS ends advertising: advertising ends at once when the person asks for
that (38-FZ, article 18, part 1), and an SMS has no room for more than a word."""
_WORD = re.compile(r"[^\W_]+")

MessageClass = Literal["service", "advertising", "code"]
Reason = Literal["no_consent", "opted_out", "channel_forbidden", "service_only", "unconfirmed"]
"""Why a message may not go."""


def asks_to_stop(text: str) -> bool:
    """Whether an answer begins with one of the words, in whatever case and marks: "Стоп!!!",
    "STOP, please".  More behind it changes nothing: in doubt there is less advertising."""
    first = _WORD.search(text)
    return first is not None and first.group().casefold() in STOP_WORDS


class Subject(NamedTuple):
    """What a consent is about.  `channel` is empty unless the purpose is advertising."""

    purpose: str
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """A yes or a no.

    `at` None: now, and after all that was said before.  `ref` finds the proof: the name of the
    box, the number of the form, the id of the code.  `place` and `shop`: where it was said.
    """

    subject: Subject
    given: bool
    how: str | None = None
    ref: str | None = None
    text_version: int | None = None
    at: datetime | None = None
    place: str | None = None
    shop: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of one subject, and the statement that it comes from."""

    given: bool
    at: datetime
    text_version: int | None
    consent_id: int

    @property
    def rank(self) -> tuple[datetime, bool, int]:
        """The greatest counts: the latest; of two at one moment the withdrawal."""
        return self.at, not self.given, self.consent_id
