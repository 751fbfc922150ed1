"""Members from the command line."""

import json

GROWN = {"field": "member.age", "is": "at_least", "value": 18}


def test_members_are_counted_by_a_condition_in_words_or_in_a_file(cli, tmp_path):
    cli("programmes", "create", "demo")
    (tmp_path / "grown.json").write_text(json.dumps({"not": GROWN}), "utf-8")

    told = cli("members", "count", "--when", json.dumps(GROWN), "--json")
    others = cli("members", "count", "--when", str(tmp_path / "grown.json"), "--json")

    assert told.json == others.json == {"programme": "demo", "members": 0}


def test_what_is_no_condition_is_named(cli, tmp_path):
    cli("programmes", "create", "demo")

    for when, said in (
        ("{", "not JSON"),
        (str(tmp_path / "none.json"), "cannot be read"),
        ('{"field": "basket.amount", "is": "at_least", "value": 1}', "when.field"),
    ):
        told = cli("members", "count", "--when", when)
        assert told.code == 1
        assert said in told.err


def test_favourites_are_filled_now_or_only_told(cli, tmp_path):
    cli("programmes", "create", "demo")
    none = cli("members", "favourites", "--json")
    rules = cli("rules", "show", "--json").json
    rules["personal_lists"] = [{"code": "own", "name": "Own", "auto": {"at_least": 1}}]
    (tmp_path / "rules.json").write_text(json.dumps(rules), "utf-8")
    assert cli("rules", "publish", str(tmp_path / "rules.json")).code == 0
    told = cli("members", "favourites", "--dry-run", "--json")

    nothing = {"programme": "demo", "members": 0, "added": 0, "removed": 0}
    assert none.json == nothing | {"dry_run": False}
    assert told.json == nothing | {"dry_run": True}
