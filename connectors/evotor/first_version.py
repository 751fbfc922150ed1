"""Documents of the cloud's first version, told as the second tells them.  Pure.

Their positions, discounts and payments are a row of transactions in order; what goes back is
negative.  Positions have no uuid, so returns of them are told by article.  `clientPhone` is the
owner's in one place of the vendor's documents and the buyer's in another: it is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from loyalty_kit.errors import PayloadInvalid

Wire = Mapping[str, Any]


def is_first_version(document: Wire) -> bool:
    if document.get("version") in ("V1", "V2"):
        return bool(document["version"] == "V1")
    return "transactions" in document and "body" not in document


def as_second(document: Wire) -> dict[str, Any]:
    """Raises: PayloadInvalid."""
    transactions = document.get("transactions")
    if not isinstance(transactions, list):
        raise PayloadInvalid("a document of the first version without transactions")
    body: dict[str, Any] = {"positions": [], "payments": [], "doc_discounts": []}
    for one in transactions:
        if isinstance(one, Mapping):
            _take(body, one)
    body["result_sum"] = _size(document.get("closeResultSum"))
    return {
        "id": document.get("uuid"),
        "type": document.get("type"),
        "close_date": document.get("closeDate"),
        "store_id": document.get("storeUuid"),
        "close_user_id": document.get("closeUserUuid"),
        "user_id": document.get("userId"),
        "extras": document.get("extras"),
        "body": body,
    }


def _take(body: dict[str, Any], one: Wire) -> None:
    kind, positions = one.get("type"), body["positions"]
    if kind == "DOCUMENT_OPEN":
        body["base_document_id"] = one.get("baseDocumentUUID")
    elif kind == "REGISTER_POSITION":
        positions.append(_position(one))
    elif kind == "DISCOUNT_POSITION" and positions:
        positions[-1]["position_discount"] = {"discount_sum": _size(one.get("discountSum"))}
    elif kind == "DISCOUNT_DOCUMENT_POSITION" and positions:
        shared = {"discount_sum": _size(one.get("discountPositionSum"))}
        positions[-1]["doc_distributed_discount"] = shared
    elif kind == "DISCOUNT_DOCUMENT":
        discount = {
            "discount_sum": _size(one.get("discountSum")),
            "coupon": one.get("couponNumber"),
        }
        body["doc_discounts"].append(discount)
    elif kind == "PAYMENT":
        body["payments"].append({"type": one.get("paymentType"), **_paid(one.get("sum"))})


def _position(one: Wire) -> dict[str, Any]:
    return {
        "product_id": one.get("commodityUuid"),
        "product_name": one.get("commodityName"),
        "product_type": one.get("commodityType"),
        "quantity": _size(one.get("quantity")),
        "price": _size(one.get("price")),
        "sum": _size(one.get("sum")),
        "result_sum": _size(one.get("resultSum")),
        "extra_keys": [
            {"identity": key.get("identity"), "app_id": key.get("appId")}
            for key in _listed(one.get("extraKeys"))
            if isinstance(key, Mapping)
        ],
    }


def _paid(told: Any) -> dict[str, Any]:
    """Positive is taken, negative is change."""
    size, taken = _size(told), not str(told).strip().startswith("-")
    part = {"part_sum": size if taken else 0, "change": 0 if taken else size}
    return {"sum": part["part_sum"], "parts": [part]}


def _size(told: Any) -> Any:
    """Without its sign; what is no number is left for the schema to refuse."""
    if isinstance(told, bool) or not isinstance(told, str | int | float):
        return told
    try:
        return str(abs(Decimal(str(told).strip())))
    except InvalidOperation:
        return told


def _listed(told: Any) -> list[Any]:
    return told if isinstance(told, list) else []
