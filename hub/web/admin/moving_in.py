"""A base moves in: members, their balances, their receipts of before, each from a file.

The columns are called as the other system called them: what each means is shown with what would be
done, and may be said otherwise.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from hub import uploads as service
from hub.base_intake import BESIDES, SYSTEM
from hub.import_columns import twice
from hub.web.admin import uploads
from hub.web.admin.base_words import meaning
from hub.web.admin.context import the_hub
from hub.web.admin.languages import gettext
from hub.web.admin.lot_forms import told
from loyalty_core.domain.import_columns import (
    BALANCES,
    MEMBERS,
    PURCHASES,
    TOLD,
    Column,
    is_word,
)
from loyalty_core.store.uploads import UploadRow

MOST_SYSTEM = 100
_NAMES = {MEMBERS: "members_in", BALANCES: "balances_in", PURCHASES: "receipts_in"}


def _texts(kind: str) -> dict[str, Any]:
    titles = {
        MEMBERS: gettext("Bring in members"),
        BALANCES: gettext("Bring in balances"),
        PURCHASES: gettext("Bring in receipts of before"),
    }
    tabs = {
        MEMBERS: gettext("Members"),
        BALANCES: gettext("Balances"),
        PURCHASES: gettext("Receipts of before"),
    }
    helps = {
        MEMBERS: gettext(
            "Members come first. Who is known already keeps what stands; blanks are filled in."
            " Consents are not brought in: ask for them anew."
        ),
        BALANCES: gettext(
            "When the members are in. Each row becomes a lot of points with its own last day."
        ),
        PURCHASES: gettext(
            "A row for each line of a receipt. They count for tiers and favourites and move no"
            " points."
        ),
    }
    return {
        "title": titles[kind],
        "back": (url_for("admin.members.index"), gettext("Members")),
        "tabs": [
            (title, url_for(f"admin.{_NAMES[one]}.bring_in"), one == kind)
            for one, title in tabs.items()
        ],
        "hint": helps[kind],
        "most_system": MOST_SYSTEM,
    }


def _options(errors: dict[str, str]) -> dict[str, str]:
    system = told(SYSTEM)
    if len(system) > MOST_SYSTEM:
        errors[SYSTEM] = gettext("At most %(most)d characters.", most=MOST_SYSTEM)
    options = {SYSTEM: system, BESIDES: told(BESIDES)}
    return {name: said for name, said in options.items() if said}


def _said(row: UploadRow) -> list[Column]:
    before = {heading: Column(word, heading, how) for word, heading, how in row.columns}
    found = []
    for place, heading in enumerate(row.headings):
        word = told(f"column-{place}")
        if not heading or not is_word(row.kind, word):
            continue
        one = before.get(heading)
        found.append(one if one and one.word == word else Column(word, heading, TOLD))
    return found


class _Imports(uploads.Imports):
    """With what the columns of the file mean."""

    def add_to(self, pages: Blueprint) -> None:
        super().add_to(pages)
        pages.add_url_rule("/import/columns", "name_columns", self.name_columns, methods=["POST"])

    def name_columns(self) -> ResponseReturnValue:
        """Have a file that was checked read otherwise."""
        row = uploads.named(self.kind)
        columns = _said(row)
        again = twice(columns)
        if again is not None:
            called = meaning(self.kind, again)
            wrong = gettext("Two columns are “%(meaning)s”: leave one.", meaning=called)
            return uploads.page(self.kind, self.texts(), {"columns": wrong})
        if not service.read_anew(the_hub(), row, columns):
            flash(uploads.no_longer(), "danger")
        return redirect(url_for(".bring_in"))


def _pages(kind: str, address: str) -> Blueprint:
    part = Blueprint(_NAMES[kind], __name__, url_prefix=address)
    _Imports(kind, partial(_texts, kind), _options).add_to(part)
    return part


pages = (
    _pages(MEMBERS, "/members"),
    _pages(BALANCES, "/members/balances"),
    _pages(PURCHASES, "/members/receipts"),
)
