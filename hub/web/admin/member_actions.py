"""What a person does to a member: points by hand, merging, handing data over, erasing it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.exceptions import BadRequest

from hub.web.admin import rights, words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.formats import points as points_told
from hub.web.admin.languages import gettext, language
from hub.web.admin.sessions import signed_in_admin
from hub.web.sentences import detail, field_message
from loyalty_core.domain.errors import InvalidInput, LoyaltyError
from loyalty_core.service import members as service
from loyalty_core.service.adjust_points import Adjustment, adjust_points
from loyalty_core.service.erase_member import EVIDENCE, erase_member, export_member
from loyalty_core.service.members import MemberCard
from loyalty_core.service.merge_members import merge_members
from loyalty_core.service.staff import ManualLimit, count_given_points
from loyalty_core.store import audit
from loyalty_core.store.database import read, rehearse, transact
from loyalty_kit.money import HUNDREDTHS, MAX_AMOUNT, parse_decimal

MOST_REASON = 200
_KEY = 32
_FOUND = 10

pages = Blueprint("member_actions", __name__, url_prefix="/members")


@dataclass(frozen=True, slots=True)
class PointsForm:
    """As it was typed.  `key` names the one adjustment that this form makes, however often it
    is sent."""

    amount: str = ""
    way: str = "give"
    reason: str = ""
    currency: str = ""
    key: str = field(default_factory=lambda: secrets.token_hex(_KEY // 2))
    errors: Mapping[str, str] = field(default_factory=dict)


@pages.route("/<member_id>/points", methods=["GET", "POST"])
def points(member_id: str) -> ResponseReturnValue:
    """Give or take points, with a reason; what is given counts on the person's day."""
    member = _member(member_id)
    if request.method == "GET":
        return _points_page(member, PointsForm())
    told = request.form.get
    form = PointsForm(
        told("amount", "").strip(),
        told("way", ""),
        told("reason", "").strip(),
        told("currency", ""),
        told("key", ""),
    )
    if form.way not in ("give", "take") or len(form.key) != _KEY or not form.key.isalnum():
        raise BadRequest
    amount, errors = _checked(form)
    if not errors:
        try:
            return _moved(member, form, amount if form.way == "give" else -amount)
        except ManualLimit as error:
            left = points_told(error.facts["left"])
            errors = {"amount": gettext("More than you may give today: %(left)s left.", left=left)}
        except InvalidInput as error:
            wrong = next(iter(error.errors.values()))[0]
            errors = {"amount": field_message(wrong, language())}
        except LoyaltyError as error:
            errors = {"amount": detail(error.code, language())}
    return _points_page(member, replace(form, errors=errors)), 422


def _checked(form: PointsForm) -> tuple[int, dict[str, str]]:
    errors: dict[str, str] = {}
    amount = 0
    try:
        amount = parse_decimal("".join(form.amount.split()).replace(",", "."), HUNDREDTHS)
    except ValueError:
        errors["amount"] = gettext("Write a number, as 100 or 12.50.")
    else:
        if not 0 < amount < MAX_AMOUNT:
            errors["amount"] = gettext("Write more than zero; choose whether to give or to take.")
    if not 0 < len(form.reason) <= MOST_REASON:
        errors["reason"] = gettext("Say why: whoever asks later reads it here.")
    return amount, errors


def _moved(member: MemberCard, form: PointsForm, amount: int) -> ResponseReturnValue:
    """Raises: ManualLimit, InvalidInput, NotEnoughPoints, KeyReused."""
    hub, programme, admin = the_hub(), the_programme(), signed_in_admin()
    now = hub.clock.now()
    key = f"console/{admin.id}/{form.key}"
    wanted = Adjustment(amount, form.reason, key, author(), form.currency or None)

    def work(connection: Connection) -> None:
        def count() -> None:
            if amount > 0:
                count_given_points(connection, programme, admin, amount, now=now)

        adjust_points(connection, hub.plans, programme.id, member.id, wanted, now=now, check=count)

    try:
        transact(hub.engine, work)
    except ManualLimit as error:
        _note("points_refused", member, {"points": form.amount, **error.facts})
        raise
    flash(gettext("Done. The new line stands in the ledger."), "success")
    return redirect(url_for("admin.members.show", member_id=member.id))


def _note(action: str, member: MemberCard, after: Mapping[str, str]) -> None:
    hub = the_hub()
    transact(
        hub.engine,
        lambda connection: audit.note(
            connection,
            the_programme().id,
            action,
            member.id,
            author=author(),
            now=hub.clock.now(),
            after=after,
        ),
    )


def _points_page(member: MemberCard, form: PointsForm) -> str:
    return render_template(
        "admin/member_points.html",
        member=member,
        form=form,
        limit=rights.own_grant().day_points,
        most=MOST_REASON,
        words=words,
    )


@pages.route("/<member_id>/merge", methods=["GET", "POST"])
def merge(member_id: str) -> ResponseReturnValue:
    """Take another record of the same person in: found, looked at, and then done."""
    member, hub, programme_id = _member(member_id), the_hub(), the_programme().id
    now = hub.clock.now()

    def work(connection: Connection, other: str) -> MemberCard:
        return merge_members(
            connection,
            hub.plans,
            programme_id,
            into=member.id,
            from_=other,
            author=author(),
            now=now,
        )

    if request.method == "POST":
        transact(hub.engine, lambda connection: work(connection, request.form.get("from", "")))
        flash(gettext("Merged. Both records are one member now."), "success")
        return redirect(url_for("admin.members.show", member_id=member.id))
    text, chosen = request.args.get("q", "").strip(), request.args.get("from")
    other: MemberCard | None = None
    after: MemberCard | None = None
    found: list[MemberCard] = []
    if chosen:
        other = _member(chosen)
        after = rehearse(hub.engine, lambda connection: work(connection, chosen))
    elif text:
        with read(hub.engine) as connection:
            page = service.search_members(
                connection, hub.plans, programme_id, text, limit=_FOUND, now=now
            )
        found = [one for one in page.items if one.id != member.id]
    return render_template(
        "admin/member_merge.html",
        member=member,
        text=text,
        found=found,
        other=other,
        after=after,
        words=words,
    )


@pages.post("/<member_id>/export")
def export(member_id: str) -> ResponseReturnValue:
    """All that is known of the member, as a file."""
    member, hub, programme_id = _member(member_id), the_hub(), the_programme().id

    def work(connection: Connection) -> str:
        now = hub.clock.now()
        told = export_member(connection, hub.plans, programme_id, member.id, now=now)
        audit.note(connection, programme_id, "member_exported", member.id, author=author(), now=now)
        return json.dumps(told, ensure_ascii=False, indent=2)

    answer = Response(transact(hub.engine, work), content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{member.id}.json"'
    return answer


@pages.route("/<member_id>/erase", methods=["GET", "POST"])
def erase(member_id: str) -> ResponseReturnValue:
    """Forget the person: told first what goes and what stays, and asked to tick it."""
    member, hub = _member(member_id), the_hub()
    unsure = request.method == "POST" and request.form.get("sure") != "yes"
    if request.method == "GET" or unsure:
        page = render_template("admin/member_erase.html", member=member, unsure=unsure)
        return page, 422 if unsure else 200
    act = transact(
        hub.engine,
        lambda connection: erase_member(
            connection,
            the_programme().id,
            member.id,
            author=author(),
            evidence_key=hub.vault.derive(EVIDENCE),
            now=hub.clock.now(),
        ),
    )
    return render_template("admin/member_erased.html", act=act)


def _member(member_id: str) -> MemberCard:
    """Raises: MemberNotFound."""
    hub = the_hub()
    with read(hub.engine) as connection:
        return service.get_member(
            connection, hub.plans, the_programme().id, member_id, now=hub.clock.now()
        )
