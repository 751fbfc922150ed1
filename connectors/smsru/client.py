"""Calls to SMS.RU, and what its codes mean for the hub.  Facts: `MAPPING.md`.

By POST only, so that keys, phones and texts stay out of addresses and logs.
"""

from __future__ import annotations

from typing import Any, Literal

from loyalty_kit.errors import (
    AnswerUnclear,
    ConnectorError,
    CredentialsRejected,
    Gone,
    OutOfMoney,
    RateLimited,
    RemoteMisconfigured,
    RemoteUnavailable,
)
from loyalty_kit.manifest import Channel
from loyalty_kit.messages import cost_minor
from loyalty_kit.ports import ClientContext, Message, Refusal, Report, Sent, Undeliverable
from loyalty_kit.transport import call, json_of, session

TAKEN = 100
DAY_S = 86400.0
UNDELIVERABLE: dict[int, tuple[Refusal, str]] = {
    202: ("address", "there is no such number, or no way to it"),
    203: ("content", "the text is empty"),
    205: ("content", "the text is too long"),
    207: ("address", "there is no way to this number"),
    209: ("blocked", "the number is on the account's stop list"),
    214: ("address", "the number is abroad"),
    215: ("blocked", "the number is on SMS.RU's own stop list"),
    216: ("content", "the text holds a word that is refused"),
    217: ("content", "the text advertises credit without the words that the law asks for"),
    230: ("blocked", "the number had its most messages of the day"),
    231: ("blocked", "the same text went to this number within the minute"),
    232: ("blocked", "the same text went to this number too often today"),
    233: ("blocked", "too many messages to this number"),
}
UNKNOWN, NO_CODE = -1, -2
STATES: dict[int, Literal["underway", "delivered", "failed"]] = {
    103: "delivered",
    110: "delivered",  # and read
    104: "failed",
    105: "failed",
    106: "failed",
    107: "failed",
    108: "failed",
    130: "failed",
    131: "failed",
    132: "failed",
    150: "failed",
}
CREDENTIALS = frozenset({200, 300, 301, 302})
UNAVAILABLE = frozenset({220, 500})


def make_client(context: ClientContext) -> SmsRuClient:
    return SmsRuClient(context)


class SmsRuClient:
    """One account, for one installation; used by one thread at a time."""

    def __init__(self, context: ClientContext) -> None:
        given = context.settings
        self._root = given["base_url"].rstrip("/")
        self._key = given["api_id"]
        self._sender = given["sender"]
        self._http = session(
            allow_private=context.allow_private, pace_per_s=float(given["per_second"])
        )

    def check(self) -> None:
        told = self._post("/my/balance", {})
        if (code := _code(told)) != TAKEN:
            raise failure(code)

    def send(self, to: str, text: str) -> Sent | Undeliverable:
        form = {"to": to.lstrip("+"), "msg": text}
        if self._sender:
            form["from"] = self._sender
        told = self._post("/sms/send", form)
        if (code := _code(told)) != TAKEN:
            return _refused(code)
        by_number = told.get("sms")
        one = next(iter(by_number.values()), None) if isinstance(by_number, dict) else None
        if not isinstance(one, dict):
            raise AnswerUnclear("SMS.RU says nothing of the message")
        if (code := _code(one)) != TAKEN:
            return _refused(code)
        reference = one.get("sms_id")
        return Sent(
            reference=None if reference is None else str(reference),
            cost_minor=cost_minor(one.get("cost")),
        )

    def look(self, reference: str) -> Report:
        """Source: sms.ru/api/status, "Проверить статус отправленных сообщений", the answer with
        `json=1`: by number of the message its `status_code` and `cost`.
        """
        told = self._post("/sms/status", {"sms_id": reference})
        if (code := _code(told)) != TAKEN:
            raise failure(code)
        by_number = told.get("sms")
        one = by_number.get(reference) if isinstance(by_number, dict) else None
        if not isinstance(one, dict):
            raise RemoteMisconfigured("SMS.RU says nothing of the message")
        if (code := _code(one)) == UNKNOWN:
            raise Gone("SMS.RU does not know the message")
        if code in CREDENTIALS | UNAVAILABLE:
            raise failure(code)
        return Report(STATES.get(code, "underway"), cost_minor(one.get("cost")))

    def _post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        data = {"api_id": self._key, "json": "1", **form}
        # 404 would otherwise be read as "the document is gone".
        told = json_of(call(self._http, "POST", self._root + path, data=data, accept=(404, 410)))
        if not isinstance(told, dict):
            raise AnswerUnclear("SMS.RU answers something that is no object")
        return told


class Reports:
    """Asks for messages, one at a time."""

    def look(self, client: SmsRuClient, reference: str) -> Report:
        return client.look(reference)


class Messages:
    """Hands messages over, one at a time.  SMS.RU takes no keys of ours."""

    channels = frozenset({Channel.SMS})

    def send(self, client: SmsRuClient, message: Message, *, key: str) -> Sent | Undeliverable:
        return client.send(message.to, message.text)


def _code(told: dict[str, Any]) -> int:
    """Raises: AnswerUnclear."""
    code = told.get("status_code")
    try:
        return int(code) if isinstance(code, int | str) else NO_CODE
    except ValueError:
        raise AnswerUnclear("SMS.RU tells no status_code") from None


def _refused(code: int) -> Undeliverable:
    """Raises: what `failure` gives, where it is not the message's own fault."""
    if code in UNDELIVERABLE:
        kind, reason = UNDELIVERABLE[code]
        return Undeliverable(f"{reason} (SMS.RU {code})", kind)
    raise failure(code)


def failure(code: int) -> ConnectorError:
    """What the hub does next at a code that no message is to blame for."""
    if code == 201:
        return OutOfMoney("the account at SMS.RU is empty")
    if code == 206:
        return RateLimited("SMS.RU: the day's limit of the account", retry_after_s=DAY_S / 24)
    if code in CREDENTIALS:
        return CredentialsRejected(f"SMS.RU refuses the key ({code})")
    if code in UNAVAILABLE:
        return RemoteUnavailable(f"SMS.RU is not at work ({code})")
    if code == NO_CODE:
        return AnswerUnclear("SMS.RU tells no status_code")
    if code == 204:
        return RemoteMisconfigured("SMS.RU: the name of the sender is not approved (204)")
    return RemoteMisconfigured(f"SMS.RU answers {code}")
