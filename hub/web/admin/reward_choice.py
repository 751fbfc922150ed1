"""Choice of reward: the forms of which each member chooses one, and who has not chosen."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.web.admin import rule_drafts
from hub.web.admin.document_forms import (
    Drawing,
    DrawnField,
    Errors,
    Form,
    change_rows,
    read_record,
    row_number,
)
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
from hub.web.sentences import detail
from loyalty_core.domain.errors import RulesInvalid
from loyalty_core.domain.rewards import Rewards
from loyalty_core.service.programmes import DraftMoved

__all__ = ["pages"]  # those of the programme, with the routes of this module

SECTION = "rewards"
Told = dict[str, Any]


@pages.route("/reward-choice", methods=["GET", "POST"])
def reward_choice() -> ResponseReturnValue:
    """By form; switched off, there is nothing to choose.  An act only changes the form."""
    if request.method == "GET":
        work = at_work()
        told = work.document.get(SECTION)
        return _page(work, told or _fresh(), given=told is not None)
    work = at_work(base_of_form())
    told, given = _typed(request.form), "given" in request.form
    if "act" in request.form:
        return _page(work, told, given=given)
    document = {key: value for key, value in work.document.items() if key != SECTION}
    if given:
        document[SECTION] = told
    try:
        draft = rule_drafts.save(work.version, document)
    except RulesInvalid as error:
        trouble = named_elsewhere(document, error.errors, [SECTION]) or not_saved()
        return _page(work, told, given=given, errors=error.errors, trouble=trouble), 422
    except DraftMoved as error:
        return _page(work, told, given=given, trouble=detail(error.code, language())), 409
    flash(saved(work, draft), "success")
    return redirect(_back())


def _fresh() -> Told:
    forms = [
        {"code": "points", "name": gettext("Points")},
        {"code": "discount", "name": gettext("Discount")},
    ]
    return {"forms": forms, "default": "points"}


def _typed(form: Form) -> Told:
    """What was typed, its act carried out; a form that is added has a code of its own."""
    told = read_record(Rewards, form)
    chosen = row_number(told.pop("default", ""))
    forms = told["forms"]
    if chosen is not None and chosen < len(forms) and "code" in forms[chosen]:
        told["default"] = forms[chosen]["code"]
    change_rows(told, form.get("act", ""))
    for one in forms:
        if not one:
            one["code"] = f"reward-{secrets.token_hex(3)}"
    return told


def _back() -> str:
    return url_for(".parts", part="reward_catalogue", _anchor="s-choice")


def _page(
    work: Work, told: Told, *, given: bool, errors: Errors | None = None, trouble: str = ""
) -> str:
    own = {path.removeprefix(f"{SECTION}."): texts for path, texts in (errors or {}).items()}
    drawn = {one.key: one for one in Drawing(own, {}).draw(Rewards, told)}
    switch = DrawnField(
        "given",
        "given",
        "flag",
        gettext("Members choose their reward"),
        required=False,
        value="true" if given else "",
    )
    name = "reward_choice_form" if "HX-Request" in request.headers else "reward_choice"
    return render_template(
        f"admin/{name}.html",
        base=work.version,
        given=switch,
        forms=drawn["forms"],
        default=drawn["default"],
        settled=_codes(work.document),
        back=_back(),
        trouble=trouble,
    )


def _codes(document: Mapping[str, Any]) -> frozenset[str]:
    """Codes that members may have chosen already: they stay."""
    forms = (document.get(SECTION) or {}).get("forms", ())
    return frozenset(one["code"] for one in forms)
