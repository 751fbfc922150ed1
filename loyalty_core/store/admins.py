"""People who may open the console: queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from loyalty_core.store.tables import admins


@dataclass(frozen=True, slots=True)
class Admin:
    """`locale` is "" for who never chose a language; `session_epoch` rises to end all sessions."""

    id: int
    login: str
    password_hash: str
    locale: str
    session_epoch: int


def _read(row: RowMapping) -> Admin:
    return Admin(
        id=row["id"],
        login=row["login"],
        password_hash=row["password_hash"],
        locale=row["locale"],
        session_epoch=row["session_epoch"],
    )


def admin_by_login(connection: Connection, login: str) -> Admin | None:
    row = connection.execute(select(admins).where(admins.c.login == login)).mappings().first()
    return None if row is None else _read(row)


def admin_by_id(connection: Connection, admin_id: int) -> Admin | None:
    row = connection.execute(select(admins).where(admins.c.id == admin_id)).mappings().first()
    return None if row is None else _read(row)


def list_admins(connection: Connection) -> list[Admin]:
    rows = connection.execute(select(admins).order_by(admins.c.login)).mappings()
    return [_read(row) for row in rows]


def add_admin(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(admins).values(**values))


def set_locale(connection: Connection, admin_id: int, locale: str) -> None:
    connection.execute(update(admins).where(admins.c.id == admin_id).values(locale=locale))


def set_password(connection: Connection, admin_id: int, password_hash: str) -> None:
    """The new hash, and the end of every session that the old password opened."""
    connection.execute(
        update(admins)
        .where(admins.c.id == admin_id)
        .values(password_hash=password_hash, session_epoch=admins.c.session_epoch + 1)
    )
