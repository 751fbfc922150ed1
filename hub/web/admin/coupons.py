"""Coupons: lots made, brought in, written out and blocked; one found by its code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.exceptions import BadRequest

from hub.uploads import COUPONS
from hub.web.admin import downloads, rights, uploads, words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext
from hub.web.admin.lot_forms import (
    a_name,
    open_lot,
    read_count,
    read_day,
    read_lot,
    read_name,
    told,
    whole_page,
)
from hub.web.admin.till_codes import NoTriesLeft, look_up, no_tries
from loyalty_core.domain.errors import CouponNotFound
from loyalty_core.domain.staff import May
from loyalty_core.service import coupons as service
from loyalty_core.service.coupons import NewLot, coupon_view
from loyalty_core.service.import_coupons import WORDS
from loyalty_core.store import audit
from loyalty_core.store.coupons import KeptLot
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import to_wire

pages = Blueprint("coupons", __name__, url_prefix="/coupons")


@pages.get("/")
def index() -> ResponseReturnValue:
    return _index()


@pages.route("/new", methods=["GET", "POST"])
def make() -> ResponseReturnValue:
    """Open a lot; whoever works for the programme makes its coupons."""
    if request.method == "GET":
        return _form({"lot": a_name()}, {})
    errors: dict[str, str] = {}
    wanted = NewLot(
        read_name(errors),
        told("series"),
        read_count(errors, service.MOST),
        starts_at=read_day(errors, "starts_at"),
        ends_at=read_day(errors, "ends_at", whole=True),
    )
    lot = None if errors else open_lot(service.open_lot, wanted, errors)
    if lot is not None:
        return redirect(url_for(".lot", coupon_lot=lot_id(lot)))
    return _form(request.form, errors)


@pages.get("/lots/<coupon_lot>", endpoint="lot")
def show(coupon_lot: str) -> ResponseReturnValue:
    """A lot with its coupons counted by their states."""
    return _lot_page("lot", coupon_lot)


@pages.get("/lots/<coupon_lot>/progress")
def progress(coupon_lot: str) -> ResponseReturnValue:
    """The fragment that the page asks for again while coupons are being made; then all of it."""
    lot = _own(coupon_lot)
    return _lot_page("lot_progress", coupon_lot), whole_page(lot.made >= lot.size)


@pages.post("/lots/<coupon_lot>/block")
def block_lot(coupon_lot: str) -> ResponseReturnValue:
    """All coupons of a lot at once: not to be used, or to be used again."""
    lot, blocked = _own(coupon_lot), _blocked()
    transact(
        the_hub().engine,
        lambda connection: service.block_lot(
            connection,
            the_programme().id,
            lot.name,
            blocked=blocked,
            author=author(),
            now=the_hub().clock.now(),
        ),
    )
    flash(_said(blocked), "success")
    return redirect(url_for(".lot", coupon_lot=coupon_lot))


@pages.post("/lots/<coupon_lot>/export")
def export(coupon_lot: str) -> ResponseReturnValue:
    """The codes; whose they are is told to who may hand out what is known of members."""
    lot, hub, programme_id = _own(coupon_lot), the_hub(), the_programme().id
    told_of_members = rights.own_grant().may(May.ERASE)
    columns = [name for name in WORDS if told_of_members or name != "member"]
    now = hub.clock.now()

    def rows(connection: Connection) -> Iterator[list[dict[str, Any]]]:
        for page in service.all_coupons(connection, programme_id, lot):
            yield [coupon_view(one, now) for one in page]

    answer = downloads.table("coupons", columns, rows, count=lot.made)
    transact(
        hub.engine,
        lambda connection: audit.note(
            connection, programme_id, "coupons_exported", lot.name, author=author(), now=now
        ),
    )
    return answer


def _import_texts() -> dict[str, Any]:
    """Of codes that were printed or handed out before."""
    with read(the_hub().engine) as connection:
        series = service.list_series(connection, the_hub().plans, the_programme().id)
    return {
        "title": gettext("Bring in coupons"),
        "back": (url_for(".index"), gettext("Coupons")),
        "series": [(one.code, one.name) for one in series],
        "needs_series": False,
        "lot": request.form.get("lot", a_name()),
        "hint": gettext("A code that the lot has already is left as it is."),
    }


uploads.Imports(COUPONS, _import_texts, read_lot).add_to(pages)


@pages.post("/find")
def find() -> ResponseReturnValue:
    """One coupon; wrong codes are counted.  Codes are value, so they stand in no address."""

    def work() -> dict[str, Any]:
        with read(the_hub().engine) as connection:
            return service.show_coupon(
                connection, the_programme().id, told("code"), now=the_hub().clock.now()
            )

    try:
        return _shown(look_up(work))
    except CouponNotFound:
        return _index(told("code"), gettext("There is no such coupon.")), 422
    except NoTriesLeft:
        return _index(told("code"), no_tries()), 429


@pages.post("/block")
def block() -> ResponseReturnValue:
    """One coupon: not to be used, or to be used again.  Raises: CouponNotFound."""
    blocked = _blocked()

    def work(connection: Connection) -> dict[str, Any]:
        return service.block_coupon(
            connection,
            the_programme().id,
            told("code"),
            blocked=blocked,
            author=author(),
            now=the_hub().clock.now(),
        )

    try:
        found = look_up(lambda: transact(the_hub().engine, work))
    except NoTriesLeft:
        return _index(told("code"), no_tries()), 429
    flash(_said(blocked), "success")
    return _shown(found)


def lot_id(lot: KeptLot) -> str:
    return to_wire(service.LOT, lot.id)


def _own(coupon_lot: str) -> KeptLot:
    """Raises: CouponNotFound."""
    with read(the_hub().engine) as connection:
        return service.lot_of(connection, the_programme().id, coupon_lot)


def _blocked() -> bool:
    if request.form.get("blocked") not in ("yes", "no"):
        raise BadRequest
    return request.form.get("blocked") == "yes"


def _said(blocked: bool) -> str:
    if blocked:
        return gettext("Blocked: not to be used from now on. What a till has promised stays.")
    return gettext("Can be used again.")


def _index(code: str = "", error: str = "") -> str:
    hub, programme_id = the_hub(), the_programme().id
    with read(hub.engine) as connection:
        lots = service.list_lots(connection, programme_id)
        series = service.list_series(connection, hub.plans, programme_id)
    return render_template(
        "admin/coupons.html",
        lots=lots[::-1],
        series={one.code: one.name for one in series},
        lot_id=lot_id,
        code=code,
        error=error,
        words=words,
    )


def _shown(coupon: Mapping[str, Any]) -> str:
    with read(the_hub().engine) as connection:
        known = service.list_series(connection, the_hub().plans, the_programme().id)
    series = next((one.name for one in known if one.code == coupon["series"]), coupon["series"])
    return render_template("admin/coupon.html", coupon=coupon, series=series, words=words)


def _form(form: Mapping[str, str], errors: Mapping[str, str]) -> ResponseReturnValue:
    hub = the_hub()
    with read(hub.engine) as connection:
        series = service.list_series(connection, hub.plans, the_programme().id)
    offered = [(one.code, one.name) for one in series]
    page = render_template("admin/coupon_new.html", form=form, errors=errors, series=offered)
    return page, 422 if errors else 200


def _lot_page(template: str, coupon_lot: str) -> str:
    lot, hub = _own(coupon_lot), the_hub()
    counts: dict[str, int] = {}
    with read(hub.engine) as connection:
        series = service.list_series(connection, hub.plans, the_programme().id)
        if lot.made >= lot.size:
            counts = service.count_states(connection, lot, hub.clock.now())
    return render_template(
        f"admin/coupon_{template}.html",
        lot=lot,
        id=coupon_lot,
        counts=counts,
        series=next((one for one in series if one.code == lot.series), None),
        most=downloads.MOST_IN_XLSX,
        words=words,
    )
