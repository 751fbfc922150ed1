"""People of the console: roles, invitations, the day's limit of points by hand, and the log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from loyalty_core.domain.rules import default_rules
from loyalty_core.domain.staff import MAY, Grant, May, Role
from loyalty_core.service import staff
from loyalty_core.service.admins import AdminExists, create_admin, find_admin
from loyalty_core.service.programmes import create_programme
from loyalty_core.store import audit
from loyalty_core.store.database import read, transact, write
from loyalty_core.store.ids import to_wire
from tests.support.clock import NOON

SUPPORT = Grant(Role.SUPPORT, 100_00)
WRITTEN = {"author": "admin:boss", "now": NOON}


@pytest.fixture
def programme(engine):
    """With `boss`, its owner and nobody's elsewhere."""
    with write(engine) as connection:
        rules = default_rules(earn_percent=5, spend_limit_percent=30)
        made = create_programme(connection, code="tea", document=rules, author="test", now=NOON)
        create_programme(connection, code="far", document=rules, author="test", now=NOON)
        create_admin(connection, login="boss", password_hash="h", now=NOON, grant=None)
        owner = Grant(Role.OWNER)
        staff.set_post(connection, "boss", made.id, owner, author="command line", now=NOON)
        return made


def notes(engine, programme, **only):
    with read(engine) as connection:
        return audit.notes(connection, programme.id, only, limit=100)


def test_each_role_may_what_the_page_says_and_no_more():
    everything = frozenset(May)
    assert MAY[Role.OWNER] == everything
    assert MAY.keys() == set(Role)
    assert May.ERASE not in MAY[Role.SUPPORT]
    assert May.MOVE_POINTS not in MAY[Role.MARKETER] | MAY[Role.CASHIER] | MAY[Role.VIEWER]
    for role in set(Role) - {Role.OWNER}:
        assert not {May.PEOPLE, May.KEYS, May.LOG, May.CONNECT} & MAY[role]


def test_of_grants_for_one_programme_and_for_all_the_more_powerful_counts(engine, programme):
    with write(engine) as connection:
        create_admin(connection, login="other", password_hash="h", now=NOON)
        create_admin(connection, login="many", password_hash="h", now=NOON)
        admin = find_admin(connection, "many")
        assert staff.grant_of(connection, admin.id, programme.id) == Grant(Role.OWNER)
        staff.set_post(connection, "Many ", programme.id, SUPPORT, **WRITTEN)
        assert staff.grant_of(connection, admin.id, programme.id) == Grant(Role.OWNER)
        staff.set_post(connection, "many", None, Grant(Role.SUPPORT), **WRITTEN)
        assert staff.grant_of(connection, admin.id, programme.id) == SUPPORT
        staff.set_post(connection, "many", None, Grant(Role.VIEWER), **WRITTEN)
        assert staff.grant_of(connection, admin.id, programme.id) == SUPPORT

        assert [one.code for one in staff.programmes_of(connection, admin.id)] == ["far", "tea"]
        boss = find_admin(connection, "boss")
        assert [one.code for one in staff.programmes_of(connection, boss.id)] == ["tea"]


def test_the_last_owner_stays(engine, programme):
    for attempt in (
        lambda connection: staff.remove_post(connection, "boss", programme.id, **WRITTEN),
        lambda connection: staff.set_post(connection, "boss", programme.id, SUPPORT, **WRITTEN),
    ):
        with pytest.raises(staff.LastOwner):
            transact(engine, attempt)
    with read(engine) as connection:
        boss = find_admin(connection, "boss")
        assert staff.grant_of(connection, boss.id, programme.id) == Grant(Role.OWNER)


def test_two_owners_who_remove_each_other_leave_one(engine, programme):
    with write(engine) as connection:
        create_admin(connection, login="twin", password_hash="h", now=NOON, grant=None)
        staff.set_post(connection, "twin", programme.id, Grant(Role.OWNER), **WRITTEN)

    def remove(login: str) -> bool:
        try:
            transact(
                engine,
                lambda connection: staff.remove_post(connection, login, programme.id, **WRITTEN),
            )
        except staff.LastOwner:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, ["boss", "twin"])) == [False, True]


def test_an_invitation_opens_once_and_for_three_days(engine, programme):
    def invited(login: str) -> str:
        with write(engine) as connection:
            token = staff.invite(connection, programme.id, login, SUPPORT, **WRITTEN).token
        assert token is not None
        return token

    def join(token: str, **later: float):
        return transact(
            engine,
            lambda connection: staff.take_invitation(
                connection, token, password_hash="h", now=NOON + timedelta(**later)
            ),
        )

    token = invited("Nina")
    admin = join(token, days=2)
    with read(engine) as connection:
        assert (admin.login, staff.grant_of(connection, admin.id, programme.id)) == (
            "nina",
            SUPPORT,
        )
    for refused in (token, "nonsense", ""):
        with pytest.raises(staff.InvitationNotFound):
            join(refused, days=2)
    with pytest.raises(staff.InvitationNotFound):
        join(invited("late"), days=3)
    twice = [invited("twice"), invited("twice")]
    join(twice[0])
    with pytest.raises(AdminExists):
        join(twice[1])
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT * FROM invitations")).all()
    assert token not in str(kept)


def test_32_who_take_one_invitation_make_one_account(engine, programme):
    with write(engine) as connection:
        token = staff.invite(connection, programme.id, "nina", SUPPORT, **WRITTEN).token

    def join(_: int) -> bool:
        try:
            transact(
                engine,
                lambda connection: staff.take_invitation(
                    connection, token, password_hash="h", now=NOON
                ),
            )
        except (staff.InvitationNotFound, AdminExists):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(join, range(32))) == 1


def test_who_has_an_account_says_yes_by_it_and_nobody_else_can(engine, programme):
    with write(engine) as connection:
        for login in ("anna", "other"):
            create_admin(connection, login=login, password_hash="h", now=NOON, grant=None)
        token = staff.invite(connection, programme.id, "Anna", SUPPORT, **WRITTEN).token
        anna, other = (find_admin(connection, login) for login in ("anna", "other"))
        assert staff.grant_of(connection, anna.id, programme.id) is None

        with pytest.raises(staff.InvitationNotFound):
            staff.accept_invitation(connection, token, other, now=NOON)
        staff.accept_invitation(connection, token, anna, now=NOON)
        assert staff.grant_of(connection, anna.id, programme.id) == SUPPORT
        with pytest.raises(staff.InvitationNotFound):
            staff.accept_invitation(connection, token, anna, now=NOON)
        with pytest.raises(staff.AlreadyHere):
            staff.invite(connection, programme.id, "anna", Grant(Role.OWNER), **WRITTEN)


def test_invitations_end_with_the_rights_of_who_wrote_them(engine, programme):
    with write(engine) as connection:
        create_admin(connection, login="twin", password_hash="h", now=NOON, grant=None)
        staff.set_post(connection, "twin", programme.id, Grant(Role.OWNER), **WRITTEN)
        by = {"author": "admin:twin", "now": NOON}
        first = staff.invite(connection, programme.id, "x", Grant(Role.OWNER), **by).token
        staff.set_post(connection, "twin", programme.id, SUPPORT, **WRITTEN)
        second = staff.invite(connection, programme.id, "y", SUPPORT, **by).token
        staff.remove_post(connection, "twin", programme.id, **WRITTEN)
        for token in (first, second):
            with pytest.raises(staff.InvitationNotFound):
                staff.find_invitation(connection, token, NOON)


def test_a_limit_over_all_programmes_counts_one_day_wherever_they_lie(engine, programme):
    rules = default_rules(earn_percent=5, spend_limit_percent=30)
    with write(engine) as connection:
        east = create_programme(
            connection,
            code="east",
            timezone="Asia/Kamchatka",
            document=rules,
            author="test",
            now=NOON,
        )
        create_admin(connection, login="nina", password_hash="h", now=NOON, grant=SUPPORT)
        nina = find_admin(connection, "nina")

        # Noon in UTC is midnight in Kamchatka: the days of the two programmes differ.
        for place, points in ((programme, 60_00), (east, 40_00)):
            staff.count_given_points(connection, place, nina, points, now=NOON)
        for place in (programme, east, programme):
            with pytest.raises(staff.ManualLimit):
                staff.count_given_points(connection, place, nina, 1, now=NOON)


def test_an_invitation_that_was_taken_back_opens_nothing(engine, programme):
    with write(engine) as connection:
        token = staff.invite(connection, programme.id, "nina", SUPPORT, **WRITTEN).token
        (open_one,) = staff.list_people(connection, programme.id, NOON).invitations
        number = to_wire(staff.INVITATION, open_one.id)
        with pytest.raises(staff.InvitationNotFound):
            staff.take_back_invitation(connection, programme.id + 1, number, **WRITTEN)
        staff.take_back_invitation(connection, programme.id, number, **WRITTEN)
        with pytest.raises(staff.InvitationNotFound):
            staff.take_back_invitation(connection, programme.id, number, **WRITTEN)
        with pytest.raises(staff.InvitationNotFound):
            staff.find_invitation(connection, token, NOON)


def test_32_at_once_give_what_a_day_allows_and_the_next_day_begins_at_midnight(engine, programme):
    with write(engine) as connection:
        create_admin(connection, login="nina", password_hash="h", now=NOON, grant=None)
        staff.set_post(connection, "nina", programme.id, SUPPORT, **WRITTEN)
        nina = find_admin(connection, "nina")

    def give(points: int, now=NOON) -> bool:
        try:
            transact(
                engine,
                lambda connection: staff.count_given_points(
                    connection, programme, nina, points, now=now
                ),
            )
        except staff.ManualLimit:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(give, [30_00] * 32)) == 3
    assert give(10_01) is False
    assert give(10_00) is True
    # Noon in UTC; the programme is in Moscow, where midnight comes at 21:00 UTC.
    assert give(1, NOON + timedelta(hours=8, minutes=59)) is False
    assert give(100_00, NOON + timedelta(hours=9)) is True


def test_the_log_has_what_was_before_and_nobody_rewrites_it(engine, programme):
    with write(engine) as connection:
        create_admin(connection, login="nina", password_hash="h", now=NOON, grant=None)
        staff.set_post(connection, "nina", programme.id, SUPPORT, **WRITTEN)
        staff.set_post(connection, "nina", programme.id, Grant(Role.SUPPORT, 5_00), **WRITTEN)
        staff.set_post(connection, "nina", programme.id, Grant(Role.SUPPORT, 5_00), **WRITTEN)

    (second, first) = notes(engine, programme, subject="nina")
    assert (first.action, first.before, first.after) == (
        "person_set",
        {},
        {"role": "support", "day_points": "100.00"},
    )
    assert (second.before, second.after) == ({"day_points": "100.00"}, {"day_points": "5.00"})
    for attack in ("UPDATE audit_log SET author = 'nobody'", "DELETE FROM audit_log"):
        with pytest.raises(DBAPIError, match="only added to"), write(engine) as connection:
            connection.execute(text(attack))
    if engine.dialect.name == "postgresql":
        with pytest.raises(DBAPIError, match="only added to"), write(engine) as connection:
            connection.execute(text("TRUNCATE audit_log"))
    assert notes(engine, programme, subject="nina") == [second, first]
