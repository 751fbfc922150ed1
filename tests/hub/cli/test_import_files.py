"""Files as they come: encodings, delimiters, spreadsheets, and what is no file at all."""

from __future__ import annotations

import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook

from hub.sheets import Sheet, SheetUnreadable, guarded, unguarded
from tests.support.moving import write_rows

ROWS = [["Телефон", "ФИО", "Город"], ["+79161234567", "Петрова Анна", "Тверь, центр"]]


def told(file, encoding=None):
    sheet = Sheet(file, encoding)
    return sheet.look.encoding, sheet.delimiter, [sheet.names, *[row for _, row in sheet.rows()]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_r112_encoding_and_delimiter_are_found(tmp_path, encoding, delimiter):
    file = tmp_path / "old.csv"
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in ROWS)
    file.write_bytes(text.encode(encoding))

    found, by, rows = told(file)

    assert (rows, by) == (ROWS, delimiter)
    assert found == {"utf-8": "utf-8-sig"}.get(encoding, encoding)


def test_r112_an_encoding_is_not_guessed_from_the_beginning_alone(tmp_path):
    """A long file whose first Russian letter comes late."""
    file = tmp_path / "old.csv"
    lines = ["phone;name", *[f"+7916{number:07d};Anna" for number in range(60_000)]]
    file.write_bytes("\n".join([*lines, "+79170000000;Анна"]).encode("cp1251"))

    found, _, rows = told(file)

    assert (found, rows[-1]) == ("cp1251", ["+79170000000", "Анна"])


def test_r112_utf_8_that_is_broken_in_a_place_is_not_taken_for_another_encoding(cli, tmp_path):
    cli("programmes", "create", "demo")
    file = tmp_path / "old.csv"
    whole = "Телефон;Имя\n+79161234567;Анна Сергеевна\n".encode()
    file.write_bytes(whole[:-4] + b"\xff" + whole[-3:])

    refused = cli("import", "members", str(file))

    assert (refused.code, "broken characters" in refused.err) == (1, True)


def test_r112_a_spreadsheet_says_the_same_as_its_text(tmp_path):
    book = Workbook()
    sheet = book.active
    sheet.append(["Телефон", "Баланс", "Дата сгорания", "Был", "Пусто", "Половина"])
    moment = datetime.fromisoformat("2026-01-02T03:04:05")
    sheet.append([79161234567, 10.5, date(2098, 12, 31), moment, None, 0.1])
    sheet.append([])
    sheet.append([89161234568.0, 0.1 + 0.2, "never", True, "", -3])
    file = tmp_path / "old.xlsx"
    book.save(file)

    encoding, _, rows = told(file)

    assert encoding == "xlsx"
    assert rows[1] == ["79161234567", "10.5", "2098-12-31", "2026-01-02 03:04:05", "", "0.1"]
    assert rows[2] == ["89161234568", "0.3", "never", "True", "", "-3"]
    assert [number for number, _ in Sheet(file, None).rows()] == [2, 4]


def test_r112_a_spreadsheet_is_brought_in(cli, tmp_path):
    cli("programmes", "create", "demo")
    book = Workbook()
    book.active.append(["Номер телефона", "Бонусы"])
    book.active.append([79161234567, 1250.5])
    file = tmp_path / "old.xlsx"
    book.save(file)

    assert cli("import", "members", str(file), "--json").json["new"] == 1
    assert cli("import", "balances", str(file), "--json").json["points_taken"] == "1250.50"


def test_r112_what_is_no_file_of_rows_is_refused_in_a_line(cli, tmp_path):
    cli("programmes", "create", "demo")
    empty, blank, twice = (tmp_path / name for name in ("empty.csv", "blank.csv", "twice.csv"))
    empty.write_bytes(b"")
    blank.write_text(";;\n1;2;3\n")
    twice.write_text("phone;phone\n1;2\n")
    packed, torn = tmp_path / "packed.xlsx", tmp_path / "torn.xlsx"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("readme.txt", "not a workbook")
    torn.write_bytes(packed.read_bytes()[:40])
    refused = cli("import", "members", str(twice), "--encoding", "utf-16")
    assert refused.code == 1
    assert "twice.csv cannot be read" in refused.err
    for file, said in (
        (empty, "no headings"),
        (blank, "no headings"),
        (twice, "two columns phone"),
        (packed, "no XLSX"),
        (torn, "no XLSX"),
    ):
        refused = cli("import", "members", str(file))
        assert refused.code == 1, file
        assert said in refused.err


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path):
    file = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b" " * (3 << 20))
    with pytest.raises(SheetUnreadable, match="more than 2 MiB"):
        Sheet(file, None, most_unpacked=2 << 20)


def test_a_cell_that_a_spreadsheet_would_reckon_with_is_marked_and_read_back():
    for cell in ("=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd", "\tx", "\r=1"):
        assert guarded(cell) == f"'{cell}"
        assert unguarded(guarded(cell)) == cell
    for cell in ("+79161234567", "-10.50", "О'Генри", "'quoted'", ""):
        assert guarded(cell) == cell
        assert unguarded(cell) == cell


HEAD = "card;name;city"


@pytest.mark.parametrize(
    ("rows", "opens"),
    [
        ((HEAD, '1;"Анна;Тверь', "2;Яна;Псков", "3;Ева;Омск"), 2),
        ((HEAD, "1;Анна;Тверь", '2;"Яна;Псков', '3;"Ева";Омск', "4;Ада;Тверь"), 3),
        ((HEAD, '1;"Анна;Тверь', '2;Яна";Псков', "3;Ева;Омск"), 2),
        ((HEAD, '1;"Анна;Тверь', *["2"] * 120, '3;Ева";Омск'), 2),
        (("card", "1", '"2', '3"'), 3),
        (('card;"name;city', "1;Анна;Тверь"), 1),
        ((HEAD, "1;Анна;Тверь", "", f'2;"{"Я" * 140_000};Омск'), 4),
    ],
)
def test_r112_a_quote_that_is_not_closed_swallows_no_rows(tmp_path, rows, opens):
    file = write_rows(tmp_path / "old.csv", *rows)

    with pytest.raises(SheetUnreadable, match=f"line {opens}\\b"):
        told(file)


def test_r112_line_breaks_and_quotes_within_a_cell_are_read(tmp_path):
    rows = (HEAD, '1;"Анна ""Аня""";"Тверь,\nулица, 5"', '2;ООО "Яна";"ООО "Псков""', '3;"a\n"";"')
    file = write_rows(tmp_path / "old.csv", *rows[:3])

    assert told(file)[2][1:] == [
        ["1", 'Анна "Аня"', "Тверь,\nулица, 5"],
        ["2", 'ООО "Яна"', 'ООО Псков""'],
    ]


def test_r112_zeros_that_a_spreadsheet_shows_are_read_and_lost_digits_are_told(tmp_path):
    book = Workbook()
    sheet = book.active
    sheet.append(["card", "card2", "card3", "points"])
    sheet.append([1001, 220000000000123450, 2.2e16, 7])
    sheet["A2"].number_format = "0" * 13
    sheet["D2"].number_format = "0.00"
    file = tmp_path / "old.xlsx"
    book.save(file)

    (row,) = told(file)[2][1:]

    assert row == ["0000000001001", "2.20000000000123e+17", "2.20000000000000e+16", "7"]


def test_r112_rejected_rows_are_mended_again_and_again(cli, tmp_path):
    """What is rejected of a file of rejected rows is such a file once more."""
    cli("programmes", "create", "demo")
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    first = write_rows(tmp_path / "old.csv", "phone,name", "no,Анна", "no,=Яна,?")
    cli("import", "members", str(first), "--rejected", str(one))

    cli("import", "members", str(one), "--rejected", str(two))

    assert two.read_text("utf-8") == one.read_text("utf-8")
    mended = write_rows(
        tmp_path / "mended.csv", two.read_text("utf-8").replace("no", "+79161234567", 1)
    )
    told = cli("import", "members", str(mended), "--json").json
    assert (told["new"], told["rejected"]) == (1, 1)
