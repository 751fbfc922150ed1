"""Accounts of the console.

The core knows no way to hash: hashes are handed in, and the check of a password is handed in
as a function (`hub/passwords.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.errors import Conflict, Forbidden, InvalidInput, NotFound
from loyalty_core.domain.staff import EVERYTHING, Grant
from loyalty_core.store import admins as store
from loyalty_core.store import audit, staff
from loyalty_core.store.admins import Admin
from loyalty_core.store.ids import new_id

_LONGEST_LOGIN = 100


class AdminExists(Conflict):
    """The login is taken."""

    code = "admin_exists"


class AdminNotFound(NotFound):
    code = "admin_not_found"


class LoginRefused(Forbidden):
    """Login and password do not belong together; which of the two is wrong is not told."""

    code = "login_refused"


def fold_login(login: str) -> str:
    """Logins are compared without case and outer spaces (`ledger.md` 5)."""
    return login.strip().casefold()


def new_login(login: str) -> str:
    """As it is kept, of an account that is to be.  Raises: InvalidInput."""
    folded = fold_login(login)
    if not 0 < len(folded) <= _LONGEST_LOGIN or not folded.isprintable():
        raise InvalidInput({"login": [f"Must have 1 to {_LONGEST_LOGIN} characters."]})
    return folded


def create_admin(  # noqa: PLR0913 - each is a word of its own on the command line
    connection: Connection,
    *,
    login: str,
    password_hash: str,
    now: datetime,
    locale: str = "",
    grant: Grant | None = EVERYTHING,
) -> Admin:
    """A new account; `grant` holds in all programmes, None: in none yet.

    Raises: InvalidInput (login), AdminExists.
    """
    folded = new_login(login)
    if store.admin_by_login(connection, folded) is not None:
        raise AdminExists({"login": folded})
    number = new_id(now)
    values = {
        "id": number,
        "login": folded,
        "password_hash": password_hash,
        "locale": locale,
        "session_epoch": 0,
        "created_at": now,
    }
    store.add_admin(connection, values)
    if grant is not None:
        staff.put_post(connection, number, None, grant, now=now)
    return find_admin(connection, folded)


def find_admin(connection: Connection, login: str) -> Admin:
    """Raises: AdminNotFound."""
    admin = store.admin_by_login(connection, fold_login(login))
    if admin is None:
        raise AdminNotFound({"login": fold_login(login)})
    return admin


def list_admins(connection: Connection) -> list[Admin]:
    """Everybody with an account, by login."""
    return store.list_admins(connection)


def reset_password(
    connection: Connection,
    *,
    login: str,
    password_hash: str,
    author: str = audit.COMMAND_LINE,
    now: datetime,
) -> Admin:
    """Another password; sessions that are open end.  Raises: AdminNotFound."""
    admin = find_admin(connection, login)
    store.set_password(connection, admin.id, password_hash)
    audit.note(connection, None, "password_set", admin.login, author=author, now=now)
    return find_admin(connection, login)


def check_login(connection: Connection, login: str, *, fits: Callable[[str | None], bool]) -> Admin:
    """The account that may go in.

    `fits` says whether a stored hash belongs to the password that was typed; it is asked once
    whether the login exists or not (then with None), so both take the same time.

    Raises: LoginRefused.
    """
    admin = store.admin_by_login(connection, fold_login(login))
    if not fits(admin.password_hash if admin else None) or admin is None:
        raise LoginRefused
    return admin


def choose_locale(connection: Connection, admin_id: int, locale: str) -> None:
    """The language in which the console speaks to this person."""
    store.set_locale(connection, admin_id, locale)
