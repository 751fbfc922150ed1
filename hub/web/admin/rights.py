"""What each page and action of the console asks of a role, in one table.

A route that the table does not name is refused to everybody, and a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import g, redirect, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden

from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.sessions import signed_in_admin
from loyalty_core.domain.errors import ProgrammeNotFound
from loyalty_core.domain.staff import Grant, May
from loyalty_core.service.safety import must_have_second_factor
from loyalty_core.service.staff import grant_of
from loyalty_core.store.database import read

NEEDS: Mapping[str, May] = {
    "home.index": May.LOOK,
    "connections.index": May.SEE_CONNECTIONS,
    "connections.show": May.SEE_CONNECTIONS,
    "connections.last_deliveries": May.SEE_CONNECTIONS,
    "connections.choose": May.CONNECT,
    "connections.new": May.CONNECT,
    "connections.edit": May.CONNECT,
    "connections.check": May.CONNECT,
    "connections.change_state": May.CONNECT,
    "connections.change_balances": May.CONNECT,
    "connections.health": May.SEE_CONNECTIONS,
    "connections.shop_side": May.SEE_CONNECTIONS,
    "connections.mend_webhooks": May.CONNECT,
    "connections.diagnostics": May.CONNECT,
    "connections.backfill": May.CONNECT,
    "connections.backfill_progress": May.CONNECT,
    "connections.start_backfill": May.CONNECT,
    "connections.stop_backfill": May.CONNECT,
    "attention.index": May.LOOK,
    "attention.look": May.SETTLE,
    "attention.put_back": May.SETTLE,
    "seen_twice.index": May.SEE_CONNECTIONS,
    "seen_twice.part": May.LINK,
    "seen_twice.join": May.LINK,
    "seen_twice.declare": May.CONNECT,
    "seen_twice.take_back": May.CONNECT,
    "companions.download": May.CONNECT,
    "companions.offer": May.CONNECT,
    "deliveries.index": May.SEE_CONNECTIONS,
    "deliveries.show": May.SEE_CONNECTIONS,
    "deliveries.replay": May.REPLAY,
    "programme.index": May.LOOK,
    "programme.rules": May.RULES,
    "programme.promotions": May.LOOK,
    "programme.new_promotion": May.RULES,
    "programme.promotion": May.RULES,
    "programme.remove_promotion": May.RULES,
    "programme.look_at_promotion": May.RULES,
    "programme.parts": May.LOOK,
    "programme.new_entry": May.RULES,
    "programme.entry": May.RULES,
    "programme.remove_entry": May.RULES,
    "programme.move_entry": May.RULES,
    "programme.look_at_entry": May.RULES,
    "programme.cards": May.RULES,
    "programme.reward_choice": May.RULES,
    "programme.versions": May.LOOK,
    "programme.version": May.LOOK,
    "programme.drop_draft": May.RULES,
    "programme.publish": May.PUBLISH,
    "programme.take_back": May.PUBLISH,
    "programme.simulate": May.RULES,
    "programme.simulation": May.LOOK,
    "programme.stop_simulation": May.RULES,
    "members.index": May.SEE_MEMBERS,
    "members.show": May.SEE_MEMBERS,
    "member_actions.points": May.MOVE_POINTS,
    "member_actions.merge": May.MERGE,
    "member_actions.export": May.ERASE,
    "member_actions.erase": May.ERASE,
    "member_choices.reward": May.CHOOSE,
    "member_choices.add_goods": May.CHOOSE,
    "member_choices.remove_goods": May.CHOOSE,
    "member_notes.write": May.SETTLE,
    "member_notes.remove": May.SETTLE,
    "members_in.bring_in": May.MOVE_IN,
    "members_in.import_progress": May.MOVE_IN,
    "members_in.name_columns": May.MOVE_IN,
    "members_in.begin_import": May.MOVE_IN,
    "members_in.try_import_again": May.MOVE_IN,
    "members_in.stop_import": May.MOVE_IN,
    "members_in.refused_lines": May.MOVE_IN,
    "balances_in.bring_in": May.MOVE_IN,
    "balances_in.import_progress": May.MOVE_IN,
    "balances_in.name_columns": May.MOVE_IN,
    "balances_in.begin_import": May.MOVE_IN,
    "balances_in.try_import_again": May.MOVE_IN,
    "balances_in.stop_import": May.MOVE_IN,
    "balances_in.refused_lines": May.MOVE_IN,
    "receipts_in.bring_in": May.MOVE_IN,
    "receipts_in.import_progress": May.MOVE_IN,
    "receipts_in.name_columns": May.MOVE_IN,
    "receipts_in.begin_import": May.MOVE_IN,
    "receipts_in.try_import_again": May.MOVE_IN,
    "receipts_in.stop_import": May.MOVE_IN,
    "receipts_in.refused_lines": May.MOVE_IN,
    "catalogue.index": May.LOOK,
    "catalogue.bring_in": May.ISSUE,
    "catalogue.import_progress": May.ISSUE,
    "catalogue.begin_import": May.ISSUE,
    "catalogue.try_import_again": May.ISSUE,
    "catalogue.stop_import": May.ISSUE,
    "catalogue.refused_lines": May.ISSUE,
    "catalogue.export": May.ISSUE,
    "coupons.index": May.LOOK,
    "coupons.make": May.ISSUE,
    "coupons.lot": May.LOOK,
    "coupons.progress": May.LOOK,
    "coupons.block_lot": May.BLOCK,
    "coupons.export": May.ISSUE,
    "coupons.bring_in": May.ISSUE,
    "coupons.import_progress": May.ISSUE,
    "coupons.begin_import": May.ISSUE,
    "coupons.try_import_again": May.ISSUE,
    "coupons.stop_import": May.ISSUE,
    "coupons.refused_lines": May.ISSUE,
    "coupons.find": May.LOOK,
    "coupons.block": May.BLOCK,
    "certificates.index": May.LOOK,
    "certificates.make": May.MONEY,
    "certificates.lot": May.LOOK,
    "certificates.progress": May.LOOK,
    "certificates.export": May.MONEY,
    "certificates.bring_in": May.MONEY,
    "certificates.import_progress": May.MONEY,
    "certificates.begin_import": May.MONEY,
    "certificates.try_import_again": May.MONEY,
    "certificates.stop_import": May.MONEY,
    "certificates.refused_lines": May.MONEY,
    "certificates.find": May.LOOK,
    "certificate.show": May.LOOK,
    "certificate.block": May.BLOCK,
    "certificate.top_up": May.MONEY,
    "certificate.paper": May.MONEY,
    "rewards.index": May.LOOK,
    "rewards.stock": May.ISSUE,
    "rewards.orders": May.LOOK,
    "rewards.hand_out": May.HAND_OUT,
    "rewards.cancel": May.MOVE_POINTS,
    "posters.index": May.LOOK,
    "sent.index": May.LOOK,
    "messages.index": May.LOOK,
    "messages.show": May.LOOK,
    "messages.test": May.MESSAGES,
    "messages.switch": May.MESSAGES,
    "messages.save": May.MESSAGES,
    "people.index": May.PEOPLE,
    "people.invite": May.PEOPLE,
    "people.change": May.PEOPLE,
    "people.remove": May.PEOPLE,
    "people.take_back": May.PEOPLE,
    "people.ask_second_factor": May.PEOPLE,
    "first_run.connect": May.CONNECT,
    "first_run.attempt": May.CONNECT,
    "first_run.finish": May.CONNECT,
    "till.index": May.SELL,
    "till.find": May.SELL,
    "till.enrol": May.SELL,
    "till.switch": May.SELL,
    "till.sale": May.SELL,
    "till.sell": May.SELL,
    "till.receipt": May.SELL,
    "till.refund": May.SELL,
    "keys.index": May.KEYS,
    "keys.make": May.KEYS,
    "keys.revoke": May.KEYS,
    "log.index": May.LOG,
}
"""By the endpoint, without the console's own name before it."""
_LANDINGS = {
    May.LOOK: "admin.home.index",
    May.SELL: "admin.till.index",
    May.SEE_MEMBERS: "admin.members.index",
}


def check(endpoint: str) -> ResponseReturnValue | None:
    """Whether the person at the keyboard may do this in the programme of the address; where it
    asks for a second factor that is not there yet, the way to it.

    Raises: ProgrammeNotFound (is nothing in it: then it is not told that it is there),
    Forbidden.
    """
    with read(the_hub().engine) as connection:
        own, here = signed_in_admin().id, the_programme().id
        grant = grant_of(connection, own, here)
        unsafe = grant is not None and must_have_second_factor(connection, own, here, grant)
    if grant is None:
        raise ProgrammeNotFound({"programme": the_programme().code})
    if unsafe:
        return redirect(url_for("admin.account.demanded"))
    g.grant = grant
    if not _may(endpoint):
        raise Forbidden
    return None


def own_grant() -> Grant:
    """What the person at the keyboard is in the programme of the address."""
    grant: Grant = g.grant
    return grant


def may(endpoint: str) -> bool:
    """For pages: whether to show what leads there."""
    return "grant" in g and _may(f"admin.{endpoint}")


def landing(grant: Grant, programme: str) -> str:
    """The first page of a programme that somebody with this grant may see."""
    page = next(page for ability, page in _LANDINGS.items() if grant.may(ability))
    return url_for(page, programme=programme)


def _may(endpoint: str) -> bool:
    needed = NEEDS.get(endpoint.partition(".")[2])
    return needed is not None and own_grant().may(needed)
