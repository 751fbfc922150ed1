"""API keys: made, shown once, revoked."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.web.admin import words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext
from loyalty_core.domain.errors import InvalidInput, NotFound, UnknownShop
from loyalty_core.service.api_keys import SCOPES, WIRE, create_key, list_keys, revoke_key
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import from_wire, to_wire

pages = Blueprint("keys", __name__, url_prefix="/keys")


@dataclass(frozen=True, slots=True)
class KeyForm:
    """What was typed, what is wrong with it, and the key, which is shown this once."""

    name: str = ""
    scopes: list[str] = field(default_factory=list)
    shops: str = ""
    channels: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    key: str = ""


@pages.get("/")
def index() -> ResponseReturnValue:
    return _page(KeyForm())


@pages.post("/")
def make() -> ResponseReturnValue:
    typed = KeyForm(
        request.form.get("name", "").strip(),
        request.form.getlist("scopes"),
        request.form.get("shops", "").strip(),
        request.form.get("channels", "").strip(),
    )
    try:
        made = transact(
            the_hub().engine,
            lambda connection: create_key(
                connection,
                programme_id=the_programme().id,
                name=typed.name,
                scopes=typed.scopes,
                shops=_words(typed.shops),
                channels=_words(typed.channels),
                author=author(),
                now=the_hub().clock.now(),
            ),
        )
    except InvalidInput as error:
        errors = {name: _trouble(name) for name in error.errors}
    except UnknownShop as error:
        errors = {"shops": gettext("There is no shop %(shop)s.", shop=error.facts["shop"])}
    else:
        return _page(KeyForm(typed.name, key=made.key))
    again = KeyForm(typed.name, typed.scopes, typed.shops, typed.channels, errors)
    return _page(again), 422


@pages.post("/<key_id>/revoke")
def revoke(key_id: str) -> ResponseReturnValue:
    """Refused from now on, within five seconds."""
    number = from_wire(WIRE, key_id)
    if number is None:
        raise NotFound
    transact(
        the_hub().engine,
        lambda connection: revoke_key(
            connection, the_programme().id, number, author=author(), now=the_hub().clock.now()
        ),
    )
    flash(gettext("Revoked: it is refused within five seconds."), "success")
    return redirect(url_for(".index"))


def _words(text: str) -> list[str] | None:
    told = [word.strip() for word in text.split(",") if word.strip()]
    return told or None


def _trouble(name: str) -> str:
    return {
        "name": gettext("Give it a name, of at most 100 characters."),
        "scopes": gettext("Choose at least one."),
        "channels": gettext("Short words, with commas between them."),
    }[name]


def _page(form: KeyForm) -> str:
    with read(the_hub().engine) as connection:
        keys = list_keys(connection, the_programme().id)
    return render_template(
        "admin/keys.html",
        keys=keys,
        form=form,
        scopes=SCOPES,
        id_of=lambda key: to_wire(WIRE, key.id),
        words=words,
    )
