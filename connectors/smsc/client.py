"""Calls to SMSC, and what its codes mean for the hub.

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
)
from loyalty_kit.manifest import Channel
from loyalty_kit.messages import cost_minor
from loyalty_kit.ports import ClientContext, Message, Refusal, Report, Sent, Undeliverable
from loyalty_kit.transport import call, json_of, session

UNDELIVERABLE: dict[int, tuple[Refusal, str]] = {
    6: ("content", "the text, or the name of the sender, is refused"),
    7: ("address", "not a number that SMSC knows"),
    8: ("address", "there is no way to this number"),
}

UNKNOWN = "-3"
STATES: dict[str, Literal["underway", "delivered", "failed"]] = {
    "1": "delivered",
    "2": "delivered",  # and read
    "4": "delivered",  # and its link followed
    "3": "failed",
    "20": "failed",
    "22": "failed",
    "23": "failed",
    "24": "failed",
    "25": "failed",
}
MOST = "10000"
"""Answers that one call gives."""
NOTHING = 3
"""To one who only asks: there is nothing.  To one who sends: no money."""


def make_client(context: ClientContext) -> SmscClient:
    return SmscClient(context)


class SmscClient:
    """One account, for one installation; used by one thread at a time."""

    def __init__(self, context: ClientContext) -> None:
        given = context.settings
        self._root = given["base_url"].rstrip("/")
        self._key = given["apikey"]
        self._sender = given["sender"]
        self.listens: bool = given["answers"]
        self._http = session(
            allow_private=context.allow_private, pace_per_s=float(given["per_second"])
        )

    def check(self) -> None:
        told = self._post("/sys/balance.php", {})
        if (code := _error(told)) is not None:
            raise failure(code)
        if "balance" not in told:
            raise RemoteMisconfigured("SMSC tells no balance")

    def send(self, to: str, text: str) -> Sent | Undeliverable:
        # cost=2: send, and tell what it costs.
        form = {"phones": to.lstrip("+"), "mes": text, "charset": "utf-8", "cost": "2"}
        if self._sender:
            form["sender"] = self._sender
        told = self._post("/sys/send.php", form)
        if (code := _error(told)) is not None:
            if code in UNDELIVERABLE:
                kind, reason = UNDELIVERABLE[code]
                return Undeliverable(f"{reason} (SMSC {code})", kind)
            raise failure(code)
        reference, parts = told.get("id"), told.get("cnt")
        if not isinstance(reference, int | str) or isinstance(reference, bool):
            raise AnswerUnclear("SMSC tells no number of the message")
        return Sent(
            reference=str(reference),
            parts=parts if isinstance(parts, int) else None,
            cost_minor=cost_minor(told.get("cost")),
        )

    def look_for(self, reference: str, to: str) -> Report:
        """Source: smscentre.com/api/http/status_messages, "Checking the status", and its page
        `statuses`, "Status codes"; smscentre.com is the vendor's site in English.
        """
        form = {"phone": to.lstrip("+"), "id": reference, "charset": "utf-8"}
        told = self._post("/sys/status.php", form)
        code = _error(told)
        if code == NOTHING:
            raise Gone("SMSC does not know the message")
        if code is not None:
            raise failure(code)
        status = told.get("status")
        if not isinstance(status, int | str) or isinstance(status, bool):
            raise RemoteMisconfigured("SMSC tells no status of the message")
        if str(status) == UNKNOWN:
            raise Gone("SMSC does not know the message")
        return Report(STATES.get(str(status), "underway"))

    def answers(self, after: str | None) -> list[dict[str, Any]]:
        """What people sent to the account's number since the answer `after`; None: within the
        last hour.  As SMSC writes them, in no order that is known.

        Source: smscentre.com/api/http/get_data/inbox, "Receiving incoming messages".
        """
        since = {"hour": "1"} if after is None else {"after_id": after}
        form = {"get_answers": "1", "cnt": MOST, "charset": "utf-8", **since}
        told = self._told("/sys/get.php", form)
        if isinstance(told, dict):
            code = _error(told)
            if code == NOTHING:
                return []
            raise RemoteMisconfigured("SMSC lists no answers") if code is None else failure(code)
        if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
            raise RemoteMisconfigured("SMSC lists no answers")
        return told

    def _post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        told = self._told(path, form)
        if not isinstance(told, dict):
            raise AnswerUnclear("SMSC answers something that is no object")
        return told

    def _told(self, path: str, form: dict[str, str]) -> Any:
        data = {"apikey": self._key, "fmt": "3", **form}
        # 404 would otherwise be read as "the document is gone".
        return json_of(call(self._http, "POST", self._root + path, data=data, accept=(404, 410)))


class Reports:
    """Asks for messages, one at a time."""

    def look_for(self, client: SmscClient, reference: str, to: str) -> Report:
        return client.look_for(reference, to)


class Messages:
    """Hands messages over, one at a time.  SMSC takes no keys of ours."""

    channels = frozenset({Channel.SMS})

    def send(self, client: SmscClient, message: Message, *, key: str) -> Sent | Undeliverable:
        return client.send(message.to, message.text)


def _error(told: dict[str, Any]) -> int | None:
    """The code of a refusal, None where it is none.  Raises: RemoteMisconfigured."""
    if "error" not in told and "error_code" not in told:
        return None
    try:
        return int(told.get("error_code", ""))
    except (ValueError, TypeError):
        raise RemoteMisconfigured("SMSC refuses and does not say why") from None


def failure(code: int) -> ConnectorError:
    """What the hub does next at a code that no message is to blame for."""
    if code == 2:
        return CredentialsRejected("SMSC refuses the key (2)")
    if code == 3:
        return OutOfMoney("the account at SMSC is empty")
    if code == 4:
        return RateLimited("SMSC bars this address for a while (4)", retry_after_s=600.0)
    if code == 9:
        return RateLimited("SMSC: the same request, or too many at once (9)", retry_after_s=70.0)
    return RemoteMisconfigured(f"SMSC answers {code}")
