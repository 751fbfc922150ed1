"""What the world said happened; unique keys here book an event once.

Money in kopecks, points in hundredths, quantities in thousandths.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from loyalty_core.store.tables.base import (
    count,
    id_column,
    metadata,
    none_below_zero,
    partial_index,
)
from loyalty_core.store.types import BigInt, Json, UtcTime


def flagged_rows(table: str) -> str:
    """The condition of the index over receipts with flags, in the words of both databases."""
    return f"CAST({table}.flags AS TEXT) <> '[]'"


_FLAGGED = "CAST(flags AS TEXT) <> '[]'"


class told_sign(FunctionElement[Any]):  # noqa: N801 - reads as the value that it is
    """The number (`fp`) of the fiscal receipt that a refund names, as it stands in the refund's
    document; older documents may have zeros before it, which go.

    Written out for each database: with its path as a parameter no index could serve.
    """

    inherit_cache = True
    type = Text()


@compiles(told_sign, "postgresql")
def _told_sign_on_postgres(element: told_sign, compiler: Any, **kwargs: Any) -> str:
    return f"ltrim({compiler.process(element.clauses, **kwargs)} #>> '{{fiscal,fp}}', '0')"


@compiles(told_sign, "sqlite")
def _told_sign_on_sqlite(element: told_sign, compiler: Any, **kwargs: Any) -> str:
    document = compiler.process(element.clauses, **kwargs)
    return f"ltrim(json_extract({document}, '$.fiscal.fp'), '0')"


class told_shop(FunctionElement[Any]):  # noqa: N801 - reads as the value that it is
    """The code of the shop in which a refund was told, as it stands in the refund's document."""

    inherit_cache = True
    type = Text()


@compiles(told_shop, "postgresql")
def _told_shop_on_postgres(element: told_shop, compiler: Any, **kwargs: Any) -> str:
    return f"({compiler.process(element.clauses, **kwargs)} #>> '{{shop}}')"


@compiles(told_shop, "sqlite")
def _told_shop_on_sqlite(element: told_shop, compiler: Any, **kwargs: Any) -> str:
    return f"json_extract({compiler.process(element.clauses, **kwargs)}, '$.shop')"


purchases = Table(
    "purchases",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("revision", BigInt, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("shop_id", BigInt, nullable=False),
    Column("member_id", BigInt),
    Column("linked_to", BigInt),
    Column("linked_by", Text),
    Column("order", Text),
    Column("occurred_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    *[count(name) for name in ("amount_minor", "discount_minor", "spend_minor", "paid_minor")],
    count("qualifying_minor"),
    # What its lines earned together; NULL: it was kept before this was.
    Column("earned_points", BigInt),
    Column("document", Json, nullable=False),
    Column("booking", Json, nullable=False),
    Column("flags", Json, nullable=False),
    # Of one that counts for several sightings: what its own sender told, and whose it said it is.
    Column("own", Json),
    Column("own_member_id", BigInt),
    # In this order it also finds a purchase whose source is not known.
    UniqueConstraint("programme_id", "external_id", "source"),
    CheckConstraint("status IN ('open', 'paid', 'cancelled')", name="status_known"),
)
Index("ix_purchases_member", purchases.c.member_id, purchases.c.occurred_at)
Index("ix_purchases_order", purchases.c.programme_id, purchases.c.order)
partial_index("ix_purchases_flagged", purchases.c.programme_id, purchases.c.id, where=_FLAGGED)
partial_index("ix_purchases_linked_to", purchases.c.linked_to, where="linked_to IS NOT NULL")
partial_index(
    "ix_purchases_linked",
    purchases.c.programme_id,
    purchases.c.id,
    where="linked_to IS NOT NULL",
)
partial_index(
    "ix_purchases_own_member", purchases.c.own_member_id, where="own_member_id IS NOT NULL"
)

linked_sources = Table(
    "linked_sources",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("source", Text, nullable=False),
    Column("seen_in", Text, nullable=False),
    # NULL: by fiscal signs alone.
    Column("field", Text),
    Column("truth", Text),
    PrimaryKeyConstraint("programme_id", "source", "seen_in"),
    CheckConstraint("source <> seen_in", name="of_two"),
    CheckConstraint("field IN ('order', 'external_id')", name="field_known"),
    CheckConstraint("truth IN (source, seen_in)", name="truth_of_the_two"),
)
"""Orders of `source` are seen in `seen_in` under this field; `truth`: whose word counts, NULL:
of whichever came first."""

parted_purchases = Table(
    "parted_purchases",
    metadata,
    Column("purchase_id", BigInt, nullable=False),
    Column("other_id", BigInt, nullable=False, index=True),
    PrimaryKeyConstraint("purchase_id", "other_id"),
    CheckConstraint("purchase_id < other_id", name="lower_first"),
)
"""Pairs that a person parted: nothing but a person links them again."""

purchase_lines = Table(
    "purchase_lines",
    metadata,
    Column("purchase_id", BigInt, nullable=False),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sku", Text),
    Column("name", Text),
    count("quantity_milli", default=None),
    *[count(f"{name}_minor") for name in ("amount", "discount", "spend", "paid")],
    count("earned_points"),
    count("returned_milli"),
    count("returned_minor"),
    PrimaryKeyConstraint("purchase_id", "id"),
)

purchase_fiscal = Table(
    "purchase_fiscal",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("fn", Text, nullable=False),
    Column("fd", Text, nullable=False),
    Column("fp", Text, nullable=False),
    Column("purchase_id", BigInt, nullable=False),
    PrimaryKeyConstraint("programme_id", "fn", "fd", "fp", "purchase_id"),
)
Index("ix_purchase_fiscal_purchase", purchase_fiscal.c.purchase_id)
PADDED = " OR ".join(
    f"(substr({part}, 1, 1) = '0' AND length({part}) > 1)" for part in ("fn", "fd", "fp")
)
"""Signs of before, which were told with zeros before them (`padded_signs.py`)."""
partial_index("ix_purchase_fiscal_padded", purchase_fiscal.c.purchase_id, where=PADDED)

receipt_claims = Table(
    "receipt_claims",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("fn", Text, nullable=False),
    Column("fd", Text, nullable=False),
    Column("fp", Text, nullable=False),
    Column("member_id", BigInt, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("bought_at", UtcTime, nullable=False),
    count("sum_minor", default=None),
    Column("purchase_id", BigInt),
    Column("made_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "fn", "fd", "fp"),
    CheckConstraint("state IN ('waiting', 'booked', 'refused')", name="state_known"),
    CheckConstraint("state <> 'booked' OR purchase_id IS NOT NULL", name="booked_on_a_purchase"),
    *none_below_zero("sum_minor"),
)
"""Receipts that members have registered by QR code: each one once."""

refunds = Table(
    "refunds",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("revision", BigInt, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("by_list", Boolean, nullable=False),
    Column("purchase_id", BigInt),
    Column("purchase_external_id", Text),
    Column("order", Text),
    Column("occurred_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    count("amount_minor", default=None),
    Column("document", Json, nullable=False),
    Column("booking", Json, nullable=False),
    Column("flags", Json, nullable=False),
    UniqueConstraint("programme_id", "source", "external_id"),
    CheckConstraint("state IN ('booked', 'waiting', 'listed', 'withdrawn')", name="state_known"),
    CheckConstraint(
        "state IN ('waiting', 'listed') OR purchase_id IS NOT NULL", name="booked_on_a_purchase"
    ),
)
Index("ix_refunds_purchase", refunds.c.purchase_id)
Index("ix_refunds_named", refunds.c.programme_id, refunds.c.purchase_external_id)
Index("ix_refunds_order", refunds.c.programme_id, refunds.c.order)
Index("ix_refunds_sign", refunds.c.programme_id, told_sign(refunds.c.document))
partial_index("ix_refunds_flagged", refunds.c.programme_id, refunds.c.id, where=_FLAGGED)
partial_index(
    "ix_refunds_waiting",
    refunds.c.programme_id,
    refunds.c.received_at,
    where="state IN ('waiting', 'listed')",
)

happenings = Table(
    "happenings",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("member_id", BigInt),
    Column("occurred_at", UtcTime, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("data", Json, nullable=False),
    count("revision", default=1),
    # Where it stands with whoever moderates it; NULL: nobody does.
    Column("state", Text),
    Column("product", Text),
    # What it earned, as a purchase's booking; NULL: nothing was ever booked for it.
    Column("booking", Json),
    UniqueConstraint("programme_id", "source", "kind", "external_id"),
)
partial_index(
    "ix_happenings_member",
    happenings.c.member_id,
    happenings.c.occurred_at,
    where="member_id IS NOT NULL",
)

event_products = Table(
    "event_products",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("rule", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("happening_id", BigInt, nullable=False),
    PrimaryKeyConstraint("member_id", "rule", "product"),
)
"""For which product of a member a rule has given already, and for which event."""

hold_claims = Table(
    "hold_claims",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("shop_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("member_id", BigInt, nullable=False),
    Column("hold_id", BigInt, nullable=False),
    PrimaryKeyConstraint("programme_id", "shop_id", "kind", "ref"),
    CheckConstraint("kind IN ('cart', 'order')", name="kind_known"),
)

# What of the lists for a person somebody has looked at.  Of a conflict the two members are
# `number` and `other`.
looked_at = Table(
    "looked_at",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("number", BigInt, nullable=False),
    Column("other", BigInt, nullable=False, server_default=text("0")),
    Column("note", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "kind", "number", "other"),
    CheckConstraint("kind IN ('purchase', 'refund', 'conflict')", name="kind_known"),
)
