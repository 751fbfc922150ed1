"""What is a member's own, set on the member's page: its form of reward, its lists of goods."""

from __future__ import annotations

import re
from html import unescape

import pytest

from loyalty_core.domain.staff import Grant, Role
from loyalty_core.service.admins import create_admin
from loyalty_core.service.personal_lists import MOST_ITEMS
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.staff import set_post
from loyalty_core.store.database import read, write
from tests.hub.api.client import Caller, new_key
from tests.hub.web.conftest import hashed_password
from tests.support.clock import NOON

HERE = "/admin/p/demo/members"
FORMS = [{"code": "points", "name": "Points"}, {"code": "off", "name": "Discount now"}]
LISTS = [
    {"code": "own", "name": "For you"},
    {"code": "often", "name": "Bought often", "auto": {"days": 90}},
]


@pytest.fixture
def programme_id(hub):
    with read(hub.engine) as connection:
        return get_programme(connection, "demo").id


@pytest.fixture
def caller(hub, app, programme_id):
    """The shop's own system; the rules let members choose, and have a list of each kind."""
    caller = Caller(app, new_key(hub, programme_id).key)
    rules = caller.get("/programmes/demo/rules").json
    rules |= {"rewards": {"forms": FORMS, "default": "points"}, "personal_lists": LISTS}
    draft = caller.put("/programmes/demo/rules", rules).json["draft"]
    assert caller.post("/programmes/demo/rules/publish", {"draft": draft}).status_code == 200
    return caller


@pytest.fixture
def anna(caller):
    told = {"phone": "+79161234567", "first_name": "Анна", "last_name": "Проба"}
    return caller.post("/members", told).json["id"]


def words_of(page):
    """What a page says, without its marks."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_the_form_of_reward_is_chosen_and_counts_for_the_api_too(owner, caller, anna):
    page = owner.page(f"{HERE}/{anna}")
    assert "Form of reward: Points" in page
    assert "By default: the member has not chosen." in page
    form = f"{HERE}/{anna}/reward"
    for address in (f"{HERE}/", f"{HERE}/{anna}", form):
        current = re.findall(r'class="nav-link" href="([^"]+)" aria-current', owner.page(address))
        assert current == [f"{HERE}/"], f"where {address} stands in the menu"

    assert owner.send(form, form, reward="off").status_code == 302
    page = owner.page(f"{HERE}/{anna}")
    assert "Form of reward: Discount now" in page
    assert "The member chose it." in page
    shown = caller.get(f"/members/{anna}").json["reward"]
    assert shown == {"code": "off", "name": "Discount now", "chosen": True}

    wrong = owner.send(form, form, reward="cash")
    assert (wrong.status_code, "No such form of reward." in wrong.text) == (422, True)
    assert "Проба" not in wrong.text, "a page of trouble names nobody"
    assert owner.send(form, form, reward="off").status_code == 302, "sent twice"
    log = words_of(owner.page("/admin/p/demo/log/"))
    told_once = log.count("Chosen form of reward")
    assert (told_once, "Member's form of reward" in log) == (1, True)
    assert "Chosen form of reward: nothing Discount now" in log

    assert owner.send(form, form, reward="").status_code == 302
    assert "By default: the member has not chosen." in owner.page(f"{HERE}/{anna}")


def test_goods_are_put_into_a_list_of_the_members_and_taken_out(owner, caller, anna):
    caller.post("/programmes/demo/products", {"items": [{"sku": "T1", "name": "Green tea"}]})
    lists = f"{HERE}/{anna}?view=lists"
    add, remove = (f"{HERE}/{anna}/lists/own/{act}" for act in ("add", "remove"))

    assert owner.send(add, add, kind="sku", name="T1", until="2099-12-31").status_code == 302
    assert owner.send(add, add, kind="category", name="black").status_code == 302
    page = words_of(owner.page(lists))
    assert "For you Add" in page
    assert "Green tea article T1, until 31 Dec 2099" in page
    assert "black category black, not in the catalogue" in page
    shown = caller.get(f"/members/{anna}/lists").json["items"][0]["items"]
    assert [one.get("sku") or one["category"] for one in shown] == ["black", "T1"]
    assert shown[1]["until"] == "2099-12-31T21:00:00+00:00", "the midnight in Moscow"

    owner.send(add, add, kind="sku", name="t1")
    shown = caller.get(f"/members/{anna}/lists").json["items"][0]["items"]
    assert [one["until"] for one in shown] == [None, None], "the same article has another end"
    assert owner.send(lists, remove, kind="sku", name="T1").status_code == 302
    assert owner.send(lists, remove, kind="sku", name="T1").status_code == 302, "sent twice"
    shown = caller.get(f"/members/{anna}/lists").json["items"][0]["items"]
    assert shown == [{"category": "black", "until": None}]
    log = words_of(owner.page("/admin/p/demo/log/"))
    assert "List: For you" in log
    assert "Goods: T1" in log
    assert "Until: 1 Jan 2100, 00:00" in log


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": " "}, "Write an article, or the code of a category."),
        ({"name": "x" * 256}, "Write an article, or the code of a category."),
        ({"name": "T1", "until": "2020-01-01"}, "Choose a day to come."),
        ({"name": "T1", "until": "soon"}, "Choose a day."),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(owner, anna, fields, said):
    add = f"{HERE}/{anna}/lists/own/add"
    answer = owner.send(add, add, kind="sku", **fields)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert "Проба" not in answer.text


def test_a_list_that_is_full_or_fills_itself_takes_nothing(owner, caller, anna):
    full = [{"sku": f"A{number}"} for number in range(MOST_ITEMS)]
    assert caller.put(f"/members/{anna}/lists/own", {"items": full}).status_code == 200
    add = f"{HERE}/{anna}/lists/own/add"
    answer = owner.send(add, add, kind="sku", name="B1")
    assert (answer.status_code, "Too many entries." in answer.text) == (422, True)

    for code in ("often", "nothing"):
        assert owner.get(f"{HERE}/{anna}/lists/{code}/add").status_code == 404
    often = owner.send(add, f"{HERE}/{anna}/lists/often/remove", kind="sku", name="A1")
    assert (often.status_code, "The hub fills this list" in often.text) == (400, True)


def test_who_may_only_look_sees_them_and_no_button(owner, hub, caller, anna, visitor, programme_id):
    with write(hub.engine) as connection:
        create_admin(
            connection, login="mark", password_hash=hashed_password(), now=NOON, grant=None
        )
        grant = Grant(Role.MARKETER)
        set_post(connection, "mark", programme_id, grant, author="test", now=NOON)
    mark = visitor()
    mark.log_in("mark")
    page = mark.page(f"{HERE}/{anna}?view=lists")
    assert "Form of reward: Points" in page
    assert "For you" in page
    assert f"{anna}/reward" not in page
    assert "/lists/own/add" not in page


def test_a_programme_without_them_shows_neither(owner, hub, app, programme_id):
    anna = Caller(app, new_key(hub, programme_id).key).post("/members", {"card": "1"}).json["id"]
    page = owner.page(f"{HERE}/{anna}")
    assert "Form of reward" not in page
    assert "Own goods" not in page
    assert "No lists of own goods" in owner.page(f"{HERE}/{anna}?view=lists")
    assert "Nothing is to be chosen" in owner.page(f"{HERE}/{anna}/reward")
