"""The catalogue of fields: everything that a condition may ask, and who knows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from loyalty_core.domain.conditions import values as kinds
from loyalty_core.domain.conditions.people import (
    age,
    attribute_text,
    bucket,
    bucket_key,
    days_to_birthday,
)
from loyalty_core.domain.conditions.scene import Person, Scene
from loyalty_core.domain.conditions.values import OF_THE_UNKNOWN, ValueKind
from loyalty_core.domain.pricing.goods import Goods, fold

SEGMENT = "member.segment"
REWARD = "member.reward"
CLUB = "member.club"
Read = Callable[[Scene], Any]
"""The value at hand; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Details:
    """What a leaf says beside its value: which goods, which attribute, which salt."""

    goods: Goods | None = None
    name: str = ""
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """`knows`: who can tell it; `detail`: the word of `Details` that a leaf may bring;
    `sure`: it is always known."""

    name: str
    kind: ValueKind
    knows: str
    titles: Mapping[str, str]
    reader: Callable[[Details], Read]
    detail: str | None = None
    sure: bool = False

    @property
    def operators(self) -> tuple[str, ...]:
        return self.kind.operators if self.sure else (*self.kind.operators, *OF_THE_UNKNOWN)

    @property
    def of_person(self) -> bool:
        """Whether more than the tier must be known of the member."""
        return self.knows in ("profile", "history") or self.name == "member.bucket"

    @property
    def of_members(self) -> bool:
        """Whether a member has it without a basket, a place or a time."""
        return self.knows in ("member", "tier", "profile", "history", "segment")


# --- basket ---------------------------------------------------------------------------------

_ALL_GOODS = Goods()


def _amount(details: Details) -> Read:
    goods = details.goods
    if goods is None:
        return lambda scene: scene.view.goods_minor
    return lambda scene: sum(scene.view.lines[at].amount_minor for at in scene.view.matching(goods))


def _left(details: Details) -> Read:
    goods = details.goods or _ALL_GOODS
    return lambda scene: sum(scene.view.left_minor[at] for at in scene.view.matching(goods))


def _quantity(details: Details) -> Read:
    goods = details.goods or _ALL_GOODS
    return lambda scene: sum(
        scene.view.lines[at].quantity_milli for at in scene.view.matching(goods)
    )


def _positions(details: Details) -> Read:
    goods = details.goods or _ALL_GOODS
    return lambda scene: len(scene.view.matching(goods))


def _of_one_kind(details: Details) -> Read:
    goods = details.goods or _ALL_GOODS

    def read(scene: Scene) -> int:
        """A line without an article is a kind of its own."""
        counted: Counter[str | int] = Counter()
        for at in scene.view.matching(goods):
            line = scene.view.lines[at]
            counted[fold(line.sku) if line.sku else at] += line.quantity_milli
        return max(counted.values(), default=0)

    return read


# --- people ---------------------------------------------------------------------------------


def _always(read: Read) -> Callable[[Details], Read]:
    return lambda _: read


def _of_person(read: Callable[[Person, Scene], Any]) -> Callable[[Details], Read]:
    return lambda _: lambda scene: None if scene.person is None else read(scene.person, scene)


def _age(person: Person, scene: Scene) -> int | None:
    return None if person.born is None else age(person.born, scene.local.date())


def _to_birthday(person: Person, scene: Scene) -> int | None:
    born = person.born
    return None if born is None else days_to_birthday(born.month, born.day, scene.local.date())


def _since_purchase(person: Person, scene: Scene) -> int | None:
    last = person.history.last_purchase_at
    return None if last is None else scene.days_since(last)


def _bucket(details: Details) -> Read:
    key = bucket_key(details.salt)
    return lambda scene: None if scene.person is None else bucket(scene.person.id, key)


def _attribute(details: Details) -> Read:
    name = details.name
    return lambda scene: (
        None if scene.person is None else attribute_text(scene.person.attributes, name)
    )


# --- time -----------------------------------------------------------------------------------


def _of_day(scene: Scene) -> int:
    return scene.local.hour * 60 + scene.local.minute


def _holidays(scene: Scene) -> frozenset[str]:
    return scene.calendars.get(scene.local.date(), frozenset())


def _basket(
    name: str, kind: ValueKind, reader: Callable[[Details], Read], en: str, ru: str
) -> Field:
    return Field(
        f"basket.{name}", kind, "basket", {"en": en, "ru": ru}, reader, detail="goods", sure=True
    )


def _field(  # noqa: PLR0913 - the columns of the catalogue
    name: str,
    kind: ValueKind,
    knows: str,
    reader: Callable[[Details], Read],
    en: str,
    ru: str,
    *,
    detail: str | None = None,
    sure: bool = False,
) -> Field:
    return Field(name, kind, knows, {"en": en, "ru": ru}, reader, detail, sure)


FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        _basket("amount", kinds.MONEY_VALUE, _amount, "Sum of goods", "Сумма товаров"),
        _basket(
            "left",
            kinds.MONEY_VALUE,
            _left,
            "Sum of goods after discounts",
            "Сумма товаров после скидок",
        ),
        _basket("quantity", kinds.QUANTITY, _quantity, "Quantity of goods", "Количество товаров"),
        _basket("positions", kinds.COUNT, _positions, "Positions", "Позиций"),
        _basket(
            "of_one_kind",
            kinds.QUANTITY,
            _of_one_kind,
            "Equal goods",
            "Одинаковых товаров",
        ),
        _field(
            "basket.coupons",
            kinds.CODES,
            "coupons",
            _always(lambda scene: scene.place.coupons),
            "Entered codes",
            "Введённые коды",
            sure=True,
        ),
        _field(
            "basket.payment",
            kinds.CODE,
            "payment",
            _always(lambda scene: scene.place.payment),
            "Payment",
            "Оплата",
        ),
        _field(
            "member.known",
            kinds.YES_NO,
            "member",
            _always(lambda scene: scene.known),
            "The buyer is a member",
            "Покупатель — участник",
            sure=True,
        ),
        _field(
            "member.verified",
            kinds.YES_NO,
            "checkout",
            _always(lambda scene: scene.verified),
            "The member is confirmed",
            "Участник подтверждён",
            sure=True,
        ),
        _field(
            "member.tier",
            kinds.WORD,
            "tier",
            _always(lambda scene: scene.tier),
            "Tier",
            "Уровень",
        ),
        _field(
            "member.gender",
            kinds.WORD,
            "profile",
            _of_person(lambda person, _: person.gender),
            "Gender",
            "Пол",
        ),
        _field(
            "member.city",
            kinds.WORD,
            "profile",
            _of_person(lambda person, _: person.city),
            "City",
            "Город",
        ),
        _field("member.age", kinds.COUNT, "profile", _of_person(_age), "Age", "Возраст"),
        _field(
            "member.days_to_birthday",
            kinds.DAYS,
            "profile",
            _of_person(_to_birthday),
            "Days to the birthday",
            "Дней до дня рождения",
        ),
        _field(
            "member.days_since_joining",
            kinds.DAYS,
            "profile",
            _of_person(lambda person, scene: scene.days_since(person.joined_at)),
            "Days since joining",
            "Дней с вступления",
        ),
        _field(
            "member.bucket",
            kinds.BUCKET,
            "member",
            _bucket,
            "Bucket of the member (0 to 99)",
            "Группа участника (0–99)",
            detail="salt",
        ),
        _field(
            "member.attribute",
            kinds.WORD,
            "profile",
            _attribute,
            "Attribute",
            "Признак участника",
            detail="name",
        ),
        _field(
            REWARD,
            kinds.CODE,
            "profile",
            _of_person(lambda _, scene: scene.reward()),
            "Form of reward",
            "Форма награды",
        ),
        _field(
            CLUB,
            kinds.CODES,
            "profile",
            _of_person(lambda person, _: person.clubs),
            "Club",
            "Клуб",
        ),
        _field(
            SEGMENT,
            kinds.CODES,
            "segment",
            _always(lambda scene: scene.in_segments()),
            "Segment",
            "Сегмент",
        ),
        _field(
            "history.purchases",
            kinds.COUNT,
            "history",
            _of_person(lambda person, _: person.history.purchases),
            "Purchases before",
            "Покупок до этой",
        ),
        _field(
            "history.spent",
            kinds.MONEY_VALUE,
            "history",
            _of_person(lambda person, _: person.history.spent_minor),
            "Spent before",
            "Сумма прежних покупок",
        ),
        _field(
            "history.days_since_purchase",
            kinds.DAYS,
            "history",
            _of_person(_since_purchase),
            "Days since the last purchase",
            "Дней с последней покупки",
        ),
        _field(
            "shop.code",
            kinds.CODE,
            "shop",
            _always(lambda scene: scene.place.shop),
            "Shop",
            "Магазин",
        ),
        _field(
            "channel.name",
            kinds.CODE,
            "channel",
            _always(lambda scene: scene.place.channel),
            "Channel",
            "Канал",
        ),
        _field(
            "time.date",
            kinds.DATE,
            "time",
            _always(lambda scene: scene.local.date()),
            "Date",
            "Дата",
            sure=True,
        ),
        _field(
            "time.weekday",
            kinds.WEEKDAY,
            "time",
            _always(lambda scene: scene.local.isoweekday()),
            "Day of the week",
            "День недели",
            sure=True,
        ),
        _field(
            "time.of_day",
            kinds.CLOCK,
            "time",
            _always(_of_day),
            "Time of day",
            "Время суток",
            sure=True,
        ),
        _field(
            "time.holiday",
            kinds.CODES,
            "time",
            _always(_holidays),
            "Calendar of today",
            "Календарь дня",
            sure=True,
        ),
    )
}
