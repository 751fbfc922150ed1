"""`backup` and `restore`: under traffic, into another database, and everything that is refused."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from sqlalchemy import select, text

from hub.app import create_app
from hub.keeping import programs
from loyalty_core.store import partitions
from loyalty_core.store.database import make_engine, read, write
from loyalty_core.store.migrate import Standing, head, standing, upgrade
from loyalty_core.store.tables import metadata, purchases
from tests.hub.api.bodies import a_purchase
from tests.hub.api.client import Caller, new_key
from tests.support.ingest import Shopfloor
from tests.support.waiting import wait_until


def url_of(engine):
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture
def shop(engine):
    return Shopfloor(engine)


@pytest.fixture
def till(shop):
    return Caller(create_app(shop.hub), new_key(shop.hub, shop.programme.id).key)


@pytest.fixture
def other(request, engine, tmp_path):
    """An empty place for a database of the same kind: its address."""
    if engine.dialect.name == "sqlite":
        yield f"sqlite:///{tmp_path / 'other' / 'hub.db'}"
        return
    with ExitStack() as stack:
        found = stack.enter_context(request.getfixturevalue("_postgres_databases").new())
        with write(found) as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        found.dispose()
        yield url_of(found)


@pytest.fixture
def at(cli, settings):
    """`at(url, "backup", ...)`: a command over that database, with the keys of the tests' hub."""
    from tests.support.hub import SECRET_KEY

    def run(url, *words):
        settings["HUB_DATABASE_URL"] = url
        settings.setdefault("HUB_SECRET_KEYS", SECRET_KEY)
        settings["HUB_CONNECTORS_ENABLED"] = ""
        return cli(*words)

    return run


def buy(till, number):
    told = till.post("/purchases", a_purchase(external_id=f"p-{number}"))
    assert told.status_code == 201, told.get_data(as_text=True)
    return f"p-{number}"


def booked(url):
    engine = make_engine(url)
    try:
        with read(engine) as connection:
            return set(connection.scalars(select(purchases.c.external_id)))
    finally:
        engine.dispose()


def test_under_traffic_and_into_another_database(shop, till, engine, other, at, tmp_path):
    """What was acknowledged before the backup began is in it, and the books agree."""
    file, over, told = tmp_path / "hub.backup", threading.Event(), []

    def trade():
        while not over.is_set():
            told.append(buy(till, len(told)))

    trader = threading.Thread(target=trade)
    trader.start()
    try:
        wait_until(lambda: len(told) >= 5)
        before = set(told)
        made = at(url_of(engine), "backup", str(file))
        wait_until(lambda: len(told) > len(before))
    finally:
        over.set()
        trader.join()
    assert made.code == 0, made.err
    kept = at(url_of(engine), "backup", "--inspect", str(file), "--json").json["rows"]["purchases"]
    assert kept >= len(before)

    put = at(other, "restore", str(file), "--json")

    assert put.code == 0, put.err
    assert (put.json["findings"], put.json["locked_connections"]) == ([], [])
    assert put.json["accounts"] == 1
    assert booked(other) >= before
    assert len(booked(other)) == kept
    assert at(other, "ledger", "verify").code == 0


def test_the_file_is_private_and_any_tar_opens_it(shop, till, engine, at, tmp_path):
    file = tmp_path / "hub.backup"
    buy(till, 1)

    made = at(url_of(engine), "backup", str(file))

    assert made.code == 0, made.err
    assert "NOT in it" in made.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as tar:
        assert tar.getnames() == ["manifest.json", "database", "SHA256SUMS"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
    told = at(url_of(engine), "backup", "--inspect", str(file), "--json").json
    assert (told["rows"]["purchases"], told["schema"], told["with_keys"]) == (1, head(), False)
    assert told["kind"] == engine.dialect.name


def test_a_file_of_this_name_is_left_alone(shop, engine, at, tmp_path):
    file = tmp_path / "hub.backup"
    file.write_text("mine")

    refused = at(url_of(engine), "backup", str(file))

    assert (refused.code, file.read_text()) == (1, "mine")
    assert "--force" in refused.err
    assert at(url_of(engine), "backup", str(file), "--force").code == 0
    assert tarfile.is_tarfile(file)


def test_a_database_that_holds_something_is_left_alone(shop, till, engine, at, tmp_path):
    """Two purchases now, one in the backup: the dry run tells, and --force puts it back."""
    file, url = tmp_path / "hub.backup", url_of(engine)
    buy(till, 1)
    assert at(url, "backup", str(file)).code == 0
    buy(till, 2)
    engine.dispose()

    refused = at(url, "restore", str(file))
    ahead = at(url, "restore", str(file), "--dry-run", "--json")

    assert refused.code == 1
    assert "2 purchases would be lost" in refused.err
    assert (ahead.code, ahead.json["lost"]["purchases"], ahead.json["refusals"]) == (0, 2, [])
    assert booked(url) == {"p-1", "p-2"}
    assert at(url, "restore", str(file), "--force").code == 0
    assert booked(url) == {"p-1"}


def test_a_ledger_in_partitions_comes_back_in_partitions(partitioned_engine, at, tmp_path):
    file, url = tmp_path / "hub.backup", url_of(partitioned_engine)
    shop = Shopfloor(partitioned_engine)
    till = Caller(create_app(shop.hub), new_key(shop.hub, shop.programme.id).key)
    buy(till, 1)
    assert at(url, "backup", str(file)).code == 0
    buy(till, 2)
    partitioned_engine.dispose()

    ahead = at(url, "restore", str(file), "--dry-run", "--json").json
    restored = at(url, "restore", str(file), "--force")

    assert not [name for name in ahead["lost"] if name.startswith("accounts_")]
    assert restored.code == 0, restored.err
    assert booked(url) == {"p-1"}
    with read(partitioned_engine) as connection:
        assert partitions.partitions(connection) == 8


def test_not_while_the_hub_runs(shop, till, engine, at, tmp_path, settings):
    """A real one at rest: it has the database open, and so it is found."""
    file, url = tmp_path / "hub.backup", url_of(engine)
    buy(till, 1)
    assert at(url, "backup", str(file)).code == 0
    engine.dispose()
    with running(settings, tmp_path):
        refused = at(url, "restore", str(file), "--force")
        ahead = at(url, "restore", str(file), "--dry-run")

    assert (refused.code, ahead.code) == (1, 1)
    assert "running" in refused.err
    assert "running" in ahead.out
    assert booked(url) == {"p-1"}
    assert at(url, "restore", str(file), "--force").code == 0


@contextmanager
def running(settings, folder):
    """`loyalty-hub run` over the same settings, ready."""
    log, port = (folder / "run.log").open("w+"), free_port()
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("loyalty-hub")), "run"],
        env={**os.environ, **settings, "HUB_DEMO": "0", "HUB_PORT": str(port)},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until(lambda: is_ready(port), within_s=60)
        yield
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def is_ready(port):
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10).ok
    except requests.ConnectionError:
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda whole: whole[: len(whole) // 2], id="cut off"),
        pytest.param(lambda whole: whole[:700], id="cut off in the manifest"),
        pytest.param(lambda whole: _flipped(whole, len(whole) // 2), id="a bit of the database"),
        pytest.param(lambda whole: whole.replace(b'"schema"', b'"schemb"', 1), id="manifest"),
        pytest.param(lambda whole: b"not a tar at all" * 99, id="something else"),
        pytest.param(lambda whole: b"", id="empty"),
    ],
)
def test_a_damaged_file_changes_nothing(shop, till, engine, at, tmp_path, harm):
    file, url = tmp_path / "hub.backup", url_of(engine)
    buy(till, 1)
    assert at(url, "backup", str(file)).code == 0
    buy(till, 2)
    engine.dispose()
    file.write_bytes(harm(file.read_bytes()))

    refused = at(url, "restore", str(file), "--force")

    assert refused.code == 1
    assert "backup" in refused.err or "damaged" in refused.err
    assert "Traceback" not in refused.err
    assert booked(url) == {"p-1", "p-2"}
    assert at(url, "backup", "--inspect", str(file)).code == 1


def _flipped(whole, place):
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


def test_a_disk_that_fills_up_leaves_nothing(shop, engine, at, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("hub.keeping.archive._add", full)
    folder = tmp_path / "backups"
    folder.mkdir()

    refused = at(url_of(engine), "backup", str(folder / "hub.backup"))

    assert refused.code == 1
    assert "No space left" in refused.err
    assert list(folder.iterdir()) == []


@pytest.fixture
def held(postgres_engine):
    """`with held():` a table is held that every backup must read, so each waits in its middle."""
    with write(postgres_engine) as connection:
        connection.execute(text("CREATE SCHEMA aside"))
        connection.execute(text("CREATE TABLE aside.held (n integer)"))

    @contextmanager
    def holding():
        with write(postgres_engine) as connection:
            connection.execute(text("LOCK TABLE aside.held IN ACCESS EXCLUSIVE MODE"))
            yield

    return holding


@pytest.fixture
def begin(postgres_engine, tmp_path):
    """`begin(file)`: a backup in a process of its own, which has begun to copy."""
    told = {"HUB_DATABASE_URL": url_of(postgres_engine), "HUB_DATA_DIR": str(tmp_path / "var")}
    with ExitStack() as stack:

        def beginning(file):
            before = waiting_programs(postgres_engine)
            process = subprocess.Popen(
                [sys.executable, "-c", "from hub.cli import main; main()", "backup", str(file)],
                env={**os.environ, **told}, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            stack.callback(process.kill)
            wait_until(lambda: waiting_programs(postgres_engine) == before + 1, within_s=60)
            return process

        yield beginning


def test_what_is_told_to_end_leaves_nothing(postgres_engine, held, begin, tmp_path):
    place = tmp_path / "backups"
    place.mkdir()
    with held():
        process = begin(place / "b")
        assert len(os.listdir(place)) == 1, "a folder of its own, with what is copied so far"
        process.terminate()

        assert process.wait(20) == 128 + signal.SIGTERM
        assert os.listdir(place) == []
        wait_until(lambda: waiting_programs(postgres_engine) == 0, within_s=20)


def test_what_a_killed_one_left_goes_with_the_next_and_what_others_do_or_own_stays(
    held, begin, tmp_path
):
    place = tmp_path / "backups"
    alike = place / ".loyalty-hub-of-somebody"
    alike.mkdir(parents=True)
    with held():
        killed = begin(place / "killed")
        killed.kill()
        assert killed.wait(20) == -signal.SIGKILL
        (left,) = set(os.listdir(place)) - {alike.name}
        first = begin(place / "first")
        (own,) = set(os.listdir(place)) - {alike.name}
        assert own != left, "what was left is gone"
        second = begin(place / "second")
        assert len(os.listdir(place)) == 3, "and what is under way is not"
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert set(os.listdir(place)) == {alike.name, "first", "second"}


def waiting_programs(engine):
    """How many of PostgreSQL's own wait for a lock in this database."""
    with read(engine) as connection:
        return connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = 'pg_dump' AND wait_event_type = 'Lock'"
            )
        )


def test_a_file_that_is_not_there(at, engine, tmp_path):
    refused = at(url_of(engine), "restore", str(tmp_path / "nothing"))

    assert refused.code == 1
    assert "no file" in refused.err


def test_an_older_schema_is_brought_up_and_a_newer_one_refused(shop, engine, other, at, tmp_path):
    file, url = tmp_path / "hub.backup", url_of(engine)
    set_revision(engine, "from_the_future")
    assert at(url, "backup", str(file)).code == 0

    refused = at(other, "restore", str(file))

    assert refused.code == 1
    assert "newer version" in refused.err

    with write(engine) as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    upgrade(engine, to="0001")
    assert at(url, "backup", str(file), "--force").code == 0
    assert at(other, "restore", str(file)).code == 0
    restored = make_engine(other)
    assert standing(restored) is Standing.CURRENT
    restored.dispose()


def set_revision(engine, name):
    with write(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :name"), {"name": name})


def test_another_kind_of_database_is_refused(shop, engine, at, tmp_path, sqlite_engine):
    if engine.dialect.name == "sqlite":
        pytest.skip("the other kind is what this is about")
    file = tmp_path / "hub.backup"
    assert at(url_of(engine), "backup", str(file)).code == 0
    sqlite_engine.dispose()

    refused = at(url_of(sqlite_engine), "restore", str(file))

    assert refused.code == 1
    assert "database of its own kind" in refused.err


def test_tables_of_somebody_else_are_never_replaced(shop, engine, other, at, tmp_path):
    file = tmp_path / "hub.backup"
    assert at(url_of(engine), "backup", str(file)).code == 0
    assert at(other, "restore", str(file)).code == 0
    theirs = make_engine(other)
    with write(theirs) as connection:
        connection.execute(text("ALTER TABLE alembic_version RENAME TO not_ours"))
    theirs.dispose()

    refused = at(other, "restore", str(file), "--force")

    assert refused.code == 1
    assert "not the hub's" in refused.err


# --- an SQLite file that is not whole -------------------------------------------------------


@pytest.fixture
def disk(sqlite_engine, tmp_path):
    """A till in SQLite that sold once: the till, the file of its database, that of a backup."""
    shop = Shopfloor(sqlite_engine)
    till = Caller(create_app(shop.hub), new_key(shop.hub, shop.programme.id).key)
    buy(till, 1)
    path = Path(sqlite_engine.url.database)
    return till, path, tmp_path / "hub.backup"


def logs_of(path):
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]


def test_a_log_that_outlived_its_file_does_not_enter_the_copy(disk, sqlite_engine, at):
    till, path, file = disk
    url = url_of(sqlite_engine)
    assert at(url, "backup", str(file)).code == 0
    for number in range(2, 6):
        buy(till, number)
    kept = [log.read_bytes() if log.exists() else b"" for log in logs_of(path)]
    assert kept[0]
    sqlite_engine.dispose()
    path.unlink()
    for log, content in zip(logs_of(path), kept, strict=True):
        log.write_bytes(content)

    put = at(url, "restore", str(file), "--json")

    assert put.code == 0, put.err
    assert (put.json["findings"], booked(url)) == ([], {"p-1"})


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda whole: b"rubbish" * 999, id="rubbish"),
        pytest.param(lambda whole: whole[:5000], id="cut off"),
        pytest.param(lambda whole: whole[:50], id="cut off in its head"),
    ],
)
def test_a_damaged_file_is_replaced_where_force_is_given(disk, sqlite_engine, at, harm):
    till, path, file = disk
    url = url_of(sqlite_engine)
    assert at(url, "backup", str(file)).code == 0
    buy(till, 2)
    log = logs_of(path)[0].read_bytes()
    sqlite_engine.dispose()
    broken = harm(path.read_bytes())
    path.write_bytes(broken)
    logs_of(path)[0].write_bytes(log)

    refused = at(url, "restore", str(file))
    ahead = at(url, "restore", str(file), "--dry-run")

    assert refused.code == 1
    assert "damaged" in refused.err
    assert "--force" in refused.err
    assert ahead.code == 0
    assert "damaged" in ahead.out
    assert path.read_bytes() == broken
    put = at(url, "restore", str(file), "--force")
    assert put.code == 0, put.err
    assert booked(url) == {"p-1"}


# --- keys -----------------------------------------------------------------------------------


def test_without_its_keys_a_restore_says_which_shops_are_shut(
    shop, engine, other, at, tmp_path, settings
):
    file = tmp_path / "hub.backup"
    assert at(url_of(engine), "backup", str(file)).code == 0
    settings["HUB_SECRET_KEYS"] = ""
    settings["HUB_DATA_DIR"] = str(tmp_path / "fresh")

    put = at(other, "restore", str(file))

    assert put.code == 0
    assert "shop1" in put.err
    assert "secret.keys" in put.err


def test_with_its_keys_the_shops_are_open(shop, engine, other, at, tmp_path, settings):
    file = tmp_path / "hub.backup"
    made = at(url_of(engine), "backup", str(file), "--with-keys")
    assert "HOLDS THE KEYS" in made.err
    settings["HUB_SECRET_KEYS"] = ""
    settings["HUB_DATA_DIR"] = str(tmp_path / "fresh")

    put = at(other, "restore", str(file), "--json")

    assert put.json["locked_connections"] == []
    keys = tmp_path / "fresh" / "secret.keys"
    assert len(keys.read_text().split()) == 2
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


# --- PostgreSQL's programs ------------------------------------------------------------------


def test_without_pg_dump_it_says_what_to_install(postgres_engine, at, tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    refused = at(url_of(postgres_engine), "backup", str(tmp_path / "hub.backup"))

    assert refused.code == 1
    assert "apt-get install postgresql-client" in refused.err
    assert not (tmp_path / "hub.backup").exists()


def test_a_server_newer_than_pg_dump_is_said(postgres_engine, at, tmp_path, monkeypatch):
    folder = tmp_path / "9" / "bin"
    folder.mkdir(parents=True)
    for name in ("pg_dump", "pg_restore", "psql"):
        (folder / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6'\n")
        (folder / name).chmod(0o755)
    monkeypatch.setattr(programs, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(folder))

    refused = at(url_of(postgres_engine), "backup", str(tmp_path / "hub.backup"))

    assert refused.code == 1
    assert "cannot read a newer server" in refused.err


def test_books_that_do_not_agree_are_said_after_a_restore(shop, engine, other, at, tmp_path):
    file = tmp_path / "hub.backup"
    with write(engine) as connection:
        connection.execute(
            text("INSERT INTO accounts (member_id, currency, available) VALUES (7, 'points', 9)")
        )
    assert at(url_of(engine), "backup", str(file)).code == 0

    put = at(other, "restore", str(file), "--json")

    assert put.code == 1
    assert put.json["findings"][0]["currency"] == "points"
