"""The first command of the README, as a process of its own: start, use, kill, start again, stop."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from hub.clock import SystemClock

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-c", "from hub.cli import main; main()", "run")
DEADLINE_S = 120
KEY = re.compile(r"API key of demo: +(lh_\S+)")
PASSWORD = re.compile(r"One-time password: +(\S+)")
YESTERDAY = SystemClock().now() - timedelta(days=1)
ANNA = {"phone": "+7 900 000-00-01", "verified": True}


class Started:
    """A running hub; what it says goes to a file, which is read as it grows."""

    def __init__(self, process, said, base_url):
        self.process = process
        self.said = said
        self.base_url = base_url

    def call(self, method, path, key, **options):
        headers = {"Authorization": f"Bearer {key}"}
        return requests.request(
            method, f"{self.base_url}/api/v1{path}", headers=headers, timeout=30, **options
        )

    def stop(self, number):
        """As a terminal does it: everybody in the process's group gets the signal."""
        os.killpg(self.process.pid, number)
        return self.process.wait(DEADLINE_S)


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def settings(tmp_path, port):
    """An environment in which nothing of the hub is set but where it lives."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    return {
        **plain,
        "PYTHONPATH": str(ROOT),
        "HUB_DATA_DIR": str(tmp_path / "var"),
        "HUB_PORT": str(port),
    }


@contextmanager
def started(settings, tmp_path, name):
    said = tmp_path / f"{name}.txt"
    with said.open("wb") as output:
        process = subprocess.Popen(
            COMMAND, cwd=tmp_path, env=settings, stdout=output, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            hub = Started(process, said, f"http://127.0.0.1:{settings['HUB_PORT']}")
            wait_until_it_says(hub, "Ctrl-C stops it.")
            yield hub
        finally:
            end_all_of(process)


def end_all_of(process):
    """The process and the ones it forked, whatever the test did."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(DEADLINE_S)


def wait_until_it_says(hub, text):
    deadline = time.monotonic() + DEADLINE_S
    while text not in hub.said.read_text(encoding="utf-8"):
        told = hub.said.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, f"not in time:\n{told}"
        with suppress(subprocess.TimeoutExpired):
            ended = hub.process.wait(0.05)
            pytest.fail(f"ended with {ended}:\n{hub.said.read_text(encoding='utf-8')}")


def balance(hub, key):
    found = hub.call("GET", "/members", key, params={"phone": ANNA["phone"]})
    assert found.status_code == 200, found.text
    (member,) = found.json()["items"]
    return member["balance"]["available"]


@pytest.mark.slow
def test_make_run_from_an_empty_folder_to_a_clean_stop(settings, tmp_path):
    with started(settings, tmp_path, "first") as hub:
        told = hub.said.read_text(encoding="utf-8")
        key = KEY.search(told).group(1)
        assert f"http://127.0.0.1:{settings['HUB_PORT']}" in told
        assert PASSWORD.search(told)
        assert requests.get(f"{hub.base_url}/readyz", timeout=30).status_code == 200

        quote = hub.call("POST", "/quotes", key, json=basket())
        assert quote.status_code == 200, quote.text
        assert quote.json()["totals"]["amount"] == "780.00"
        before = float(balance(hub, key))
        booked = hub.call("POST", "/purchases", key, json=purchase())
        assert booked.status_code == 201, booked.text
        after = float(balance(hub, key))
        assert after == before + float(booked.json()["points"]["earned"]) > before

        os.killpg(hub.process.pid, signal.SIGKILL)
        hub.process.wait(DEADLINE_S)

    with started(settings, tmp_path, "second") as hub:
        told = hub.said.read_text(encoding="utf-8")
        assert not KEY.search(told)
        assert not PASSWORD.search(told)
        assert "reset-password admin" in told
        assert float(balance(hub, key)) == after
        again = hub.call("POST", "/purchases", key, json=purchase())
        assert again.status_code == 200, again.text
        assert float(balance(hub, key)) == after

        assert hub.stop(signal.SIGINT) == 0
        told = hub.said.read_text(encoding="utf-8")
        assert "Traceback" not in told
        assert "Aborted" not in told


def test_without_the_demo_there_is_an_account_and_nothing_else(settings, tmp_path):
    settings |= {"HUB_DEMO": "0", "HUB_ADMIN_PASSWORD": "correct-horse"}

    with started(settings, tmp_path, "bare") as hub:
        told = hub.said.read_text(encoding="utf-8")
        assert "admin" in told
        assert "correct-horse" not in told
        assert not KEY.search(told)
        assert hub.stop(signal.SIGTERM) == 0

    listed = subprocess.run(
        [*COMMAND[:-1], "programmes", "list", "--json"],
        cwd=tmp_path, env=settings, capture_output=True, text=True, check=True, timeout=DEADLINE_S,
    )  # fmt: skip
    assert listed.stdout.strip() == "[]"


def test_a_port_that_is_taken_is_told_before_anything_is_made(settings, tmp_path, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        refused = subprocess.run(
            COMMAND, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False,
            timeout=DEADLINE_S,
        )  # fmt: skip

    assert refused.returncode == 1
    assert "HUB_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "var" / "hub.db").exists()


def basket():
    line = {"id": "1", "sku": "TEA-101", "quantity": "2", "price": "390.00"}
    return {"channel": "pos", "member": ANNA, "lines": [line]}


def purchase():
    line = {
        "id": "1", "sku": "TEA-101", "quantity": "2", "price": "390.00", "amount": "780.00",
        "paid": "780.00",
    }  # fmt: skip
    return {
        "external_id": "journey-1",
        "channel": "pos",
        "occurred_at": YESTERDAY.isoformat(),
        "customer": ANNA,
        "lines": [line],
    }
