"""Documents of MoySklad as canonical events.  Pure.

The reasons behind each rule, field by field, are in `MAPPING.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.moysklad import schemas
from connectors.moysklad.lines import (
    parts_of_document,
    parts_of_till,
    purchase_lines,
    refund_lines,
)
from connectors.moysklad.people import customer_of
from connectors.moysklad.schemas import load, ref_id
from connectors.moysklad.settings import DEMAND, ORDER, RETAIL, listed, pairs
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import NotOurs, PayloadInvalid
from loyalty_kit.events import (
    CertificateUse,
    FiscalSign,
    Payment,
    Purchase,
    PurchaseStatus,
    Refund,
)
from loyalty_kit.ports import Context, Hint, Settings, Translated

Wire = Mapping[str, Any]

RETAIL_RETURN, DEMAND_RETURN = "retailsalesreturn", "salesreturn"
SALES = frozenset({RETAIL, DEMAND, ORDER})
RETURN_OF = {RETAIL_RETURN: RETAIL, DEMAND_RETURN: DEMAND}
DOCUMENTS = SALES | RETURN_OF.keys()
AT_TILL = frozenset({RETAIL, RETAIL_RETURN})
POSTED = 1
"""The revision of what the till posted; documents that are read count from the next one on."""
UNNAMED = "unnamed:"
"""Before the kind of a hint: a document of which the till told everything but its id."""

MAX_SIGN = 100

_READ, _SOLD = compile_load(schemas.Read()), compile_load(schemas.Sold())


def kinds_of(settings: Settings) -> list[str]:
    """The kinds of documents that count; sales before their returns."""
    sales = list(settings["sales"])
    return [*sales, *(kind for kind in RETURN_OF if _counts(kind, settings))]


def _counts(kind: str, settings: Settings) -> bool:
    """Returns count with their sales; those of shipments also with orders, of which a shipment
    may be."""
    sales = settings["sales"]
    return RETURN_OF.get(kind, kind) in sales or (kind == DEMAND_RETURN and ORDER in sales)


def translate_document(hint: Hint, document: Any, context: Context) -> Translated:
    """What a document says now; nothing where its kind counts for nothing here.

    Raises: NotOurs, PayloadInvalid.
    """
    if hint.kind.startswith(UNNAMED):
        return _translate_unnamed(hint, document, context)
    settings, revision = context.settings, context.revision + POSTED
    if not _counts(hint.kind, settings):
        raise NotOurs("a kind of document that the settings leave out")
    if isinstance(document, Mapping) and document.get("gone") is True:
        return _gone(hint, revision, context)
    data = load(_READ, document)
    told = data["document"]
    if told["rate"] is not None and told["rate"]["value"] not in (None, 1):
        raise NotOurs("a document in another currency")
    on_top = told["vat_enabled"] and not told["vat_included"]
    parts = parts_of_document(data["positions"], told["sum"], vat_on_top=on_top)
    moment = _moment(told["moment"], settings)
    shop = shop_of(told["store"], settings)
    customer = customer_of(told["agent"], settings)
    if hint.kind in RETURN_OF:
        kept = not told["deleted"] and told["applicable"]
        refund = Refund(
            external_id=told["id"],
            purchase=_sale_of(hint.kind, told["demand"], settings),
            revision=revision,
            occurred_at=moment,
            shop=shop,
            customer=customer,
            amount_minor=sum(part.paid_minor for part in parts) if kept else 0,
            lines=refund_lines(parts) if kept else (),
        )
        return (refund,)
    purchase = Purchase(
        external_id=told["id"],
        revision=revision,
        status=_status(hint.kind, told, settings),
        occurred_at=moment,
        shop=shop,
        channel="pos" if hint.kind in AT_TILL else "online",
        customer=customer,
        lines=purchase_lines(parts),
        certificates=_certificates(told["cards"]),
        fiscal=_fiscal(told["cheque"]),
    )
    return _with_order(purchase, hint.kind, data, settings)


def _with_order(purchase: Purchase, kind: str, data: Wire, settings: Settings) -> Translated:
    """One of an order and its sale counts: of a shipment the order, of the till's sale the sale,
    since the till's word has the points."""
    told = data["document"]
    ordered = told["order"] is not None and ORDER in settings["sales"]
    sold = any(_fulfils(sale, told["id"]) for sale in data["sales"])
    if sold or (ordered and kind == DEMAND):
        # It may have been booked before that was known.
        return (replace(purchase, status=PurchaseStatus.CANCELLED),)
    if ordered:
        return (purchase, Hint(ORDER, told["order"], by=(Hint(RETAIL, told["id"]),)))
    return (purchase,)


def _fulfils(sale: Wire, order: str) -> bool:
    """Whether a retail sale is the sale of this order, as it stands now.

    Goods that came back of it were sold; a sale that was emptied never was.
    """
    kept = sale["applicable"] and not sale["deleted"]
    return kept and sale["order"] == order and sale["sum"] != 0


def _sale_of(kind: str, demand: Wire | None, settings: Settings) -> str | None:
    """What a return is of: the order instead of its shipment, where orders count.

    Raises: NotOurs.
    """
    order: str | None = None if demand is None else demand["order"]
    if order is not None and ORDER in settings["sales"]:
        return order
    if RETURN_OF[kind] not in settings["sales"]:
        raise NotOurs("a return of a shipment that does not count and has no order")
    return None if demand is None else demand["id"]


def _certificates(cards: Iterable[Wire] | None) -> tuple[CertificateUse, ...]:
    return tuple(CertificateUse(one["name"], one["paid"]) for one in cards or () if one["name"])


def _status(kind: str, told: Wire, settings: Settings) -> PurchaseStatus:
    if told["deleted"]:
        return PurchaseStatus.CANCELLED
    if not told["applicable"]:
        return PurchaseStatus.OPEN
    if kind != ORDER:
        return PurchaseStatus.PAID
    states = listed(settings["paid_states"])
    if states:
        paid = told["state"] is not None and told["state"]["name"] in states
    else:
        paid = bool(told["sum"]) and (told["paid_sum"] or 0) >= told["sum"]
    return PurchaseStatus.PAID if paid else PurchaseStatus.OPEN


def _gone(hint: Hint, revision: int, context: Context) -> Translated:
    """A document deleted for ever: nothing is known of it any more but that it is gone."""
    if hint.kind in RETURN_OF:
        refund = Refund(
            external_id=hint.id, revision=revision, occurred_at=context.received_at, amount_minor=0
        )
        return (refund,)
    purchase = Purchase(
        external_id=hint.id,
        revision=revision,
        status=PurchaseStatus.CANCELLED,
        occurred_at=context.received_at,
        channel="pos" if hint.kind in AT_TILL else "online",
        lines=(),
    )
    return (purchase,)


def _fiscal(cheque: Wire | None) -> tuple[FiscalSign, ...]:
    if cheque is None:
        return ()
    fn, fd, fp = cheque["fn"], cheque["fd"], cheque["fp"]
    told = all(part and len(part) <= MAX_SIGN for part in (fn, fd, fp))
    return (FiscalSign(fn, fd, fp),) if told else ()


# What the till posts


def translate_sale(document: Any, context: Context) -> Translated:
    """Raises: PayloadInvalid."""
    told, settings = load(_SOLD, document), context.settings
    parts = parts_of_till(told["positions"])
    customer = customer_of(told["agent"], settings)
    if unnamed := _unnamed(RETAIL, told, settings):
        return unnamed
    spent = 0 if told["bonus"] is None else told["bonus"]["spent"] or 0
    external = None if customer is None or customer.external is None else customer.external.id
    purchase = Purchase(
        external_id=posted_id(document),
        revision=POSTED,
        occurred_at=_moment(told["moment"], settings),
        shop=shop_of(told["store"], settings),
        channel="pos",
        customer=customer,
        lines=purchase_lines(parts),
        points_spent=spent,
        cart=cart_of(external, told["store"]) if spent else None,
        certificates=_certificates(told["cards"]),
        payments=_payments(told, sum(part.paid_minor for part in parts)),
    )
    return (purchase,)


def translate_return(document: Any, context: Context) -> Translated:
    """Raises: PayloadInvalid."""
    told, settings = load(_SOLD, document), context.settings
    parts = parts_of_till(told["positions"])
    if unnamed := _unnamed(RETAIL_RETURN, told, settings):
        return unnamed
    refund = Refund(
        external_id=posted_id(document),
        purchase=told["demand"],
        revision=POSTED,
        occurred_at=_moment(told["moment"], settings),
        shop=shop_of(told["store"], settings),
        customer=customer_of(told["agent"], settings),
        amount_minor=sum(part.paid_minor for part in parts),
        lines=refund_lines(parts),
    )
    return (refund,)


def _unnamed(kind: str, told: Wire, settings: Settings) -> tuple[Hint, ...]:
    """A word without an id waits for its document, which has one: booked at once, it would be
    booked again by the document.

    Empty where the word has an id, or where documents of the kind do not count.

    Raises: PayloadInvalid, where nothing is told by which the document could be found.
    """
    if ref_id({"meta": told["meta"]}) or not _counts(kind, settings):
        return ()
    if told["name"] is None or told["store"] is None:
        raise PayloadInvalid("a document without an id, a number or a retail point")
    spent = 0 if told["bonus"] is None else told["bonus"]["spent"] or 0
    mark = [told["store"], told["name"], told["moment"].isoformat(" ", "seconds"), spent]
    return (Hint(f"{UNNAMED}{kind}", json.dumps(mark, ensure_ascii=False)),)


def _translate_unnamed(hint: Hint, document: Any, context: Context) -> Translated:
    """The till's own word of a document that was found by its number.

    Raises: NotOurs, PayloadInvalid.
    """
    store, _, _, spent = json.loads(hint.id)
    if isinstance(document, Mapping) and document.get("gone") is True:
        raise NotOurs("a document that is gone, and was never known by its id")
    named = replace(hint, kind=hint.kind.removeprefix(UNNAMED))
    first, *more = translate_document(named, document, context)
    if isinstance(first, Refund):
        return (replace(first, revision=POSTED),)
    assert isinstance(first, Purchase)
    customer = first.customer
    external = None if customer is None or customer.external is None else customer.external.id
    cart = cart_of(external, store) if spent else None
    return (replace(first, revision=POSTED, points_spent=spent, cart=cart), *more)


def posted_id(document: Any) -> str:
    """The document's id; where the till left it empty, a mark of what makes it the same.

    Raises: PayloadInvalid.
    """
    if not isinstance(document, Mapping):
        raise PayloadInvalid("not an object")
    if (found := ref_id({"meta": document.get("meta")})) is not None:
        return found
    same = [document.get(name) for name in ("retailStore", "name", "moment", "positions")]
    mark = json.dumps(same, sort_keys=True, default=str).encode("utf-8", "replace")
    return f"unnamed-{hashlib.sha256(mark).hexdigest()[:32]}"


def cart_of(buyer: str | None, store: str | None) -> str | None:
    """What a hold of the till is known by: a buyer at a retail point has one."""
    return None if buyer is None else f"till:{store}:{buyer}"


def _payments(told: Wire, total_minor: int) -> tuple[Payment, ...]:
    """`noCashSum` is not believed: it is roubles in a sale and kopecks in a return."""
    cash, gifts = told["cash"] or 0, sum(card["paid"] for card in told["cards"] or ())
    rest = total_minor - cash - gifts
    kinds = (("cash", cash), ("gift_card", gifts), ("card", rest))
    return tuple(Payment(kind, minor) for kind, minor in kinds if minor > 0)


# Where and when


def shop_of(store: str | None, settings: Settings) -> str | None:
    """The code of the hub's shop for a retail point."""
    shops = {point.lower(): shop for point, shop in pairs(settings["shops"]).items()}
    return shops.get(store or "") or settings.get("shop") or None


def _moment(told: datetime, settings: Settings) -> datetime:
    return told.replace(tzinfo=ZoneInfo(settings["timezone"]))
