"""One gift certificate: what moved on it, money put onto it, blocked, printed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.exceptions import BadRequest

from hub.web.admin import rights, words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext, language
from hub.web.admin.lot_forms import read_money, told
from hub.web.sentences import detail
from loyalty_core.domain.certificates import MOST_MINOR
from loyalty_core.domain.errors import LoyaltyError
from loyalty_core.domain.staff import May
from loyalty_core.service import certificates as service
from loyalty_core.service.certificate_views import certificate_of, certificate_view
from loyalty_core.service.certificates import TopUp
from loyalty_core.store.certificates import KeptCertificate
from loyalty_core.store.database import look, read, transact

_KEY = 32

pages = Blueprint("certificate", __name__, url_prefix="/certificates/one")


@dataclass(frozen=True, slots=True)
class TopUpForm:
    """As it was typed.  `key` names the one load that this form makes, however often it is
    sent."""

    amount: str = ""
    key: str = field(default_factory=lambda: secrets.token_hex(_KEY // 2))
    error: str = ""


@pages.get("/<certificate_id>")
def show(certificate_id: str) -> ResponseReturnValue:
    return _page(certificate_id, TopUpForm())


@pages.post("/<certificate_id>/block")
def block(certificate_id: str) -> ResponseReturnValue:
    """Not to be paid with, or again; its money stays on it."""
    if request.form.get("blocked") not in ("yes", "no"):
        raise BadRequest
    one, blocked = _own(certificate_id), request.form.get("blocked") == "yes"
    transact(
        the_hub().engine,
        lambda connection: service.block_certificate(
            connection,
            the_programme().id,
            one.code,
            blocked=blocked,
            author=author(),
            now=the_hub().clock.now(),
        ),
    )
    done = gettext("Blocked: nobody pays with it; its money stays on it.")
    flash(done if blocked else gettext("Can be paid with again."), "success")
    return redirect(url_for(".show", certificate_id=certificate_id))


@pages.post("/<certificate_id>/top-up")
def top_up(certificate_id: str) -> ResponseReturnValue:
    """Money that was paid for it elsewhere."""
    one, errors = _own(certificate_id), dict[str, str]()
    key = told("key")
    if len(key) != _KEY or not key.isalnum():
        raise BadRequest
    amount = read_money(errors, "amount", MOST_MINOR)
    if not errors:
        wanted = TopUp(one.code, amount, f"console/{key}", author())
        try:
            transact(
                the_hub().engine,
                lambda connection: service.top_up(
                    connection, the_programme().id, wanted, now=the_hub().clock.now()
                ),
            )
        except LoyaltyError as error:
            errors["amount"] = detail(error.code, language())
        else:
            flash(gettext("Done: the money is on it."), "success")
            return redirect(url_for(".show", certificate_id=certificate_id))
    return _page(certificate_id, TopUpForm(told("amount"), key, errors["amount"]))


@pages.get("/<certificate_id>/print")
def paper(certificate_id: str) -> ResponseReturnValue:
    """A sheet to print, with the code as people and as scanners read it."""
    view = certificate_view(_own(certificate_id), the_hub().clock.now())
    return render_template("admin/certificate_paper.html", one=view, qr=qr(view["code"]))


def qr(text: str) -> Markup:
    """A drawing that a page holds; it brings no style of its own."""
    made = segno.make_qr(text, error="m")
    return Markup(made.svg_inline(scale=8, omitsize=True))  # noqa: S704  # nosec B704


def _own(certificate_id: str) -> KeptCertificate:
    """Raises: CertificateNotFound."""
    with read(the_hub().engine) as connection:
        return certificate_of(connection, the_programme().id, certificate_id)


def _page(certificate_id: str, form: TopUpForm) -> ResponseReturnValue:
    programme_id = the_programme().id
    # Of one moment, or the movements would not come to the sums above them.
    with look(the_hub().engine) as connection:
        one = certificate_of(connection, programme_id, certificate_id)
        moves = service.certificate_moves(connection, programme_id, certificate_id)
        known = service.list_series(connection, the_hub().plans, programme_id)
    view = certificate_view(one, the_hub().clock.now())
    if not rights.own_grant().may(May.MONEY):
        view["code"] = f"…{one.code[-4:]}"
    page = render_template(
        "admin/certificate.html",
        one=view,
        series=next((it.name for it in known if it.code == view["series"]), view["series"]),
        moves=moves[::-1],
        form=form,
        words=words,
    )
    return page, 422 if form.error else 200
