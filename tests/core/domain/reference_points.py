"""The slow, obvious pricer, the rest of it: points that pay, and points that are earned."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

from tests.core.domain.reference import Prices, Rules, allotted, hundredths, largest_remainder

POINTS = {"earn_multiplier", "earn_points", "earn_per_sum", "earn_per_unit"}


class Reference(Prices):
    """One basket under one document, to the last hundredth of a point."""

    def run(self, asked: Any) -> Reference:
        tables = [self.tables(line) for line in self.lines]
        self.price(tables)
        self.write_off(asked, tables)
        self.earn(tables)
        return self

    # --- points that pay --------------------------------------------------------------------

    def write_off(self, asked: Any, tables: list[list[Rules]]) -> None:
        if not self.buyer["may_spend"]:
            return
        payable = [
            line["kind"] == "goods"
            and line["discountable"]
            and all(table["spend"] for table in tables[at])
            for at, line in enumerate(self.lines)
        ]
        share = self.shares(payable)
        own = {
            at: min(self.room[at], floor(self.left[at] * percent / 100))
            for at, percent in share.items()
        }
        pool = [at for at in range(self.count) if payable[at] and at not in own]
        spending = self.rules["spending"]
        limit = sum(self.left[at] for at in pool) * Fraction(spending["limit_percent"]) / 100
        common = min(floor(limit), sum(self.room[at] for at in pool))
        value, step = self.value("points"), hundredths(spending["step"])
        most = min(floor(Fraction((common + sum(own.values())) * 100, value)), self.buyer["points"])
        self.spend_max = most // step * step
        points = 0
        if asked is not None:
            points = self.spend_max if asked == "max" else min(asked, self.spend_max) // step * step
        if not points:
            return
        money = floor(Fraction(points * value, 100))
        of_pool, *of_own = largest_remainder(money, [common, *own.values()])
        for at, part in zip(own, of_own, strict=True):
            self.spend[at] = part
        weights = [self.left[at] for at in pool]
        parts = allotted(of_pool, weights, [self.room[at] for at in pool])
        for at, part in zip(pool, parts, strict=True):
            self.spend[at] = part

    def shares(self, payable: list[bool]) -> dict[int, Fraction]:
        """Lines with a limit of their own, in the order in which they came by it."""
        share: dict[int, Fraction] = {}
        applied: list[Rules] = []
        for lane, promotions in self.lanes({"spend_share"}):
            offers = []
            for one in promotions:
                if self.apart(one, applied):
                    continue
                percent = Fraction(one["params"]["percent"])
                lines = [at for at in self.meant(one["params"]) if payable[at] and at not in share]
                if not lines:
                    continue
                if lane["mode"] == "best":
                    worth = sum(self.left[at] for at in lines) * percent
                    offers.append((worth, one, lines, percent))
                else:
                    share |= dict.fromkeys(lines, percent)
                    applied.append(one)
            if offers:
                best = max(worth for worth, *_ in offers)
                _, one, lines, percent = next(offer for offer in offers if offer[0] == best)
                share |= dict.fromkeys(lines, percent)
                applied.append(one)
        self.applied |= {one["id"] for one in applied}
        return share

    def value(self, currency: str) -> int:
        (one,) = [one for one in self.rules["currencies"] if one["code"] == currency]
        return hundredths(one["value"])

    # --- points that are earned -------------------------------------------------------------

    def bases(self, tables: list[list[Rules]]) -> list[int]:
        earning = self.rules["earning"]
        base = []
        for at, line in enumerate(self.lines):
            paid = self.left[at] - self.spend[at]
            counted = self.left[at] if earning["base"] == "amount" else paid
            if earning["base"] == "paid_unless_spent" and sum(self.spend):
                counted = 0
            lawful = all(table["earn"] for table in tables[at])
            base.append(counted if line["kind"] == "goods" and lawful else 0)
        barred: list[Rules] = []
        for one in self.in_order({"no_earn"}):
            lines = self.meant(one["params"])
            if self.apart(one, barred) or not lines:
                continue
            barred.append(one)
            for at in lines:
                base[at] = 0
        return base

    def earn(self, tables: list[list[Rules]]) -> None:
        base = self.bases(tables)
        percent = Fraction(self.rules["earning"]["percent"]) / 100
        extras, named = self.bonuses(base, percent)
        value = self.value("points")
        cells = [("base", at, base[at] * percent) for at in range(self.count)]
        cells += [
            (one["id"], at, base[at] * percent * (Fraction(one["params"]["factor"]) - 1))
            for one, lines in extras
            for at in lines
        ]
        exact = sum((money for _, _, money in cells), Fraction(0)) * 100 / value
        points = self.rounded(exact)
        unit = 100_00 * 100_00
        parts = largest_remainder(points, [int(money * unit) for _, _, money in cells])
        for (source, at, _), part in zip(cells, parts, strict=True):
            self.give("points", source, at, part)
        for one, weights in named:
            total = self.named_points(one, weights)
            split = largest_remainder(total, list(weights.values()))
            currency = one["params"].get("currency") or "points"
            for at, part in zip(weights, split, strict=True):
                self.give(currency, one["id"], at, part)

    def rounded(self, exact: Fraction) -> int:
        rounding = self.rules["currencies"][0]["rounding"]
        if rounding == "down":
            return floor(exact / 100) * 100
        if rounding == "half_up":
            return floor(exact / 100 + Fraction(1, 2)) * 100
        return floor(exact + Fraction(1, 2))

    def give(self, currency: str, source: str, at: int, points: int) -> None:
        if points:
            self.points.setdefault((currency, source), {})[self.lines[at]["id"]] = points

    def named_points(self, one: Rules, weights: dict[int, int]) -> int:
        params = one["params"]
        if one["type"] == "earn_per_unit":
            return sum(weights.values())
        times = 1
        if one["type"] == "earn_per_sum":
            times = sum(weights.values()) // hundredths(params["per"])
        return times * hundredths(params["points"])

    def bonuses(self, base: list[int], percent: Fraction) -> Any:  # noqa: C901 - in one sight
        """Multipliers with their lines, and promotions of points with their lines' weights."""
        extras: list[tuple[Rules, list[int]]] = []
        named: list[tuple[Rules, dict[int, int]]] = []
        applied: list[Rules] = []

        def take(one: Rules, gift: Any) -> None:
            applied.append(one)
            (extras if one["type"] == "earn_multiplier" else named).append((one, gift))

        for lane, promotions in self.lanes(POINTS):
            taken: set[int] = set()
            offers = []
            for one in promotions:
                params = one["params"]
                if self.apart(one, applied) or self.too_little(params):
                    continue
                lines = [at for at in self.meant(params) if base[at] and at not in taken]
                if not lines:
                    continue
                if one["type"] == "earn_multiplier":
                    gift: Any = lines
                    more = Fraction(params["factor"]) - 1
                    worth = sum(base[at] for at in lines) * percent * more
                else:
                    gift = self.weights(one, lines, base)
                    points = self.named_points(one, gift)
                    if not points:
                        continue
                    worth = Fraction(points * self.value(params.get("currency") or "points"), 100)
                if lane["mode"] == "best":
                    offers.append((worth, one, gift))
                else:
                    take(one, gift)
                    if lane["once_per_line"]:
                        taken |= set(lines)
            if offers:
                best = max(worth for worth, *_ in offers)
                take(*next(offer[1:] for offer in offers if offer[0] == best))
        return extras, named

    def weights(self, one: Rules, lines: list[int], base: list[int]) -> dict[int, int]:
        if one["type"] != "earn_per_unit":
            return {at: base[at] for at in lines}
        each = hundredths(one["params"]["points"])
        return {at: floor(Fraction(each * self.lines[at]["quantity"], 1000)) for at in lines}
