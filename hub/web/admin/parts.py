"""Parts of the rules that promotions and members refer to: listed, and each entry by form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from hub.web.admin import promotion_forms, rule_drafts, rule_parts
from hub.web.admin.context import the_hub, the_programme, zone
from hub.web.admin.document_forms import Drawing, DrawnField, Errors, read_record
from hub.web.admin.entry_forms import EntryForm, earlier, key_of, without
from hub.web.admin.languages import gettext, language
from hub.web.admin.programme import pages
from hub.web.admin.rule_drafts import (
    Work,
    at_work,
    base_of_form,
    named_elsewhere,
    not_saved,
    saved,
)
from hub.web.admin.rule_parts import GROUPS, PARTS, Part
from hub.web.admin.rule_words import GROUPS as JOINS
from hub.web.admin.rule_words import PROMOTION_STATE
from hub.web.admin.words import State, state
from hub.web.sentences import detail
from loyalty_core.domain.card_numbers import CardSeries
from loyalty_core.domain.club_events import ClubEvent
from loyalty_core.domain.conditions.tell import Names
from loyalty_core.domain.difference import sayings
from loyalty_core.domain.errors import RulesInvalid
from loyalty_core.domain.event_rules import EventRule
from loyalty_core.domain.pricing.coupons import CouponSeries
from loyalty_core.domain.pricing.promotion import Lane
from loyalty_core.domain.reward_catalogue import RewardItem
from loyalty_core.domain.rules import parse_rules
from loyalty_core.domain.templates import Template
from loyalty_core.service.count_members import count_reached
from loyalty_core.service.programmes import DraftMoved
from loyalty_core.store.database import read

__all__ = ["pages"]  # those of the programme, with the routes of this module


# --- the lists ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list.  `state` None: it is in force with the rules, always; `is_new`: it
    waits in the draft."""

    key: str
    name: str
    words: tuple[str, ...]
    state: State | None
    starts_at: datetime | None
    ends_at: datetime | None
    is_new: bool


@pages.get("/parts/<part>/")
def parts(part: str) -> ResponseReturnValue:
    """A part of the rules, and those that share its page, in the version that changes start
    from."""
    shown = _part(part)
    group = next(name for name, some in GROUPS.items() if shown in some)
    work, now = at_work(), the_hub().clock.now()
    names = rule_drafts.names(work.rules)
    standing = at_work(work.in_force).rules if work.is_draft else work.rules
    listed = [
        (
            one,
            [
                _row(entry, getattr(standing, one.section), now, names)
                for entry in _entries(work, one)
            ],
        )
        for one in GROUPS[group]
    ]
    return render_template(
        "admin/programme_parts.html",
        work=work,
        group=group,
        listed=listed,
        cards=_cards_told(work) if group == "series" else None,
        cards_new=standing.cards != work.rules.cards,
        choice=work.rules.rewards if group == "rewards" else None,
        choice_new=standing.rewards != work.rules.rewards,
    )


def _part(section: str) -> Part:
    """Raises: NotFound."""
    if section not in PARTS:
        raise NotFound
    return PARTS[section]


def _entries(work: Work, part: Part) -> tuple[Any, ...]:
    found: tuple[Any, ...] = getattr(work.rules, part.section)
    return found


def _row(entry: Any, standing: tuple[Any, ...], now: datetime, names: Names) -> Row:
    return Row(
        key=entry.id if isinstance(entry, EventRule) else entry.code,
        name=entry.called(language()) if isinstance(entry, Lane) else entry.name or entry.code,
        words=_in_words(entry, names),
        state=_state(entry, now),
        starts_at=getattr(entry, "starts_at", None),
        ends_at=getattr(entry, "ends_at", None),
        is_new=entry not in standing,
    )


def _state(entry: Any, now: datetime) -> State | None:
    if isinstance(entry, ClubEvent):
        return state(PROMOTION_STATE, "soon" if now < entry.starts_at else "over")
    if isinstance(entry, EventRule | CouponSeries | RewardItem):
        return promotion_forms.standing(entry, now)
    return None


def _in_words(entry: Any, names: Names) -> tuple[str, ...]:
    """What it says, but for what stands beside it: its dates, and whether it is switched on."""
    beside = {"starts_at": None, "ends_at": None, "enabled": True}
    own = {name: value for name, value in beside.items() if hasattr(entry, name)}
    return sayings(replace(entry, **own), language(), names)


# --- one of them ----------------------------------------------------------------------------


@pages.route("/parts/<part>/new", methods=["GET", "POST"])
def new_entry(part: str) -> ResponseReturnValue:
    """Empty, or begun from a ready one that the address names."""
    shown = _part(part)
    if request.method == "GET":
        asked = request.args.get("ready")
        ready = next((one for one in _ready(shown) if one.code == asked), None)
        return _page(at_work(), shown, rule_parts.fresh(shown, ready))
    return _sent(shown, None)


def _ready(part: Part) -> list[Template]:
    return rule_parts.ready_ones(part, the_hub().clock.now().astimezone(zone()).date())


@pages.route("/parts/<part>/of/<entry>", methods=["GET", "POST"])
def entry(part: str, entry: str) -> ResponseReturnValue:
    shown = _part(part)
    if request.method == "POST":
        return _sent(shown, entry)
    work = at_work()
    return _page(work, shown, _standing(work, shown, entry))


def _standing(work: Work, part: Part, entry: str) -> EntryForm:
    """Raises: NotFound."""
    found = rule_parts.from_document(part, work.document, entry)
    if found is None:
        raise NotFound
    return found


def _sent(part: Part, entry: str | None) -> ResponseReturnValue:
    """Save what was typed, or, where an act came with it, show the form changed by that."""
    work = at_work(base_of_form())
    standing = None if entry is None else _standing(work, part, entry)
    form = rule_parts.from_typed(part, request.form, standing)
    if "act" in request.form:
        return _page(work, part, form)
    document, place = form.put_into(work.document)
    try:
        draft = rule_drafts.save(work.version, document)
    except RulesInvalid as error:
        return _page(work, part, form.with_errors(error.errors, place), not_saved()), 422
    except DraftMoved as error:
        return _page(work, part, form, detail(error.code, language())), 409
    flash(saved(work, draft), "success")
    return redirect(_back(part))


def _back(part: Part) -> str:
    return url_for(".parts", part=part.section, _anchor=f"s-{part.section}")


@pages.post("/parts/<part>/of/<entry>/remove")
def remove_entry(part: str, entry: str) -> ResponseReturnValue:
    """Out of the draft; what is in force keeps it until the draft is published."""
    shown, work = _part(part), at_work(base_of_form())
    document = without(work.document, shown.section, entry)
    if document is None:
        raise NotFound
    if not document[shown.section] and shown is rule_parts.LANES:
        flash(gettext("One lane stays: promotions stand in it."), "danger")
        return redirect(_back(shown))
    _keep(work, document, lambda draft: gettext("Removed in draft %(number)s.", number=draft))
    return redirect(_back(shown))


@pages.post("/parts/<ordered_part>/of/<ordered_entry>/earlier")
def move_entry(ordered_part: str, ordered_entry: str) -> ResponseReturnValue:
    """One place nearer to the first, where the order counts."""
    shown, work = _part(ordered_part), at_work(base_of_form())
    document = earlier(work.document, shown.section, ordered_entry) if shown.ordered else None
    if document is None:
        raise NotFound
    _keep(work, document, lambda draft: saved(work, draft))
    return redirect(_back(shown))


def _keep(work: Work, document: Mapping[str, Any], told: Callable[[int], str]) -> None:
    """Save what a button of the list did, and say so, or why not."""
    try:
        draft = rule_drafts.save(work.version, document)
    except RulesInvalid as error:
        flash(named_elsewhere(document, error.errors), "danger")
    except DraftMoved as error:
        flash(detail(error.code, language()), "danger")
    else:
        flash(told(draft), "success")


@pages.post("/parts/<part>/look")
def look_at_entry(part: str) -> ResponseReturnValue:
    """Beside the form: the entry in words, and how many members its condition means.

    A fragment, or the page where there is no script.
    """
    shown, work = _part(part), at_work(base_of_form())
    if not shown.when:
        raise NotFound
    code = request.form.get("was") or None
    standing = None if code is None else _standing(work, shown, code)
    form = rule_parts.from_typed(shown, request.form, standing)
    looked = _looked_at(work, shown, form)
    if "HX-Request" in request.headers:
        return render_template("admin/programme_part_look.html", **looked)
    return _page(work, shown, form, looked=looked)


def _looked_at(work: Work, part: Part, form: EntryForm) -> dict[str, object]:
    hub, (document, place) = the_hub(), form.put_into(work.document)
    try:
        rules = parse_rules(document)
    except RulesInvalid:
        return {"told": (), "reached": None}
    own = getattr(rules, part.section)[place]
    with read(hub.engine) as connection:
        reached = count_reached(
            connection, the_programme().id, rules, own.when, now=hub.clock.now()
        )
    return {"told": _in_words(own, rule_drafts.names(rules)), "reached": reached}


def _page(
    work: Work,
    part: Part,
    form: EntryForm,
    trouble: str = "",
    looked: Mapping[str, object] | None = None,
) -> str:
    name = "programme_part_form" if "HX-Request" in request.headers else "programme_part"
    own = None if form.index is None else key_of(work.document[part.section][form.index])
    return render_template(
        f"admin/{name}.html",
        work=work,
        part=part,
        form=form,
        own=own,
        drawn=rule_parts.draw(part, form, rule_drafts.options(work.document)),
        trouble=trouble,
        fields=part.fields() if part.when else (),
        groups=JOINS,
        ready=_ready(part) if own is None else (),
        back=_back(part),
        address=url_for(".new_entry", part=part.section)
        if own is None
        else url_for(".entry", part=part.section, entry=own),
        looked=looked,
        **(looked or {}),
    )


# --- cards ----------------------------------------------------------------------------------


@pages.route("/cards", methods=["GET", "POST"])
def cards() -> ResponseReturnValue:
    """Electronic cards: whether members have them, and what their numbers begin with."""
    if request.method == "GET":
        work = at_work()
        return _cards_page(work.version, work.document.get("cards"), {})
    work = at_work(base_of_form())
    told = read_record(CardSeries, request.form) if "given" in request.form else None
    document = {key: value for key, value in work.document.items() if key != "cards"}
    if told is not None:
        document["cards"] = told
    try:
        draft = rule_drafts.save(work.version, document)
    except RulesInvalid as error:
        return _cards_page(work.version, told, error.errors, not_saved()), 422
    except DraftMoved as error:
        return _cards_page(work.version, told, {}, detail(error.code, language())), 409
    flash(saved(work, draft), "success")
    return redirect(url_for(".parts", part="coupons", _anchor="s-cards"))


def _cards_page(
    base: int, told: Mapping[str, Any] | None, errors: Errors, trouble: str = ""
) -> str:
    given = DrawnField(
        "given",
        "given",
        "flag",
        gettext("Members may have an electronic card"),
        required=False,
        value="" if told is None else "true",
    )
    return render_template(
        "admin/programme_cards.html",
        base=base,
        given=given,
        fields=_cards_drawn(told or {}, errors),
        trouble=trouble,
    )


def _cards_drawn(told: Mapping[str, Any], errors: Errors) -> list[DrawnField]:
    own = {path.removeprefix("cards."): texts for path, texts in errors.items()}
    return Drawing(own, {}).draw(CardSeries, told)


def _cards_told(work: Work) -> list[DrawnField]:
    """Nothing where members have none."""
    told = work.document.get("cards")
    return [] if told is None else _cards_drawn(told, {})
