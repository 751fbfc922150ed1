"""Moving in: how far files have come, what their columns are called, and how old balances agree.

No table here names a person.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from loyalty_core.store.tables.base import count, id_column, metadata, none_below_zero
from loyalty_core.store.types import BigInt, Json, UtcTime

_KINDS = "kind IN ('members', 'balances', 'purchases')"

imports = Table(
    "imports",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    # Of the file and of how it is read; and of the file alone, where it was kept then.
    Column("file_hash", Text, nullable=False),
    Column("state", Text, nullable=False),
    # Rows of the file that are done, and where its file of rejected rows ended with them.
    count("position"),
    count("bookmark"),
    Column("counts", Json, nullable=False),
    Column("before", Json, nullable=False),
    Column("after", Json),
    Column("started_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("content_hash", Text),
    UniqueConstraint("programme_id", "kind", "name"),
    *none_below_zero("position", "bookmark"),
    CheckConstraint(_KINDS, name="kind_known"),
    CheckConstraint("state IN ('running', 'done')", name="state_known"),
)
Index(
    "uq_imports_content",
    imports.c.programme_id,
    imports.c.kind,
    imports.c.content_hash,
    unique=True,
)

import_columns = Table(
    "import_columns",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    # Pairs of our word and the file's heading.
    Column("pairs", Json, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "kind", "name"),
    CheckConstraint(_KINDS, name="kind_known"),
)

balance_comparisons = Table(
    "balance_comparisons",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("day", Text, nullable=False),
    *[count(name) for name in ("members", "differing", "unknown_rows")],
    *[
        Column(f"{name}_points", BigInt, nullable=False)
        for name in ("theirs", "ours", "unknown", "apart")
    ],
    Column("made_at", UtcTime, nullable=False),
    # The same figures of currencies beside the main one, by their codes.
    Column("others", Json),
    PrimaryKeyConstraint("programme_id", "day"),
    *none_below_zero("members", "differing", "unknown_rows"),
)
