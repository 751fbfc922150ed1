"""Calls to SMS Aero v2, and what its answers mean for the hub."""

from __future__ import annotations

from typing import Any, Literal

from loyalty_kit.errors import AnswerUnclear, Gone, OutOfMoney, RemoteMisconfigured
from loyalty_kit.manifest import Channel
from loyalty_kit.messages import cost_minor
from loyalty_kit.ports import ClientContext, Message, Report, Sent, Undeliverable
from loyalty_kit.transport import call, json_of, session

REFUSALS = (400, 402, 404, 410, 422)
"""With these statuses a body says what is wrong."""
DELIVERED, NOT_DELIVERED, REJECTED = 1, 2, 6


def make_client(context: ClientContext) -> AeroClient:
    return AeroClient(context)


class AeroClient:
    """One account, for one installation; used by one thread at a time."""

    def __init__(self, context: ClientContext) -> None:
        given = context.settings
        self._root = given["base_url"].rstrip("/")
        self._sign = given["sender"]
        self._http = session(
            allow_private=context.allow_private, pace_per_s=float(given["per_second"])
        )
        self._http.auth = (given["login"].encode(), given["api_key"].encode())

    def check(self) -> None:
        told = self._post("/v2/auth", {})
        if told.get("success") is not True:
            raise RemoteMisconfigured("SMS Aero does not greet the account")

    def send(self, to: str, text: str) -> Sent | Undeliverable:
        body = {"number": to.lstrip("+"), "text": text, "sign": self._sign}
        told = self._post("/v2/sms/send", body)
        data = told.get("data")
        if told.get("success") is not True or "result" in told:
            return _refused(told)
        one = data[0] if isinstance(data, list) and len(data) == 1 else data
        if not isinstance(one, dict) or not isinstance(one.get("id"), int | str):
            raise AnswerUnclear("SMS Aero tells no number of the message")
        if one.get("status") in (NOT_DELIVERED, REJECTED):
            return Undeliverable(f"SMS Aero does not deliver it ({one['status']})", "blocked")
        return Sent(reference=str(one["id"]), cost_minor=cost_minor(one.get("cost")))

    def look(self, reference: str) -> Report:
        """Source of the form: smsaero/smsaero_python, `sms_status`."""
        told = self._post("/v2/sms/status", {"id": int(reference)})
        one = told.get("data")
        if told.get("success") is not True:
            raise Gone("SMS Aero does not know the message")
        if not isinstance(one, dict) or not isinstance(one.get("status"), int):
            raise RemoteMisconfigured("SMS Aero tells no status of the message")
        return Report(_STATES.get(one["status"], "underway"), cost_minor(one.get("cost")))

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = call(self._http, "POST", self._root + path, json=body, accept=REFUSALS)
        told = json_of(answer)
        if not isinstance(told, dict):
            raise AnswerUnclear("SMS Aero answers something that is no object")
        return told


class Messages:
    """Hands messages over, one at a time.  SMS Aero takes no keys of ours."""

    channels = frozenset({Channel.SMS})

    def send(self, client: AeroClient, message: Message, *, key: str) -> Sent | Undeliverable:
        return client.send(message.to, message.text)


class Reports:
    """Asks for messages, one at a time."""

    def look(self, client: AeroClient, reference: str) -> Report:
        return client.look(reference)


_STATES: dict[int, Literal["underway", "delivered", "failed"]] = {
    DELIVERED: "delivered",
    NOT_DELIVERED: "failed",
    REJECTED: "failed",
}


def _refused(told: dict[str, Any]) -> Undeliverable:
    """What the message is to blame for.  Raises: OutOfMoney, RemoteMisconfigured for the rest,
    AnswerUnclear of what is no refusal.

    The vendor's own words are not passed on: they may hold the number.
    """
    if not {"success", "result"} & told.keys():
        raise AnswerUnclear("SMS Aero does not say whether it took the message")
    said = f"{told.get('result')} {told.get('message')}".lower()
    if "credit" in said or "money" in said or "balance" in said:
        raise OutOfMoney("the account at SMS Aero is empty")
    wrong = told.get("data")
    fields = set(wrong) if isinstance(wrong, dict) else set()
    if "sign" in fields:
        raise RemoteMisconfigured("SMS Aero: the signature is not approved")
    if fields & {"number", "numbers"}:
        return Undeliverable("not a number that SMS Aero knows")
    if "text" in fields:
        return Undeliverable("SMS Aero refuses the text", "content")
    if told.get("result") == "reject":
        return Undeliverable("SMS Aero rejects the message", "blocked")
    raise RemoteMisconfigured("SMS Aero refuses and does not say why")
