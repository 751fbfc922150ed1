"""Gift certificates: lots with their terms, codes with their money, and its movements.

A family of its own: no foreign key leads into the ledger family (`ledger.md` 31).  Movements are
numbered within their certificate, like entries within their account.  Kopecks.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from loyalty_core.domain.certificate_book import Figures
from loyalty_core.store.tables.base import (
    count,
    id_column,
    metadata,
    none_below_zero,
    partial_index,
)
from loyalty_core.store.types import BigInt, Json, UtcTime

certificate_lots = Table(
    "certificate_lots",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("name", Text, nullable=False),
    Column("series", Text, nullable=False),
    count("size", default=None),
    count("made"),
    Column("nominal_minor", BigInt),
    Column("life_days", BigInt),
    Column("top_up", Boolean, nullable=False),
    Column("loaded", Boolean, nullable=False),
    Column("goods", Json, nullable=False),
    Column("member_id", BigInt),
    Column("author", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("programme_id", "name"),
    *none_below_zero("size"),
    CheckConstraint("made >= 0 AND made <= size", name="made_within_size"),
    CheckConstraint("nominal_minor > 0", name="nominal_positive"),
    CheckConstraint("NOT loaded OR nominal_minor IS NOT NULL", name="loaded_with_nominal"),
)

certificates = Table(
    "certificates",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("code", Text, nullable=False),
    Column("lot_id", BigInt, nullable=False),
    Column("member_id", BigInt),
    Column("blocked", Boolean, nullable=False, server_default=false()),
    Column("nominal_minor", BigInt),
    *[count(f"{name}_minor") for name in Figures._fields],
    Column("activated_at", UtcTime),
    Column("activated_by", BigInt),
    Column("expires_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    count("moves"),
    UniqueConstraint("programme_id", "code"),
    *none_below_zero(*(f"{name}_minor" for name in Figures._fields)),
    CheckConstraint("reserved_minor <= balance_minor", name="reserved_within_balance"),
    CheckConstraint(
        "owed_minor = 0 OR balance_minor = reserved_minor", name="nothing_free_in_debt"
    ),
    CheckConstraint(
        "balance_minor - owed_minor + expired_minor = loaded_minor - paid_minor",
        name="figures_agree",
    ),
)
Index("ix_certificates_lot", certificates.c.lot_id, certificates.c.id)
partial_index(
    "ix_certificates_member",
    certificates.c.programme_id,
    certificates.c.member_id,
    where="member_id IS NOT NULL",
)
partial_index(
    "ix_certificates_ending",
    certificates.c.expires_at,
    where="balance_minor > reserved_minor",
)

certificate_moves = Table(
    "certificate_moves",
    metadata,
    Column("certificate_id", BigInt, nullable=False),
    Column("no", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    *[count(f"d_{name}_minor", default=None) for name in Figures._fields],
    Column("purchase_id", BigInt),
    Column("hold_id", BigInt),
    Column("by", Text, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),
    Column("booked_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("certificate_id", "no"),
    UniqueConstraint("certificate_id", "key"),
    CheckConstraint(
        "kind IN ('activate', 'top_up', 'reserve', 'release', 'pay', 'give_back', 'expire',"
        " 'void')",
        name="kind_known",
    ),
    CheckConstraint(
        "d_balance_minor - d_owed_minor + d_expired_minor = d_loaded_minor - d_paid_minor",
        name="changes_agree",
    ),
    CheckConstraint("d_reserved_minor = 0 OR hold_id IS NOT NULL", name="reserved_by_a_hold"),
)
partial_index(
    "ix_certificate_moves_purchase",
    certificate_moves.c.purchase_id,
    where="purchase_id IS NOT NULL",
)
partial_index("ix_certificate_moves_hold", certificate_moves.c.hold_id, where="hold_id IS NOT NULL")
