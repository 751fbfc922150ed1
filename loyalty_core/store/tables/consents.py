"""Consents: texts by version, every yes and no, what they come to, and the channels' policy."""

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
    text,
)

from loyalty_core.store.tables.base import id_column, metadata, partial_index
from loyalty_core.store.types import BigInt, UtcTime

_PURPOSE = "purpose IN ('processing', 'advertising', 'third_parties')"
_CHANNEL = "(purpose = 'advertising') = (channel <> '')"

consent_texts = Table(
    "consent_texts",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("version", Integer, nullable=False, autoincrement=False),
    Column("language", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "purpose", "version", "language"),
    CheckConstraint(_PURPOSE, name="purpose_known"),
    CheckConstraint("language IN ('ru', 'en')", name="language_known"),
    CheckConstraint("version > 0", name="version_positive"),
)

# Rows are only ever added, and stay with the member of whom they were told, merged or not.
consents = Table(
    "consents",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("member_id", BigInt, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False, server_default=text("''")),
    Column("given", Boolean, nullable=False),
    Column("text_version", Integer),
    Column("at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("place", Text),
    Column("shop", Text),
    Column("how", Text),
    Column("ref", Text),
    Column("recorded_by", Text, nullable=False),
    UniqueConstraint("member_id", "purpose", "channel", "at", "given"),
    CheckConstraint(_PURPOSE, name="purpose_known"),
    CheckConstraint(_CHANNEL, name="channel_of_advertising"),
    CheckConstraint("given = (text_version IS NOT NULL)", name="given_to_a_text"),
    CheckConstraint("NOT given OR how IS NOT NULL", name="given_with_proof"),
)

consent_states = Table(
    "consent_states",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False, server_default=text("''")),
    Column("given", Boolean, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("text_version", Integer),
    Column("consent_id", BigInt, nullable=False),
    PrimaryKeyConstraint("member_id", "purpose", "channel"),
    CheckConstraint(_PURPOSE, name="purpose_known"),
    CheckConstraint(_CHANNEL, name="channel_of_advertising"),
    CheckConstraint("given = (text_version IS NOT NULL)", name="given_to_a_text"),
)

partial_index(
    "ix_consent_states_withdrawn",
    consent_states.c.at,
    consent_states.c.member_id,
    where="purpose = 'processing' AND NOT given",
)

# Of who was erased: under which number consents stand, found by a keyed hash of the address.
consent_evidence = Table(
    "consent_evidence",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("address_hash", Text, nullable=False),
    Column("member_id", BigInt, nullable=False),
    Column("erased_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "address_hash", "member_id"),
)
Index("ix_consent_evidence_erased_at", consent_evidence.c.erased_at)

channel_policies = Table(
    "channel_policies",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "channel"),
    CheckConstraint("state IN ('allowed', 'service_only', 'forbidden')", name="state_known"),
)
