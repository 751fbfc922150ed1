"""The port between hub and connector: small, optional capabilities, one frozen value.

What a connector gives must equal what its manifest declares; the conformance suite holds it
to that.  The hub wraps each call once with logging, timing, redaction and error handling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from loyalty_kit.checkout import ShopCoupon, ShownBalance
from loyalty_kit.desk import Desk
from loyalty_kit.events import Event
from loyalty_kit.frozen import frozen
from loyalty_kit.manifest import Capability, Channel, Manifest

Settings = Mapping[str, Any]
"""An installation's settings as the connector's settings schema loaded them."""
Client = Any
"""Whatever `Connector.make_client` returned; only the connector looks inside."""


SECRET_HEADER = "x-hub-address-secret"  # nosec B105 # noqa: S105 - the header's name


@frozen
class InboundRequest:
    """A call at the door: header names in lower case, the body's bytes untouched.

    A webhook that signs nothing may be given a secret address, `/hooks/<installation>/<name>/
    <secret>`: the secret then stands among the headers, under `SECRET_HEADER`.
    """

    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str]
    steps: Mapping[str, str] = field(default_factory=dict)
    """What stood in a protocol's path where its route has a `<name>`."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A webhook that only says "look at this": document kind and id at the remote.

    `kind` and `id` name the document whose revisions the hub counts (`ledger.md` 19).

    `by`: documents that have a say in what this one means, as a sale has in the order that it
    fulfils: a document that leads to another names itself there.  The hub remembers it for good.
    Whenever either is read the other is read after it, and `Fetch` is given the hint with all
    that have ever led to its document; whether they still do, they say themselves.
    """

    kind: str
    id: str
    by: tuple[Hint, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductsChanged:
    """Catalogue rows that a webhook or a catalogue page brought."""

    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class SmsAnswer:
    """What a person sent back by SMS.  `id` is the vendor's number of it, by which it is found
    when it must be proved; `phone` in E.164."""

    id: str
    phone: str
    text: str


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """What the vendor's own record says of a customer, who bought nothing by it.

    `id` is that by which events name the customer (`ExternalId(None, id)`).  The hub fills in
    what is blank of the member whom it knows by this id.  `vouched`: the shop's own staff keep
    the records and answer for them; then free phones, e-mails and cards become names of that
    member, and a person whom nothing names yet is enrolled.  What customers type themselves is
    not vouched for.  `birth_date` is ISO 8601, `gender` "male" or "female".
    """

    id: str
    phone: str | None = None
    email: str | None = None
    card: str | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    birth_date: str | None = None
    gender: str | None = None
    vouched: bool = False


Translated = tuple[Event | Hint | ProductsChanged | SmsAnswer | CustomerRecord, ...]


@frozen
class Context:
    """What a translator may know beside the document; it reads no clock itself.

    `settings` hold no secret that a translator needs; `revision` is the hub's own count for
    fetched documents; `received_at` stands in where the vendor gives no time.
    """

    settings: Settings
    received_at: datetime
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Webhook:
    """One door: `/hooks/<installation>/<name>`.

    `verify` raises Refused or Acknowledged; it compares in constant time over the raw bytes.
    `delivery_key` names the delivery (stable, never empty).  `translate` is pure, and found by
    its name: the hub calls it in another process, and for some seconds at most.

    `apart`: of a call that was verified, a call for each document that it brings.  Each is a
    delivery of its own then, so that one that is refused holds no other back.  What cannot be
    read is given back as it is: `translate` refuses it.
    """

    name: str
    verify: Callable[[InboundRequest, Settings], None]
    delivery_key: Callable[[InboundRequest], str]
    translate: Callable[[InboundRequest, Context], Translated]
    apart: Callable[[InboundRequest, Settings], list[InboundRequest]] | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A catalogue row.  `categories` are codes; None leaves what is known alone.

    `cost_minor` is what one unit costs the shop; `volume_ml` and `strength_bp` (hundredths of a
    percent) are those of a unit of drink.
    """

    sku: str
    name: str
    external_id: str | None = None
    price_minor: int | None = None
    categories: tuple[str, ...] = ()
    brand: str | None = None
    attributes: tuple[str, ...] = ()
    legal_class: str | None = None
    cost_minor: int | None = None
    volume_ml: int | None = None
    strength_bp: int | None = None


@dataclass(frozen=True, slots=True)
class Category:
    code: str
    name: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class InStock:
    """How many units of a product, in thousandths, a shop has; below zero where it says so."""

    sku: str
    shop: str
    quantity_milli: int


@dataclass(frozen=True, slots=True)
class StockCount:
    """What `shops` have of all products of a page; what is not among `found` they have none of."""

    shops: tuple[str, ...]
    found: tuple[InStock, ...]


@dataclass(frozen=True, slots=True)
class Terminal:
    """A till that a shop has: `id` is the vendor's, `shop` the code of the hub's shop."""

    id: str
    name: str | None = None
    shop: str | None = None


@dataclass(frozen=True, slots=True)
class Cashier:
    """Who sells: `id` as `Purchase.cashier` tells it, and a name to show in its place.  `role`:
    whether they are in charge of the till, where that is told."""

    id: str
    name: str
    role: Literal["admin", "cashier"] | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A receipt of a terminal came at this time; `shop` is the code of the hub's shop."""

    terminal: str
    shop: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """`stock` None: it was not counted, and what is known of it stays; the same of `terminals`
    and `cashiers`, which are all that the vendor lists."""

    products: tuple[Product, ...]
    categories: tuple[Category, ...]
    next_cursor: str | None
    stock: StockCount | None = None
    terminals: tuple[Terminal, ...] | None = None
    cashiers: tuple[Cashier, ...] | None = None


@dataclass(frozen=True, slots=True)
class PullPage:
    """Documents to look at, found by polling.  `cursor` is saved with the hints.

    `more` says that the next page may be asked for at once; `heard` are the terminals whose
    documents are new on this page, where the vendor tells them.
    """

    hints: tuple[Hint, ...]
    cursor: str
    more: bool
    heard: tuple[Heard, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What one person is to read.  `to` is a phone in E.164 or an e-mail address, by `channel`.

    `subject` and `html` are for channels that have them; `unsubscribe` is the address of the
    way out of advertising; `made_at` is when the message was written.
    """

    to: str
    text: str
    subject: str | None = None
    html: str | None = None
    channel: Channel = Channel.SMS
    unsubscribe: str | None = None
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """The vendor took it.  `reference` is the vendor's number of it, `parts` of how many
    messages it says that it is, `cost_minor` what it says that it costs, in kopecks.
    """

    reference: str | None = None
    parts: int | None = None
    cost_minor: int | None = None


Refusal = Literal["address", "blocked", "content"]
"""There is no such address; the person or the vendor blocks it; the text or the sender is
refused."""


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """This message will never arrive; others may.  `reason` is for the owner, and holds neither
    the address nor the text.
    """

    reason: str
    code: Refusal = "address"


class Fetch(Protocol):
    """Reads a hinted document as it stands now and gives its canonical events.

    Split in two so that the meaning stays pure: `read` does the calls and returns plain
    JSON data, `translate` turns that into events, in another process as a webhook's does.
    """

    def read(self, client: Client, hint: Hint) -> Any: ...

    def translate(self, hint: Hint, document: Any, context: Context) -> Translated: ...


class ReadMany(Protocol):
    def read_many(self, client: Client, hints: tuple[Hint, ...]) -> Mapping[Hint, Any]:
        """Documents of one kind by fewer calls than one each: of each what `Fetch.read` would
        give.

        Asked for where many are read at once, as a back-fill does.  Whatever is left out is
        read alone: what is gone, and what a list does not tell whole.

        Raises: as `Fetch.read`; all of them are read alone then, unless the shop refuses us.
        """
        ...


class Receipts(Protocol):
    """Knows fiscal receipts that no till of the shop reports: from the tax service, or from an
    operator of fiscal data.
    """

    def hint(self, qr: str) -> Hint:
        """The document by which `Fetch` reads the receipt of a QR code; the same each time.

        `qr` has its fields in the order t, s, fn, i, fp, n.  `Fetch.translate` gives a purchase
        with the receipt's fiscal sign and without a customer; it raises Drop for receipts of
        other shops, and `Fetch.read` raises Retry for one that is not there yet.
        """
        ...


class Pull(Protocol):
    def page(self, client: Client, cursor: str | None, now: datetime) -> PullPage: ...

    def recheck(self, client: Client, known: tuple[Hint, ...]) -> tuple[Hint, ...]:
        """Of documents that the hub knows, those that changed without a trace of it."""
        ...


class Catalogue(Protocol):
    def page(self, client: Client, cursor: str | None) -> CataloguePage: ...


class PushBalance(Protocol):
    def push(
        self, client: Client, member_external_id: str, balance: ShownBalance, *, key: str
    ) -> None:
        """Have the shop show this balance of a customer, and the tier, from now on.

        `member_external_id` is the shop's own id of the customer, as the connector's events
        name it (`ExternalId(None, ...)`); `balance` is as it is now, of the currency that pays
        receipts.  Repeatable: the same key sends the same request.

        Raises: Retry (the shop as a whole), NeedsAttention (nothing will be taken until the
        owner mends it), Drop (this customer will never be taken: Gone where there is none).
        """
        ...


class PushDiscounts(Protocol):
    """Makes coupons of the programme in the shop.

    `setting`: the box among the connector's settings that the owner ticks to have it so; it is
    off at first.
    """

    setting: str

    def push(self, client: Client, coupon: ShopCoupon, *, key: str) -> None:
        """Have the shop take this coupon, as it is told here, from now on.

        One that the hub made before is changed.  Repeatable: the same key sends the same request.

        Raises: Retry (the shop as a whole), NeedsAttention (nothing will be taken until the
        owner mends it), Drop (this one is not taken: CodeTaken where the shop has such a coupon
        that is not the hub's, which is left alone; NotPossible where the shop cannot have it so).
        """
        ...

    def take_back(self, client: Client, code: str, *, key: str) -> None:
        """Have the shop take it no more.  What is not the hub's, or not there, stays as it is.

        Raises: as `push`.
        """
        ...


class Messenger(Protocol):
    channels: frozenset[Channel]

    def send(self, client: Client, message: Message, *, key: str) -> Sent | Undeliverable:
        """Hand a message to the vendor.  The same key sends the same request: a vendor that
        takes keys then reaches the person once.

        Raises: Retry (it was not taken, later it may be), NeedsAttention (nothing will be
        taken until the owner mends it: OutOfMoney, CredentialsRejected, RemoteMisconfigured).
        """
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a message that the vendor took.  `cost_minor`: what it did cost in the
    end, in kopecks, where the vendor tells it.
    """

    state: Literal["underway", "delivered", "failed"]
    cost_minor: int | None = None


class Reports(Protocol):
    def look(self, client: Client, reference: str) -> Report:
        """Ask the vendor for a message by its number (`Sent.reference`).

        Raises: Retry, NeedsAttention; Drop (the vendor does not know it, and never will).
        """
        ...


class ReportsByAddress(Protocol):
    def look_for(self, client: Client, reference: str, to: str) -> Report:
        """The same, for vendors who want the address, too: `to`, in E.164, is that of the member
        by now, so one whose phone has changed is unknown to them.

        Raises: Retry, NeedsAttention; Drop.
        """
        ...


@dataclass(frozen=True, slots=True)
class RemoteWebhook:
    """A call that the shop should make to the hub, as it stands at the shop: `name` in the
    vendor's words ("order.updated")."""

    name: str
    state: Literal["working", "disabled", "missing"]


class ShopWebhooks(Protocol):
    """Looks after the webhooks on the shop's side.

    `addresses`: where the shop reaches the hub, by the names of the connector's webhooks; empty
    where the hub does not know its own address.  A connector that needs one raises
    RemoteMisconfigured then.
    """

    def look(self, client: Client, addresses: Mapping[str, str]) -> tuple[RemoteWebhook, ...]: ...

    def mend(self, client: Client, addresses: Mapping[str, str]) -> None:
        """Make what is missing, switch on what is off, and leave alone what is not the hub's."""
        ...


@dataclass(frozen=True, slots=True)
class ProtocolReply:
    """What the vendor is answered, byte for byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ProtocolRoute:
    """One call of the vendor's protocol: `/connect/<installation>/<path>`.

    `path` has no leading slash; a step `<name>` takes any one step.  `answer` proves the caller
    itself, in constant time, and answers errors in the vendor's form; it makes no calls.
    Whatever it raises is a defect.
    """

    method: str
    path: str
    answer: Callable[[InboundRequest, Desk, Settings], ProtocolReply]


@dataclass(frozen=True, slots=True)
class Keep:
    """The installation's stored settings, for tokens that a vendor replaces at each use.

    `load` reads them as they are now: another worker may have renewed a token.  `save` changes
    those that are given, as the owner would in the form.  Of all workers one at a time is inside
    of `alone`: who loads, renews and saves there renews no token twice.  All three raise Retry
    where the database is away, `load` NeedsAttention where the settings cannot be read.
    """

    load: Callable[[], Settings]
    save: Callable[[Mapping[str, str]], None]
    alone: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(frozen=True, slots=True)
class Companion:
    """What the owner installs on the shop's own side, and what it may do there.

    `build` gives the file's name and its bytes, the same whenever it is asked for.  Once
    installed it pairs by a code of the hub's: it tells settings of the connector's schema, and is
    told the connection's id, its doors and an API key with `scopes` (`docs/http-contract.md`,
    Pairing).  Where the settings name a `shop`, the key is bound to it.
    """

    build: Callable[[], tuple[str, bytes]]
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FrameView:
    """What an owner reads of a connection inside the vendor's own pages.

    `places`: the vendor's points of sale by name, each with the code of the hub's shop;
    `steps`: what to do next, each in "ru" and "en".
    """

    places: tuple[tuple[str, str], ...] = ()
    steps: tuple[Mapping[str, str], ...] = ()


class Frame(Protocol):
    """A page of the hub inside the vendor's: `/frames/<installation>`.

    `ancestors` are the origins that may show it, in the words of a content security policy.
    """

    ancestors: tuple[str, ...]

    def check_form(self, client: Client, query: Mapping[str, str]) -> None:
        """What can be said of an opening before the vendor is asked.  Calls nobody.

        Raises: Refused.
        """
        ...

    def admit(self, client: Client, query: Mapping[str, str], now: datetime) -> str:
        """Ask the vendor who opens the page; gives the language to answer in.

        Raises: Refused (as `check_form`, or nobody of this account), and what the client raises.
        """
        ...

    def view(self, client: Client) -> FrameView:
        """Raises: what the client raises."""
        ...


@dataclass(frozen=True, slots=True)
class ClientContext:
    """What the hub gives to make a client: settings and the guarded session factory.

    `allow_private` mirrors HUB_ALLOW_PRIVATE_ADDRESSES; `keep` is None outside of a hub.
    """

    settings: Settings
    allow_private: bool
    installation: str
    keep: Keep | None = None


@dataclass(frozen=True, slots=True)
class Connector:
    """One frozen value per vendor; the only thing that the hub touches."""

    manifest: Manifest
    make_client: Callable[[ClientContext], Client] | None = None
    webhooks: tuple[Webhook, ...] = ()
    fetch: Fetch | None = None
    read_many: ReadMany | None = None
    pull: Pull | None = None
    catalogue: Catalogue | None = None
    protocol: tuple[ProtocolRoute, ...] = ()
    push_balance: PushBalance | None = None
    balances_for_staff: bool = False
    """Only the shop's own people see what `push_balance` writes, and not the customer."""
    push_discounts: PushDiscounts | None = None
    message: Messenger | None = None
    receipts: Receipts | None = None
    report: Reports | None = None
    report_by_address: ReportsByAddress | None = None
    companion: Companion | None = None
    frame: Frame | None = None
    check: Callable[[Client], None] | None = None
    shop_webhooks: ShopWebhooks | None = None

    @property
    def reports(self) -> bool:
        """Whether it can say what became of messages."""
        return self.report is not None or self.report_by_address is not None

    def implemented(self) -> frozenset[Capability]:
        """The capabilities that are really there, whatever the manifest says."""
        present = {
            Capability.WEBHOOK: bool(self.webhooks),
            Capability.FETCH: self.fetch is not None,
            Capability.PULL: self.pull is not None,
            Capability.CATALOGUE: self.catalogue is not None,
            Capability.PROTOCOL: bool(self.protocol),
            Capability.PUSH_BALANCE: self.push_balance is not None,
            Capability.PUSH_DISCOUNTS: self.push_discounts is not None,
            Capability.MESSAGE: self.message is not None,
            Capability.RECEIPTS: self.receipts is not None,
            Capability.REPORT: self.reports,
            Capability.COMPANION: self.companion is not None,
            Capability.FRAME: self.frame is not None,
            Capability.CHECK: self.check is not None,
            Capability.SHOP_WEBHOOKS: self.shop_webhooks is not None,
        }
        return frozenset(capability for capability, there in present.items() if there)
