"""Posters with a QR code that leads to where people join: a page to print."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from hub.web.admin.certificate import qr
from hub.web.admin.languages import gettext

MOST = {"title": 80, "text": 300, "link": 500}

pages = Blueprint("posters", __name__, url_prefix="/posters")


@pages.get("/")
def index() -> ResponseReturnValue:
    """The form; with a link the poster itself.  Nothing is kept."""
    form = {name: request.args.get(name, "").strip() for name in MOST}
    if "link" not in request.args:
        return render_template("admin/poster_form.html", form=form, errors={}, most=MOST)
    errors = {name: gettext("Too long.") for name, most in MOST.items() if len(form[name]) > most}
    if not _is_address(form["link"]):
        errors["link"] = gettext("An address begins with https:// or http://.")
    if not form["title"]:
        errors["title"] = gettext("Fill this in.")
    if errors:
        page = render_template("admin/poster_form.html", form=form, errors=errors, most=MOST)
        return page, 422
    return render_template("admin/poster.html", form=form, qr=qr(form["link"]))


def _is_address(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and " " not in link
