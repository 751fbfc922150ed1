"""The wheel alone runs the hub: pages, static files, translations and migrations are within."""

import os
import re
import signal
import socket
import subprocess
import sys
import zipfile

import pytest
import requests

from tests.deploy.conftest import ROOT, lend_dependencies
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def installed(wheel, tmp_path):
    """The command of a new virtual environment that got the wheel and nothing of the tree."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    install = ["install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run([venv / "bin" / "pip", *install], check=True)
    lend_dependencies(venv)
    return venv / "bin" / "loyalty-hub"


def test_it_runs_in_an_empty_folder_without_the_sources(installed, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    port = free_port()
    plain = {name: told for name, told in os.environ.items() if not name.startswith(("HUB_", "PY"))}
    said = (tmp_path / "said.txt").open("w+", encoding="utf-8")
    process = subprocess.Popen(
        [installed, "run"], cwd=home, stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        env=plain | {"HUB_PORT": str(port), "HUB_DEMO": "0", "HUB_ADMIN_PASSWORD": "correct-horse"},
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"

    def up():
        assert process.poll() is None, (tmp_path / "said.txt").read_text(encoding="utf-8")
        try:
            return requests.get(f"{address}/readyz", timeout=20).ok
        except requests.ConnectionError:
            return False

    try:
        wait_until(up, within_s=90)
        page = requests.get(f"{address}/admin/login", headers={"Accept-Language": "ru"}, timeout=20)
        assert page.status_code == 200
        assert "Войти" in page.text
        assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        assert any("/vendor/" in asset for asset in assets)
        for asset in assets:
            assert requests.get(f"{address}{asset}", timeout=20).status_code == 200, asset
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
        said.close()
    assert (home / "var" / "hub.db").exists()


def test_the_code_that_runs_is_the_wheels(installed, tmp_path):
    where = subprocess.run(
        [installed.parent / "python", "-P", "-c", "import hub; print(hub.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert where.stdout.startswith(str(installed.parent.parent))
    assert str(ROOT) not in where.stdout


def test_every_page_and_every_migration_is_in_it(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    folders = (
        "hub/web/templates",
        "hub/web/static",
        "hub/translations",
        "loyalty_core/store/migrations",
        "connectors/wordpress/plugin",
        "loyalty_kit/scaffold",
    )
    wanted = {
        file.relative_to(ROOT).as_posix()
        for folder in folders
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }

    assert len(wanted) > 20
    assert wanted <= packed
    assert not any(name.startswith(("tests/", "tools/", "bench/")) for name in packed)
