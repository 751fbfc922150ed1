"""The outbox: once for each key, tried again with pauses, never lost."""

import pytest
from sqlalchemy import select

from hub.outbox import balances
from hub.outbox.dispatch import send_batch
from loyalty_core.store import outbox
from loyalty_core.store.database import read, write
from loyalty_kit.errors import NotOurs, RemoteUnavailable
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

PROGRAMME = 7


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def hub(engine, clock):
    return make_hub(engine, clock=clock)


def announce(hub, kind="ping", key="1"):
    with write(hub.engine) as connection:
        outbox.announce(
            connection,
            [outbox.Notice(PROGRAMME, kind, key, {"n": key})],
            now=hub.clock.now(),
        )


def rows(hub):
    table = outbox.outbox
    with read(hub.engine) as connection:
        query = select(table.c.key, table.c.state, table.c.error_code).order_by(table.c.id)
        return [tuple(row) for row in connection.execute(query)]


def test_the_same_key_is_announced_once(hub):
    for _ in range(3):
        announce(hub)
    announce(hub, key="2")

    assert rows(hub) == [("1", "due", None), ("2", "due", None)]


def test_rows_are_sent_in_their_order_and_once(hub):
    sent = []
    for key in ("1", "2", "3"):
        announce(hub, key=key)

    for _ in range(2):
        send_batch(hub, PROGRAMME, {"ping": lambda _hub, row: sent.append(row.payload["n"])})

    assert sent == ["1", "2", "3"]
    assert {state for _, state, _ in rows(hub)} == {"done"}


def test_a_row_of_another_programme_waits_for_its_own_turn(hub):
    announce(hub)

    assert send_batch(hub, 8) == 0
    assert rows(hub) == [("1", "due", None)]


def test_what_cannot_be_sent_now_is_tried_again_later_and_then_listed(hub, clock):
    def fails(_hub, _row):
        raise RemoteUnavailable("502")

    announce(hub)
    for _ in range(8):
        send_batch(hub, PROGRAMME, {"ping": fails})
        assert send_batch(hub, PROGRAMME, {"ping": fails}) == 0
        clock.advance(days=1)

    assert rows(hub) == [("1", "dead", "remote_unavailable")]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(NotOurs("nobody there"), "not_ours", id="refused for good"),
        pytest.param(ZeroDivisionError("+79161234567"), "defect", id="defect"),
    ],
)
def test_what_can_never_be_sent_is_listed_at_once(hub, error, code):
    def fails(_hub, _row):
        raise error

    announce(hub)
    send_batch(hub, PROGRAMME, {"ping": fails})

    assert rows(hub) == [("1", "dead", code)]


def test_a_kind_that_nobody_sends_is_listed(hub):
    announce(hub, kind="pigeon")

    send_batch(hub, PROGRAMME)

    assert rows(hub) == [("1", "dead", "unknown_kind")]


def test_a_changed_balance_is_done_where_no_shop_shows_balances(hub):
    announce(hub, kind="balance_changed")

    send_batch(hub, PROGRAMME)

    assert rows(hub) == [("1", "done", None)]


def test_a_change_that_cannot_be_spread_holds_up_no_other(hub, monkeypatch):
    def spread(_hub, _connection, _programme_id, changes, _now):
        if any(row.key == "odd" for row in changes):
            raise ValueError("+79161234567")

    monkeypatch.setattr(balances, "spread", spread)
    for key in ("1", "odd", "2"):
        announce(hub, kind="balance_changed", key=key)

    assert send_batch(hub, PROGRAMME) == 3
    assert rows(hub) == [("1", "done", None), ("odd", "dead", "defect"), ("2", "done", None)]


def test_a_sender_that_died_gives_its_row_back(hub, clock):
    class Killed(BaseException):
        pass

    def dies(_hub, _row):
        raise Killed

    announce(hub)
    with pytest.raises(Killed):
        send_batch(hub, PROGRAMME, {"ping": dies})
    sent = []
    senders = {"ping": lambda _hub, row: sent.append(row.key)}

    assert send_batch(hub, PROGRAMME, senders) == 0
    clock.advance(minutes=5)
    send_batch(hub, PROGRAMME, senders)
    assert sent == ["1"]
