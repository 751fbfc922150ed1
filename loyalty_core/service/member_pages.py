"""What a member's account shows: the ledger, lots, purchases.  Wire-ready."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from loyalty_core.domain.coupon_codes import told
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.service.members import Page, member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.source import Source, check_shop, reaches_shop
from loyalty_core.store import accounts as store
from loyalty_core.store import members, purchases
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.purchases import KeptPurchase
from loyalty_core.store.types import from_micros, to_micros
from loyalty_kit.events import PurchaseLine
from loyalty_kit.money import format_decimal, format_quantity

_BAD_CURSOR = {"cursor": ["Not a cursor of this list."]}
_END_OF_TIME = 2**57
"""Microseconds; some thousands of years before the last time that can be told."""


def member_ledger(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    member_id: str,
    *,
    currency: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """Entries, newest first, with those of members merged into this one.

    Raises: MemberNotFound, InvalidInput (cursor).
    """
    ids = _all_ids(connection, programme_id, member_id)
    after = None if cursor is None else _read_place(cursor)
    rows = store.ledger_page(connection, ids, currency=currency, after=after, limit=limit + 1)
    page = rows[:limit]
    return Page([_entry(row) for row in page], _place(page[-1]) if len(rows) > limit else None)


def member_lots(
    connection: Connection, programme_id: int, member_id: str, *, currency: str | None = None
) -> list[dict[str, Any]]:
    """Lots with points left, in the order in which they are spent.  Raises: MemberNotFound."""
    number = member_row(connection, programme_id, member_id)["id"]
    return [_lot(row) for row in store.open_lots(connection, number, currency)]


def member_purchases(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    *,
    cursor: str | None = None,
    limit: int = 50,
    shops: Collection[str] | None = None,
) -> Page:
    """Purchases, the newest booked first; `shops`: codes of those to be shown, None: all.

    Raises: MemberNotFound, InvalidInput (cursor).
    """
    ids = _all_ids(connection, programme_id, member_id)
    before = None if cursor is None else from_wire("p", cursor)
    if cursor is not None and before is None:
        raise InvalidInput(_BAD_CURSOR)
    found = purchases.purchases_of_member(
        connection, ids, before=before, shops_of=shops, limit=limit + 1
    )
    page = found[:limit]
    purchases.load_lines(connection, page)
    next_cursor = to_wire("p", page[-1].id) if len(found) > limit else None
    main = plans.newest(connection, programme_id).main.code
    return Page([purchase_view(one, main) for one in page], next_cursor)


def find_purchases(  # noqa: PLR0913 - which of them, each by keyword
    connection: Connection,
    plans: PlanCache,
    source: Source,
    *,
    purchase_id: str | None = None,
    external_id: str | None = None,
    order: str | None = None,
) -> list[dict[str, Any]]:
    """Purchases by an id, or by what of the others is given; the oldest first, none where nothing
    fits.  Those of shops that the source is not bound to are left out.

    Raises: ShopForbidden, where all that fits is of such shops.
    """
    programme_id = source.programme_id
    found: list[KeptPurchase] = []
    if purchase_id is not None:
        number = from_wire("p", purchase_id)
        known = purchases.purchases_by_id(connection, [] if number is None else [number])
        found = [one for one in known.values() if one.programme_id == programme_id]
    elif external_id is not None:
        found = purchases.purchases_by_external_id(connection, programme_id, external_id)
        found = [one for one in found if order is None or one.event.order == order]
    elif order is not None:
        found = purchases.purchases_by_order(connection, programme_id, [order])
    own = [one for one in found if reaches_shop(connection, source, one.shop_id)]
    if found and not own:
        check_shop(connection, source, found[0].shop_id)
    purchases.load_lines(connection, own)
    main = plans.newest(connection, programme_id).main.code
    return [purchase_view(one, main) for one in own]


def purchase_view(one: KeptPurchase, currency: str) -> dict[str, Any]:
    """A purchase as it stands: its lines with what they earned and what came back of them, in
    points of the main `currency`."""
    event, booking = one.event, one.booking
    earned, clawed = (booking.get(name, {}).get(currency, 0) for name in ("earned", "clawed"))
    return {
        "id": to_wire("p", one.id),
        "external_id": event.external_id,
        "source": one.source,
        "revision": event.revision,
        "status": event.status.value,
        "order": event.order,
        "channel": event.channel,
        "currency": event.currency,
        "occurred_at": _time(event.occurred_at),
        "member": None if one.member_id is None else to_wire("m", one.member_id),
        "totals": {
            name: format_decimal(sum(_money(line, name) for line in one.lines))
            for name in ("amount", "discount", "spend", "paid")
        },
        "points": {
            "earned": format_decimal(earned),
            "clawed_back": format_decimal(clawed),
            "spent": format_decimal(booking.get("spent", 0)),
            "given_back": format_decimal(booking.get("given_back", 0)),
        },
        "lines": [_line(one, line) for line in one.lines],
        "certificates": [
            {"code": f"...{one['code'][-4:]}", "amount": format_decimal(one["amount_minor"])}
            for one in booking.get("certificates", ())
            if one["amount_minor"]
        ],
        "coupons_issued": [told(code) for code in booking.get("issued", {}).values()],
        "flags": one.flags,
    }


def _line(one: KeptPurchase, line: PurchaseLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "kind": line.kind.value,
        "sku": line.sku,
        "name": line.name,
        "quantity": format_quantity(line.quantity_milli),
        **{
            name: format_decimal(_money(line, name))
            for name in ("amount", "discount", "spend", "paid")
        },
        "earned": format_decimal(one.earned_by_line.get(line.id, 0)),
        "returned_quantity": format_quantity(one.returned_milli.get(line.id, 0)),
        "returned": format_decimal(one.returned_minor.get(line.id, 0)),
    }


def _money(line: PurchaseLine, name: str) -> int:
    if name == "discount" and line.discount_minor is None:
        return line.reduction_minor or 0
    value: int | None = getattr(line, f"{name}_minor")
    return value or 0


def _all_ids(connection: Connection, programme_id: int, member_id: str) -> list[int]:
    return members.known_as(connection, member_row(connection, programme_id, member_id)["id"])


def _entry(row: RowMapping) -> dict[str, Any]:
    return {
        "id": f"{to_wire('m', row['member_id'])}:{row['currency']}:{row['seq']}",
        "currency": row["currency"],
        "kind": row["kind"],
        "amount": format_decimal(row["amount"]),
        "available": format_decimal(row["d_available"]),
        "pending": format_decimal(row["d_pending"]),
        "held": format_decimal(row["d_held"]),
        "debt": format_decimal(row["d_debt"]),
        **origin_of(row),
        "cause": row["cause"],
        "occurred_at": _time(row["occurred_at"]),
        "booked_at": _time(row["booked_at"]),
    }


def _lot(row: RowMapping) -> dict[str, Any]:
    ends: datetime | None = row["expires_at"]
    return {
        "no": row["no"],
        "currency": row["currency"],
        "amount": format_decimal(row["amount"]),
        "left": format_decimal(row["free"] + row["held"]),
        "held": format_decimal(row["held"]),
        "pending": not row["active"],
        "spendable_from": _time(row["spendable_from"]),
        "expires_at": None if ends is None else _time(ends),
        **_origin(row["purchase_id"]),
    }


def origin_of(entry: Mapping[Any, Any]) -> dict[str, str | None]:
    """What an entry came from.  Where an order of a reward stands in the place of a purchase,
    `cause` names it."""
    return _origin(None if "order" in entry["cause"] else entry["purchase_id"])


def _origin(number: int | None) -> dict[str, str | None]:
    """What it came from: a purchase, or by a number below zero an event that is none."""
    return {
        "purchase": to_wire("p", number) if number is not None and number > 0 else None,
        "event": to_wire("e", -number) if number is not None and number < 0 else None,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _place(row: Mapping[Any, Any]) -> str:
    return ".".join(
        str(part)
        for part in (to_micros(row["booked_at"]), row["member_id"], row["seq"], row["currency"])
    )


def _read_place(cursor: str) -> store.LedgerPlace:
    micros, _, rest = cursor.partition(".")
    member, _, rest = rest.partition(".")
    seq, _, currency = rest.partition(".")
    if not all(part.isascii() and part.isdigit() for part in (micros, member, seq)):
        raise InvalidInput(_BAD_CURSOR)
    if int(micros) >= _END_OF_TIME or max(int(member), int(seq)) >= 2**63:
        raise InvalidInput(_BAD_CURSOR)
    return from_micros(int(micros)), int(member), currency, int(seq)
