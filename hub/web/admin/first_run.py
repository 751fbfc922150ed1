"""The first run: from nothing to a programme that works, in three steps that may be left and come
back to.  Which step is next is told by what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_location
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.exceptions import Forbidden

from hub.installations import list_installations
from hub.till import Till
from hub.till_words import Trial
from hub.web.admin import rights
from hub.web.admin.authors import author
from hub.web.admin.connections import offers
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext, language
from hub.web.admin.sessions import signed_in_admin
from loyalty_core.domain.errors import RulesInvalid
from loyalty_core.domain.presets import PRESETS, Preset, document_of, preset_of
from loyalty_core.domain.rules import parse_rules
from loyalty_core.service.programmes import (
    Programme,
    create_programme,
    end_first_run,
    list_programmes,
)
from loyalty_core.service.staff import owns_all
from loyalty_core.store.database import read, transact
from loyalty_kit.money import HUNDREDTHS, MAX_AMOUNT, parse_decimal

CODE = "main"
_ZONES = (
    "Europe/Kaliningrad",
    "Europe/Moscow",
    "Europe/Samara",
    "Asia/Yekaterinburg",
    "Asia/Omsk",
    "Asia/Krasnoyarsk",
    "Asia/Irkutsk",
    "Asia/Yakutsk",
    "Asia/Vladivostok",
    "Asia/Magadan",
    "Asia/Kamchatka",
)
"""One for each hour of Russia (Federal law 107-FZ of 3 June 2011, article 5)."""
_TRIAL = "1000"
_LONGEST_NAME = 100

pages = Blueprint("first_run", __name__, url_prefix="/first-run")


@dataclass(frozen=True, slots=True)
class Kind:
    """As it was typed.  `figures` by "preset-figure"; `errors` by the same, and by field."""

    name: str = ""
    timezone: str = "Europe/Moscow"
    preset: str = PRESETS[0].code
    figures: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def begin() -> ResponseReturnValue:
    """GET and POST /admin/begin: what kind of programme?  Only while there is none."""
    with read(the_hub().engine) as connection:
        if not owns_all(connection, signed_in_admin().id):
            raise Forbidden
        if list_programmes(connection):
            return redirect(url_for("admin.start"))
    if request.method == "GET":
        return _begin_page(Kind())
    told = request.form.get
    figures = {
        name: (told(name) or "").strip().replace(",", ".")
        for preset in PRESETS
        for name in _names(preset)
    }
    typed = Kind(told("name", "").strip(), told("timezone", ""), told("preset", ""), figures)
    preset = preset_of(typed.preset)
    errors = {} if preset is None else _wrong_figures(preset, figures)
    if preset is None:
        errors["preset"] = gettext("Choose one of those offered.")
    if not 0 < len(typed.name) <= _LONGEST_NAME:
        errors["name"] = gettext("Give it a name.")
    if typed.timezone not in _ZONES:
        errors["timezone"] = gettext("Choose one of those offered.")
    if errors or preset is None:
        return _begin_page(Kind(typed.name, typed.timezone, typed.preset, figures, errors)), 422
    made = transact(the_hub().engine, lambda connection: _made(connection, typed, preset))
    return redirect(url_for("admin.first_run.connect", programme=made.code))


@pages.get("/connect")
def connect() -> ResponseReturnValue:
    """One connection, or the cashier page."""
    return render_template(
        "admin/first_run_connect.html",
        offers=[one for one in offers() if not one.carries_messages],
        installations=list_installations(the_hub(), the_programme().id),
    )


@pages.route("/try", methods=["GET", "POST"])
def attempt() -> ResponseReturnValue:
    """A test purchase: done, shown, and undone before anybody sees it."""
    typed = request.form.get("amount", _TRIAL).strip()
    if request.method == "GET":
        return _try_page(_TRIAL)
    try:
        amount = parse_decimal("".join(typed.split()).replace(",", "."), HUNDREDTHS)
    except ValueError:
        amount = 0
    if not 0 < amount < MAX_AMOUNT:
        return _try_page(typed, wrong=gettext("Write a sum, as 1000 or 99.90.")), 422
    return _try_page(typed, trial=_till().try_out(amount))


@pages.post("/finish")
def finish() -> ResponseReturnValue:
    """Done, or left for later for good: the home page leads here no more."""
    transact(the_hub().engine, lambda connection: end_first_run(connection, the_programme().id))
    return redirect(url_for("admin.home.index"))


def _till() -> Till:
    hub = the_hub()
    return Till(
        hub,
        the_programme(),
        signed_in_admin(),
        rights.own_grant(),
        training=True,
        now=hub.clock.now(),
    )


def _names(preset: Preset) -> list[str]:
    return [f"{preset.code}-{figure.code}" for figure in preset.figures]


def _wrong_figures(preset: Preset, figures: Mapping[str, str]) -> dict[str, str]:
    """What the rules' own checker says of the figures, by their names."""
    try:
        parse_rules(_document(preset, figures))
    except RulesInvalid as error:
        text = gettext("Write a percent from 0 to 100.")
        return {
            f"{preset.code}-{figure.code}": text
            for figure in preset.figures
            if ".".join(map(str, figure.path)) in error.errors
        }
    return {}


def _document(preset: Preset, figures: Mapping[str, str]) -> dict[str, object]:
    own = {one.code: figures[f"{preset.code}-{one.code}"] for one in preset.figures}
    return document_of(preset, own)


def _made(connection: Connection, typed: Kind, preset: Preset) -> Programme:
    """Whoever was faster is let be: there is one programme."""
    known = list_programmes(connection)
    if known:
        return known[0]
    return create_programme(
        connection,
        code=CODE,
        name=typed.name,
        timezone=typed.timezone,
        document=_document(preset, typed.figures),
        author=author(),
        now=the_hub().clock.now(),
        being_set_up=True,
    )


def _begin_page(form: Kind) -> str:
    return render_template("admin/first_run.html", form=form, presets=PRESETS, zones=_zones())


def _zones() -> list[tuple[str, str]]:
    now = the_hub().clock.now()
    return [(name, f"{_city(name)}, UTC+{_hours(name, now)}") for name in _ZONES]


def _city(name: str) -> str:
    return str(get_timezone_location(name, locale=language(), return_city=True))


def _hours(name: str, now: datetime) -> int:
    offset = ZoneInfo(name).utcoffset(now)
    assert offset is not None
    return int(offset.total_seconds()) // 3600


def _try_page(amount: str, *, wrong: str = "", trial: Trial | None = None) -> str:
    return render_template("admin/first_run_try.html", amount=amount, wrong=wrong, trial=trial)
