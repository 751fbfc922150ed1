"""Private servers for tests: own folders, own sockets, unprivileged, gone afterwards.

Under pytest-xdist the controller starts one of each and hands the addresses to the workers.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from tools.programs import find_mariadb, find_postgres, find_redis

ON_DISK = Path("/tmp")
START_S = 60
POLL_S = 0.05
TRIES = 5
#: PostgreSQL refuses to run as root; these accounts exist already and may do little.
UNPRIVILEGED = ("postgres", "nobody")
#: Nothing here has to outlive a power cut.
POSTGRES_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "400",
    "listen_addresses": "",
    "timezone": "UTC",
}
REDIS_DATABASES = 64
#: Nobody but this account reaches the socket, and nothing has to outlive a power cut.
MARIADB_OPTIONS = (
    "--skip-networking",
    "--skip-grant-tables",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=64M",
)


class NotStarted(Exception):
    """A server that tests need cannot be had on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who a server runs as; without numbers, whoever we are."""

    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class PrivateServer:
    """A server that is running, and the process that keeps it."""

    url: str
    folder: Path
    keeper: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Stop it and remove its folder; returns when both are gone."""
        if self.keeper.stdin is not None and not self.keeper.stdin.closed:
            self.keeper.stdin.close()
        self.keeper.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_postgres(within: Path = ON_DISK) -> PrivateServer:
    """PostgreSQL on a unix socket; the address is that of its database `postgres`.

    `within`: where its folder is made, on a path short enough for a socket's name.

    Raises: NotStarted.
    """
    binaries = find_postgres()
    if binaries is None:
        raise NotStarted("no PostgreSQL on this machine (Debian: apt-get install postgresql)")
    account = unprivileged_account()
    folder = private_folder("pg", account, within)
    binaries = reachable(binaries, folder, account)
    data = ["-D", str(folder / "data")]
    locale = "C.UTF-8" if sys.platform == "linux" else "C"
    options = ["-U", "hub", "--auth=trust", "--encoding=UTF8", f"--locale={locale}", "--no-sync"]
    settings = POSTGRES_SETTINGS | {"unix_socket_directories": str(folder)}
    given = [word for name in settings for word in ("-c", f"{name}={settings[name]}")]
    keeper = _keep(
        folder,
        account,
        prepare=[str(binaries / "initdb"), *data, *options],
        command=[str(binaries / "postgres"), *data, *given],
    )
    server = PrivateServer(f"postgresql+psycopg://hub@/postgres?host={folder}", folder, keeper)
    _wait_until_up(server, lambda: _postgres_answers(folder))
    return server


def start_redis() -> PrivateServer:
    """Redis on a free port of this machine, behind a password of this session.

    Raises: NotStarted.
    """
    binary = find_redis()
    if binary is None:
        raise NotStarted("no Redis on this machine (Debian: apt-get install redis-server)")
    failures: list[NotStarted] = []
    for _ in range(TRIES):
        try:
            return _redis_on(free_port(), binary)
        except NotStarted as error:  # somebody else took the port in between
            failures.append(error)
    raise failures[-1]


def _redis_on(port: int, binary: Path) -> PrivateServer:
    folder = private_folder("redis", Account())
    word = secrets.token_urlsafe(16)
    settings = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": word,
        "databases": REDIS_DATABASES,
        "save": '""',
        "appendonly": "no",
        "dir": folder,
    }
    configuration = folder / "redis.conf"
    lines = [f"{name} {value}\n" for name, value in settings.items()]
    configuration.write_text("".join(lines), encoding="utf-8")
    keeper = _keep(folder, Account(), command=[str(binary), str(configuration)])
    server = PrivateServer(f"redis://:{word}@127.0.0.1:{port}/0", folder, keeper)
    _wait_until_up(server, lambda: _redis_answers(server.url))
    return server


def start_mariadb(database: str) -> PrivateServer:
    """MariaDB with an empty database; the address is the path of its unix socket.

    Raises: NotStarted.
    """
    server = find_mariadb()
    if server is None:
        raise NotStarted("no MariaDB on this machine (Debian: apt-get install mariadb-server-core)")
    account = unprivileged_account()
    folder = private_folder("mariadb", account)
    first = folder / "first.sql"
    first.write_text(f"CREATE DATABASE {database} CHARACTER SET utf8mb4;\n", encoding="utf-8")
    first.chmod(0o644)
    data, at = f"--datadir={folder / 'data'}", folder / "socket"
    places = [data, f"--socket={at}", f"--pid-file={folder / 'pid'}", f"--init-file={first}"]
    keeper = _keep(
        folder,
        account,
        prepare=["mariadb-install-db", "--no-defaults", data, "--skip-test-db"],
        command=[str(server), "--no-defaults", *places, *MARIADB_OPTIONS],
        stop=signal.SIGKILL,  # there is nothing to save, and it takes its time over it
    )
    started = PrivateServer(str(at), folder, keeper)
    _wait_until_up(started, lambda: _greets(at))
    return started


def start_php(site: Path, account: Account, settings: Sequence[str]) -> PrivateServer:
    """PHP's own server before a site that the account may read; the address is the server's.

    Raises: NotStarted.
    """
    php, port = shutil.which("php"), free_port()
    if php is None:
        raise NotStarted("no PHP on this machine (Debian: apt-get install php-cli)")
    given = [word for setting in settings for word in ("-d", setting)]
    command = [php, *given, "-S", f"127.0.0.1:{port}", "-t", str(site)]
    folder = private_folder("php", account)
    started = PrivateServer(
        f"http://127.0.0.1:{port}", folder, _keep(folder, account, command=command)
    )
    _wait_until_up(started, lambda: _listens(port))
    return started


def unprivileged_account() -> Account:
    if os.geteuid() != 0:
        return Account()
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise NotStarted("PostgreSQL refuses root, and no unprivileged account is here")


def private_folder(name: str, account: Account, within: Path = ON_DISK) -> Path:
    """A new folder that only this account enters, on a path short enough for a socket's name."""
    folder = Path(tempfile.mkdtemp(prefix=f"hub-{name}-", dir=within))
    if account.uid is not None and account.gid is not None:
        os.chown(folder, account.uid, account.gid)
    return folder


def reachable(binaries: Path, folder: Path, account: Account) -> Path:
    """The binaries where the account can run them: a wheel below /root is out of its reach."""
    if account.uid is None or binaries.is_relative_to("/usr"):
        return binaries
    installed, package = binaries.parent, binaries.parent.parent
    programs = folder / "programs" / package.name
    shutil.copytree(installed, programs / installed.name, symlinks=True)
    libraries = f"{package.name}.libs"  # the wheel's binaries look for them beside the package
    shutil.copytree(package.with_name(libraries), programs.with_name(libraries), symlinks=True)
    for made in (programs.parent, programs):
        made.chmod(0o755)  # whatever our umask is
    return programs / installed.name / binaries.name


def _keep(
    folder: Path,
    account: Account,
    *,
    command: list[str],
    prepare: list[str] | None = None,
    stop: int = signal.SIGINT,
) -> subprocess.Popen[bytes]:
    """Start the server under a keeper, in a session of its own: Ctrl-C is for the tests only."""
    spec = {
        "folder": str(folder),
        "prepare": prepare,
        "command": command,
        "uid": account.uid,
        "gid": account.gid,
        "stop": stop,
    }
    keeper = Path(__file__).with_name("keeper.py")
    return subprocess.Popen(
        [sys.executable, str(keeper), json.dumps(spec)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
    )


def _wait_until_up(server: PrivateServer, answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not answers():
        if server.keeper.poll() is not None or time.monotonic() > deadline:
            log = server.folder / "log"
            told = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            server.stop()
            raise NotStarted(f"the server did not start:\n{told[-2000:]}")
        time.sleep(POLL_S)


def _postgres_answers(folder: Path) -> bool:
    try:
        psycopg.connect(host=str(folder), user="hub", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _redis_answers(url: str) -> bool:
    """A stranger on our port knows no password of ours, so it never counts as an answer."""
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _greets(at: Path) -> bool:
    """MariaDB says its version to whoever comes, once its first statements are done."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(at))
            return bool(probe.recv(1))
        except OSError:
            return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
