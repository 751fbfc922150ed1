"""PostgreSQL's own programs: pg_dump, pg_restore, psql, found and started."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import Engine

from hub.keeping.archive import BackupRefused

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version of PostgreSQL."""
_LOOK_UP_S = 0.2
_TOLD = 500


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with the programs of one version, and how they reach the database."""

    folder: Path
    conninfo: str
    environment: Mapping[str, str]

    def run(self, words: Sequence[str], *, looking: Callable[[], None] = lambda: None) -> None:
        """Run one to its end, calling `looking` now and then.

        Raises: BackupRefused, with what the program said last.
        """
        command = [str(self.folder / words[0]), *words[1:]]
        with subprocess.Popen(  # nosec B603 # noqa: S603 - programs of PostgreSQL, no shell
            command,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as running:
            try:
                told = _outlived(running, looking)
            except BaseException:
                running.terminate()  # else leaving waits until it has done all its work
                raise
        if running.returncode != 0:
            raise BackupRefused(f"{words[0]} failed: {told.strip()[-_TOLD:]}")


def find_programs(engine: Engine, server_version: int) -> Programs:
    """The programs that fit a server of this major version: the same, or the next newer.

    pg_dump refuses a server that is newer than itself (PostgreSQL's page on pg_dump, Notes).

    Raises: BackupRefused, saying what to install.
    """
    found = {folder: version for folder in _folders() if (version := _version(folder))}
    if not found:
        raise BackupRefused(
            "pg_dump was not found.  Install PostgreSQL's client programs"
            f" (Debian: apt-get install postgresql-client-{server_version})."
        )
    fitting = {folder: version for folder, version in found.items() if version >= server_version}
    if not fitting:
        raise BackupRefused(
            f"The server is PostgreSQL {server_version}, and pg_dump is of version"
            f" {max(found.values())}: it cannot read a newer server.  Install"
            f" postgresql-client-{server_version}."
        )
    folder = min(fitting, key=lambda one: fitting[one])
    return Programs(folder, *_way_to(engine))


def _folders() -> list[Path]:
    on_path = shutil.which("pg_dump")
    return [*DEBIAN.glob("*/bin"), *([Path(on_path).parent] if on_path else [])]


def _version(folder: Path) -> int | None:
    """The major version; None where one of the programs is missing."""
    if not all((folder / name).exists() for name in ("pg_dump", "pg_restore", "psql")):
        return None
    asked = subprocess.run(  # nosec B603 # noqa: S603 - a program of PostgreSQL, no shell
        [str(folder / "pg_dump"), "--version"], capture_output=True, text=True, check=False
    )
    number = re.search(r"\b(\d+)[.\s]", asked.stdout + " ")
    return int(number[1]) if number else None


def _way_to(engine: Engine) -> tuple[str, Mapping[str, str]]:
    """libpq's words for the engine's database; the password goes by the environment, since
    everybody on the machine sees the words of a command.
    """
    _, said = engine.dialect.create_connect_args(engine.url)
    password = said.pop("password", None)
    known = {name: value for name, value in said.items() if isinstance(value, str | int)}
    conninfo = psycopg.conninfo.make_conninfo("", **known)
    return conninfo, {"PGPASSWORD": str(password)} if password else {}


def _outlived(running: subprocess.Popen[bytes], looking: Callable[[], None]) -> str:
    while True:
        try:
            _, told = running.communicate(timeout=_LOOK_UP_S)
        except subprocess.TimeoutExpired:
            looking()
        else:
            return told.decode("utf-8", "replace")
