"""The walk of docs/operate.md, from an empty server to a public webhook, command by command.

The commands are read from the page and run by one shell in a folder that stands for the root
of the server.  PostgreSQL, Redis, nginx, the wheel and the hub are real.  A command that is
neither run nor named in `NOT_RUN` fails the test, and so does a name there that the page lost.
"""

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
from contextlib import suppress
from pathlib import Path

import pytest
import requests
import urllib3
from markdown_it import MarkdownIt

from tests.deploy.conftest import DEPLOY, ROOT, needed
from tests.support.servers import NotStarted, start_postgres
from tools.programs import find_redis

pytestmark = pytest.mark.slow
PAGE = ROOT / "docs" / "operate.md"
WALK = (
    "From an empty Debian server to a public webhook",
    "A new release with the units, and back",
)
#: What is not run, by how it begins, and why.
NOT_RUN = {
    "make wheel": "the wheel of this session is taken (conftest.py)",
    "apt-get ": "asks the network and changes this machine; `make programs` installs the same",
    "ufw ": "would close this machine's own ports",
    "docker ": "no engine for containers here; test_container.py looks at the files",
    "chown 10001 ": "belongs to the containers",
    "export ": "belongs to the containers",
}
#: Run as they are, but for the paths of the server.
RUN = frozenset(
    (
        "cd",
        "chmod",
        "cp",
        "ln",
        "ls",
        "mkdir",
        "openssl",
        "pip",
        "printf",
        "promtool",
        "readlink",
        "rm",
        "sed",
        "tar",
        "umask",
    )
)
#: Not run as they are: a stand-in does their part, for the reason given.
STAND_INS = {
    "scp": "copies into the sandbox: there is no other machine",
    "useradd": "the real one, told to write into the sandbox's /etc",
    "install": "the real one; owners are left out, as the account is in the sandbox only",
    "chown": "left out for the same reason",
    "runuser": "runs the command as whoever runs the tests, with the account's name for PostgreSQL",
    "systemctl": "needs systemd as init; systemctl.py runs what the units say",
    "certbot": "needs the Internet; a self-signed certificate is put in the place of its own",
    "curl": "the real one, led to the sandbox's ports",
    "nginx": "the real one, with the sandbox's main file",
    "python3": "the real one; a new environment is lent the packages, so that nothing is fetched",
    "loyalty-hub": "the real one; doctor may find that the tests' PostgreSQL does not wait for the"
    " disk, and that the public name leads nowhere, and nothing else",
}
SHIMS = {
    "scp": 'cp "$1" "$SANDBOX/root/"',
    "useradd": 'exec /usr/sbin/useradd --prefix "$SANDBOX" "$@"',
    "install": """words=()
while [ $# -gt 0 ]; do case "$1" in -o|-g) shift 2;; *) words+=("$1"); shift;; esac; done
exec /usr/bin/install "${words[@]}" """,
    "chown": "exit 0",
    "runuser": """account="$2"; shift 3
if [ "$account" = postgres ]; then export PGUSER=hub; else export PGUSER="$account"; fi
exec "$@" """,
    "systemctl": 'exec "$TEST_PYTHON" "$STAND_IN" "$@"',
    "certbot": """live="$SANDBOX/etc/letsencrypt/live/hub.example.ru"
mkdir -p "$live"
exec openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hub.example.ru \
  -keyout "$live/privkey.pem" -out "$live/fullchain.pem" 2>/dev/null""",
    "curl": 'exec /usr/bin/curl --insecure --connect-to "hub.example.ru:443:127.0.0.1:$TLS" "$@"',
    "nginx": 'exec "$NGINX" -e "$SANDBOX/log/nginx.log" -c "$SANDBOX/etc/nginx/nginx.conf" "$@"',
    "python3": """"$TEST_PYTHON" "$@"
if [ "$1 $2" = "-m venv" ]; then
  "$3/bin/python" -m pip uninstall --quiet --yes setuptools
  echo "$LENT" >"$(echo "$3"/lib/python3*/site-packages)/lent.pth"
fi""",
    "loyalty-hub": """real="$SANDBOX/usr/local/bin/loyalty-hub"
if [ "$1" != doctor ]; then exec "$real" "$@"; fi
found=$("$real" "$@" | sed -E 's/^FAIL  (durability|public address):/left  \\1:/')
printf '%s\\n' "$found"
case "$found" in *FAIL*|"") exit 1;; esac""",
}
NGINX_CONF = """
pid {root}/nginx.pid;
{user}
events {{}}
http {{
    {temporary}
    include {root}/etc/nginx/sites-enabled/*;
}}
"""


def commands(section: str) -> list[str]:
    """The lines of the section's blocks of shell."""
    found: list[str] = []
    inside = False
    for token in MarkdownIt("commonmark").parse(PAGE.read_text(encoding="utf-8")):
        if token.type == "inline" and token.level == 1 and token.map is not None:
            heading = token.content
            if PAGE.read_text(encoding="utf-8").splitlines()[token.map[0]].startswith("## "):
                inside = heading == section
        elif token.type == "fence" and token.info == "sh" and inside:
            found += [line for line in token.content.splitlines() if line.strip()]
    return found


def is_left_out(line: str) -> bool:
    return line.startswith(tuple(NOT_RUN)) or "docker compose" in line


def test_every_command_of_the_page_is_run_or_named_as_not_run():
    lines = [line for section in WALK for line in commands(section)]

    assert len(lines) > 60
    for name in NOT_RUN:
        assert any(line.startswith(name) for line in lines), f"{name} is on the page no more"
    for line in lines:
        told = is_left_out(line) or program_of(line) in RUN | STAND_INS.keys() | {""}
        assert told, f"neither run nor named in NOT_RUN: {line}"
    used = {program_of(line) for line in lines if not is_left_out(line)}
    assert used >= RUN | STAND_INS.keys()
    assert STAND_INS.keys() == SHIMS.keys()


def test_files_that_the_command_reads_are_the_accounts_own():
    """The command runs as the account and in its folder, which the stand-ins here do not show."""
    lines = commands(WALK[0])
    named = [name for line in lines for name in re.findall(r"=@(\S+)", line)]

    assert len(named) == 2
    for name in named:
        made = (
            f"install -o loyalty-hub -g loyalty-hub -m 0600 /dev/null /var/lib/loyalty-hub/{name}"
        )
        assert made in lines
    assert "cd /var/lib/loyalty-hub" in (DEPLOY / "loyalty-hub").read_text(encoding="utf-8")


def program_of(line: str) -> str:
    """The program's name; nothing for a line that only sets a variable."""
    words = line.split()
    if words and re.match(r"[A-Z]+=", words[0]):
        return program_of(line.partition("$(")[2].rstrip(")"))
    return words[0].rpartition("/")[2] if words else ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sandbox:
    """A folder that stands for the server's root, with stand-ins first on the path."""

    def __init__(self, root: Path, wheel: Path, postgres: Path) -> None:
        self.root = root
        self.ports = {name: free_port() for name in ("WEB", "REDIS", "PLAIN", "TLS", "M1", "M2")}
        self.postgres = postgres
        folders = "bin log pids root build/dist var/www/html var/log/nginx var/lib usr/local/bin"
        folders += " etc/redis etc/nginx/sites-available etc/nginx/sites-enabled etc/systemd/system"
        folders += " etc/prometheus temporary"
        for name in folders.split():
            (root / name).mkdir(parents=True)
        for name in ("passwd", "group", "shadow", "gshadow"):
            (root / "etc" / name).touch()
        self._put_programs()
        self._put_settings()
        self._put_release(wheel)

    def _put_programs(self) -> None:
        for name, body in SHIMS.items():
            script = self.root / "bin" / name
            script.write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
            script.chmod(0o755)
        redis = find_redis()
        assert redis is not None
        with suppress(FileExistsError):
            (self.root / "bin" / "redis-server").symlink_to(redis)

    def _put_settings(self) -> None:
        redis = f"port {self.ports['REDIS']}\nbind 127.0.0.1\nsave ''\ndir {self.root}/temporary\n"
        (self.root / "etc/redis/redis.conf").write_text(redis, encoding="utf-8")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {self.root}/temporary/{kind};" for kind in kinds)
        user = "user root;" if os.geteuid() == 0 else ""
        main = NGINX_CONF.format(root=self.root, temporary=temporary, user=user)
        (self.root / "etc/nginx/nginx.conf").write_text(main, encoding="utf-8")

    def _put_release(self, wheel: Path) -> None:
        build = self.root / "build"
        shutil.copy2(wheel, build / "dist")
        shutil.copytree(ROOT / "requirements", build / "requirements")
        shutil.copytree(DEPLOY, build / "deploy")
        for file in (build / "deploy").rglob("*"):
            if file.is_file():
                file.write_text(self.moved(file.read_text(encoding="utf-8")), encoding="utf-8")

    def moved(self, text: str) -> str:
        """The text with the server's paths and ports led into the sandbox."""
        text = re.sub(
            r"(?<![\w/.:-])/(etc|opt|var|root|usr/local)\b", f"{self.root}/\\1", text
        ).replace("/run/postgresql", str(self.postgres))
        text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
        metrics = {"9100": self.ports["M1"], "910%i": self.ports["M2"]}
        for old, new in metrics.items():
            text = text.replace(f"HUB_METRICS_PORT={old}", f"HUB_METRICS_PORT={new}")
        for old, name in (("6379", "REDIS"), ("8080", "WEB")):
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{self.ports[name]}")
        text = text.replace("listen 80;", f"listen 127.0.0.1:{self.ports['PLAIN']};")
        return text.replace("listen 443 ", f"listen 127.0.0.1:{self.ports['TLS']} ")

    def environment(self) -> dict[str, str]:
        plain = {name: told for name, told in os.environ.items() if not name.startswith("HUB_")}
        for name in ("PYTHONPATH", "VIRTUAL_ENV"):
            plain.pop(name, None)
        path = f"{self.root}/bin:{self.root}/usr/local/bin:{plain['PATH']}:/usr/sbin"
        return plain | {
            "PATH": path,
            "SANDBOX": str(self.root),
            "STAND_IN": str(Path(__file__).with_name("systemctl.py")),
            "TEST_PYTHON": sys.executable,
            "LENT": sysconfig.get_path("purelib"),
            "NGINX": needed("nginx", "nginx-light"),
            "TLS": str(self.ports["TLS"]),
            "PGHOST": str(self.postgres),
            "HUB_PORT": str(self.ports["WEB"]),
            "HUB_WEB_WORKERS": "2",
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(self, lines: list[str]) -> subprocess.CompletedProcess[str]:
        """One shell runs them all, says which one it is at, and stops at the first that fails."""
        script = self.root / "walk.sh"
        told = [f"echo '>>>' {number}\n{self.moved(line)}" for number, line in enumerate(lines)]
        script.write_text("set -euo pipefail\n" + "\n".join(told) + "\n", encoding="utf-8")
        return subprocess.run(
            ["bash", str(script)], cwd=self.root / "build", env=self.environment(),
            capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip

    def logs(self) -> str:
        return "\n".join(
            f"== {log.name}\n{log.read_text(encoding='utf-8', errors='replace')[-1500:]}"
            for log in sorted((self.root / "log").iterdir())
        )

    def end(self) -> None:
        for file in (self.root / "pids").iterdir():
            with suppress(ProcessLookupError):
                os.killpg(int(file.read_text(encoding="utf-8")), signal.SIGKILL)


@pytest.fixture
def sandbox(wheel, tmp_path):
    for program, package in (("createuser", "postgresql-client"), ("openssl", "openssl")):
        needed(program, package)
    needed("nginx", "nginx-light")
    try:
        postgres = start_postgres()
    except NotStarted as error:
        pytest.skip(str(error))
    made = Sandbox(tmp_path / "server", wheel, postgres.folder)
    yield made
    made.end()
    postgres.stop()


def test_the_walk_leads_to_a_public_webhook(sandbox):
    lines = [line for section in WALK for line in commands(section) if not is_left_out(line)]
    if shutil.which("promtool") is None:
        lines = [line for line in lines if not line.startswith("promtool ")]

    walked = sandbox.run(lines)

    at = int(walked.stdout.rpartition(">>> ")[2].split()[0])
    said = f"{walked.stdout[-2000:]}\n{walked.stderr[-3000:]}"
    assert walked.returncode == 0, f"{lines[at]}\n{said}\n{sandbox.logs()}"
    assert "password" in walked.stdout
    assert "FAIL" not in walked.stdout
    inside = sandbox.root / "etc/loyalty-hub/secret-keys"
    assert inside.stat().st_mode & 0o007 == 0
    look_from_outside(sandbox)


def look_from_outside(sandbox: Sandbox) -> None:
    """A page and a webhook through nginx over https, and nothing that is for inside."""
    plain, tls = sandbox.ports["PLAIN"], sandbox.ports["TLS"]
    name = {"Host": "hub.example.ru"}
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    outside = requests.Session()
    outside.verify, outside.trust_env = False, False
    outside.headers.update(name)
    secure = f"https://127.0.0.1:{tls}"

    moved = outside.get(f"http://127.0.0.1:{plain}/admin/", allow_redirects=False, timeout=20)
    assert (moved.status_code, moved.headers["Location"]) == (301, "https://hub.example.ru/admin/")
    page = outside.get(f"{secure}/admin/login", timeout=20)
    assert page.status_code == 200
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    for inner in ("/metrics", "/readyz", "/healthz", "//metrics", "/%6Detrics", "/x/../metrics"):
        asked = requests.Request("GET", secure, headers=name).prepare()
        asked.url = secure + inner
        assert outside.send(asked, verify=False, timeout=20).status_code == 404, inner

    listed = subprocess.run(
        ["loyalty-hub", "installations", "list", "--json"], env=sandbox.environment(),
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    (shop,) = json.loads(listed.stdout)
    called = outside.post(secure + shop["hook"], data={"webhook_id": "7"}, timeout=20)
    assert called.status_code == 200
    assert outside.post(secure + shop["hook"], data=b"{}", timeout=20).status_code in {400, 401}
