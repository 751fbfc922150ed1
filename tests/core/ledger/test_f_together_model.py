"""Random histories in which features meet: tiers, coupons, certificates, limits, clubs, miles and
points on the same receipts.

Three laws of all of them.  A hold promises what the quote just before it told.  A receipt bought
as promised moves what was promised.  And whoever takes everything back, by returns or by
cancelling, in whatever order, leaves what never having bought would leave (`ledger.md` 26).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from loyalty_core.store.tables import coupons, members, memberships, promotion_uses
from loyalty_kit.checkout import BasketLine, Quote
from loyalty_kit.events import CertificateSale, CertificateUse, LineKind, Purchase, PurchaseStatus
from tests.core.ledger.test_f_coupons import series
from tests.core.ledger.test_f_promotion_limits import double, limit, off
from tests.core.ledger.test_f_promotion_model import PLAYED
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, Figures, Shop, open_programme, rules
from tests.support.lines import back, line

PEOPLE = (ANNA, BORIS)
BUYERS = st.sampled_from(PEOPLE)
GIVEN = 300_00
"""Points that each has at first."""
AMOUNTS = st.sampled_from([3_33, 10_00, 99_99, 150_00, 777_77])
PIECES = st.sampled_from([1, 1, 2, 3])
LOADED = {"gift": 120_00, "tea": 50_00}
PROMOTIONS = [
    off(
        limit("money", "200.00"),
        limit(most="3", per="member", period="month"),
        id="ten",
        coupon="ten",
    ),
    off(id="next", coupon="next"),
    double(limit("points", "120.00")),
    {"id": "third", "name": "Third", "type": "each_nth", "params": {"n": 3}},
    {
        "id": "bonus",
        "name": "Bonus",
        "type": "earn_points",
        "coupon": "bonus",
        "params": {"points": "33", "skus": ["SKU-2"]},
    },
    {
        "id": "miles",
        "name": "Miles",
        "type": "earn_per_unit",
        "params": {"points": "3", "currency": "miles", "skus": ["SKU-1"]},
    },
    {
        "id": "gives",
        "name": "Gives",
        "type": "give_coupon",
        "params": {"series": "next", "skus": ["SKU-2"], "total_min": "100.00"},
        "limits": [limit(most="2", per="member")],
    },
    {
        "id": "club",
        "name": "Club",
        "type": "sum_off",
        "params": {"sum": "7.77"},
        "when": {"field": "member.club", "is": "has_any", "value": ["wine"]},
    },
]


def document() -> dict[str, Any]:
    """No points end by time, so that all of them can come back."""
    whole = rules(life_days=None, rounding="down")
    whole["spending"] |= {"limit_percent": "50", "step": "1.00"}
    whole["currencies"].append({"code": "miles", "name": "Miles"})
    gold = {"earn_percent": "20", "spend_limit_percent": "90"}
    return whole | {
        "tiers": [
            {"code": "base", "name": "Base", "spend_from": "0"},
            {"code": "gold", "name": "Gold", "spend_from": "500.00", **gold},
        ],
        "tiering": {"counts": "this_receipt", "window": "days", "days": 25},
        "clubs": [{"code": "wine", "name": "Wine", "skus": ["SKU-3"], "days": 30}],
        "coupons": [series("ten", uses=2), series("next"), series("bonus")],
        "certificates": [
            {"code": "gift", "name": "Gift", "life_days": 400},
            {"code": "tea", "name": "Tea", "skus": ["SKU-1"], "life_days": 400},
        ],
        "promotions": PROMOTIONS,
    }


@dataclass
class Cart:
    hold: Any
    by: str
    basket: tuple[BasketLine, ...]


def told(quote: Quote) -> Quote:
    """What does not differ between a quote and the hold after it."""
    return replace(quote, id="", explanation=(), offers=())


class Histories(RuleBasedStateMachine):
    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.numbers = count(1)
        self.carts: dict[str, Cart] = {}
        self.sales: list[Purchase] = []

    @initialize()
    def begin(self) -> None:
        self.shop: Shop = open_programme(self.engine, document())
        first = (line("1", 1_00, sku="SKU-0"),)
        self.shop.tell(*(self.shop.purchase(f"first-{by}", lines=first, by=by) for by in PEOPLE))
        for by in PEOPLE:
            self.shop.adjust(GIVEN, f"gift-{by}", by)
        self.shop.advance(hours=1)
        self.codes = [code for name in ("ten", "bonus") for code in self.shop.make_coupons(name, 2)]
        self.loaded = {
            code: money
            for name, money in LOADED.items()
            for code in self.shop.make_certificates(money, 2, series=name)
        }
        self.unsold = self.shop.make_certificates(80_00, 2, loaded=False)

    # --- what happens -------------------------------------------------------------------------

    @rule(data=st.data(), by=BUYERS, hours=st.sampled_from([1, 24]))
    def holds(self, data: st.DataObject, by: str, hours: int) -> None:
        own = [row["code"] for row in self._coupons() if row["member_id"] == self.shop.member(by)]
        basket = self._basket(data)
        said: dict[str, Any] = {
            "by": by,
            "cart": f"cart-{next(self.numbers)}",
            "coupons": self._some(data, [*self.codes, *own]),
            "certificates": self._some(data, [*self.loaded, *self.unsold]),
            "spend": data.draw(st.sampled_from([None, "max"])),
        }
        quote = self.shop.quote_lines(basket, **said)
        hold = self.shop.hold_lines(basket, ttl_s=hours * 3600, **said)
        assert told(hold.quote) == told(quote)
        self.carts[said["cart"]] = Cart(hold, by, basket)

    @rule(data=st.data())
    @precondition(lambda self: self.carts)
    def releases(self, data: st.DataObject) -> None:
        self.shop.release(self.carts.pop(data.draw(st.sampled_from(sorted(self.carts)))).hold)

    @rule(data=st.data(), more=st.sampled_from([(), (), (line("9", 60_00, sku="SKU-2"),)]))
    @precondition(lambda self: self.carts)
    def pays(self, data: st.DataObject, more: tuple[Any, ...]) -> None:
        cart = self.carts.pop(data.draw(st.sampled_from(sorted(self.carts))))
        quote, live = cart.hold.quote, cart.hold.expires_at > self.shop.now
        lines = tuple(
            line(
                one.id,
                one.amount_minor,
                discount=one.discount_minor,
                spend=one.spend_minor,
                pieces=asked.quantity_milli // 1000,
                sku=asked.sku,
            )
            for one, asked in zip(quote.lines, cart.basket, strict=True)
        )
        receipt = self._sale(lines=(*lines, *more), by=cart.by, hold=cart.hold.id)
        if not more:
            assert receipt.points["earned"] == quote.points.earn
            assert receipt.points["spent"] == quote.points.spend
            assert receipt.certificates["paid"] == quote.totals.certificates_minor
            assert receipt.flags == () or not live

    @rule(data=st.data(), by=st.sampled_from([*PEOPLE, None]), open_=st.booleans())
    def sells(self, data: st.DataObject, by: str | None, open_: bool) -> None:
        """A till gives what it likes, and an order may be placed without being paid."""
        lines = []
        for one in self._basket(data):
            cost, off_ = one.amount_minor, data.draw(st.sampled_from([0, 1_00]))
            spend = (cost - off_) // 2 if by and data.draw(st.booleans()) else 0
            pieces = one.quantity_milli // 1000
            lines.append(line(one.id, cost, discount=off_, spend=spend, pieces=pieces, sku=one.sku))
        uses = tuple(
            CertificateUse(code, min(30_00, sum(one.paid_minor for one in lines)))
            for code in self._some(data, [*self.loaded, *self.unsold])[:1]
        )
        if data.draw(st.booleans()):
            sold = CertificateSale(data.draw(st.sampled_from(self.unsold)), None)
            lines.append(line("8", 80_00, kind=LineKind.CERTIFICATE, certificate=sold))
        status = PurchaseStatus.OPEN if open_ else PurchaseStatus.PAID
        said = {"coupons": self._some(data, self.codes), "certificates": uses, "status": status}
        self._sale(lines=tuple(lines), by=by, **said)

    @rule(data=st.data())
    @precondition(lambda self: self.sales)
    def brings_back(self, data: st.DataObject) -> None:
        sale = data.draw(st.sampled_from(self.sales))
        one = data.draw(st.sampled_from(sale.lines))
        pieces = data.draw(st.integers(1, one.quantity_milli // 1000))
        money = one.paid_minor * pieces * 1000 // one.quantity_milli
        parts = data.draw(st.sampled_from([(), (back(one.id, money, pieces),)]))
        name = f"R{next(self.numbers)}"
        self.shop.bring_back(name, money, purchase=sale.external_id, lines=parts)

    @rule(data=st.data(), status=st.sampled_from(list(PurchaseStatus)), by=BUYERS)
    @precondition(lambda self: self.sales)
    def revises(self, data: st.DataObject, status: PurchaseStatus, by: str) -> None:
        """It is paid, placed, called off; now and then it is another's."""
        place = data.draw(st.integers(0, len(self.sales) - 1))
        sale = replace(self.sales[place], revision=self.sales[place].revision + 1, status=status)
        if data.draw(st.integers(0, 3)) == 0:
            sale = replace(sale, customer=self.shop.purchase("", 1, by=by).customer)
        self.sales[place] = sale
        self.shop.tell(sale)

    @rule(hours=st.sampled_from([1, 30, 24 * 20]))
    def time_goes_by(self, hours: int) -> None:
        self.shop.advance(hours=hours)
        self.shop.keep_up()

    # --- what is true in the end --------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "shop"):
            return
        assert_books_add_up(self.shop)
        self._take_all_back()
        assert_books_add_up(self.shop)
        for by in PEOPLE:
            had = self.shop.figures(by)
            assert (had.available - had.debt, had.pending, had.held) == (GIVEN, 0, 0)
            assert self.shop.figures(by, "miles") == Figures()
        rows = self.shop._own(members)
        assert [(row["spent_minor"], row["purchase_count"]) for row in rows] == [(1_00, 1)] * 2
        assert {row["used"] for row in self.shop._own(promotion_uses)} <= {0}
        assert {row["uses"] + row["over"] for row in self._coupons()} <= {0}
        own = [row["state"] for row in self._coupons() if row["member_id"] is not None]
        assert set(own) <= {"withdrawn"}
        assert self.shop._own(memberships) == []
        assert {code: self.shop.money(code) for code in self.loaded} == {
            code: f"active {money // 100}.00" for code, money in self.loaded.items()
        }
        assert {self.shop.certificate(code)["owed"] for code in self.unsold} == {"0.00"}

    def _take_all_back(self) -> None:
        """Holds are let go; each purchase is called off, or each of its lines returned."""
        for cart in self.carts.values():
            if cart.hold.expires_at > self.shop.now:
                self.shop.release(cart.hold)
        self.shop.keep_up()
        for sale in self.sales:
            if sale.status is PurchaseStatus.PAID and sale.revision % 2:
                for one in sale.lines:
                    parts = (back(one.id, one.paid_minor, one.quantity_milli // 1000),)
                    name, said = f"R{next(self.numbers)}", {"purchase": sale.external_id}
                    self.shop.bring_back(name, one.paid_minor, lines=parts, **said)
            else:
                gone = {"status": PurchaseStatus.CANCELLED, "revision": sale.revision + 1}
                self.shop.tell(replace(sale, **gone))

    # --- inside -------------------------------------------------------------------------------

    def _basket(self, data: st.DataObject) -> tuple[BasketLine, ...]:
        pieces = data.draw(st.lists(PIECES, min_size=1, max_size=3))
        return tuple(
            BasketLine(
                str(place),
                many * 1000,
                data.draw(AMOUNTS),
                sku=f"SKU-{data.draw(st.integers(1, 3))}",
                categories=(),
            )
            for place, many in enumerate(pieces, 1)
        )

    def _some(self, data: st.DataObject, codes: list[str]) -> tuple[str, ...]:
        return tuple(data.draw(st.lists(st.sampled_from(codes), max_size=2, unique=True)))

    def _sale(self, **said: Any) -> Any:
        self.sales.append(self.shop.purchase(f"P{next(self.numbers)}", **said))
        (receipt,) = self.shop.tell(self.sales[-1])
        return receipt

    def _coupons(self) -> list[dict[str, Any]]:
        return self.shop._own(coupons)


def test_random_histories_of_features_that_meet(engine: Engine):
    run_state_machine_as_test(lambda: Histories(engine), settings=PLAYED)
