"""Beside django-oscar: the same shop on both sides, and no time without equal totals."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bench import oscar_processes
from bench.measure import RATE, BenchFailed
from bench.oscar import (
    FEW_OFFERS,
    MANY_OFFERS,
    Total,
    bodies_of,
    compare,
    make_shop,
    our_total,
    rules_of,
    their_total,
)
from loyalty_core.domain.pricing.basket import NOBODY
from loyalty_core.domain.pricing.plan import compile_rules
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.rules import parse_rules
from loyalty_kit.checkout_schema import load_quote_request
from tools.set_up import SetUpError

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
TOTAL = Total(Decimal("90.00"), {"p_0": Decimal("10.00")})


def test_equal_totals_pass_however_they_are_written() -> None:
    compare([TOTAL], [their_total({"payable": "90.0", "discounts": {"p_0": "10"}})])


@pytest.mark.parametrize(
    "other",
    [
        Total(Decimal("90.01"), {"p_0": Decimal("10.00")}),
        Total(Decimal("90.00"), {"p_0": Decimal("9.99")}),
        Total(Decimal("90.00"), {"p_1": Decimal("10.00")}),
        Total(Decimal("90.00"), {}),
    ],
)
def test_a_kopeck_or_another_offer_fails_the_bench(other: Total) -> None:
    with pytest.raises(BenchFailed, match="basket 1"):
        compare([TOTAL, TOTAL], [TOTAL, other])


def test_baskets_with_nothing_off_prove_nothing() -> None:
    bare = Total(Decimal("100.00"), {})

    with pytest.raises(BenchFailed, match="no offer"):
        compare([bare], [bare])


def test_our_total_adds_up_the_lines_by_offer() -> None:
    told = our_total(
        {
            "totals": {"payable": "265.00"},
            "lines": [
                {"discounts": [{"promotion": "p_0", "amount": "10.00"}]},
                {"discounts": [{"promotion": "p_0", "amount": "5.50"}]},
                {"discounts": [{"promotion": "p_1", "amount": "19.50"}]},
                {"discounts": []},
            ],
        }
    )

    off = {"p_0": Decimal("15.50"), "p_1": Decimal("19.50")}
    assert told == Total(Decimal("265.00"), off)


@pytest.mark.parametrize("offers", [FEW_OFFERS, MANY_OFFERS])
def test_the_shop_has_so_many_offers_and_the_same_baskets(offers: int) -> None:
    shop = make_shop(offers)

    assert len(shop.offers) == len({offer.id for offer in shop.offers}) == offers
    assert shop.baskets == make_shop(FEW_OFFERS).baskets
    assert all(len({one.sku for one in basket}) == 10 for basket in shop.baskets)
    known = {product.sku for product in shop.products}
    assert len(known) == len(shop.products)
    assert all(set(offer.skus) <= known for offer in shop.offers)


def test_our_rules_take_the_percent_of_each_offer_off_its_goods() -> None:
    shop = make_shop(FEW_OFFERS)
    plan = compile_rules(parse_rules(rules_of(shop)), 1)
    price = {product.sku: product.price for product in shop.products}

    for basket, body in zip(shop.baskets, bodies_of(shop), strict=True):
        priced = price_basket(load_quote_request(body), plan, NOBODY, NOW)
        # A percent of whole roubles is as many kopecks.
        off = sum(
            offer.percent * price[one.sku] * one.quantity
            for offer in shop.offers
            for one in basket
            if one.sku in offer.skus
        )
        assert 0 < priced.totals.discount_minor == off


# --- its processes --------------------------------------------------------------------------

_OBEDIENT = """
import json, sys
shop = json.loads(sys.stdin.readline())
totals = [len(basket) for basket in shop["baskets"]]
print(json.dumps({"versions": "1", "totals": totals}), flush=True)
for line in sys.stdin:
    print(json.dumps({"baskets": 6, "seconds": 2 * json.loads(line)["seconds"]}), flush=True)
"""
_BROKEN = """
import sys
sys.stdin.readline()
sys.exit("no such table")
"""


def _script(folder: Path, text: str) -> Path:
    script = folder / "shop.py"
    script.write_text(text, "utf-8")
    return script


def test_processes_are_asked_at_once_and_their_rates_add_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(oscar_processes, "SHOP", _script(tmp_path, _OBEDIENT))
    shop = asdict(make_shop(FEW_OFFERS))

    with oscar_processes.oscar_shops(Path(sys.executable), shop, 2, tmp_path) as shops:
        assert shops.totals == [[10] * 6] * 2
        assert shops.press(1.5) == {RATE: 4.0}


def test_a_process_that_ends_is_told_with_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(oscar_processes, "SHOP", _script(tmp_path, _BROKEN))
    shop = asdict(make_shop(FEW_OFFERS))

    with (
        pytest.raises(BenchFailed, match="no such table"),
        oscar_processes.oscar_shops(Path(sys.executable), shop, 1, tmp_path),
    ):
        pass


def test_what_the_lock_says_is_installed_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[str] = []

    def run(command: list[str]) -> None:
        ran.append(command[2])
        tmp_path.joinpath("venv").mkdir(exist_ok=True)

    monkeypatch.setattr(oscar_processes, "VENV", tmp_path / "venv")
    monkeypatch.setattr(oscar_processes, "run", run)

    python = oscar_processes.oscar_python(lambda _: None)
    assert oscar_processes.oscar_python(lambda _: None) == python
    assert ran == ["venv", "pip"]


def test_without_pypi_the_bench_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[str] = []

    def run(_: list[str]) -> None:
        raise SetUpError("Could not find a version that satisfies the requirement")

    monkeypatch.setattr(oscar_processes, "VENV", tmp_path / "venv")
    monkeypatch.setattr(oscar_processes, "run", run)

    with pytest.raises(BenchFailed, match="could not be installed from PyPI"):
        oscar_processes.oscar_python(told.append)
    assert "Could not find a version" in told[-1]
