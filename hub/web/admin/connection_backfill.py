"""A back-fill of a connection: begun by its day, watched while it goes on, stopped."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.connections.backfilling import midnight
from hub.ingest import backfill
from hub.installations import InstallationView, installation_row
from hub.web.admin import words
from hub.web.admin.authors import author
from hub.web.admin.connections import own_connection, pages
from hub.web.admin.context import the_hub
from hub.web.admin.languages import gettext
from loyalty_core.domain.errors import InvalidInput, NotAvailable

__all__ = ["pages"]  # those of connections, with the routes of this module


@pages.get("/<installation_id>/backfill", endpoint="backfill")
def show(installation_id: str) -> ResponseReturnValue:
    return _page(own_connection(installation_id))


def _page(one: InstallationView, error: str | None = None) -> ResponseReturnValue:
    row = installation_row(the_hub(), one.id)
    page = render_template(
        "admin/connection_backfill.html",
        one=one,
        able=backfill.can(the_hub(), row),
        progress=backfill.progress(the_hub(), row),
        since=request.form.get("since", ""),
        error=error,
        words=words,
    )
    return page, 422 if error else 200


@pages.get("/<installation_id>/backfill/progress", endpoint="backfill_progress")
def progress(installation_id: str) -> ResponseReturnValue:
    """The fragment that the page asks for again while one is underway."""
    one = own_connection(installation_id)
    found = backfill.progress(the_hub(), installation_row(the_hub(), one.id))
    return render_template(
        "admin/connection_backfill_progress.html", one=one, progress=found, words=words
    )


@pages.post("/<installation_id>/backfill", endpoint="start_backfill")
def start(installation_id: str) -> ResponseReturnValue:
    """Count, or count and book; `dry` says which."""
    one = own_connection(installation_id)
    try:
        day = date.fromisoformat(request.form.get("since", ""))
    except ValueError:
        return _page(one, gettext("Give the day from which on to look."))
    row, dry = installation_row(the_hub(), one.id), request.form.get("dry") == "yes"
    since = midnight(the_hub(), one.programme_id, day)
    try:
        backfill.start(the_hub(), row, since, dry=dry, author=author())
    except InvalidInput as refused:
        if refused.errors["since"] == [backfill.NOT_YET]:
            return _page(one, gettext("The day must be in the past."))
        return _page(one, gettext("Give the day from which on to look."))
    except NotAvailable:
        return _page(one, gettext("This connector cannot list what the shop sold."))
    except backfill.BackfillUnderway:
        return _page(one, gettext("One is underway already; wait for it, or stop it."))
    return redirect(url_for(".backfill", installation_id=one.id))


@pages.post("/<installation_id>/backfill/stop", endpoint="stop_backfill")
def stop(installation_id: str) -> ResponseReturnValue:
    one = own_connection(installation_id)
    if backfill.stop(the_hub(), installation_row(the_hub(), one.id), author=author()):
        flash(gettext("Stopped. What was found by then is booked."), "success")
    return redirect(url_for(".backfill", installation_id=one.id))
