"""What shops sent: listed, shown without what is personal, replayed."""

import json
import re
from html import unescape

import pytest

from hub.deliveries import list_deliveries
from hub.ingest import process
from hub.installations import create_installation
from loyalty_core.service.erase_member import erase_member
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read, write
from tests.hub.web.conftest import add_programme
from tests.support.shopfloor import SETTINGS, receipt, signed


@pytest.fixture
def pages_engine(engine):
    return engine


@pytest.fixture
def shop(hub):
    with read(hub.engine) as connection:
        programme = get_programme(connection, "demo")
    return create_installation(
        hub, programme_id=programme.id, connector="tablo", name="Tea shop", settings=SETTINGS
    )


@pytest.fixture
def deliver(app, hub, shop):
    """A delivery through the door, worked on; its wire id."""

    def send(number: str, **told: object) -> str:
        body = json.dumps({"no": number, **told}).encode()
        path = f"/hooks/{shop.id}/events"
        assert app.test_client().post(path, data=body, headers=signed(body)).status_code == 200
        while process.work_batch(hub, shop.programme_id):
            pass
        return list_deliveries(hub, installation_id=shop.id).items[0].id

    return send


def test_with_no_delivery_the_page_says_what_comes_here(owner):
    assert "No deliveries here" in owner.page("/admin/p/demo/deliveries/")
    assert "Nothing failed" in owner.page("/admin/p/demo/deliveries/?state=dead")


def test_a_booked_delivery_tells_what_was_booked(owner, deliver):
    delivery = deliver("1", event=receipt("1042"))
    page = owner.page("/admin/p/demo/deliveries/")

    assert f'href="/admin/p/demo/deliveries/{delivery}">Purchase 1042</a>' in page
    assert "Booked" in page
    assert "To the member" in owner.page(f"/admin/p/demo/deliveries/{delivery}")


def test_a_customer_s_record_tells_what_came_of_it_and_is_emptied_with_its_member(
    owner, hub, shop, deliver
):
    person = {"id": "c-1", "card": "7700-12", "first_name": "Лукерья", "vouched": True}
    delivery = deliver("1", customer=person)
    address = f"/admin/p/demo/deliveries/{delivery}"
    listed = unescape(owner.page("/admin/p/demo/deliveries/"))
    assert f'href="{address}">A customer\'s record</a>' in listed
    page = owner.page(address)
    assert "New member" in page
    assert "Лукерья" not in page

    # Its body names nobody by a phone; the erasure finds it by what came of it.
    later = deliver("2", customer={"id": "c-1", "last_name": "Крузенштерн"})
    (member,) = set(re.findall(r"/members/(m_[0-9a-z]+)", page))
    programme, now = shop.programme_id, hub.clock.now()
    with write(hub.engine) as connection:
        erase_member(connection, programme, member, author="-", evidence_key=b"k" * 32, now=now)
    for one in (delivery, later):
        assert "No longer kept" in owner.page(f"/admin/p/demo/deliveries/{one}")


def test_the_last_deliveries_of_a_connection_come_as_a_fragment(owner, shop, deliver):
    deliver("1", event=receipt("1042"))
    fragment = owner.page(f"/admin/p/demo/connections/{shop.id}/last-deliveries")

    assert "Purchase 1042" in fragment
    assert "<html" not in fragment


def test_nothing_personal_is_shown_of_a_body(owner, deliver):
    delivery = deliver("1", event=receipt("1042"))
    page = owner.page(f"/admin/p/demo/deliveries/{delivery}")

    assert "TEA-1" in page
    assert "79161234567" not in page


def test_what_failed_is_counted_in_the_menu_and_says_why(owner, deliver):
    delivery = deliver("1", crash=True)

    assert 'title="1 delivery failed">1</span>' in owner.page("/admin/p/demo/members/")
    assert "The connector itself failed" in owner.page("/admin/p/demo/deliveries/?state=dead")
    page = owner.page(f"/admin/p/demo/deliveries/{delivery}")
    assert "The connector itself failed" in page
    assert "79161234567" not in page


def test_a_failed_delivery_is_replayed_by_a_button(owner, hub, shop, deliver, remote):
    remote.put("order", "13", {"type": "purchase", "external_id": "13"})
    delivery = deliver("1", hint=[["order", "13"]])
    assert list_deliveries(hub, state="dead").items[0].id == delivery

    remote.put("order", "13", receipt("13"))
    path = f"/admin/p/demo/deliveries/{delivery}"
    assert owner.send(path, f"{path}/replay").location == path
    assert "is being worked on again" in owner.page(path)

    while process.work_batch(hub, shop.programme_id):
        pass
    assert "Purchase 13" in owner.page(path)
    assert list_deliveries(hub, state="dead").items == []


def test_a_long_list_comes_in_pages(owner, deliver):
    for number in range(31):
        deliver(str(number), what="nobody knows")
    first = owner.page("/admin/p/demo/deliveries/")
    older = first.split('card-footer text-center"><a href="')[1].split('"')[0].replace("&amp;", "&")

    assert first.count("<tr>") == 1 + 30
    assert owner.page(older).count("<tr>") == 1 + 1


def test_another_programme_s_delivery_is_not_there(owner, hub, deliver):
    delivery = deliver("1", event=receipt("1042"))
    with write(hub.engine) as connection:
        add_programme(connection, "other", "Other")

    path = f"/admin/p/other/deliveries/{delivery}"
    assert owner.get(path).status_code == 404
    assert owner.send("/admin/p/other/", f"{path}/replay").status_code == 404
    assert "Purchase 1042" not in owner.page("/admin/p/other/deliveries/")
