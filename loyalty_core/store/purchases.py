"""Queries over receipts: purchases with their lines, and refunds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    RowMapping,
    Table,
    bindparam,
    delete,
    or_,
    select,
    union,
    update,
)

from loyalty_core.store.codec import from_json, to_json
from loyalty_core.store.event_words import Words, document_of
from loyalty_core.store.ready import Ready
from loyalty_core.store.refunds import EventKey, KeptRefund, by_source
from loyalty_core.store.sets import among, insert_many, update_many
from loyalty_core.store.tables import purchase_fiscal, purchase_lines, purchases, refunds, shops
from loyalty_kit.events import FiscalSign, Purchase, PurchaseLine


@dataclass(slots=True)
class KeptPurchase:
    """A purchase as it is kept.

    `event` is what the outside last said, `lines` the same with discount and spend told apart
    and the catalogue filled in.  `booking` is what the books hold of it (`service.booking`).

    One that counts for several sightings has what they tell together in `event` and
    `member_id`, and its own sender's words in `own` and `own_member_id`; None: nobody else saw
    it.  `sightings` are the others, linked to it or to one another, in the order of their ids;
    `word_of`: the one of them whose word counts, None: its own.  `words`: what is to be written
    of its first event.
    """

    id: int
    programme_id: int
    source: str
    event: Purchase
    content_hash: str
    shop_id: int
    member_id: int | None
    received_at: datetime
    lines: tuple[PurchaseLine, ...]
    linked_to: int | None = None
    linked_by: str | None = None
    own: Purchase | None = None
    own_member_id: int | None = None
    sightings: list[KeptPurchase] = field(default_factory=list)
    word_of: int | None = None
    qualifying_minor: int = 0
    booking: dict[str, Any] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    words: Words | None = None
    refunds: list[KeptRefund] = field(default_factory=list)
    is_new: bool = False
    changed: bool = False
    earned_by_line: Mapping[str, int] = field(default_factory=dict)
    returned_milli: Mapping[str, int] = field(default_factory=dict)
    returned_minor: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> EventKey:
        return (self.programme_id, self.source, self.event.external_id)

    @property
    def word(self) -> Purchase:
        """What its own sender last said of it."""
        return self.event if self.own is None else self.own

    @property
    def counting(self) -> KeptPurchase:
        """The sighting whose word counts."""
        return next((one for one in self.sightings if one.id == self.word_of), self)

    @property
    def named_member(self) -> int | None:
        """Whose it is by its own sender's word, or by what was done for it alone."""
        return self.member_id if self.own is None else self.own_member_id

    @property
    def signs(self) -> tuple[FiscalSign, ...]:
        """Its fiscal signs, with those that its sightings bear."""
        return tuple(sign for one in (self, *self.sightings) for sign in one.word.fiscal)


# --- reading --------------------------------------------------------------------------------

_BY_KEY = Ready(
    select(purchases).where(
        purchases.c.programme_id == bindparam("programme"),
        purchases.c.source == bindparam("source"),
        among(purchases.c.external_id, "names"),
    )
)
_BY_ID = select(purchases).where(among(purchases.c.id, "ids")).order_by(purchases.c.id)
_BY_FISCAL = (
    select(
        purchase_fiscal.c.fn,
        purchase_fiscal.c.fd,
        purchase_fiscal.c.fp,
        purchase_fiscal.c.purchase_id,
    )
    .where(
        purchase_fiscal.c.programme_id == bindparam("programme"),
        *(among(purchase_fiscal.c[part], part) for part in ("fn", "fd", "fp")),
    )
    .order_by(purchase_fiscal.c.purchase_id)
)


def purchases_by_key(
    connection: Connection, keys: Collection[EventKey]
) -> dict[EventKey, KeptPurchase]:
    return {
        kept.key: kept
        for values in by_source(keys)
        for kept in map(_kept, _BY_KEY.named(connection, values))
    }


def purchases_by_id(
    connection: Connection, ids: Collection[int], *, lock: bool = False
) -> dict[int, KeptPurchase]:
    """`lock`: held until the transaction ends, in the order of their ids."""
    if not ids:
        return {}
    found = connection.execute(_BY_ID.with_for_update() if lock else _BY_ID, {"ids": ids})
    return {row["id"]: _kept(row) for row in found.mappings()}


_SIGHTINGS = select(purchases.c.id).where(
    among(purchases.c.linked_to, "ids"), purchases.c.linked_to.is_not(None)
)


def sightings_of(connection: Connection, ids: Collection[int]) -> set[int]:
    """Those that are linked to one of these."""
    return set(connection.scalars(_SIGHTINGS, {"ids": ids})) if ids else set()


def purchases_by_external_id(
    connection: Connection, programme_id: int, external_id: str
) -> list[KeptPurchase]:
    """From whatever source, in the order in which they came."""
    found = connection.execute(
        select(purchases)
        .where(purchases.c.programme_id == programme_id, purchases.c.external_id == external_id)
        .order_by(purchases.c.id)
    ).mappings()
    return [_kept(row) for row in found]


def purchases_by_order(
    connection: Connection, programme_id: int, orders: Collection[str]
) -> list[KeptPurchase]:
    """In the order in which they came."""
    found = connection.execute(
        select(purchases)
        .where(purchases.c.programme_id == programme_id, purchases.c.order.in_(orders))
        .order_by(purchases.c.id)
    ).mappings()
    return [_kept(row) for row in found]


def purchases_by_fiscal(
    connection: Connection, programme_id: int, signs: Collection[FiscalSign]
) -> dict[FiscalSign, int]:
    """Which purchase each fiscal sign was seen on first."""
    bearing = purchases_bearing(connection, programme_id, signs)
    return {sign: numbers[0] for sign, numbers in bearing.items()}


def purchases_bearing(
    connection: Connection, programme_id: int, signs: Collection[FiscalSign]
) -> dict[FiscalSign, list[int]]:
    """Which purchases each fiscal sign was seen on, in the order in which they came."""
    if not signs:
        return {}
    values = {
        "programme": programme_id,
        "fn": {sign.fn for sign in signs},
        "fd": {sign.fd for sign in signs},
        "fp": {sign.fp for sign in signs},
    }
    seen: dict[FiscalSign, list[int]] = defaultdict(list)
    for fn, fd, fp, purchase in connection.execute(_BY_FISCAL, values):
        seen[FiscalSign(fn, fd, fp)].append(purchase)
    return {sign: seen[sign] for sign in seen.keys() & set(signs)}


def purchases_of_member(  # noqa: PLR0913 - which of them, each by keyword
    connection: Connection,
    member_ids: Collection[int],
    *,
    since: datetime | None = None,
    before: int | None = None,
    shops_of: Collection[str] | None = None,
    limit: int = 50,
) -> list[KeptPurchase]:
    """The newest first; `before` is the id to go on from, `shops_of`: of these shops alone, by
    code."""
    query = select(purchases).where(purchases.c.member_id.in_(member_ids))
    if shops_of is not None:
        query = query.where(bought_in(shops_of))
    if since is not None:
        query = query.where(purchases.c.occurred_at >= since)
    if before is not None:
        query = query.where(purchases.c.id < before)
    found = connection.execute(query.order_by(purchases.c.id.desc()).limit(limit)).mappings()
    return [_kept(row) for row in found]


def bought_in(codes: Collection[str]) -> ColumnElement[bool]:
    """Of one of these shops, by their codes."""
    return purchases.c.shop_id.in_(select(shops.c.id).where(shops.c.code.in_(codes)))


def linked_purchases(
    connection: Connection,
    programme_id: int,
    *,
    before: int | None = None,
    limit: int,
    shops_of: Collection[str] | None = None,
) -> list[KeptPurchase]:
    """Those that are linked to another one, the newest first; `before` is the id to go on from,
    `shops_of`: of these shops alone, by code."""
    query = select(purchases).where(
        purchases.c.programme_id == programme_id, purchases.c.linked_to.is_not(None)
    )
    if shops_of is not None:
        query = query.where(bought_in(shops_of))
    if before is not None:
        query = query.where(purchases.c.id < before)
    found = connection.execute(query.order_by(purchases.c.id.desc()).limit(limit)).mappings()
    return [_kept(row) for row in found]


def load_lines(connection: Connection, kept: Iterable[KeptPurchase]) -> None:
    """Fill in the lines as they were booked."""
    by_id = {one.id: one for one in kept}
    found = connection.execute(
        select(purchase_lines).where(purchase_lines.c.purchase_id.in_(by_id))
    ).mappings()
    split: dict[int, dict[str, RowMapping]] = defaultdict(dict)
    for row in found:
        split[row["purchase_id"]][row["id"]] = row
    for one in by_id.values():
        rows = split.get(one.id, {})
        one.lines = tuple(_booked_line(line, rows.get(line.id)) for line in one.event.lines)
        one.earned_by_line = {name: row["earned_points"] for name, row in rows.items()}
        one.returned_milli = {name: row["returned_milli"] for name, row in rows.items()}
        one.returned_minor = {name: row["returned_minor"] for name, row in rows.items()}


def _booked_line(line: PurchaseLine, row: RowMapping | None) -> PurchaseLine:
    if row is None:
        return line
    return PurchaseLine(
        id=line.id,
        quantity_milli=line.quantity_milli,
        amount_minor=line.amount_minor,
        paid_minor=line.paid_minor,
        kind=line.kind,
        sku=line.sku,
        name=line.name,
        price_minor=line.price_minor,
        discount_minor=row["discount_minor"],
        spend_minor=row["spend_minor"],
        categories=line.categories,
        brand=line.brand,
        attributes=line.attributes,
        legal_class=line.legal_class,
        certificate=line.certificate,
    )


def _kept(row: Mapping[str, Any] | RowMapping) -> KeptPurchase:
    event = from_json(Purchase, row["document"])
    return KeptPurchase(
        row["id"],
        row["programme_id"],
        row["source"],
        event,
        row["content_hash"],
        row["shop_id"],
        row["member_id"],
        row["received_at"],
        event.lines,
        linked_to=row["linked_to"],
        linked_by=row["linked_by"],
        own=None if row["own"] is None else from_json(Purchase, row["own"]),
        own_member_id=row["own_member_id"],
        word_of=row["booking"].get("word_of"),
        qualifying_minor=row["qualifying_minor"],
        booking=dict(row["booking"]),
        flags=list(row["flags"]),
    )


# --- writing --------------------------------------------------------------------------------

_KEPT_AS_BORN = ("id", "programme_id", "source", "external_id", "received_at")
_CHANGING = (
    "revision",
    "content_hash",
    "status",
    "shop_id",
    "member_id",
    "linked_to",
    "linked_by",
    "own",
    "own_member_id",
    "order",
    "occurred_at",
    "amount_minor",
    "discount_minor",
    "spend_minor",
    "paid_minor",
    "qualifying_minor",
    "earned_points",
    "document",
    "booking",
    "flags",
)
_LINE = (
    "purchase_id",
    "id",
    "kind",
    "sku",
    "name",
    "quantity_milli",
    "amount_minor",
    "discount_minor",
    "spend_minor",
    "paid_minor",
    "earned_points",
    "returned_milli",
    "returned_minor",
)
_SUMMED = range(_LINE.index("amount_minor"), _LINE.index("earned_points") + 1)
"""The places of what the purchase has the sums of, in its own order."""
_SIGN = ("programme_id", "fn", "fd", "fp", "purchase_id")
_DELETE_LINES = delete(purchase_lines).where(among(purchase_lines.c.purchase_id, "ids"))
_DELETE_SIGNS = delete(purchase_fiscal).where(among(purchase_fiscal.c.purchase_id, "ids"))


def write_purchases(connection: Connection, kept: Sequence[KeptPurchase]) -> None:
    """Insert the new ones and update the changed ones, with their lines and fiscal signs."""
    new = [one for one in kept if one.is_new]
    changed = [one for one in kept if one.changed and not one.is_new]
    lines = {one.id: _lines(one) for one in (*new, *changed)}
    born = [(*_as_born(one), *_changing(one, lines[one.id])) for one in new]
    insert_many(connection, purchases, (*_KEPT_AS_BORN, *_CHANGING), born)
    if changed:
        values = [(one.id, *_changing(one, lines[one.id])) for one in changed]
        update_many(connection, purchases, ("id",), _CHANGING, values)
        ids = [one.id for one in changed]
        connection.execute(_DELETE_LINES, {"ids": ids})
        connection.execute(_DELETE_SIGNS, {"ids": ids})
    insert_many(connection, purchase_lines, _LINE, [row for own in lines.values() for row in own])
    signs = [row for one in (*new, *changed) for row in _signs(one)]
    insert_many(connection, purchase_fiscal, _SIGN, signs)


def _as_born(one: KeptPurchase) -> tuple[Any, ...]:
    return (one.id, one.programme_id, one.source, one.event.external_id, one.received_at)


def _changing(one: KeptPurchase, lines: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    event = one.event
    amount, discount, spend, paid, earned = [sum([row[at] for row in lines]) for at in _SUMMED]
    return (
        event.revision,
        one.content_hash,
        event.status.value,
        one.shop_id,
        one.member_id,
        one.linked_to,
        one.linked_by,
        None if one.own is None else to_json(one.own),
        one.own_member_id,
        event.order,
        event.occurred_at,
        amount,
        discount,
        spend,
        paid,
        one.qualifying_minor,
        earned,
        document_of(event, one.words),
        one.booking,
        one.flags,
    )


def _lines(one: KeptPurchase) -> list[tuple[Any, ...]]:
    """The values of `_LINE`, of each line."""
    number = one.id
    earned, milli, minor = one.earned_by_line, one.returned_milli, one.returned_minor
    return [
        (
            number,
            (name := line.id),
            line.kind,
            line.sku,
            line.name,
            line.quantity_milli,
            line.amount_minor,
            # Where the shop cannot tell them apart, all that came off counts as discount.
            line.reduction_minor or 0 if line.discount_minor is None else line.discount_minor,
            line.spend_minor or 0,
            line.paid_minor,
            earned.get(name, 0),
            milli.get(name, 0),
            minor.get(name, 0),
        )
        for line in one.lines
    ]


def _signs(one: KeptPurchase) -> Iterator[tuple[Any, ...]]:
    for sign in dict.fromkeys(one.word.fiscal):
        yield (one.programme_id, sign.fn, sign.fd, sign.fp, one.id)


# --- erasure --------------------------------------------------------------------------------


def forget_people(connection: Connection, member_ids: Collection[int]) -> int:
    """Take the customer out of the kept receipts of these members; gives how many.

    Out of second reports of them too, and out of their refunds.
    """
    ids = _of_people(member_ids)
    return sum(
        _forget(connection, table, which)
        for table, which in (
            (purchases, purchases.c.id.in_(ids)),
            (refunds, refunds.c.purchase_id.in_(ids)),
        )
    )


def lock_of_people(connection: Connection, member_ids: Collection[int]) -> None:
    """Hold the same receipts until the transaction ends: who books holds them before people."""
    theirs = purchases.c.id.in_(_of_people(member_ids))
    found = select(purchases.c.id).where(theirs).order_by(purchases.c.id)
    connection.execute(found.with_for_update()).all()


def _of_people(member_ids: Collection[int]) -> CompoundSelect[tuple[int]]:
    """Numbers.  One query after the other: by an `or` over a sub-query PostgreSQL would read every
    receipt that was ever kept."""
    own = or_(purchases.c.member_id.in_(member_ids), purchases.c.own_member_id.in_(member_ids))
    seen = purchases.alias("seen")
    linked = select(seen.c.id).where(
        seen.c.linked_to.in_(select(purchases.c.id).where(own)), seen.c.linked_to.is_not(None)
    )
    return union(select(purchases.c.id).where(own), linked)


def forget_customers(connection: Connection, table: Table, ids: Collection[int]) -> None:
    """Take the customer out of these rows of `purchases` or `refunds`."""
    if ids:
        _forget(connection, table, table.c.id.in_(ids))


def _forget(connection: Connection, table: Table, theirs: ColumnElement[bool]) -> int:
    kept = [name for name in ("document", "own") if name in table.c]
    found = connection.execute(select(table.c.id, *[table.c[name] for name in kept]).where(theirs))
    changes = [
        {"b_id": number} | {f"b_{name}": one for name, one in zip(kept, bare, strict=True)}
        for number, *documents in found.all()
        if (bare := [None if one is None else _nobodys(one) for one in documents]) != documents
    ]
    if changes:
        statement = update(table).where(table.c.id == bindparam("b_id"))
        values: dict[str, Any] = {name: bindparam(f"b_{name}") for name in kept}
        connection.execute(statement.values(**values), changes)
    return len(changes)


def _nobodys(document: Mapping[str, Any]) -> dict[str, Any]:
    bare = {name: value for name, value in document.items() if name != "customer"}
    if bare.get("refunds"):
        bare["refunds"] = [_nobodys(refund) for refund in bare["refunds"]]
    return bare
