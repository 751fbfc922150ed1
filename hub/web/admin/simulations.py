"""What a draft would have made of past receipts: asked for, watched, and shown with charts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub import simulations as service
from hub.simulations import SimulationAsked
from hub.web.admin import words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme, zone
from hub.web.admin.languages import gettext, language
from hub.web.admin.programme import pages
from hub.web.admin.rule_drafts import at_work
from hub.web.sentences import detail
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.domain.pricing.promotion import BASE
from loyalty_core.store.simulations import SimulationRow
from loyalty_kit.money import HUNDREDTHS, parse_decimal

__all__ = ["pages"]  # those of the programme, with the routes of this module

_DAYS = timedelta(days=29)
_CHARTED = 12
"""So many promotions stand in the chart; all of them stand in the table."""


@pages.route("/versions/<int(max=2147483647):version>/simulate", methods=["GET", "POST"])
def simulate(version: int) -> ResponseReturnValue:
    """Ask for one, over whole days."""
    at_work(version)
    today = the_hub().clock.now().astimezone(zone()).date()
    typed = {
        "from": request.form.get("from", (today - _DAYS).isoformat()),
        "to": request.form.get("to", today.isoformat()),
    }
    if request.method == "GET":
        return _ask_page(version, typed, {})
    days: dict[str, date] = {}
    errors: dict[str, str] = {}
    for name, text in typed.items():
        try:
            days[name] = date.fromisoformat(text)
        except ValueError:
            errors[name] = gettext("Choose a date.")
    if not errors:
        try:
            asked = SimulationAsked(version, days["from"], days["to"])
            begun = service.start(the_hub(), the_programme().id, asked, author=author())
        except InvalidInput:
            errors["to"] = gettext("The last day must not be before the first one.")
        else:
            if not begun:
                flash(gettext("One is underway already; wait for it, or stop it."), "danger")
            return redirect(url_for(".simulation"))
    page, _ = _ask_page(version, typed, errors)
    return page, 422


def _ask_page(version: int, typed: dict[str, str], errors: dict[str, str]) -> tuple[str, int]:
    page = render_template("admin/simulation_ask.html", version=version, typed=typed, errors=errors)
    return page, 200


@pages.get("/simulation")
def simulation() -> ResponseReturnValue:
    """The last one: how far it is, or what came of it; a fragment where the page asks again."""
    row = service.last_simulation(the_hub(), the_programme().id)
    fragment = "HX-Request" in request.headers
    return render_template(
        "admin/simulation_result.html" if fragment else "admin/simulation.html",
        row=row,
        result=row.result if row is not None else None,
        charts=_charts(row),
        failed=detail(row.error_code, language()) if row is not None and row.error_code else "",
        words=words,
        base=BASE,
    )


@pages.post("/simulation/stop")
def stop_simulation() -> ResponseReturnValue:
    if service.stop(the_hub(), the_programme().id):
        flash(gettext("Stopped."), "success")
    return redirect(url_for(".simulation"))


def _charts(row: SimulationRow | None) -> dict[str, Any] | None:
    """Figures for the charts, in roubles and points; nothing of it is exact to the kopeck."""
    if row is None or row.result is None:
        return None
    result = row.result
    both = [("was", gettext("As it was")), ("now", gettext("By the draft"))]
    told = [(gettext("Discounts"), "discount"), (gettext("Worth of points"), "points_worth")]
    given = [
        {"name": title, "values": [_figure(result[side][key]) for side, _ in both]}
        for title, key in told
    ]
    rows = sorted(
        result["promotions"], key=lambda one: -abs(_figure(one["difference"]["discount"]))
    )[:_CHARTED]
    return {
        "given": {"names": [title for _, title in both], "series": given},
        "promotions": {
            "names": [_name(one) for one in rows],
            "series": [
                {"name": title, "values": [_figure(one[side]["discount"]) for one in rows]}
                for side, title in both
            ],
        },
        "crowds": {
            "names": [gettext("Get more"), gettext("Get less")],
            "values": [result["winners"]["members"], result["losers"]["members"]],
        },
    }


def _name(row: dict[str, Any]) -> str:
    return gettext("The programme itself") if row["id"] == BASE else str(row["name"])


def _figure(text: str) -> float:
    return parse_decimal(text, HUNDREDTHS) / 100
