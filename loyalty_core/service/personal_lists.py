"""Members' own goods: told by the shop, or filled with what each buys most often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.conditions.scene import PersonalGoods
from loyalty_core.domain.errors import (
    InvalidInput,
    ListFillsItself,
    ListNotFound,
    MemberNotFound,
)
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.personal import PersonalList
from loyalty_core.service.members import lock_member, member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import audit, members, personal, programmes
from loyalty_core.store.ids import to_wire
from loyalty_core.store.personal import Bought, Filling
from loyalty_core.store.programmes import Programme

MOST_ITEMS = 100
BATCH = 200


@dataclass(frozen=True, slots=True)
class OwnList:
    """A list of the rules in force, and what one member has in it."""

    code: str
    name: str
    auto: bool
    items: Sequence[PersonalGoods]


@dataclass(frozen=True, slots=True)
class Filled:
    """What one step of filling came to.  `last`: the last member it looked at; None: no more."""

    last: int | None
    members: int = 0
    added: int = 0
    removed: int = 0


def member_lists(
    connection: Connection, plans: PlanCache, programme_id: int, member_id: str, *, now: datetime
) -> list[OwnList]:
    """The member's lists, without what has ended.  Raises: MemberNotFound."""
    member = member_row(connection, programme_id, member_id)["id"]
    own = personal.goods_of(connection, [member])[member]
    return [
        OwnList(
            one.code,
            one.name,
            one.auto is not None,
            [goods for goods in own if goods.list == fold(one.code) and goods.lasts(now)],
        )
        for one in _lists(connection, plans, programme_id)
    ]


def set_list(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    code: str,
    items: Sequence[PersonalGoods],
    *,
    now: datetime,
) -> OwnList:
    """Put these goods, and no others, into a list of the member's.

    `items` say kind, name and end; the rest of them follows.

    Raises: MemberNotFound, ListNotFound, ListFillsItself, InvalidInput.
    """
    told = _filled_by_hand(connection, plans, programme_id, code)
    named = fold(told.code)
    wanted = [PersonalGoods(named, one.kind, fold(one.name), one.name, one.until) for one in items]
    _check(wanted)
    member = lock_member(connection, programme_id, member_id)
    _change(connection, {member: _own(connection, member, named)}, {member: wanted})
    return OwnList(told.code, told.name, False, [one for one in wanted if one.lasts(now)])


def add_goods(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    code: str,
    item: PersonalGoods,
    *,
    author: str,
    now: datetime,
) -> None:
    """Put one into a list of the member's, or give what is there another end; the log tells of it.

    `item` says kind, name and end; the rest of it follows.

    Raises: MemberNotFound (also one that was erased), ListNotFound, ListFillsItself, InvalidInput
    (items).
    """
    told = _filled_by_hand(connection, plans, programme_id, code)
    member = _lock_alive(connection, programme_id, member_id)
    named = fold(told.code)
    new = PersonalGoods(named, item.kind, fold(item.name), item.name, item.until)
    before = _own(connection, member, named)
    wanted = [one for one in before if one.lasts(now) and not _is_same(one, new)] + [new]
    _check(wanted)
    if new in before:
        return
    _change(connection, {member: before}, {member: wanted})
    until = {} if new.until is None else {"until": new.until.isoformat()}
    after = {"list": told.code, "goods": new.name, **until}
    _note(connection, programme_id, member, author=author, now=now, after=after)


def remove_goods(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    code: str,
    item: PersonalGoods,
    *,
    author: str,
    now: datetime,
) -> None:
    """Take one out of a list of the member's, if it is there; the log tells of it.

    Raises: MemberNotFound (also one that was erased), ListNotFound, ListFillsItself.
    """
    told = _filled_by_hand(connection, plans, programme_id, code)
    member = _lock_alive(connection, programme_id, member_id)
    gone = PersonalGoods(fold(told.code), item.kind, fold(item.name), item.name)
    before = _own(connection, member, gone.list)
    wanted = [one for one in before if not _is_same(one, gone)]
    if len(wanted) == len(before):
        return
    _change(connection, {member: before}, {member: wanted})
    was = {"list": told.code, "goods": gone.name}
    _note(connection, programme_id, member, author=author, now=now, before=was)


def fill_lists(
    connection: Connection, plans: PlanCache, *, now: datetime, limit: int = BATCH
) -> int:
    """Once a day, fill the lists that fill themselves: one step, for so many members.

    How far a day has come is kept, so it goes on where it was broken off.
    """
    for programme in programmes.all_programmes(connection):
        lists = self_filled(connection, plans, programme)
        if not lists:
            continue
        day = now.astimezone(ZoneInfo(programme.timezone)).date().isoformat()
        known = personal.filling(connection, programme.id)
        same = known is not None and known[:2] == (day, programme.rules_version)
        if same and known is not None and known.after is None:
            continue
        after = known.after or 0 if same and known is not None else 0
        filled = fill_step(connection, programme, lists, after=after, now=now, limit=limit)
        done = Filling(day, programme.rules_version, filled.last)
        personal.note_filling(connection, programme.id, done)
        if filled.members:
            return filled.members
    return 0


def self_filled(
    connection: Connection, plans: PlanCache, programme: Programme
) -> list[PersonalList]:
    """The lists of the rules in force that fill themselves."""
    lists = plans.get(connection, programme.id, programme.rules_version).rules.personal_lists
    return [one for one in lists if one.auto is not None]


def fill_step(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme: Programme,
    lists: Sequence[PersonalList],
    *,
    after: int,
    now: datetime,
    limit: int = BATCH,
    dry_run: bool = False,
) -> Filled:
    """Fill these lists of the next members; writes only what changes, and nothing if `dry_run`."""
    days = max(one.auto.days for one in lists if one.auto is not None)
    codes = [fold(one.code) for one in lists]
    ids = personal.members_to_fill(
        connection,
        programme.id,
        codes,
        since=now - timedelta(days=days),
        after=after,
        limit=limit,
    )
    if not ids:
        return Filled(None)
    alive = ids
    if not dry_run:
        # Who was merged or erased since has no goods any more, and is given none.
        found = members.lock_survivors(connection, programme.id, ids)
        alive = [one for one in ids if found[one] == one]
    own = personal.goods_of(connection, alive)
    before = {one: [goods for goods in own[one] if goods.list in codes] for one in alive}
    wanted: dict[int, list[PersonalGoods]] = defaultdict(list)
    for told in lists:
        assert told.auto is not None
        since = now - timedelta(days=told.auto.days)
        bought = personal.bought_by(connection, alive, since=since, now=now)
        for member, goods in favourites(bought, told).items():
            wanted[member] += goods
    added, removed = _change(connection, before, wanted, dry_run=dry_run)
    return Filled(ids[-1], len(ids), added, removed)


def favourites(bought: Sequence[Bought], told: PersonalList) -> dict[int, list[PersonalGoods]]:
    """The articles on the most receipts of each member, as the list says; of equals the earlier
    by name."""
    assert told.auto is not None
    receipts: dict[int, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    names: dict[str, str] = {}
    for one in sorted(bought):
        key = fold(one.sku)
        receipts[one.member_id][key].add(one.receipt)
        names.setdefault(key, one.sku)
    found = {}
    for member, by_key in receipts.items():
        often = sorted((-len(some), key) for key, some in by_key.items())
        enough = [key for less, key in often if -less >= told.auto.at_least]
        found[member] = [
            PersonalGoods(fold(told.code), "sku", key, names[key])
            for key in enough[: told.auto.most]
        ]
    return found


def _change(
    connection: Connection,
    before: dict[int, list[PersonalGoods]],
    wanted: dict[int, list[PersonalGoods]],
    *,
    dry_run: bool = False,
) -> tuple[int, int]:
    """Write what differs; how many goods came and went."""
    gone = {
        one: [goods for goods in had if goods not in wanted.get(one, ())]
        for one, had in before.items()
    }
    new = {
        one: [goods for goods in now if goods not in before.get(one, ())]
        for one, now in wanted.items()
    }
    if not dry_run:
        personal.change_goods(connection, gone, new)
    return sum(map(len, new.values())), sum(map(len, gone.values()))


def _check(items: Sequence[PersonalGoods]) -> None:
    if len(items) > MOST_ITEMS:
        raise InvalidInput({"items": ["Too many entries."]})
    seen: set[tuple[str, str]] = set()
    errors: dict[str, list[str]] = {}
    for place, one in enumerate(items):
        if not one.key:
            errors[f"items.{place}.{one.kind}"] = ["Must not be blank."]
        elif (one.kind, one.key) in seen:
            errors[f"items.{place}.{one.kind}"] = ["Given twice."]
        seen.add((one.kind, one.key))
    if errors:
        raise InvalidInput(errors)


def _filled_by_hand(
    connection: Connection, plans: PlanCache, programme_id: int, code: str
) -> PersonalList:
    """Raises: ListNotFound, ListFillsItself."""
    lists = _lists(connection, plans, programme_id)
    told = next((one for one in lists if fold(one.code) == fold(code)), None)
    if told is None:
        raise ListNotFound
    if told.auto is not None:
        raise ListFillsItself
    return told


def _lock_alive(connection: Connection, programme_id: int, member_id: str) -> int:
    """Raises: MemberNotFound."""
    if member_row(connection, programme_id, member_id)["state"] == "erased":
        raise MemberNotFound
    return lock_member(connection, programme_id, member_id)


def _own(connection: Connection, member: int, named: str) -> list[PersonalGoods]:
    """What the member has in this list (its folded code), with what has ended."""
    return [one for one in personal.goods_of(connection, [member])[member] if one.list == named]


def _is_same(one: PersonalGoods, other: PersonalGoods) -> bool:
    return (one.kind, one.key) == (other.kind, other.key)


def _note(
    connection: Connection,
    programme_id: int,
    member: int,
    *,
    author: str,
    now: datetime,
    **sides: Mapping[str, str],
) -> None:
    subject = to_wire("m", member)
    audit.note(
        connection, programme_id, "own_goods_changed", subject, author=author, now=now, **sides
    )


def _lists(connection: Connection, plans: PlanCache, programme_id: int) -> tuple[PersonalList, ...]:
    programme = programmes.programme_by_id(connection, programme_id)
    assert programme is not None
    return plans.get(connection, programme_id, programme.rules_version).rules.personal_lists
