"""The machine room: people, installations, inbox, outbox."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from loyalty_core.store.tables.base import id_column, metadata, partial_index
from loyalty_core.store.types import BigInt, Json, UtcTime

admins = Table(
    "admins",
    metadata,
    id_column(),
    Column("login", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("session_epoch", Integer, nullable=False, server_default=text("0")),
    Column("created_at", UtcTime, nullable=False),
)

installations = Table(
    "installations",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("connector", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("settings", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("trouble_code", Text),
    Column("trouble_text", Text),
    Column("pull_cursor", Text),
    Column("pull_due_at", UtcTime),
    Column("recheck_due_at", UtcTime),
    Column("catalogue_cursor", Text),
    Column("catalogue_due_at", UtcTime),
    Column("last_delivery_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("programme_id", "name"),
    CheckConstraint("state IN ('active', 'paused', 'attention')", name="state_known"),
)

pairing_codes = Table(
    "pairing_codes",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("connector", Text, nullable=False),
    Column("installation_id", BigInt),
    Column("code_hash", Text, nullable=False, unique=True),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)
Index("ix_pairing_codes_expires_at", pairing_codes.c.expires_at)

documents = Table(
    "documents",
    metadata,
    Column("installation_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("revision", BigInt, nullable=False),
    Column("content_hash", Text),
    Column("asked_at", UtcTime, nullable=False),
    Column("booked_at", UtcTime),
    PrimaryKeyConstraint("installation_id", "kind", "ref"),
)

deliveries = Table(
    "deliveries",
    metadata,
    id_column(),
    Column("installation_id", BigInt, nullable=False),
    Column("programme_id", BigInt, nullable=False),
    Column("hook", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("headers", Json, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("error_code", Text),
    Column("error_text", Text),
    Column("result", Json),
    Column("emptied_at", UtcTime),
    UniqueConstraint("installation_id", "hook", "key"),
    CheckConstraint("state IN ('due', 'done', 'dropped', 'dead')", name="state_known"),
)
partial_index(
    "ix_deliveries_dead",
    deliveries.c.programme_id,
    deliveries.c.id,
    where="state = 'dead'",
)
partial_index(
    "ix_deliveries_due",
    deliveries.c.programme_id,
    deliveries.c.due_at,
    where="state = 'due'",
)
partial_index(
    "ix_deliveries_kept",
    deliveries.c.done_at,
    where="emptied_at IS NULL AND done_at IS NOT NULL",
)
Index("ix_deliveries_installation", deliveries.c.installation_id, deliveries.c.id)

outbox = Table(
    "outbox",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("installation_id", BigInt),
    Column("payload", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("error_code", Text),
    Column("error_text", Text),
    Column("member_id", BigInt),
    Column("urgent", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("programme_id", "kind", "key"),
    CheckConstraint("state IN ('due', 'done', 'dead')", name="state_known"),
)
partial_index("ix_outbox_member", outbox.c.member_id, where="member_id IS NOT NULL")
partial_index(
    "ix_outbox_urgent",
    outbox.c.programme_id,
    outbox.c.due_at,
    where="state = 'due' AND urgent",
)
partial_index("ix_outbox_dead", outbox.c.programme_id, outbox.c.id, where="state = 'dead'")
partial_index(
    "ix_outbox_due",
    outbox.c.programme_id,
    outbox.c.due_at,
    where="state = 'due'",
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key_id", BigInt, nullable=False),
    Column("route", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", Text, nullable=False),
    Column("status", Integer),
    Column("body", LargeBinary),
    Column("content_type", Text),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("key_id", "route", "key"),
)
Index("ix_idempotency_created_at", idempotency.c.created_at)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", UtcTime, nullable=False),
)
