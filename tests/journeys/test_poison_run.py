"""`loyalty-hub run` and deliveries that its translator dies of: the hub, and all else, go on."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from hub.clock import SystemClock
from hub.config import Config
from hub.deliveries import list_deliveries
from hub.installations import create_installation
from hub.registry import registry_of
from hub.wiring import build_hub
from loyalty_core.store import migrate
from tests.support import poison
from tests.support.ingest import make_programme
from tests.support.shopfloor import receipt
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-c", "from hub.cli import main; main()", "run")
WITHIN_S = 180


@pytest.fixture
def installed(tmp_path):
    """A folder that looks like an installed package with the connector, as pip leaves it."""
    about = tmp_path / "packages" / "poison-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: poison\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[loyalty_hub.connectors]\npoison = tests.support.poison:CONNECTOR\n"
    )
    return about.parent


@pytest.fixture
def prepared(tmp_path):
    """The hub of the same data folder, for what the test must prepare and see."""
    config = Config(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/hub.db")
    hub = build_hub(config, registry=registry_of([poison.CONNECTOR]), clock=SystemClock())
    migrate.upgrade(hub.engine)
    yield hub
    hub.engine.dispose()


@pytest.fixture
def address(tmp_path, installed, prepared):
    """A hub that runs as its README says."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    settings = {
        "HUB_DATA_DIR": str(tmp_path),
        "HUB_PORT": str(port),
        "HUB_DEMO": "false",
        "HUB_CONNECTORS_ENABLED": "poison",
        "HUB_SWEEP_S": "1",
        "PYTHONPATH": f"{installed}{os.pathsep}{ROOT}",
    }
    with (tmp_path / "said").open("w") as said:
        running = subprocess.Popen(
            COMMAND, env=plain | settings, stdout=said, stderr=said, start_new_session=True
        )
    base_url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(base_url), within_s=WITHIN_S)
        yield base_url
        running.send_signal(signal.SIGTERM)
        assert running.wait(WITHIN_S) == 0
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def _answers(base_url):
    try:
        return requests.get(f"{base_url}/readyz", timeout=30).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.mark.slow
def test_the_hub_goes_on_whatever_a_delivery_does_to_its_translator(address, prepared):
    programme = make_programme(prepared)
    made = create_installation(
        prepared,
        programme_id=programme.id,
        connector="poison",
        name="shop1",
        settings=poison.SETTINGS,
    )

    def deliver(number, **message):
        body = json.dumps({"no": number, **message}).encode()
        url = address + made.hooks["events"]
        return requests.post(url, data=body, headers=poison.signed(body), timeout=30)

    def fates():
        assert requests.get(f"{address}/healthz", timeout=20).status_code == 200
        page = list_deliveries(prepared, programme_id=programme.id, limit=50)
        return {one.id: (one.state, one.error_code) for one in page.items}

    for number, deed in enumerate(("loops in C", "eats memory", "overflows the stack")):
        assert deliver(2 * number, deed=deed, event=receipt("never")).status_code == 200
        assert deliver(2 * number + 1, event=receipt(f"good-{number}")).status_code == 200

    expected = [("dead", "defect")] * 3 + [("done", None)] * 3
    wait_until(lambda: sorted(fates().values(), key=str) == expected, within_s=WITHIN_S)
