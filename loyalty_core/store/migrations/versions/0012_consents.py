"""Consents with their texts and proofs, and the owner's own policy of channels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, UtcTime

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None

_PURPOSE = "purpose IN ('processing', 'advertising', 'third_parties')"
_CHANNEL = "(purpose = 'advertising') = (channel <> '')"
_TEXT = "given = (text_version IS NOT NULL)"


def upgrade() -> None:
    op.create_table(
        "consent_texts",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint(_PURPOSE, name=op.f("ck_consent_texts_purpose_known")),
        sa.CheckConstraint(
            "language IN ('ru', 'en')", name=op.f("ck_consent_texts_language_known")
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_consent_texts_version_positive")),
        sa.PrimaryKeyConstraint(
            "programme_id", "purpose", "version", "language", name=op.f("pk_consent_texts")
        ),
    )
    op.create_table(
        "consents",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.Integer()),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.Column("place", sa.Text()),
        sa.Column("shop", sa.Text()),
        sa.Column("how", sa.Text()),
        sa.Column("ref", sa.Text()),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.CheckConstraint(_PURPOSE, name=op.f("ck_consents_purpose_known")),
        sa.CheckConstraint(_CHANNEL, name=op.f("ck_consents_channel_of_advertising")),
        sa.CheckConstraint(_TEXT, name=op.f("ck_consents_given_to_a_text")),
        sa.CheckConstraint(
            "NOT given OR how IS NOT NULL", name=op.f("ck_consents_given_with_proof")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sa.UniqueConstraint(
            "member_id",
            "purpose",
            "channel",
            "at",
            "given",
            name=op.f("uq_consents_member_id_purpose_channel_at_given"),
        ),
    )
    op.create_table(
        "consent_states",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("text_version", sa.Integer()),
        sa.Column("consent_id", BigInt, nullable=False),
        sa.CheckConstraint(_PURPOSE, name=op.f("ck_consent_states_purpose_known")),
        sa.CheckConstraint(_CHANNEL, name=op.f("ck_consent_states_channel_of_advertising")),
        sa.CheckConstraint(_TEXT, name=op.f("ck_consent_states_given_to_a_text")),
        sa.PrimaryKeyConstraint("member_id", "purpose", "channel", name=op.f("pk_consent_states")),
    )
    op.create_table(
        "consent_evidence",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("address_hash", sa.Text(), nullable=False),
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("erased_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "programme_id", "address_hash", "member_id", name=op.f("pk_consent_evidence")
        ),
    )
    op.create_index(op.f("ix_consent_evidence_erased_at"), "consent_evidence", ["erased_at"])
    op.create_table(
        "channel_policies",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('allowed', 'service_only', 'forbidden')",
            name=op.f("ck_channel_policies_state_known"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "channel", name=op.f("pk_channel_policies")),
    )
