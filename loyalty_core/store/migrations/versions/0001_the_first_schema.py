"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, Json, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("available", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("pending", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("held", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("debt", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("entries", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("lots", BigInt, server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("available >= 0", name=op.f("ck_accounts_available_not_negative")),
        sa.CheckConstraint(
            "debt = 0 OR available = 0", name=op.f("ck_accounts_debt_leaves_nothing_available")
        ),
        sa.CheckConstraint("debt >= 0", name=op.f("ck_accounts_debt_not_negative")),
        sa.CheckConstraint("held >= 0", name=op.f("ck_accounts_held_not_negative")),
        sa.CheckConstraint("pending >= 0", name=op.f("ck_accounts_pending_not_negative")),
        sa.PrimaryKeyConstraint("member_id", "currency", name=op.f("pk_accounts")),
    )
    op.create_table(
        "admins",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("session_epoch", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admins")),
        sa.UniqueConstraint("login", name=op.f("uq_admins_login")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("shops", Json, nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index("ix_api_keys_programme", ["programme_id"], unique=False)

    op.create_table(
        "categories",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("programme_id", "code", name=op.f("pk_categories")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("installation_id", BigInt, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("hook", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("headers", Json, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("done_at", UtcTime(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_text", sa.Text(), nullable=True),
        sa.Column("result", Json, nullable=True),
        sa.CheckConstraint(
            "state IN ('due', 'done', 'dropped', 'dead')", name=op.f("ck_deliveries_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "installation_id", "hook", "key", name=op.f("uq_deliveries_installation_id_hook_key")
        ),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_deliveries_dead",
            ["programme_id", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'dead'"),
            postgresql_where=sa.text("state = 'dead'"),
        )
        batch_op.create_index(
            "ix_deliveries_due",
            ["programme_id", "due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'due'"),
            postgresql_where=sa.text("state = 'due'"),
        )
        batch_op.create_index("ix_deliveries_installation", ["installation_id", "id"], unique=False)

    op.create_table(
        "documents",
        sa.Column("installation_id", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("revision", BigInt, nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=True),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("booked_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("installation_id", "kind", "ref", name=op.f("pk_documents")),
    )
    op.create_table(
        "entries",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("seq", BigInt, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", BigInt, nullable=False),
        sa.Column("d_available", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("d_pending", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("d_held", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("d_debt", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("purchase_id", BigInt, nullable=True),
        sa.Column("cause", Json, nullable=False),
        sa.Column("occurred_at", UtcTime(), nullable=False),
        sa.Column("booked_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "currency", "seq", name=op.f("pk_entries")),
        sa.UniqueConstraint(
            "member_id", "currency", "key", name=op.f("uq_entries_member_id_currency_key")
        ),
    )
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.create_index("ix_entries_purchase", ["member_id", "purchase_id"], unique=False)

    op.create_table(
        "entry_lots",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("seq", BigInt, autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lot", BigInt, nullable=False),
        sa.Column("instead_of", BigInt, nullable=True),
        sa.Column("d_free", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("d_held", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("d_expired", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("d_owed", BigInt, server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "currency", "seq", "line", name=op.f("pk_entry_lots")),
    )
    with op.batch_alter_table("entry_lots", schema=None) as batch_op:
        batch_op.create_index(
            "ix_entry_lots_instead_of",
            ["member_id", "currency", "instead_of"],
            unique=False,
            sqlite_where=sa.text("instead_of IS NOT NULL"),
            postgresql_where=sa.text("instead_of IS NOT NULL"),
        )

    op.create_table(
        "happenings",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("member_id", BigInt, nullable=True),
        sa.Column("occurred_at", UtcTime(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_happenings")),
        sa.UniqueConstraint(
            "programme_id",
            "source",
            "kind",
            "external_id",
            name=op.f("uq_happenings_programme_id_source_kind_external_id"),
        ),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "hold_claims",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("shop_id", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("hold_id", BigInt, nullable=False),
        sa.CheckConstraint("kind IN ('cart', 'order')", name=op.f("ck_hold_claims_kind_known")),
        sa.PrimaryKeyConstraint(
            "programme_id", "shop_id", "kind", "ref", name=op.f("pk_hold_claims")
        ),
    )
    op.create_table(
        "holds",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("shop_id", BigInt, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cart", sa.Text(), nullable=True),
        sa.Column("order", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("points", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("lots", Json, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("request", Json, nullable=False),
        sa.Column("quote", Json, nullable=False),
        sa.Column("purchase_id", BigInt, nullable=True),
        sa.CheckConstraint(
            "state IN ('live', 'captured', 'released')", name=op.f("ck_holds_state_known")
        ),
        sa.CheckConstraint("points >= 0", name=op.f("ck_holds_points_not_negative")),
        sa.PrimaryKeyConstraint("member_id", "id", name=op.f("pk_holds")),
    )
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.create_index(
            "ix_holds_live",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        )

    op.create_table(
        "idempotency",
        sa.Column("key_id", BigInt, nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "route", "key", name=op.f("pk_idempotency")),
    )
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.create_index("ix_idempotency_created_at", ["created_at"], unique=False)

    op.create_table(
        "identities",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('phone', 'email', 'card', 'external')", name=op.f("ck_identities_kind_known")
        ),
        sa.PrimaryKeyConstraint(
            "programme_id", "kind", "system", "value", name=op.f("pk_identities")
        ),
    )
    with op.batch_alter_table("identities", schema=None) as batch_op:
        batch_op.create_index("ix_identities_member", ["member_id"], unique=False)

    op.create_table(
        "identity_conflicts",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("other_member_id", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "programme_id",
            "member_id",
            "other_member_id",
            "kind",
            name=op.f("pk_identity_conflicts"),
        ),
    )
    op.create_table(
        "installations",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("trouble_code", sa.Text(), nullable=True),
        sa.Column("trouble_text", sa.Text(), nullable=True),
        sa.Column("pull_cursor", sa.Text(), nullable=True),
        sa.Column("pull_due_at", UtcTime(), nullable=True),
        sa.Column("recheck_due_at", UtcTime(), nullable=True),
        sa.Column("catalogue_cursor", sa.Text(), nullable=True),
        sa.Column("catalogue_due_at", UtcTime(), nullable=True),
        sa.Column("last_delivery_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'paused', 'attention')", name=op.f("ck_installations_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installations")),
        sa.UniqueConstraint(
            "programme_id", "name", name=op.f("uq_installations_programme_id_name")
        ),
    )
    op.create_table(
        "lots",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("no", BigInt, autoincrement=False, nullable=False),
        sa.Column("amount", BigInt, nullable=False),
        sa.Column("free", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("held", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("expired", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("owed", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("spendable_from", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=True),
        sa.Column("purchase_id", BigInt, nullable=True),
        sa.Column("origin_member", BigInt, nullable=True),
        sa.Column("origin_no", BigInt, nullable=True),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_lots_amount_not_negative")),
        sa.CheckConstraint("expired >= 0", name=op.f("ck_lots_expired_not_negative")),
        sa.CheckConstraint(
            "free + held + expired <= amount", name=op.f("ck_lots_no_more_than_awarded")
        ),
        sa.CheckConstraint("free >= 0", name=op.f("ck_lots_free_not_negative")),
        sa.CheckConstraint("held >= 0", name=op.f("ck_lots_held_not_negative")),
        sa.CheckConstraint(
            "owed = 0 OR free + held = 0", name=op.f("ck_lots_debt_holds_no_points")
        ),
        sa.CheckConstraint("owed >= 0", name=op.f("ck_lots_owed_not_negative")),
        sa.PrimaryKeyConstraint("member_id", "currency", "no", name=op.f("pk_lots")),
    )
    with op.batch_alter_table("lots", schema=None) as batch_op:
        batch_op.create_index(
            "ix_lots_expiring",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("free > 0"),
            postgresql_where=sa.text("free > 0"),
        )
        batch_op.create_index(
            "ix_lots_open",
            ["member_id", "currency"],
            unique=False,
            sqlite_where=sa.text("free > 0 OR held > 0 OR owed > 0"),
            postgresql_where=sa.text("free > 0 OR held > 0 OR owed > 0"),
        )
        batch_op.create_index(
            "ix_lots_pending",
            ["spendable_from"],
            unique=False,
            sqlite_where=sa.text("NOT active AND free > 0"),
            postgresql_where=sa.text("NOT active AND free > 0"),
        )

    op.create_table(
        "members",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("merged_into", BigInt, nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("middle_name", sa.Text(), nullable=True),
        sa.Column("birth_date", sa.Text(), nullable=True),
        sa.Column("gender", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("attributes", Json, nullable=False),
        sa.Column("consents", Json, nullable=False),
        sa.Column("referrer", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("spent_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "(state = 'merged') = (merged_into IS NOT NULL)",
            name=op.f("ck_members_merged_points_on"),
        ),
        sa.CheckConstraint(
            "state IN ('active', 'unconfirmed', 'merged', 'erased')",
            name=op.f("ck_members_state_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
    )
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.create_index(
            "ix_members_merged_into",
            ["merged_into"],
            unique=False,
            sqlite_where=sa.text("merged_into IS NOT NULL"),
            postgresql_where=sa.text("merged_into IS NOT NULL"),
        )
        batch_op.create_index("ix_members_programme", ["programme_id", "id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("installation_id", BigInt, nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("done_at", UtcTime(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_text", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('due', 'done', 'dead')", name=op.f("ck_outbox_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint(
            "programme_id", "kind", "key", name=op.f("uq_outbox_programme_id_kind_key")
        ),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_dead",
            ["programme_id", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'dead'"),
            postgresql_where=sa.text("state = 'dead'"),
        )
        batch_op.create_index(
            "ix_outbox_due",
            ["programme_id", "due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'due'"),
            postgresql_where=sa.text("state = 'due'"),
        )

    op.create_table(
        "products",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("price_minor", BigInt, nullable=True),
        sa.Column("categories", Json, nullable=False),
        sa.Column("brand", sa.Text(), nullable=True),
        sa.Column("attributes", Json, nullable=False),
        sa.Column("legal_class", sa.Text(), nullable=True),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "sku", name=op.f("pk_products")),
    )
    op.create_table(
        "programmes",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programmes")),
        sa.UniqueConstraint("code", name=op.f("uq_programmes_code")),
    )
    op.create_table(
        "purchase_fiscal",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("fn", sa.Text(), nullable=False),
        sa.Column("fd", sa.Text(), nullable=False),
        sa.Column("fp", sa.Text(), nullable=False),
        sa.Column("purchase_id", BigInt, nullable=False),
        sa.PrimaryKeyConstraint(
            "programme_id", "fn", "fd", "fp", "purchase_id", name=op.f("pk_purchase_fiscal")
        ),
    )
    with op.batch_alter_table("purchase_fiscal", schema=None) as batch_op:
        batch_op.create_index("ix_purchase_fiscal_purchase", ["purchase_id"], unique=False)

    op.create_table(
        "purchase_lines",
        sa.Column("purchase_id", BigInt, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("quantity_milli", BigInt, nullable=False),
        sa.Column("amount_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("discount_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("spend_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("paid_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("earned_points", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("returned_milli", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("returned_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("purchase_id", "id", name=op.f("pk_purchase_lines")),
    )
    with op.batch_alter_table("purchase_lines", schema=None) as batch_op:
        batch_op.create_index("ix_purchase_lines_sku", ["sku"], unique=False)

    op.create_table(
        "purchases",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("revision", BigInt, nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("shop_id", BigInt, nullable=False),
        sa.Column("member_id", BigInt, nullable=True),
        sa.Column("linked_to", BigInt, nullable=True),
        sa.Column("order", sa.Text(), nullable=True),
        sa.Column("occurred_at", UtcTime(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("amount_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("discount_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("spend_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("paid_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("qualifying_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("booking", Json, nullable=False),
        sa.Column("flags", Json, nullable=False),
        sa.CheckConstraint(
            "status IN ('open', 'paid', 'cancelled')", name=op.f("ck_purchases_status_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchases")),
        sa.UniqueConstraint(
            "programme_id",
            "external_id",
            "source",
            name=op.f("uq_purchases_programme_id_external_id_source"),
        ),
    )
    with op.batch_alter_table("purchases", schema=None) as batch_op:
        batch_op.create_index("ix_purchases_member", ["member_id", "occurred_at"], unique=False)
        batch_op.create_index("ix_purchases_order", ["programme_id", "order"], unique=False)
        batch_op.create_index(
            "ix_purchases_linked_to",
            ["linked_to"],
            unique=False,
            sqlite_where=sa.text("linked_to IS NOT NULL"),
            postgresql_where=sa.text("linked_to IS NOT NULL"),
        )

    op.create_table(
        "refunds",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("revision", BigInt, nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by_list", sa.Boolean(), nullable=False),
        sa.Column("purchase_id", BigInt, nullable=True),
        sa.Column("purchase_external_id", sa.Text(), nullable=True),
        sa.Column("order", sa.Text(), nullable=True),
        sa.Column("occurred_at", UtcTime(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("booking", Json, nullable=False),
        sa.Column("flags", Json, nullable=False),
        sa.CheckConstraint(
            "state IN ('booked', 'waiting', 'listed', 'withdrawn')",
            name=op.f("ck_refunds_state_known"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'listed') OR purchase_id IS NOT NULL",
            name=op.f("ck_refunds_booked_on_a_purchase"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint(
            "programme_id",
            "source",
            "external_id",
            name=op.f("uq_refunds_programme_id_source_external_id"),
        ),
    )
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.create_index("ix_refunds_purchase", ["purchase_id"], unique=False)
        batch_op.create_index(
            "ix_refunds_waiting",
            ["programme_id", "received_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('waiting', 'listed')"),
            postgresql_where=sa.text("state IN ('waiting', 'listed')"),
        )

    op.create_table(
        "rules_versions",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("published_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'published')", name=op.f("ck_rules_versions_state_known")
        ),
        sa.PrimaryKeyConstraint("programme_id", "version", name=op.f("pk_rules_versions")),
    )
    op.create_table(
        "shops",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("vendor", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shops")),
        sa.UniqueConstraint("programme_id", "code", name=op.f("uq_shops_programme_id_code")),
    )
    op.create_table(
        "tier_changes",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("member_id", "at", name=op.f("pk_tier_changes")),
    )
