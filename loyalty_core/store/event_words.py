"""Events as columns keep them.

Pure, and heavier than it looks: of all that booking a receipt costs it is a tenth.  So whoever
has an event in hand before it is booked may write it down beforehand, in another process too.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from loyalty_core.store.codec import JsonText, content_hash, json_text, to_json
from loyalty_kit.events import Event, Purchase
from loyalty_kit.frozen import frozen


@frozen
class Words:
    """An event, the hash of its content, and its document as JSON text.

    Good for this very event: one that was changed since must be written anew (`document_of`).
    """

    event: Event
    content: str
    document: str


def words_of(event: Event) -> Words:
    """Both at once, since both are made of the same JSON data."""
    data: dict[str, Any] = to_json(event)
    document = json_text(data)
    return Words(event, content_hash(_plain(event, data)), document)


def hash_of(event: Event) -> str:
    """Equal events of one key: equal but for their revision (`ledger.md` 19).

    One instant told with two offsets is the same, and so are listed refunds in another order.
    """
    return content_hash(_plain(event, to_json(event)))


def document_of(event: Event, words: Words | None) -> Any:
    """What its column is given: the text, where it was written of this very event."""
    if words is not None and words.event is event:
        return JsonText(words.document)
    return to_json(event)


def _plain(event: Event, data: dict[str, Any]) -> dict[str, Any]:
    """The event's data, changed into what its hash is made of."""
    data.pop("revision", None)
    data["occurred_at"] = event.occurred_at.astimezone(UTC).isoformat()
    if isinstance(event, Purchase) and event.refunds is not None:
        refunds = sorted(event.refunds, key=lambda refund: refund.external_id)
        data["refunds"] = [_plain(refund, to_json(refund)) for refund in refunds]
    return data
