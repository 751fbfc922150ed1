"""What a hub needs before anybody can use it: an account, and unless unwanted the demo."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from hub.demo import Progress, demo_wanted, make_demo
from hub.passwords import hash_password, one_time_password
from hub.wiring import Hub
from loyalty_core.service.admins import create_admin, list_admins
from loyalty_core.store.database import read, transact

LOGIN = "admin"


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What is told once.  `password` None: an account was there, or its password is known;
    `key` None: no demo was made now."""

    login: str
    password: str | None = None
    key: str | None = None


def prepare(hub: Hub, progress: Progress) -> FirstStart:
    """Make what is missing.  Cut off anywhere, the next start makes the rest.

    The account comes last: where it is there, all was made and told.

    Raises: DemoFailed.
    """
    key = make_demo(hub, progress) if hub.config.demo and demo_wanted(hub) else None
    with read(hub.engine) as connection:
        accounts = list_admins(connection)
    if accounts:
        return FirstStart(accounts[0].login, key=key)
    password = hub.config.admin_password or one_time_password()
    hashed = hash_password(password)

    def account(connection: Connection) -> None:
        create_admin(connection, login=LOGIN, password_hash=hashed, now=hub.clock.now())

    transact(hub.engine, account)
    return FirstStart(LOGIN, None if hub.config.admin_password else password, key)
