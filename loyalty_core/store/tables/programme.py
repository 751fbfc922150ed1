"""Programmes: rules by version, shops, catalogue, keys."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from loyalty_core.store.tables.base import count, id_column, metadata
from loyalty_core.store.types import BigInt, Json, UtcTime

programmes = Table(
    "programmes",
    metadata,
    id_column(),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("rules_version", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # Members up to this id were rated by a changed ladder; NULL: there is none to rate by.
    Column("tiers_cursor", BigInt, server_default=text("0")),
    # So many members have an id below that number, those that are gone among them.
    count("members_counted"),
    count("members_counted_to"),
    # The owner has not come to the end of the first run.
    Column("being_set_up", Boolean, nullable=False, server_default=false()),
)

rules_versions = Table(
    "rules_versions",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("version", Integer, nullable=False, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("document", Json, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("published_at", UtcTime),
    Column("published_by", Text),
    PrimaryKeyConstraint("programme_id", "version"),
    CheckConstraint("state IN ('draft', 'published')", name="state_known"),
)

shops = Table(
    "shops",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("timezone", Text),
    Column("vendor", Json, nullable=False),
    # The partner whose it is; NULL: the programme's own.
    Column("partner_id", BigInt),
    UniqueConstraint("programme_id", "code"),
)

products = Table(
    "products",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("sku", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("external_id", Text),
    Column("price_minor", BigInt),
    Column("cost_minor", BigInt),
    Column("categories", Json, nullable=False),
    Column("brand", Text),
    Column("attributes", Json, nullable=False),
    Column("legal_class", Text),
    Column("volume_ml", BigInt),
    Column("strength_bp", BigInt),
    Column("updated_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "sku"),
)

product_stock = Table(
    "product_stock",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("sku", Text, nullable=False),
    Column("shop", Text, nullable=False),
    Column("quantity_milli", BigInt, nullable=False),
    Column("counted_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "sku", "shop"),
)

categories = Table(
    "categories",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent", Text),
    PrimaryKeyConstraint("programme_id", "code"),
)

api_keys = Table(
    "api_keys",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("name", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("shops", Json),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("channels", Json),
)
Index("ix_api_keys_programme", api_keys.c.programme_id)
