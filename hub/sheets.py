"""Files of other systems: CSV in the encodings and delimiters that are met, and XLSX; row by row.

What goes out to be opened in a spreadsheet is written here too: a cell that one would take for a
formula is marked as text, and read back without the mark.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from loyalty_core.service.import_codes import Line

DELIMITERS = ";,\t"
_BLOCK = 1 << 20
MOST_UNPACKED = 4 << 30
_MOST_ZEROS = 30
_BEYOND_DIGITS = 10**15
_XLSX = b"PK\x03\x04"
_FORMULA = ("=", "@", "\t", "\r")
_SIGNS = ("+", "-")
_FORMULA_OF_DIGITS = re.compile(r'="([0-9]+)"')
_NUMBER = frozenset("0123456789.,+- ()")


class SheetUnreadable(Exception):
    """A file that cannot be taken as it is.  `template` is the sentence, with places for
    `facts`."""

    def __init__(self, template: str, **facts: object) -> None:
        self.template, self.facts = template, facts
        super().__init__(template.format(**facts))


@dataclass(frozen=True, slots=True)
class Look:
    """What one look through a file tells: its hash, about how many rows, its encoding."""

    file_hash: str
    about_rows: int
    encoding: str


class Sheet:
    """The rows of a file, its first one the headings."""

    def __init__(
        self, path: Path, encoding: str | None, *, most_unpacked: int = MOST_UNPACKED
    ) -> None:
        """`most_unpacked`: so many bytes a packed file may come to; its texts are held at once.

        Raises: SheetUnreadable.
        """
        self._path = path
        self.name = path.name
        _check_unpacked(path, most_unpacked)
        self.look = _look(path, encoding)
        self.delimiter = ";"
        if self.look.encoding != "xlsx":
            self.delimiter = _delimiter_of(path, self.look.encoding)
        _, heads = next(self._lines(), (0, []))
        self.names = [name.strip() for name in heads]
        while self.names and not self.names[-1]:
            self.names.pop()
        if not any(self.names):
            raise SheetUnreadable("{file} has no headings in its first row.", file=path.name)
        twice = {name for name in self.names if name and self.names.count(name) > 1}
        if twice:
            raise SheetUnreadable(
                "{file} has two columns {names}.", file=path.name, names=", ".join(sorted(twice))
            )

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The line of the file on which each row ends, and its cells; empty rows are left out."""
        lines = self._lines()
        next(lines)
        for number, cells in lines:
            if any(cell.strip() for cell in cells):
                yield number, [unguarded(cell) for cell in cells]

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        if self.look.encoding == "xlsx":
            yield from _sheet_rows(self._path)
            return
        with self._path.open(encoding=self.look.encoding, newline="") as file:
            yield from _rows_of_text(file, self.delimiter, self.name)


def guarded(cell: str) -> str:
    """A spreadsheet takes `=...` and the like for a formula: an apostrophe marks it as text, and
    what would be read as such a mark gets one more."""
    if cell.startswith(_FORMULA) or (cell.startswith(_SIGNS) and not _NUMBER.issuperset(cell)):
        return f"'{cell}"
    return f"'{cell}" if _is_marked(cell) else cell


def unguarded(cell: str) -> str:
    """A text of digits is marked by others in the same way, or written as a formula: `="0012"`."""
    if _is_marked(cell):
        return cell[1:]
    found = _FORMULA_OF_DIGITS.fullmatch(cell)
    return found[1] if found else cell


def _is_marked(cell: str) -> bool:
    if cell[:1] != "'":
        return False
    plain = cell.lstrip("'")
    return plain.startswith(_FORMULA + _SIGNS) or (plain.isascii() and plain.isdigit())


PORTION = 5000
"""Lines that are taken in one transaction."""

Portion = list[tuple[Line, list[str]]]
"""Lines by our words, beside what stands in the file."""


class Rows:
    """The lines of a file by our words.

    `words` are ours, `told` says what some of them are called in the file, and those of `needed`
    must be there.

    Raises: SheetUnreadable (a column that is not there).
    """

    def __init__(
        self,
        sheet: Sheet,
        words: Sequence[str],
        *,
        told: Mapping[str, str],
        needed: Sequence[str] = ("code",),
    ) -> None:
        self._sheet = sheet
        ours = {name.casefold(): name for name in sheet.names if name}
        found = {word: told.get(word, ours.get(word)) for word in words}
        missing = sorted(set(told.values()) - set(sheet.names))
        if missing:
            raise SheetUnreadable("The file has no column {name}.", name=", ".join(missing))
        for word in needed:
            if found[word] is None:
                raise SheetUnreadable(
                    "The file has no column {name}; name it: --column {name}=...", name=word
                )
        self._places = {
            word: sheet.names.index(name) for word, name in found.items() if name is not None
        }

    def portions(self) -> Iterator[Portion]:
        portion: Portion = []
        for number, cells in self._sheet.rows():
            portion.append((self._line(number, cells), cells))
            if len(portion) == PORTION:
                yield portion
                portion = []
        if portion:
            yield portion

    def _line(self, number: int, cells: list[str]) -> Line:
        told = {
            word: cells[place].strip() if place < len(cells) else ""
            for word, place in self._places.items()
        }
        return Line(number, told, any(cell.strip() for cell in cells[len(self._sheet.names) :]))


# --- looking --------------------------------------------------------------------------------


def _look(path: Path, encoding: str | None) -> Look:
    """Reads the whole file once, a block at a time."""
    digest, lines = blake2b(digest_size=16), 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    broken = 0
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        while block := file.read(_BLOCK):
            digest.update(block)
            lines += block.count(b"\n")
            if encoding is None and not start.startswith(_XLSX):
                broken += decoder.decode(block).count("\ufffd")
    broken += decoder.decode(b"", final=True).count("\ufffd")
    told = digest.hexdigest()
    if start.startswith(_XLSX):
        return Look(told, _rows_of_sheet(path), "xlsx")
    return Look(told, max(lines - 1, 0), encoding or _encoding(start, broken, path))


def _encoding(start: bytes, broken: int, path: Path) -> str:
    """UTF-8 where all of it is; else the encoding of Windows in Russia, unless it looks like
    UTF-8 that was broken in places."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if not broken:
        return "utf-8-sig"
    letters = _whole_letters(path)
    if letters > broken:
        raise SheetUnreadable(
            "{file} is UTF-8 with broken characters in it.  "
            "Mend it, or name its encoding: --encoding",
            file=path.name,
        )
    return "cp1251"


def _whole_letters(path: Path) -> int:
    """Characters beyond ASCII that read well as UTF-8; in other encodings there are few."""
    decoder, found = codecs.getincrementaldecoder("utf-8")("ignore"), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            text = decoder.decode(block)
            found += len(text) - len(text.encode("ascii", "ignore"))
    return found


def _delimiter_of(path: Path, encoding: str) -> str:
    """The one that makes most of the headings."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            head = file.readline(_BLOCK)
    except (UnicodeError, LookupError) as error:
        raise SheetUnreadable("{file} cannot be read: {why}", file=path.name, why=error) from None

    def parts(delimiter: str) -> int:
        return len(next(csv.reader(io.StringIO(head), delimiter=delimiter), []))

    return max(DELIMITERS, key=parts)


# --- CSV ------------------------------------------------------------------------------------

_MOST_LINES = 100
"""Of a row with line breaks within its cells."""


def _rows_of_text(file: IO[str], delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row ends, and its cells.

    A quotation mark that is not closed makes a cell of all that stands behind it, up to the next
    one, wherever that is; the rows within would be lost without a word.

    Raises: SheetUnreadable.
    """
    lines: list[str] = []

    def kept() -> Iterator[str]:
        for line in file:
            lines.append(line)
            if len(lines) > _MOST_LINES:
                raise _Swallowed
            yield line

    reader = csv.reader(kept(), delimiter=delimiter)
    done, width = 0, 0
    try:
        for cells in reader:
            width = width or len(cells)
            if len(lines) > 1 and _is_torn(lines, cells, delimiter, width):
                raise _Swallowed
            yield reader.line_num, cells
            done = reader.line_num
            lines.clear()
    except _Swallowed:
        raise SheetUnreadable(
            "{file}: a quotation mark that opens on line {line} is not closed where its cell"
            " ends, and swallows what stands below.  Close it, or take the line break out of the"
            " cell.",
            file=name,
            line=done + 1,
        ) from None
    except (csv.Error, UnicodeError) as error:
        raise SheetUnreadable(
            "{file} cannot be read from line {line} on: {why}", file=name, line=done + 1, why=error
        ) from None


class _Swallowed(Exception):
    """A row of the file goes on where another one should begin."""


def _is_torn(lines: Sequence[str], cells: Sequence[str], delimiter: str, width: int) -> bool:
    """Whether a row of several lines has others in it: its quotation marks do not stand round
    whole cells, or a cell has as many delimiters in it as the rows within would have."""
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    for cell in cells:
        breaks = len(cell.splitlines()) - 1
        if breaks > 0 and cell.count(delimiter) >= breaks * (width - 1):
            return True
    return False


# --- XLSX -----------------------------------------------------------------------------------


def _check_unpacked(path: Path, most: int) -> None:
    """Before a byte of it is unpacked.  Raises: SheetUnreadable."""
    with path.open("rb") as file:
        if not file.read(len(_XLSX)).startswith(_XLSX):
            return
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(one.file_size for one in packed.infolist())
    except zipfile.BadZipFile as error:
        raise SheetUnreadable("{file} is no XLSX file: {why}", file=path.name, why=error) from None
    if size > most:
        raise SheetUnreadable(
            "{file} unpacks to more than {most} MiB.", file=path.name, most=most >> 20
        )


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    """Raises: SheetUnreadable."""
    from openpyxl import load_workbook

    # Opened here: by its name openpyxl refuses what does not end in .xlsx.
    with path.open("rb") as file:
        try:
            book = load_workbook(file, read_only=True, data_only=True)
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise SheetUnreadable(
                "{file} is no XLSX file: {why}", file=path.name, why=error
            ) from None
        try:
            yield book
        finally:
            book.close()


def _rows_of_sheet(path: Path) -> int:
    with _workbook(path) as book:
        return max(int(book.worksheets[0].max_row or 1) - 1, 0)


def _sheet_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Of the first sheet."""
    with _workbook(path) as book:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its size is often wrong
        for number, cells in enumerate(sheet.iter_rows(), 1):
            yield number, [_text(cell) for cell in cells]


def _text(cell: Any) -> str:
    """As a person would have typed it."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime):
        day = value.date().isoformat()
        return day if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, cell)
    return str(value)


def _number(value: int | float, cell: Any) -> str:
    """As long as it is shown, where that is with zeros before it.

    A spreadsheet keeps 15 digits: of a longer number nobody knows the rest, and it is told so
    (`import_cells.is_rounded`).
    """
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.15g}"
    if abs(value) >= _BEYOND_DIGITS:
        return f"{float(value):.14e}"
    shown = str(cell.number_format)
    zeros = len(shown) if set(shown) == {"0"} and len(shown) <= _MOST_ZEROS else 0
    return str(int(value)).zfill(zeros)
