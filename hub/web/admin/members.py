"""Members: find one, and everything that the books say of him."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from hub.installations import list_installations
from hub.till import SOURCE
from hub.web.admin import flag_words, rights, words
from hub.web.admin.context import the_hub, the_programme
from loyalty_core.domain.consents import PROCESSING
from loyalty_core.domain.staff import May
from loyalty_core.service import links
from loyalty_core.service import members as service
from loyalty_core.service.catalogue import list_categories, product_names
from loyalty_core.service.certificates import list_series as certificate_series
from loyalty_core.service.certificates import member_certificates
from loyalty_core.service.consent_views import ConsentView, member_consents, told
from loyalty_core.service.coupons import list_series as coupon_series
from loyalty_core.service.coupons import member_coupons
from loyalty_core.service.member_pages import member_ledger, member_lots, member_purchases
from loyalty_core.service.members import Page
from loyalty_core.service.notes import list_notes, note_id
from loyalty_core.service.personal_lists import OwnList, member_lists
from loyalty_core.service.reward_shelf import member_orders
from loyalty_core.service.terminals import cashier_names
from loyalty_core.store import sent_messages
from loyalty_core.store.database import look, read
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_kit.money import HUNDREDTHS, parse_decimal

_FOUND = 25
_PAGE = 25
_VIEWS = (
    "ledger",
    "lots",
    "purchases",
    "coupons",
    "certificates",
    "orders",
    "lists",
    "consents",
    "messages",
    "notes",
)

_PAGES: Mapping[str, Callable[..., Page]] = {
    "ledger": member_ledger,
    "orders": member_orders,
}

pages = Blueprint("members", __name__, url_prefix="/members")


@pages.get("/")
def index() -> ResponseReturnValue:
    """Search by phone, card, e-mail or name; nothing asked shows the newest."""
    text = request.args.get("q", "").strip()
    with read(the_hub().engine) as connection:
        found = service.search_members(
            connection,
            the_hub().plans,
            the_programme().id,
            text,
            after=request.args.get("after"),
            limit=_FOUND,
            now=the_hub().clock.now(),
        )
    older = (
        url_for(".index", q=text or None, after=found.next_cursor) if found.next_cursor else None
    )
    return render_template(
        "admin/members.html", text=text, members=found.items, older=older, words=words
    )


@pages.get("/<member_id>")
def show(member_id: str) -> ResponseReturnValue:
    """A member's balance and tier, and one of the views."""
    view = request.args.get("view", _VIEWS[0])
    view = view if view in _VIEWS else _VIEWS[0]
    cursor = request.args.get("cursor")
    # Of one moment, or the movements would not come to the figures above them.
    with look(the_hub().engine) as connection:
        member = service.get_member(
            connection,
            the_hub().plans,
            the_programme().id,
            member_id,
            now=the_hub().clock.now(),
        )
        own = member_lists(
            connection, the_hub().plans, the_programme().id, member_id, now=the_hub().clock.now()
        )
        rows, next_cursor = _rows(connection, member.id, view, cursor)
        if view == "lists":
            rows = [_own_list(connection, one) for one in own]
        bought = [row["id"] for row in rows] if view == "purchases" else []
        again = links.sightings(connection, the_programme().id, bought)
        sellers = cashier_names(connection, the_programme().id, bought)
    older = None
    if next_cursor:
        older = url_for(".show", member_id=member_id, view=view, cursor=next_cursor)
    return render_template(
        "admin/member.html",
        member=member,
        view=view,
        rows=rows,
        older=older,
        again=again,
        sellers=sellers,
        own_till=SOURCE,
        has_lists=bool(own),
        names={one.id: one.name for one in list_installations(the_hub(), the_programme().id)},
        words=words,
        flag_of=flag_words.flag,
    )


def _rows(
    connection: Connection, member_id: str, view: str, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """What one view shows, wire-ready, and where its next page begins."""
    programme_id = the_programme().id
    if view == "lists":
        return [], None
    if view == "lots":
        return member_lots(connection, programme_id, member_id), None
    if view == "consents":
        found = member_consents(connection, programme_id, member_id)
        return [_consent(one, found.erase_by) for one in found.items], None
    if view in ("coupons", "certificates"):
        return _codes(connection, member_id, view), None
    if view == "messages":
        return _messages(connection, member_id, cursor)
    if view == "notes":
        notes, after = list_notes(connection, programme_id, member_id, cursor=cursor, limit=_PAGE)
        return [{**asdict(one), "id": note_id(one)} for one in notes], after
    if view == "purchases":
        shops = rights.own_grant().shops
        bought = member_purchases(
            connection,
            the_hub().plans,
            programme_id,
            member_id,
            cursor=cursor,
            limit=_PAGE,
            shops=shops,
        )
        return [_with_returned(one) for one in bought.items], bought.next_cursor
    read_page = _PAGES[view]
    page = read_page(connection, programme_id, member_id, cursor=cursor, limit=_PAGE)
    return list(page.items), page.next_cursor


def _with_returned(purchase: dict[str, Any]) -> dict[str, Any]:
    """With what came back of all its lines, in kopecks."""
    back = (parse_decimal(line["returned"], HUNDREDTHS) for line in purchase["lines"])
    return {**purchase, "returned_minor": sum(back)}


def _own_list(connection: Connection, one: OwnList) -> dict[str, Any]:
    """With what the catalogue calls its goods."""
    programme_id = the_programme().id
    skus = [goods.name for goods in one.items if goods.kind == "sku"]
    names = {
        "sku": product_names(connection, programme_id, skus),
        "category": {found.code: found.name for found in list_categories(connection, programme_id)},
    }
    items = [
        {"goods": goods, "called": names[goods.kind].get(goods.name, "")} for goods in one.items
    ]
    return {"code": one.code, "name": one.name, "auto": one.auto, "items": items}


def _consent(one: ConsentView, erase_by: datetime | None) -> dict[str, Any]:
    """The day by which data are to be erased stands beside the consent that was withdrawn."""
    return told(one.said) | {"erase_by": erase_by if one.subject.purpose == PROCESSING else None}


def _codes(connection: Connection, member_id: str, view: str) -> list[dict[str, Any]]:
    """The code of a certificate is money: who may not issue it sees its end."""
    now = the_hub().clock.now()
    programme_id, plans = the_programme().id, the_hub().plans
    if view == "coupons":
        names = {one.code: one.name for one in coupon_series(connection, plans, programme_id)}
        found = member_coupons(connection, programme_id, member_id, now=now)
    else:
        names = {one.code: one.name for one in certificate_series(connection, plans, programme_id)}
        found = member_certificates(connection, programme_id, member_id, now=now)
        if not rights.own_grant().may(May.MONEY):
            found = [{**one, "code": f"…{one['code'][-4:]}"} for one in found]
    return [{**one, "series": names.get(one["series"], one["series"])} for one in found]


def _messages(
    connection: Connection, member_id: str, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    number = from_wire("m", member_id)
    found = sent_messages.page(
        connection,
        the_programme().id,
        {"member_id": number},
        before=from_wire("o", cursor or ""),
        limit=_PAGE + 1,
    )
    page = found[:_PAGE]
    after = to_wire("o", page[-1].id) if len(found) > _PAGE else None
    return [asdict(one) for one in page], after
