"""Everything of a programme in an open form: rows that `import` takes, and the books as they are.

Each function gives pages of rows, wire-ready, so that as much as there is fits in memory.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from loyalty_core.domain.members import IdentityKey
from loyalty_core.domain.name_cells import written
from loyalty_core.service.import_codes import CARD
from loyalty_core.service.member_pages import origin_of
from loyalty_core.service.members import PROFILE
from loyalty_core.store import everything as store
from loyalty_core.store import members
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_kit.money import format_decimal, format_quantity

Rows = list[dict[str, str]]

_NAMES = ("phone", "email", "card", "external")
MEMBERS = (
    "member",
    *_NAMES,
    *PROFILE,
    "attributes",
    "enrolled_at",
    "tier",
    "spent_before",
    "last_purchase_at",
    "state",
    "source",
    "consents",
)
LOTS = ("member", *_NAMES, "points", "currency", "spendable_from", "expires_at", "row")
ENTRIES = (
    "member",
    "currency",
    "number",
    "kind",
    "amount",
    "available",
    "pending",
    "held",
    "debt",
    "key",
    "purchase",
    "event",
    "cause",
    "occurred_at",
    "booked_at",
)
RECEIPTS = (
    "receipt",
    "bought_at",
    "member",
    *_NAMES,
    "shop",
    "sku",
    "goods",
    "quantity",
    "paid",
    "source",
    "purchase",
)


def member_rows(connection: Connection, programme_id: int) -> Iterator[Rows]:
    """As `import members` takes them; state, source and consents are told besides."""
    for page in store.member_pages(connection, programme_id):
        names = _names(connection, [row["id"] for row in page])
        yield [
            {
                **names[row["id"]],
                **{name: row[name] or "" for name in PROFILE},
                "attributes": _json(row["attributes"]),
                "enrolled_at": _time(row["created_at"]),
                "tier": row["tier"] or "",
                "spent_before": format_decimal(row["spent_minor"]),
                "last_purchase_at": _time(row["last_purchase_at"]),
                "state": row["state"],
                "source": row["source"] or "",
                "consents": _json(row["consents"]),
            }
            for row in page
        ]


def lot_rows(connection: Connection, programme_id: int) -> Iterator[Rows]:
    """Points that are left, by lot, as `import balances` takes them; what is owed is below
    zero."""
    for page in store.member_pages(connection, programme_id):
        names = _names(connection, [row["id"] for row in page])
        yield [
            {
                **names[lot["member_id"]],
                "points": format_decimal(lot["free"] + lot["held"] - lot["owed"]),
                "currency": lot["currency"],
                "spendable_from": _time(lot["spendable_from"]),
                "expires_at": _time(lot["expires_at"]) or "never",
                "row": f"{to_wire('m', lot['member_id'])}:{lot['no']}",
            }
            for lot in store.lots_of(connection, list(names))
        ]


def entry_rows(connection: Connection, programme_id: int) -> Iterator[Rows]:
    """The ledger, entry by entry."""
    for page in store.entry_pages(connection, programme_id):
        yield [
            {
                "member": to_wire("m", row["member_id"]),
                "currency": row["currency"],
                "number": str(row["seq"]),
                "kind": row["kind"],
                "amount": format_decimal(row["amount"]),
                **{
                    name: format_decimal(row[f"d_{name}"])
                    for name in ("available", "pending", "held", "debt")
                },
                "key": row["key"],
                **{name: told or "" for name, told in origin_of(row).items()},
                "cause": _json(row["cause"]),
                "occurred_at": _time(row["occurred_at"]),
                "booked_at": _time(row["booked_at"]),
            }
            for row in page
        ]


def receipt_rows(connection: Connection, programme_id: int) -> Iterator[Rows]:
    """Lines of paid receipts less what came back, as `import purchases` takes them; a receipt
    that was seen twice once."""
    for page in store.purchase_pages(connection, programme_id):
        paid = {
            row["id"]: row for row in page if row["status"] == "paid" and row["linked_to"] is None
        }
        buyers = {row["member_id"] for row in paid.values() if row["member_id"] is not None}
        alive = members.survivors(connection, programme_id, buyers) if buyers else {}
        names = _names(connection, {one for one in alive.values() if one is not None})
        yield [
            {
                "receipt": row["external_id"],
                "bought_at": _time(row["occurred_at"]),
                **names.get(alive.get(row["member_id"]) or 0, {}),
                "shop": row["shop"],
                "sku": line["sku"] or "",
                "goods": line["name"] or "",
                "quantity": format_quantity(line["quantity_milli"]),
                "paid": format_decimal(line["paid_minor"] - line["returned_minor"]),
                "source": row["source"],
                "purchase": to_wire("p", row["id"]),
            }
            for line in store.lines_of(connection, list(paid))
            if (row := paid[line["purchase_id"]])
            and (line["returned_milli"] < line["quantity_milli"] or not line["quantity_milli"])
        ]


def purchase_documents(connection: Connection, programme_id: int) -> Iterator[list[Any]]:
    """Every purchase as the outside told it, with what was booked."""
    for page in store.purchase_pages(connection, programme_id):
        yield [_document(row, "p") for row in page]


def refund_documents(connection: Connection, programme_id: int) -> Iterator[list[Any]]:
    for page in store.refund_pages(connection, programme_id):
        yield [_document(row, "r") for row in page]


def event_documents(connection: Connection, programme_id: int) -> Iterator[list[Any]]:
    """Every event that is no purchase, with what was booked."""
    for page in store.event_pages(connection, programme_id):
        yield [_document(row, "e") for row in page]


def consent_documents(connection: Connection, programme_id: int) -> Iterator[list[Any]]:
    """All that was ever said to consents, with its proof."""
    for page in store.consent_pages(connection, programme_id):
        yield [_document(row, "cs") for row in page]


def order_documents(connection: Connection, programme_id: int) -> Iterator[list[Any]]:
    """Every order of a reward."""
    for page in store.order_pages(connection, programme_id):
        yield [_document(row, "ro") for row in page]


def _document(row: RowMapping, prefix: str) -> dict[str, Any]:
    told: dict[str, Any] = dict(row)
    for name in ("programme_id", "shop_id", "content_hash"):
        told.pop(name, None)
    kinds = {"id": prefix, "purchase_id": "p", "linked_to": "p"}
    kinds |= {"member_id": "m", "own_member_id": "m"}
    for name, value in told.items():
        if isinstance(value, datetime):
            told[name] = value.isoformat()
        elif name in kinds and value is not None:
            told[name] = to_wire(kinds[name], value)
    return told


def owners_named(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows whose `member` is an id of this hub, with a name that another one knows, if there is
    one, as imports of codes take it (`import_codes`)."""
    ids = {row["member"]: from_wire("m", row["member"]) for row in rows if row["member"]}
    found = members.names_of(connection, [number for number in ids.values() if number is not None])
    told = {wire: _one_name(found.get(number or 0, ())) or wire for wire, number in ids.items()}
    return [{**row, "member": told.get(row["member"])} for row in rows]


def _one_name(names: Sequence[tuple[IdentityKey, bool]]) -> str | None:
    values = {key.kind: key.value for key, _ in reversed(names)}
    if card := values.get("card"):
        values["card"] = f"{CARD}{card}"
    return next((values[kind] for kind in ("phone", "email", "card") if kind in values), None)


def _names(connection: Connection, ids: Collection[int]) -> dict[int, dict[str, str]]:
    """Each member's id and names by our words, several of one kind side by side."""
    found = members.names_of(connection, ids)
    return {
        number: {"member": to_wire("m", number), **written([key for key, _ in found[number]])}
        for number in ids
    }


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""
