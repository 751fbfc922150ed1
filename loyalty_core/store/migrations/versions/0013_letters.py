"""Letters: settings and texts by kind, what became of messages; a member's language and channel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import BigInt, Json, UtcTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("locale", "preferred_channel"):
        add_column("members", sa.Column(name, sa.Text(), nullable=True))
    op.create_table(
        "letter_settings",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("message_class", sa.Text(), nullable=False),
        sa.Column("days_before", sa.Integer(), nullable=True),
        sa.Column("told_until", UtcTime(), nullable=True),
        sa.Column("reach", UtcTime(), nullable=True),
        sa.Column("place", Json, nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "message_class IN ('service', 'advertising')",
            name=op.f("ck_letter_settings_class_known"),
        ),
        sa.CheckConstraint(
            "days_before >= 0", name=op.f("ck_letter_settings_days_before_not_negative")
        ),
        sa.PrimaryKeyConstraint("programme_id", "kind", name=op.f("pk_letter_settings")),
    )
    op.create_table(
        "letter_texts",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_letter_texts_version_positive")),
        sa.PrimaryKeyConstraint(
            "programme_id",
            "kind",
            "channel",
            "locale",
            "version",
            name=op.f("pk_letter_texts"),
        ),
    )
    _sent_messages()


def _sent_messages() -> None:
    op.create_table(
        "sent_messages",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("member_id", BigInt, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("installation_id", BigInt, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("parts", sa.Integer(), nullable=True),
        sa.Column("cost_minor", BigInt, nullable=True),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("handed_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("look_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('sent', 'delivered', 'failed')", name=op.f("ck_sent_messages_state_known")
        ),
        sa.CheckConstraint(
            "cost_minor >= 0", name=op.f("ck_sent_messages_cost_minor_not_negative")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_messages")),
    )
    op.create_index("ix_sent_messages_programme", "sent_messages", ["programme_id", "id"])
    for name, column in (("member", "member_id"), ("look", "look_at")):
        given = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_sent_messages_{name}",
            "sent_messages",
            [column],
            sqlite_where=given,
            postgresql_where=given,
        )
