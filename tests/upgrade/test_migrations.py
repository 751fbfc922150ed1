"""Migrations beside traffic: two at once, busy tables, what /readyz says, and their lint."""

from __future__ import annotations

import ast
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, OperationalError

from hub.app import create_app
from loyalty_core.store import migrate
from loyalty_core.store.database import make_engine, write
from loyalty_core.store.migrate import Standing, standing, upgrade
from tests.support.hub import make_hub
from tests.support.waiting import wait_until

VERSIONS = Path(migrate.__file__).parent / "migrations" / "versions"
PROGRAM = """
import sys
from loyalty_core.store.database import make_engine
from loyalty_core.store.migrate import upgrade
upgrade(make_engine(sys.argv[1]))
"""


def lay_bare(engine, to=None):
    """Take the schema away; with `to`, bring it back to that revision."""
    with write(engine) as connection:
        for name in inspect(connection).get_table_names():
            connection.execute(text(f'DROP TABLE "{name}"'))
    if to is not None:
        upgrade(engine, to=to)


def url_of(engine):
    return engine.url.render_as_string(hide_password=False)


def test_two_processes_at_once_migrate_once(engine):
    lay_bare(engine)
    command = [sys.executable, "-c", PROGRAM, url_of(engine)]

    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=120)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], told
    assert standing(engine) is Standing.CURRENT


def test_a_busy_table_is_tried_again_and_nobody_queues_behind(postgres_engine, monkeypatch):
    """Somebody reads deliveries in a long transaction; the migration may not take it at once."""
    lay_bare(postgres_engine, to="0001")
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_MS", 100)
    tried = threading.Event()
    monkeypatch.setattr(migrate, "PAUSE_S", 0.1)
    migrating = threading.Thread(target=upgrade, args=(postgres_engine,))
    with postgres_engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM deliveries"))
        migrating.start()
        wait_until(lambda: standing(postgres_engine) is Standing.MIGRATING)
        for _ in range(20):
            with postgres_engine.connect() as other:
                other.execute(text("SET LOCAL statement_timeout = 2000"))
                other.execute(text("SELECT count(*) FROM deliveries"))
            tried.wait(0.05)
        assert migrating.is_alive()
    migrating.join(60)

    assert standing(postgres_engine) is Standing.CURRENT


def test_a_table_that_stays_locked_is_an_error_and_changes_nothing(postgres_engine, monkeypatch):
    lay_bare(postgres_engine, to="0001")
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_MS", 50)
    monkeypatch.setattr(migrate, "PAUSE_S", 0.01)
    monkeypatch.setattr(migrate, "TRIES", 3)
    with write(postgres_engine) as holder:
        holder.execute(text("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(OperationalError, match="lock timeout"):
            upgrade(postgres_engine)

    assert migrate.revision(postgres_engine) == "0001"
    upgrade(postgres_engine)
    assert standing(postgres_engine) is Standing.CURRENT


def test_ready_says_what_is_wrong_with_the_schema_and_recovers_by_itself(engine):
    lay_bare(engine, to="0001")
    web = create_app(make_hub(engine)).test_client()

    def told():
        answer = web.get("/readyz")
        return answer.status_code, answer.json["problems"].get("migrations")

    assert told() == (503, "run `loyalty-hub migrate`")
    upgrade(engine)
    assert told() == (200, None)
    with write(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    assert told() == (
        503,
        "the database is newer than this process; start the newer version",
    )


def test_ready_says_that_a_migration_is_running(postgres_engine):
    lay_bare(postgres_engine, to="0001")
    web = create_app(make_hub(postgres_engine)).test_client()
    with postgres_engine.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({migrate.LOCK})"))
        answer = web.get("/readyz")
        connection.invalidate()

    assert answer.status_code == 503
    assert answer.json["problems"] == {"migrations": "a migration is running"}
    wait_until(lambda: web.get("/readyz").json["problems"]["migrations"].startswith("run"))


def test_the_sql_of_a_migration_can_be_read_before(engine):
    lay_bare(engine, to="0001")

    script = migrate.statements(engine)

    assert "ALTER TABLE deliveries ADD COLUMN" in script
    assert migrate.revision(engine) == "0001"
    upgrade(engine)
    assert migrate.statements(engine) == ""


def test_a_check_lets_more_pass_for_all_who_are_connected(engine):
    """A file that was at work stays, and who was connected before writes one of a new kind."""
    lay_bare(engine, to="0035")
    row = (
        "INSERT INTO uploads (id, programme_id, kind, name, options, headings, stage, due_at,"
        " made_at, made_by, changed_at)"
        " VALUES (:id, 1, :kind, 'a.csv', '{}', '[]', 'checking', 1, 1, 'test', 1)"
    )

    def put(connection, number, kind):
        connection.execute(text(row), {"id": number, "kind": kind})

    with engine.connect() as early:
        with early.begin():
            put(early, 1, "coupons")
        upgrade(engine)
        with early.begin():
            put(early, 2, "members")
            found = early.execute(text("SELECT kind, columns, counts FROM uploads ORDER BY id"))
            kinds = [kind for kind, *_ in found]
        with pytest.raises(IntegrityError, match="kind_known"), early.begin():
            put(early, 3, "nonsense")

    assert kinds == ["coupons", "members"]


def statements_of(script: str) -> Iterator[str]:
    """One after the other; a trigger has semicolons of its own."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip("; \n"), "it ends in the middle of a statement"


def test_the_whole_script_runs_by_itself(tmp_path):
    """What `migrate --dry-run` prints for an empty database makes the same schema."""
    engine = make_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    script = "\n".join(
        line for line in migrate.statements(engine).splitlines() if not line.startswith("--")
    )
    with write(engine) as connection:
        for statement in statements_of(script):
            connection.exec_driver_sql(statement)
    try:
        assert standing(engine) is Standing.CURRENT
    finally:
        engine.dispose()


# --- the lint -------------------------------------------------------------------------------

GROWING = {
    *("accounts", "lots", "entries", "entry_lots", "holds", "hold_claims"),
    *("members", "identities", "purchases", "purchase_lines", "purchase_fiscal", "refunds"),
    *("happenings", "deliveries", "documents", "outbox"),
}
"""Tables of millions of rows: what locks them or writes them anew stops the shops."""
REWRITES = {"alter_column", "batch_alter_table", "execute", "drop_column", "rename_table"}
SLOW = {
    "create_check_constraint",
    "create_foreign_key",
    "create_unique_constraint",
    "create_primary_key",
}


def complaints(source: str) -> list[str]:
    """What a migration may not do beside traffic, as `line: what`."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [
        f"{call.lineno}: {problem}" for call in calls for problem in [_problem(call)] if problem
    ]


def _problem(call: ast.Call) -> str | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    on_op = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "op"
    if on_op and name in REWRITES | SLOW:
        return f"op.{name} locks a table, or writes it anew: expand, migrate, contract"
    if on_op and name == "create_index" and _table_of(call) in GROWING:
        return "an index on a big table: beside_traffic.create_index"
    if on_op and name == "add_column":
        return "a column: beside_traffic.add_column"
    called = ast.unparse(call.func)
    if called == "add_column" and _demands(call):
        return "NOT NULL without server_default: the rows of before have no value"
    return None


def _table_of(call: ast.Call) -> object:
    given = call.args[1] if len(call.args) > 1 else None
    return given.value if isinstance(given, ast.Constant) else None


def _demands(call: ast.Call) -> bool:
    column = call.args[1]
    assert isinstance(column, ast.Call)
    said = {keyword.arg: ast.unparse(keyword.value) for keyword in column.keywords}
    return said.get("nullable") == "False" and "server_default" not in said


@pytest.mark.parametrize(
    "path", [p for p in sorted(VERSIONS.glob("*.py")) if p.name[:4] > "0001"], ids=lambda p: p.stem
)
def test_a_migration_may_run_beside_traffic(path):
    assert complaints(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        'op.create_index("i", "entries", ["kind"])',
        'op.add_column("entries", sa.Column("n", BigInt))',
        'add_column("entries", sa.Column("n", BigInt, nullable=False))',
        'op.alter_column("entries", "kind", type_=sa.Integer())',
        'op.execute("UPDATE entries SET kind = 1")',
        'op.create_check_constraint("c", "lots", "free > 0")',
    ],
)
def test_the_lint_finds_what_it_is_for(line):
    assert len(complaints(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        'create_index("i", "entries", ["kind"])',
        'add_column("entries", sa.Column("n", BigInt, nullable=True))',
        'add_column("lots", sa.Column("n", BigInt, nullable=False, server_default="0"))',
        'op.create_index("i", "admins", ["login"])',
        'op.create_table("new", sa.Column("id", BigInt, nullable=False))',
    ],
)
def test_the_lint_lets_the_rest_pass(line):
    assert complaints(line) == []
