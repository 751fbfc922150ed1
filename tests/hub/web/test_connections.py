"""Connecting a shop by form, testing it, changing it, pausing it."""

import html
import re

import pytest

from hub.installations import create_installation, get_installation, list_installations
from hub.web.admin.words import CAPABILITY
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read, write
from loyalty_kit.manifest import Capability
from tests.hub.web.conftest import add_programme
from tests.support.shopfloor import SETTINGS

NEW = "/admin/p/demo/connections/new/tablo"


@pytest.fixture
def pages_engine(engine):
    return engine


@pytest.fixture
def shop(hub):
    """A connection that works."""
    with read(hub.engine) as connection:
        programme = get_programme(connection, "demo")
    return create_installation(
        hub, programme_id=programme.id, connector="tablo", name="Tea shop", settings=SETTINGS
    )


def words(page: str) -> str:
    """What a person reads of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_with_no_connection_the_page_says_what_to_do(owner):
    page = owner.page("/admin/p/demo/connections/")

    assert "No connections yet" in page
    assert 'href="/admin/p/demo/connections/new"' in page


def test_the_connectors_at_hand_are_offered_with_what_they_can_do(owner):
    page = words(owner.page("/admin/p/demo/connections/new"))

    assert "Tablo A vendor of the tests. Receipts by webhook Reads each order itself" in page


def test_whatever_a_connector_may_be_able_to_do_has_its_words():
    assert set(CAPABILITY) == set(Capability)


def test_a_form_of_the_connector_s_settings_makes_a_connection(owner, hub):
    response = owner.send(NEW, NEW, _name="Tea shop", **SETTINGS)
    (made,) = list_installations(hub)

    assert response.location == f"/admin/p/demo/connections/{made.id}"
    assert (made.name, made.connector, made.state) == ("Tea shop", "tablo", "active")


def test_its_page_shows_the_address_for_the_shop_and_no_secret(owner, shop):
    page = owner.page(f"/admin/p/demo/connections/{shop.id}")

    assert f'value="http://localhost/hooks/{shop.id}/events"' in page
    assert "kept; not shown" in page
    assert SETTINGS["token"] not in page
    assert SETTINGS["webhook_secret"] not in page
    assert "Nothing has arrived yet" in page


def test_mistakes_stand_beside_their_fields_and_what_was_typed_is_kept(owner, hub):
    response = owner.send(
        NEW, NEW, _name="Tea shop", webhook_secret="", token="a-new-token", shop="corner"
    )

    assert response.status_code == 422
    assert re.search(r'id="wrong-webhook_secret">Fill this in\.<', response.text)
    assert 'value="Tea shop"' in response.text
    assert 'value="corner"' in response.text
    assert "a-new-token" not in response.text
    assert list_installations(hub) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [("", "Give it a name."), ("Tea shop", "There is a connection of this name.")],
)
def test_a_connection_has_a_name_of_its_own(owner, shop, name, told):
    response = owner.send(NEW, NEW, _name=name, **SETTINGS)

    assert response.status_code == 422
    assert told in response.text


def test_the_test_button_says_that_it_works(owner, shop):
    path = f"/admin/p/demo/connections/{shop.id}"
    answer = owner.send(path, f"{path}/check", hx=True)

    assert "It works" in answer.text
    assert "<html" not in answer.text


def test_or_what_is_wrong_in_words(owner, shop, remote, hub):
    remote.token = "changed at the shop"
    path = f"/admin/p/demo/connections/{shop.id}"
    answer = owner.send(path, f"{path}/check", hx=True)

    assert "The shop does not accept the key" in answer.text
    assert "The shop refuses the token." in answer.text
    assert get_installation(hub, shop.id).state == "attention"
    assert "Needs attention" in owner.page("/admin/p/demo/")


def test_without_script_the_test_answers_with_the_whole_page(owner, shop):
    path = f"/admin/p/demo/connections/{shop.id}"
    answer = owner.send(path, f"{path}/check")

    assert "It works" in answer.text
    assert "<html" in answer.text


def test_settings_change_and_a_secret_left_empty_stays(owner, shop, hub, remote):
    path = f"/admin/p/demo/connections/{shop.id}"
    response = owner.send(
        f"{path}/settings",
        f"{path}/settings",
        _name="Corner shop",
        webhook_secret="",
        token="a-new-token",
        shop="main",
    )
    remote.token = "a-new-token"

    assert response.location == path
    assert get_installation(hub, shop.id).name == "Corner shop"
    assert "It works" in owner.send(path, f"{path}/check", hx=True).text


def test_the_form_to_change_settings_holds_no_secret(owner, shop):
    page = owner.page(f"/admin/p/demo/connections/{shop.id}/settings")

    assert "Kept; not shown" in page
    assert SETTINGS["token"] not in page
    assert "********" not in page


def test_a_connection_can_be_paused_and_resumed(owner, shop, hub):
    path = f"/admin/p/demo/connections/{shop.id}"
    owner.send(path, f"{path}/state", state="paused")
    assert get_installation(hub, shop.id).state == "paused"
    assert "Resume" in owner.page(path)

    owner.send(path, f"{path}/state", state="active")
    assert get_installation(hub, shop.id).state == "active"


def test_no_other_state_can_be_asked_for(owner, shop, hub):
    path = f"/admin/p/demo/connections/{shop.id}"

    assert owner.send(path, f"{path}/state", state="attention").status_code == 400
    assert get_installation(hub, shop.id).state == "active"


@pytest.mark.parametrize("part", ["", "/settings", "/last-deliveries"])
def test_another_programme_s_connection_is_not_there(owner, shop, hub, part):
    with write(hub.engine) as connection:
        add_programme(connection, "other", "Other")

    assert owner.get(f"/admin/p/other/connections/{shop.id}{part}").status_code == 404
    assert owner.get(f"/admin/p/demo/connections/{shop.id}{part}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/admin/p/nowhere/",
        "/admin/p/demo/connections/new/nothing",
        "/admin/p/demo/connections/i_0",
        "/admin/nowhere",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(owner, path):
    response = owner.get(path)

    assert response.status_code == 404
    assert "Nothing here" in response.text


def test_several_programmes_can_be_chosen_from(owner, hub):
    with write(hub.engine) as connection:
        add_programme(connection, "other", "Other")

    assert '<option value="other">Other</option>' in owner.page("/admin/p/demo/")
    assert owner.get("/admin/?programme=other").location == "/admin/p/other/"
