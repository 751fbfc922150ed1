"""Programmes, shops, rules and keys from the command line."""

import json

import pytest

PERCENTS = [
    pytest.param("5", "5", id="whole"),
    pytest.param("2.5", "2.5", id="with a fraction"),
    pytest.param("2,5", "2.5", id="with a comma"),
    pytest.param("7%", "7", id="with its sign"),
]


def rules(cli, *words):
    return cli("rules", "show", *words).json


# --- programmes -----------------------------------------------------------------------------


def test_the_first_command_on_a_fresh_folder_makes_the_database(cli, data_dir):
    made = cli("programmes", "create", "Demo", "--name", "Лавка", "--json")

    assert made.code == 0
    assert made.json == {
        "code": "demo",
        "name": "Лавка",
        "currency": "RUB",
        "timezone": "Europe/Moscow",
        "rules_version": 1,
    }
    assert (data_dir / "hub.db").exists()
    assert cli("programmes", "list", "--json").json == [made.json]


@pytest.mark.parametrize(("told", "kept"), PERCENTS)
def test_a_percent_as_people_write_it(cli, told, kept):
    cli("programmes", "create", "demo", "--earn-percent", told)

    assert rules(cli)["earning"]["percent"] == kept


def test_every_option_of_a_programme_reaches_its_rules(cli):
    options = {
        "--earn-percent": "3",
        "--spend-limit-percent": "50",
        "--rounding": "half_up",
        "--activation-days": "14",
        "--point-life-days": "90",
        "--negative-balance": "allow",
        "--timezone": "Asia/Omsk",
    }
    words = [word for pair in options.items() for word in pair]

    made = cli("programmes", "create", "demo", *words, "--json")

    document = rules(cli)
    assert made.json["timezone"] == "Asia/Omsk"
    assert document["earning"]["percent"] == "3"
    assert document["spending"]["limit_percent"] == "50"
    assert document["policies"]["negative_balance"] == "allow"
    (currency,) = document["currencies"]
    assert (currency["rounding"], currency["activation_days"], currency["life_days"]) == (
        "half_up",
        14,
        90,
    )


def test_points_that_never_expire(demo):
    demo("programmes", "set", "demo", "--point-life-days", "never")

    assert rules(demo)["currencies"][0]["life_days"] is None


def test_a_changed_option_is_a_new_version_and_leaves_the_rest(demo):
    changed = demo("programmes", "set", "demo", "--earn-percent", "7", "--name", "New", "--json")

    assert (changed.json["rules_version"], changed.json["name"]) == (2, "New")
    assert rules(demo)["earning"]["percent"] == "7"
    assert rules(demo)["spending"]["limit_percent"] == "30"
    assert rules(demo, "--version", "1")["earning"]["percent"] == "5"


def test_nothing_changed_is_no_new_version(demo):
    changed = demo("programmes", "set", "demo", "--earn-percent", "5", "--json")

    assert changed.json["rules_version"] == 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(["create", "demo"], 1, "code: Is taken.", id="code taken"),
        pytest.param(["create", "a b"], 1, "code: ", id="code not legal"),
        pytest.param(["create", "x", "--timezone", "Mars"], 1, "timezone: ", id="no such zone"),
        pytest.param(["create", "x", "--earn-percent", "101"], 2, "0 to 100", id="too many %"),
        pytest.param(["create", "x", "--point-life-days", "0"], 2, "never", id="no life"),
        pytest.param(["create", "x", "--rounding", "up"], 2, "half_up", id="unknown rounding"),
        pytest.param(["create"], 2, "CODE", id="no code"),
        pytest.param(["set", "nowhere"], 1, "no such programme", id="unknown programme"),
    ],
)
def test_what_is_refused(demo, words, code, told):
    refused = demo("programmes", *words)

    assert refused.code == code
    assert refused.out == ""
    assert told in refused.err


def test_a_programme_may_be_left_out_only_where_there_is_one(demo):
    assert demo("shops", "list").code == 0
    demo("programmes", "create", "other")

    refused = demo("shops", "list")

    assert refused.code == 2
    assert "demo, other" in refused.err


def test_without_a_programme_the_way_on_is_told(cli):
    refused = cli("keys", "list")

    assert refused.code == 1
    assert "loyalty-hub programmes create" in refused.err


# --- shops ----------------------------------------------------------------------------------


def test_shops(demo):
    made = demo("shops", "create", "North", "--timezone", "Asia/Omsk", "--json").json
    demo("shops", "set", "north", "--name", "Север", "--timezone", "", "--vendor", '{"till": "7"}')

    assert made == {"code": "north", "name": "North", "timezone": "Asia/Omsk", "vendor": {}}
    assert demo("shops", "list", "--json").json[1] == {
        "code": "north",
        "name": "Север",
        "timezone": None,
        "vendor": {"till": "7"},
    }
    assert demo("shops", "set", "south", "--name", "S").code == 1
    assert demo("shops", "set", "north", "--vendor", "[]").code == 2


# --- rules ----------------------------------------------------------------------------------


def test_a_template_is_put_into_a_document(cli, tmp_path):
    cli("programmes", "create", "demo")
    file = tmp_path / "rules.json"
    file.write_text(cli("rules", "show").out, encoding="utf-8")

    listed = cli("rules", "templates", "--json").json
    put = cli("rules", "template", "three_for_two", "--into", str(file))

    assert "three_for_two" in [one["code"] for one in listed]
    assert (put.code, [one["id"] for one in json.loads(file.read_text())["promotions"]]) == (
        0,
        ["three_for_two"],
    )
    assert cli("rules", "publish", str(file)).code == 0
    assert rules(cli)["promotions"][0]["enabled"] is False


def test_a_template_that_is_not_there_and_a_document_that_is_not_right(cli, tmp_path):
    file = tmp_path / "rules.json"
    file.write_text('{"schema": 1}', encoding="utf-8")

    unknown = cli("rules", "template", "nothing")
    wrong = cli("rules", "template", "welcome", "--into", str(file))

    assert (unknown.code, "rules templates" in unknown.err) == (1, True)
    assert (wrong.code, "Nothing written: currencies" in wrong.err) == (1, True)
    assert file.read_text(encoding="utf-8") == '{"schema": 1}'


def test_a_document_goes_out_is_changed_and_comes_back(demo, tmp_path):
    document = rules(demo)
    document["earning"]["percent"] = "9"
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(document), encoding="utf-8")

    checked = demo("rules", "check", str(file))
    published = demo("rules", "publish", str(file), "--json")

    assert checked.code == 0
    assert published.json == {"programme": "demo", "version": 2}
    assert rules(demo) == document
    assert demo("rules", "take-back", "1", "--json").json["version"] == 3
    assert rules(demo)["earning"]["percent"] == "5"
    assert [each["in_force"] for each in demo("rules", "versions", "--json").json] == [
        True,
        False,
        False,
    ]


def test_a_wrong_document_is_told_field_by_field(demo):
    document = rules(demo)
    document["earning"]["percent"] = "many"
    document["surprise"] = 1

    checked = demo("rules", "check", "-", "--json", stdin=json.dumps(document))
    published = demo("rules", "publish", "-", stdin=json.dumps(document))

    assert checked.code == 1
    assert set(checked.json["errors"]) == {"earning.percent", "surprise"}
    assert published.code == 1
    assert "earning.percent" in published.err
    assert len(demo("rules", "versions", "--json").json) == 1


@pytest.mark.parametrize("text", ["{", "[]", "1", '{"a":' * 100_000])
def test_a_file_that_holds_no_document(demo, text):
    for word in ("check", "publish"):
        refused = demo("rules", word, "-", stdin=text)

        assert (refused.code, refused.err.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    "words",
    [
        ("show", "--version"),
        ("diff", "--from"),
        ("diff", "--to"),
        ("take-back",),
        ("publish", "--version"),
        ("simulate", "--draft"),
    ],
)
def test_a_version_beyond_all_numbers_is_refused(demo, words):
    refused = demo("rules", *words, "9" * 25)

    assert refused.code == 2
    assert "range" in refused.err


def test_publish_needs_one_thing_to_publish(demo):
    assert demo("rules", "publish").code == 2


def test_a_draft_is_told_in_words(demo):
    document = rules(demo)
    document["earning"]["percent"] = "7.5"

    drafted = demo("rules", "draft", "-", "--author", "anna", "--json", stdin=json.dumps(document))

    assert drafted.json == {"programme": "demo", "draft": 2}
    assert rules(demo)["earning"]["percent"] == "5"
    assert demo("rules", "diff").out == "Earning: Earned, % of money: 5 → 7.50\n"
    in_russian = demo("rules", "diff", "--from", "2", "--to", "1", "--language", "ru")
    assert in_russian.out == "Начисление: Начисление, % от суммы: 7,50 → 5\n"
    told = demo("rules", "diff", "--json").json
    assert (told["from"], told["to"]) == (1, 2)
    assert told["changes"][0]["path"] == "earning.percent"
    same = demo("rules", "diff", "--from", "1", "--to", "1")
    assert (same.code, same.out) == (0, "")


def test_a_second_person_publishes_where_the_rules_say_so(demo):
    document = rules(demo)
    document["policies"]["approval"] = True
    assert demo("rules", "publish", "-", stdin=json.dumps(document)).code == 0
    document["earning"]["percent"] = "9"
    anna, boris = ("--author", "anna"), ("--author", "boris")
    text = json.dumps(document)

    alone = demo("rules", "publish", "-", *anna, stdin=text)
    assert (alone.code, "second person" in alone.err) == (1, True)
    assert demo("programmes", "set", "demo", "--earn-percent", "9").code == 1
    assert len(demo("rules", "versions", "--json").json) == 2, "what was refused left no draft"

    demo("rules", "draft", "-", *anna, stdin=text)
    assert demo("rules", "publish", "--version", "3", *anna).code == 1
    assert demo("rules", "publish", "--version", "3", *boris, "--json").json["version"] == 3
    newest = demo("rules", "versions", "--json").json[0]
    assert newest["author"] == "command line: anna"
    assert newest["published_by"] == "command line: boris"
    taken = demo("rules", "take-back", "1", *anna, "--json")
    assert taken.json == {"programme": "demo", "draft": 4}
    assert "second person" in taken.err


def test_the_schema_of_the_document(cli):
    assert cli("rules", "schema").json["$schema"].endswith("2020-12/schema")


# --- keys -----------------------------------------------------------------------------------


def test_a_key_is_printed_once_and_can_be_revoked(demo):
    made = demo("keys", "create", "--name", "till", "--scopes", "events, checkout", "--json")

    assert set(made.json) == {"id", "key"}
    listed = demo("keys", "list", "--json")
    assert made.json["key"] not in listed.out
    assert listed.json[0]["scopes"] == ["checkout", "events"]
    assert listed.json[0]["revoked_at"] is None

    revoked = demo("keys", "revoke", made.json["id"], "--json")

    assert revoked.code == 0
    assert revoked.json[0]["revoked_at"] is not None


def test_for_people_only_the_key_is_on_standard_output(demo):
    made = demo("keys", "create", "--programme", "demo", "--name", "till", "--scopes", "events")

    assert made.out.startswith("lh_")
    assert made.out.count("\n") == 1
    assert "not shown again" in made.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["create", "--name", "t", "--scopes", "fly"], 1, id="unknown scope"),
        pytest.param(["create", "--name", "t", "--scopes", ""], 1, id="no scope"),
        pytest.param(["create", "--scopes", "events"], 2, id="no name"),
        pytest.param(
            ["create", "--name", "t", "--scopes", "events", "--shops", "moon"], 1, id="no shop"
        ),
        pytest.param(["revoke", "k_zzz"], 1, id="unknown key"),
        pytest.param(["revoke", "till"], 2, id="not an id"),
    ],
)
def test_what_is_refused_of_keys(demo, words, code):
    refused = demo("keys", *words)

    assert refused.code == code
    assert refused.err.count("Error: ") == 1
    assert demo("keys", "list", "--json").json == []
