"""Every table, in families; `metadata` knows them all.

No family has foreign keys into the ledger family (`ledger.md` 31).
"""

from __future__ import annotations

from loyalty_core.store.tables.base import metadata
from loyalty_core.store.tables.certificates import (
    certificate_lots,
    certificate_moves,
    certificates,
)
from loyalty_core.store.tables.consents import (
    channel_policies,
    consent_evidence,
    consent_states,
    consent_texts,
    consents,
)
from loyalty_core.store.tables.coupons import coupon_lots, coupon_uses, coupons
from loyalty_core.store.tables.ledger import (
    LEDGER_FAMILY,
    accounts,
    entries,
    entry_lots,
    holds,
    lots,
)
from loyalty_core.store.tables.letters import letter_settings, letter_texts, sent_messages
from loyalty_core.store.tables.limits import promotion_use_parts, promotion_uses
from loyalty_core.store.tables.machine import (
    admins,
    audit_log,
    backfills,
    balance_pushes,
    deliveries,
    documents,
    heartbeats,
    idempotency,
    installations,
    invitations,
    outbox,
    pairing_codes,
    staff,
)
from loyalty_core.store.tables.members import (
    cards,
    confirmations,
    identities,
    identity_conflicts,
    members,
    retired_cards,
    tier_changes,
)
from loyalty_core.store.tables.moving import balance_comparisons, import_columns, imports
from loyalty_core.store.tables.partners import partner_prices, partners
from loyalty_core.store.tables.privileges import (
    club_grants,
    event_guests,
    event_places,
    list_fillings,
    member_goods,
    memberships,
    reward_choices,
)
from loyalty_core.store.tables.programme import (
    api_keys,
    categories,
    products,
    programmes,
    rules_versions,
    shops,
)
from loyalty_core.store.tables.receipts import (
    PADDED,
    event_products,
    happenings,
    hold_claims,
    linked_sources,
    parted_purchases,
    purchase_fiscal,
    purchase_lines,
    purchases,
    receipt_claims,
    refunds,
)
from loyalty_core.store.tables.reward_orders import reward_orders, reward_stock

__all__ = [
    "LEDGER_FAMILY",
    "PADDED",
    "accounts",
    "admins",
    "api_keys",
    "audit_log",
    "backfills",
    "balance_comparisons",
    "balance_pushes",
    "cards",
    "categories",
    "certificate_lots",
    "certificate_moves",
    "certificates",
    "channel_policies",
    "club_grants",
    "confirmations",
    "consent_evidence",
    "consent_states",
    "consent_texts",
    "consents",
    "coupon_lots",
    "coupon_uses",
    "coupons",
    "deliveries",
    "documents",
    "entries",
    "entry_lots",
    "event_guests",
    "event_places",
    "event_products",
    "happenings",
    "heartbeats",
    "hold_claims",
    "holds",
    "idempotency",
    "identities",
    "identity_conflicts",
    "import_columns",
    "imports",
    "installations",
    "invitations",
    "letter_settings",
    "letter_texts",
    "linked_sources",
    "list_fillings",
    "lots",
    "member_goods",
    "members",
    "memberships",
    "metadata",
    "outbox",
    "pairing_codes",
    "parted_purchases",
    "partner_prices",
    "partners",
    "products",
    "programmes",
    "promotion_use_parts",
    "promotion_uses",
    "purchase_fiscal",
    "purchase_lines",
    "purchases",
    "receipt_claims",
    "refunds",
    "retired_cards",
    "reward_choices",
    "reward_orders",
    "reward_stock",
    "rules_versions",
    "sent_messages",
    "shops",
    "staff",
    "tier_changes",
]
