"""Calls to a vendor, counted together by all processes of a hub."""

from __future__ import annotations

import multiprocessing

import redis

from hub import pace
from hub.installations import create_installation
from hub.pace import RedisCount
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import write
from loyalty_kit.pacing import Pace
from tests.stand_ins.moysklad import Account
from tests.support.hub import make_hub
from tests.support.vendor_calls import ask_goods
from tests.support.waiting import wait_until

PACE = Pace(5, 3.0, at_once=2)


def test_two_processes_together_stay_within_the_limits_of_one_token(
    sqlite_engine, tmp_path, redis_url
):
    """A user's token: 45 units in three seconds at four units a call, and five calls at once."""
    hub = make_hub(sqlite_engine, redis_url=redis_url, data_dir=tmp_path)
    with write(sqlite_engine) as connection:
        programme = create_programme(
            connection, code="demo", document=default_rules(), author="-", now=hub.clock.now()
        )
    spawn = multiprocessing.get_context("spawn")
    with Account(weight=4, limited=True, takes_s=0.2) as account:
        shop = create_installation(
            hub,
            programme_id=programme.id,
            connector="moysklad",
            name="MoySklad",
            settings={
                "api_url": account.base_url,
                "api_token": account.token,
                "token_kind": "user",
                "till_token": "till-word-of-the-tests-42",
                "hook_token": "hook-word-of-the-tests-42",
            },
        )
        ready = spawn.Barrier(2).wait
        address = sqlite_engine.url.render_as_string(hide_password=False)
        others = [
            spawn.Process(target=ask_goods, args=(address, redis_url, shop.id, ready, 9))
            for _ in range(2)
        ]
        for other in others:
            other.start()
        for other in others:
            other.join(60)

    assert [other.exitcode for other in others] == [0, 0]
    times = sorted(call.at for call in account.calls)
    assert len(times) == 18
    units = [4 * sum(first <= one <= first + 3 for one in times) for first in times]
    assert (max(units), account.most_at_once, account.refused) == (44, 5, 0)

    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        kept = {key: client.zrange(key, 0, -1) for key in client.keys("loyalty-hub:pace:*")}
    assert len(kept) == 1
    assert account.token not in str(kept)


def test_calls_go_on_while_redis_is_away_and_their_ends_are_told_later(redis_url, monkeypatch):
    monkeypatch.setattr(pace, "REDIS_S", 0.1)
    monkeypatch.setattr(pace, "AWAY_S", 0.3)
    count = RedisCount(redis_url)
    assert [count.begin("n", PACE, call) for call in "ab"] == [0, 0]
    assert count.begin("n", PACE, "c") > 0

    with redis.Redis.from_url(redis_url) as client:
        client.client_pause(400)
        count.end("n", PACE, "a")
        count.end("n", PACE, "b")
        assert count.begin("n", PACE, "c") == 0
        wait_until(client.ping)

    wait_until(lambda: count.begin("n", PACE, "d") == 0, within_s=2)
    assert count.begin("n", PACE, "e") == 0


def test_what_went_while_redis_was_away_is_not_told_when_it_is_back(redis_url, monkeypatch):
    """Or the first call after a long absence, a checkout's perhaps, would tell of all of them."""
    monkeypatch.setattr(pace, "REDIS_S", 0.1)
    monkeypatch.setattr(pace, "AWAY_S", 0.3)
    count = RedisCount(redis_url)
    with redis.Redis.from_url(redis_url) as client:
        client.client_pause(200)
        for number in range(500):
            assert count.begin("long", PACE, f"{number}") == 0
            count.end("long", PACE, f"{number}")
        wait_until(client.ping)
        before = _scripts_run(client)
        wait_until(lambda: count.begin("long", PACE, "next") == 0 and client.zcard(KEY), within_s=2)
        assert _scripts_run(client) - before <= 4


KEY = "loyalty-hub:pace:long"


def _scripts_run(client):
    return client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]


def test_a_redis_that_was_never_there_stops_nothing():
    count = RedisCount("redis://127.0.0.1:1/0")
    assert [count.begin("n", PACE, call) for call in "abcdefg"] == [0] * 7
