"""Pages for what went wrong: what happened and what to do, never a trace and nothing personal."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, NotFound

from hub.web.admin.languages import gettext, language
from hub.web.sentences import detail
from loyalty_core.domain import errors
from loyalty_core.store.database import is_away


def register(console: Blueprint) -> None:
    console.register_error_handler(CSRFError, _stale_form)
    console.register_error_handler(HTTPException, _refused)
    console.register_error_handler(errors.NotFound, _not_found)
    console.register_error_handler(errors.LoyaltyError, _rejected)
    for failed in (DBAPIError, PoolTimeout):
        console.register_error_handler(failed, _database_failed)


def nothing(anything: str) -> ResponseReturnValue:
    """Any other address under /admin/."""
    raise NotFound


def _page(status: int, title: str, advice: str) -> ResponseReturnValue:
    """A whole page, or for a fragment's request the sentences alone."""
    name = "fragment" if "HX-Request" in request.headers else "page"
    return render_template(f"admin/failure_{name}.html", title=title, advice=advice), status


def _stale_form(error: CSRFError) -> ResponseReturnValue:
    return _page(
        400,
        gettext("This form is out of date"),
        gettext("Go back, reload the page and send the form again. Nothing was changed."),
    )


def _not_found(error: errors.NotFound) -> ResponseReturnValue:
    return _page(
        404,
        gettext("Nothing here"),
        gettext("The address is wrong, or what was here is gone."),
    )


def _rejected(error: errors.LoyaltyError) -> ResponseReturnValue:
    """What no form of ours asks for: an address that was written by hand."""
    return _page(400, gettext("This cannot be done"), detail(error.code, language()))


def _refused(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:  # the limit on logins brings its own page
        return error.response
    if error.code == 404:
        return _not_found(errors.NotFound())
    if error.code == 403:
        return _page(
            403,
            gettext("Your role does not let you do this"),
            gettext("An owner of the programme can do it, or give you another role."),
        )
    if error.code == 413:
        return _page(
            413,
            gettext("This is too large"),
            gettext("A browser sends files of at most 32 MB here; larger ones go in by command."),
        )
    if (error.code or 500) < 500:
        return _page(
            error.code or 400,
            gettext("This cannot be done"),
            gettext("The browser sent something that the hub does not understand."),
        )
    return _page(
        500,
        gettext("Something broke"),
        gettext("The hub has written down what happened. Try again; if it stays, see its log."),
    )


def _database_failed(error: DBAPIError | PoolTimeout) -> ResponseReturnValue:
    """Raises: the error, where it is of the statement alone: then something broke."""
    if not is_away(error):
        raise error
    return _page(
        503,
        gettext("The database does not answer"),
        gettext("Nothing is lost. Try again in a moment; `loyalty-hub doctor` says what is wrong."),
    )
