"""A quote reads the database once, in time, and lives through what happens to the database."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, text

from hub.app import create_app
from loyalty_core.store.database import make_engine, write
from loyalty_core.store.migrate import upgrade
from loyalty_core.store.prompt import PromptDatabase, TooLate
from tests.hub.api.bodies import ANNA, a_basket, a_line
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.hub.api.test_requirement_rows import Scene
from tests.support.clock import FixedClock
from tests.support.hub import make_hub
from tests.support.servers import NotStarted, PrivateServer, start_postgres
from tests.support.waiting import wait_until
from tests.support.wire import ONE_PREPARED, told_to

DEADLINE_MS = 1500
IN_TIME_S = 5
"""A machine that is busy answers later than the deadline, but not by seconds."""
ENDLESS = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i % 7 + 1 FROM n) SELECT count(*) FROM n"
)
BASKET = a_basket(cart="c-1", member={"phone": ANNA, "verified": True}, spend="max")


def prompt_of(caller: Caller) -> PromptDatabase:
    prompt: PromptDatabase = caller.app.extensions["loyalty_api"].prompt
    return prompt


def is_whole(caller: Caller) -> bool:
    answer = caller.post("/quotes", BASKET)
    return answer.status_code == 200 and not answer.get_json()["degraded"]


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param({}, id="rules of the beginning"),
        pytest.param(
            {
                "tiers": [{"code": "silver", "name": "Silver", "spend_from": "100.00"}],
                "tiering": {"window": "days", "days": 30, "counts": "this_receipt"},
            },
            id="a tier that has fallen unbooked, and what is bought counts at once",
        ),
    ],
)
def test_a_quote_is_one_statement_and_no_write(hub, shop, engine, clock, rules):
    scene = Scene(shop, clock)
    scene.publish(**rules)
    scene.bought(a_line(paid="1000.00"))
    clock.advance(days=40)
    for _ in range(3):  # the plan is read, the key is known, the statement prepared
        assert is_whole(shop)
    driver = prompt_of(shop).read(lambda one: one.connection.driver_connection, within_s=60)
    lent: list[object] = []
    event.listen(hub.engine, "checkout", lambda *told: lent.append(told))

    on_postgres = engine.dialect.name == "postgresql"
    with told_to(driver) as sent:
        assert is_whole(shop)

    if on_postgres:
        assert sent == ONE_PREPARED
    else:
        # How long to wait for a lock is said to the library, and asks nothing of the file.
        busy, statement = sent
        assert busy.startswith("PRAGMA busy_timeout=")
        assert statement.startswith("WITH who AS")
    assert lent == [], "the pool lends it nothing"


def test_what_is_known_of_a_member_alone_is_read_by_the_same_statement(shop, engine):
    """Own goods and clubs are asked of the database only where the rules look at them."""
    anna = shop.post("/members", {"phone": ANNA}).get_json()["id"]
    rules = shop.get("/programmes/shop/rules").get_json()
    rules["personal_lists"] = [{"code": "own", "name": "Own"}]
    rules["clubs"] = [{"code": "wine", "name": "Wine"}]
    off = {"id": "p", "name": "p", "type": "percent_off", "params": {"percent": "1"}}
    off["params"]["personal"] = "own"
    off["when"] = {"field": "member.club", "is": "has_any", "value": ["wine"]}
    rules["promotions"] = [off]
    draft = shop.put("/programmes/shop/rules", rules).get_json()["draft"]
    assert shop.post("/programmes/shop/rules/publish", {"draft": draft}).status_code == 200
    shop.put(f"/members/{anna}/lists/own", {"items": [{"sku": "TEA-1"}]})
    assert shop.post(f"/members/{anna}/clubs", {"club": "wine"}).status_code == 201
    basket = BASKET | {"lines": [a_line(categories=[])]}  # the catalogue need not be asked
    for _ in range(3):
        assert not shop.post("/quotes", basket).get_json()["degraded"]
    driver = prompt_of(shop).read(lambda one: one.connection.driver_connection, within_s=60)

    with told_to(driver) as sent:
        told = shop.post("/quotes", basket).get_json()

    assert told["totals"]["discount"] == "10.00"
    if engine.dialect.name == "postgresql":
        assert sent == ONE_PREPARED
    else:
        assert len(sent) == 2


def test_a_read_that_never_ends_is_over_at_its_deadline(engine):
    prompt = PromptDatabase(engine, patience_s=20)
    prompt.read(lambda connection: connection.scalar(text("SELECT 1")), within_s=60)

    began = time.monotonic()
    with pytest.raises(TooLate):
        prompt.read(lambda connection: connection.execute(ENDLESS).all(), within_s=0.3)
    took = time.monotonic() - began

    assert 0.3 <= took < IN_TIME_S
    assert prompt.read(lambda connection: connection.scalar(text("SELECT 1")), within_s=60) == 1
    prompt.close()


def test_connections_that_the_server_has_ended_cost_no_answer(postgres_engine, tmp_path, clock):
    hub = make_hub(postgres_engine, clock=clock, data_dir=tmp_path, quote_deadline_ms=20_000)
    caller = Caller(create_app(hub), new_key(hub, new_programme(hub, "shop")).key)
    assert is_whole(caller)
    with hub.engine.connect() as other:
        ended = other.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).all()
    assert ended

    assert is_whole(caller)


def test_a_writer_that_keeps_sqlite_does_not_hold_up_quotes(sqlite_engine, tmp_path, clock):
    hub = make_hub(sqlite_engine, clock=clock, data_dir=tmp_path, quote_deadline_ms=DEADLINE_MS)
    caller = Caller(create_app(hub), new_key(hub, new_programme(hub, "shop")).key)
    wait_until(lambda: is_whole(caller), within_s=60)
    with write(hub.engine):
        assert caller.post("/quotes", BASKET).status_code == 200
        clock.advance(minutes=1)  # the key must be looked up again
        wait_until(lambda: is_whole(caller), within_s=60)


@pytest.fixture(scope="module")
def own_server() -> Iterator[PrivateServer]:
    """A PostgreSQL that may be stopped and killed."""
    try:
        server = start_postgres()
    except NotStarted as error:
        pytest.skip(str(error))
    engine = make_engine(server.url)
    upgrade(engine)
    engine.dispose()
    yield server
    server.stop()


@pytest.fixture
def till(own_server, tmp_path) -> Iterator[tuple[Caller, FixedClock]]:
    """Has called before, so that its key is known, in its own hub."""
    clock = FixedClock()
    hub = make_hub(
        make_engine(own_server.url),
        clock=clock,
        data_dir=tmp_path,
        quote_deadline_ms=DEADLINE_MS,
    )
    caller = Caller(create_app(hub), new_key(hub, new_programme(hub, tmp_path.name)).key)
    wait_until(lambda: is_whole(caller), within_s=60)
    yield caller, clock
    prompt_of(caller).close()
    hub.engine.dispose()


def processes_of(server: PrivateServer) -> list[int]:
    """The postmaster, then what it has forked."""
    first = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return [first, *map(int, children)]


@contextmanager
def hanging(server: PrivateServer) -> Iterator[None]:
    stopped = processes_of(server)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("key_is_cold", [False, True])
def test_a_database_that_hangs_degrades_quotes_until_it_goes_on(own_server, till, key_is_cold):
    caller, clock = till
    if key_is_cold:
        clock.advance(minutes=1)
    with hanging(own_server):
        for _ in range(2):  # on the connection that was open, and on one that must be made
            began = time.monotonic()
            answer = caller.post("/quotes", BASKET)
            took = time.monotonic() - began
            assert answer.status_code == 200
            assert answer.get_json()["degraded"] is True
            assert took < DEADLINE_MS / 1000 + IN_TIME_S
        unknown = Caller(caller.app, "lh_unknown").post("/quotes", BASKET)
        assert code_of(unknown) == (503, "try_again")

    wait_until(lambda: is_whole(caller), within_s=60)


def test_a_database_that_dies_and_comes_back_never_costs_a_5xx(own_server, till):
    caller, _ = till
    driver = prompt_of(caller).read(lambda one: one.connection.driver_connection, within_s=60)
    # Servers of tests do not wait for the disk at a commit.
    prompt_of(caller).read(lambda one: one.execute(text("CHECKPOINT")), within_s=60)
    os.kill(driver.info.backend_pid, signal.SIGKILL)  # all of the server begins anew

    statuses = set()

    def whole_again() -> bool:
        answer = caller.post("/quotes", BASKET)
        statuses.add(answer.status_code)
        return answer.status_code == 200 and not answer.get_json()["degraded"]

    wait_until(whole_again, within_s=60)
    assert statuses == {200}
