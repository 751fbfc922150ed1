"""What a person does to a member on the pages: points, merging, handing data over, erasing."""

from __future__ import annotations

import json
import re

import pytest

from loyalty_core.domain.staff import Grant, Role
from loyalty_core.service import members
from loyalty_core.service.admins import create_admin
from loyalty_core.service.members import NewMember
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.source import Source
from loyalty_core.service.staff import set_post
from loyalty_core.store.database import read, write
from tests.hub.web.conftest import hashed_password
from tests.support.clock import NOON

HERE = "/admin/p/demo/members"
GIVE = {"way": "give", "reason": "Sorry for the delay"}


@pytest.fixture
def pages_engine(engine):
    return engine


@pytest.fixture
def enrol(hub):
    with read(hub.engine) as connection:
        programme = get_programme(connection, "demo")
    source = Source(programme_id=programme.id, name="key:test")

    def add(**named) -> str:
        with write(hub.engine) as connection:
            new = NewMember(**named)
            return members.enrol_member(connection, hub.plans, source, new, now=NOON).id

    return add


@pytest.fixture
def anna(enrol) -> str:
    return enrol(phone="+79161234567", first_name="Анна")


@pytest.fixture
def support(hub, visitor):
    """Somebody of the support, who may give 100 points a day."""
    with write(hub.engine) as connection:
        create_admin(
            connection, login="nina", password_hash=hashed_password(), now=NOON, grant=None
        )
        grant = Grant(Role.SUPPORT, 100_00)
        programme = get_programme(connection, "demo")
        set_post(connection, "nina", programme.id, grant, author="test", now=NOON)
    someone = visitor()
    someone.log_in("nina")
    return someone


def key_of(someone, member: str) -> str:
    found = re.search(r'name="key" value="(\w{32})"', someone.page(f"{HERE}/{member}/points"))
    assert found is not None
    return found.group(1)


def move(someone, member: str, amount: str, **told):
    """Fill the form and send it; `key` of a form that was filled before."""
    path = f"{HERE}/{member}/points"
    told.setdefault("key", key_of(someone, member))
    return someone.send(path, path, **{**GIVE, "amount": amount, **told})


def balance(someone, member: str) -> str:
    found = re.search(r'data-figure="available">([^<]+)<', someone.page(f"{HERE}/{member}"))
    assert found is not None
    return found.group(1)


def test_points_are_given_and_taken_with_a_reason_and_a_form_books_once(owner, anna):
    key = key_of(owner, anna)
    for _ in range(2):
        assert move(owner, anna, "50,5", key=key).status_code == 302
    assert balance(owner, anna) == "50.50"
    assert move(owner, anna, "20", way="take").status_code == 302
    assert balance(owner, anna) == "30.50"
    assert move(owner, anna, "1\N{NO-BREAK SPACE}000", way="give").status_code == 302
    assert balance(owner, anna) == "1,030.50"
    page = owner.page(f"{HERE}/{anna}")
    assert "Sorry for the delay" in page
    log = owner.page(f"/admin/p/demo/log/?subject={anna}")
    assert log.count("Points by hand") == 3
    assert "Sorry" not in log, "reasons may name people, and the log is never erased"


def test_wrong_points_are_refused_beside_the_field_and_what_was_typed_stays(owner, anna):
    for told, said in (
        ({"amount": "many"}, "Write a number"),
        ({"amount": "-5"}, "Write more than zero"),
        ({"amount": "0"}, "Write more than zero"),
        ({"amount": "1.234"}, "Write a number"),
        ({"amount": "5", "reason": ""}, "Say why"),
        ({"amount": "5", "way": "take"}, "that many points"),
    ):
        answer = move(owner, anna, **told)

        assert answer.status_code == 422
        wrong = re.findall(r'id="wrong-\w+">([^<]+)<', answer.text)
        assert any(said in text for text in wrong), (said, wrong)
        assert f'value="{told["amount"]}"' in answer.text
    assert balance(owner, anna) == "0"


def test_points_over_the_limit_of_the_day_are_stopped_and_written_down(owner, support, anna):
    key = key_of(support, anna)
    for _ in range(2):
        assert move(support, anna, "60", key=key).status_code == 302
    refused = move(support, anna, "41")

    assert refused.status_code == 422
    assert "40 left" in refused.text
    assert move(support, anna, "40").status_code == 302
    assert move(support, anna, "70", way="take").status_code == 302, "taking has no limit"
    assert balance(owner, anna) == "30"
    assert "over the limit" in owner.page("/admin/p/demo/log/?action=points_refused")


def test_a_merge_is_shown_before_it_is_done(owner, anna, enrol):
    twin = enrol(card="2200001", last_name="Смирнова")
    move(owner, anna, "10")
    move(owner, twin, "5")
    path = f"{HERE}/{anna}/merge"
    assert f"from={twin}" in owner.page(f"{path}?q=2200001")
    assert "Nobody else found" in owner.page(f"{path}?q=%2B79161234567")

    preview = owner.page(f"{path}?from={twin}")
    assert 'data-figure="available">15<' in preview
    assert balance(owner, anna) == "10", "nothing is done yet"
    assert owner.send(path, path, **{"from": twin}).status_code == 302

    assert balance(owner, anna) == "15"
    assert "2200001" in owner.page(f"{HERE}/{anna}")
    assert owner.send(path, path, **{"from": anna}).status_code == 400
    assert owner.get(f"{path}?from=m_nobody").status_code == 404


def test_the_data_is_handed_out_as_a_file(owner, anna):
    answer = owner.send(f"{HERE}/{anna}", f"{HERE}/{anna}/export")

    assert answer.headers["Content-Disposition"] == f'attachment; filename="{anna}.json"'
    assert json.loads(answer.data)["member"]["phone"] == "+79161234567"
    assert "handed out" in owner.page("/admin/p/demo/log/")


def test_an_erasure_asks_first_and_gives_its_act(owner, anna):
    path = f"{HERE}/{anna}/erase"
    unsure = owner.send(path, path)
    assert (unsure.status_code, "Nothing is erased yet" in unsure.text) == (422, True)
    assert "Анна" in owner.page(f"{HERE}/{anna}")

    act = owner.send(path, path, sure="yes")

    assert (act.status_code, "Act of erasure" in act.text) == (200, True)
    assert owner.get(f"{HERE}/{anna}").status_code == 404
    assert "erased" in owner.page(f"/admin/p/demo/log/?subject={anna}")
