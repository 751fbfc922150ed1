"""Polling: nothing is lost between a page and its cursor, and silence is noticed."""

from collections import Counter

import pytest
from sqlalchemy import select

from hub.ingest.process import work_batch
from hub.installations import pull_installation, set_state
from loyalty_core.store.database import read
from loyalty_core.store.tables import categories, products
from loyalty_kit.errors import CredentialsRejected, RateLimited, RemoteUnavailable
from loyalty_kit.ports import Hint, Product, PullPage
from tests.support.shopfloor import receipt


def page(*refs, cursor="next", more=False):
    return PullPage(tuple(Hint("order", ref) for ref in refs), cursor, more)


def test_a_poll_runs_at_once_and_then_every_ten_minutes(shop):
    shop.drain()
    shop.drain_after(minutes=9)
    assert shop.remote.cursors == [None]

    shop.drain_after(minutes=1)
    assert shop.remote.cursors == [None, "start"]


def test_what_a_poll_finds_is_fetched_and_booked(shop):
    shop.remote.put("order", "1", receipt("1", "10.00"))
    shop.remote.put("order", "2", receipt("2", "20.00"))
    shop.remote.changed = [page("1", cursor="a", more=True), page("2", cursor="b")]

    shop.drain()

    assert shop.booked() == {"1": 1000, "2": 2000}
    assert shop.remote.cursors == [None, "a"]
    shop.drain_after(minutes=10)
    assert shop.remote.cursors == [None, "a", "b"]


def test_a_document_that_one_page_names_twice_has_one_row(shop):
    """Once by itself, and once as what another has a say in."""
    shop.remote.put("order", "1", receipt("1", "10.00"))
    named = (Hint("order", "1"), Hint("order", "1", by=(Hint("order", "2"),)))
    shop.remote.changed = [PullPage(named, "a", more=False)]

    shop.drain()

    assert shop.booked() == {"1": 1000}
    assert len(shop.deliveries()) == 1


def test_a_document_that_is_seen_again_has_one_row_and_is_read_again(shop):
    shop.remote.put("order", "1", receipt("1", "10.00"))
    shop.remote.changed = [page("1"), page("1")]
    shop.drain()
    shop.remote.put("order", "1", receipt("1", "7.00"))

    shop.drain_after(minutes=10)

    assert shop.booked() == {"1": 700}
    assert len(shop.deliveries()) == 1


def test_a_document_that_cannot_be_read_is_retried_like_any_delivery(shop):
    def down(_hint):
        raise RemoteUnavailable("502")

    shop.remote.put("order", "1", receipt("1"))
    shop.remote.changed = [page("1")]
    shop.remote.on_read = down
    shop.drain()
    assert shop.states() == ["due"]

    shop.remote.on_read = None
    shop.drain_after(seconds=10)
    assert shop.booked() == {"1": 10000}


def test_a_poll_that_fails_begins_again_at_its_cursor(shop):
    shop.remote.put("order", "1", receipt("1"))
    shop.remote.token = "changed"
    shop.drain()
    assert shop.shown().state == "attention"
    assert shop.shown().trouble_code == "credentials_rejected"

    shop.remote.token = "let-me-in"
    shop.remote.changed = [page("1")]
    shop.drain_after(minutes=10)

    assert shop.remote.cursors == [None]
    assert shop.booked() == {"1": 10000}
    assert shop.shown().state == "active"


def test_after_a_pause_the_gap_is_polled_at_once(shop):
    shop.drain()
    set_state(shop.hub, shop.installation.id, "paused")
    shop.drain_after(hours=3)
    assert shop.remote.cursors == [None]

    set_state(shop.hub, shop.installation.id, "active")
    shop.drain()

    assert shop.remote.cursors == [None, "start"]


def test_a_silent_deletion_is_noticed_within_a_day(shop):
    shop.remote.put("order", "1", receipt("1"))
    shop.remote.put("order", "2", receipt("2"))
    shop.deliver(hint=[["order", "1"], ["order", "2"]])
    shop.drain()
    shop.remote.put("order", "1", receipt("1", "3.00"))
    shop.remote.vanished = {"1"}

    shop.drain_after(days=1)

    assert shop.booked() == {"1": 300, "2": 10000}


def test_what_has_not_changed_for_a_month_is_not_asked_for_any_more(shop):
    shop.remote.put("order", "1", receipt("1"))
    shop.deliver(hint=[["order", "1"]])
    shop.drain()
    shop.remote.vanished = {"1"}
    for _ in range(31):
        shop.drain_after(days=1)
    reads = len(shop.remote.reads)

    shop.drain_after(days=1)

    assert len(shop.remote.reads) == reads


def test_a_hint_to_recheck_asks_for_all_that_is_known(shop):
    shop.remote.put("order", "1", receipt("1"))
    shop.deliver(hint=[["order", "1"]])
    shop.drain()
    shop.remote.put("order", "1", receipt("1", "3.00"))
    shop.remote.vanished = {"1"}

    shop.deliver(hint=[["recheck", "orders"]])
    shop.drain()

    assert shop.booked() == {"1": 300}
    assert set(shop.states()) == {"done"}


@pytest.fixture
def many(shop):
    """A shop of 250 documents that are booked; their names."""
    refs = [f"a{number:03}" for number in range(250)]
    for ref in refs:
        shop.remote.put("order", ref, receipt(ref))
    shop.remote.changed = [page(*refs)]
    shop.drain()
    assert set(shop.booked()) == set(refs)
    return refs


class Limited:
    """A shop that answers `most` questions for changes, then refuses until `left` is set anew."""

    def __init__(self, most):
        self.left = most
        self.asked = []

    def __call__(self, known):
        if not self.left:
            raise RateLimited("429")
        self.left -= 1
        self.asked.append([hint.id for hint in known])


def test_a_recheck_that_a_limit_cuts_off_goes_on_where_it_came_to(shop, many):
    shop.remote.on_recheck = limited = Limited(2)
    shop.remote.put("order", "a001", receipt("a001", "3.00"))
    shop.remote.vanished = {"a001"}
    shop.drain_after(days=1)
    assert [len(known) for known in limited.asked] == [100, 100]
    assert shop.booked()["a001"] == 300

    for _ in range(3):
        limited.left = 2
        shop.drain_after(minutes=15)

    assert [ref for known in limited.asked for ref in known] == many
    limited.left = 3
    shop.drain_after(days=1)
    assert limited.asked[3:] == limited.asked[:3]


def test_a_recheck_that_is_asked_for_while_one_is_underway_follows_it(shop, many):
    shop.remote.on_recheck = limited = Limited(1)
    shop.drain_after(days=1)
    assert len(limited.asked) == 1
    shop.deliver(hint=[["recheck", "orders"]])
    shop.drain()
    shop.deliver(hint=[["recheck", "orders"]])
    shop.drain()

    limited.left = 9
    shop.drain_after(minutes=15)

    assert [ref for known in limited.asked for ref in known] == many * 2


@pytest.mark.parametrize(("during", "calls"), [(1, 4), (2, 7), (3, 7)])
def test_a_recheck_that_is_asked_for_while_the_shop_answers_one_follows_it(
    shop, many, during, calls
):
    """A webhook tells of a return that was taken back just after the shop was asked."""
    asked = []

    def rechecked(known):
        asked.append([hint.id for hint in known])
        if len(asked) == during:
            shop.deliver(hint=[["recheck", "orders"]])
            assert work_batch(shop.hub, shop.programme.id) == 1
            shop.remote.put("order", "a001", receipt("a001", "3.00"))
        if len(asked) > during:
            shop.remote.vanished = {"a001"}

    shop.remote.on_recheck = rechecked
    shop.drain_after(days=1)

    assert [ref for known in asked[-3:] for ref in known] == many
    assert len(asked) == calls, "what was being asked is asked again, then all of it"
    assert shop.booked()["a001"] == 300


def test_the_catalogue_comes_in_pages_at_once_and_daily(shop):
    shop.remote.goods = [Product(f"SKU-{n}", f"Чай {n}", categories=("tea",)) for n in range(5)]
    shop.drain()

    with read(shop.hub.engine) as connection:
        skus = connection.scalars(select(products.c.sku).order_by(products.c.sku)).all()
        codes = connection.scalars(select(categories.c.code)).all()
    assert skus == ["SKU-0", "SKU-1", "SKU-2", "SKU-3", "SKU-4"]
    assert codes == ["tea"]

    shop.remote.goods = [Product("SKU-9", "Кофе")]
    shop.drain_after(days=1)
    with read(shop.hub.engine) as connection:
        assert connection.scalar(select(products.c.name).where(products.c.sku == "SKU-9"))


def test_polling_by_hand_books_before_it_returns(shop):
    shop.remote.put("order", "1", receipt("1"))
    shop.remote.put("order", "2", receipt("2"))
    shop.remote.changed = [page("1", cursor="a", more=True), page("2", cursor="b")]
    told = []

    found = pull_installation(
        shop.hub, shop.installation.id, lambda done, total: told.append((done, total))
    )

    assert found == 2
    assert told[-1] == (2, 2)
    assert set(shop.booked()) == {"1", "2"}


def test_of_many_documents_read_together_each_fails_for_itself(shop):
    def reads(hint):
        if hint.id == "a05":
            raise RemoteUnavailable("502")

    refs = [f"a{number:02}" for number in range(23)]
    for ref in refs:
        shop.remote.put("order", ref, receipt(ref))
    shop.remote.put("order", "a07", {"type": "purchase"})
    del shop.remote.documents["order", "a11"]
    shop.remote.changed = [page(*refs)]
    shop.remote.on_read = reads
    shop.drain()

    assert Counter(shop.states()) == {"done": 20, "due": 1, "dead": 1, "dropped": 1}
    assert set(refs) - set(shop.booked()) == {"a05", "a07", "a11"}
    assert len(shop.remote.reads) == 23

    shop.remote.on_read = None
    shop.drain_after(seconds=10)
    assert set(refs) - set(shop.booked()) == {"a07", "a11"}


def test_of_many_documents_those_that_a_list_tells_are_not_read_alone(shop):
    refs = [f"a{number:02}" for number in range(60)]
    for ref in refs:
        shop.remote.put("order", ref, receipt(ref))
    asked = []

    def lists(hints):
        asked.append(len(hints))
        return [hint for hint in hints if hint.id != "a07"]

    shop.remote.lists = lists
    shop.remote.changed = [page(*refs)]
    shop.drain()

    assert set(shop.booked()) == set(refs)
    assert (asked, shop.remote.reads) == ([50, 10], ["a07"])


@pytest.mark.parametrize(
    ("error", "reads", "states"),
    [
        (RemoteUnavailable("502"), 4, {"done": 4}),
        (ZeroDivisionError(), 4, {"done": 4}),
        (RateLimited("429"), 0, {"due": 4}),
    ],
)
def test_a_list_that_fails_is_done_without_unless_the_shop_refuses_us(shop, error, reads, states):
    def lists(hints):
        raise error

    refs = ["a1", "a2", "a3", "a4"]
    for ref in refs:
        shop.remote.put("order", ref, receipt(ref))
    shop.remote.lists = lists
    shop.remote.changed = [page(*refs)]
    shop.drain()

    assert Counter(shop.states()) == states
    assert len(shop.remote.reads) == reads

    shop.remote.lists = None
    shop.drain_after(minutes=2)
    assert set(shop.booked()) == set(refs)


def test_a_list_that_was_not_asked_is_no_answer_of_the_shop(shop):
    """Else the trouble would be cleared, and a shop that refuses us be called again at once."""

    def refuse(_hint):
        raise CredentialsRejected("401")

    shop.remote.changed = [page("1", "2")]
    shop.remote.on_read = refuse
    shop.drain()
    assert shop.shown().state == "attention"
    shop.remote.token, shop.remote.calls = "changed", 0

    shop.clock.advance(minutes=10)
    worked = [work_batch(shop.hub, shop.programme.id) for _ in range(3)]

    assert (worked, shop.remote.calls) == ([2, 0, 0], 1)
    assert shop.shown().state == "attention"


def test_documents_that_are_not_understood_hold_up_no_others(shop):
    refs = [f"a{number:02}" for number in range(12)]
    for ref in refs:
        good = ref not in ("a01", "a02", "a03", "a04")
        shop.remote.put("order", ref, receipt(ref) if good else {"type": "purchase"})
    shop.remote.changed = [page(*refs)]
    shop.drain()

    assert Counter(shop.states()) == {"done": 8, "dead": 4}
