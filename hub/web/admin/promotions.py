"""Promotions: a list with dates and budgets, and each by form, tried while it is written."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from hub.web.admin import promotion_forms, rule_drafts
from hub.web.admin.condition_forms import field_choices
from hub.web.admin.context import the_hub, the_programme, zone
from hub.web.admin.entry_forms import without
from hub.web.admin.languages import gettext, language
from hub.web.admin.programme import pages
from hub.web.admin.promotion_forms import PromotionForm
from hub.web.admin.rule_drafts import Work, at_work, base_of_form
from hub.web.admin.rule_words import GROUPS
from hub.web.admin.trials import TryForm, read_try, try_out
from hub.web.admin.words import State
from hub.web.sentences import detail
from loyalty_core.domain.conditions.tell import Names, tell
from loyalty_core.domain.dates import local_time
from loyalty_core.domain.difference import sayings
from loyalty_core.domain.errors import RulesInvalid
from loyalty_core.domain.pricing.promotion import Promotion
from loyalty_core.domain.pricing.rules import RULE_TYPES
from loyalty_core.domain.rules import parse_rules
from loyalty_core.domain.templates import Template, templates
from loyalty_core.service.count_members import count_reached
from loyalty_core.service.programmes import DraftMoved
from loyalty_core.service.promotion_budgets import Budget, budgets
from loyalty_core.store.database import read

__all__ = ["pages"]  # those of the programme, with the routes of this module

_FAR = timedelta(days=366 * 50)


# --- the list -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One promotion of the list.  `begins` and `lasts` are columns of the month's strip, 0 where
    it is not in force in that month; `is_new`: it waits in the draft."""

    promotion: Promotion
    state: State
    words: tuple[str, ...]
    budgets: tuple[Budget, ...]
    begins: int
    lasts: int
    is_new: bool


@pages.get("/promotions/")
def promotions() -> ResponseReturnValue:
    """What there is in the version that changes start from, over a month."""
    hub, programme = the_hub(), the_programme()
    work, now = at_work(), hub.clock.now()
    first, names = _month(now), rule_drafts.names(work.rules)
    with read(hub.engine) as connection:
        left = budgets(connection, programme.id, work.rules, zone(), now=now)
    standing = at_work(work.in_force).rules.promotions if work.is_draft else None
    rows = [
        Row(
            one,
            promotion_forms.standing(one, now),
            in_words(one, names),
            left.get(one.id, ()),
            *_in_month(one, first),
            is_new=standing is not None and one not in standing,
        )
        for one in work.rules.promotions
    ]
    return render_template(
        "admin/promotions.html",
        work=work,
        rows=sorted(rows, key=lambda row: (row.state.tone != "good", row.promotion.name)),
        first=first,
        days=monthrange(first.year, first.month)[1],
        today=now.astimezone(zone()).date(),
        before=(first - timedelta(days=1)).replace(day=1),
        after=(first + timedelta(days=32)).replace(day=1),
        day_of=lambda number: first.replace(day=number),
    )


def _month(now: datetime) -> date:
    """The first day of the month in the address; this month where there is none."""
    told = request.args.get("month", "")
    try:
        asked = date.fromisoformat(f"{told}-01")
    except ValueError:
        return now.astimezone(zone()).date().replace(day=1)
    near = abs(asked - now.date()) < _FAR
    return asked if near else now.astimezone(zone()).date().replace(day=1)


def _in_month(one: Promotion, first: date) -> tuple[int, int]:
    """Where it begins among the days of a month, and how many it lasts."""
    days = monthrange(first.year, first.month)[1]
    since, until = first, first + timedelta(days=days)
    if one.starts_at is not None:
        since = max(since, local_time(one.starts_at, zone()).date())
    if one.ends_at is not None:
        last = (local_time(one.ends_at, zone()) - timedelta(microseconds=1)).date()
        until = last + timedelta(days=1) if last < until else until
    lasts = max(0, (until - since).days) if one.enabled else 0
    return ((since - first).days + 1 if lasts else 0), lasts


def in_words(one: Promotion, names: Names) -> tuple[str, ...]:
    """What it gives, to whom, and within what limits: a sentence each."""
    locale = language()
    result = "; ".join((RULE_TYPES[one.type].titles[locale], *sayings(one.params, locale, names)))
    told = [result]
    if one.when is not None:
        told.append(
            gettext("When: %(rule)s", rule=tell(one.when, the_programme().currency, locale, names))
        )
    bare = replace(one, params=None, when=None)
    told += [
        said for said in sayings(bare, locale, names) if not said.startswith(_elsewhere(locale))
    ]
    return tuple(told)


def _elsewhere(locale: str) -> tuple[str, ...]:
    """How sayings begin that stand elsewhere on the page, or above."""
    words = Promotion.__dataclass_fields__
    names = ("type", "params", "starts_at", "ends_at", "enabled")
    return tuple(f"{words[name].metadata['word'].titles[locale]}: " for name in names)


# --- one of them ----------------------------------------------------------------------------


@pages.route("/promotions/new", methods=["GET", "POST"])
def new_promotion() -> ResponseReturnValue:
    """Empty, or begun from a ready one that the address names."""
    if request.method == "GET":
        ready = next((one for one in _ready() if one.code == request.args.get("ready")), None)
        return _page(at_work(), promotion_forms.fresh(ready))
    return _sent(None)


def _ready() -> list[Template]:
    """Ready parts that are a promotion and nothing more."""
    today = the_hub().clock.now().astimezone(zone()).date()
    return [one for one in templates(today) if one.part.keys() == {"promotions"}]


@pages.route("/promotions/<promotion>", methods=["GET", "POST"])
def promotion(promotion: str) -> ResponseReturnValue:
    work = at_work()
    found = promotion_forms.from_document(work.document, promotion)
    if found is None:
        raise NotFound
    return _page(work, found) if request.method == "GET" else _sent(promotion)


def _sent(code: str | None) -> ResponseReturnValue:
    """Save what was typed, or, where an act came with it, show the form changed by that."""
    work = at_work(base_of_form())
    form = promotion_forms.from_typed(request.form, work.document, code)
    if code is not None and form.index is None:
        raise NotFound
    if "act" in request.form:
        return _page(work, form)
    document, place = form.put_into(work.document)
    try:
        draft = rule_drafts.save(work.version, document)
    except RulesInvalid as error:
        return _page(work, form.with_errors(error.errors, place), wrong=True), 422
    except DraftMoved as error:
        return _page(work, form, trouble=detail(error.code, language())), 409
    flash(gettext("Saved in draft %(number)s.", number=draft), "success")
    return redirect(url_for(".promotions"))


@pages.post("/promotions/<promotion>/remove")
def remove_promotion(promotion: str) -> ResponseReturnValue:
    """Out of the draft; what is in force keeps it until the draft is published."""
    work = at_work(base_of_form())
    document = without(work.document, promotion_forms.SECTION, promotion)
    if document is None:
        raise NotFound
    try:
        draft = rule_drafts.save(work.version, document)
    except RulesInvalid:
        flash(gettext("Another promotion names it: change that one first."), "danger")
    except DraftMoved as error:
        flash(detail(error.code, language()), "danger")
    else:
        flash(gettext("Removed in draft %(number)s.", number=draft), "success")
    return redirect(url_for(".promotions"))


@pages.post("/promotions/look")
def look_at_promotion() -> ResponseReturnValue:
    """Beside the form: the rule in words, whom it reaches, what a basket gets.

    A fragment, or the page where there is no script.
    """
    work = at_work(base_of_form())
    code = request.form.get("was_id") or None
    form = promotion_forms.from_typed(request.form, work.document, code)
    looked = _looked_at(work, form, read_try())
    if "HX-Request" in request.headers:
        return render_template("admin/promotion_look.html", **looked)
    return _page(work, form, looked=looked)


def _looked_at(work: Work, form: PromotionForm, trial: TryForm) -> dict[str, object]:
    hub, programme = the_hub(), the_programme()
    document, place = form.put_into(work.document)
    try:
        rules = parse_rules(document)
    except RulesInvalid as error:
        return {"told": (), "wrong": len(error.errors), "trial": trial, "tried": None}
    own = rules.promotions[place]
    with read(hub.engine) as connection:
        reached = count_reached(connection, programme.id, rules, own.when, now=hub.clock.now())
    return {
        "told": in_words(own, rule_drafts.names(rules)),
        "wrong": 0,
        "reached": reached,
        "trial": trial,
        "own": own,
        "tried": try_out(document, trial),
    }


def _page(
    work: Work,
    form: PromotionForm,
    *,
    wrong: bool = False,
    trouble: str = "",
    looked: Mapping[str, object] | None = None,
) -> str:
    known = rule_drafts.options(work.document)
    name = "promotion_form" if "HX-Request" in request.headers else "promotion"
    return render_template(
        f"admin/{name}.html",
        work=work,
        drawn=promotion_forms.draw(form, known),
        form=form,
        trouble=trouble,
        fields=field_choices(),
        groups=GROUPS,
        tiers=known.get("member.tier", ()),
        shops=known.get("shop.code", ()),
        categories=known.get("params.categories", ()),
        address=_address(work, form),
        ready=_ready() if form.index is None else (),
        looked=looked,
        **({"wrong": wrong, "trial": read_try()} if looked is None else looked),
    )


def _address(work: Work, form: PromotionForm) -> str:
    """Where the form is sent."""
    if form.index is None:
        return url_for(".new_promotion")
    return url_for(".promotion", promotion=work.document["promotions"][form.index]["id"])
