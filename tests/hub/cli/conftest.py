"""The command line in this process, over a data folder of each test's own."""

import json
import logging
import os
from dataclasses import dataclass

import pytest
from click.testing import CliRunner

from hub.cli import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "var"


@pytest.fixture
def settings(data_dir):
    """The environment of the commands; a test may change it before it runs one."""
    return {"HUB_DATA_DIR": str(data_dir)}


@pytest.fixture
def on_engine(settings, engine):
    """The commands work on the test's own database, of either kind."""
    settings["HUB_DATABASE_URL"] = engine.url.render_as_string(hide_password=False)


@pytest.fixture
def cli(settings):
    """`cli("keys", "list")`: exit code, standard output, standard error."""
    others = {name: None for name in os.environ if name.startswith("HUB_")}
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(*words, stdin=None):
        done = CliRunner().invoke(
            main, words, prog_name="loyalty-hub", input=stdin, env={**others, **settings}
        )
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ran(done.exit_code, done.stdout, done.stderr)

    yield run
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def demo(cli):
    """The same, with a programme `demo`."""
    assert cli("programmes", "create", "demo").code == 0
    return cli
