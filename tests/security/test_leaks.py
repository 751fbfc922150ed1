"""The watch over the run of the tests notices what it is there for (`tests/support/leaks.py`)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PHONE = "+7 916 " + "123-45-67"
"""In two parts, because what is printed about a failure quotes this file."""
HEAD = """
import logging, subprocess, sys
import structlog
from flask import Flask, abort
PHONE = "+7 916 " + "123-45-67"
NAME = "Ан" + "на"
KEY = "lh_" + "k" * 43
"""
LEAKS = {
    "a log line of the hub": "structlog.get_logger('hub.x').info('booked', who=NAME)",
    "a log line of a library": "logging.getLogger('lib').warning('for %s', NAME)",
    "an error page": """
    app = Flask('x')
    app.add_url_rule('/', 'x', lambda: ('no ' + PHONE, 422))
    app.test_client().get('/')""",
    "the metrics": """
    app = Flask('x')
    app.add_url_rule('/metrics', 'x', lambda: 'members{name="' + NAME + '"} 1')
    app.test_client().get('/metrics')""",
    "the output of a process": """
    subprocess.run([sys.executable, '-c', f'print("{KEY}x {PHONE}")'], capture_output=True)""",
    "a file of a process": """
    with (tmp_path / 'out.txt').open('wb') as out:
        subprocess.run([sys.executable, '-c', f'print("{PHONE}")'], stdout=out)""",
    "the output of a command": """
    import click, click.testing
    command = click.Command('doctor', callback=lambda: click.echo('member ' + PHONE))
    click.testing.CliRunner().invoke(command)""",
    "a background thread": """
    import threading
    thread = threading.Thread(target=lambda: structlog.get_logger('hub.x').error(NAME))
    thread.start(); thread.join()""",
}
CLEAN = {
    "a phone that the hub takes out": "structlog.get_logger('hub.x').info('failed', text=PHONE)",
    "a phone shown to who may see it": """
    app = Flask('x')
    app.add_url_rule('/', 'x', lambda: PHONE)
    app.test_client().get('/')""",
    "a key told once": """
    subprocess.run([sys.executable, '-c', f'print("{KEY}")'], capture_output=True)""",
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of a small suite that lets out something in each way."""
    folder = tmp_path_factory.mktemp("leaks")
    bodies = enumerate([*LEAKS.values(), *CLEAN.values()])
    tests = [f"def test_{n}(tmp_path):\n    {body.strip()}\n" for n, body in bodies]
    (folder / "test_small.py").write_text("\n".join([HEAD, *tests]), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "tests.support.leaks"]
    options = ["-c", os.devnull, "--rootdir", folder, "-p", "no:cacheprovider", folder]
    with (folder / "said").open("wb") as said_to:
        done = subprocess.run(
            [*command, *options], cwd=ROOT, stdout=said_to, stderr=subprocess.STDOUT, timeout=120
        )
    said = (folder / "said").read_text("utf-8")
    (folder / "said").unlink()  # it holds the leaks, and the watch over this very run reads files
    assert done.returncode == 1, said
    return said


@pytest.mark.parametrize("number", range(len(LEAKS)), ids=list(LEAKS))
def test_a_leak_fails_the_test_that_let_it_out(outcome: str, number: int):
    assert f"test_small.py::test_{number} lets out:" in outcome


@pytest.mark.parametrize("number", range(len(CLEAN)), ids=list(CLEAN))
def test_what_may_be_said_fails_nothing(outcome: str, number: int):
    name = f"test_{number + len(LEAKS)}"

    assert f"{name} lets out:" not in outcome
    assert any(line.startswith("PASSED") and line.endswith(name) for line in outcome.splitlines())


def test_the_watch_is_on_in_this_very_run(pytestconfig: pytest.Config):
    assert pytestconfig.pluginmanager.has_plugin("leaks-of-hubs")
