"""Rules for terminals that lose the line: the plain terms of the programme, signed and dated.

The pack says what is earned, and how much of a receipt may be paid with points, where no
promotion applies; without a line nothing else is promised.  It is signed (Ed25519) under a key
made of the user's token, which the application never has: the proxy adds it.  The application
keeps the public half from `config`, and so tells a pack of the hub's from one that somebody put
into the terminal.  A pack's name carries its dates under a mark, so that a late receipt can be
held against the pack that it was sold by.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.evotor.settings import listed
from loyalty_kit.desk import BookedSale, Terms
from loyalty_kit.money import format_decimal
from loyalty_kit.ports import Settings

Wire = Mapping[str, Any]

FORM = 1
DRIFT = timedelta(hours=1)
"""A till's clock may be so wrong before its time counts as another."""
_NAME = re.compile(r"r([0-9]{1,9})-([0-9]{1,11})-([0-9]{1,11})-([0-9a-f]{16})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pack:
    """What a pack's name tells: rules version, and from when to when it is good."""

    version: int
    issued_at: datetime
    valid_until: datetime


def packed(terms: Terms, shop: str | None, settings: Settings, now: datetime) -> dict[str, str]:
    """The pack as it is sent: its exact text, and the signature over that text."""
    until = now + timedelta(hours=settings["pack_hours"])
    document = {
        "form": FORM,
        "id": _name(terms.version, now, until, settings),
        "rulesVersion": terms.version,
        "issuedAt": _moment(now),
        "validUntil": _moment(until),
        "shop": shop,
        "pointValue": format_decimal(terms.value_minor),
        "earn": {
            "percent": format_decimal(terms.earn_bp),
            "base": terms.base,
            "rounding": terms.rounding,
        },
        "spend": {
            "percent": format_decimal(terms.limit_bp),
            "step": format_decimal(terms.step),
            "least": format_decimal(terms.least),
            "offlineLimit": format_decimal(settings["offline_spend"] * 100),
        },
        "tiers": [
            {
                "code": tier.code,
                "earnPercent": format_decimal(tier.earn_bp),
                "spendPercent": format_decimal(tier.limit_bp),
            }
            for tier in terms.tiers
        ],
        "barredTypes": sorted(listed(settings["tobacco_types"])),
        "leastPrice": format_decimal(settings["least_price"]),
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    signature = _key(settings).sign(text.encode())
    return {"pack": text, "signature": base64.b64encode(signature).decode("ascii")}


def public_key(settings: Settings) -> str:
    """The 32 bytes of the Ed25519 key, in Base64."""
    raw = _key(settings).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode("ascii")


def pack_of(name: str | None, settings: Settings) -> Pack | None:
    """The pack of this name; None where the hub has made none of it."""
    found = _NAME.fullmatch(name or "")
    if found is None:
        return None
    version, issued, until = int(found[1]), int(found[2]), int(found[3])
    if not hmac.compare_digest(_mark(f"r{version}-{issued}-{until}", settings), found[4]):
        return None
    return Pack(version, datetime.fromtimestamp(issued, UTC), datetime.fromtimestamp(until, UTC))


def _name(version: int, now: datetime, until: datetime, settings: Settings) -> str:
    told = f"r{version}-{int(now.timestamp())}-{int(until.timestamp())}"
    return f"{told}-{_mark(told, settings)}"


def _mark(told: str, settings: Settings) -> str:
    return hmac.new(_seed(settings, "names"), told.encode(), hashlib.sha256).hexdigest()[:16]


def _key(settings: Settings) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_seed(settings, "rules"))


def _seed(settings: Settings, purpose: str) -> bytes:
    secret: str = settings["user_token"]
    said = f"evotor:{purpose}:{settings['user_id']}".encode()
    return hmac.new(secret.encode(), said, hashlib.sha256).digest()


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def conflicts_of(told: Wire, booked: BookedSale, settings: Settings) -> list[str]:
    """What a late receipt and the books do not agree in, or what the till should not have done."""
    found: list[str] = []
    if told["customer"] and not booked.known:
        found.append("customer_unknown")
    if told["earned"] is not None and told["earned"] != booked.earned:
        found.append("earned_differs")
    if told["spent"] is not None and told["spent"] != booked.spent:
        found.append("spent_differs")
    if told["spent"]:
        found += _spending(told, settings)
    return [*found, *(flag for flag in booked.flags if flag not in found)]


def _spending(told: Wire, settings: Settings) -> list[str]:
    found = ["over_limit"] if told["spent"] > settings["offline_spend"] * 100 else []
    pack = pack_of(told["pack"], settings)
    if pack is None:
        return [*found, "rules_unknown"]
    closed = told["closed_at"]
    if closed is not None and not pack.issued_at - DRIFT <= closed < pack.valid_until + DRIFT:
        found.append("rules_over")
    return found
