"""Members and the names they are known by."""

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
    text,
)

from loyalty_core.store.tables.base import count, id_column, metadata, partial_index
from loyalty_core.store.types import BigInt, Json, UtcTime

GONE = "state IN ('merged', 'erased')"
"""The condition of the index over members who can no longer be met."""

members = Table(
    "members",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("state", Text, nullable=False),
    Column("merged_into", BigInt),
    *[
        Column(name, Text)
        for name in ("first_name", "last_name", "middle_name", "birth_date", "gender", "city")
    ],
    Column("attributes", Json, nullable=False),
    Column("consents", Json, nullable=False),
    Column("referrer", Text),
    Column("source", Text),
    count("spent_minor"),
    Column("tier", Text),
    Column("created_at", UtcTime, nullable=False),
    count("purchase_count"),
    Column("last_purchase_at", UtcTime),
    # The next scheduled row of `tier_changes`; what it says holds from then on, booked or not.
    Column("next_tier_at", UtcTime),
    # When the job looks at the member: to warn of a fall, or to book one.
    Column("tier_look_at", UtcTime),
    # The fall of which the member was warned.
    Column("tier_warned_of", UtcTime),
    Column("reward", Text),
    # In which language and by which channel the member wants letters; NULL: as the hub does.
    Column("locale", Text),
    Column("preferred_channel", Text),
    CheckConstraint("state IN ('active', 'unconfirmed', 'merged', 'erased')", name="state_known"),
    CheckConstraint("(state = 'merged') = (merged_into IS NOT NULL)", name="merged_points_on"),
)
Index("ix_members_programme", members.c.programme_id, members.c.id)
for _name in ("first_name", "last_name", "middle_name"):
    # For names that begin with a word (LIKE), whatever the language of a PostgreSQL database.
    Index(
        f"ix_members_{_name}",
        members.c.programme_id,
        members.c[_name],
        postgresql_ops={_name: "text_pattern_ops"},
        postgresql_where=text(f"{_name} IS NOT NULL"),
        sqlite_where=text(f"{_name} IS NOT NULL"),
    )
partial_index(
    "ix_members_merged_into",
    members.c.merged_into,
    where="merged_into IS NOT NULL",
)
partial_index("ix_members_gone", members.c.programme_id, where=GONE)
partial_index("ix_members_tier_look", members.c.tier_look_at, where="tier_look_at IS NOT NULL")

identities = Table(
    "identities",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("system", Text, nullable=False, server_default=text("''")),
    Column("value", Text, nullable=False),
    Column("member_id", BigInt, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "kind", "system", "value"),
    CheckConstraint("kind IN ('phone', 'email', 'card', 'external')", name="kind_known"),
)
Index("ix_identities_member", identities.c.member_id)

cards = Table(
    "cards",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("number", Text, nullable=False),
    Column("member_id", BigInt, nullable=False),
    Column("issued_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    PrimaryKeyConstraint("programme_id", "number"),
    CheckConstraint("ended_at IS NULL OR ended_at >= issued_at", name="ends_after_its_start"),
)
"""Numbers of the programme's own series, dead ones too."""
Index("ix_cards_member", cards.c.member_id)
partial_index("uq_cards_live", cards.c.member_id, where="ended_at IS NULL", unique=True)

retired_cards = Table(
    "retired_cards",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("number", Text, nullable=False),
    PrimaryKeyConstraint("programme_id", "number"),
)
"""Numbers of the series whose people were erased: nobody has them again."""

erased_records = Table(
    "erased_records",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("mark", Text, nullable=False),
    PrimaryKeyConstraint("programme_id", "mark"),
)
"""Keyed hashes of what systems called people who were erased: their records enrol nobody."""

identity_conflicts = Table(
    "identity_conflicts",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("member_id", BigInt, nullable=False),
    Column("other_member_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "member_id", "other_member_id", "kind"),
)

confirmations = Table(
    "confirmations",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("shop_id", BigInt, nullable=False),
    Column("member_id", BigInt),
    Column("purpose", Text, nullable=False),
    Column("cart", Text),
    Column("channel", Text, nullable=False),
    Column("address_hash", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    CheckConstraint("purpose IN ('spend', 'join')", name="purpose_known"),
    CheckConstraint("attempts BETWEEN 0 AND 5", name="attempts_few"),
    CheckConstraint("purpose <> 'spend' OR member_id IS NOT NULL", name="spend_has_member"),
)
Index("ix_confirmations_address", confirmations.c.address_hash, confirmations.c.id)
Index("ix_confirmations_member", confirmations.c.member_id, confirmations.c.id)
Index("ix_confirmations_shop", confirmations.c.shop_id, confirmations.c.id)

tier_changes = Table(
    "tier_changes",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("tier", Text),
    PrimaryKeyConstraint("member_id", "at"),
)

# What people write on members, for each other.
member_notes = Table(
    "member_notes",
    metadata,
    id_column(),
    Column("member_id", BigInt, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    CheckConstraint("text <> ''", name="says_something"),
)
Index("ix_member_notes_member", member_notes.c.member_id, member_notes.c.id)
