"""The owner's guide, served from the package: what the question mark on a page leads to.

Its pages are the Markdown of `docs/guide`, one folder a language, with the addresses of links and
pictures that they have there.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from flask import Blueprint, Response, render_template, url_for
from flask.typing import ResponseReturnValue
from markdown_it import MarkdownIt
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from hub.web.admin.languages import LANGUAGES

_GUIDE = Path(__file__).resolve().parent.parent / "guide"
_FIRST = "index"
_PAGES = {
    "first_run": "first-run",
    "connections": "connections",
    "companions": "connections",
    "deliveries": "connections",
    "attention": "attention",
    "seen_twice": "attention",
    "programme": "programme",
    "programme.parts": "clubs",
    "programme.new_entry": "clubs",
    "programme.entry": "clubs",
    "programme.cards": "clubs",
    "programme.reward_choice": "clubs",
    "catalogue": "programme",
    "members": "members",
    "member_actions": "members",
    "member_notes": "members",
    "member_choices": "members",
    "members_in": "members",
    "balances_in": "members",
    "receipts_in": "members",
    "posters": "members",
    "coupons": "coupons",
    "certificates": "coupons",
    "certificate": "coupons",
    "rewards": "rewards",
    "messages": "messages",
    "sent": "messages",
    "till": "cashier",
    "people": "people",
    "keys": "people",
    "log": "people",
    "account": "people",
}
"""By the page of the console, or else its section; of all others the first page."""

pages = Blueprint("guide", __name__, url_prefix="/guide")


def help_address(endpoint: str, language: str) -> str:
    """Where the guide tells of this page of the console."""
    own = endpoint.removeprefix("admin.")
    page = _PAGES.get(own) or _PAGES.get(own.partition(".")[0], _FIRST)
    return url_for("admin.guide.show", tongue=language, page=page)


@pages.get("/<tongue>/<page>.md")
def show(tongue: str, page: str) -> ResponseReturnValue:
    """A page of the guide.  The name is looked up among those that there are."""
    if tongue not in LANGUAGES or page not in names(tongue):
        raise NotFound
    return render_template(
        "admin/guide.html",
        tongue=tongue,
        title=_title(tongue, page),
        text=Markup(_rendered(tongue, page)),  # noqa: S704  # nosec B704 - ours, HTML switched off
        first=None if page == _FIRST else url_for(".show", tongue=tongue, page=_FIRST),
        others=[
            (name, url_for(".show", tongue=code, page=page))
            for code, name in LANGUAGES.items()
            if code != tongue and page in names(code)
        ],
    )


@pages.get("/images/<picture>")
def picture(picture: str) -> ResponseReturnValue:
    """A picture of the guide.  The name is looked up among those that there are."""
    if picture not in _pictures():
        raise NotFound
    return Response((_GUIDE / "images" / picture).read_bytes(), mimetype="image/png")


@cache
def names(tongue: str) -> frozenset[str]:
    """The pages that the guide has in a language."""
    return frozenset(path.stem for path in (_GUIDE / tongue).glob("*.md"))


@cache
def _pictures() -> frozenset[str]:
    return frozenset(path.name for path in (_GUIDE / "images").glob("*.png"))


@cache
def _source(tongue: str, page: str) -> str:
    return (_GUIDE / tongue / f"{page}.md").read_text("utf-8")


def _title(tongue: str, page: str) -> str:
    return _source(tongue, page).partition("\n")[0].removeprefix("# ")


@cache
def _rendered(tongue: str, page: str) -> str:
    """HTML of all but the title, which the page itself shows."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return str(markdown.render(_source(tongue, page).partition("\n")[2]))
