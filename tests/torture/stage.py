"""The servers and the hub's processes of one run, each of which can be harmed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
import requests
from sqlalchemy import Engine, text

from hub.installations import create_installation
from hub.registry import registry_of
from loyalty_core.service.api_keys import SCOPES, create_key
from loyalty_core.service.programmes import create_programme
from loyalty_core.store import migrate, partitions
from loyalty_core.store.database import make_engine, transact, write
from tests.support import servers
from tests.support.hub import SECRET_KEY, make_hub
from tests.support.ledger import NOW, rules
from tests.support.shopfloor import SETTINGS, Remote, tablo
from tests.support.waiting import wait_until
from tests.torture.programs import Program, meanwhile, revived
from tools.programs import find_postgres, find_redis

CONNECTED = 60.0
_LOOK_S = 0.05
DURABLE: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_init_zero": "on",
    "max_wal_size": "96MB",
    "min_wal_size": "32MB",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "restart_after_crash": "on",
    "listen_addresses": "",
    "timezone": "UTC",
}
"""A server that keeps what it acknowledged, whoever kills it."""
FORGETFUL: Mapping[str, str] = {
    "synchronous_commit": "off",
    "wal_buffers": "64MB",
    # Who writes a dirty page writes its log first, and with it the commits of everybody.
    "bgwriter_lru_maxpages": "0",
    "autovacuum": "off",
}
"""The opposite: commits are acknowledged long before they are kept; see `_forgetting`."""
LIFE_DAYS = 3650
JUMPING = ("worker1", "scheduler")
"""Processes whose clocks may go wrong."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to set the stage.  `logs`: where the logs of all processes are left.

    `forgetful` and `doubling` break it on purpose.  `doubling`: the inbox keeps every call, as
    if the key of deliveries were not unique.
    """

    disk_mb: int = 512
    logs: Path | None = None
    partitions: int = 0
    forgetful: bool = False
    doubling: bool = False


class Stage:
    """Everything that runs, and where it is reached."""

    def __init__(self, plan: Plan, folder: Path, disk: Disk) -> None:
        self.plan = plan
        self.folder = folder
        self.disk = disk
        self.account = servers.unprivileged_account()
        self.clocks = {name: Clockwork(folder / f"clock-{name}") for name in ("hub", *JUMPING)}
        self._port, self._redis_port = servers.free_port(), servers.free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self.redis_url = f"redis://127.0.0.1:{self._redis_port}/0"
        self.database_url = f"postgresql://hub@/postgres?host={disk.folder}"
        self.postgres = self._postgres()
        self.redis = self._redis()
        self.web = self._of_the_hub("web", "web", "hub")
        self.workers = [
            self._of_the_hub("worker1", "worker", "worker1"),
            self._of_the_hub("worker2", "worker", "hub"),
        ]
        self.scheduler = self._of_the_hub("scheduler", "scheduler", "scheduler")
        self.hub = [self.web, *self.workers, self.scheduler]
        self.engine: Engine
        self.programme_id = 0
        self.key = ""
        self.hook = ""

    @property
    def programs(self) -> list[Program]:
        return [self.postgres, self.redis, *self.hub]

    def reachable(self) -> bool:
        """Whether the web says that it is ready."""
        try:
            return requests.get(f"{self.address}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def flush_redis(self) -> None:
        with redis.Redis.from_url(self.redis_url, socket_timeout=5) as client:
            client.flushall()

    def prepare(self) -> None:
        """Servers up, schema made, one programme with one till and one key."""
        self.postgres.start()
        self.redis.start()
        wait_until(self._postgres_answers, within_s=CONNECTED)
        wait_until(self._redis_answers, within_s=CONNECTED)
        self.engine = make_engine(self.database_url)
        migrate.upgrade(self.engine)
        if self.plan.partitions:
            with write(self.engine) as connection:
                partitions.partition(connection, self.plan.partitions)
        if self.plan.doubling:
            with write(self.engine) as connection:
                connection.execute(text(_DOUBLING))
        self._open_shop()
        # What the stage itself has made is kept, even by a server that forgets.
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("CHECKPOINT"))

    def _open_shop(self) -> None:
        self.programme_id = transact(
            self.engine,
            lambda connection: create_programme(
                connection,
                code="torture",
                document=rules(earn="100", life_days=LIFE_DAYS),
                author="torture",
                now=NOW,
            ),
        ).id
        self.key = transact(
            self.engine,
            lambda connection: create_key(
                connection, programme_id=self.programme_id, name="till", scopes=SCOPES, now=NOW
            ),
        ).key
        hub = make_hub(
            self.engine, registry=registry_of([tablo(Remote())]), data_dir=self.folder / "data"
        )
        till = create_installation(
            hub, programme_id=self.programme_id, connector="tablo", name="till", settings=SETTINGS
        )
        self.hook = till.hooks["events"]

    # --- programs ---------------------------------------------------------------------------

    def _postgres(self) -> Program:
        found = find_postgres()
        if found is None:
            raise servers.NotStarted("no PostgreSQL on this machine")
        binaries = servers.reachable(found, self.folder, self.account)
        data = str(self.disk.folder / "data")
        who = {"user": self.account.uid, "group": self.account.gid}
        extra = None if self.account.uid is None else []
        made = subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "hub", "--auth=trust", "--locale=C.UTF-8"],
            cwd="/",
            capture_output=True,
            extra_groups=extra,
            check=False,
            **who,
        )
        if made.returncode:
            raise servers.NotStarted(made.stderr.decode("utf-8", "replace"))
        settings = DURABLE | {"unix_socket_directories": str(self.disk.folder)}
        settings |= FORGETFUL if self.plan.forgetful else {}
        given = [word for name in settings for word in ("-c", f"{name}={settings[name]}")]
        return Program(
            "postgres",
            [str(binaries / "postgres"), "-D", data, *given],
            dict(os.environ),
            self.folder / "postgres.log",
            self.account,
            # A server whose log writer is held does not end for a milder one.
            signal.SIGQUIT if self.plan.forgetful else signal.SIGINT,
        )

    def _redis(self) -> Program:
        binary = find_redis()
        if binary is None:
            raise servers.NotStarted("no Redis on this machine")
        words = ["--bind", "127.0.0.1", "--port", str(self._redis_port), "--save", ""]
        return Program(
            "redis",
            [str(binary), *words, "--appendonly", "no", "--dir", str(self.folder)],
            dict(os.environ),
            self.folder / "redis.log",
        )

    def _of_the_hub(self, name: str, role: str, clock: str) -> Program:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
        told = {
            "HUB_DATA_DIR": str(self.folder / "data"),
            "HUB_DATABASE_URL": self.database_url,
            "HUB_REDIS_URL": self.redis_url,
            "HUB_SECRET_KEYS": SECRET_KEY,
            "HUB_HOST": "127.0.0.1",
            "HUB_PORT": str(self._port),
            "HUB_DEMO": "0",
            "HUB_WEB_WORKERS": "2",
            "HUB_WEB_THREADS": "8",
            "HUB_RATE_LIMIT": "100000000/minute",
            "HUB_SWEEP_S": "1",
            "HUB_LOG_FORMAT": "json",
            "HUB_LOG_LEVEL": "WARNING",
        }
        launcher = [sys.executable, "-m", "tests.torture.launcher", role]
        command = [*launcher, str(self.clocks[clock].file)]
        return Program(name, command, clean | told, self.folder / f"{name}.log")

    def _postgres_answers(self) -> bool:
        try:
            psycopg.connect(host=str(self.disk.folder), user="hub", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _redis_answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._redis_port), timeout=1).close()
        except OSError:
            return False
        return True


_DOUBLING = """
    CREATE FUNCTION not_unique() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.key := NEW.key || '/' || NEW.id; RETURN NEW; END $$;
    CREATE TRIGGER not_unique BEFORE INSERT ON deliveries
    FOR EACH ROW EXECUTE FUNCTION not_unique();
"""


class Clockwork:
    """How far off the clock of some processes is, in seconds."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, seconds: float) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(seconds), "ascii")
        fresh.replace(self.file)


class Disk:
    """The database's disk, small and of its own where this machine lets us mount one."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self.mounted = mounted
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Take all that is left."""
        free = os.statvfs(self.folder)
        with self._ballast.open("wb") as ballast:
            size = free.f_bavail * free.f_frsize
            while size >= free.f_frsize:
                try:
                    os.posix_fallocate(ballast.fileno(), ballast.seek(0, 2), size)
                except OSError:
                    size //= 2

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def _disk(folder: Path, size_mb: int) -> Iterator[Disk]:
    place = folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0755", "tmpfs", str(place)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0
    try:
        account = servers.unprivileged_account()
        if account.uid is not None and account.gid is not None:
            os.chown(place, account.uid, account.gid)
        yield Disk(place, mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=False)


def _leave_logs(folder: Path, wanted: Path | None) -> None:
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
        for log in folder.glob("*.log"):
            shutil.copy(log, wanted)


@contextmanager
def _forgetting(postgres: Program) -> Iterator[None]:
    """Hold the process that writes the log, whenever the server has a new one.

    It writes each page of the log that is full, whatever the settings say, and what is written
    outlives the server: without this, hardly a commit would be forgotten.
    """

    def hold() -> None:
        for pid in postgres.children():
            with suppress(OSError):
                if b"walwriter" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGSTOP)

    with meanwhile(hold, every_s=_LOOK_S):
        yield


@contextmanager
def set_up(plan: Plan) -> Iterator[Stage]:
    """A stage with everything running; stopped and removed afterwards.

    Raises: NotStarted (a server is not on this machine).
    """
    folder = servers.private_folder("torture", servers.Account())
    folder.chmod(0o755)
    with ExitStack() as after:
        after.callback(shutil.rmtree, folder, ignore_errors=True)
        after.callback(_leave_logs, folder, plan.logs)
        stage = Stage(plan, folder, after.enter_context(_disk(folder, plan.disk_mb)))
        for program in stage.programs:
            after.callback(program.stop)
        stage.prepare()
        after.callback(stage.engine.dispose)
        for program in stage.hub:
            program.start()
        if plan.forgetful:
            after.enter_context(_forgetting(stage.postgres))
        with revived(stage.programs):
            wait_until(stage.reachable, within_s=CONNECTED)
            yield stage
