"""Metrics: what is counted, whole across processes, and told without the database too."""

import os
import signal
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, text

from hub.app import create_app
from hub.config import Config
from hub.installations import set_state
from hub.jobs.scheduler import look_after
from hub.metrics import Metrics
from hub.wiring import build_hub
from loyalty_core.store import migrate
from tests.support.clock import FixedClock
from tests.support.hub import make_hub
from tests.support.ingest import Shopfloor
from tests.support.shopfloor import receipt
from tests.support.waiting import wait_until

COMMAND = (sys.executable, "-c", "from hub.cli import main; main()")
ROOT = Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def samples(told):
    """{(name, labels as a frozenset): value} of a scrape."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }


def sample(told, name, /, **labels):
    return samples(told).get((name, frozenset(labels.items())))


@pytest.fixture
def shop(engine):
    return Shopfloor(engine)


def scrape(shop):
    return shop.web.get("/metrics").text


def test_deliveries_are_counted_from_the_door_to_the_books(shop):
    shop.deliver(event=receipt("1"))
    shop.clock.advance(seconds=2)
    shop.deliver(event=receipt("2"))
    shop.drain()

    told = scrape(shop)

    stored = {"connector": "tablo", "outcome": "stored"}
    assert sample(told, "hub_deliveries_received_total", **stored) == 2
    assert sample(told, "hub_deliveries_worked_total", outcome="done") == 2
    assert sample(told, "hub_delivery_booked_seconds_count") == 2
    assert sample(told, "hub_delivery_booked_seconds_sum") == 2
    assert sample(told, "hub_delivery_booked_seconds_bucket", le="0.1") == 1
    assert sample(told, "hub_delivery_booked_seconds_bucket", le="2.5") == 2


def test_outcomes_begin_at_zero_so_that_the_first_one_shows(shop):
    told = scrape(shop)

    for outcome in ("done", "again", "dropped", "dead"):
        assert sample(told, "hub_deliveries_worked_total", outcome=outcome) == 0
    for reason in ("late", "database"):
        assert sample(told, "hub_quotes_degraded_total", reason=reason) == 0


def test_a_paused_shop_is_no_lag(shop):
    shop.deliver(event=receipt("1"))
    shop.clock.advance(seconds=30)
    assert sample(scrape(shop), "hub_deliveries_lag_seconds") == 30

    set_state(shop.hub, shop.installation.id, "paused")

    told = scrape(shop)
    assert sample(told, "hub_deliveries_due") == 1
    assert sample(told, "hub_deliveries_lag_seconds") == 0


def test_it_says_what_runs_and_what_room_is_left(shop):
    told = scrape(shop)

    with shop.hub.engine.connect() as connection:
        schema = connection.scalar(text("SELECT version_num FROM alembic_version"))
    assert sample(told, "hub_build_info", version=version("loyalty-hub"), schema=schema) == 1
    assert sample(told, "hub_database_up") == 1
    assert sample(told, "hub_holds_live") == 0
    assert sample(told, "hub_data_free_bytes") > 0


def test_the_age_of_the_newest_backup_is_told_where_backups_are_kept(engine, tmp_path):
    clock = FixedClock()
    web = create_app(make_hub(engine, clock=clock, data_dir=tmp_path)).test_client()

    def age():
        return sample(web.get("/metrics").text, "hub_backup_age_seconds")

    assert age() is None
    folder = tmp_path / "backups"
    folder.mkdir()
    now = clock.now().timestamp()
    os.utime(folder, (now - 500, now - 500))
    assert age() == 500
    for name, old_s in (("old", 7000), ("new", 60), (".being-made", 1)):
        (folder / name).touch()
        os.utime(folder / name, (now - old_s, now - old_s))
    assert age() == 60


def test_what_the_calendar_brings_is_measured_and_leaves_a_sign_of_life(shop):
    with shop.hub.metrics.chore("upkeep"):
        look_after(shop.hub)
    shop.clock.advance(seconds=70)

    told = scrape(shop)

    assert sample(told, "hub_heartbeat_age_seconds", name="upkeep") == 70
    assert sample(told, "hub_chore_seconds_count", chore="upkeep") == 1


def test_without_the_database_the_counters_are_told_still(tmp_path):
    nobody = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    hub = make_hub(nobody, data_dir=tmp_path)
    hub.metrics.degraded("database")

    answer = create_app(hub).test_client().get("/metrics")

    assert answer.status_code == 200
    assert sample(answer.text, "hub_quotes_degraded_total", reason="database") == 1
    assert sample(answer.text, "hub_database_up") == 0
    assert sample(answer.text, "hub_deliveries_due") is None


def test_requests_fall_into_buckets_around_the_deadline():
    metrics = Metrics()

    for seconds in (0.004, 0.29, 0.31):
        metrics.answered("checkout.quote", 200, seconds)

    def below(le):
        labels = {"endpoint": "checkout.quote", "status": "2xx", "le": le}
        return metrics.registry.get_sample_value("hub_request_seconds_bucket", labels)

    assert (below("0.005"), below("0.3"), below("0.5")) == (1, 2, 3)


def test_connections_that_are_lent_are_counted(engine):
    hub = make_hub(engine)

    def in_use():
        return hub.metrics.registry.get_sample_value("hub_database_connections_in_use")

    before = in_use()
    with engine.connect() as connection:
        assert in_use() == before + 1
        connection.invalidate()
    assert in_use() == before


@pytest.fixture
def start(tmp_path):
    """Start a word of the command line in a process of its own; its settings are keywords."""
    running = []

    def begin(word, **settings):
        process = subprocess.Popen(
            [*COMMAND, word], cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "HUB_DATA_DIR": str(tmp_path), "TMPDIR": str(tmp_path)} | settings,
        )  # fmt: skip
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


@pytest.fixture
def migrated(tmp_path):
    hub = build_hub(Config(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/hub.db"))
    migrate.upgrade(hub.engine)
    hub.engine.dispose()


def answers(address):
    try:
        return requests.get(address, timeout=20).ok
    except requests.ConnectionError:
        return False


def test_a_scrape_tells_the_sum_of_all_web_processes(start, migrated, tmp_path):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    web = start("web", HUB_PORT=str(port), HUB_WEB_WORKERS="3", HUB_WEB_THREADS="2")
    wait_until(lambda: answers(f"{address}/healthz"), within_s=60)
    (folder,) = tmp_path.glob("hub-metrics-*")

    def who_answered():
        files = folder.glob("histogram_*.db")
        return [file for file in files if b"health.alive" in file.read_bytes()]

    asked = 0
    while len(who_answered()) < 2:  # whoever is free takes a call
        assert answers(f"{address}/healthz")
        asked += 1
        assert asked < 4000, "one process took everything"
    told = requests.get(f"{address}/metrics", timeout=20).text

    labels = {"endpoint": "health.alive", "status": "2xx"}
    waited_for = 1
    assert sample(told, "hub_request_seconds_count", **labels) == asked + waited_for
    assert "pid" not in told

    web.terminate()
    assert web.wait(30) == 0
    assert not folder.exists()


def test_what_a_dead_process_counted_still_counts(start, migrated, tmp_path):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    start("web", HUB_PORT=str(port), HUB_WEB_WORKERS="1")
    wait_until(lambda: answers(f"{address}/healthz"), within_s=60)
    (folder,) = tmp_path.glob("hub-metrics-*")
    (file,) = folder.glob("histogram_*.db")
    first = int(file.stem.rpartition("_")[2])

    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not list(folder.glob(f"gauge_livesum_{first}.db")), within_s=30)
    wait_until(lambda: answers(f"{address}/healthz"), within_s=30)
    told = requests.get(f"{address}/metrics", timeout=20).text

    labels = {"endpoint": "health.alive", "status": "2xx"}
    assert sample(told, "hub_request_seconds_count", **labels) == 2


def test_the_scheduler_answers_scrapes_at_a_port_of_its_own(start, migrated):
    port = free_port()
    scheduler = start("scheduler", HUB_METRICS_PORT=str(port))
    address = f"http://127.0.0.1:{port}/metrics"
    wait_until(lambda: answers(address), within_s=60)

    def swept():
        return sample(
            requests.get(address, timeout=20).text, "hub_chore_seconds_count", chore="sweep"
        )

    wait_until(lambda: (swept() or 0) >= 1, within_s=30)
    told = requests.get(address, timeout=20).text
    assert sample(told, "hub_deliveries_worked_total", outcome="done") == 0
    assert "hub_deliveries_lag_seconds" not in told
    scheduler.terminate()
    assert scheduler.wait(30) == 0


def test_a_port_for_metrics_that_is_taken_is_told(start, migrated, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = {"HUB_METRICS_PORT": str(other.getsockname()[1]), "HUB_DATA_DIR": str(tmp_path)}
        refused = subprocess.run(
            [*COMMAND, "scheduler"], cwd=ROOT, env=os.environ | settings, capture_output=True,
            text=True, check=False, timeout=60,
        )  # fmt: skip

    assert refused.returncode == 1
    assert "HUB_METRICS_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr
