"""The first files of a connector: both forms pass their own tests, and the guide's commands run."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from markdown_it import MarkdownIt

from tests.deploy.conftest import needed
from tests.support.waiting import wait_until
from tools.tracked import tracked_files

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "connector-guide.md"
#: `pip` and `pytest` of the environment that the guide speaks of, without the network.
SHIMS = {
    "loyalty-hub": 'exec "$VENV/bin/python" -c "from hub.cli import main; main()" "$@"',
    "pip": 'exec "$TESTS_PYTHON" -m pip --python "$VENV/bin/python" "$@" --no-index --quiet',
    "pytest": 'exec "$VENV/bin/python" -m pytest -p no:cacheprovider "$@"',
    "curl": 'exec /usr/bin/curl --connect-to "127.0.0.1:8080:127.0.0.1:$HUB_PORT" "$@"',
}


# What is refused


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Tablo", "small Latin letters"),
        ("t", "from 2 to 32"),
        ("касса", "small Latin letters"),
        ("../tablo", "small Latin letters"),
        ("9tablo", "a letter first"),
        ("import", "a word of Python"),
        ("moysklad", "There is a connector 'moysklad' already"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused_with_the_reason(cli, folder, name, said):
    done = cli("connectors", "new", name)
    assert done.code == 2
    assert said in done.err
    assert list(folder.iterdir()) == []


def test_what_is_there_already_is_left_as_it_is(cli, folder):
    assert cli("connectors", "new", "tablo").code == 0
    page = folder / "loyalty-connector-tablo" / "README.md"
    page.write_text("mine", encoding="utf-8")
    again = cli("connectors", "new", "tablo")
    assert again.code == 2
    assert "is left as it is" in again.err
    assert page.read_text(encoding="utf-8") == "mine"
    nowhere = cli("connectors", "new", "tablo", "--builtin")
    assert (nowhere.code, "not the root" in nowhere.err) == (2, True)


# Built in


def test_one_that_is_built_in_passes_its_own_tests_and_the_linter(cli, folder):
    for name in ("connectors/__init__.py", "setup.cfg", "ruff.toml"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    # The linter sorts by what it finds beside the connector.
    for name in ("hub", "loyalty_core", "loyalty_kit"):
        (folder / name).symlink_to(ROOT / name)
    done = cli("connectors", "new", "tablo", "--builtin")
    assert "tablo = connectors.tablo:CONNECTOR" in done.out

    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    ran = run([*words, "tests/connectors/tablo"], folder)
    assert re.search(r"\b19 passed", ran), ran
    room = ("connectors/tablo", "tests/connectors/tablo")
    run(["ruff", "check", "--no-cache", *room], folder)
    run(["ruff", "format", "--no-cache", "--check", *room], folder)


def run(words: list[str], folder: Path) -> str:
    tools = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **tools}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


# From outside: the commands of the guide


def blocks(*sections: str) -> list[str]:
    """What the guide has to be typed in, section by section."""
    found, inside = [], False
    tokens = MarkdownIt("commonmark").parse(GUIDE.read_text(encoding="utf-8"))
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            inside = tokens[place + 1].content in sections
        elif token.type == "fence" and token.info == "sh" and inside:
            found.append(token.content)
    return found


class Terminal:
    """Somebody's terminal: an environment with the hub in it, whose files stay the tree's."""

    def __init__(self, home: Path) -> None:
        self.home, venv, bin_ = home, home / "venv", home / "bin"
        bin_.mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        (packages,) = venv.glob("lib/python3*/site-packages")
        lent = f"{ROOT}\n{sysconfig.get_path('purelib')}\n"
        (packages / "lent.pth").write_text(lent, encoding="utf-8")
        for name, text in SHIMS.items():
            (bin_ / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
            (bin_ / name).chmod(0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("HUB_", "PY"))}
        self.environment = plain | {
            "PATH": f"{bin_}:/usr/bin:/bin",
            "VENV": str(venv),
            "TESTS_PYTHON": sys.executable,
            "HUB_PORT": str(self.port),
            "HUB_DEMO": "0",
            "HUB_ADMIN_PASSWORD": "correct-horse",
        }
        self._running: list[subprocess.Popen[Any]] = []

    def types(self, text: str) -> str:
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", text],
            cwd=self.home, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def starts(self, text: str) -> None:
        """What goes on running."""
        with (self.home / "said.txt").open("w") as said:
            process = subprocess.Popen(
                ["/bin/bash", "-c", text], cwd=self.home, env=self.environment,
                stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip
        self._running.append(process)

        def up() -> bool:
            assert process.poll() is None, (self.home / "said.txt").read_text("utf-8")
            try:
                return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=20).ok
            except requests.ConnectionError:
                return False

        wait_until(up, within_s=90)

    def ends(self) -> None:
        for process in self._running:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


@pytest.fixture
def terminal(tmp_path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path / "home")
    yield opened
    opened.ends()


def state_of_the_tree() -> dict[Path, float]:
    return {path: path.stat().st_mtime for path in tracked_files(ROOT) if path.is_file()}


@pytest.mark.slow
def test_the_guide_leads_to_a_delivery_that_is_booked_and_no_file_of_the_hub_is_touched(terminal):
    for program in ("curl", "openssl"):
        needed(program, program)
    before = state_of_the_tree()
    (made,) = blocks("The first files")
    assert "19 passed" in terminal.types(made)

    create, sends, asks = blocks("Run it")
    terminal.types("loyalty-hub migrate && loyalty-hub programmes create demo --earn-percent 5")
    *connect, start = create.strip().splitlines()
    assert start == "loyalty-hub run"
    said = terminal.types("\n".join(connect))
    assert re.search(r"^tablo +ready", said, re.MULTILINE), said
    terminal.environment["HUB_CONNECTORS_ENABLED"] = "wordpress,uds,tablo"
    terminal.starts(start)

    def listed(*words: str) -> Any:
        return json.loads(terminal.types(f"loyalty-hub {' '.join(words)} --json"))

    ids = {one["connector"]: one["id"] for one in listed("installations", "list")}

    def the_till(text: str, connector: str) -> str:
        assert "i_..." in text
        return terminal.types(text.replace("i_...", ids[connector]))

    answer = the_till(sends, "tablo")
    assert answer.startswith("HTTP/1.1 200")
    address = f"http://127.0.0.1:{terminal.port}/connect/{ids['uds']}/customers/find"

    def has_points(points: float) -> bool:
        key = ("549755819292", "a-word-that-the-till-knows")
        asked = requests.get(address, {"phone": "+79000007701"}, auth=key, timeout=20)
        return asked.ok and asked.json()["user"]["participant"]["points"] == points

    wait_until(lambda: has_points(17.0), within_s=60)
    assert [one["state"] for one in listed("deliveries", "list")] == ["done"]

    found, sold = json_values(the_till(asks, "uds"))
    assert found["user"]["participant"]["points"] == 17.0
    assert (sold["state"], sold["total"]) == ("NORMAL", 300.0)
    wait_until(lambda: has_points(32.0), within_s=60)
    assert state_of_the_tree() == before


def json_values(text: str) -> list[Any]:
    """JSON documents, one behind the other."""
    found, place = [], 0
    while place < len(text.rstrip()):
        value, place = json.JSONDecoder().raw_decode(text, place)
        found.append(value)
    return found
