"""What people answer by SMS, found by polling; `listens` of the settings switches it on.

The vendor would call, too, but neither the form of that call nor its proof stands in what of its
pages is public (`MAPPING.md`).  An answer is read by its number; no phone and no text is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.smsc.client import SmscClient
from loyalty_kit.errors import Gone, PayloadInvalid
from loyalty_kit.ports import Context, Hint, PullPage, SmsAnswer, Translated

KIND = "answer"
PAGE = 100


class Pull:
    """The cursor is the number of the newest answer that was seen."""

    def page(self, client: SmscClient, cursor: str | None, now: datetime) -> PullPage:
        """Raises: PayloadInvalid, and what the client raises."""
        if not client.listens:
            return PullPage((), cursor or "", more=False)
        found = sorted(_numbers(client.answers(cursor or None)))
        page = found[:PAGE]
        hints = tuple(Hint(KIND, str(number)) for number in page)
        newest = str(page[-1]) if page else cursor or ""
        return PullPage(hints, newest, more=len(found) > PAGE)

    def recheck(self, client: SmscClient, known: tuple[Hint, ...]) -> tuple[Hint, ...]:
        """An answer stays as it is."""
        return ()


class Fetch:
    """Reads one answer among those from it on."""

    def read(self, client: SmscClient, hint: Hint) -> Any:
        """Raises: Gone, PayloadInvalid, and what the client raises."""
        for one in client.answers(str(int(hint.id) - 1)):
            if _number_of(one) == int(hint.id):
                return one
        raise Gone("SMSC does not have the answer any more")

    def translate(self, hint: Hint, document: Any, context: Context) -> Translated:
        """Raises: PayloadInvalid."""
        if not isinstance(document, dict):
            raise PayloadInvalid("an answer that is no object")
        phone, text = document.get("phone"), document.get("message")
        if not isinstance(phone, str) or not isinstance(text, str):
            raise PayloadInvalid("an answer without phone or text")
        return (SmsAnswer(str(_number(document)), f"+{phone.lstrip('+')}", text),)


def _numbers(answers: Sequence[dict[str, Any]]) -> set[int]:
    """One without a number cannot be read, and holds up no other; where none has one, they are
    not told as they are known to be.

    Raises: PayloadInvalid.
    """
    found = {number for one in answers if (number := _number_of(one)) is not None}
    if answers and not found:
        raise PayloadInvalid("answers without a number")
    return found


def _number_of(answer: dict[str, Any]) -> int | None:
    told = answer.get("id")
    if isinstance(told, str) and told.isascii() and told.isdigit():
        told = int(told)
    if not isinstance(told, int) or isinstance(told, bool) or told < 1:
        return None
    return told


def _number(answer: dict[str, Any]) -> int:
    """Raises: PayloadInvalid."""
    number = _number_of(answer)
    if number is None:
        raise PayloadInvalid("an answer without a number")
    return number
