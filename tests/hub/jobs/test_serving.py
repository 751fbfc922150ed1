"""Serving with gunicorn: a real process, reached over a real socket, that ends when told."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from hub.config import Config
from hub.installations import create_installation, list_installations
from hub.registry import load_registry
from hub.wiring import build_hub
from loyalty_core.store import migrate
from tests.support.ingest import make_programme
from tests.support.waiting import wait_until

PROGRAM = """
import sys
from hub import logs
from hub.config import load_config
from hub.serving import serve, serve_web
from hub.wiring import build_hub
hub = build_hub(load_config())
logs.configure(hub.config)
ready = lambda: print("ready", flush=True)
{"serve": serve, "serve_web": serve_web}[sys.argv[1]](hub, on_ready=ready)
"""
WORDPRESS = {
    "base_url": "https://shop.example",
    "consumer_key": "ck_1",
    "consumer_secret": "cs_1",
    "webhook_secret": "s3cr3t",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(tmp_path):
    """Start a hub in a process of its own: `start("serve", {...})` gives (process, address)."""
    running = []

    def begin(how, **environment):
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, how],
            env={**os.environ, "HUB_DATA_DIR": str(tmp_path), "HUB_PORT": str(port)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        return process, f"http://127.0.0.1:{port}"

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def children_of(process):
    told = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(number) for number in told.split()]


def open_connections(process, port):
    """How many connections to `port` each child has taken, by the system's own tables."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established = "01"
    taken = {
        f"socket:[{row[9]}]"
        for row in rows
        if row[3] == established and int(row[1].rpartition(":")[2], 16) == port
    }
    return [
        sum(
            os.readlink(file) in taken
            for file in Path(f"/proc/{child}/fd").iterdir()
            if file.is_symlink()
        )
        for child in children_of(process)
    ]


def reload(process, address):
    """Other processes serve, as many as before."""
    requests.get(f"{address}/healthz", timeout=20)
    old = set(children_of(process))
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(new := set(children_of(process))) == 2 and not new & old, within_s=60)


@pytest.fixture
def migrated(tmp_path):
    """The hub of the same data folder, for what a test must prepare."""
    config = Config(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/hub.db")
    hub = build_hub(config, registry=load_registry(("wordpress",)))
    migrate.upgrade(hub.engine)
    yield hub
    hub.engine.dispose()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_in_one_process_answers_and_ends_cleanly(start, migrated, number):
    process, address = start("serve")

    assert requests.get(f"{address}/readyz", timeout=20).status_code == 200
    process.send_signal(number)
    _, complaints = process.communicate(timeout=30)

    assert process.returncode == 0
    assert "Traceback" not in complaints


def test_what_is_delivered_is_worked_on_by_the_thread_inside(start, migrated):
    programme = make_programme(migrated)
    made = create_installation(
        migrated,
        programme_id=programme.id,
        connector="wordpress",
        name="shop1",
        settings=WORDPRESS,
    )
    _, address = start("serve")

    answer = requests.post(
        f"{address}{next(iter(made.hooks.values()))}",
        data=b"webhook_id=7",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        timeout=20,
    )

    assert answer.status_code == 200
    # The shop does not exist: its poll fails, which only the worker can have found out.
    wait_until(lambda: list_installations(migrated)[0].pull_due_at != made.pull_due_at, within_s=60)


def test_web_alone_runs_several_processes(start, migrated):
    process, address = start("serve_web", HUB_WEB_WORKERS="2")
    answers = []

    def ask():
        answers.append(requests.get(f"{address}/healthz", timeout=20).status_code)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200] * 10
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize("reloads", [0, 1])
def test_connections_that_stay_open_are_shared_among_the_processes(start, migrated, reloads):
    process, address = start("serve_web", HUB_WEB_WORKERS="2")
    for _ in range(reloads):
        reload(process, address)
    port = int(address.rpartition(":")[2])
    kept = []

    def open_one():
        session = requests.Session()
        assert session.get(f"{address}/healthz", timeout=20).status_code == 200
        kept.append(session)
        return min(connections := open_connections(process, port)) and len(connections) == 2

    wait_until(open_one)
    before = open_connections(process, port)
    for _ in range(max(before) - min(before) + 10):
        open_one()

    after = open_connections(process, port)
    assert sum(after) == len(kept)
    assert max(after) - min(after) <= 2


def test_logs_are_lines_of_json_where_asked(start, migrated):
    process, address = start("serve", HUB_LOG_FORMAT="json")
    requests.get(f"{address}/nothing-here", timeout=20)
    process.terminate()
    _, written = process.communicate(timeout=30)

    lines = [json.loads(line) for line in written.splitlines()]
    assert any(line["event"] == "request" and line["status"] == 404 for line in lines)


WORDS = ("Smirnova", "+79031234567", "wh00k-s3cr3t")
UNREADABLE = {
    "GET /c/ Smirnova HTTP/1.1": 400,
    "POST /hooks/i_1/receipts/wh00k-s3cr3t": 400,
    "Sm(irnova /wh00k-s3cr3t HTTP/1.1": 400,
    "GET / HTTP/1.1\r\nX Smirnova: +79031234567": 400,
    "GET / HTTP/1.1\r\nX-A: wh00k-s3cr3t\x00": 400,
    "GET / HTTP/1.1\r\nX-A: a\r\n wh00k-s3cr3t": 400,
    f"GET /{'wh00k-s3cr3t' * 500} HTTP/1.1": 414,
    f"GET / HTTP/1.1\r\n{'Smirnova: 1' * 900}": 431,
    "GET / HTTP/1.1\r\nTransfer-Encoding: Smirnova": 501,
    "GET / HTTP/1.1\r\nExpect: Smirnova": 417,
}
BAD_CHUNK = "POST /hooks/i_1/receipts/wh00k-s3cr3t HTTP/1.1\r\nTransfer-Encoding: chunked"


def test_what_cannot_be_read_is_neither_logged_nor_repeated(start, migrated):
    process, address = start("serve", HUB_LOG_FORMAT="json")

    answers = [raw(address, f"{said}\r\n\r\n") for said in UNREADABLE]
    answers.append(raw(address, f"{BAD_CHUNK}\r\n\r\nSmirnova\r\n"))
    process.terminate()
    _, written = process.communicate(timeout=30)

    assert [int(answer.split()[1]) for answer in answers] == [*UNREADABLE.values(), 400]
    lines = [json.loads(line) for line in written.splitlines()]
    told = [line["status"] for line in lines if line["event"] == "request_unreadable"]
    assert told == [*UNREADABLE.values()]
    assert not [word for word in WORDS for text in (*answers, written) if word in text]


def raw(address, said):
    """What a real socket is answered until it is closed."""
    host, _, port = address.rpartition("//")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(said.encode("latin-1"))
        with connection.makefile("rb") as answer:
            return answer.read().decode("latin-1")
