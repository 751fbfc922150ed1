"""From deliveries to the books: fetched once, booked together, and alone where one is bad."""

import pytest
from sqlalchemy import select

from hub.deliveries import replay_delivery, show_delivery
from hub.installations import check_installation, get_installation, update_settings
from hub.jobs.drain import drain
from loyalty_core.service.shops import NewShop, create_shop
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import documents, products
from loyalty_kit.errors import CredentialsRejected, RateLimited, RemoteUnavailable
from tests.support.hub import make_hub
from tests.support.shopfloor import SETTINGS, receipt


def document(shop, ref="17"):
    with read(shop.hub.engine) as connection:
        query = select(documents).where(documents.c.ref == ref)
        return connection.execute(query).mappings().one()


def test_a_hint_is_fetched_and_booked(shop):
    shop.remote.put("order", "17", receipt("17", "250.00"))

    shop.deliver(hint=[["order", "17"]])
    shop.drain()

    assert shop.booked() == {"17": 25000}
    (done,) = shop.deliveries()
    assert done.state == "done"
    (told,) = done.result["receipts"]
    assert (told["external_id"], told["status"]) == ("17", "booked")


def test_an_event_that_came_whole_is_booked_as_it_is(shop):
    shop.deliver(event=receipt("r-1", "80.00"))
    shop.drain()

    assert shop.booked() == {"r-1": 8000}
    assert shop.remote.reads == []


def test_hints_of_one_document_in_a_batch_are_one_fetch(shop):
    shop.remote.put("order", "17", receipt("17"))

    for _ in range(5):
        shop.deliver(hint=[["order", "17"]])
    shop.drain()

    assert shop.remote.reads == ["17"]
    assert shop.states() == ["done"] * 5


def test_an_unchanged_document_is_not_booked_again(shop):
    shop.remote.put("order", "17", receipt("17"))
    shop.deliver(hint=[["order", "17"]])
    shop.drain()

    shop.deliver(hint=[["order", "17"]])
    shop.drain()

    last = shop.deliveries()[-1]
    assert shop.remote.reads == ["17", "17"]
    assert (last.state, last.result["receipts"], last.result["unchanged"]) == ("done", [], 1)


def test_a_changed_document_is_booked_under_a_higher_revision(shop):
    shop.remote.put("order", "17", receipt("17", "100.00"))
    shop.deliver(hint=[["order", "17"]])
    shop.drain()
    shop.remote.put("order", "17", receipt("17", "60.00"))

    shop.deliver(hint=[["order", "17"]])
    shop.drain()

    assert shop.booked() == {"17": 6000}
    assert document(shop)["revision"] == 2


def test_the_revision_is_drawn_and_committed_before_the_fetch(shop):
    seen = []
    shop.remote.put("order", "17", receipt("17"))
    shop.remote.on_read = lambda _hint: seen.append(document(shop)["revision"])

    shop.deliver(hint=[["order", "17"]])
    shop.drain()

    assert seen == [1]


def test_of_two_fetches_the_one_that_began_later_wins(shop):
    """The earlier one reads an old state, and comes to book only after the later one."""
    shop.remote.put("order", "17", receipt("17", "100.00"))
    shop.deliver(hint=[["order", "17"]])

    def overtaken(_hint):
        shop.remote.on_read = None
        old = shop.remote.documents["order", "17"]
        shop.remote.put("order", "17", receipt("17", "60.00"))
        shop.deliver(hint=[["order", "17"]])
        shop.drain()
        shop.remote.documents["order", "17"] = old

    shop.remote.on_read = overtaken
    shop.drain()

    assert shop.booked() == {"17": 6000}
    assert shop.states() == ["done", "done"]


def test_a_fetch_that_was_overtaken_by_an_unchanged_one_changes_nothing(shop):
    """Booked: 100.  A slow fetch saw 60; a later one sees 100 again: it stays 100."""
    shop.remote.put("order", "17", receipt("17", "100.00"))
    shop.deliver(hint=[["order", "17"]])
    shop.drain()
    shop.deliver(hint=[["order", "17"]])

    def overtaken(_hint):
        shop.remote.on_read = None
        shop.deliver(hint=[["order", "17"]])
        shop.drain()
        shop.remote.put("order", "17", receipt("17", "60.00"))

    shop.remote.on_read = overtaken
    shop.drain()

    assert shop.booked() == {"17": 10000}


def test_no_transaction_is_open_during_a_fetch(shop):
    """Another delivery can be stored and booked while a document is being read."""
    shop.remote.put("order", "17", receipt("17"))

    def meanwhile(_hint):
        shop.remote.on_read = None
        assert shop.deliver(event=receipt("other")).status_code == 200
        shop.drain()
        assert shop.booked() == {"other": 10000}

    shop.remote.on_read = meanwhile
    shop.deliver(hint=[["order", "17"]])
    shop.drain()

    assert set(shop.booked()) == {"17", "other"}


def test_one_bad_receipt_does_not_hold_back_the_others(shop):
    for number in range(10):
        shop.deliver(event=receipt(f"good-{number}"))
    shop.deliver(event=receipt("bad", shop="nowhere"))
    shop.drain()

    assert len(shop.booked()) == 10
    (dead,) = shop.deliveries(state="dead")
    assert dead.error_code == "unknown_shop"
    assert "nowhere" in dead.error_text


def test_a_dead_delivery_can_be_mended_and_replayed(shop):
    shop.deliver(event=receipt("17", shop="arbat"))
    shop.drain()
    with write(shop.hub.engine) as connection:
        create_shop(connection, shop.programme.id, NewShop("arbat"), now=shop.clock.now())

    (dead,) = shop.deliveries(state="dead")
    replay_delivery(shop.hub, dead.id)
    shop.drain()

    assert shop.states() == ["done"]
    assert set(shop.booked()) == {"17"}


def test_a_conflict_is_dead_with_its_code(shop):
    shop.deliver(event=receipt("17", "100.00"))
    shop.deliver(event=receipt("17", "90.00"))
    shop.drain()

    assert sorted(shop.states()) == ["dead", "done"]
    (dead,) = shop.deliveries(state="dead")
    assert dead.error_code == "event_conflict"


def test_what_is_not_ours_is_dropped(shop):
    shop.deliver(what="a review")
    shop.deliver(hint=[["order", "gone"]])
    shop.drain()

    assert [(one.state, one.error_code) for one in shop.deliveries()] == [
        ("dropped", "not_ours"),
        ("dropped", "gone"),
    ]


def test_a_shop_that_is_down_is_tried_again_with_growing_pauses(shop):
    shop.remote.put("order", "17", receipt("17"))
    shop.remote.on_read = down
    shop.deliver(hint=[["order", "17"]])

    pauses = []
    for _ in range(7):
        shop.drain()
        (one,) = shop.deliveries()
        pauses.append((one.due_at - shop.clock.now()).total_seconds())
        shop.clock.set(one.due_at)

    assert pauses == [10, 30, 120, 600, 3600, 21600, 86400]
    shop.drain()
    (one,) = shop.deliveries()
    assert (one.state, one.error_code) == ("dead", "remote_unavailable")


def down(_hint):
    raise RemoteUnavailable("502 from the shop")


def test_a_shop_that_comes_back_is_booked(shop):
    shop.remote.put("order", "17", receipt("17"))
    shop.remote.on_read = down
    shop.deliver(hint=[["order", "17"]])
    shop.drain()

    shop.remote.on_read = None
    shop.drain_after(seconds=10)

    assert shop.booked() == {"17": 10000}
    assert shop.shown().state == "active"


def test_a_shop_that_is_down_is_not_called_for_each_of_a_batch(shop):
    calls = []

    def counting(hint):
        calls.append(hint.id)
        raise RemoteUnavailable("502 from the shop")

    shop.remote.on_read = counting
    for number in range(20):
        shop.remote.put("order", str(number), receipt(str(number)))
        shop.deliver(hint=[["order", str(number)]])
    shop.drain()

    assert len(calls) == 3
    assert shop.states() == ["due"] * 20
    shop.remote.on_read = None
    shop.drain_after(seconds=10)
    assert len(shop.booked()) == 20


def test_a_limit_of_calls_is_waited_out_and_is_no_failure(shop):
    def limited(_hint):
        raise RateLimited("slow down", retry_after_s=90)

    shop.remote.put("order", "17", receipt("17"))
    shop.remote.on_read = limited
    shop.deliver(hint=[["order", "17"]])
    shop.drain()

    (one,) = shop.deliveries()
    assert (one.attempts, (one.due_at - shop.clock.now()).total_seconds()) == (0, 90)


def test_rejected_credentials_are_shown_to_the_owner_and_nothing_is_lost(shop):
    shop.remote.token = "a new one"
    for number in range(5):
        shop.remote.put("order", str(number), receipt(str(number)))
        shop.deliver(hint=[["order", str(number)]])
    shop.drain()

    shown = shop.shown()
    assert (shown.state, shown.trouble_code) == ("attention", "credentials_rejected")
    assert shown.trouble_text == "The shop refuses the token."
    assert shop.states() == ["due"] * 5
    with pytest.raises(CredentialsRejected):
        check_installation(shop.hub, shop.installation.id)

    update_settings(shop.hub, shop.installation.id, {"token": "a new one"})
    check_installation(shop.hub, shop.installation.id)
    shop.drain()

    assert len(shop.booked()) == 5
    assert shop.shown().state == "active"


def test_an_owner_who_mends_it_elsewhere_need_not_tell_us(shop):
    shop.remote.token = "changed"
    shop.remote.put("order", "17", receipt("17"))
    shop.deliver(hint=[["order", "17"]])
    shop.drain()

    shop.remote.token = "let-me-in"
    shop.drain_after(minutes=10)

    assert shop.booked() == {"17": 10000}
    assert shop.shown().state == "active"


def test_a_payload_that_the_schema_does_not_know_is_listed_and_marked(shop):
    shop.remote.put("order", "17", {"type": "purchase", "external_id": "17"})
    shop.remote.put("order", "18", receipt("18"))
    shop.deliver(hint=[["order", "17"]])
    shop.deliver(hint=[["order", "18"]])
    shop.drain()

    assert [(one.state, one.error_code) for one in shop.deliveries()] == [
        ("dead", "payload_invalid"),
        ("done", None),
    ]
    assert (shop.shown().state, shop.shown().trouble_code) == ("attention", "payload_invalid")


def test_a_defect_of_a_connector_keeps_the_delivery_and_tells_no_more_than_its_kind(shop):
    shop.deliver(crash=True)
    shop.deliver(event=receipt("17"))
    shop.drain()

    dead = shop.deliveries()[0]
    assert (dead.state, dead.error_code) == ("dead", "defect")
    assert "ZeroDivisionError" in dead.error_text
    assert "916" not in dead.error_text
    assert shop.shown().trouble_code == "defect"
    assert shop.booked() == {"17": 10000}


def test_products_go_to_the_catalogue(shop):
    shop.deliver(products=[{"sku": "TEA-1", "name": "Чай", "categories": ["Tea"]}])
    shop.drain()

    with read(shop.hub.engine) as connection:
        rows = connection.execute(select(products.c.sku, products.c.categories)).all()
    assert [tuple(row) for row in rows] == [("TEA-1", ["tea"])]


def test_a_worker_that_dies_gives_its_deliveries_back(shop):
    class Killed(BaseException):
        pass

    def die(_hint):
        raise Killed

    shop.remote.put("order", "17", receipt("17"))
    shop.remote.on_read = die
    shop.deliver(hint=[["order", "17"]])
    with pytest.raises(Killed):
        shop.drain()

    shop.remote.on_read = None
    shop.drain_after(seconds=44)
    assert shop.booked() == {}
    shop.drain_after(seconds=1)
    assert shop.booked() == {"17": 10000}


def test_a_delivery_is_shown_without_what_is_personal(shop):
    shop.deliver(event=receipt("17", customer={"phone": "+79161234567", "first_name": "Анна"}))
    (one,) = shop.deliveries()

    detail = show_delivery(shop.hub, one.id)

    assert '"external_id": "17"' in detail.body
    assert "916" not in detail.body
    assert "Анна" not in detail.body


def test_settings_that_cannot_be_opened_wait_until_they_are_typed_anew(shop):
    other = make_hub(
        shop.hub.engine,
        clock=shop.clock,
        registry=shop.hub.registry,
        secret_keys=("1" * 42 + "A=",),
    )
    shop.deliver(event=receipt("17"))
    drain(other, shop.programme.id)
    assert get_installation(other, shop.installation.id).trouble_code == "not_live"
    assert shop.states() == ["due"]

    update_settings(other, shop.installation.id, SETTINGS)
    drain(other, shop.programme.id)

    assert shop.booked() == {"17": 10000}
    assert get_installation(other, shop.installation.id).state == "active"


def test_what_a_delivery_itself_complains_of_is_shown_and_not_tried_again(shop):
    shop.remote.put("order", "17", receipt("17"))
    shop.deliver(complaint="The webhook's owner has lost the right to read orders.")
    shop.deliver(hint=[["order", "17"]])
    shop.drain()

    assert [(one.state, one.error_code) for one in shop.deliveries()] == [
        ("dead", "needs_attention"),
        ("done", None),
    ]
    assert (shop.shown().state, shop.shown().trouble_code) == ("attention", "webhook_trouble")
    assert "lost the right" in shop.shown().trouble_text
