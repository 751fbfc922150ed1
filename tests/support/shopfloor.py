"""A small vendor of the tests' own: a real connector, and its remote in memory.

Deliveries are JSON signed by HMAC over the raw bytes: `{"hint": [kind, id]}`,
`{"event": {...}}` in the wire form of canonical events, `{"products": [...]}`, `{"ping": true}`,
`{"complaint": "of the shop itself"}`, `{"what": "nobody knows"}`.  Documents are lists of
events in wire form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from loyalty_kit.errors import (
    Acknowledged,
    CredentialsRejected,
    Gone,
    NeedsAttention,
    NotOurs,
    PayloadInvalid,
    Unreadable,
)
from loyalty_kit.events_schema import load_event
from loyalty_kit.manifest import Capability, Manifest
from loyalty_kit.ports import (
    CataloguePage,
    Category,
    ClientContext,
    Connector,
    Context,
    CustomerRecord,
    Hint,
    InboundRequest,
    Product,
    ProductsChanged,
    PullPage,
    Settings,
    Translated,
    Webhook,
)
from loyalty_kit.settings import SettingsSchema, secret, text
from loyalty_kit.signing import check_hmac_sha256, hmac_sha256

SECRET = "tablo-secret"
SETTINGS = {"webhook_secret": SECRET, "token": "let-me-in"}
SIGNATURE = "x-tablo-signature"


class TabloSettings(SettingsSchema):
    webhook_secret = secret({"en": "Webhook secret", "ru": "Секрет"})
    token = secret({"en": "Token", "ru": "Токен"})
    shop = text({"en": "Shop", "ru": "Магазин"}, default="main")


@dataclass(slots=True)
class Remote:
    """The vendor's side.  `on_read` may raise, or change something, while a document is read;
    `on_recheck` while it is asked for what changed without a trace.

    `lists`: which documents a list of many tells; it may raise.  None: there is no list to ask.
    `calls`: how often it was asked for anything.
    """

    documents: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    token: str = "let-me-in"
    changed: list[PullPage] = field(default_factory=list)
    goods: list[Product] = field(default_factory=list)
    vanished: set[str] = field(default_factory=set)
    reads: list[str] = field(default_factory=list)
    cursors: list[str | None] = field(default_factory=list)
    calls: int = 0
    on_read: Callable[[Hint], None] | None = None
    on_recheck: Callable[[tuple[Hint, ...]], None] | None = None
    lists: Callable[[tuple[Hint, ...]], Collection[Hint]] | None = None

    def put(self, kind: str, ref: str, *events: dict[str, Any]) -> None:
        self.documents[kind, ref] = list(events)


@dataclass(frozen=True, slots=True)
class _Client:
    remote: Remote
    token: str

    def call(self) -> None:
        self.remote.calls += 1
        if self.token != self.remote.token:
            raise CredentialsRejected("The shop refuses the token.")


class _Fetch:
    def read(self, client: _Client, hint: Hint) -> Any:
        client.call()
        client.remote.reads.append(hint.id)
        if client.remote.on_read is not None:
            client.remote.on_read(hint)
        try:
            return client.remote.documents[hint.kind, hint.id]
        except KeyError:
            raise Gone(f"{hint.kind} {hint.id} is not there any more") from None

    def read_many(self, client: _Client, hints: tuple[Hint, ...]) -> dict[Hint, Any]:
        if client.remote.lists is None:
            return {}
        client.call()
        told = client.remote.lists(hints)
        return {hint: client.remote.documents[hint.kind, hint.id] for hint in told}

    def translate(self, hint: Hint, document: Any, context: Context) -> Translated:
        if any("lines" not in event for event in document):
            raise PayloadInvalid("lines: Required.")
        return tuple(replace(load_event(one), revision=context.revision) for one in document)


class _Pull:
    def page(self, client: _Client, cursor: str | None, now: datetime) -> PullPage:
        client.call()
        client.remote.cursors.append(cursor)
        if client.remote.changed:
            return client.remote.changed.pop(0)
        return PullPage((), cursor or "start", more=False)

    def recheck(self, client: _Client, known: tuple[Hint, ...]) -> tuple[Hint, ...]:
        client.call()
        if client.remote.on_recheck is not None:
            client.remote.on_recheck(known)
        return tuple(hint for hint in known if hint.id in client.remote.vanished)


class _Catalogue:
    """Two products a page."""

    def page(self, client: _Client, cursor: str | None) -> CataloguePage:
        client.call()
        start = int(cursor or 0)
        goods = client.remote.goods
        more = start + 2 < len(goods)
        categories = (Category("tea", "Чай"),) if start == 0 else ()
        return CataloguePage(
            tuple(goods[start : start + 2]), categories, str(start + 2) if more else None
        )


def _verify(request: InboundRequest, settings: Settings) -> None:
    given = request.headers.get(SIGNATURE)
    check_hmac_sha256(settings["webhook_secret"], request.body, given, encoding="hex")
    if request.body == b'{"ping": true}':
        raise Acknowledged


def _delivery_key(request: InboundRequest) -> str:
    try:
        return str(json.loads(request.body)["no"])
    except (ValueError, KeyError, TypeError):
        raise Unreadable("no delivery number") from None


def _translate(request: InboundRequest, context: Context) -> Translated:
    told = json.loads(request.body)
    if "hint" in told:
        return tuple(Hint(*pair) for pair in told["hint"])
    if "event" in told:
        return (load_event(told["event"]),)
    if "products" in told:
        return (ProductsChanged(tuple(Product(**one) for one in told["products"])),)
    if "customer" in told:
        return (CustomerRecord(**told["customer"]),)
    if "complaint" in told:
        raise NeedsAttention(told["complaint"])
    if "crash" in told:
        raise ZeroDivisionError("+79161234567 broke it")
    raise NotOurs("not about purchases")


def tablo(remote: Remote) -> Connector:
    """The connector, whose clients all speak with this remote."""

    def make_client(context: ClientContext) -> _Client:
        return _Client(remote, context.settings["token"])

    def check(client: _Client) -> None:
        client.call()

    return Connector(
        manifest=Manifest(
            code="tablo",
            title={"en": "Tablo", "ru": "Табло"},
            capabilities=frozenset(
                {
                    Capability.WEBHOOK,
                    Capability.FETCH,
                    Capability.PULL,
                    Capability.CATALOGUE,
                    Capability.CHECK,
                }
            ),
            settings_schema=TabloSettings,
            summary={"en": "A vendor of the tests.", "ru": "Для тестов."},
        ),
        make_client=make_client,
        webhooks=(Webhook("events", _verify, _delivery_key, _translate),),
        fetch=_Fetch(),
        read_many=_Fetch(),
        pull=_Pull(),
        catalogue=_Catalogue(),
        check=check,
    )


def signed(body: bytes, secret_text: str = SECRET) -> dict[str, str]:
    """Headers of a genuine delivery of these bytes."""
    return {SIGNATURE: hmac_sha256(secret_text, body, encoding="hex")}


def receipt(external_id: str, paid: str = "100.00", **changes: Any) -> dict[str, Any]:
    """A purchase in wire form: one line, paid in full."""
    return {
        "type": "purchase",
        "external_id": external_id,
        "occurred_at": "2026-03-14T11:00:00+03:00",
        "customer": {"phone": "+79161234567", "verified": True},
        "lines": [{"id": "1", "sku": "TEA-1", "quantity": "1", "amount": paid, "paid": paid}],
        **changes,
    }
