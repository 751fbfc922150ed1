"""What a shop says of consents, and what the gate answers."""

from __future__ import annotations

from typing import Any

from hub.outbox.gate import opt_out_address
from loyalty_core.service.consents import may_send
from loyalty_core.store.database import read
from loyalty_core.store.ids import from_wire
from tests.hub.api.client import Caller

TEXTS = "/programmes/shop/consent-texts"
HUB = "https://hub.example.ru"
BY_HAND = {"place": "shop", "proof": {"how": "paper", "ref": "form 17"}}


def publish_all(shop: Caller) -> None:
    for purpose in ("processing", "advertising", "third_parties"):
        told = {"ru": f"Согласен: {purpose}", "en": f"I agree: {purpose}"}
        since = "2026-03-14T11:00:00Z"
        answer = shop.post(TEXTS, {"purpose": purpose, "texts": told, "since": since})
        assert answer.status_code == 201, answer.get_json()


def yes(purpose: str = "advertising", channel: str | None = "sms", **said: Any) -> dict[str, Any]:
    channel = channel if purpose == "advertising" else None
    told = {"purpose": purpose, "channel": channel, "given": True, "text_version": 1}
    return {**told, **BY_HAND, **said}


def no(purpose: str = "advertising", channel: str | None = "sms", **said: Any) -> dict[str, Any]:
    channel = channel if purpose == "advertising" else None
    return {"purpose": purpose, "channel": channel, "given": False, **said}


def say(shop: Caller, member: str, *statements: dict[str, Any], **kwargs: Any) -> Any:
    return shop.post(f"/members/{member}/consents", {"consents": [*statements]}, **kwargs)


def said(shop: Caller, member: str, *statements: dict[str, Any]) -> Any:
    answer = say(shop, member, *statements)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def stands(shop: Caller, member: str) -> dict[str, bool]:
    items = shop.get(f"/members/{member}/consents").get_json()["items"]
    return {one["channel"] or one["purpose"]: one["given"] for one in items}


def reason(hub, programme_id, member: str, channel="sms", message_class="advertising", now=None):
    with read(hub.engine) as connection:
        return may_send(
            connection,
            programme_id,
            from_wire("m", member),
            channel=channel,
            message_class=message_class,
            now=now or hub.clock.now(),
        )


def link(hub, member: str, channel: str = "sms") -> str:
    address = opt_out_address(hub, from_wire("m", member), channel)
    assert address is not None
    assert address.startswith(f"{HUB}/c/")
    return address.removeprefix(HUB)
