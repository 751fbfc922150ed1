"""People of the console: roles in programmes, invitations, and how many points a day by hand."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.errors import Conflict, InvalidInput, NotFound, Rejected
from loyalty_core.domain.staff import Grant, May, Role
from loyalty_core.service.admins import create_admin, find_admin, new_login
from loyalty_core.store import admins as admin_store
from loyalty_core.store import audit, programmes
from loyalty_core.store import staff as store
from loyalty_core.store.admins import Admin
from loyalty_core.store.ids import from_wire, new_id
from loyalty_core.store.programmes import Programme
from loyalty_core.store.staff import Invitation, Post
from loyalty_kit.money import format_decimal

__all__ = [
    "AlreadyHere",
    "Invitation",
    "InvitationNotFound",
    "LastOwner",
    "ManualLimit",
    "NewInvitation",
    "People",
    "Post",
    "accept_invitation",
    "count_given_points",
    "find_invitation",
    "grant_of",
    "has_account",
    "invite",
    "list_people",
    "owns_all",
    "posts_of",
    "programmes_of",
    "remove_post",
    "set_post",
    "take_back_invitation",
    "take_invitation",
]

INVITATION = "inv"
"""Of invitations' ids on the wire."""
LIVES = timedelta(days=3)


class LastOwner(Conflict):
    """A programme without an owner could be changed by nobody."""

    code = "last_owner"


class AlreadyHere(Conflict):
    """The person is something in the programme; the role is changed where it stands."""

    code = "already_here"


class InvitationNotFound(NotFound):
    """There is none, or it is used or over."""

    code = "invitation_not_found"


class ManualLimit(Rejected):
    """More points by hand than the person may give in a day; `left` says how many are left."""

    code = "manual_limit"


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """`token` is told this once and stored nowhere."""

    login: str
    token: str


@dataclass(frozen=True, slots=True)
class People:
    posts: Sequence[Post]
    invitations: Sequence[Invitation]


def post_of(connection: Connection, admin_id: int, programme_id: int) -> Post | None:
    """What a person is in a programme: of the grants for it and for all the more powerful one, so
    that nobody who owns one programme can take an owner of all out of it; of equal roles the one
    that is bound to no shops."""
    found = [
        post
        for post in store.posts_of(connection, admin_id)
        if post.programme_id in (None, programme_id)
    ]
    ranks = list(Role)
    return min(
        found,
        key=lambda post: (
            ranks.index(post.grant.role),
            post.grant.shops is not None,
            post.programme_id is None,
        ),
        default=None,
    )


def owns_all(connection: Connection, admin_id: int) -> bool:
    """Whether a person owns all programmes, and so sees what befalls the hub as a whole."""
    posts = store.posts_of(connection, admin_id)
    return any(post.programme_id is None and post.grant.role is Role.OWNER for post in posts)


def posts_of(connection: Connection, admin_id: int) -> list[Post]:
    """All that a person is."""
    return store.posts_of(connection, admin_id)


def grant_of(connection: Connection, admin_id: int, programme_id: int) -> Grant | None:
    """What a person may do in a programme; None: not even enter it."""
    post = post_of(connection, admin_id, programme_id)
    return None if post is None else post.grant


def programmes_of(connection: Connection, admin_id: int) -> list[Programme]:
    """Those that a person may enter."""
    posts = store.posts_of(connection, admin_id)
    own = {post.programme_id for post in posts}
    return [one for one in programmes.all_programmes(connection) if None in own or one.id in own]


def list_people(connection: Connection, programme_id: int, now: datetime) -> People:
    """Who may enter the programme, and who is invited."""
    return People(
        store.posts_in(connection, programme_id),
        store.open_invitations(connection, programme_id, now),
    )


def set_post(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    login: str,
    programme_id: int | None,
    grant: Grant,
    *,
    author: str,
    now: datetime,
) -> None:
    """Give a person a role in a programme, or in all.

    Raises: AdminNotFound, LastOwner, InvalidInput (shops that are not there, or an owner's).
    """
    _check_shops(connection, programme_id, grant)
    admin = find_admin(connection, login)
    before, owned = _locked(connection, admin, programme_id)
    store.put_post(connection, admin.id, programme_id, grant, now=now)
    if owned - _owned(connection, programme_id):
        raise LastOwner
    if grant.role is not Role.OWNER:
        store.drop_invitations_by(connection, f"admin:{admin.login}", programme_id)
    was = {} if before is None else _told(before.grant)
    audit.note(
        connection,
        programme_id,
        "person_set",
        admin.login,
        author=author,
        now=now,
        before=was,
        after=_told(grant),
    )


def remove_post(
    connection: Connection, login: str, programme_id: int | None, *, author: str, now: datetime
) -> None:
    """The person is nothing in the programme any more (or no longer in all), and invitations of
    theirs that are open end.

    Raises: AdminNotFound, NotFound (has no such role), LastOwner.
    """
    admin = find_admin(connection, login)
    before, owned = _locked(connection, admin, programme_id)
    if before is None:
        raise NotFound
    store.drop_post(connection, admin.id, programme_id)
    if owned - _owned(connection, programme_id):
        raise LastOwner
    store.drop_invitations_by(connection, f"admin:{admin.login}", programme_id)
    audit.note(
        connection,
        programme_id,
        "person_removed",
        admin.login,
        author=author,
        now=now,
        before=_told(before.grant),
    )


def invite(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    login: str,
    grant: Grant,
    *,
    author: str,
    now: datetime,
) -> NewInvitation:
    """A link, good once and for three days: who is new makes an account by it, who has one says
    yes to the role.  Raises: InvalidInput (login, shops), AlreadyHere.
    """
    _check_shops(connection, programme_id, grant)
    wanted = new_login(login)
    known = admin_store.admin_by_login(connection, wanted)
    if known is not None and post_of(connection, known.id, programme_id) is not None:
        raise AlreadyHere
    token = secrets.token_urlsafe(32)
    store.add_invitation(
        connection,
        {
            "id": new_id(now),
            "programme_id": programme_id,
            "hash": store.digest(token),
            "login": wanted,
            **store.words_of(grant),
            "author": author,
            "made_at": now,
            "ends_at": now + LIVES,
        },
    )
    audit.note(
        connection,
        programme_id,
        "person_invited",
        wanted,
        author=author,
        now=now,
        after=_told(grant),
    )
    return NewInvitation(wanted, token)


def find_invitation(connection: Connection, token: str, now: datetime) -> Invitation:
    """An invitation that can be taken.  Raises: InvitationNotFound."""
    found = store.find_invitation(connection, token)
    if found is None or found.taken_at is not None or found.ends_at <= now:
        raise InvitationNotFound
    return found


def take_invitation(
    connection: Connection, token: str, *, password_hash: str, now: datetime
) -> Admin:
    """The account that the invitation makes, with its role.

    Raises: InvitationNotFound, AdminExists (the login was taken meanwhile).
    """
    found = find_invitation(connection, token, now)
    if not store.take_invitation(connection, found.id, now):
        raise InvitationNotFound
    admin = create_admin(
        connection, login=found.login, password_hash=password_hash, now=now, grant=None
    )
    _join(connection, admin, found, now)
    return admin


def _join(connection: Connection, admin: Admin, invited: Invitation, now: datetime) -> None:
    store.put_post(connection, admin.id, invited.programme_id, invited.grant, now=now)
    audit.note(
        connection,
        invited.programme_id,
        "person_joined",
        admin.login,
        author=f"admin:{admin.login}",
        now=now,
        after=_told(invited.grant),
    )


def has_account(connection: Connection, invitation: Invitation) -> bool:
    """Whether the person says yes by an account that is there, or makes one."""
    return admin_store.admin_by_login(connection, invitation.login) is not None


def accept_invitation(connection: Connection, token: str, admin: Admin, *, now: datetime) -> None:
    """Somebody who is signed in takes the role.

    Raises: InvitationNotFound, also for one that is another's.
    """
    found = find_invitation(connection, token, now)
    if found.login != admin.login or not store.take_invitation(connection, found.id, now):
        raise InvitationNotFound
    _join(connection, admin, found, now)


def take_back_invitation(
    connection: Connection, programme_id: int, invitation_id: str, *, author: str, now: datetime
) -> None:
    """Raises: InvitationNotFound."""
    number = from_wire(INVITATION, invitation_id)
    if number is None or not store.drop_invitation(connection, programme_id, number):
        raise InvitationNotFound
    audit.note(
        connection, programme_id, "invitation_taken_back", invitation_id, author=author, now=now
    )


def count_given_points(
    connection: Connection, programme: Programme, admin: Admin, points: int, *, now: datetime
) -> None:
    """Count points (hundredths, above zero) that a person gives by hand against the day's limit.

    Days are those of the programme; of a grant for all programmes, which may lie in several
    zones, those of UTC.

    Raises: ManualLimit, with what is left of the day.
    """
    post = post_of(connection, admin.id, programme.id)
    assert post is not None
    assert post.grant.may(May.MOVE_POINTS), "the caller has asked"
    zone = "UTC" if post.programme_id is None else programme.timezone
    day = now.astimezone(ZoneInfo(zone)).date().isoformat()
    if not store.count_given(connection, post.id, day, points):
        most = post.grant.day_points or 0
        left = most - store.given_on(connection, post.id, day)
        raise ManualLimit({"left": format_decimal(max(0, left)), "limit": format_decimal(most)})


def _check_shops(connection: Connection, programme_id: int | None, grant: Grant) -> None:
    """Raises: InvalidInput."""
    if grant.shops is None:
        return
    if programme_id is None or grant.role is Role.OWNER or not grant.shops:
        raise InvalidInput({"shops": ["Neither owners nor people of all programmes are bound."]})
    known = {shop.code for shop in programmes.all_shops(connection, programme_id)}
    if unknown := sorted(set(grant.shops) - known):
        raise InvalidInput({"shops": [f"There is no shop {unknown[0]}."]})


def _locked(
    connection: Connection, admin: Admin, programme_id: int | None
) -> tuple[Post | None, set[int]]:
    """The person's grant, and which programmes have an owner; nobody else changes either."""
    store.lock_posts(connection, programme_id)
    own = store.posts_of(connection, admin.id)
    found = next((post for post in own if post.programme_id == programme_id), None)
    return found, _owned(connection, programme_id)


def _owned(connection: Connection, programme_id: int | None) -> set[int]:
    known = [one.id for one in programmes.all_programmes(connection)]
    return {
        place
        for place in (known if programme_id is None else [programme_id])
        if any(post.grant.role is Role.OWNER for post in store.posts_in(connection, place))
    }


def _told(grant: Grant) -> dict[str, str | None]:
    limit, shops = grant.day_points, grant.shops
    return {
        "role": grant.role.value,
        "day_points": None if limit is None else format_decimal(limit),
        **({} if shops is None else {"shops": ", ".join(shops)}),
    }
