"""What the machine and the database refuse is told in one line that says what it is about."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import text

from loyalty_core.store.database import write


def told(ran):
    assert (ran.code, ran.out) == (1, "")
    (line,) = ran.err.splitlines()
    return line


def test_a_folder_of_data_that_cannot_be_made(cli, settings, tmp_path):
    (tmp_path / "file").touch()

    settings["HUB_DATA_DIR"] = str(tmp_path / "file")
    assert told(cli("programmes", "list")).startswith("Error: HUB_DATA_DIR: ")
    settings["HUB_DATA_DIR"] = str(tmp_path / "var")
    settings["HUB_DATABASE_URL"] = f"sqlite:///{tmp_path}/file/hub.db"
    assert told(cli("programmes", "list")).startswith("Error: HUB_DATABASE_URL: ")


def test_a_file_that_is_no_database(demo, data_dir):
    (data_dir / "hub.db").write_bytes(b"not a database at all" * 100)

    assert "The database cannot be used: file is not a database" in told(demo("programmes", "list"))


def test_a_database_in_which_this_account_may_make_nothing(cli, settings, postgres_engine):
    """As PostgreSQL 15 and newer are where somebody else made the database."""
    name = f"shopkeeper_{os.getpid()}"
    schema = "somebody_elses"
    with write(postgres_engine) as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {name}"))
    url = postgres_engine.url.set(username=name).update_query_dict(
        {"options": f"-csearch_path={schema}"}
    )
    settings["HUB_DATABASE_URL"] = url.render_as_string(hide_password=False)
    try:
        line = told(cli("migrate"))
        assert f"The database cannot be used: permission denied for schema {schema}" in line
    finally:
        with write(postgres_engine) as connection:
            connection.execute(text(f"DROP OWNED BY {name}"))
            connection.execute(text(f"DROP ROLE {name}"))


def test_a_disk_that_is_full(demo, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", full)

    line = told(demo("export", str(tmp_path / "out")))

    assert line == "Error: No space left on device"


def full(_number):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("words", [("programmes", "list"), ("rules", "show")])
def test_who_reads_no_further_ends_it_quietly(demo, words, monkeypatch):
    def closed(*_):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("click.echo", closed)

    ran = demo(*words)

    assert (ran.code, ran.err) == (1, "")
