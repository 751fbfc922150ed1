"""Connections and deliveries from the command line, with the connectors that are installed."""

import pytest

from tests.support import acmepos

SETTINGS = (
    "webhook_secret=s3cret-word",
    "base_url=https://shop.example",
    "consumer_key=ck_1",
    "consumer_secret=cs_1",
)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A package of somebody else's, as pip would install it, that brings Acme POS."""
    about = tmp_path / "site" / "acme_for_the_hub-1.2.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-for-the-hub\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(
        "[loyalty_hub.connectors]\nacmepos = tests.support.acmepos:CONNECTOR\n"
    )
    monkeypatch.syspath_prepend(str(about.parent))


@pytest.fixture
def acme(demo, settings, site):
    settings["HUB_CONNECTORS_ENABLED"] = "acmepos,wordpress"
    settings["HUB_ALLOW_PRIVATE_ADDRESSES"] = "1"
    return demo


def connect(cli, base_url="https://acme.example", name="shop1"):
    pairs = [f"{field}={value}" for field, value in acmepos.form(base_url).items()]
    words = [word for pair in pairs for word in ("--set", pair)]
    return cli("installations", "create", "acmepos", "--name", name, *words, "--json")


def test_a_strangers_connector_is_listed_and_not_run_until_it_is_named(demo, settings, site):
    def acme_row():
        rows = demo("connectors", "list", "--json").json
        return next(row for row in rows if row["code"] == "acmepos")

    assert acme_row()["state"] == "disabled"
    settings["HUB_CONNECTORS_ENABLED"] = "acmepos"

    row = acme_row()

    assert (row["state"], row["title"], row["package"]) == (
        "ready",
        "Acme POS",
        "acme-for-the-hub 1.2",
    )
    assert "webhook" in row["capabilities"]


def test_a_shop_is_connected_in_one_command(acme):
    made = connect(acme)

    assert made.code == 0
    assert set(made.json) == {"id", "name", "hook"}
    assert made.json["name"] == "shop1"
    assert made.json["hook"] == f"/hooks/{made.json['id']}/receipt"
    (row,) = acme("installations", "list", "--json").json
    assert (row["id"], row["connector"], row["state"]) == (made.json["id"], "acmepos", "active")
    assert acmepos.API_TOKEN not in acme("installations", "list").out


def test_the_words_of_the_issue_connect_a_wordpress(demo):
    words = [word for pair in SETTINGS for word in ("--set", pair)]

    made = demo(
        "installations", "create", "wordpress", "--programme", "demo", "--name", "shop1",
        *words, "--json",
    )  # fmt: skip

    assert made.code == 0, made.err
    assert made.json["hook"].startswith(f"/hooks/{made.json['id']}/")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(["create", "acmepos", "--name", "x"], 1, "api_token", id="no settings"),
        pytest.param(["create", "nothing", "--name", "x"], 1, "nothing", id="no connector"),
        pytest.param(["create", "acmepos", "--name", "x", "--set", "word"], 2, "=", id="no value"),
        pytest.param(["create", "acmepos"], 2, "--name", id="no name"),
        pytest.param(["set", "i_zzz", "--state", "paused"], 1, "no such connection", id="unknown"),
        pytest.param(["check", "i_zzz"], 1, "no such connection", id="unknown to check"),
    ],
)
def test_what_is_refused_of_installations(acme, words, code, told):
    refused = acme("installations", *words)

    assert refused.code == code
    assert told in refused.err
    assert acme("installations", "list", "--json").json == []


def test_a_name_is_taken_once(acme):
    connect(acme)

    assert connect(acme).code == 1


def test_settings_and_state_change(acme, tmp_path):
    made = connect(acme).json
    token = tmp_path / "token"
    token.write_text("another-token\n")

    changed = acme(
        "installations", "set", made["id"], "--set", f"api_token=@{token}",
        "--state", "paused", "--json",
    )  # fmt: skip

    assert changed.json["state"] == "paused"
    assert acme("installations", "set", made["id"], "--set", "api_token=@/no/file").code == 2
    assert acme("installations", "set", made["id"], "--set", "base_url=nonsense").code == 1


def test_a_check_that_fails_says_why_and_shows_it_to_the_owner(acme):
    made = connect(acme, base_url="http://127.0.0.1:1").json

    failed = acme("installations", "check", made["id"])

    assert failed.code == 1
    assert failed.err.startswith("Error: ")
    assert acmepos.API_TOKEN not in failed.err


def test_a_shop_that_answers(acme):
    with acmepos.shop() as base_url:
        made = connect(acme, base_url=base_url).json

        checked = acme("installations", "check", made["id"], "--json")
        pulled = acme("installations", "pull", made["id"], "--json")

    assert checked.json["state"] == "active"
    assert pulled.json == {"id": made["id"], "documents": 3}


def test_deliveries_are_listed_shown_and_replayed(acme):
    with acmepos.shop() as base_url:
        made = connect(acme, base_url=base_url).json
        acme("installations", "pull", made["id"])

    rows = acme("deliveries", "list", "--installation", made["id"], "--json").json

    assert len(rows) == 3
    shown = acme("deliveries", "show", rows[0]["id"], "--json").json
    assert shown["id"] == rows[0]["id"]
    assert "body" in shown
    replayed = acme("deliveries", "replay", rows[0]["id"], "--json").json
    assert [row["state"] for row in replayed] == ["due"]
    assert acme("deliveries", "replay").code == 2
    assert acme("deliveries", "show", "d_zzz").code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--after", "garbage"),
        ("list", "--installation", "zz"),
        ("replay", "--dead", "--installation", "zz"),
    ],
)
def test_what_is_not_there_is_no_empty_list_of_deliveries(acme, words):
    refused = acme("deliveries", *words)

    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "not found" in refused.err or "no such" in refused.err


def test_all_dead_deliveries_are_replayed_at_once(acme):
    with acmepos.shop() as base_url:
        made = connect(acme, base_url=base_url).json
        acme("installations", "pull", made["id"])
    dead = acme("deliveries", "list", "--state", "dead", "--json").json

    replayed = acme("deliveries", "replay", "--dead", "--json").json

    assert {row["id"] for row in replayed} == {row["id"] for row in dead}
    assert acme("deliveries", "list", "--state", "dead", "--json").json == []


def test_how_a_connection_fares_is_told_by_its_name(acme):
    with acmepos.shop() as address:
        made = connect(acme, address)
        told = acme("installations", "health", "shop1", "--json").json
        assert told["id"] == made.json["id"]
        assert [one["code"] for one in told["advice"]] == ["never_heard", "no_address"]
        assert told["shop"] is None

        words = acme("installations", "health", made.json["id"])
        assert "Nothing has come from the shop yet." in words.out

        off = acme("installations", "set", made.json["id"], "--balances", "off", "--json").json
        assert off["balances"] == "off"
        assert not acme("installations", "health", "shop1", "--json").json["balances"]["on"]

    assert acme("installations", "health", "nobody").code == 1


def test_a_back_fill_counts_first_where_it_is_asked_to(acme):
    with acmepos.shop() as address:
        home = connect(acme, address)
        words = ("installations", "backfill", "shop1", "--since")
        counted = acme(*words, "2026-01-01", "--dry-run", "--json").json
        assert (counted["stage"], counted["documents"], counted["booked"]) == ("counted", 3, 0)
        assert acme(*words, "yesterday").code == 2
        assert "in the past" in acme(*words, "2999-01-01").err

        acme("installations", "set", home.json["id"], "--state", "paused")
        paused = acme(*words, "2026-01-01", "--dry-run")
        assert paused.code == 1
        assert "The connection is paused." in paused.err
