"""Files that are torn: what cannot be told apart is left out whole, and can be mended."""

from __future__ import annotations

import pytest

from loyalty_core.service.import_purchases import PurchasesImport
from tests.support.moving import write_rows

HEAD = "Номер чека;Дата чека;Карта;Артикул;Товар;Количество;Сумма"


@pytest.fixture
def base(demo, tmp_path):
    """A programme with the members of the cards 1 and 2."""
    assert (
        demo("import", "members", str(write_rows(tmp_path / "m.csv", "card", "1", "2"))).code == 0
    )
    return demo


def lines(told):
    return [(one["line"], one["code"]) for one in told.json["lines"]]


def test_r112_a_receipt_of_which_a_row_is_torn_comes_in_when_it_is_mended(base, tmp_path):
    """Of the last two, nobody knows of which the torn row between them is."""
    rows = [
        "17;05.06.2024;1;tea;Чай;2;700",
        "17;05.06.2024;1;cup;Чашка; большая;1;500",
        "18;05.06.2024;1;tea;Чай;1;100",
        "19;05.06.2024;1;tea;Чай;1;10",
        ";20;19;05.06.2024;1;cup;Чашка;1;20",
        "20;05.06.2024;1;tea;Чай;1;30",
        "21;05.06.2024;1;tea;Чай;1;40",
    ]
    file = write_rows(tmp_path / "old.csv", HEAD, *rows)

    torn = base("import", "purchases", str(file), "--json")

    assert lines(torn) == [(2, "columns"), (3, "columns")] + [(n, "columns") for n in (5, 6, 7)]
    assert (torn.json["money_taken"], torn.json["taken_receipts"]) == ("140.00", 2)
    rows[1] = "17;05.06.2024;1;cup;Чашка большая;1;500"
    rows[4] = "19;05.06.2024;1;cup;Чашка;1;20"
    mended = base("import", "purchases", str(write_rows(file, HEAD, *rows)), "--json")
    assert (mended.json["taken"], mended.json["known"], mended.json["rejected"]) == (5, 2, 0)


def test_r112_a_file_without_numbers_of_receipts_is_not_read_into_memory(
    base, tmp_path, monkeypatch
):
    most, take = [], PurchasesImport.take

    def watched(self, connection, rows, **said):
        most.append(len(rows))
        return take(self, connection, rows, **said)

    monkeypatch.setattr(PurchasesImport, "take", watched)
    days = [f"1;{day:02d}.06.2024;1;tea;Чай;1;1" for day in range(1, 13) for _ in range(100)]
    blank, same = [";05.06.2024;1;tea;Чай;1;1"] * 2100, ["2;05.06.2024;1;tea;Чай;1;1"] * 2100
    file = write_rows(tmp_path / "old.csv", HEAD, *days, *blank, *same)

    told = base("import", "purchases", str(file), "--json").json

    assert (told["taken_receipts"], told["taken"], told["rejected"]) == (12, 1200, 4200)
    assert {one["code"] for one in told["lines"]} == {"no_receipt"}
    assert max(most) <= 2000
    alone = base("import", "purchases", str(write_rows(file, HEAD, *same)), "--json").json
    assert (alone["taken"], alone["rejected"]) == (0, 2100)
    assert {one["code"] for one in alone["lines"]} == {"too_many_lines"}
