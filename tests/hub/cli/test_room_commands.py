"""Accounts, database, connectors, secrets and what goes wrong around them."""

import stat
from importlib import import_module

import pytest
from sqlalchemy import insert, text

from hub.cli import WORDS
from loyalty_core.store.database import make_engine, write
from loyalty_core.store.tables import accounts


def test_every_word_has_its_help(cli):
    told = cli("--help")

    assert told.code == 0
    for word in WORDS:
        assert f"\n  {word} " in told.out
        assert cli(word, "--help").code == 0


def test_no_command_is_without_a_sentence_of_help():
    groups = [
        getattr(import_module(f"hub.cli.{module}"), name)
        for module, _, name in (target.partition(":") for target in WORDS.values())
    ]
    commands = [
        each for group in groups for each in (group, *getattr(group, "commands", {}).values())
    ]

    assert [command.name for command in commands if not (command.help or "").strip()] == []


def test_an_unknown_word(cli):
    assert cli("fly").code == 2


# --- accounts -------------------------------------------------------------------------------


def test_a_one_time_password_is_printed_with_the_account(cli):
    made = cli("admin", "create", "Anna", "--json")

    assert made.json["login"] == "anna"
    assert len(made.json["password"]) == 19
    again = cli("admin", "reset-password", "ANNA", "--json")
    assert again.json["password"] != made.json["password"]
    assert [each["login"] for each in cli("admin", "list", "--json").json] == ["anna"]


def test_a_chosen_password_is_not_repeated(cli, settings):
    settings["HUB_ADMIN_PASSWORD"] = "correct-horse"

    made = cli("admin", "create", "anna", "--json")

    assert made.json == {"login": "anna"}


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["create", "anna"], id="taken"),
        pytest.param(["create", "boris", "--password", "short"], id="password too short"),
        pytest.param(["reset-password", "nobody"], id="nobody"),
        pytest.param(["create", ""], id="no login"),
        pytest.param(["create", "b" * 300], id="login too long"),
        pytest.param(["create", "bo\nris"], id="login of two lines"),
    ],
)
def test_what_is_refused_of_accounts(cli, words):
    cli("admin", "create", "anna")

    refused = cli("admin", *words)

    assert refused.code == 1
    assert refused.err.startswith("Error: ")
    assert refused.err.count("\n") == 1


# --- database -------------------------------------------------------------------------------


def test_migrate_says_what_it_did(cli):
    assert "was brought" in cli("migrate").out
    assert "is at the newest" in cli("migrate").out


def test_the_sql_of_a_migration_is_printed_and_not_run(cli):
    told = cli("migrate", "--dry-run")

    assert told.code == 0
    assert "CREATE TABLE accounts" in told.out
    assert "was brought" in cli("migrate").out
    assert cli("migrate", "--dry-run").out == ""


def test_a_server_is_migrated_only_when_somebody_says_so(cli, settings, postgres_engine):
    settings["HUB_DATABASE_URL"] = postgres_engine.url.render_as_string(hide_password=False)
    with write(postgres_engine) as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))

    refused = cli("programmes", "list")

    assert refused.code == 1
    assert "loyalty-hub migrate" in refused.err
    assert cli("migrate").code == 0
    assert cli("programmes", "list").code == 0


def test_a_newer_database_is_left_alone(demo, data_dir):
    engine = make_engine(f"sqlite:///{data_dir / 'hub.db'}")
    with write(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    engine.dispose()

    refused = demo("programmes", "list")

    assert refused.code == 1
    assert "newer" in refused.err


def test_a_database_that_is_away_is_one_clear_line(cli, settings):
    settings["HUB_DATABASE_URL"] = "postgresql://hub:hidden-word@127.0.0.1:1/hub"

    refused = cli("programmes", "list")

    assert refused.code == 1
    assert "database" in refused.err
    assert "hidden-word" not in refused.err
    assert "Traceback" not in refused.err


def test_settings_that_are_wrong_are_all_named(cli, settings):
    settings |= {"HUB_PORT": "many", "HUB_REDIS_URL": "nowhere"}

    refused = cli("programmes", "list")

    assert refused.code == 1
    assert "HUB_PORT" in refused.err
    assert "HUB_REDIS_URL" in refused.err


def test_a_worker_without_redis_says_what_to_do(cli):
    refused = cli("worker")

    assert refused.code == 1
    assert "HUB_REDIS_URL" in refused.err


# --- secrets --------------------------------------------------------------------------------


def test_secrets_get_a_new_key_and_the_old_one_goes_on_reading(demo, data_dir):
    file = data_dir / "secret.keys"
    before = file.read_text().split()

    rotated = demo("secrets", "rotate", "--json")

    after = file.read_text().split()
    assert rotated.json == {"installations": 0}
    assert len(after) == 2
    assert after[1:] == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_new_key_for_the_environment(cli, settings):
    made = cli("secrets", "make-key").out.strip()
    settings["HUB_SECRET_KEYS"] = made

    assert cli("programmes", "list").code == 0


# --- ledger ---------------------------------------------------------------------------------


def test_sound_books_agree(demo):
    assert demo("ledger", "verify").out == "The books agree.\n"
    assert demo("ledger", "verify", "--programme", "demo", "--json").json == {"findings": []}
    assert demo("ledger", "rebuild", "--json").json == {"changed": 0}
    assert demo("ledger", "verify", "--programme", "nowhere").code == 1


def test_a_figure_that_nothing_was_booked_for_is_found_and_mended(demo, data_dir):
    engine = make_engine(f"sqlite:///{data_dir / 'hub.db'}")
    with write(engine) as connection:
        connection.execute(insert(accounts).values(member_id=35, currency="points", available=500))
    engine.dispose()

    found = demo("ledger", "verify", "--json")

    assert found.code == 1
    assert {(each["member"], each["currency"]) for each in found.json["findings"]} == {
        ("m_z", "points")
    }
    assert demo("ledger", "verify").out.startswith("m_z points: ")
    assert demo("ledger", "rebuild", "--json").json == {"changed": 1}
    assert demo("ledger", "verify").code == 0
