"""The machine room: people, installations, inbox, outbox."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
    true,
)

from loyalty_core.store.tables.base import (
    count,
    id_column,
    metadata,
    none_below_zero,
    partial_index,
)
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

console_sessions = Table(
    "console_sessions",
    metadata,
    id_column(),
    Column("admin_id", BigInt, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("browser", Text, nullable=False),
    Column("address", Text, nullable=False),
    Index("ix_console_sessions_admin", "admin_id"),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("admin_id", BigInt, primary_key=True, autoincrement=False),
    # Sealed by the hub's keys.
    Column("secret", LargeBinary, nullable=False),
    # No code of this step of time or an earlier one is taken again.
    Column("last_step", BigInt, nullable=False),
    Column("since", UtcTime, nullable=False),
    # Codes that were looked at since then and not taken.
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("tries_since", UtcTime),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("admin_id", BigInt, nullable=False),
    Column("hash", Text, nullable=False),
    Column("used_at", UtcTime),
    PrimaryKeyConstraint("admin_id", "hash"),
)

second_factor_roles = Table(
    "second_factor_roles",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("role", Text, nullable=False),
    PrimaryKeyConstraint("programme_id", "role"),
    CheckConstraint(
        "role IN ('owner', 'marketer', 'support', 'cashier', 'viewer')", name="role_known"
    ),
)

staff = Table(
    "staff",
    metadata,
    id_column(),
    Column("admin_id", BigInt, nullable=False),
    Column("programme_id", BigInt),
    Column("role", Text, nullable=False),
    Column("day_points", BigInt),
    Column("day", Text),
    count("given"),
    # Codes of the shops that the person is bound to; NULL: all.
    Column("shops", Json),
    Column("created_at", UtcTime, nullable=False),
    CheckConstraint(
        "role IN ('owner', 'marketer', 'support', 'cashier', 'viewer')", name="role_known"
    ),
    CheckConstraint("day_points >= 0", name="day_points_not_negative"),
    CheckConstraint("given >= 0", name="given_not_negative"),
)
"""Who is what in which programme; `programme_id` null: in all.  `given`: hundredths of points
given by hand on `day` of the programme's calendar."""
partial_index("uq_staff_everywhere", staff.c.admin_id, where="programme_id IS NULL", unique=True)
partial_index(
    "uq_staff_programme",
    staff.c.admin_id,
    staff.c.programme_id,
    where="programme_id IS NOT NULL",
    unique=True,
)

invitations = Table(
    "invitations",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
    Column("login", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("day_points", BigInt),
    Column("shops", Json),
    Column("author", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("taken_at", UtcTime),
    CheckConstraint("ends_at > made_at", name="ends_after_its_start"),
)

audit_log = Table(
    "audit_log",
    metadata,
    id_column(),
    Column("programme_id", BigInt),
    Column("at", UtcTime, nullable=False),
    Column("author", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Json, nullable=False),
    Column("after", Json, nullable=False),
    Index("ix_audit_log_programme", "programme_id", "id"),
)
"""Every change with what was before and after; triggers refuse to change or take out a row."""

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
    # Whether members' balances are shown in the shop, when next, and after how many failures.
    Column("shows_balances", Boolean, nullable=False, server_default=true()),
    Column("balances_due_at", UtcTime),
    Column("balances_failed", Integer, nullable=False, server_default=text("0")),
    # Of everybody who is to be told or forgotten: the name behind which it goes on.
    Column("balance_walk", Text),
    # When the shop's own webhooks are looked at next.
    Column("webhooks_due_at", UtcTime),
    # The last call that did not prove where it came from, or could not be read.
    Column("refused_at", UtcTime),
    Column("refused_code", Text),
    # Whether coupons of the programme are made in the shop, when next, after how many failures,
    # and what each series came to when the shop was told last.
    Column("makes_coupons", Boolean, nullable=False, server_default=false()),
    Column("coupons_due_at", UtcTime),
    Column("coupons_failed", Integer, nullable=False, server_default=text("0")),
    Column("coupon_terms", Json),
    # How far it is asked of those that come to something else now (`hub/outbox/coupons.py`).
    Column("coupon_walk", Json),
    # Of a recheck that is underway: the document behind which it goes on, with a `+` before it
    # where it was asked for anew meanwhile.
    Column("recheck_cursor", Text),
    UniqueConstraint("programme_id", "name"),
    CheckConstraint("state IN ('active', 'paused', 'attention')", name="state_known"),
)

balance_pushes = Table(
    "balance_pushes",
    metadata,
    Column("installation_id", BigInt, nullable=False),
    Column("member_id", BigInt, nullable=False),
    # How often it was asked for: whoever tells a balance sees whether it changed meanwhile.
    count("asked", default=1),
    # NULL: there is nothing to tell.
    Column("due_at", UtcTime),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # A mark of what was told last.
    Column("told", Text),
    Column("told_at", UtcTime),
    Column("error_code", Text),
    Column("error_text", Text),
    PrimaryKeyConstraint("installation_id", "member_id"),
)
"""Which shop is to be told, or was told, of which member's balance."""

coupon_pushes = Table(
    "coupon_pushes",
    metadata,
    Column("installation_id", BigInt, nullable=False),
    Column("code", Text, nullable=False),
    count("asked", default=1),
    # NULL: there is nothing to tell.
    Column("due_at", UtcTime),
    # A mark of what the shop has; empty: it was called, and nobody knows; NULL: nothing.
    Column("told", Text),
    Column("told_at", UtcTime),
    Column("error_code", Text),
    Column("error_text", Text),
    PrimaryKeyConstraint("installation_id", "code"),
)
"""Which shop is to have, or has, which coupon of the programme as one of its own."""
partial_index(
    "ix_coupon_pushes_due",
    coupon_pushes.c.installation_id,
    coupon_pushes.c.due_at,
    where="due_at IS NOT NULL",
)
partial_index(
    "ix_coupon_pushes_refused",
    coupon_pushes.c.installation_id,
    coupon_pushes.c.code,
    where="error_code IS NOT NULL",
)
Index("ix_balance_pushes_member", balance_pushes.c.member_id)
partial_index(
    "ix_balance_pushes_due",
    balance_pushes.c.installation_id,
    balance_pushes.c.due_at,
    where="due_at IS NOT NULL",
)

backfills = Table(
    "backfills",
    metadata,
    Column("installation_id", BigInt, primary_key=True, autoincrement=False),
    Column("programme_id", BigInt, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("dry", Boolean, nullable=False),
    Column("stage", Text, nullable=False),
    Column("cursor", Text),
    count("total"),
    count("found"),
    # NULL: it is over.
    Column("due_at", UtcTime),
    Column("started_at", UtcTime, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("ended_at", UtcTime),
    Column("error_code", Text),
    Column("error_text", Text),
    CheckConstraint(
        "stage IN ('counting', 'booking', 'counted', 'done', 'stopped')", name="stage_known"
    ),
    CheckConstraint(
        "(due_at IS NOT NULL) = (stage IN ('counting', 'booking'))", name="due_while_underway"
    ),
    *none_below_zero("total", "found"),
)
"""The last back-fill of each connection: how far it has come, and where it goes on."""
partial_index(
    "ix_backfills_due",
    backfills.c.programme_id,
    backfills.c.due_at,
    where="due_at IS NOT NULL",
)
simulations = Table(
    "simulations",
    metadata,
    Column("programme_id", BigInt, primary_key=True, autoincrement=False),
    Column("draft", Integer, nullable=False),
    Column("first_day", Text, nullable=False),
    Column("last_day", Text, nullable=False),
    Column("stage", Text, nullable=False),
    count("total"),
    count("done"),
    # NULL: it is over.
    Column("due_at", UtcTime),
    Column("started_at", UtcTime, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("ended_at", UtcTime),
    Column("error_code", Text),
    Column("result", Json),
    CheckConstraint("stage IN ('underway', 'done', 'failed', 'stopped')", name="stage_known"),
    CheckConstraint("(due_at IS NOT NULL) = (stage = 'underway')", name="due_while_underway"),
    *none_below_zero("total", "done"),
)
"""The last simulation of each programme: how far it has come, and what came of it."""

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

document_links = Table(
    "document_links",
    metadata,
    Column("installation_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("by_kind", Text, nullable=False),
    Column("by_ref", Text, nullable=False),
    PrimaryKeyConstraint("installation_id", "kind", "ref", "by_kind", "by_ref"),
    Index("ix_document_links_by", "installation_id", "by_kind", "by_ref"),
)

DUE: ColumnElement[str] = literal_column("'due'")
DEAD: ColumnElement[str] = literal_column("'dead'")
"""States as a statement's own words: where they are parameters, a plan that is made for any value
cannot use an index over the rows that are due."""

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
