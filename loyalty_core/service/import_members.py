"""Members of another system: new ones are enrolled, of known ones what is blank is filled in.

Nothing that stands is changed, and no consent is brought in: a consent needs its proof.  A level
is not written: it follows from what was bought.  So what a member bought before (`spent_before`)
is booked as one past purchase, and where a level is told that this does not reach, the purchase
counts for as much as the level needs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.import_cells import (
    Wrong,
    amount_of,
    birth_date_of,
    moment_of,
    names_of,
    text_of,
)
from loyalty_core.domain.import_columns import ATTRIBUTE, MEMBERS, PURCHASES
from loyalty_core.domain.ladder_path import Contribution
from loyalty_core.domain.members import card_key
from loyalty_core.domain.tiering import LIFETIME, SPENT, threshold_of
from loyalty_core.service.history import (
    BEFORE,
    book_history,
    past_purchase,
    receipts_since,
    spent_before,
)
from loyalty_core.service.identify import dead_cards, name_row, new_member_row, tell_shops
from loyalty_core.service.imports import Ground, Report, Row, ground_of, sources_of
from loyalty_core.service.members import PROFILE
from loyalty_core.service.named_rows import FirstLines, Names, People, marks_of, names_in
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import MAIN_SHOP
from loyalty_core.store import members as store
from loyalty_core.store import programmes
from loyalty_core.store.ids import to_wire
from loyalty_core.store.past_sales import BROUGHT_IN
from loyalty_core.store.programmes import Shop
from loyalty_core.store.purchases import KeptPurchase
from loyalty_core.store.scratch import Scratch
from loyalty_kit.events import Purchase, PurchaseLine
from loyalty_kit.json_text import refuse_deep
from loyalty_kit.money import UNIT_MILLI


@dataclass(frozen=True, slots=True)
class _Person:
    """A row that reads well.  `spent_minor`: what counts as bought before, at `spent_at`."""

    number: int
    names: Names
    profile: Mapping[str, str | None]
    attributes: Mapping[str, Any]
    enrolled_at: datetime | None
    tier: str | None
    spent_minor: int
    spent_at: datetime


class MembersImport:
    """One file of members.  `started_at` is when it was begun first, whoever goes on with it."""

    def __init__(  # noqa: PLR0913 - each is a word of its own to the caller
        self,
        plans: PlanCache,
        programme_id: int,
        name: str,
        scratch: Scratch,
        *,
        system: str | None,
        started_at: datetime,
        besides: bool = False,
    ) -> None:
        self._plans = plans
        self._programme_id = programme_id
        self._source = f"{BROUGHT_IN}{name}"
        self._first = FirstLines(scratch)
        self._system = system
        self._started_at = started_at
        self._besides = besides
        self._ground: Ground

    def skim(self, connection: Connection, rows: Sequence[Row], *, now: datetime) -> None:
        self._ground = ground_of(connection, self._plans, self._programme_id)
        wanted = []
        for row in rows:
            try:
                person = self._person(row, self._ground)
            except Wrong:
                continue
            wanted.append((row.number, marks_of(person.names.keys)))
        self._first.claim(wanted)

    def take(
        self, connection: Connection, rows: Sequence[Row], *, now: datetime, dry: bool
    ) -> Report:
        self._ground = ground_of(connection, self._plans, self._programme_id)
        report = Report()
        people = self._first_named(self._readable(rows, report), report)
        named = [one.names for one in people]
        known = People(connection, self._programme_id, named, lock=not dry)
        sources = {self._source}
        if not self._besides:
            sources |= sources_of(connection, self._programme_id, MEMBERS)
        fresh: list[_Person] = []
        old: dict[int, list[_Person]] = {}
        matched = self._matched(people, known, report)
        for one, member in self._counted_once(connection, matched, sources, report):
            self._count(one, member, report)
            if member is None:
                fresh.append(one)
            else:
                old.setdefault(member, []).append(one)
        if not dry:
            write = _Writing(connection, self._ground, self._source, sources, now)
            write.enrol(fresh)
            write.fill(old, known)
            write.finish()
        report.bad.sort(key=lambda bad: bad.number)
        return report

    def _matched(
        self, people: Sequence[_Person], known: People, report: Report
    ) -> list[tuple[_Person, int | None]]:
        """Who each is; None: nobody known."""
        matched = []
        for one in people:
            try:
                matched.append((one, known.of(one.names)))
            except Wrong as wrong:
                report.reject(one.number, wrong)
        return matched

    def _counted_once(
        self,
        connection: Connection,
        matched: Sequence[tuple[_Person, int | None]],
        sources: Collection[str],
        report: Report,
    ) -> list[tuple[_Person, int | None]]:
        """Without those whose sum would count beside receipts of the same time."""
        if self._besides:
            return list(matched)
        programme = self._programme_id
        ids = {member for one, member in matched if member is not None and one.spent_minor}
        ids -= spent_before(connection, programme, sources, ids).keys()
        brought = sources_of(connection, programme, PURCHASES)
        since = receipts_since(connection, programme, brought, ids)
        kept = []
        for one, member in matched:
            first = since.get(member or 0)
            if first is None or not one.spent_minor or first > one.spent_at:
                kept.append((one, member))
                continue
            day = first.astimezone(self._ground.zone).date().isoformat()
            report.reject(one.number, Wrong("receipts_before", day=day))
        return kept

    # --- reading ----------------------------------------------------------------------------

    def _readable(self, rows: Sequence[Row], report: Report) -> list[_Person]:
        people = []
        for row in rows:
            try:
                people.append(self._person(row, self._ground))
            except Wrong as wrong:
                report.reject(row.number, wrong)
        return people

    def _first_named(self, people: list[_Person], report: Report) -> list[_Person]:
        """Without those that name somebody whom a line before has named."""
        taken = self._first.claim([(one.number, marks_of(one.names.keys)) for one in people])
        for line, first in taken.items():
            report.reject(line, Wrong("twice", line=str(first)))
        return [one for one in people if one.number not in taken]

    def _person(self, row: Row, ground: Ground) -> _Person:
        """Raises: Wrong."""
        told = row.sound()
        profile = self._profile(told, ground)
        tier = _tier(text_of(told.get("tier"), "tier"), ground)
        spent, at = self._spent(told, ground, tier)
        return _Person(
            row.number,
            names_in(told, ground.region, self._system),
            profile,
            _attributes(told),
            self._past(told, "enrolled_at", ground),
            tier,
            spent,
            at,
        )

    def _profile(self, told: Mapping[str, str], ground: Ground) -> dict[str, str | None]:
        profile: dict[str, str | None] = dict.fromkeys(PROFILE)
        if full := text_of(told.get("name"), "name"):
            profile.update(names_of(full))
        for word in PROFILE:
            if value := text_of(told.get(word), word):
                profile[word] = value
        if born := profile["birth_date"]:
            today = self._started_at.astimezone(ground.zone).date()
            profile["birth_date"] = birth_date_of(born, today)
        return profile

    def _past(self, told: Mapping[str, str], word: str, ground: Ground) -> datetime | None:
        text = text_of(told.get(word), word)
        if text is None:
            return None
        moment = moment_of(text, word, ground.zone)
        if moment > self._started_at:
            raise Wrong("ahead", column=word)
        return moment

    def _spent(
        self, told: Mapping[str, str], ground: Ground, tier: str | None
    ) -> tuple[int, datetime]:
        """What was bought before, no less than the level needs, and when.

        In a window of time a level counts as reached now, so that it falls when one that was
        reached here would.
        """
        text = text_of(told.get("spent_before"), "spent_before")
        spent = 0 if text is None else amount_of(text, "spent_before")
        if spent < 0:
            raise Wrong("negative", column="spent_before")
        at = self._past(told, "last_purchase_at", ground) or self._started_at
        tiering = ground.ladder.tiering
        if tier is None or tiering.by != SPENT:
            return spent, at
        needed = threshold_of(ground.ladder.tiers[ground.ladder.rank_of(tier) - 1])
        windowed = tiering.window != LIFETIME and needed
        return max(spent, needed), self._started_at if windowed else at

    def _count(self, one: _Person, member: int | None, report: Report) -> None:
        report.counts["known" if member is not None else "new"] += 1
        if member is None and one.tier not in (None, _reached(one, self._ground)):
            report.counts["tier_not_reached"] += 1


def _attributes(told: Mapping[str, str]) -> dict[str, Any]:
    """Of the shop's own: a column each, and those of our export in one.  Raises: Wrong."""
    attributes: dict[str, Any] = {}
    if document := told.get("attributes"):
        attributes = _object(document)
    for word, cell in told.items():
        if word.startswith(ATTRIBUTE) and (value := text_of(cell, word)) is not None:
            attributes[word.removeprefix(ATTRIBUTE)] = value
    return attributes


def _object(document: str) -> dict[str, Any]:
    """What both databases take for JSON.  Raises: Wrong."""
    try:
        refuse_deep(document.encode())
        found = json.loads(document, parse_constant=_no_number)
        text = json.dumps(found, ensure_ascii=False)
        text.encode("utf-8")
    except ValueError:
        raise Wrong("not_json", column="attributes") from None
    if not isinstance(found, dict) or "\\u0000" in text:
        raise Wrong("not_json", column="attributes")
    return found


def _no_number(name: str) -> float:
    raise ValueError(name)


def _tier(text: str | None, ground: Ground) -> str | None:
    """The code of the level that is called so.  Raises: Wrong."""
    if text is None:
        return None
    for tier in ground.ladder.tiers:
        if text.casefold() in (tier.code.casefold(), tier.name.casefold()):
            return tier.code
    raise Wrong("no_tier", tier=text)


def _reached(one: _Person, ground: Ground) -> str | None:
    """The level that what was bought before gives."""
    ladder = ground.ladder
    if not ladder.asks_history:
        return ladder.reached(one.spent_minor)
    amount = ladder.amount(one.spent_minor, 0)
    given = [Contribution(one.spent_at, amount)] if amount else []
    return ladder.code(ladder.place(given, one.spent_at).rank)


# --- writing --------------------------------------------------------------------------------


class _Writing:
    """What a portion writes, in sets."""

    def __init__(
        self,
        connection: Connection,
        ground: Ground,
        source: str,
        sources: Collection[str],
        now: datetime,
    ) -> None:
        """`sources`: of imports that may have told already what was bought before."""
        self._sources = sources
        self._connection = connection
        self._ground = ground
        self._source = source
        self._now = now
        self._shop: Shop | None = None
        self._names: list[dict[str, Any]] = []
        self._known: set[int] = set()
        self._past: list[KeptPurchase] = []

    def enrol(self, people: Sequence[_Person]) -> None:
        lowest = self._ground.ladder.reached(0)
        rows = []
        for one in people:
            row = new_member_row(
                self._ground.programme.id, self._now, source=self._source, state="active"
            )
            row |= {**one.profile, "attributes": dict(one.attributes), "tier": lowest}
            row["created_at"] = one.enrolled_at or self._now
            rows.append(row)
            self._name(row["id"], one)
            self._count(row["id"], one)
        store.add_members(self._connection, rows)

    def fill(self, people: Mapping[int, Sequence[_Person]], known: People) -> None:
        """What is blank of known members, and names of theirs that nobody has."""
        if not people:
            return
        asked = [member for member, rows in people.items() if any(one.spent_minor for one in rows)]
        programme = self._ground.programme.id
        told = set(spent_before(self._connection, programme, self._sources, asked))
        found = store.member_rows(self._connection, self._ground.programme.id, people.keys())
        changed = []
        self._known |= people.keys()
        for member, rows in people.items():
            stands: dict[str, Any] = dict(found[member])
            for one in rows:
                stands |= {
                    name: value
                    for name, value in one.profile.items()
                    if value is not None and stands[name] is None
                }
                stands["attributes"] = {**one.attributes, **stands["attributes"]}
                self._name(member, one, known)
                if one.spent_minor and member not in told:
                    self._count(member, one)
                    told.add(member)
            if stands != dict(found[member]):
                changed.append(stands)
        store.set_profiles(self._connection, changed)

    def finish(self) -> None:
        cards = [card_key(row["value"]) for row in self._names if row["kind"] == "card"]
        dead = {key.value for key in dead_cards(self._connection, self._ground.programme.id, cards)}
        # A number that was taken away is nobody's, whatever an old file says.
        alive = [row for row in self._names if row["kind"] != "card" or row["value"] not in dead]
        store.add_names(self._connection, alive)
        known = [row for row in alive if row["member_id"] in self._known]
        tell_shops(self._connection, known, now=self._now)
        if self._past:
            book_history(self._connection, self._ground, self._past, now=self._now)

    def _name(self, member: int, one: _Person, known: People | None = None) -> None:
        self._names += [
            name_row(self._ground.programme.id, key, member, verified=False, now=self._now)
            for key in one.names.keys
            if known is None or key not in known.owner
        ]

    def _count(self, member: int, one: _Person) -> None:
        if not one.spent_minor:
            return
        programme = self._ground.programme.id
        shop = self._shop or programmes.shop_by_code(self._connection, programme, MAIN_SHOP)
        assert shop is not None
        self._shop = shop
        line = PurchaseLine("1", UNIT_MILLI, one.spent_minor, one.spent_minor)
        event = Purchase(
            f"{BEFORE}{to_wire('m', member)}",
            one.spent_at,
            (line,),
            currency=self._ground.programme.currency,
        )
        self._past.append(
            past_purchase(self._ground, self._source, shop, event, member, now=self._now)
        )
