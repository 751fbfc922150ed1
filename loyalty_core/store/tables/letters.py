"""Letters to members: which are sent, their texts by version, and what became of each message.

A family of its own: no foreign key leads into the ledger family (`ledger.md` 31).
"""

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
)

from loyalty_core.store.tables.base import id_column, metadata, partial_index
from loyalty_core.store.types import BigInt, Json, UtcTime

letter_settings = Table(
    "letter_settings",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("message_class", Text, nullable=False),
    Column("days_before", Integer),
    # What has its day: everything up to this time was told of.
    Column("told_until", UtcTime),
    # A round that is at work: up to when it tells, and the last one that it told.
    Column("reach", UtcTime),
    Column("place", Json),
    Column("author", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "kind"),
    CheckConstraint("message_class IN ('service', 'advertising')", name="class_known"),
    CheckConstraint("days_before >= 0", name="days_before_not_negative"),
)

letter_texts = Table(
    "letter_texts",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("version", Integer, nullable=False, autoincrement=False),
    Column("subject", Text),
    Column("text", Text, nullable=False),
    Column("html", Text),
    Column("author", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "kind", "channel", "locale", "version"),
    CheckConstraint("version > 0", name="version_positive"),
)

sent_messages = Table(
    "sent_messages",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("member_id", BigInt),
    Column("kind", Text, nullable=False),
    Column("channel", Text),
    Column("installation_id", BigInt),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("reference", Text),
    Column("parts", Integer),
    Column("cost_minor", BigInt),
    Column("made_at", UtcTime, nullable=False),
    Column("handed_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    # When the vendor is asked what became of it.
    Column("look_at", UtcTime),
    CheckConstraint("state IN ('sent', 'delivered', 'failed')", name="state_known"),
    CheckConstraint("cost_minor >= 0", name="cost_minor_not_negative"),
)
"""By the id of the outbox's row; neither the text nor the address is kept."""
Index("ix_sent_messages_programme", sent_messages.c.programme_id, sent_messages.c.id)
partial_index("ix_sent_messages_member", sent_messages.c.member_id, where="member_id IS NOT NULL")
partial_index("ix_sent_messages_look", sent_messages.c.look_at, where="look_at IS NOT NULL")
