"""What the law says of goods: dated tables by legal class, and the least that a line costs.

The tables are data of the owner; nothing here knows any law.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loyalty_core.domain.pricing.allot import floor_of
from loyalty_core.domain.pricing.declare import (
    CODE,
    FLAG,
    INSTANT,
    Kind,
    decimal,
    many,
    optional,
    percent,
    record,
    text,
    whole,
    word,
)
from loyalty_core.domain.pricing.goods import Goods, fold
from loyalty_core.domain.pricing.rule_type import View
from loyalty_kit.checkout import BasketLine

_ML = whole(least=1, most=1_000_000)
_CLASS = text(longest=255)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPrice:
    """The least price of a unit of such volume and strength; strength in hundredths of a
    percent, from `strength_from` on and below `strength_below`.

    With `of_volume_ml` the price is that of so much, and a unit costs its part, rounded up.
    """

    price_minor: int = field(
        metadata=word("price", decimal(least=1), en="Least price", ru="Минимальная цена")
    )
    of_volume_ml: int | None = field(
        default=None,
        metadata=word("of_volume_ml", optional(_ML), en="Price of, ml", ru="Цена за объём, мл"),
    )
    up_to_volume_ml: int | None = field(
        default=None,
        metadata=word("up_to_volume_ml", optional(_ML), en="Up to, ml", ru="Объём до, мл"),
    )
    strength_from_bp: int | None = field(
        default=None,
        metadata=word(
            "strength_from", optional(percent()), en="Strength from, %", ru="Крепость от, %"
        ),
    )
    strength_below_bp: int | None = field(
        default=None,
        metadata=word(
            "strength_below", optional(percent()), en="Strength below, %", ru="Крепость ниже, %"
        ),
    )

    def meets(self, line: BasketLine) -> bool:
        """Whether it means the line, as far as the line tells of itself."""
        strength, volume = line.strength_bp, line.volume_ml
        if strength is not None:
            if self.strength_from_bp is not None and strength < self.strength_from_bp:
                return False
            if self.strength_below_bp is not None and strength >= self.strength_below_bp:
                return False
        return volume is None or self.up_to_volume_ml is None or volume <= self.up_to_volume_ml

    def floor_minor(self, line: BasketLine) -> int:
        """Kopecks that a line which it means costs at the least.

        A line that does not tell what is asked is not lowered at all.
        """
        by_strength = self.strength_from_bp is not None or self.strength_below_bp is not None
        by_volume = self.of_volume_ml is not None or self.up_to_volume_ml is not None
        if (by_strength and line.strength_bp is None) or (by_volume and line.volume_ml is None):
            return line.amount_minor
        unit_minor = self.price_minor
        if self.of_volume_ml is not None and line.volume_ml is not None:
            unit_minor = -(-unit_minor * line.volume_ml // self.of_volume_ml)
        return floor_of(line.amount_minor, unit_minor, line.quantity_milli)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regulated:
    """What holds for a legal class of goods while starts_at <= now < ends_at."""

    legal_class: str = field(
        metadata=word(
            "class",
            Kind(lambda value: fold(_CLASS.read(value)), _CLASS.schema),
            en="Legal class",
            ru="Класс по закону",
        )
    )
    starts_at: datetime | None = field(
        default=None, metadata=word("from", optional(INSTANT), en="From", ru="С")
    )
    ends_at: datetime | None = field(
        default=None, metadata=word("to", optional(INSTANT), en="To", ru="До")
    )
    discount: bool = field(
        default=True,
        metadata=word("discount", FLAG, en="May be discounted", ru="Скидки разрешены"),
    )
    spend: bool = field(
        default=True,
        metadata=word("spend", FLAG, en="Points may pay", ru="Оплата баллами разрешена"),
    )
    earn: bool = field(
        default=True, metadata=word("earn", FLAG, en="Earns points", ru="Начисление разрешено")
    )
    floor: tuple[FloorPrice, ...] = field(
        default=(),
        metadata=word(
            "floor", many(record(FloorPrice), most=1000), en="Least prices", ru="Минимальные цены"
        ),
    )

    def in_force(self, now: datetime) -> bool:
        return (self.starts_at is None or self.starts_at <= now) and (
            self.ends_at is None or now < self.ends_at
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MinPaid(Goods):
    """The least that is paid for a line of such goods, discounts and points included."""

    price_minor: int = field(
        metadata=word("price", decimal(), en="Least paid", ru="Минимум к оплате")
    )
    shops: tuple[str, ...] = field(
        default=(),
        metadata=word(
            "shops",
            many(Kind(lambda value: fold(CODE.read(value)), CODE.schema), most=1000),
            en="Shops",
            ru="Магазины",
        ),
    )


Law = Mapping[str, Sequence[Regulated]]
"""Tables by legal class, folded."""


def law_of(tables: Sequence[Regulated]) -> Law:
    found: dict[str, list[Regulated]] = {}
    for table in tables:
        found.setdefault(table.legal_class, []).append(table)
    return found


def tables_for(view: View, law: Law, now: datetime) -> dict[int, list[Regulated]]:
    """What is in force for each line that the law knows; several tables all hold."""
    if not law:
        return {}
    known = {
        position: [table for table in law.get(fold(line.legal_class), ()) if table.in_force(now)]
        for position, line in enumerate(view.lines)
        if line.legal_class
    }
    return {position: tables for position, tables in known.items() if tables}


def lawful_floor(line: BasketLine, tables: Sequence[Regulated]) -> int:
    """Kopecks below which the law lets a line not fall: the highest of what means it."""
    floors = [
        floor.floor_minor(line) for table in tables for floor in table.floor if floor.meets(line)
    ]
    return max(floors, default=0)


def least_paid(view: View, rules: Sequence[MinPaid], shop: str | None) -> dict[int, int]:
    """Kopecks that must be paid for a line; the first rule that means the line decides."""
    found: dict[int, int] = {}
    for rule in rules:
        if rule.shops and (shop is None or fold(shop) not in rule.shops):
            continue
        for position in view.matching(rule):
            found.setdefault(position, min(rule.price_minor, view.lines[position].amount_minor))
    return found
