"""What each page and action of the console asks of a role, in one table.

A route that the table does not name is refused to everybody, and a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import g, url_for
from werkzeug.exceptions import Forbidden

from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.sessions import signed_in_admin
from loyalty_core.domain.errors import ProgrammeNotFound
from loyalty_core.domain.staff import Grant, May
from loyalty_core.service.staff import grant_of
from loyalty_core.store.database import read

NEEDS: Mapping[str, May] = {
    "home.index": May.LOOK,
    "connections.index": May.LOOK,
    "connections.show": May.LOOK,
    "connections.last_deliveries": May.LOOK,
    "connections.choose": May.CONNECT,
    "connections.new": May.CONNECT,
    "connections.edit": May.CONNECT,
    "connections.check": May.CONNECT,
    "connections.change_state": May.CONNECT,
    "connections.change_balances": May.CONNECT,
    "connections.health": May.LOOK,
    "connections.shop_side": May.LOOK,
    "connections.mend_webhooks": May.CONNECT,
    "connections.diagnostics": May.CONNECT,
    "connections.backfill": May.CONNECT,
    "connections.backfill_progress": May.CONNECT,
    "connections.start_backfill": May.CONNECT,
    "connections.stop_backfill": May.CONNECT,
    "attention.index": May.LOOK,
    "seen_twice.index": May.LOOK,
    "seen_twice.part": May.MERGE,
    "seen_twice.join": May.MERGE,
    "seen_twice.declare": May.CONNECT,
    "seen_twice.take_back": May.CONNECT,
    "companions.download": May.CONNECT,
    "companions.offer": May.CONNECT,
    "deliveries.index": May.LOOK,
    "deliveries.show": May.LOOK,
    "deliveries.replay": May.REPLAY,
    "members.index": May.SEE_MEMBERS,
    "members.show": May.SEE_MEMBERS,
    "member_actions.points": May.MOVE_POINTS,
    "member_actions.merge": May.MERGE,
    "member_actions.export": May.ERASE,
    "member_actions.erase": May.ERASE,
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
    "keys.index": May.KEYS,
    "keys.make": May.KEYS,
    "keys.revoke": May.KEYS,
    "log.index": May.LOG,
}
"""By the endpoint, without the console's own name before it."""
_LANDINGS = {May.LOOK: "admin.home.index", May.SEE_MEMBERS: "admin.members.index"}


def check(endpoint: str) -> None:
    """Whether the person at the keyboard may do this in the programme of the address.

    Raises: ProgrammeNotFound (is nothing in it: then it is not told that it is there),
    Forbidden.
    """
    with read(the_hub().engine) as connection:
        grant = grant_of(connection, signed_in_admin().id, the_programme().id)
    if grant is None:
        raise ProgrammeNotFound({"programme": the_programme().code})
    g.grant = grant
    if not _may(endpoint):
        raise Forbidden


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
