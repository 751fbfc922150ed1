"""Members: enrolment, cards as staff see them, search, and what their accounts show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping

from loyalty_core.domain.clubs import ClubView, running
from loyalty_core.domain.conditions.people import day_of
from loyalty_core.domain.consents import Standing, Statement, Subject
from loyalty_core.domain.errors import InvalidInput, MemberExists, MemberNotFound, PhoneImpossible
from loyalty_core.domain.members import IdentityKey, card_key, email_key, full_name, phone_key
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.rewards import RewardForm, Rewards
from loyalty_core.domain.tiers import Ladder
from loyalty_core.service import identify
from loyalty_core.service.consents import keep_statements
from loyalty_core.service.own_cards import give_card
from loyalty_core.service.phones import normalise_phone
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.source import Source
from loyalty_core.service.tier_views import TierAhead, TierHeld, TierShown, tiers_shown
from loyalty_core.service.write_letters import tell_welcome
from loyalty_core.store import accounts as account_store
from loyalty_core.store import cards as card_store
from loyalty_core.store import consents as consent_store
from loyalty_core.store import coupon_pushes, programmes
from loyalty_core.store import members as store
from loyalty_core.store import rewards as reward_store
from loyalty_core.store.clubs import memberships_of
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_kit.checkout import Balance
from loyalty_kit.events import Customer, ExternalId

PROFILE = (
    *("first_name", "last_name", "middle_name", "birth_date", "gender", "city"),
    *("locale", "preferred_channel"),
)
_CHANGEABLE = frozenset({*PROFILE, "phone", "email", "card", "attributes", "reward"})


@dataclass(frozen=True, slots=True)
class NewMember:
    """What is known of a person who joins.  `birth_date` is ISO 8601.  `confirmed` False: the
    person joined by no word of their own, and hears nothing until they say yes."""

    phone: str | None = None
    email: str | None = None
    card: str | None = None
    external: ExternalId | None = None
    first_name: str | None = None
    last_name: str | None = None
    middle_name: str | None = None
    birth_date: str | None = None
    gender: str | None = None
    city: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    consents: Sequence[Statement] = ()
    referrer: str | None = None
    source: str | None = None
    locale: str | None = None
    preferred_channel: str | None = None
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class RewardView:
    """The form of reward that counts; `chosen`: by the member, not by default."""

    code: str
    name: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class MemberCard:
    """A member with names and figures.  `balance` is the main currency's."""

    id: str
    state: str
    name: str | None
    phone: str | None
    email: str | None
    cards: tuple[str, ...]
    externals: tuple[ExternalId, ...]
    profile: Mapping[str, str | None]
    attributes: Mapping[str, Any]
    consents: Mapping[Subject, Standing]
    source: str | None
    tier: TierHeld | None
    next_tier: TierAhead | None
    spent_minor: int
    balance: Balance
    balances: tuple[Balance, ...]
    created_at: datetime
    merged_into: str | None = None
    reward: RewardView | None = None
    clubs: tuple[ClubView, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """`next_cursor` None: this was the last page."""

    items: Sequence[Any]
    next_cursor: str | None


def enrol_member(
    connection: Connection, plans: PlanCache, source: Source, new: NewMember, *, now: datetime
) -> MemberCard:
    """A new active member, with what the person said yes or no to.

    Raises: MemberExists (fact `id`), PhoneImpossible, InvalidInput, UnknownShop, ShopForbidden.
    """
    programme = programmes.programme_by_id(connection, source.programme_id)
    assert programme is not None
    rules = plans.get(connection, programme.id, programme.rules_version).rules
    region = rules.policies.phone_region
    customer = Customer(external=new.external, card=new.card, phone=new.phone, email=new.email)
    keys = identify.names_of(customer, source.name, region)
    if not keys:
        raise InvalidInput({"phone": ["Give a phone, an email, a card or an external id."]})
    _check_birth_date(new.birth_date)
    identify.lock_names(connection, source.programme_id, keys)
    for owner in store.owners(connection, source.programme_id, keys).values():
        raise MemberExists({"id": to_wire("m", owner)})
    _check_card(connection, source.programme_id, keys)
    row = identify.new_member_row(
        source.programme_id,
        now,
        source=new.source or source.name,
        state="active" if new.confirmed else "unconfirmed",
    )
    row |= {name: getattr(new, name) for name in PROFILE}
    row |= {
        "attributes": dict(new.attributes),
        "referrer": new.referrer,
        "tier": Ladder.of(rules, ZoneInfo(programme.timezone)).reached(0),
    }
    store.add_members(connection, [row])
    names = [
        identify.name_row(source.programme_id, key, row["id"], verified=False, now=now)
        for key in keys
    ]
    store.add_names(connection, names)
    keep_statements(connection, source, row["id"], new.consents, now=now)
    if rules.cards is not None and rules.cards.on_enrolment:
        give_card(connection, source.programme_id, rules.cards, row["id"], now)
    if new.confirmed:
        tell_welcome(connection, source.programme_id, row["id"], now=now)
    return get_member(connection, plans, source.programme_id, to_wire("m", row["id"]), now=now)


def get_member(
    connection: Connection, plans: PlanCache, programme_id: int, member_id: str, *, now: datetime
) -> MemberCard:
    """The member of this id, or the one it was merged into.  Raises: MemberNotFound."""
    row = member_row(connection, programme_id, member_id)
    return _cards(connection, plans, programme_id, [row], now)[0]


def member_row(connection: Connection, programme_id: int, member_id: str) -> RowMapping:
    """The row of the member that this id means now.  Raises: MemberNotFound."""
    number = from_wire("m", member_id)
    if number is None:
        raise MemberNotFound
    row = store.member_rows(connection, programme_id, [number]).get(number)
    if row is not None and row["merged_into"] is not None:
        row = store.member_rows(connection, programme_id, [row["merged_into"]])[row["merged_into"]]
    if row is None or row["state"] == "erased":
        raise MemberNotFound
    return row


def lock_member(connection: Connection, programme_id: int, member_id: str) -> int:
    """The member that this id means, held until the transaction ends.  Raises: MemberNotFound."""
    known = member_row(connection, programme_id, member_id)["id"]
    member = store.lock_survivors(connection, programme_id, [known])[known]
    if member is None:
        raise MemberNotFound
    return member


def find_members(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    *,
    phone: str | None = None,
    email: str | None = None,
    card: str | None = None,
    now: datetime,
) -> list[MemberCard]:
    """Members known by any of these names.  Raises: PhoneImpossible."""
    region = plans.phone_region(connection, programme_id)
    customer = Customer(card=card, phone=phone, email=email)
    keys = identify.names_of(customer, "", region)
    ids = set(store.owners(connection, programme_id, keys).values())
    rows = store.member_rows(connection, programme_id, ids)
    return _cards(connection, plans, programme_id, [rows[one] for one in sorted(rows)], now)


def search_members(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    text: str,
    *,
    after: str | None = None,
    limit: int = 50,
    now: datetime,
) -> Page:
    """Members by phone, card, e-mail or the beginning of names; the newest first."""
    condition = None
    if text.strip():
        region = plans.phone_region(connection, programme_id)
        keys = _possible_names(text, region)
        condition = store.name_like(text)
        known = store.owners(connection, programme_id, keys)
        if known:
            condition = store.with_ids(set(known.values()))
    rows = store.members_page(
        connection,
        programme_id,
        condition,
        after=from_wire("m", after) if after else None,
        limit=limit + 1,
    )
    page = rows[:limit]
    cards = _cards(connection, plans, programme_id, page, now)
    return Page(cards, cards[-1].id if len(rows) > limit else None)


def name_members(
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    numbers: Collection[int],
    *,
    now: datetime,
) -> dict[str, MemberCard]:
    """Those of these members that there are, by their wire ids."""
    if not numbers:
        return {}
    condition = store.with_ids(set(numbers))
    rows = store.members_page(connection, programme_id, condition, after=None, limit=len(numbers))
    return {card.id: card for card in _cards(connection, plans, programme_id, rows, now)}


def update_member(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    source: Source,
    member_id: str,
    changes: Mapping[str, Any],
    *,
    now: datetime,
) -> MemberCard:
    """Change what is given; a phone, e-mail or card moves only if it is free (27).

    Raises: MemberNotFound, MemberExists, PhoneImpossible, InvalidInput.
    """
    unknown = set(changes) - _CHANGEABLE
    if unknown:
        raise InvalidInput({name: ["Unknown field."] for name in sorted(unknown)})
    _check_birth_date(changes.get("birth_date"))
    region = plans.phone_region(connection, source.programme_id)
    names = _names_in(changes, region)
    told = [key for key in names.values() if key is not None]
    identify.lock_names(connection, source.programme_id, told)
    lock_member(connection, source.programme_id, member_id)
    row = member_row(connection, source.programme_id, member_id)
    for kind, key in names.items():
        _replace_name(connection, row, kind, key, now)
    plain = {name: changes[name] for name in PROFILE if name in changes}
    if "attributes" in changes:
        plain["attributes"] = {**row["attributes"], **(changes["attributes"] or {})}
    if "reward" in changes:
        _choose_reward(connection, plans, row, changes["reward"], now)
    if plain:
        store.change_member(connection, row["id"], plain)
    return get_member(connection, plans, source.programme_id, member_id, now=now)


def reward_forms(
    connection: Connection, plans: PlanCache, programme_id: int
) -> tuple[RewardForm, ...]:
    """What members choose from by the rules in force; none: there is nothing to choose."""
    rewards = _plan_in_force(connection, plans, programme_id).rules.rewards
    return () if rewards is None else rewards.forms


# --- inside ---------------------------------------------------------------------------------


def _phone_maker(region: str) -> Any:
    return lambda text: phone_key(normalise_phone(text, region))


def _names_in(changes: Mapping[str, Any], region: str) -> dict[str, IdentityKey | None]:
    """By kind; None takes the name away.  Raises: PhoneImpossible, InvalidInput."""
    makers = {"phone": _phone_maker(region), "email": email_key, "card": card_key}
    names = {
        kind: None if changes[kind] is None else key_of(changes[kind])
        for kind, key_of in makers.items()
        if kind in changes
    }
    for kind, key in names.items():
        if key is not None and not key.value:
            raise InvalidInput({kind: ["Must not be blank."]})
    return names


def _replace_name(
    connection: Connection, row: RowMapping, kind: str, key: IdentityKey | None, now: datetime
) -> None:
    programme_id, member = row["programme_id"], row["id"]
    if key is not None:
        owner = store.owners(connection, programme_id, [key]).get(key)
        if owner == member:
            return
        if owner is not None:
            raise MemberExists({"id": to_wire("m", owner)})
        _check_card(connection, programme_id, [key])
    if kind != "card" or key is None:
        old = [one for one, _ in store.names_of(connection, [member])[member] if one.kind == kind]
        store.drop_names(connection, programme_id, old)
        if kind == "card":
            card_store.end_card(connection, member, now)
    if key is not None:
        name = identify.name_row(programme_id, key, member, verified=False, now=now)
        store.add_names(connection, [name])
    if kind in identify.BINDING:
        coupon_pushes.ask_of_members(connection, programme_id, [member])


def _check_card(connection: Connection, programme_id: int, keys: Iterable[IdentityKey]) -> None:
    if identify.dead_cards(connection, programme_id, keys):
        raise InvalidInput({"card": ["This card was taken away."]})


def _choose_reward(
    connection: Connection, plans: PlanCache, row: RowMapping, code: str | None, now: datetime
) -> None:
    """Of the forms of the rules in force; None: the default."""
    chosen = None if code is None else fold(code)
    forms = reward_forms(connection, plans, row["programme_id"])
    if chosen is not None and chosen not in [fold(form.code) for form in forms]:
        raise InvalidInput({"reward": ["No such form of reward."]})
    if chosen != row["reward"]:
        reward_store.choose(connection, row["id"], chosen, now)


def _plan_in_force(connection: Connection, plans: PlanCache, programme_id: int) -> Plan:
    programme = programmes.programme_by_id(connection, programme_id)
    assert programme is not None
    return plans.get(connection, programme_id, programme.rules_version)


def _check_birth_date(text: str | None) -> None:
    if text is None:
        return
    if day_of(text) is None:
        raise InvalidInput({"birth_date": ["Not a date."]})


def _possible_names(text: str, region: str) -> list[IdentityKey]:
    """What a search may mean: a card always, an e-mail or a phone if it looks like one."""
    keys = [card_key(text)]
    if "@" in text:
        keys.append(email_key(text))
    with suppress(PhoneImpossible):
        keys.append(phone_key(normalise_phone(text, region)))
    return keys


def _cards(
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    rows: Iterable[RowMapping],
    now: datetime,
) -> list[MemberCard]:
    rows = list(rows)
    if not rows:
        return []
    programme = programmes.programme_by_id(connection, programme_id)
    assert programme is not None
    plan = plans.get(connection, programme_id, programme.rules_version)
    ids = [row["id"] for row in rows]
    names = store.names_of(connection, ids)
    balances: dict[int, list[Balance]] = defaultdict(list)
    for member, balance in account_store.balances(connection, ids, now):
        balances[member].append(balance)
    ladder = Ladder.of(plan.rules, ZoneInfo(programme.timezone))
    shown = tiers_shown(connection, ladder, rows, now)
    consents = consent_store.states_of(connection, ids)
    cards = [
        replace(
            _card(row, names.get(row["id"], []), balances[row["id"]], plan, shown[row["id"]]),
            consents=consents[row["id"]],
        )
        for row in rows
    ]
    clubs = plan.rules.clubs
    if not clubs:
        return cards
    found = memberships_of(connection, ids)
    return [
        replace(card, clubs=tuple(running(clubs, found[number], now)))
        for number, card in zip(ids, cards, strict=True)
    ]


def _card(
    row: RowMapping,
    names: Sequence[tuple[IdentityKey, bool]],
    balances: Sequence[Balance],
    plan: Plan,
    shown: TierShown,
) -> MemberCard:
    by_kind: dict[str, list[IdentityKey]] = defaultdict(list)
    for key, _ in names:
        by_kind[key.kind].append(key)
    main, rewards = plan.main.code, plan.rules.rewards
    own = next((one for one in balances if one.currency == main), Balance(main))
    return MemberCard(
        to_wire("m", row["id"]),
        row["state"],
        full_name(row["first_name"], row["middle_name"], row["last_name"]),
        next((key.value for key in by_kind["phone"]), None),
        next((key.value for key in by_kind["email"]), None),
        tuple(key.value for key in by_kind["card"]),
        tuple(ExternalId(key.system, key.value) for key in by_kind["external"]),
        {name: row[name] for name in PROFILE},
        row["attributes"],
        {},
        row["source"],
        shown.held,
        shown.ahead,
        row["spent_minor"],
        own,
        tuple(one for one in balances if one.currency != main),
        row["created_at"],
        None if row["merged_into"] is None else to_wire("m", row["merged_into"]),
        None if rewards is None else _reward_view(rewards, row["reward"]),
    )


def _reward_view(rewards: Rewards, chosen: str | None) -> RewardView:
    form = rewards.form(chosen)
    return RewardView(form.code, form.name, chosen == fold(form.code))
