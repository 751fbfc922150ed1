"""`loyalty-hub doctor`: each thing that can be wrong is found, and comes with a way out."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from hub.app import create_app
from hub.doctor import surroundings
from hub.doctor.finding import Check
from hub.doctor.surroundings import KNOCK
from loyalty_core.store import heartbeats
from loyalty_core.store.database import make_engine, write
from loyalty_core.store.tables import accounts, deliveries
from tests.support.browser import served
from tests.support.clock import NOON
from tests.support.ingest import Shopfloor


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


# --- what is kept ---------------------------------------------------------------------------

PHONE = "+79161234567"
LONG_AGO = NOON - timedelta(days=200)


def a_delivery(**said):
    row = {
        "id": 1,
        "installation_id": 1,
        "programme_id": 1,
        "hook": "h",
        "key": "k",
        "headers": {},
        "body": PHONE.encode(),
        "received_at": LONG_AGO,
        "due_at": LONG_AGO,
    }
    return deliveries.insert().values({**row, **said})


def put(database, *statements):
    with write(database) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_sound_hub_has_nothing_to_say_of_its_books(demo, checks):
    found = checks()

    for name in ("durability", "deliveries due", "outbox due", "retention", "ledger"):
        assert found[name]["state"] == "ok", found[name]


def test_a_backlog_that_grows_old(demo, database, checks):
    put(
        database,
        a_delivery(state="due"),
        a_delivery(id=2, key="2", state="dead", done_at=LONG_AGO, error_text=PHONE),
    )

    found = checks()

    assert found["deliveries due"]["state"] == "warning"
    assert "worker" in found["deliveries due"]["remedy"]
    assert found["deliveries dead"]["state"] == "warning"
    assert "1 wait for a person" in found["deliveries dead"]["text"]
    assert "replay" in found["deliveries dead"]["remedy"]
    assert PHONE not in str(found)


def test_retention_that_nobody_does(demo, database, settings, checks):
    put(database, a_delivery(state="done", done_at=LONG_AGO))

    assert checks()["retention"]["state"] == "warning"
    settings["HUB_KEEP_DELIVERIES_DAYS"] = "0"
    assert checks()["retention"]["state"] == "ok"


def test_books_that_do_not_agree(demo, database, checks):
    put(database, accounts.insert().values(member_id=7, currency="points", available=5))

    found = checks()["ledger"]

    assert found["state"] == "failed"
    assert "ledger verify" in found["remedy"]


def test_a_newer_database(demo, database, checks):
    put(database, text("UPDATE alembic_version SET version_num = 'from_the_future'"))

    found = checks()

    assert "newer" in found["migrations"]["text"]
    assert "ledger" not in found


def test_a_server_that_may_forget(settings, checks, postgres_engine):
    """The servers of the tests need not outlive a power cut, and say so."""
    settings["HUB_DATABASE_URL"] = postgres_engine.url.render_as_string(hide_password=False)

    found = checks()

    assert found["durability"]["state"] == "failed"
    assert "fsync" in found["durability"]["text"]
    assert "fsync = on" in found["durability"]["remedy"]
    assert found["connections"]["state"] == "ok"
    assert found["database version"]["state"] == "ok"


def test_a_database_on_a_disk_of_the_network(demo, checks, tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nbox:/data {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr("hub.doctor.database._MOUNTS", mounts)

    found = checks()["durability"]

    assert found["state"] == "failed"
    assert "nfs4" in found["text"]


# --- the world outside ----------------------------------------------------------------------


def test_a_setting_whose_name_is_misspelt(demo, settings, checks, tmp_path):
    (tmp_path / "limit").write_text("100/minute")
    settings |= {"HUB_SWEEP_S": "20", "HUB_RATE_LIMIT_FILE": str(tmp_path / "limit")}
    assert checks()["settings"]["state"] == "ok"

    settings |= {"HUB_KEEP_DELIVERY_DAYS": "0", "HUB_TRUSTED_PROXY": "1"}
    found = checks()["settings"]
    assert found["state"] == "warning"
    assert found["text"].endswith(": HUB_KEEP_DELIVERY_DAYS, HUB_TRUSTED_PROXY")


def test_the_address_that_shops_use(demo, settings, checks, httpserver, sqlite_engine, tmp_path):
    shop = Shopfloor(sqlite_engine, data_dir=tmp_path / "data")
    with served(create_app(shop.hub)) as address:
        settings["HUB_PUBLIC_URL"] = address
        assert checks()["public address"]["state"] == "ok"

    settings["HUB_PUBLIC_URL"] = httpserver.url_for("")
    for status, page in ((200, "a parking page"), (405, "no such thing"), (405, '["no"]')):
        httpserver.clear()
        httpserver.expect_request(KNOCK).respond_with_data(page, status=status)
        found = checks()["public address"]
        assert (found["state"], str(status) in found["text"]) == ("failed", True)

    settings["HUB_PUBLIC_URL"] = "http://127.0.0.1:1"
    found = checks()["public address"]
    assert found["state"] == "failed"
    assert "proxy" in found["remedy"]


WOO = {"consumer_key": "ck_1", "consumer_secret": "cs_secret", "webhook_secret": "whs_secret"}


@pytest.fixture
def connected(demo, settings):
    settings["HUB_ALLOW_PRIVATE_ADDRESSES"] = "1"
    given = {**WOO, "base_url": "http://127.0.0.1:1"}
    words = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
    made = demo("installations", "create", "wordpress", "--name", "shop1", *words)
    assert made.code == 0, made.err


def test_a_shop_that_does_not_answer(connected, checks):
    found = checks()

    assert found["connection shop1"]["state"] == "warning"
    assert "installations check i_" in found["connection shop1"]["remedy"]
    assert "cs_secret" not in str(found)


def test_settings_that_no_key_opens(connected, checks, data_dir):
    (data_dir / "secret.keys").unlink()

    found = checks()["connection shop1"]

    assert found["state"] == "failed"
    assert "decrypted" in found["text"]


def test_the_visit_ends_in_time(demo, monkeypatch, checks):
    """A check that hangs is a finding, and the others have theirs."""
    forever = threading.Event()
    hanging = Check("a slow thing", lambda _hub: forever.wait(60) and ())
    monkeypatch.setattr("hub.doctor.surroundings.CHECKS", (hanging, *surroundings.CHECKS))
    monkeypatch.setattr("hub.doctor.LIMIT_S", 3.0)

    found = checks()
    forever.set()

    assert found["a slow thing"]["state"] == "failed"
    assert "in time" in found["a slow thing"]["text"]
    assert found["disk"]["state"] == "ok"
