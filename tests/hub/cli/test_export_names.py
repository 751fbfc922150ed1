"""All names of a member survive the way out and in again."""

from __future__ import annotations

import csv
import json

from hub.sheets import guarded, unguarded
from loyalty_core.domain.name_cells import ids_in, parts_of
from tests.support.moving import write_rows


def test_r109_names_with_colons_and_several_of_a_kind_go_out_and_in(demo, tmp_path):
    cards = [f"27000000{number:05d}" for number in range(30)]
    files = [
        (("phone,email,card", f"+79161234567,a@example.org,{';'.join(cards)}"), ()),
        (("phone,email,card", f"+79161234568,b@example.org,{cards[0]}"), ()),
        (("external,card", f'"5;5:5",{cards[1]}'), ("--system", "installation:12")),
        (("external,card", '"\\x ","77,none"'), ("--system", "crm")),
    ]
    for number, (rows, more) in enumerate(files):
        file = write_rows(tmp_path / f"{number}.csv", *rows)
        assert demo("import", "members", str(file), *more).code == 0
    there = ("--programme", "there")
    assert demo("programmes", "create", "there").code == 0

    demo("export", str(tmp_path / "out"), "--programme", "demo")
    told = demo("import", "members", str(tmp_path / "out" / "members.csv"), "--json", *there)
    demo("export", str(tmp_path / "again"), *there)

    assert (told.json["new"], told.json["rejected"]) == (2, 0)
    wanted = [
        (set(), set(), {"77", "none"}, [("crm", "\\x")]),
        (
            {"+79161234567", "+79161234568"},
            {"a@example.org", "b@example.org"},
            set(cards),
            [("installation:12", "5;5:5")],
        ),
    ]
    for folder in ("out", "again"):
        assert names_in(tmp_path / folder) == wanted


def names_in(folder):
    with (folder / "members.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kinds = ("phone", "email", "card")
    told = [
        (*(set(parts_of(unguarded(row[kind]))) for kind in kinds), ids_in(row["external"]))
        for row in rows
    ]
    return sorted(told, key=lambda row: len(row[2]))


def test_a_text_that_begins_with_an_apostrophe_keeps_it():
    for cell in (
        "'0012",
        "''7",
        '="1"',
        '="1',
        "'=1",
        "''=1",
        "'-5",
        "'+7916",
        "'quoted'",
        "'@x",
        "'",
        "''",
    ):
        assert unguarded(guarded(cell)) == cell
    for cell in ('="0012"', "'0012"):
        assert unguarded(cell) == "0012", "as others write a text of digits"


def test_r109_coupons_and_certificates_keep_their_owners_elsewhere(demo, tmp_path):
    rules = demo("rules", "show").json
    rules["coupons"] = [{"code": "spring", "name": "Весна"}]
    rules["certificates"] = [{"code": "gift", "name": "Подарок"}]
    there = ("--programme", "there")
    assert demo("programmes", "create", "there").code == 0
    for programme in (there, ("--programme", "demo")):
        assert demo("rules", "publish", "-", *programme, stdin=json.dumps(rules)).code == 0
    members = write_rows(tmp_path / "m.csv", "phone,card", "+79161234567,1", ",79161234567")
    codes = write_rows(
        tmp_path / "codes.csv",
        "code,member,balance",
        "AAA-1,+79161234567,100",
        "AAA-2,card:79161234567,100",
        "AAA-3,,100",
    )
    assert demo("import", "members", str(members), "--programme", "demo").code == 0
    for kind, series in (("coupons", "spring"), ("certificates", "gift")):
        words = ("import", kind, str(codes), "--series", series, "--programme", "demo")
        assert demo(*words).code == 0

    demo("export", str(tmp_path / "out"), "--programme", "demo")
    demo("import", "members", str(tmp_path / "out" / "members.csv"), *there)
    for kind, series in (("coupons", "spring"), ("certificates", "gift")):
        file = tmp_path / "out" / f"{kind}.csv"
        told = demo("import", kind, str(file), "--series", series, "--json", *there)
        assert (told.json["added"], told.json["rejected"]) == (3, 0)
    demo("export", str(tmp_path / "again"), *there)

    for name in ("coupons.csv", "certificates.csv"):
        with (tmp_path / "again" / name).open(encoding="utf-8", newline="") as file:
            owners = sorted(unguarded(row["member"]) for row in csv.DictReader(file))
        assert owners == ["", "+79161234567", "card:79161234567"]
