"""Files that somebody brings in by the console, each with its bytes and its refused lines.

What people wrote into their files may name anybody, so neither stays for longer than a day
(`store.uploads.empty`).
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from loyalty_core.store.tables.base import (
    count,
    id_column,
    metadata,
    none_below_zero,
    partial_index,
)
from loyalty_core.store.types import BigInt, Json, UtcTime

uploads = Table(
    "uploads",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    # As its owner calls the file, and what was asked for beside it.
    Column("name", Text, nullable=False),
    Column("options", Json, nullable=False),
    Column("headings", Json, nullable=False),
    Column("stage", Text, nullable=False),
    # Lines of the file, those that are done, and what became of them.
    *[count(name) for name in ("total", "done", "added", "known", "rejected")],
    # How often somebody took it up since it last got anywhere.
    count("tries"),
    # NULL: nobody is to take it.
    Column("due_at", UtcTime),
    Column("made_at", UtcTime, nullable=False),
    Column("made_by", Text, nullable=False),
    # When somebody had it taken, after the check.
    Column("began_at", UtcTime),
    Column("changed_at", UtcTime, nullable=False),
    # Since when neither the file nor its refused lines are kept.
    Column("emptied_at", UtcTime),
    Column("error_code", Text),
    Column("error_facts", Json),
    # Of a base: our word for each column that is used, its heading, and how that is known; and
    # figures beside those above.
    Column("columns", Json, server_default=text("'[]'"), nullable=False),
    Column("counts", Json, server_default=text("'{}'"), nullable=False),
    UniqueConstraint("programme_id", "kind"),
    CheckConstraint(
        "kind IN ('products', 'coupons', 'certificates', 'members', 'balances', 'purchases')",
        name="kind_known",
    ),
    CheckConstraint(
        "stage IN ('checking', 'checked', 'taking', 'done', 'failed', 'stopped', 'lapsed')",
        name="stage_known",
    ),
    CheckConstraint(
        "(due_at IS NOT NULL) = (stage IN ('checking', 'taking'))", name="due_while_underway"
    ),
    *none_below_zero("total", "done", "added", "known", "rejected", "tries"),
)
"""The last file of each kind in each programme: how far it has come, and what came of it."""
partial_index("ix_uploads_kept", uploads.c.changed_at, where="emptied_at IS NULL")

upload_parts = Table(
    "upload_parts",
    metadata,
    Column("upload_id", BigInt, nullable=False),
    Column("number", BigInt, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("upload_id", "number"),
)
"""The bytes of a file, until it is brought in."""

upload_rejects = Table(
    "upload_rejects",
    metadata,
    Column("upload_id", BigInt, nullable=False),
    # How many lines of the file were done before these.
    Column("position", BigInt, nullable=False),
    # Number, reason and cells of each.
    Column("lines", Json, nullable=False),
    PrimaryKeyConstraint("upload_id", "position"),
)
"""Lines that were not taken, as they were, by portions."""
