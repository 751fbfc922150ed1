"""`loyalty-hub doctor`: each thing that can be wrong is found, and comes with a way out."""

import pytest
from sqlalchemy import text

from loyalty_core.store import heartbeats
from loyalty_core.store.database import make_engine, write
from tests.support.clock import NOON


@pytest.fixture
def checks(cli):
    """What the doctor found, by name."""

    def look():
        told = cli("doctor", "--json")
        found = {check["name"]: check for check in told.json["checks"]}
        healthy = all(check["state"] != "failed" for check in found.values())
        assert told.json["healthy"] == healthy
        assert told.code == (0 if healthy else 1)
        for check in found.values():
            assert (check["remedy"] is None) == (check["state"] == "ok")
        return found

    return look


@pytest.fixture
def database(demo, data_dir):
    engine = make_engine(f"sqlite:///{data_dir / 'hub.db'}")
    yield engine
    engine.dispose()


def test_a_good_hub_that_is_not_running(demo, checks):
    found = checks()

    for name in ("database", "migrations", "clock", "disk", "secret keys", "jobs"):
        assert found[name]["state"] == "ok", found[name]
    assert found["worker"]["state"] == "warning"
    assert "loyalty-hub run" in found["worker"]["remedy"]


def test_for_people_a_line_each(demo):
    told = demo("doctor")

    assert told.code == 0
    assert "ok    database: " in told.out


def test_the_doctor_changes_nothing(demo, database):
    demo("doctor")

    with write(database) as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        assert "doctor_was_here" not in {name for (name,) in tables}


def test_a_database_without_its_schema(cli, checks):
    found = checks()

    assert found["migrations"]["state"] == "failed"
    assert "loyalty-hub migrate" in found["migrations"]["remedy"]


def test_a_database_that_is_away(settings, checks):
    settings["HUB_DATABASE_URL"] = "postgresql://hub:hidden-word@127.0.0.1:1/hub"

    found = checks()

    assert found["database"]["state"] == "failed"
    assert "HUB_DATABASE_URL" in found["database"]["remedy"]
    assert "hidden-word" not in str(found)
    assert "migrations" not in found


def test_a_database_that_cannot_be_written(settings, checks, postgres_engine):
    with write(postgres_engine) as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    settings["HUB_DATABASE_URL"] = postgres_engine.url.render_as_string(hide_password=False)

    assert checks()["database"]["state"] == "failed"


def test_a_server_that_is_well(settings, checks, postgres_engine, redis_url):
    settings["HUB_DATABASE_URL"] = postgres_engine.url.render_as_string(hide_password=False)
    settings["HUB_REDIS_URL"] = redis_url

    found = checks()

    assert {found[name]["state"] for name in ("database", "migrations", "clock", "jobs")} == {"ok"}


def test_a_redis_that_is_away(demo, settings, checks):
    settings["HUB_REDIS_URL"] = "redis://127.0.0.1:1/0"

    assert checks()["jobs"]["state"] == "failed"


def test_keys_that_others_can_read(demo, checks, data_dir):
    (data_dir / "secret.keys").chmod(0o644)

    found = checks()["secret keys"]

    assert found["state"] == "failed"
    assert "chmod 600" in found["remedy"]


def test_a_connector_that_is_not_there(demo, settings, checks):
    settings["HUB_CONNECTORS_ENABLED"] = "tablo"

    assert checks()["connector tablo"]["state"] == "failed"


def test_signs_of_life(demo, database, checks):
    with write(database) as connection:
        heartbeats.beat(connection, "scheduler", now=NOON)

    found = checks()["scheduler"]

    assert found["state"] == "warning"
    assert "loyalty-hub scheduler" in found["remedy"]
