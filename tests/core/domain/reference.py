"""A slow, obvious pricer of discounts, gifts and benefits.

It is written from `docs/pricing.md` and not from the code.

It takes the rules as the document that the owner published and lines as dictionaries; every
unit of goods is a thing of its own, and fractions are exact.  Prices by the unit
(`line_prices: unit`) are left out: a law of their own holds those.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any

Rules = dict[str, Any]
Line = dict[str, Any]

DISCOUNTS = {"percent_off", "sum_off", "fixed_price", "set_price", "each_nth", "scale_off"}


def hundredths(text: Any) -> int:
    return int(Fraction(str(text)) * 100)


def largest_remainder(total: int, weights: list[int]) -> list[int]:
    whole = sum(weights)
    exact = [Fraction(total * weight, whole) if whole else Fraction(0) for weight in weights]
    parts = [floor(part) for part in exact]
    order = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in order[: total - sum(parts)]:
        parts[at] += 1
    return parts


def allotted(total: int, weights: list[int], rooms: list[int]) -> list[int]:
    """What a room refuses moves to the others; what none can take is not given."""
    total = min(total, sum(rooms))
    given = [0] * len(rooms)
    able = [at for at in range(len(rooms)) if rooms[at]]
    while total:
        parts = largest_remainder(total, [weights[at] for at in able])
        full = [at for at, part in zip(able, parts, strict=True) if part > rooms[at]]
        if not full:
            for at, part in zip(able, parts, strict=True):
                given[at] = part
            return given
        for at in full:
            given[at] = rooms[at]
            total -= rooms[at]
            able.remove(at)
    return given


class Prices:
    """What one basket costs under one document.  Quantity and money in smallest units."""

    def __init__(self, rules: Rules, lines: list[Line], buyer: dict[str, Any]) -> None:
        self.rules, self.lines, self.buyer = rules, lines, buyer
        self.count = len(lines)
        self.left = [line["amount"] for line in lines]
        self.off: list[dict[str, int]] = [{} for _ in lines]
        self.spend = [0] * self.count
        self.spend_max = 0
        self.gifts: list[str] = []
        self.benefits: list[str] = []
        self.points: dict[tuple[str, str], dict[str, int]] = {}
        self.applied: set[str] = set()
        self.goods = sum(line["amount"] for line in lines if line["kind"] == "goods")

    def price(self, tables: list[list[Rules]]) -> None:
        self.room = [
            line["amount"] - self.lowest(line, tables[at]) if line["discountable"] else 0
            for at, line in enumerate(self.lines)
        ]
        self.may_discount = [
            line["discountable"] and all(table["discount"] for table in tables[at])
            for at, line in enumerate(self.lines)
        ]
        self.discounts()

    # --- the document -----------------------------------------------------------------------

    def means(self, goods: Rules, line: Line) -> bool:
        if line["kind"] not in goods.get("kinds", ["goods"]):
            return False
        categories, skus = goods.get("categories", []), goods.get("skus", [])
        named = set(categories) & set(line["categories"]) or line["sku"] in skus
        if (categories or skus) and not named:
            return False
        return not set(goods.get("except_categories", [])) & set(line["categories"])

    def meant(self, goods: Rules) -> list[int]:
        return [at for at in range(self.count) if self.means(goods, self.lines[at])]

    def tables(self, line: Line) -> list[Rules]:
        return [table for table in self.rules["regulated"] if table["class"] == line["class"]]

    def lowest(self, line: Line, tables: list[Rules]) -> int:
        units = Fraction(line["quantity"], 1000)
        floors = [ceil(line["min_price"] * units)]
        floors += [self.by_law(row, line, units) for table in tables for row in table["floor"]]
        for entry in self.rules["policies"].get("min_paid", []):
            if self.means(entry, line):
                floors.append(hundredths(entry["price"]))
                break
        return min(line["amount"], max(floors))

    def by_law(self, row: Rules, line: Line, units: Fraction) -> int:
        strength, volume = line["strength"], line["volume"]
        above, below = row["strength_from"], row["strength_below"]
        if strength is not None and above is not None and strength < hundredths(above):
            return 0
        if strength is not None and below is not None and strength >= hundredths(below):
            return 0
        most, of = row["up_to_volume_ml"], row["of_volume_ml"]
        if volume is not None and most is not None and volume > most:
            return 0
        if (strength is None and (above or below)) or (volume is None and (most or of)):
            return int(line["amount"])
        price = hundredths(row["price"])
        if of:
            price = ceil(Fraction(price * volume, of))
        return ceil(price * units)

    def in_order(self, types: set[str]) -> list[Rules]:
        place = {lane["code"]: number for number, lane in enumerate(self.rules["lanes"])}
        some = [one for one in self.rules["promotions"] if one["type"] in types]
        return sorted(some, key=lambda one: (place[one["lane"]], one["priority"], one["id"]))

    def lanes(self, types: set[str]) -> list[tuple[Rules, list[Rules]]]:
        ordered = self.in_order(types)
        return [
            (lane, [one for one in ordered if one["lane"] == lane["code"]])
            for lane in self.rules["lanes"]
        ]

    def apart(self, one: Rules, applied: list[Rules]) -> bool:
        """Whether one of those that applied keeps this promotion away."""
        return any(
            (one["group"] and other["group"] == one["group"])
            or other["id"] in one.get("never_with", [])
            or one["id"] in other.get("never_with", [])
            for other in applied
        )

    # --- discounts, gifts and benefits ------------------------------------------------------

    def discounts(self) -> None:
        applied: list[Rules] = []
        for lane, promotions in self.lanes(DISCOUNTS):
            taken: set[int] = set()
            offers = []
            for one in promotions:
                if self.apart(one, applied):
                    continue
                parts = self.offer(one, taken)
                if not sum(parts):
                    continue
                if lane["mode"] == "best":
                    offers.append((one, parts))
                else:
                    self.take(one, parts, applied)
                    if lane["once_per_line"]:
                        taken |= {at for at in range(self.count) if parts[at]}
            if offers:
                best = max(sum(parts) for _, parts in offers)
                self.take(*next(pair for pair in offers if sum(pair[1]) == best), applied)
        self.extras(applied)

    def extras(self, applied: list[Rules]) -> None:
        for one in self.in_order({"gift", "benefit"}):
            params = one["params"]
            if self.apart(one, applied) or not self.meant(params) or self.too_little(params):
                continue
            applied.append(one)
            self.applied.add(one["id"])
            (self.gifts if one["type"] == "gift" else self.benefits).append(one["id"])

    def take(self, one: Rules, parts: list[int], applied: list[Rules]) -> None:
        applied.append(one)
        self.applied.add(one["id"])
        for at, part in enumerate(parts):
            if part:
                self.off[at][one["id"]] = part
                self.left[at] -= part
                self.room[at] -= part

    def too_little(self, params: Rules) -> bool:
        return self.goods < hundredths(params.get("total_min", "0"))

    def offer(self, one: Rules, taken: set[int]) -> list[int]:  # noqa: C901 - a branch a type
        params, kind = one["params"], one["type"]
        nothing = [0] * self.count
        if self.too_little(params):
            return nothing
        if kind == "set_price":
            return self.sets(params, taken)
        lines = [at for at in self.meant(params) if self.may_discount[at] and at not in taken]
        if not lines:
            return nothing
        weights = {at: self.left[at] for at in lines}
        if kind == "percent_off":
            if params["of"] == "amount":
                weights = {at: self.lines[at]["amount"] for at in lines}
            total = floor(sum(weights.values()) * Fraction(params["percent"]) / 100)
        elif kind == "sum_off" and params["per"] == "receipt":
            total = hundredths(params["sum"])
        elif kind == "sum_off":
            each = hundredths(params["sum"])
            weights = {
                at: min(self.left[at], floor(Fraction(each * self.lines[at]["quantity"], 1000)))
                for at in lines
            }
            total = sum(weights.values())
        elif kind == "fixed_price":
            price = hundredths(params["price"])
            new = {
                at: floor(Fraction(price * self.lines[at]["quantity"], 1000) + Fraction(1, 2))
                for at in lines
            }
            weights = {at: max(0, self.left[at] - new[at]) for at in lines}
            total = sum(weights.values())
        elif kind == "each_nth":
            return self.each_nth(params, lines)
        else:
            reached = self.goods if params["by"] == "receipt" else self.buyer["spent"]
            steps = [step for step in params["steps"] if hundredths(step["from"]) <= reached]
            if not steps:
                return nothing
            step = max(steps, key=lambda step: hundredths(step["from"]))
            total = floor(sum(weights.values()) * Fraction(step["percent"]) / 100)
        return self.split(total, weights)

    def split(self, total: int, weights: dict[int, int]) -> list[int]:
        given = [0] * self.count
        lines = sorted(weights)
        rooms = [min(self.room[at], weights[at]) for at in lines]
        parts = allotted(total, [weights[at] for at in lines], rooms)
        for at, part in zip(lines, parts, strict=True):
            given[at] = part
        return given

    def units(self, at: int) -> int:
        """How many pieces; 0 of what is weighed."""
        whole, rest = divmod(self.lines[at]["quantity"], 1000)
        return 0 if rest else int(whole)

    def cost(self, at: int, units: int) -> int:
        return floor(Fraction(self.left[at] * units, self.units(at)))

    def unit_price(self, at: int) -> Fraction:
        return Fraction(self.left[at], self.units(at))

    def each_nth(self, params: Rules, lines: list[int]) -> list[int]:
        lines = [at for at in lines if self.units(at)]
        groups: dict[Any, list[int]] = {}
        for at in lines:
            article = self.lines[at]["sku"] or at
            groups.setdefault(article if params["same"] else "all", []).append(at)
        full, weights, counted = 0, {}, 0
        for group in groups.values():
            pieces = [at for at in group for _ in range(self.units(at))]
            free = len(pieces) // params["n"]
            if not free:
                continue
            counted += 1
            cheapest = sorted(pieces, key=self.unit_price)[:free]
            full += sum(self.cost(at, cheapest.count(at)) for at in set(cheapest))
            for at in group:
                weights[at] = floor(Fraction(self.left[at] * free, len(pieces)))
        if counted == 1:
            weights = {at: self.left[at] for at in weights}
        return self.split(floor(full * Fraction(params["percent"]) / 100), weights)

    def sets(self, params: Rules, taken: set[int]) -> list[int]:
        pieces: dict[int, int] = {
            at: self.units(at)
            for at in range(self.count)
            if self.may_discount[at] and at not in taken and self.units(at)
        }
        used: dict[int, int] = {}
        made, price = 0, hundredths(params["price"])
        while True:
            one: dict[int, int] = {}
            for part in params["parts"]:
                able = [at for at in pieces if self.means(part, self.lines[at])]
                # The dearest first; of equals the later line, as the cheapest go the other way.
                able.sort(key=lambda at: (self.unit_price(at), at), reverse=True)
                for _ in range(part["quantity"]):
                    at = next((at for at in able if pieces[at] - one.get(at, 0) > 0), None)
                    if at is None:
                        break
                    one[at] = one.get(at, 0) + 1
                else:
                    continue
                break
            else:
                if sum(self.cost(at, units) for at, units in one.items()) > price:
                    made += 1
                    for at, units in one.items():
                        pieces[at] -= units
                        used[at] = used.get(at, 0) + units
                    continue
            break
        weights = {at: self.cost(at, units) for at, units in used.items()}
        return self.split(max(0, sum(weights.values()) - made * price), weights)
