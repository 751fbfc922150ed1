"""Accounts of the console."""

import pytest

from loyalty_core.service import admins, safety
from loyalty_core.service.admins import AdminExists, AdminNotFound, LoginRefused
from loyalty_core.store.database import read, write
from tests.support.clock import NOON


@pytest.fixture
def owner(engine):
    with write(engine) as connection:
        return admins.create_admin(connection, login=" Owner ", password_hash="hash", now=NOON)


def test_a_login_is_folded_and_taken_once(engine, owner):
    assert owner.login == "owner"
    with write(engine) as connection, pytest.raises(AdminExists):
        admins.create_admin(connection, login="OWNER", password_hash="other", now=NOON)


def test_the_check_gets_the_stored_hash(engine, owner):
    asked = []

    def fits(stored):
        asked.append(stored)
        return True

    with read(engine) as connection:
        assert admins.check_login(connection, "OWNER", fits=fits) == owner
    assert asked == ["hash"]


def test_an_unknown_login_costs_a_check_too_and_is_refused(engine, owner):
    asked = []

    def fits(stored):
        asked.append(stored)
        return True

    with read(engine) as connection, pytest.raises(LoginRefused):
        admins.check_login(connection, "nobody", fits=fits)
    assert asked == [None]


def test_a_wrong_password_is_refused(engine, owner):
    with read(engine) as connection, pytest.raises(LoginRefused):
        admins.check_login(connection, "owner", fits=lambda stored: False)


def test_a_new_password_ends_the_sessions_of_the_old(engine, owner):
    with write(engine) as connection:
        old = safety.open_session(connection, owner, browser="", address="", now=NOON)
        changed = admins.reset_password(connection, login="owner", password_hash="new", now=NOON)
        new = safety.open_session(connection, changed, browser="", address="", now=NOON)

    assert changed.password_hash == "new"
    with read(engine) as connection:
        resumed = safety.resume_session(connection, new, changed.session_epoch, NOON)
        assert resumed.admin.login == "owner"
        with pytest.raises(LoginRefused):
            safety.resume_session(connection, old, owner.session_epoch, NOON)


def test_a_password_of_nobody_cannot_be_reset(engine):
    with write(engine) as connection, pytest.raises(AdminNotFound):
        admins.reset_password(connection, login="nobody", password_hash="new", now=NOON)


def test_a_language_once_chosen_is_remembered(engine, owner):
    with write(engine) as connection:
        admins.choose_locale(connection, owner.id, "ru")
    with read(engine) as connection:
        assert admins.find_admin(connection, "owner").locale == "ru"
        assert [one.login for one in admins.list_admins(connection)] == ["owner"]
