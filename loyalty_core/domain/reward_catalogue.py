"""What members may have for their points: gifts, privileges, services of partners."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loyalty_core.domain.conditions.meet import compile_tree
from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.conditions.segments import ABOUT_MEMBERS
from loyalty_core.domain.conditions.tree import Node
from loyalty_core.domain.pricing.declare import (
    CODE,
    FLAG,
    INSTANT,
    MONEY,
    NAME,
    choice,
    decimal,
    optional,
    whole,
    word,
)
from loyalty_core.domain.pricing.goods import fold


@dataclass(frozen=True, slots=True)
class RewardItem:
    """`price_points` (hundredths) of `currency`; None: the main one.  `when` None: for every
    member.  `per_member`: orders of one member that are not cancelled; None: any number.
    `unlimited`: no stock is kept of it.  `compensation_minor`: what the programme owes to the
    partner for each that was handed out.
    """

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    kind: str = field(
        metadata=word("kind", choice("gift", "privilege", "service"), en="Kind", ru="Вид")
    )
    price_points: int = field(
        metadata=word("price", decimal(least=1), en="Price in points", ru="Цена в баллах")
    )
    currency: str | None = field(
        default=None,
        metadata=word("currency", optional(CODE), en="Currency of points", ru="Валюта баллов"),
    )
    starts_at: datetime | None = field(
        default=None, metadata=word("starts_at", optional(INSTANT), en="Starts", ru="Начало")
    )
    ends_at: datetime | None = field(
        default=None, metadata=word("ends_at", optional(INSTANT), en="Ends", ru="Конец")
    )
    when: Node | None = field(
        default=None,
        metadata=word("when", optional(ABOUT_MEMBERS), en="Who may order", ru="Кому доступно"),
    )
    per_member: int | None = field(
        default=None,
        metadata=word(
            "per_member",
            optional(whole(least=1, most=1_000_000)),
            en="For one member, at most",
            ru="Одному участнику, не более",
        ),
    )
    unlimited: bool = field(
        default=False,
        metadata=word("unlimited", FLAG, en="Never runs out", ru="Не заканчивается"),
    )
    partner: str | None = field(
        default=None, metadata=word("partner", optional(CODE), en="Partner", ru="Партнёр")
    )
    compensation_minor: int = field(
        default=0,
        metadata=word(
            "compensation",
            MONEY,
            en="Owed to the partner for each, roubles",
            ru="Компенсация партнёру за каждую, рублей",
        ),
    )


def reward_of(items: Iterable[RewardItem], code: str) -> RewardItem | None:
    return next((one for one in items if fold(one.code) == fold(code)), None)


def open_rewards(items: Iterable[RewardItem], scene: Scene) -> Iterator[RewardItem]:
    """Those that the member may order now, stock and points aside."""
    for one in items:
        if one.starts_at is not None and scene.now < one.starts_at:
            continue
        if one.ends_at is not None and scene.now >= one.ends_at:
            continue
        if one.when is None or compile_tree(one.when, fold(one.code))(scene) is None:
            yield one


def odd_rewards(items: Sequence[RewardItem], currencies: Collection[str]) -> dict[str, list[str]]:
    """What no single reward's word can know; `currencies`: those of the document."""
    errors: dict[str, list[str]] = {}
    for index, one in enumerate(items):
        place = f"reward_catalogue.{index}"
        if one.currency is not None and one.currency not in currencies:
            errors[f"{place}.currency"] = ["no such currency"]
        if one.compensation_minor and one.partner is None:
            errors[f"{place}.compensation"] = ["only for a partner"]
        if one.starts_at and one.ends_at and one.ends_at <= one.starts_at:
            errors[f"{place}.ends_at"] = ["must be later than starts_at"]
    return errors
