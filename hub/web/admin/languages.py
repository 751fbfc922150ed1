"""In which language the console speaks: as chosen, else as the account says, else the browser."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import flask_babel
from flask import Flask, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from hub.web.admin import sessions
from hub.web.admin.context import the_hub
from hub.web.admin.links import inside
from loyalty_core.service.admins import choose_locale
from loyalty_core.store.database import write

LANGUAGES = {"ru": "Русский", "en": "English"}
TRANSLATIONS = Path(__file__).resolve().parents[2] / "translations"
_CHOSEN = "language"


def register(app: Flask) -> None:
    flask_babel.Babel(
        app,
        default_locale="en",
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=language,
    )


def language() -> str:
    """ "ru" or "en"; settled once per request."""
    if "language" not in g:
        g.language = _settle()
    return str(g.language)


def _settle() -> str:
    chosen = session.get(_CHOSEN)
    if chosen not in LANGUAGES and sessions.is_signed_in():
        chosen = sessions.signed_in_admin().locale
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


def choose() -> ResponseReturnValue:
    """POST /admin/language: from now on this language, on this browser and for this account."""
    wanted = request.form.get("language", "")
    if wanted not in LANGUAGES:
        raise BadRequest
    session[_CHOSEN] = wanted
    session.permanent = True
    if sessions.is_signed_in():
        with write(the_hub().engine) as connection:
            choose_locale(connection, sessions.signed_in_admin().id, wanted)
    return redirect(inside(request.form.get("next")) or url_for("admin.start"))


def gettext(text: str, **facts: object) -> str:
    """The text in the language of the page."""
    return str(flask_babel.gettext(text, **facts))


def ngettext(one: str, many: str, num: int) -> str:
    """The form of the text that fits the number; `%(num)d` is the number."""
    return str(flask_babel.ngettext(one, many, num))


def lazy_gettext(text: str) -> str:
    """As `gettext`, looked up anew each time that it is shown; behaves as a str."""
    return cast(str, flask_babel.lazy_gettext(text))
