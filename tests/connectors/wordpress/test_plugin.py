"""The plugin's own PHP tests and checks, and the zip that a shop's owner uploads."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from connectors.wordpress.companion import SOURCES, build, version
from loyalty_core.store.ids import from_wire
from tests.deploy.conftest import needed

HERE = Path(__file__).parent / "plugin"
PHP_FILES = sorted(SOURCES.rglob("*.php"))
RUSSIAN = SOURCES / "languages" / "loyalty-hub-ru_RU.l10n.php"
MESSAGE = re.compile(r"(?:\b(?:esc_html)?__)\(\s*'((?:[^'\\]|\\.)*)',\s*'loyalty-hub'\s*\)")
TRANSLATED = re.compile(r"^\t\t'((?:[^'\\]|\\.)*)' => '((?:[^'\\]|\\.)+)',$", re.MULTILINE)


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, cwd=HERE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_php_tests_pass():
    told = run(needed("phpunit", "phpunit"), "--configuration", HERE / "phpunit.xml")
    assert re.search(r"OK \([0-9]{2,} tests", told), told


def test_every_file_is_php():
    php = needed("php", "php-cli")
    for path in PHP_FILES:
        run(php, "-d", "error_reporting=-1", "-l", path)


def test_its_code_keeps_the_standard():
    phpcs = needed("phpcs", "php-codesniffer")
    run(phpcs, "-q", f"--standard={HERE / 'phpcs.xml'}", SOURCES)


def test_no_file_answers_a_visitor_by_itself():
    main, uninstall = SOURCES / "loyalty-hub.php", SOURCES / "uninstall.php"
    assert "defined( 'ABSPATH' ) || exit;" in main.read_text(encoding="utf-8")
    assert "defined( 'WP_UNINSTALL_PLUGIN' ) || exit;" in uninstall.read_text(encoding="utf-8")
    # All others but the messages, which are only returned, hold a class and nothing that runs.
    for path in set(PHP_FILES) - {main, uninstall, RUSSIAN}:
        outside = re.sub(r"\n(?:final )?class .*", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert not re.search(r"^[^\s/*<]*\w+\(", outside, re.MULTILINE), path.name


def test_every_message_has_its_russian():
    said = {
        found[1]
        for path in PHP_FILES
        for found in MESSAGE.finditer(path.read_text(encoding="utf-8"))
    }
    known = dict(TRANSLATED.findall(RUSSIAN.read_text(encoding="utf-8")))
    assert len(said) > 50
    assert set(known) == said
    for english, russian in known.items():
        assert re.findall(r"%\w", english) == re.findall(r"%\w", russian), english


def test_the_zip_is_the_same_whoever_builds_it(tmp_path):
    copy = tmp_path / "loyalty-hub"
    shutil.copytree(SOURCES, copy)
    name, one = build()
    assert name == f"loyalty-hub-{version()}.zip"
    assert build(copy) == (name, one)
    with zipfile.ZipFile(BytesIO(one)) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"loyalty-hub"}
    assert {"loyalty-hub/loyalty-hub.php", "loyalty-hub/readme.txt", "loyalty-hub/LICENSE"} <= set(
        names
    )
    assert len(names) == len([path for path in SOURCES.rglob("*") if path.is_file()])


def test_a_version_that_differs_builds_nothing(tmp_path):
    copy = tmp_path / "loyalty-hub"
    copy.mkdir()
    for name in ("loyalty-hub.php", "readme.txt"):
        text = (SOURCES / name).read_text(encoding="utf-8")
        (copy / name).write_text(text.replace("Stable tag: ", "Stable tag: 9"), encoding="utf-8")
    with pytest.raises(ValueError, match="several versions"):
        build(copy)


def test_the_readme_has_the_directorys_form():
    text = (SOURCES / "readme.txt").read_text(encoding="utf-8")
    head, _, rest = text.partition("\n\n")
    assert head.startswith("=== Loyalty Hub ===\n")
    short = rest.partition("\n")[0]
    assert 20 < len(short) <= 150
    for section in ("Description", "Installation", "Frequently Asked Questions", "Changelog"):
        assert f"\n== {section} ==\n" in text
    main = (SOURCES / "loyalty-hub.php").read_text(encoding="utf-8")
    for name in ("Requires at least", "Requires PHP"):
        (said,) = re.findall(rf"^{name}: (\S+)$", head, re.MULTILINE)
        assert re.search(rf"^ \* {name}: +{re.escape(said)}$", main, re.MULTILINE)


def test_the_plugin_and_the_hub_name_a_connections_accounts_alike():
    # PHP's own test holds that i_zz is installation:1295 (`ShopTest`).
    assert from_wire("i", "i_zz") == 1295
