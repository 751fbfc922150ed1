"""What a person answers to an SMS: a word that ends advertising ends it at once."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from loyalty_core.domain.consents import REPLY, asks_to_stop
from loyalty_core.domain.errors import MemberNotFound, PhoneImpossible
from loyalty_core.domain.members import phone_key
from loyalty_core.service.consents import opt_out
from loyalty_core.service.phones import normalise_phone
from loyalty_core.store import members

Heard = Literal["opted_out", "nobody", "other"]
"""Of whom advertising has ended; a phone of no member; a text that asks for nothing we know."""
SMS = "sms"


def hear_answer(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    phone: str,
    text: str,
    ref: str,
    *,
    now: datetime,
) -> Heard:
    """Take an answer; `phone` in E.164, `ref` the vendor's number of it, kept as the proof.

    The text is kept nowhere.  Advertising by SMS ends for whoever has the phone, also of what is
    queued; the same answer again changes nothing.
    """
    if not asks_to_stop(text):
        return "other"
    try:
        key = phone_key(normalise_phone(phone, "RU"))
        member = members.owners(connection, programme_id, [key]).get(key)
        if member is None:
            return "nobody"
        opt_out(connection, programme_id, member, SMS, REPLY, now=now, ref=ref)
    except (PhoneImpossible, MemberNotFound):
        return "nobody"
    return "opted_out"
