"""Lists of the rules document whose entries have plain forms: clubs, segments, rewards, lanes."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from hub.web.admin import condition_forms
from hub.web.admin.document_forms import (
    Drawing,
    DrawnField,
    Form,
    Options,
    change_rows,
    read_record,
)
from hub.web.admin.entry_forms import KEYS, EntryForm, key_of, split
from hub.web.admin.languages import language, lazy_gettext
from hub.web.admin.rule_words import AS_CURRENCY
from loyalty_core.domain.certificates import CertificateSeries
from loyalty_core.domain.club_events import ClubEvent
from loyalty_core.domain.clubs import Club
from loyalty_core.domain.conditions.fields import SEGMENT
from loyalty_core.domain.conditions.segments import Segment
from loyalty_core.domain.event_rules import EventRule
from loyalty_core.domain.pricing.coupons import CouponSeries
from loyalty_core.domain.pricing.declare import words_of
from loyalty_core.domain.pricing.personal import PersonalList
from loyalty_core.domain.pricing.promotion import Lane
from loyalty_core.domain.reward_catalogue import RewardItem
from loyalty_core.domain.rules import Calendar, RuleSet
from loyalty_core.domain.templates import Template, templates

_FIRST = "history.purchases"
_LIMITS = {
    "limits.*.per": (
        ("promotion", lazy_gettext("everybody")),
        ("member", lazy_gettext("each member")),
    ),
    "limits.*.of": (("uses", lazy_gettext("events")), ("points", lazy_gettext("points given"))),
}
"""An event has no shop and takes no money off."""


@dataclass(frozen=True, slots=True)
class Part:
    """`section` of the document holds such entries; codes of new ones begin with `stem`.

    `help`: what stands below a field, by its key; `chosen`: what may be chosen for a field where
    that is less than the document's word has; `unasked`: what conditions here may not ask;
    `bare`: what stands in the place of a condition; `ordered`: the order of the entries counts.
    """

    section: str
    holds: type[Any]
    stem: str
    add: str
    about: str
    help: Mapping[str, str] = field(default_factory=dict)
    chosen: Options = field(default_factory=dict)
    unasked: frozenset[str] = frozenset()
    bare: str = lazy_gettext("No condition: every member.")
    ordered: bool = False

    @property
    def title(self) -> str:
        """What the document calls the list."""
        return _titles(RuleSet)[self.section]

    @property
    def when(self) -> str:
        """What the document calls the condition of an entry; "" where it has none."""
        return _titles(self.holds).get(condition_forms.ROOT, "")

    def fields(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """All that a condition may ask here."""
        return condition_forms.field_choices(of_members=True, but=self.unasked)


_CODE = lazy_gettext("Shops, tills and files know it by this; it does not change later.")
_ALL_GOODS = lazy_gettext("Nothing: it pays for all goods.")
CLUBS = Part(
    "clubs",
    Club,
    "club",
    lazy_gettext("Add a club"),
    lazy_gettext("Closed memberships: sold as a card in the shop, or given by you."),
    {
        "code": _CODE,
        "skus": lazy_gettext(
            "Articles of the club card, between commas. Nothing: nobody joins by buying."
        ),
        "days": lazy_gettext("Each card that is bought adds so many. Nothing: without end."),
    },
)
CLUB_EVENTS = Part(
    "club_events",
    ClubEvent,
    "meeting",
    lazy_gettext("Add an event of a club"),
    lazy_gettext("Events with places that run out, seen by those alone who may come."),
    {"code": _CODE},
    unasked=frozenset({SEGMENT}),
)
SEGMENTS = Part(
    "segments",
    Segment,
    "segment",
    lazy_gettext("Add a segment"),
    lazy_gettext("Members who meet a condition, by a name that promotions can ask for."),
    {"code": _CODE},
    unasked=frozenset({SEGMENT}),
)
EVENTS = Part(
    "events",
    EventRule,
    "event",
    lazy_gettext("Add points for an event"),
    lazy_gettext("Points for what is no purchase. Your site tells the hub of each event."),
    {
        "id": _CODE,
        "kind": lazy_gettext(
            "As the site calls it: registration, visit, review, contest, mission, or another word."
        ),
        "life_days": AS_CURRENCY,
        "activation_days": AS_CURRENCY,
        "once_per_product": lazy_gettext("An event without a product then earns nothing."),
    },
    _LIMITS,
)
COUPONS = Part(
    "coupons",
    CouponSeries,
    "coupons",
    lazy_gettext("Add a series of coupons"),
    lazy_gettext("A promotion names the series; codes of it are made under “Coupons”."),
    {
        "code": _CODE,
        "uses": lazy_gettext("By all buyers together."),
        "life_days": lazy_gettext("From the day on which a coupon is made. Nothing: no end."),
        "price": lazy_gettext("A member may have one for so many points. Nothing: not for points."),
    },
)
CERTIFICATES = Part(
    "certificates",
    CertificateSeries,
    "gift",
    lazy_gettext("Add a series of certificates"),
    lazy_gettext("They are issued under “Certificates”, and keep what the series said then."),
    {
        "code": _CODE,
        "nominal": lazy_gettext("Nothing: it is said when one is issued or sold."),
        "life_days": lazy_gettext("From the day on which money comes onto one. Nothing: no end."),
        "categories": _ALL_GOODS,
        "skus": _ALL_GOODS,
    },
)
REWARDS = Part(
    "reward_catalogue",
    RewardItem,
    "reward",
    lazy_gettext("Add a reward"),
    lazy_gettext(
        "What members may have for points. How many there are of each is kept on the page "
        "“Rewards”."
    ),
    {
        "code": _CODE,
        "currency": lazy_gettext("Nothing: the main currency of the programme."),
        "per_member": lazy_gettext("Nothing: any number."),
        "unlimited": lazy_gettext("No stock is kept of it."),
        "partner": lazy_gettext("Who hands it out. Nothing: you do."),
    },
    unasked=frozenset({SEGMENT}),
    bare=lazy_gettext("No condition: every member may order it."),
)
CALENDARS = Part(
    "calendars",
    Calendar,
    "days",
    lazy_gettext("Add a calendar"),
    lazy_gettext("Days by a name, as holidays or sales: conditions of promotions ask for them."),
    {
        "code": _CODE,
        "days": lazy_gettext(
            "Each on a line of its own; several in a row as 2027-01-01 – 2027-01-08."
        ),
    },
)
PERSONAL_LISTS = Part(
    "personal_lists",
    PersonalList,
    "own",
    lazy_gettext("Add a list"),
    lazy_gettext(
        "Goods of each member's own. A promotion that names the list means other goods for each "
        "buyer."
    ),
    {
        "code": _CODE,
        "auto": lazy_gettext(
            "With what each member buys most often, once a day. Switched off: your site or shop "
            "fills it."
        ),
    },
)
LANES = Part(
    "lanes",
    Lane,
    "lane",
    lazy_gettext("Add a lane"),
    lazy_gettext(
        "Promotions stand in lanes, and lanes run from the first to the last: each counts on what "
        "the one before it left. Most programmes need one."
    ),
    {
        "code": _CODE,
        "name": lazy_gettext("Nothing: the code is shown."),
        "mode": lazy_gettext("“The best one”: of its promotions the one that gives most."),
        "once_per_line": lazy_gettext("A line of the receipt takes part in one of them at most."),
    },
    ordered=True,
)
GROUPS: Mapping[str, tuple[Part, ...]] = {
    "clubs": (CLUBS, CLUB_EVENTS, SEGMENTS),
    "events": (EVENTS,),
    "series": (COUPONS, CERTIFICATES),
    "rewards": (REWARDS,),
    "beside": (CALENDARS, PERSONAL_LISTS, LANES),
}
"""Parts that share a page."""
PARTS: Mapping[str, Part] = {one.section: one for group in GROUPS.values() for one in group}


def _titles(cls: type[Any]) -> dict[str, str]:
    return {word.key: word.titles[language()] for word, _ in words_of(cls)}


# --- reading --------------------------------------------------------------------------------


def fresh(part: Part, ready: Template | None = None) -> EntryForm:
    """Empty, with a code of its own; or with what the ready one says."""
    told: dict[str, Any] = {_key(part): f"{part.stem}-{secrets.token_hex(3)}"}
    if ready is not None:
        (said,) = ready.part[part.section]
        told = {**copy.deepcopy(dict(said)), **told, "name": ready.title[language()]}
    return EntryForm(part.section, told)


def ready_ones(part: Part, today: date) -> list[Template]:
    """Ready ones that have an entry of this part."""
    return [one for one in templates(today) if part.section in one.part]


def from_document(part: Part, document: Mapping[str, Any], code: str) -> EntryForm | None:
    """The form of an entry of the document; None where it is not there."""
    found = split(document, part.section, code)
    if found is None:
        return None
    index, told, tree = found
    return EntryForm(part.section, told, tree, index)


def from_typed(part: Part, form: Form, standing: EntryForm | None) -> EntryForm:
    """The form as it was sent, its one act carried out.  `standing`: the entry that is changed,
    whose code stays; None: a new one."""
    told = read_record(part.holds, form)
    tree = condition_forms.read_tree(form) if part.when else condition_forms.empty()
    act = form.get("act", "")
    condition_forms.change(tree, act, _FIRST)
    change_rows(told, act)
    if standing is None:
        return EntryForm(part.section, told, tree)
    return EntryForm(part.section, told | {_key(part): key_of(standing.told)}, tree, standing.index)


def _key(part: Part) -> str:
    return next(word.key for word, _ in words_of(part.holds) if word.key in KEYS)


# --- drawing --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DrawnEntry:
    """`tree` None: entries of this part have no condition."""

    fields: tuple[DrawnField, ...]
    tree: condition_forms.DrawnNode | None


def draw(part: Part, form: EntryForm, options: Options) -> DrawnEntry:
    """The name first and the code last, which stands in no field once the entry is there."""
    drawing = Drawing(form.errors, {**options, **part.chosen})
    drawn = [
        replace(one, help=str(part.help.get(one.key, one.help)))
        for one in drawing.draw(part.holds, form.told)
    ]
    code = next(one for one in drawn if one.key == _key(part))
    fields = sorted((one for one in drawn if one is not code), key=lambda one: one.key != "name")
    if form.index is None:
        fields.append(code)
    tree = condition_forms.draw(form.tree, drawing) if part.when else None
    return DrawnEntry(tuple(fields), tree)
