"""Acme POS, an invented till cloud, and the smallest good connector for it.

The conformance suite is proved on this connector and on copies of it that are wrong in one
place each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import requests
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from loyalty_kit.checkout import ShownBalance
from loyalty_kit.errors import NotOurs, OutOfMoney, PayloadInvalid, RemoteMisconfigured, Unreadable
from loyalty_kit.events import (
    Customer,
    ExternalId,
    Purchase,
    PurchaseLine,
    Refund,
    RefundLine,
)
from loyalty_kit.json_text import json_body
from loyalty_kit.manifest import Capability, Channel, Manifest
from loyalty_kit.money import format_decimal
from loyalty_kit.ports import (
    CataloguePage,
    Category,
    ClientContext,
    Connector,
    Context,
    Hint,
    InboundRequest,
    Message,
    Product,
    PullPage,
    RemoteWebhook,
    Sent,
    Settings,
    Translated,
    Undeliverable,
    Webhook,
)
from loyalty_kit.settings import SettingsSchema, integer, secret, url
from loyalty_kit.signing import check_hmac_sha256, hmac_sha256
from loyalty_kit.testing.remote import Asked, Remote, Reply, json_reply
from loyalty_kit.testing.subject import Answered, RemoteSide
from loyalty_kit.transport import call, json_of, session
from loyalty_kit.wire_fields import Hundredths, Moment, Quantity, Text

WEBHOOK_SECRET = "acme-webhook-secret"
API_TOKEN = "acme-api-token-0042"
PRODUCTS = ("CHEESE", "TEA", "MILK")
RECEIPTS = ("9001", "9002", "9003")


class AcmeSettings(SettingsSchema):
    base_url = url({"ru": "Адрес", "en": "Address"})
    api_token = secret({"ru": "Ключ доступа", "en": "Access key"})
    webhook_secret = secret({"ru": "Секрет подписи", "en": "Signing secret"})
    backfill_days = integer({"ru": "Дней назад", "en": "Days back"}, least=0, most=90, default=7)


class _Wire(Schema):
    class Meta:
        unknown = EXCLUDE


class LineWire(_Wire):
    n = Text(required=True)
    code = Text(allow_none=True, load_default=None)
    qty = Quantity(required=True)
    sum = Hundredths(required=True)


class ReceiptWire(_Wire):
    id = Text(required=True)
    closed_at = Moment(required=True)
    phone = Text(allow_none=True, load_default=None)
    buyer = Text(allow_none=True, load_default=None)
    lines = fields.List(fields.Nested(LineWire), required=True, validate=validate.Length(max=500))


class ReturnWire(ReceiptWire):
    receipt = Text(required=True)


def purchase_of(data: Mapping[str, Any]) -> Purchase:
    return Purchase(
        external_id=data["id"],
        occurred_at=data["closed_at"],
        customer=_customer(data),
        lines=tuple(
            PurchaseLine(
                id=line["n"],
                sku=line["code"],
                quantity_milli=line["qty"],
                amount_minor=line["sum"],
                paid_minor=line["sum"],
            )
            for line in _unlike(data["lines"])
        ),
    )


def refund_of(data: Mapping[str, Any]) -> Refund:
    return Refund(
        external_id=data["id"],
        purchase=data["receipt"],
        occurred_at=data["closed_at"],
        amount_minor=sum(line["sum"] for line in data["lines"]),
        lines=tuple(
            RefundLine(id=line["n"], quantity_milli=line["qty"], paid_back_minor=line["sum"])
            for line in data["lines"]
        ),
    )


def _customer(data: Mapping[str, Any]) -> Customer | None:
    if data["phone"] is None and data["buyer"] is None:
        return None
    buyer = data["buyer"]
    external = None if buyer is None else ExternalId(system=None, id=buyer)
    return Customer(phone=data["phone"], external=external)


def _unlike(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len({line["n"] for line in lines}) != len(lines):
        raise PayloadInvalid("two lines have one number")
    return lines


BUILDERS = {
    "receipt.closed": (ReceiptWire, purchase_of),
    "receipt.returned": (ReturnWire, refund_of),
}


def translate_message(message: Mapping[str, Any]) -> Translated:
    kind = message.get("event")
    if not isinstance(kind, str) or kind not in BUILDERS:
        raise NotOurs("an event that is not handled")
    schema, build = BUILDERS[kind]
    try:
        return (build(schema().load(message)),)
    except ValidationError as error:
        raise PayloadInvalid(str(error.messages)) from None


def message_in(inbound: InboundRequest) -> Mapping[str, Any]:
    message = json_body(inbound.body, Unreadable)
    if not isinstance(message, dict):
        raise Unreadable("not an object")
    return message


def verify(inbound: InboundRequest, settings: Settings) -> None:
    signature = inbound.headers.get("x-acme-signature")
    check_hmac_sha256(settings["webhook_secret"], inbound.body, signature, encoding="hex")


def delivery_key(inbound: InboundRequest) -> str:
    delivery = message_in(inbound).get("delivery")
    if not isinstance(delivery, str) or not 0 < len(delivery) < 100:
        raise Unreadable("no delivery key")
    return delivery


def translate(inbound: InboundRequest, context: Context) -> Translated:
    return translate_message(message_in(inbound))


class AcmeClient:
    def __init__(self, context: ClientContext) -> None:
        self.days: int = context.settings.get("backfill_days", 0)
        self._root = context.settings["base_url"].rstrip("/")
        self.http: requests.Session = session(allow_private=context.allow_private)
        self.http.headers["Authorization"] = f"Bearer {context.settings['api_token']}"

    def get(self, path: str, **params: str) -> Any:
        data = json_of(call(self.http, "GET", self._root + path, params=params))
        if not isinstance(data, dict):
            raise RemoteMisconfigured("the answer is no object")
        return data

    def send(self, path: str, body: Mapping[str, Any], key: str) -> Any:
        headers = {"Idempotency-Key": key}
        return json_of(call(self.http, "POST", self._root + path, json=body, headers=headers))


class AcmeFetch:
    def read(self, client: AcmeClient, hint: Hint) -> Any:
        return client.get(f"/receipts/{hint.id}")

    def translate(self, hint: Hint, document: Any, context: Context) -> Translated:
        if not isinstance(document, dict):
            raise PayloadInvalid("not an object")
        return translate_message({"event": "receipt.closed", **document})


class AcmePull:
    def page(self, client: AcmeClient, cursor: str | None, now: datetime) -> PullPage:
        page = client.get("/receipts", after=cursor or "", days=str(client.days))
        hints = tuple(Hint("receipt", item) for item in page["ids"])
        return PullPage(hints, cursor=page["cursor"], more=page["more"])

    def recheck(self, client: AcmeClient, known: tuple[Hint, ...]) -> tuple[Hint, ...]:
        return ()


class AcmeCatalogue:
    def page(self, client: AcmeClient, cursor: str | None) -> CataloguePage:
        page = client.get("/products", after=cursor or "")
        products = tuple(Product(sku=item, name=item) for item in page["ids"])
        categories = (Category("all", "All"),)
        return CataloguePage(products, categories, page["cursor"] if page["more"] else None)


class AcmeBalance:
    def push(self, client: AcmeClient, member: str, balance: ShownBalance, *, key: str) -> None:
        tier = None if balance.tier is None else balance.tier.name
        told = {"bonus": format_decimal(balance.available), "tier": tier}
        client.send(f"/buyers/{member}", told, key)


class AcmeMessenger:
    channels = frozenset({Channel.SMS})

    def send(self, client: AcmeClient, message: Message, *, key: str) -> Sent | Undeliverable:
        told = client.send("/messages", {"to": message.to, "text": message.text}, key)
        match told:
            case {"taken": str(reference)}:
                return Sent(reference)
            case {"refused": "number"}:
                return Undeliverable("there is no such number")
            case {"refused": "money"}:
                raise OutOfMoney("the account at Acme is empty")
        raise RemoteMisconfigured("the answer is no receipt")


class AcmeWebhooks:
    def look(self, client: AcmeClient, addresses: Mapping[str, str]) -> tuple[RemoteWebhook, ...]:
        told = {one["event"]: one["on"] for one in client.get("/webhooks")["items"]}
        return tuple(
            RemoteWebhook(
                event,
                "missing" if event not in told else "working" if told[event] else "disabled",
            )
            for event in BUILDERS
        )

    def mend(self, client: AcmeClient, addresses: Mapping[str, str]) -> None:
        for event in BUILDERS:
            body = {"event": event, "on": True, "to": addresses["receipt"]}
            client.send("/webhooks", body, f"mend-{event}")


class AcmeReceipts:
    def hint(self, qr: str) -> Hint:
        return Hint("receipt", qr)


def check(client: AcmeClient) -> None:
    client.get("/me")


MANIFEST = Manifest(
    code="acmepos",
    title={"ru": "Касса Acme", "en": "Acme POS"},
    summary={"ru": "Выдуманная касса", "en": "An invented till cloud"},
    capabilities=frozenset(
        {
            Capability.WEBHOOK,
            Capability.FETCH,
            Capability.PULL,
            Capability.CATALOGUE,
            Capability.PUSH_BALANCE,
            Capability.MESSAGE,
            Capability.RECEIPTS,
            Capability.SHOP_WEBHOOKS,
            Capability.CHECK,
        }
    ),
    settings_schema=AcmeSettings,
)
RECEIPT = Webhook(name="receipt", verify=verify, delivery_key=delivery_key, translate=translate)
CONNECTOR = Connector(
    manifest=MANIFEST,
    make_client=AcmeClient,
    webhooks=(RECEIPT,),
    fetch=AcmeFetch(),
    pull=AcmePull(),
    catalogue=AcmeCatalogue(),
    push_balance=AcmeBalance(),
    message=AcmeMessenger(),
    receipts=AcmeReceipts(),
    shop_webhooks=AcmeWebhooks(),
    check=check,
)


def form(base_url: str = "https://acme.example") -> dict[str, str]:
    return {
        "base_url": base_url,
        "api_token": API_TOKEN,
        "webhook_secret": WEBHOOK_SECRET,
    }


def sign(webhook: str, body: bytes) -> dict[str, str]:
    return {"X-Acme-Signature": hmac_sha256(WEBHOOK_SECRET, body, encoding="hex")}


@contextmanager
def shop() -> Iterator[str]:
    """A stand-in that lists two ids a page."""
    with Remote(_listed) as remote:
        yield remote.base_url


def remote_side() -> RemoteSide:
    return RemoteSide(
        settings=form,
        accepts=lambda asked: json_reply(b'{"taken": "m-1"}'),
        shop=shop,
        refusals={
            "no such number": Answered("undeliverable", json_reply(b'{"refused": "number"}')),
            "an empty account": Answered("out_of_money", json_reply(b'{"refused": "money"}')),
        },
    )


def _listed(asked: Asked) -> Reply:
    ids = RECEIPTS if asked.path == "/receipts" else PRODUCTS
    after = dict(asked.query).get("after", "")
    left = ids[ids.index(after) + 1 :] if after else ids
    page = left[:2]
    body = {"ids": page, "cursor": page[-1] if page else after, "more": len(left) > 2}
    return json_reply(json.dumps(body).encode())
