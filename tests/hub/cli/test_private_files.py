"""Files with personal data or codes are for their owner alone, from their first byte on."""

from __future__ import annotations

import json
import os

import pytest

from hub.cli.private_file import open_private
from tests.support.moving import write_rows


@pytest.fixture
def shop(demo, tmp_path):
    rules = demo("rules", "show").json
    rules["coupons"] = [{"code": "spring", "name": "Весна"}]
    rules["certificates"] = [{"code": "gift", "name": "Подарок"}]
    assert demo("rules", "publish", "-", stdin=json.dumps(rules)).code == 0
    write_rows(tmp_path / "codes.csv", "code,series,member", "SPRING-1,spring,", "X,spring,")
    write_rows(tmp_path / "m.csv", "card,points", "1,5", "-,6")
    assert demo("import", "members", str(tmp_path / "m.csv")).code == 1
    return demo


WRITING = [
    ("import", "coupons", "codes.csv", "--rejected", "out.csv"),
    ("import", "members", "m.csv", "--rejected", "out.csv"),
    ("import", "balances", "m.csv", "--rejected", "out.csv", "--dry-run"),
    ("import", "compare", "m.csv", "--on", "2026-01-01", "--out", "out.csv"),
    ("coupons", "generate", "--series", "spring", "--count", "2", "--out", "out.csv"),
    ("coupons", "export", "out.csv"),
    ("certificates", "export", "out.csv"),
]


def test_a_file_that_everybody_could_read_is_another_one_then(shop, tmp_path):
    """Who has opened it before does not see what is written now."""
    for words in WRITING:
        out = write_rows(tmp_path / "out.csv", "before")
        out.chmod(0o644)
        with out.open(encoding="utf-8") as reader:
            shop(*[str(tmp_path / word) if word.endswith(".csv") else word for word in words])

            assert reader.read() == "before\n", words
        assert out.read_text("utf-8") != "before\n", words
        assert out.stat().st_mode & 0o777 == 0o600, words
        assert not [one for one in os.listdir(tmp_path) if one.startswith(".")], words


def test_a_file_that_is_not_whole_is_not_there(tmp_path):
    out = write_rows(tmp_path / "out.csv", "before")

    def broken():
        yield "half"
        raise KeyError

    with pytest.raises(KeyError), open_private(out) as file:
        file.writelines(broken())

    assert out.read_text("utf-8") == "before\n"
    assert os.listdir(tmp_path) == ["out.csv"]


def test_codes_are_not_written_over_while_they_are_read(shop, tmp_path):
    file = str(tmp_path / "codes.csv")

    refused = shop("import", "coupons", file, "--rejected", file)

    assert (refused.code, "a name of its own" in refused.err) == (2, True)


def test_a_torn_line_of_codes_is_left_out(shop, tmp_path):
    """Its cells may stand under other headings: a sum as a date, a nominal as a balance."""
    file = write_rows(
        tmp_path / "gifts.csv",
        "code;nominal;balance",
        "GIFT-1;100;50",
        "GIFT-2;x;100;50",
        "GIFT-3;100;50;",
        "1,2E+15;100;50",
    )
    bad = tmp_path / "bad.csv"

    told = shop(
        *("import", "certificates", str(file), "--series", "gift"), "--rejected", str(bad), "--json"
    )

    assert (told.code, told.json["added"]) == (1, 2)
    assert [(one["line"], one["why"]) for one in told.json["lines"]] == [
        (3, "has more cells than there are headings"),
        (5, "has a code of which a spreadsheet kept a part"),
    ]
    assert bad.read_text("utf-8").splitlines()[1] == (
        "GIFT-2;x;100;has more cells than there are headings;50"
    )


def test_the_database_is_its_owners_alone_in_a_folder_that_everybody_may_enter(cli, data_dir):
    data_dir.mkdir(mode=0o755)

    assert cli("programmes", "create", "demo").code == 0

    for name in ("hub.db", "secret.keys"):
        assert (data_dir / name).stat().st_mode & 0o777 == 0o600, name
