"""Stands in for systemctl where systemd is not init: does what the hub's own units say.

Of a unit it takes the commands, the environment and what a target wants; the walls around a
service are systemd's and are looked at by `test_units.py`.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

SANDBOX = Path(os.environ["SANDBOX"])
UNITS = SANDBOX / "etc/systemd/system"
PIDS = SANDBOX / "pids"
LOGS = SANDBOX / "log"
PATIENCE_S = 60
#: Services of Debian's; Prometheus itself is not what is walked here.
OTHERS = {
    "redis-server": ["redis-server", str(SANDBOX / "etc/redis/redis.conf")],
    "nginx": ["nginx", "-g", "daemon off;"],
    "prometheus": ["true"],
}


def main(words: list[str]) -> None:
    match words:
        case ["daemon-reload"]:
            pass
        case ["start", name] | ["enable", "--now", name]:
            start(name)
        case ["stop", name]:
            stop(name)
        case ["restart", name]:
            stop(name)
            start(name)
        case ["reload", "nginx"]:
            subprocess.run(["nginx", "-s", "reload"], check=True)
        case _:
            sys.exit(f"The stand-in for systemctl does not know: {words}")


def start(name: str) -> None:
    if name.endswith(".target"):
        for wanted in values(UNITS / name, "Wants"):
            start(wanted)
    elif name in OTHERS:
        begin(name, OTHERS[name], dict(os.environ))
    elif not name.endswith(".timer"):
        start_service(name.removesuffix(".service"))


def start_service(name: str) -> None:
    kind, _, instance = name.partition("@")
    unit = UNITS / (f"{kind}@.service" if instance else f"{kind}.service")
    common = UNITS / "loyalty-hub-.service.d/common.conf"
    environment = dict(os.environ) | {"PGUSER": "loyalty-hub"}
    for pair in values(common, "Environment") + values(unit, "Environment"):
        key, _, told = pair.replace("%i", instance).partition("=")
        environment[key] = told
    for file in values(common, "EnvironmentFile"):
        for line in Path(file).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                key, _, told = line.partition("=")
                environment[key] = told
    if values(unit, "Type") != ["oneshot"]:
        begin(name, command(values(unit, "ExecStart")[0], instance), environment)
        return
    for step in ("ExecStartPre", "ExecStart", "ExecStartPost"):
        for line in values(unit, step):
            cwd = SANDBOX / "var/lib/loyalty-hub"
            subprocess.run(command(line, instance), env=environment, cwd=cwd, check=True)


def command(line: str, instance: str) -> list[str]:
    return shlex.split(line.replace("%i", instance).replace("%%", "%").replace("$$", "$"))


def values(unit: Path, key: str) -> list[str]:
    lines = unit.read_text(encoding="utf-8").splitlines()
    found = [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]
    return found[0].split() if key == "Wants" and found else found


def begin(name: str, words: list[str], environment: dict[str, str]) -> None:
    if alive(name):
        return
    with (LOGS / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            words, env=environment, cwd=SANDBOX / "var/lib/loyalty-hub", stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    (PIDS / name).write_text(str(process.pid), encoding="utf-8")


def stop(name: str) -> None:
    if name.endswith(".target"):
        for wanted in values(UNITS / name, "Wants"):
            stop(wanted)
        return
    name = name.removesuffix(".service")
    if not alive(name):
        return
    os.kill(int((PIDS / name).read_text()), signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    while alive(name):
        if time.monotonic() > deadline:
            raise SystemExit(f"{name} did not end within {PATIENCE_S} s")
        time.sleep(0.05)


def alive(name: str) -> bool:
    """A process that ended and that nobody has asked for is not alive."""
    try:
        pid = (PIDS / name).read_text(encoding="utf-8")
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return told.rpartition(")")[2].split()[0] != "Z"


if __name__ == "__main__":
    main(sys.argv[1:])
