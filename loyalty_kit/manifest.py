"""What a connector says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from marshmallow import Schema


class Capability(StrEnum):
    WEBHOOK = "webhook"
    FETCH = "fetch"
    PULL = "pull"
    CATALOGUE = "catalogue"
    PROTOCOL = "protocol"
    PUSH_BALANCE = "push_balance"
    PUSH_DISCOUNTS = "push_discounts"
    MESSAGE = "message"
    RECEIPTS = "receipts"
    REPORT = "report"
    COMPANION = "companion"
    FRAME = "frame"
    CHECK = "check"
    SHOP_WEBHOOKS = "shop_webhooks"


class Channel(StrEnum):
    """A way to a person, by the kind of address that it needs."""

    SMS = "sms"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Manifest:
    """`code` equals the entry point's name; `kit` is the range of kit versions it fits.

    `title` and `summary` are by language ("ru", "en").
    """

    code: str
    title: dict[str, str]
    capabilities: frozenset[Capability]
    settings_schema: type[Schema]
    summary: dict[str, str]
    kit: str = ">=1.0,<2"
