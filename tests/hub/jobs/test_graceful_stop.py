"""SIGTERM: what is under way is finished, nothing new is begun, and the end comes soon."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select, text

from hub.ingest.process import BATCH
from hub.installations import create_installation
from hub.jobs.scheduler import Leader
from hub.registry import load_registry
from loyalty_core.store import heartbeats
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import deliveries, purchases
from tests.hub.api.bodies import a_purchase
from tests.hub.api.client import new_key
from tests.support.clock import NOON
from tests.support.hub import SECRET_KEY, make_hub
from tests.support.ingest import make_programme
from tests.support.waiting import wait_until

PROGRAM = Path(sys.executable).with_name("loyalty-hub")
LIMIT_S = 30
WOO = {
    "base_url": "https://shop.invalid",
    "consumer_key": "ck_1",
    "consumer_secret": "cs_1",
    "webhook_secret": "s3cr3t",
}


@pytest.fixture
def hub(engine):
    return make_hub(engine, registry=load_registry(("wordpress",)))


@pytest.fixture
def start(tmp_path):
    """`start(engine, "web", ...)`: the command as a process of its own, on that database."""
    running = []

    def begin(engine, word, **environment):
        process = subprocess.Popen(
            [str(PROGRAM), word],
            env={
                **{name: value for name, value in os.environ.items() if name[:4] != "HUB_"},
                "HUB_DATA_DIR": str(tmp_path / "data"),
                "HUB_DATABASE_URL": engine.url.render_as_string(hide_password=False),
                "HUB_SECRET_KEYS": SECRET_KEY,
                "HUB_DEMO": "0",
                **environment,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def ended(process):
    """Its exit code and what it complained of."""
    _, told = process.communicate(timeout=LIMIT_S)
    return process.returncode, told


@pytest.mark.parametrize("word", ["run", "web"])
def test_a_request_under_way_is_answered_and_no_new_one_taken(start, hub, word):
    """The head was read, the body comes after the signal: the purchase is booked and told."""
    key = new_key(hub, make_programme(hub).id).key
    port = free_port()
    process = start(hub.engine, word, HUB_PORT=str(port), HUB_WEB_WORKERS="2")
    wait_until(lambda: listens(port), within_s=60)
    body = json.dumps(a_purchase()).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as caller:
        caller.sendall(
            b"POST /api/v1/purchases HTTP/1.1\r\nHost: hub\r\nExpect: 100-continue\r\n"
            b"Content-Type: application/json\r\nAuthorization: Bearer " + key.encode() + b"\r\n"
            b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n"
        )
        assert caller.recv(100).startswith(b"HTTP/1.1 100 ")  # a thread has it in hand

        process.send_signal(signal.SIGTERM)
        wait_until(lambda: not listens(port))
        caller.sendall(body)
        answer = caller.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert b'"earned"' in answer
    code, told = ended(process)
    assert code == 0, told
    assert "Traceback" not in told
    with read(hub.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(purchases)) == 1


HELD_UP = """
CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared(4242); RETURN NEW; END $$;
CREATE TRIGGER wait_here BEFORE UPDATE ON deliveries
    FOR EACH ROW WHEN (NEW.state <> 'due') EXECUTE FUNCTION wait_here();
"""


def test_a_worker_finishes_its_batch_and_leaves_the_rest(start, postgres_engine, redis_url):
    """Ten deliveries more than a batch has; the signal comes while the first is written down."""
    hub = make_hub(postgres_engine, registry=load_registry(("wordpress",)), redis_url=redis_url)
    programme = make_programme(hub)
    installation = create_installation(
        hub, programme_id=programme.id, connector="wordpress", name="shop", settings=WOO
    )
    (hook,) = installation.hooks
    with write(postgres_engine) as connection:
        connection.execute(
            text(
                "UPDATE installations SET pull_due_at = NULL,"
                " recheck_due_at = NULL, catalogue_due_at = NULL"
            )
        )
        (number,) = connection.execute(text("SELECT id FROM installations")).one()
        connection.execute(text(HELD_UP))
        connection.execute(
            deliveries.insert(),
            [
                {
                    "id": n,
                    "installation_id": number,
                    "programme_id": programme.id,
                    "hook": hook,
                    "key": str(n),
                    "body": b"{}",
                    "received_at": NOON,
                    "headers": {"x-wc-webhook-topic": "coupon.created"},
                    "state": "due",
                    "due_at": NOON,
                }
                for n in range(1, BATCH + 11)
            ],
        )
    with psycopg.connect(_conninfo(postgres_engine), autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(4242)")
        process = start(
            postgres_engine, "worker", HUB_REDIS_URL=redis_url, HUB_CONNECTORS_ENABLED="wordpress"
        )
        wait_until(lambda: heard(hub, "worker"), within_s=60)
        hub.bell.ring(programme.id)
        wait_until(
            lambda: (
                gate.execute(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                    " AND objid = 4242"
                ).fetchone()[0]
                == 1
            ),
            within_s=60,
        )
        process.send_signal(signal.SIGTERM)
        gate.execute("SELECT pg_advisory_unlock(4242)")

    code, told = ended(process)

    assert code == 0, told
    with read(postgres_engine) as connection:
        by_state = select(deliveries.c.state, deliveries.c.attempts, func.count())
        rows = connection.execute(
            by_state.group_by(deliveries.c.state, deliveries.c.attempts)
        ).all()
    assert sorted(map(tuple, rows)) == [("dropped", 1, BATCH), ("due", 0, 10)]


def test_a_scheduler_steps_down_at_once(start, postgres_engine, redis_url):
    hub = make_hub(postgres_engine, redis_url=redis_url)
    process = start(postgres_engine, "scheduler", HUB_REDIS_URL=redis_url)
    wait_until(lambda: heard(hub, "scheduler"), within_s=60)
    waiting = Leader(postgres_engine)
    assert not waiting.leads()

    process.send_signal(signal.SIGTERM)

    wait_until(waiting.leads, within_s=10)
    waiting.step_down()
    code, told = ended(process)
    assert code == 0, told


def heard(hub, name):
    with read(hub.engine) as connection:
        return name in heartbeats.last(connection)


def _conninfo(engine):
    url = engine.url
    return psycopg.conninfo.make_conninfo(
        host=str(url.query["host"]), user=url.username, dbname=url.database
    )
