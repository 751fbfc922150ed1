"""The programme's rule set as one document.

Published as JSON; each dataclass here is the declaration from which the parser, the JSON
Schema and the forms come (`pricing/declare.py`).  Money in kopecks, points in hundredths,
percents in basis points (5 % is 500).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from loyalty_core.domain.card_numbers import CardSeries
from loyalty_core.domain.certificates import CertificateSeries
from loyalty_core.domain.club_events import ClubEvent
from loyalty_core.domain.clubs import Club
from loyalty_core.domain.conditions.fields import CLUB, REWARD, SEGMENT
from loyalty_core.domain.conditions.segments import Segment
from loyalty_core.domain.conditions.tree import Node, leaves, tree_schema
from loyalty_core.domain.conditions.values import DATE
from loyalty_core.domain.errors import RulesInvalid
from loyalty_core.domain.event_rules import EVENT_RULE, EventRule
from loyalty_core.domain.pricing.bonus import Bonus
from loyalty_core.domain.pricing.coupons import CouponSeries
from loyalty_core.domain.pricing.declare import (
    CODE,
    FLAG,
    MONEY,
    NAME,
    JsonSchema,
    Misfit,
    choice,
    decimal,
    many,
    optional,
    percent,
    read_record,
    record,
    record_schema,
    text,
    whole,
    word,
)
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.neighbours import odd_neighbours
from loyalty_core.domain.pricing.personal import PersonalList, lists_named
from loyalty_core.domain.pricing.promotion import MAIN, PROMOTION, Lane, Promotion, odd_series
from loyalty_core.domain.pricing.regulated import MinPaid, Regulated
from loyalty_core.domain.reward_catalogue import RewardItem, odd_rewards
from loyalty_core.domain.rewards import Rewards
from loyalty_core.domain.tiering import THRESHOLDS, Tiering, oddities, threshold_of
from loyalty_kit.events import RULED_KINDS, LineKind
from loyalty_kit.money import Rounding

SCHEMA_VERSION = 1
_DAYS = whole(least=0, most=36_500)
_KINDS = many(choice(*RULED_KINDS), most=len(RULED_KINDS))


@dataclass(frozen=True, slots=True)
class PointCurrency:
    """`value_minor`: kopecks per whole point.  `life_days` None: points never expire."""

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    value_minor: int = field(
        default=100,
        metadata=word("value", decimal(least=1), en="Roubles per point", ru="Рублей за балл"),
    )
    life_days: int | None = field(
        default=None,
        metadata=word(
            "life_days",
            optional(whole(least=1, most=36_500)),
            en="Days until points expire",
            ru="Срок жизни баллов, дней",
        ),
    )
    activation_days: int = field(
        default=0,
        metadata=word("activation_days", _DAYS, en="Days until spendable", ru="Дней до активации"),
    )
    rounding: Rounding = field(
        default="down",
        metadata=word(
            "rounding",
            choice("down", "half_up", "none"),
            en="Rounding of points",
            ru="Округление баллов",
        ),
    )


@dataclass(frozen=True, slots=True)
class Earning:
    """`base`: what the percent is taken of: `paid`; `amount` (before points are written off);
    `paid_unless_spent` (nothing on a receipt that points were spent on)."""

    percent_bp: int = field(
        metadata=word("percent", percent(), en="Earned, % of money", ru="Начисление, % от суммы")
    )
    base: str = field(
        default="paid",
        metadata=word(
            "base",
            choice("paid", "amount", "paid_unless_spent"),
            en="Counted on",
            ru="От чего считать",
        ),
    )
    kinds: tuple[str, ...] = field(
        default=(LineKind.GOODS,),
        metadata=word("kinds", _KINDS, en="Kinds of lines", ru="Виды строк"),
    )
    rewards: tuple[str, ...] = field(
        default=(),
        metadata=word(
            "rewards",
            many(CODE, most=20),
            en="For forms of reward (none: for all)",
            ru="Для форм награды (пусто — для всех)",
        ),
    )


@dataclass(frozen=True, slots=True)
class Spending:
    limit_bp: int = field(
        metadata=word(
            "limit_percent", percent(), en="Payable with points, %", ru="Оплата баллами, до %"
        )
    )
    step_points: int = field(
        default=100,
        metadata=word("step", decimal(least=1), en="Step of points", ru="Шаг списания"),
    )
    min_points: int = field(
        default=0, metadata=word("min", MONEY, en="Least points", ru="Минимум баллов")
    )
    kinds: tuple[str, ...] = field(
        default=(LineKind.GOODS,),
        metadata=word("kinds", _KINDS, en="Kinds of lines", ru="Виды строк"),
    )


@dataclass(frozen=True, slots=True)
class TierBenefit:
    """What a tier gives that is no money, as free delivery or a personal manager."""

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))


@dataclass(frozen=True, slots=True)
class Tier:
    """None for a percent: the programme's own holds.  Of the three thresholds it has the one
    that `tiering.by` asks for."""

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    spend_from_minor: int | None = field(
        default=None,
        metadata=word("spend_from", optional(MONEY), en="From a spend of", ru="От суммы покупок"),
    )
    points_from: int | None = field(
        default=None,
        metadata=word("points_from", optional(MONEY), en="From points earned", ru="От баллов"),
    )
    count_from: int | None = field(
        default=None,
        metadata=word(
            "count_from",
            optional(whole(least=0, most=1_000_000)),
            en="From a number of",
            ru="От количества",
        ),
    )
    earn_bp: int | None = field(
        default=None,
        metadata=word("earn_percent", optional(percent()), en="Earned, %", ru="Начисление, %"),
    )
    spend_limit_bp: int | None = field(
        default=None,
        metadata=word(
            "spend_limit_percent",
            optional(percent()),
            en="Payable with points, %",
            ru="Оплата баллами, до %",
        ),
    )
    benefits: tuple[TierBenefit, ...] = field(
        default=(),
        metadata=word(
            "benefits", many(record(TierBenefit), most=100), en="Benefits", ru="Привилегии"
        ),
    )


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days that conditions call by a name: holidays, sales, paydays."""

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    days: tuple[date, ...] = field(
        metadata=word("days", many(DATE.one, most=1000), en="Days", ru="Дни")
    )


@dataclass(frozen=True, slots=True)
class Policies:
    """What the service decides by; `docs/ledger.md` tells what each does to the books."""

    negative_balance: str = field(
        default="clamp",
        metadata=word(
            "negative_balance",
            choice("clamp", "allow"),
            en="Points below zero",
            ru="Баллы ниже нуля",
        ),
    )
    most_debt_points: int | None = field(
        default=None,
        metadata=word(
            "most_debt",
            optional(MONEY),
            en="Points below zero, at most",
            ru="Баллы ниже нуля, не более",
        ),
    )
    give_back_grace_days: int = field(
        default=14,
        metadata=word(
            "give_back_grace_days",
            _DAYS,
            en="Life of expired points given back, days",
            ru="Срок возвращённых сгоревших баллов, дней",
        ),
    )
    open_order_days: int = field(
        default=7,
        metadata=word(
            "open_order_days",
            _DAYS,
            en="Days an unpaid order keeps its hold",
            ru="Дней резерва неоплаченного заказа",
        ),
    )
    waiting_refund_days: int = field(
        default=7,
        metadata=word(
            "waiting_refund_days",
            _DAYS,
            en="Days a refund waits for its purchase",
            ru="Дней ожидания покупки возвратом",
        ),
    )
    return_window_days: int = field(
        default=30,
        metadata=word(
            "return_window_days", _DAYS, en="Return window, days", ru="Срок возврата, дней"
        ),
    )
    receipt_days: int = field(
        default=30,
        metadata=word(
            "receipt_days",
            _DAYS,
            en="Days in which a receipt may be registered",
            ru="Дней на регистрацию чека",
        ),
    )
    enrol_on_purchase: bool = field(
        default=True,
        metadata=word("enrol_on_purchase", FLAG, en="Purchase enrols", ru="Вступление при покупке"),
    )
    trust_pos: bool = field(
        default=True,
        metadata=word("trust_pos", FLAG, en="Tills vouch for members", ru="Касса подтверждает"),
    )
    phone_region: str = field(
        default="RU",
        metadata=word(
            "phone_region",
            text(longest=2, pattern="[A-Z]{2}"),
            en="Region of local phones",
            ru="Страна местных номеров",
        ),
    )
    approval: bool = field(
        default=False,
        metadata=word(
            "approval",
            FLAG,
            en="A second person publishes rules",
            ru="Правила публикует второй человек",
        ),
    )
    min_paid: tuple[MinPaid, ...] = field(
        default=(),
        metadata=word(
            "min_paid",
            many(record(MinPaid), most=1000),
            en="Least paid for a line",
            ru="Минимум к оплате за строку",
        ),
    )


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of a programme's rules.  The first currency is the main one; tiers ascend;
    lanes stand in the order in which they run."""

    schema: int = field(
        metadata=word(
            "schema",
            whole(least=SCHEMA_VERSION, most=SCHEMA_VERSION),
            en="Version of this document's form",
            ru="Версия формата документа",
        )
    )
    currencies: tuple[PointCurrency, ...] = field(
        metadata=word(
            "currencies",
            many(record(PointCurrency), least=1, most=20),
            en="Currencies of points",
            ru="Валюты баллов",
        )
    )
    earning: Earning = field(
        metadata=word("earning", record(Earning), en="Earning", ru="Начисление")
    )
    spending: Spending = field(
        metadata=word("spending", record(Spending), en="Spending", ru="Списание")
    )
    tiers: tuple[Tier, ...] = field(
        default=(), metadata=word("tiers", many(record(Tier), most=100), en="Tiers", ru="Уровни")
    )
    tiering: Tiering = field(
        default_factory=Tiering,
        metadata=word("tiering", record(Tiering), en="How tiers are reached", ru="Порядок уровней"),
    )
    lanes: tuple[Lane, ...] = field(
        default=(Lane(MAIN),),
        metadata=word("lanes", many(record(Lane), least=1, most=100), en="Lanes", ru="Полосы"),
    )
    promotions: tuple[Promotion, ...] = field(
        default=(),
        metadata=word(
            "promotions",
            many(PROMOTION),
            en="Promotions",
            ru="Акции",
        ),
    )
    calendars: tuple[Calendar, ...] = field(
        default=(),
        metadata=word(
            "calendars", many(record(Calendar), most=100), en="Calendars", ru="Календари"
        ),
    )
    rewards: Rewards | None = field(
        default=None,
        metadata=word(
            "rewards", optional(record(Rewards)), en="Choice of reward", ru="Выбор награды"
        ),
    )
    personal_lists: tuple[PersonalList, ...] = field(
        default=(),
        metadata=word(
            "personal_lists",
            many(record(PersonalList), most=20),
            en="Members' own lists of goods",
            ru="Личные списки товаров",
        ),
    )
    clubs: tuple[Club, ...] = field(
        default=(),
        metadata=word("clubs", many(record(Club), most=50), en="Clubs", ru="Клубы"),
    )
    club_events: tuple[ClubEvent, ...] = field(
        default=(),
        metadata=word(
            "club_events", many(record(ClubEvent), most=200), en="Club events", ru="События клубов"
        ),
    )
    events: tuple[EventRule, ...] = field(
        default=(),
        metadata=word(
            "events", many(EVENT_RULE, most=500), en="Points for events", ru="Баллы за события"
        ),
    )
    cards: CardSeries | None = field(
        default=None,
        metadata=word(
            "cards", optional(record(CardSeries)), en="Electronic cards", ru="Электронные карты"
        ),
    )
    segments: tuple[Segment, ...] = field(
        default=(),
        metadata=word("segments", many(record(Segment), most=200), en="Segments", ru="Сегменты"),
    )
    regulated: tuple[Regulated, ...] = field(
        default=(),
        metadata=word(
            "regulated",
            many(record(Regulated), most=1000),
            en="Goods that the law regulates",
            ru="Товары, которые регулирует закон",
        ),
    )
    certificates: tuple[CertificateSeries, ...] = field(
        default=(),
        metadata=word(
            "certificates",
            many(record(CertificateSeries), most=1000),
            en="Series of gift certificates",
            ru="Серии подарочных сертификатов",
        ),
    )
    coupons: tuple[CouponSeries, ...] = field(
        default=(),
        metadata=word(
            "coupons",
            many(record(CouponSeries), most=1000),
            en="Series of coupons",
            ru="Серии купонов",
        ),
    )
    reward_catalogue: tuple[RewardItem, ...] = field(
        default=(),
        metadata=word(
            "reward_catalogue",
            many(record(RewardItem), most=1000),
            en="Rewards for points",
            ru="Награды за баллы",
        ),
    )
    policies: Policies = field(
        default_factory=Policies,
        metadata=word("policies", record(Policies), en="Policies", ru="Порядок работы"),
    )

    @property
    def main(self) -> PointCurrency:
        return self.currencies[0]


def parse_rules(document: Mapping[str, Any]) -> RuleSet:
    """The rule set that a document tells, checked field by field and against itself.

    Raises: RulesInvalid, naming every field that is unknown, missing or wrong.
    """
    try:
        rules = read_record(RuleSet, document)
        _check_whole(rules)
    except Misfit as wrong:
        raise RulesInvalid(wrong.errors) from None
    return replace(rules, tiers=tuple(sorted(rules.tiers, key=threshold_of)))


def rules_schema(locale: str = "en") -> JsonSchema:
    """JSON Schema (2020-12) of the document, titles in "en" or "ru"."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": {"en": "Rules of a loyalty programme", "ru": "Правила программы"}[locale],
        **record_schema(RuleSet, locale),
        "$defs": {"condition": tree_schema(locale)},
    }


def default_rules(  # noqa: PLR0913 - the settings of `programmes create`, all by name
    *,
    earn_percent: str | int = "5",
    spend_limit_percent: str | int = "30",
    rounding: str = "down",
    activation_days: int = 0,
    point_life_days: int | None = 365,
    negative_balance: str = "clamp",
) -> dict[str, Any]:
    """The document of a plain bonus programme; `parse_rules` judges the values."""
    return {
        "schema": SCHEMA_VERSION,
        "currencies": [
            {
                "code": "points",
                "name": "Баллы",
                "value": "1.00",
                "life_days": point_life_days,
                "activation_days": activation_days,
                "rounding": rounding,
            }
        ],
        "earning": {"percent": earn_percent, "base": "paid", "kinds": ["goods"]},
        "spending": {
            "limit_percent": spend_limit_percent,
            "step": "1.00",
            "min": "0.00",
            "kinds": ["goods"],
        },
        "tiers": [],
        "lanes": [{"code": MAIN, "mode": "all"}],
        "promotions": [],
        "policies": {
            "negative_balance": negative_balance,
            "give_back_grace_days": 14,
            "open_order_days": 7,
            "waiting_refund_days": 7,
            "return_window_days": 30,
            "enrol_on_purchase": True,
            "trust_pos": True,
            "phone_region": "RU",
        },
    }


def _check_whole(rules: RuleSet) -> None:
    """What no single field can know."""
    errors = {
        **_repeated("currencies", "code", (currency.code for currency in rules.currencies)),
        **_repeated("tiers", "code", (tier.code for tier in rules.tiers)),
        **_repeated("tiers", THRESHOLDS[rules.tiering.by], map(threshold_of, rules.tiers)),
        **oddities(rules.tiering, rules.tiers),
        **_repeated("calendars", "code", (fold(calendar.code) for calendar in rules.calendars)),
        **_repeated("personal_lists", "code", (fold(one.code) for one in rules.personal_lists)),
        **_repeated("clubs", "code", (fold(club.code) for club in rules.clubs)),
        **_repeated("club_events", "code", (fold(one.code) for one in rules.club_events)),
        **_repeated("events", "id", (one.id for one in rules.events)),
        **_repeated("segments", "code", (fold(segment.code) for segment in rules.segments)),
        **_repeated("lanes", "code", (lane.code for lane in rules.lanes)),
        **_repeated("coupons", "code", (series.code for series in rules.coupons)),
        **_repeated("certificates", "code", (series.code for series in rules.certificates)),
        **_repeated("promotions", "id", (promotion.id for promotion in rules.promotions)),
        **_repeated("reward_catalogue", "code", (fold(one.code) for one in rules.reward_catalogue)),
    }
    lanes = {lane.code for lane in rules.lanes}
    currencies = {None, *(currency.code for currency in rules.currencies)}
    for index, promotion in enumerate(rules.promotions):
        if promotion.lane not in lanes:
            errors[f"promotions.{index}.lane"] = ["no such lane"]
        errors |= _strangers(rules, f"promotions.{index}.when", promotion.when)
        params = promotion.params
        if isinstance(params, Bonus) and params.currency not in currencies:
            errors[f"promotions.{index}.params.currency"] = ["no such currency"]
    for path, when in _of_members(rules):
        errors |= _strangers(rules, path, when)
    errors |= _odd_rewards(rules) | _unknown_lists(rules) | _odd_events(rules)
    errors |= odd_neighbours(rules.promotions)
    if rules.policies.most_debt_points is not None and rules.policies.negative_balance != "allow":
        errors["policies.most_debt"] = ["only where points may go below zero"]
    errors |= odd_series(rules.coupons, rules.promotions)
    errors |= odd_rewards(rules.reward_catalogue, {one.code for one in rules.currencies})
    # So every spend that is offered is a whole sum of money, and converts back to itself.
    if rules.spending.step_points * rules.main.value_minor % 100:
        errors["spending.step"] = ["must be worth whole kopecks at the value of a point"]
    if errors:
        raise Misfit(errors)


def _of_members(rules: RuleSet) -> list[tuple[str, Node | None]]:
    """Conditions about members alone, with their paths."""
    segments = [(f"segments.{at}.when", one.when) for at, one in enumerate(rules.segments)]
    events = [(f"club_events.{at}.when", one.when) for at, one in enumerate(rules.club_events)]
    rewards = [
        (f"reward_catalogue.{at}.when", one.when) for at, one in enumerate(rules.reward_catalogue)
    ]
    earning = [(f"events.{at}.when", one.when) for at, one in enumerate(rules.events)]
    return [*segments, *events, *rewards, *earning]


def _strangers(rules: RuleSet, path: str, when: Node | None) -> dict[str, list[str]]:
    """What a condition names and the document does not have."""
    known = {
        "member.tier": {tier.code for tier in rules.tiers},
        "time.holiday": {fold(calendar.code) for calendar in rules.calendars},
        REWARD: _reward_forms(rules),
        CLUB: {fold(club.code) for club in rules.clubs},
        SEGMENT: {fold(segment.code) for segment in rules.segments},
    }
    errors = {}
    for node, leaf in () if when is None else leaves(when, path):
        if leaf.field.name not in known or leaf.value is None:
            continue
        named = {leaf.value} if isinstance(leaf.value, str) else set(leaf.value)
        if named - known[leaf.field.name]:
            errors[f"{node}.value"] = ["not in this document"]
    return errors


def _reward_forms(rules: RuleSet) -> set[str]:
    return set() if rules.rewards is None else {fold(form.code) for form in rules.rewards.forms}


def _odd_rewards(rules: RuleSet) -> dict[str, list[str]]:
    """Forms that are named and not there, or there twice."""
    known, no_such = _reward_forms(rules), ["no such form of reward"]
    errors = {
        f"earning.rewards.{index}": no_such
        for index, code in enumerate(rules.earning.rewards)
        if fold(code) not in known
    }
    if rules.rewards is not None:
        codes = (fold(form.code) for form in rules.rewards.forms)
        errors |= _repeated("rewards.forms", "code", codes)
        if fold(rules.rewards.default) not in known:
            errors["rewards.default"] = no_such
    return errors


def _odd_events(rules: RuleSet) -> dict[str, list[str]]:
    known = {None, *(currency.code for currency in rules.currencies)}
    return {
        f"events.{index}.currency": ["no such currency"]
        for index, rule in enumerate(rules.events)
        if rule.currency not in known
    }


def _unknown_lists(rules: RuleSet) -> dict[str, list[str]]:
    known = {fold(one.code) for one in rules.personal_lists}
    named = [
        (f"promotions.{index}.{path}", code)
        for index, promotion in enumerate(rules.promotions)
        for path, code in lists_named(promotion)
    ]
    named += [
        (f"policies.min_paid.{index}.personal", one.personal)
        for index, one in enumerate(rules.policies.min_paid)
        if one.personal is not None
    ]
    return {path: ["no such list"] for path, code in named if code not in known}


def _repeated(section: str, key: str, values: Iterable[object]) -> dict[str, list[str]]:
    listed = list(values)
    counts = Counter(listed)
    return {
        f"{section}.{index}.{key}": ["must not repeat"]
        for index, value in enumerate(listed)
        if counts[value] > 1
    }
