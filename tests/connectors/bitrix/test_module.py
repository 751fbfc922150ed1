"""The module's own PHP tests and checks, its proofs as the hub reads them, and its archive."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from connectors.bitrix.routes import ORDERS
from connectors.bitrix.settings import Settings
from loyalty_kit.errors import SignatureInvalid
from loyalty_kit.ports import InboundRequest
from loyalty_kit.settings import load_settings
from tests.deploy.conftest import needed
from tools.module_bitrix import SOURCES, build, version

HERE = Path(__file__).parent / "module"
PHP_FILES = sorted(SOURCES.rglob("*.php"))
RUSSIAN = [path for path in PHP_FILES if "/lang/ru/" in path.as_posix()]
MESSAGE = re.compile(r"^\$MESS\['(\w+)'\] = '((?:[^'\\]|\\.)+)';$", re.MULTILINE)
LINE_SNIFF = "Generic.Files.LineLength"
NAME_SNIFF = "PSR1.Methods.CamelCapsMethodName"


def run(*command: str | Path, said: str = "") -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE,
        input=said,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_php_tests_pass():
    told = run(needed("phpunit", "phpunit"), "--configuration", HERE / "phpunit.xml")
    assert re.search(r"OK \([0-9]{2,} tests", told), told


def test_every_file_is_php():
    # Many files to one process: `php -l` takes one.
    check = "foreach (file('php://stdin', 2) as $f) { token_get_all(file_get_contents($f), 1); }"
    told = run(needed("php", "php-cli"), "-r", check, said="\n".join(map(str, PHP_FILES)))
    assert told == ""


def test_its_code_keeps_the_standard():
    phpcs = needed("phpcs", "php-codesniffer")
    # The names of a rule's methods are the product's.
    run(phpcs, "-qn", "--standard=PSR12", f"--exclude={LINE_SNIFF},{NAME_SNIFF}", SOURCES / "lib")


def test_all_russian_stands_in_language_files_and_each_text_in_both_languages():
    keys: set[str] = set()
    for russian in RUSSIAN:
        english = Path(russian.as_posix().replace("/lang/ru/", "/lang/en/"))
        one = dict(MESSAGE.findall(russian.read_text("utf-8")))
        other = dict(MESSAGE.findall(english.read_text("ascii")))
        assert list(one) == list(other), russian.name
        assert all(
            re.findall(r"#\w+#", one[key]) == re.findall(r"#\w+#", other[key]) for key in one
        )
        keys |= set(one)
    assert len(keys) > 40
    used: set[str] = set()
    for path in set(PHP_FILES) - set(RUSSIAN):
        text = path.read_text("ascii")
        used |= set(re.findall(r"getMessage\('(LOYALTYHUB_\w+[A-Z])'\)", text))
    assert used <= keys


@pytest.mark.parametrize(
    "message",
    [
        {"type": "order.snapshot", "name": "Чай «Улун» / 100 г", "sum": "393.00"},
        {"type": "order.snapshot", "name": '\u2028\U0001f375 <b> \\ "', "list": [], "none": None},
    ],
)
def test_what_php_signs_python_verifies(message):
    signer = r"Loyaltyhub\Shop\Core\Signer"
    code = (
        f"require '{SOURCES}/lib/core/signer.php';"
        f"$body = {signer}::encode(json_decode(stream_get_contents(STDIN), true));"
        f"echo {signer}::sign('слово', $body), PHP_EOL, $body;"
    )
    told = run(needed("php", "php-cli"), "-r", code, said=json.dumps(message))
    signature, _, body = told.partition("\n")
    assert json.loads(body) == message
    settings = load_settings(Settings, {"secret": "слово"})
    headers = {"x-hub-signature": signature}
    ORDERS.verify(InboundRequest(headers, body.encode(), {}), settings)
    with pytest.raises(SignatureInvalid):
        ORDERS.verify(InboundRequest(headers, body.encode() + b" ", {}), settings)


def test_every_file_says_its_licence():
    for path in PHP_FILES:
        if "/lang/" not in path.as_posix():
            assert "// SPDX-License-Identifier: MIT" in path.read_text("ascii"), path.name


def test_the_archive_is_the_same_whoever_builds_it(tmp_path):
    one, other = build(tmp_path / "one"), build(tmp_path / "other")
    assert one.name == f"loyaltyhub.shop-{version()}.zip"
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as archive:
        names = archive.namelist()
    # What the product's own checker asks for.
    assert {
        "loyaltyhub.shop/install/index.php", "loyaltyhub.shop/install/version.php",
        "loyaltyhub.shop/description.ru", "loyaltyhub.shop/LICENSE",
    } <= set(names)  # fmt: skip
    assert len(names) == len([path for path in SOURCES.rglob("*") if path.is_file()])


def test_a_module_without_a_version_builds_nothing(tmp_path):
    (tmp_path / "install").mkdir()
    (tmp_path / "install" / "version.php").write_text("'VERSION' => '0.0.0'", encoding="utf-8")
    with pytest.raises(ValueError, match="no version"):
        build(tmp_path, tmp_path)
