"""Who is at the keyboard: sessions that can be ended one by one, and second factors.

The core knows no codes and no keys: what a code comes to is handed in by `hub/second_factor.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from loyalty_core.domain.errors import Conflict, Forbidden, NotFound, TooMany
from loyalty_core.domain.staff import Grant, Role
from loyalty_core.service.admins import LoginRefused, find_admin
from loyalty_core.store import admins, audit
from loyalty_core.store import safety as store
from loyalty_core.store.admins import Admin
from loyalty_core.store.ids import from_wire, new_id
from loyalty_core.store.safety import OpenSession, SecondFactor

__all__ = [
    "SESSION",
    "OpenSession",
    "Resumed",
    "SecondFactor",
    "SecondFactorSet",
    "SecondFactorWrong",
    "TooManyTries",
    "ask_second_factor",
    "count_recovery_codes",
    "count_try",
    "drop_second_factor",
    "end_other_sessions",
    "end_session",
    "list_sessions",
    "must_have_second_factor",
    "new_recovery_codes",
    "note_seen",
    "open_session",
    "resume_session",
    "roles_with_second_factor",
    "second_factor_of",
    "second_factors_in",
    "set_second_factor",
    "use_recovery_code",
    "use_step",
]

SESSION = "se"
"""Of sessions' ids on the wire."""
LIVES = timedelta(hours=12)
"""So long a session lives without being used."""
TRIES, TRIES_WITHIN = 5, timedelta(minutes=15)
"""Wrong codes of one account: of a million codes three are right at a time."""
_SEEN_EVERY = timedelta(minutes=5)
_LONGEST = 300


class SecondFactorWrong(Forbidden):
    """The code is not the one that counts now, or was used already."""

    code = "second_factor_wrong"


class TooManyTries(TooMany):
    """Too many wrong codes of one account: none is looked at for a while."""

    code = "too_many_tries"


class SecondFactorSet(Conflict):
    """There is one already; it is dropped first, which asks for its code."""

    code = "second_factor_set"


def open_session(
    connection: Connection, admin: Admin, *, browser: str, address: str, now: datetime
) -> int:
    """The id of a new session; sessions of the account that died of age are forgotten."""
    store.drop_sessions(connection, admin.id, before=now - LIVES)
    number = new_id(now)
    store.add_session(
        connection, OpenSession(number, admin.id, now, now, browser[:_LONGEST], address[:_LONGEST])
    )
    return number


@dataclass(frozen=True, slots=True)
class Resumed:
    """`unseen`: it is time to write down that the session is in use."""

    admin: Admin
    unseen: bool


def resume_session(connection: Connection, session_id: int, epoch: int, now: datetime) -> Resumed:
    """The account behind a session's cookie.  Raises: LoginRefused where it has ended."""
    session = store.find_session(connection, session_id)
    admin = None if session is None else admins.admin_by_id(connection, session.admin_id)
    if session is None or admin is None or admin.session_epoch != epoch:
        raise LoginRefused
    if session.seen_at + LIVES + _SEEN_EVERY < now:
        raise LoginRefused
    return Resumed(admin, session.seen_at + _SEEN_EVERY <= now)


def note_seen(connection: Connection, session_id: int, now: datetime) -> None:
    store.note_seen(connection, session_id, now)


def list_sessions(connection: Connection, admin_id: int, now: datetime) -> Sequence[OpenSession]:
    """Those of an account that live, the last used first."""
    return [one for one in store.sessions_of(connection, admin_id) if one.seen_at + LIVES > now]


def end_session(connection: Connection, admin: Admin, session_id: str) -> None:
    """One session of one's own.  Raises: NotFound."""
    number = from_wire(SESSION, session_id)
    if number is None or not store.drop_session(connection, admin.id, number):
        raise NotFound


def end_other_sessions(connection: Connection, admin: Admin, but: int) -> None:
    """All of one's own but this one."""
    store.drop_sessions(connection, admin.id, but=but)


# --- the second factor ----------------------------------------------------------------------


def second_factor_of(connection: Connection, admin_id: int) -> SecondFactor | None:
    return store.factor_of(connection, admin_id)


def set_second_factor(
    connection: Connection,
    admin: Admin,
    factor: SecondFactor,
    recovery: Collection[str],
    now: datetime,
) -> None:
    """From now on the account has this one; `recovery` are hashes of codes for a lost phone.

    Raises: SecondFactorSet.
    """
    if not store.add_factor(connection, factor):
        raise SecondFactorSet
    store.put_recovery_codes(connection, admin.id, recovery)
    _note(connection, "second_factor_set", admin, f"admin:{admin.login}", now)


def new_recovery_codes(
    connection: Connection, admin: Admin, recovery: Collection[str], now: datetime
) -> None:
    """Others instead of those that were made before."""
    store.put_recovery_codes(connection, admin.id, recovery)
    _note(connection, "recovery_codes_made", admin, f"admin:{admin.login}", now)


def drop_second_factor(
    connection: Connection, login: str, *, author: str, now: datetime, but: int | None = None
) -> None:
    """The password is enough again; sessions of the account end, `but` stays.

    Raises: AdminNotFound, NotFound (has none).
    """
    admin = find_admin(connection, login)
    if not store.drop_factor(connection, admin.id):
        raise NotFound
    store.drop_sessions(connection, admin.id, but=but)
    _note(connection, "second_factor_dropped", admin, author, now)


def count_try(connection: Connection, admin_id: int, now: datetime) -> None:
    """Count a code before it is looked at; commit it at once, whatever the code turns out to be.

    Raises: TooManyTries.
    """
    if store.count_try(connection, admin_id, TRIES, now - TRIES_WITHIN, now):
        return
    since = store.tried_since(connection, admin_id)
    if since is not None:
        raise TooManyTries(int((since + TRIES_WITHIN - now).total_seconds()) + 1)


def second_factors_in(connection: Connection, programme_id: int) -> dict[str, datetime]:
    """Who of those that may enter the programme has one, by login, and since when."""
    return store.factors_in(connection, programme_id)


def use_step(connection: Connection, admin_id: int, steps: Collection[int]) -> None:
    """Use a code up by the steps of time that it fits.

    Raises: SecondFactorWrong for none, and for those used before.
    """
    if not any(store.use_step(connection, admin_id, step) for step in sorted(steps)):
        raise SecondFactorWrong
    store.forget_try(connection, admin_id)


def use_recovery_code(connection: Connection, admin: Admin, hashed: str, now: datetime) -> None:
    """Use a code for a lost phone up.  Raises: SecondFactorWrong."""
    if not store.use_recovery_code(connection, admin.id, hashed, now):
        raise SecondFactorWrong
    store.forget_try(connection, admin.id)
    _note(connection, "recovery_code_used", admin, f"admin:{admin.login}", now)


def count_recovery_codes(connection: Connection, admin_id: int) -> int:
    """How many are left."""
    return store.free_recovery_codes(connection, admin_id)


def roles_with_second_factor(connection: Connection, programme_id: int) -> set[str]:
    """Which roles a programme lets in only with one."""
    return store.roles_asked(connection, programme_id)


def must_have_second_factor(
    connection: Connection, admin_id: int, programme_id: int, grant: Grant
) -> bool:
    """Whether the programme asks this person for one that is not there yet."""
    if grant.role.value not in store.roles_asked(connection, programme_id):
        return False
    return store.factor_of(connection, admin_id) is None


def ask_second_factor(
    connection: Connection,
    programme_id: int,
    roles: Collection[Role],
    *,
    author: str,
    now: datetime,
) -> None:
    """Let these roles in only with a second factor."""
    before = {"roles": ", ".join(sorted(store.roles_asked(connection, programme_id)))}
    store.ask_roles(connection, programme_id, [role.value for role in roles])
    after = {"roles": ", ".join(sorted(role.value for role in roles))}
    audit.note(
        connection,
        programme_id,
        "second_factor_asked",
        str(programme_id),
        author=author,
        now=now,
        before=before,
        after=after,
    )


def _note(connection: Connection, action: str, admin: Admin, author: str, now: datetime) -> None:
    audit.note(connection, None, action, admin.login, author=author, now=now)
