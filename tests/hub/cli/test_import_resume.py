"""An import that is killed goes on where it was, in a process of its own as owners run it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys

import pytest
from sqlalchemy import func, select

from loyalty_core.store.database import read
from loyalty_core.store.tables import accounts, imports, members
from tests.support.moving import points_of, write_balances, write_members, write_rows
from tests.support.waiting import wait_until

SIZE = 12_000


pytestmark = pytest.mark.usefixtures("on_engine")


@pytest.fixture
def start(demo, settings):
    """Start `loyalty-hub import ...` as a process."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    program = "from hub.cli import main; main(prog_name='loyalty-hub')"

    def begin(*words):
        return subprocess.Popen(
            [sys.executable, "-c", program, "import", *words],
            env={**others, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


def position(engine, kind):
    with read(engine) as connection:
        query = select(imports.c.position).where(imports.c.kind == kind)
        return connection.scalar(query) or 0


def kill_in_the_middle(engine, kind, process):
    wait_until(lambda: position(engine, kind) >= 2000, within_s=60)
    process.kill()
    process.communicate(timeout=30)
    return position(engine, kind)


def test_r112_members_killed_in_the_middle_go_on(start, demo, engine, tmp_path):
    file, rejected = tmp_path / "members.csv", tmp_path / "rejected.csv"
    write_members(file, SIZE)
    with file.open("a", encoding="utf-8") as more:
        more.write("12;Плохой;;;\n8 (916) 000-00-07;Дважды;;;\n")
    early = file.read_text("utf-8").replace("\n", "\nнет;Первый;;;\n", 1)
    file.write_text(early, "utf-8")
    words = ("members", str(file), "--rejected", str(rejected))

    stopped = kill_in_the_middle(engine, "members", start(*words))
    assert 0 < stopped < SIZE, "it was killed in the middle"
    again = start(*words)
    out, err = again.communicate(timeout=120)

    assert again.returncode == 1, err
    assert f"Goes on after {stopped} rows" in out
    assert f"Members: 0 before, {SIZE} after" in out
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(members)) == SIZE
    with rejected.open(encoding="utf-8", newline="") as told:
        kept = list(csv.DictReader(told, delimiter=";"))
    assert [row["ФИО"] for row in kept] == ["Первый", "Плохой", "Дважды"], "each of them once"
    once_more = demo("import", *words, "--json").json
    assert (once_more["new"], once_more["known"], once_more["rejected"]) == (0, SIZE, 3)


def test_r112_balances_killed_in_the_middle_are_booked_once(start, demo, engine, tmp_path):
    base, file = tmp_path / "members.csv", tmp_path / "balances.csv"
    write_members(base, SIZE)
    total = write_balances(file, SIZE)
    assert demo("import", "members", str(base)).code == 0
    dry = demo("import", "balances", str(file), "--dry-run", "--json").json

    stopped = kill_in_the_middle(engine, "balances", start("balances", str(file)))
    assert 0 < stopped < SIZE, "it was killed in the middle"
    done = demo("import", "balances", str(file), "--json").json

    same = ("points_in_file", "points_taken", "taken", "rejected", "before", "after")
    assert [done[name] for name in same] == [dry[name] for name in same]
    with read(engine) as connection:
        booked = connection.scalar(select(func.sum(accounts.c.available)))
    assert booked == total == sum(points_of(number) for number in range(SIZE))
    again = demo("import", "balances", str(file), "--json").json
    assert again["points_taken"] == "0.00"
    assert demo("ledger", "verify").code == 0


def test_r112_two_at_once_do_not_bring_in_one_file_twice(start, demo, engine, tmp_path):
    file = tmp_path / "members.csv"
    write_members(file, SIZE)

    both = [start("members", str(file)) for _ in range(2)]
    told = [process.communicate(timeout=180) for process in both]

    assert 0 in [process.returncode for process in both], told
    for process, (_, err) in zip(both, told, strict=True):
        assert process.returncode == 0 or "same file" in err
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(members)) == SIZE


def test_r112_people_of_two_files_at_once_are_there_once(start, demo, engine, tmp_path):
    """Two imports race for each name; the database decides who is first."""
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    for file in (one, other):
        write_members(file, SIZE // 2)
    with other.open("a", encoding="utf-8") as more:
        more.write("\n")  # the very same file would be one import

    both = [start("members", str(file), "--json") for file in (one, other)]
    told = [process.communicate(timeout=180) for process in both]

    assert [process.returncode for process in both] == [0, 0], told
    done = [json.loads(out) for out, _ in told]
    assert sum(each["new"] for each in done) == SIZE // 2
    assert sum(each["known"] for each in done) == SIZE // 2
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(members)) == SIZE // 2


def test_r112_what_was_cut_off_is_listed(start, demo, engine, tmp_path):
    file = tmp_path / "members.csv"
    write_members(file, SIZE)
    kill_in_the_middle(engine, "members", start("members", str(file)))

    (row,) = demo("import", "list", "--json").json

    assert (row["kind"], row["name"], row["state"]) == ("members", "members", "running")
    other = write_rows(tmp_path / "other.csv", "phone", "+79161234567")
    demo("import", "members", str(other), "--name", "members")
    (row,) = demo("import", "list", "--json").json
    assert (row["state"], row["rows"]) == ("done", 1), "another file begins anew"
