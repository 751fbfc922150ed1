"""How the person at the keyboard signs what they do, and how a page calls whoever did it."""

from __future__ import annotations

from collections.abc import Mapping

from hub.web.admin.languages import gettext, lazy_gettext
from hub.web.admin.sessions import signed_in_admin

_NOBODY: Mapping[str, str] = {
    "command line": lazy_gettext("command line"),
    "hub": lazy_gettext("the hub itself"),
    "pairing": lazy_gettext("the code of a shop that was connected"),
}
"""Authors who are no person."""


def author() -> str:
    """Who stands in the log, in entries and in versions: `admin:` and the login."""
    return f"admin:{signed_in_admin().login}"


def called(told: str) -> str:
    """An author as people say it: a login by itself, a key of the API as one."""
    kind, _, name = told.partition(":")
    if kind == "admin" and name:
        return name
    if kind == "key" and name:
        return gettext("API key “%(name)s”", name=name)
    return str(_NOBODY.get(told, told))
