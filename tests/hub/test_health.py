"""Health: alive, ready or why not, and metrics without anything personal."""

import pytest
from sqlalchemy import create_engine, text

from hub.app import create_app
from tests.support.hub import make_hub
from tests.support.ingest import Shopfloor
from tests.support.shopfloor import receipt


def test_it_is_alive_and_ready(engine, redis_url):
    web = create_app(make_hub(engine, redis_url=redis_url)).test_client()

    assert web.get("/healthz").status_code == 200
    answer = web.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready", "problems": {}})


def test_without_its_queue_it_is_not_ready(engine):
    web = create_app(make_hub(engine, redis_url="redis://127.0.0.1:1/0")).test_client()

    answer = web.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["problems"] == {"queue": "Redis does not answer"}
    assert web.get("/healthz").status_code == 200


def test_without_its_database_it_is_not_ready():
    nobody = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    web = create_app(make_hub(nobody)).test_client()

    answer = web.get("/readyz")

    assert answer.status_code == 503
    assert set(answer.json["problems"]) == {"database"}


def test_at_an_older_schema_it_is_not_ready(engine):
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    web = create_app(make_hub(engine)).test_client()

    answer = web.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["problems"] == {"migrations": "run `loyalty-hub migrate`"}


@pytest.fixture
def shop(engine):
    return Shopfloor(engine)


def metric(shop, name):
    lines = shop.web.get("/metrics").text.splitlines()
    return [float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")]


def test_metrics_tell_what_waits_and_what_is_dead(shop):
    shop.deliver(event=receipt("1"))
    shop.deliver(event=receipt("2", shop="nowhere"))
    shop.clock.advance(seconds=30)
    assert metric(shop, "hub_deliveries_due") == [2]
    assert metric(shop, "hub_deliveries_lag_seconds") == [30]

    shop.drain()

    assert metric(shop, "hub_deliveries_due") == [0]
    assert metric(shop, "hub_deliveries_dead") == [1]
    assert metric(shop, "hub_deliveries_lag_seconds") == [0]


def test_metrics_hold_nothing_personal(shop):
    shop.deliver(event=receipt("1"))
    shop.drain()
    shop.web.get("/api/v1/members?phone=%2B79161234567")

    told = shop.web.get("/metrics").text

    assert "9161234567" not in told
    assert "hub_deliveries_received_total" in told


def test_two_hubs_in_one_process_count_for_themselves(engine):
    one, other = make_hub(engine), make_hub(engine)

    one.metrics.degraded("late")

    told = create_app(other).test_client().get("/metrics").text
    assert 'hub_quotes_degraded_total{reason="late"} 0.0' in told
