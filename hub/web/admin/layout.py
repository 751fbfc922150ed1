"""What surrounds every page: menu, languages, assets with their version in the address."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, request, url_for

from hub.web.admin import rights, sessions
from hub.web.admin.context import choose_zone, programme_or_none, the_hub
from hub.web.admin.guide import help_address
from hub.web.admin.languages import LANGUAGES, gettext, language, ngettext
from loyalty_core.service.overview import count_dead_letters
from loyalty_core.service.programmes import Programme
from loyalty_core.service.staff import programmes_of
from loyalty_core.store.database import read

_STATIC = Path(__file__).resolve().parent.parent / "static"


@dataclass(frozen=True, slots=True)
class MenuItem:
    title: str
    icon: str
    address: str
    current: bool
    count: int = 0
    count_title: str = ""


def register(console: Blueprint) -> None:
    console.context_processor(_surroundings)


def _surroundings() -> dict[str, Any]:
    common = {
        "asset": asset,
        "language": language(),
        "languages": LANGUAGES,
        "here": request.full_path.rstrip("?") if request.method == "GET" else "",
        "programme": programme_or_none(),
        "may": rights.may,
    }
    if not sessions.is_signed_in() or "HX-Request" in request.headers:
        return common
    endpoint = request.endpoint or ""
    common["help"] = help_address(endpoint, language()) if endpoint != "admin.guide.show" else ""
    return common | {"admin": sessions.signed_in_admin()} | _menu(programme_or_none())


def _menu(programme: Programme | None) -> dict[str, Any]:
    with read(the_hub().engine) as connection:
        programmes = programmes_of(connection, sessions.signed_in_admin().id)
        dead = count_dead_letters(connection, programme.id) if programme else 0
    if programme is None:
        choose_zone(programmes)
    return {"programmes": programmes, "menu": _items(dead) if programme else []}


def _items(dead: int) -> list[MenuItem]:
    dead_title = ngettext("%(num)d delivery failed", "%(num)d deliveries failed", dead)
    items = [
        _item(gettext("Home"), "home", "admin.home.index"),
        _item(gettext("Cashier page"), "receipt", "admin.till.index"),
        _item(gettext("To look at"), "alert", "admin.attention.index"),
        _item(gettext("Members"), "members", "admin.members.index"),
        _item(gettext("Programme"), "programme", "admin.programme.index"),
        _item(gettext("Catalogue"), "catalogue", "admin.catalogue.index"),
        _item(gettext("Coupons"), "coupons", "admin.coupons.index"),
        _item(gettext("Certificates"), "certificates", "admin.certificates.index"),
        _item(gettext("Rewards"), "rewards", "admin.rewards.index")
        or _item(gettext("Rewards"), "rewards", "admin.rewards.hand_out"),
        _item(gettext("Messages"), "messages", "admin.messages.index"),
        _item(gettext("Connections"), "connections", "admin.connections.index"),
        _item(gettext("Deliveries"), "deliveries", "admin.deliveries.index", dead, dead_title),
        _item(gettext("People"), "people", "admin.people.index"),
        _item(gettext("Keys"), "keys", "admin.keys.index"),
        _item(gettext("Log"), "log", "admin.log.index"),
    ]
    return [item for item in items if item is not None]


def _item(
    title: str, icon: str, endpoint: str, count: int = 0, count_title: str = ""
) -> MenuItem | None:
    """None where the person may not go."""
    if not rights.may(endpoint.removeprefix("admin.")):
        return None
    address = url_for(endpoint)
    # Pages of one section may lie in several modules, as those of a member do; all lie under
    # its address, and under home's lies everything.
    below = endpoint != "admin.home.index" and request.path.startswith(address)
    current = below or request.path == address
    return MenuItem(title, icon, address, current, count, count_title)


def asset(name: str) -> str:
    """The address of a file; another content has another address, so browsers may keep it."""
    return url_for("static", filename=name, v=_version(name))


@cache
def _version(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
