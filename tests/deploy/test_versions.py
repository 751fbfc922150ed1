"""Versions agree where docs/versions.md says that they do."""

import configparser
import json
import re
import subprocess
import sys

from loyalty_kit import KIT_VERSION
from loyalty_kit.events_schema import EVENTS_VERSION
from tests.deploy.conftest import DEPLOY, ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
POLICY = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^## (\d+\.\d+\.\d+)( \(unreleased\))?$", CHANGELOG, re.MULTILINE)


def package_version():
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg", encoding="utf-8")
    return metadata["metadata"]["version"]


def numbers(version):
    return [int(part) for part in version.split(".")]


def row(what):
    """The version that the policy's table tells of it."""
    (line,) = re.findall(rf"^\| {re.escape(what)} \| (.*?) \|", POLICY, re.MULTILINE)
    return line.partition(",")[0]


def test_the_command_tells_the_packages_version():
    said = subprocess.run(
        [sys.executable, "-c", "from hub.cli import main; main()", "--version"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert said.stdout == f"loyalty-hub, version {package_version()}\n"


def test_the_newest_entry_that_is_out_is_the_packages_version():
    headings = re.findall(r"^## .*$", CHANGELOG, re.MULTILINE)
    assert len(headings) == len(ENTRIES), "a heading of CHANGELOG.md that is no version"
    out = [version for version, unreleased in ENTRIES if not unreleased]

    assert out[0] == package_version() == row("the package `loyalty-hub`")


def test_entries_stand_from_the_newest_down_and_only_the_first_may_be_unreleased():
    versions = [numbers(version) for version, _ in ENTRIES]

    assert versions == sorted(versions, reverse=True)
    assert not any(unreleased for _, unreleased in ENTRIES[1:])


def test_the_api_has_the_version_of_its_addresses():
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    version = document["info"]["version"]

    assert version == row("the HTTP API")
    assert document["paths"]
    assert all(path.startswith(f"/api/v{version}/") for path in document["paths"])


def test_the_policy_names_the_versions_of_kit_and_events():
    assert row("the kit for connectors") == KIT_VERSION
    assert row("canonical events") == str(EVENTS_VERSION)


def test_what_is_deployed_is_this_version():
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    compose = (DEPLOY / "compose.yml").read_text(encoding="utf-8")

    assert f"RELEASE={package_version()}\n" in page
    assert re.findall(r"loyalty_hub-(\d[\d.]*)-py3", page) == [package_version()]
    assert f"image: loyalty-hub:{package_version()}\n" in compose
