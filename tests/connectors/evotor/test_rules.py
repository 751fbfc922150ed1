"""What a terminal reckons without a line, by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.evotor.terminal.receipt import Position, Receipt
from connectors.evotor.terminal.rules import reckoned

BASKET = Receipt(
    "r-1",
    [
        Position("1", Decimal(2), Decimal("690.00"), "tea"),
        Position("2", Decimal(1), Decimal("420.00"), "cup"),
        Position("3", Decimal(1), Decimal("200.00"), "smoke", type="TOBACCO_MARKED"),
    ],
)
"""1800.00 of what may be lowered, and tobacco."""
SILVER = {"code": "silver", "earnPercent": "7.50", "spendPercent": "20.00"}


def pack(percent: str = "5.00", base: str = "paid", rounding: str = "down", **spend: str) -> Any:
    return {
        "id": "r1", "barredTypes": ["TOBACCO_MARKED"], "leastPrice": "0.01", "pointValue": "1.00",
        "earn": {"percent": percent, "base": base, "rounding": rounding},
        "spend": {"percent": "30.00", "step": "1.00", "least": "0.00", **spend},
        "tiers": [SILVER],
    }  # fmt: skip


def known(balance: str = "1000.00", tier: str | None = None) -> dict[str, str | None]:
    return {"customerId": "m_1", "tier": tier, "balance": balance}


@pytest.mark.parametrize(
    ("rules", "customer", "wish", "left", "spent", "earned"),
    [
        pytest.param(pack(), known(), "190", "190", "190", "80", id="down"),
        pytest.param(pack(rounding="half_up"), known(), "190", "190", "190", "81", id="half up"),
        pytest.param(
            pack("7.50", "amount", "none"), known(), "190", "190", "190", "135.00", id="exact"
        ),
        pytest.param(
            pack(base="paid_unless_spent"), known(), "190", "190", "190", "0", id="unless spent"
        ),
        pytest.param(pack(), known("100.50"), "190", "190", "100", "85", id="balance"),
        pytest.param(pack(), known(), "190", "50", "50", "87", id="what is left"),
        pytest.param(pack(), known(), "900", "900", "540", "63", id="30 % of 1800"),
        pytest.param(pack(), known(tier="silver"), "900", "900", "360", "108", id="silver"),
        pytest.param(pack(least="300.00"), known(), "190", "190", "0", "90", id="too few"),
        pytest.param(pack(step="50.00"), known(), "190", "190", "150", "82", id="step"),
        pytest.param(pack(), None, "190", "190", "0", "0", id="nobody"),
        pytest.param(
            pack(percent="5.00") | {"pointValue": "0.50"},
            known(), "190", "190", "190", "170", id="points of half a rouble",
        ),
    ],
)  # fmt: skip
def test_points_spent_and_earned(
    rules: Any, customer: Any, wish: str, left: str, spent: str, earned: str
):
    offer = reckoned(rules, BASKET, customer=customer, wish=Decimal(wish), left=Decimal(left))

    assert (offer.spent, offer.earned) == (Decimal(spent), Decimal(earned))
    assert offer.discount == Decimal(spent) * Decimal(rules["pointValue"])
    assert "3" not in offer.off


def test_parts_add_up_and_no_line_falls_below_the_least_price():
    cheap = Receipt("r-2", [Position(str(n), Decimal("0.333"), Decimal("0.07")) for n in range(3)])
    offer = reckoned(
        pack(percent="5.00") | {"pointValue": "0.01"} | {"spend": {
            "percent": "100.00", "step": "1.00", "least": "0.00"}},
        cheap, customer=known(), wish=Decimal(1000), left=Decimal(1000),
    )  # fmt: skip
    # Three lines of 2 kopecks; 0.333 x 0.01 is no kopeck, so all may go.
    assert (offer.spent, offer.discount) == (6, Decimal("0.06"))
    assert all(off <= Decimal("0.02") for off in offer.off.values())


def test_a_scanned_card_is_written_down_for_whom_nobody_could_ask():
    scanned = Receipt("r-3", BASKET.positions, {"code": "2000000000015"})
    offer = reckoned(pack(), scanned, customer=None, wish=Decimal(0), left=Decimal(0))
    assert (offer.block["card"], offer.earned) == ("2000000000015", 90)
