"""People, keys and the log on the pages: invited, made, revoked, written down."""

from __future__ import annotations

import re

from loyalty_core.domain.staff import Grant, Role
from loyalty_core.service.admins import create_admin
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.staff import set_post
from loyalty_core.store.database import write
from tests.hub.web.conftest import PASSWORD, hashed_password
from tests.support.clock import NOON

HERE = "/admin/p/demo"
NINA = {"login": "Nina", "role": "support", "day_points": "500"}


def link_in(page: str) -> str:
    found = re.search(r'value="http://[^/"]+(/admin/invitation/[^"]+)"', page)
    assert found is not None
    return found.group(1)


def add(hub, programme_id: int, login: str, role: Role) -> None:
    with write(hub.engine) as connection:
        create_admin(connection, login=login, password_hash=hashed_password(), now=NOON, grant=None)
        set_post(connection, login, programme_id, Grant(role), author="test", now=NOON)


def programme_of(hub) -> int:
    with write(hub.engine) as connection:
        return get_programme(connection, "demo").id


def test_an_invited_person_chooses_a_password_and_is_in_with_the_role(owner, visitor):
    made = owner.send(f"{HERE}/people/", f"{HERE}/people/invite", **NINA)
    link = link_in(made.text)
    assert "Invited, until" in owner.page(f"{HERE}/people/")
    assert link not in owner.page(f"{HERE}/people/"), "it is shown once"

    nina = visitor()
    for wrong, said in (
        ({"password": PASSWORD, "again": "another"}, "The passwords differ."),
        ({"password": "short", "again": "short"}, "at least 8 characters"),
    ):
        refused = nina.send(link, link, **wrong)
        assert (refused.status_code, said in refused.text) == (422, True)
    joined = nina.send(link, link, password=PASSWORD, again=PASSWORD)

    assert joined.status_code == 302
    assert nina.get(f"{HERE}/members/").status_code == 200
    assert nina.get(f"{HERE}/people/").status_code == 403
    menu = nina.page(f"{HERE}/")
    assert "/members/" in menu
    assert f'href="{HERE}/keys/"' not in menu
    assert visitor().get(link).status_code == 404, "it opens once"
    assert nina.log_in("nina").status_code == 302


def test_wrong_invitations_keep_what_was_typed(owner):
    for wrong, field, said in (
        ({**NINA, "login": " "}, "login", "Give a login"),
        ({**NINA, "day_points": "many"}, "day_points", "The limit is a number of points"),
    ):
        page = owner.send(f"{HERE}/people/", f"{HERE}/people/invite", **wrong)
        assert (page.status_code, f'id="wrong-{field}">{said}' in page.text) == (422, True)
        assert 'value="support" selected' in page.text
    assert "Invited, until" not in owner.page(f"{HERE}/people/")


def test_a_role_is_changed_and_taken_and_an_owner_always_stays(hub, visitor, owner):
    programme_id = programme_of(hub)
    add(hub, programme_id, "boss", Role.OWNER)
    add(hub, programme_id, "nina", Role.SUPPORT)
    nina = visitor()
    nina.log_in("nina")
    assert nina.get(f"{HERE}/").status_code == 200

    spaced = {"role": "cashier", "day_points": "1\N{NO-BREAK SPACE}000"}
    assert owner.send(f"{HERE}/people/", f"{HERE}/people/nina/role", **spaced).status_code == 302
    assert nina.get(f"{HERE}/").status_code == 403
    assert nina.get("/admin/").location == f"{HERE}/till/"
    owner.send(f"{HERE}/people/", f"{HERE}/people/nina/remove")
    assert nina.get(f"{HERE}/members/").status_code == 404
    assert "programme" in nina.page("/admin/").lower()


def test_a_wrong_change_of_a_role_keeps_what_was_typed(hub, owner):
    add(hub, programme_of(hub), "nina", Role.SUPPORT)
    for wrong, field, said in (
        ({"day_points": "12o"}, "day_points", "The limit is a number of points"),
        ({"day_points": "12", "shops": "nowhere"}, "shops", "There is no shop nowhere."),
    ):
        form = {"role": "cashier", **wrong}
        page = owner.send(f"{HERE}/people/", f"{HERE}/people/nina/role", **form)
        assert (page.status_code, f'id="wrong-change-{field}">{said}' in page.text) == (422, True)
        assert page.text.count('value="cashier" selected') == 1
        assert all(f'value="{typed}"' in page.text for typed in wrong.values())
    assert 'value="support" selected' in owner.page(f"{HERE}/people/")


def test_a_key_is_shown_once_and_revoked(owner, app):
    page = owner.send(
        f"{HERE}/keys/", f"{HERE}/keys/", name="till", scopes="checkout", channels="pos"
    ).text
    key = re.search(r'value="(lh_[^"]+)"', page)
    assert key is not None

    def asked() -> int:
        headers = {"Authorization": f"Bearer {key.group(1)}"}
        basket = {"lines": [{"id": "1", "quantity": "1", "amount": "10.00"}], "channel": "pos"}
        answer = app.test_client().post("/api/v1/quotes", json=basket, headers=headers)
        return answer.status_code

    assert key.group(1) not in owner.page(f"{HERE}/keys/")
    assert asked() == 200
    number = re.search(r"/keys/(k_\w+)/revoke", owner.page(f"{HERE}/keys/"))
    assert number is not None
    owner.send(f"{HERE}/keys/", f"{HERE}/keys/{number.group(1)}/revoke")
    assert "Revoked" in owner.page(f"{HERE}/keys/")


def test_wrong_keys_are_refused_beside_the_field(owner):
    for wrong, field, said in (
        ({"name": "", "scopes": "checkout"}, "name", "Give it a name"),
        ({"name": "till"}, "scopes", "Choose at least one."),
        ({"name": "till", "scopes": "checkout", "shops": "x"}, "shops", "There is no shop x."),
        ({"name": "t", "scopes": "events", "channels": "%"}, "channels", "Short words"),
    ):
        page = owner.send(f"{HERE}/keys/", f"{HERE}/keys/", **wrong)
        found = re.search(rf'id="wrong-{field}">([^<]+)', page.text)
        assert page.status_code == 422
        assert found is not None
        assert said in found.group(1)
    assert "No keys yet" in owner.page(f"{HERE}/keys/")


def test_the_log_tells_who_did_what_and_what_was_before(owner):
    owner.send(f"{HERE}/people/", f"{HERE}/people/invite", **NINA)
    owner.send(f"{HERE}/messages/", f"{HERE}/messages/welcome/switch", on="yes")

    page = owner.page(f"{HERE}/log/")
    assert page.index("Letter switched or set") < page.index("Person invited")
    assert "admin:owner" in page
    assert re.search(r"Switched on:</span> <del>no</del> <ins[^>]*>yes", page)
    only = owner.page(f"{HERE}/log/?action=person_invited")
    assert "Person invited" in only
    assert "Letter switched" not in only
    assert owner.get(f"{HERE}/log/?after=nonsense").status_code == 200


def test_the_log_is_turned_over_page_by_page(owner):
    for _ in range(26):
        for on in ("yes", "no"):
            owner.send(f"{HERE}/messages/", f"{HERE}/messages/welcome/switch", on=on)
    first = owner.page(f"{HERE}/log/")
    older = re.search(r'href="(/admin/p/demo/log/\?after=[^"]+)"', first)
    assert older is not None

    assert first.count("Letter switched") == 50
    assert owner.page(older.group(1)).count("Letter switched") == 2


def test_who_has_an_account_logs_in_to_accept(hub, visitor, owner):
    add(hub, programme_of(hub), "boss", Role.OWNER)
    with write(hub.engine) as connection:
        create_admin(
            connection, login="nina", password_hash=hashed_password(), now=NOON, grant=None
        )
    link = link_in(owner.send(f"{HERE}/people/", f"{HERE}/people/invite", **NINA).text)

    assert owner.get(link).location == "/admin/", "another person is at the keyboard"
    nina = visitor()
    assert nina.get(link).location.startswith("/admin/login?next=")
    nina.log_in("nina")
    assert nina.get(f"{HERE}/").status_code == 404
    assert nina.send(link, link).status_code == 302

    assert nina.get(f"{HERE}/").status_code == 200
    assert visitor().get(link).status_code == 404
    again = owner.send(f"{HERE}/people/", f"{HERE}/people/invite", **NINA)
    assert (again.status_code, "works here" in again.text) == (422, True)
