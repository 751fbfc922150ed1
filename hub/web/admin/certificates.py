"""Gift certificates: lots issued, brought in and written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from hub.uploads import CERTIFICATES
from hub.web.admin import downloads, uploads, words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext
from hub.web.admin.lot_forms import (
    a_name,
    open_lot,
    read_count,
    read_lot,
    read_money,
    read_name,
    told,
    whole_page,
)
from hub.web.admin.till_codes import NoTriesLeft, look_up, no_tries
from loyalty_core.domain.certificates import MOST_MINOR
from loyalty_core.domain.errors import CertificateNotFound
from loyalty_core.service import certificate_views as views
from loyalty_core.service import certificates as service
from loyalty_core.service.certificates import NewLot
from loyalty_core.store import audit
from loyalty_core.store.certificates import KeptCertificate, KeptLot
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import to_wire

_PAGE = 50
_COLUMNS = ("code", "series", "member", "nominal", "balance", "state", "ends_at")

pages = Blueprint("certificates", __name__, url_prefix="/certificates")


@pages.get("/")
def index() -> ResponseReturnValue:
    return _index()


@pages.route("/new", methods=["GET", "POST"])
def make() -> ResponseReturnValue:
    """Issue a lot; whoever works for the programme makes its certificates."""
    if request.method == "GET":
        return _form({"lot": a_name(), "count": "1", "loaded": "yes"}, {})
    errors: dict[str, str] = {}
    nominal = read_money(errors, "nominal", MOST_MINOR) if told("nominal") else None
    name, count = read_name(errors), read_count(errors, service.MOST)
    wanted = NewLot(name, told("series"), count, nominal, told("loaded") == "yes")
    lot = None if errors else open_lot(service.open_lot, wanted, errors)
    if lot is not None:
        return redirect(url_for(".lot", certificate_lot=lot_id(lot)))
    return _form(request.form, errors)


@pages.get("/lots/<certificate_lot>", endpoint="lot")
def show(certificate_lot: str) -> ResponseReturnValue:
    """A lot: its certificates counted by their states, and a page of them."""
    lot, hub = _own(certificate_lot), the_hub()
    with read(hub.engine) as connection:
        rows, cursor = views.certificates_of(
            connection,
            lot,
            cursor=request.args.get("after"),
            limit=_PAGE,
            now=hub.clock.now(),
        )
    more = cursor and url_for(".lot", certificate_lot=certificate_lot, after=cursor)
    return _lot_page("lot", lot, rows=rows, more=more, most=downloads.MOST_IN_XLSX)


@pages.get("/lots/<certificate_lot>/progress")
def progress(certificate_lot: str) -> ResponseReturnValue:
    """The fragment that the page asks for again while certificates are being made; then all of
    it."""
    lot = _own(certificate_lot)
    return _lot_page("lot_progress", lot), whole_page(lot.made >= lot.size)


@pages.post("/lots/<certificate_lot>/export")
def export(certificate_lot: str) -> ResponseReturnValue:
    """The codes with their money."""
    lot, hub, programme_id = _own(certificate_lot), the_hub(), the_programme().id
    now = hub.clock.now()

    def rows(connection: Connection) -> Iterator[list[dict[str, Any]]]:
        for page in service.all_certificates(connection, programme_id, lot):
            told_ = [views.certificate_view(one, now) for one in page]
            yield [{**one, "ends_at": one["expires_at"]} for one in told_]

    answer = downloads.table(
        "certificates", _COLUMNS, rows, count=lot.made, decimals=("nominal", "balance")
    )
    transact(
        hub.engine,
        lambda connection: audit.note(
            connection, programme_id, "certificates_exported", lot.name, author=author(), now=now
        ),
    )
    return answer


def _import_texts() -> dict[str, Any]:
    """Of certificates that were sold before, with what is left on them."""
    with read(the_hub().engine) as connection:
        series = service.list_series(connection, the_hub().plans, the_programme().id)
    return {
        "title": gettext("Bring in certificates"),
        "back": (url_for(".index"), gettext("Certificates")),
        "series": [(one.code, one.name) for one in series],
        "needs_series": True,
        "lot": request.form.get("lot", a_name()),
        "hint": gettext("A code that the lot has already is left as it is."),
    }


uploads.Imports(CERTIFICATES, _import_texts, read_lot).add_to(pages)


@pages.post("/find")
def find() -> ResponseReturnValue:
    """One certificate, by its code; wrong ones are counted."""

    def work() -> KeptCertificate:
        with read(the_hub().engine) as connection:
            return service.known_certificate(connection, the_programme().id, told("code"))

    try:
        found = look_up(work)
    except CertificateNotFound:
        return _index(told("code"), gettext("There is no such certificate.")), 422
    except NoTriesLeft:
        return _index(told("code"), no_tries()), 429
    return redirect(url_for("admin.certificate.show", certificate_id=to_wire("ct", found.id)))


def lot_id(lot: KeptLot) -> str:
    return to_wire(views.LOT, lot.id)


def _own(certificate_lot: str) -> KeptLot:
    """Raises: CertificateNotFound."""
    with read(the_hub().engine) as connection:
        return views.lot_of(connection, the_programme().id, certificate_lot)


def _index(code: str = "", error: str = "") -> str:
    hub, programme_id = the_hub(), the_programme().id
    with read(hub.engine) as connection:
        lots = service.list_lots(connection, programme_id)
        series = service.list_series(connection, hub.plans, programme_id)
    return render_template(
        "admin/certificates.html",
        lots=lots[::-1],
        series={one.code: one.name for one in series},
        lot_id=lot_id,
        code=code,
        error=error,
    )


def _form(form: Mapping[str, str], errors: Mapping[str, str]) -> ResponseReturnValue:
    hub = the_hub()
    with read(hub.engine) as connection:
        series = service.list_series(connection, hub.plans, the_programme().id)
    offered = [(one.code, one.name) for one in series]
    page = render_template("admin/certificate_new.html", form=form, errors=errors, series=offered)
    return page, 422 if errors else 200


def _lot_page(template: str, lot: KeptLot, **more: object) -> str:
    hub = the_hub()
    counts: dict[str, tuple[int, int]] = {}
    with read(hub.engine) as connection:
        series = service.list_series(connection, hub.plans, the_programme().id)
        if lot.made >= lot.size:
            counts = views.count_states(connection, lot, hub.clock.now())
    return render_template(
        f"admin/certificate_{template}.html",
        lot=lot,
        id=lot_id(lot),
        counts=counts,
        series={one.code: one.name for one in series},
        words=words,
        **more,
    )
