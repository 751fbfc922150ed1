"""Files of other systems: CSV in the encodings and delimiters that are met, and XLSX; row by row.

What goes out to be opened in a spreadsheet is written here too: a cell that one would take for a
formula is marked as text, and read back without the mark.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import click

from hub.cli.private_file import begin_private

DELIMITERS = ";,\t"
_BLOCK = 1 << 20
_MOST_UNPACKED = 4 << 30
_BEYOND_DIGITS = 10**15
_XLSX = b"PK\x03\x04"
_FORMULA = ("=", "@", "\t", "\r")
_SIGNS = ("+", "-")
_FORMULA_OF_DIGITS = re.compile(r'="([0-9]+)"')
_NUMBER = frozenset("0123456789.,+- ()")


@dataclass(frozen=True, slots=True)
class Look:
    """What one look through a file tells: its hash, about how many rows, its encoding."""

    file_hash: str
    about_rows: int
    encoding: str


class Sheet:
    """The rows of a file, its first one the headings."""

    def __init__(self, path: Path, encoding: str | None) -> None:
        self._path = path
        self.name = path.name
        self.look = _look(path, encoding)
        self.delimiter = ";"
        if self.look.encoding != "xlsx":
            self.delimiter = _delimiter_of(path, self.look.encoding)
        _, heads = next(self._lines(), (0, []))
        self.names = [name.strip() for name in heads]
        while self.names and not self.names[-1]:
            self.names.pop()
        if not any(self.names):
            raise click.ClickException(f"{path.name} has no headings in its first row.")
        twice = {name for name in self.names if name and self.names.count(name) > 1}
        if twice:
            raise click.ClickException(f"{path.name} has two columns {', '.join(sorted(twice))}.")

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


def apart(file: Path, out: Path | None) -> None:
    """Raises: click.UsageError, where what is read would be written over."""
    if out is not None and out.exists() and out.samefile(file):
        raise click.UsageError(
            f"{out.name} is the file that is read; give the other a name of its own."
        )


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
        raise click.ClickException(
            f"{path.name} is UTF-8 with broken characters in it.  "
            "Mend it, or name its encoding: --encoding"
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
    except (UnicodeDecodeError, LookupError) as error:
        raise click.ClickException(f"{path.name} cannot be read: {error}") from None

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

    Raises: click.ClickException.
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
        raise click.ClickException(
            f"{name}: a quotation mark that opens on line {done + 1} is not closed where its cell"
            " ends, and swallows what stands below.  Close it, or take the line break out of the"
            " cell."
        ) from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise click.ClickException(
            f"{name} cannot be read from line {done + 1} on: {error}"
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


def _workbook(path: Path) -> Any:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(path) as packed:
            if sum(one.file_size for one in packed.infolist()) > _MOST_UNPACKED:
                raise click.ClickException(f"{path.name} unpacks to more than 4 GiB.")
        return load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise click.ClickException(f"{path.name} is no XLSX file: {error}") from None


def _rows_of_sheet(path: Path) -> int:
    book = _workbook(path)
    try:
        return max(int(book.worksheets[0].max_row or 1) - 1, 0)
    finally:
        book.close()


def _sheet_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Of the first sheet."""
    book = _workbook(path)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its size is often wrong
        for number, cells in enumerate(sheet.iter_rows(), 1):
            yield number, [_text(cell) for cell in cells]
    finally:
        book.close()


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
    return str(int(value)).zfill(len(shown) if set(shown) == {"0"} else 0)


# --- rows that were not taken ---------------------------------------------------------------

REASON = "rejected"


class RejectFile:
    """Rows that could not be taken, as they were, with the reason; for their owner alone.

    `resume_at`: what a run that was cut off has written and kept ends there.
    """

    def __init__(self, path: Path | None, sheet: Sheet, resume_at: int = 0) -> None:
        self._file: IO[bytes] | None = None
        self._delimiter = sheet.delimiter
        # A file of rejected rows that is brought in has a column of reasons already.
        self._width = len(sheet.names) - (sheet.names[-1] == REASON)
        self._beyond = len(sheet.names)
        if path is None:
            return
        head = self._text([[*sheet.names[: self._width], REASON]])
        self._file = self._resumed(path, head, resume_at) or begin_private(path, head)
        self._kept = self._file.tell()

    def put(self, rows: Sequence[tuple[Sequence[str], str]]) -> int:
        """Rows with why they were rejected, in the place of those that were put since the last
        `settle`; gives where the file ends."""
        if self._file is None:
            return 0
        self._end_at(self._kept)
        self._file.write(self._text(self._row(cells, why) for cells, why in rows))
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def settle(self) -> None:
        """What was put stays."""
        if self._file is not None:
            self._kept = self._file.tell()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _row(self, cells: Sequence[str], why: str) -> list[str]:
        """The reason stands under its heading, and what has no heading behind it."""
        own = [*cells[: self._width], *[""] * (self._width - len(cells))]
        return [*own, why, *cells[self._beyond :]]

    def _resumed(self, path: Path, head: bytes, resume_at: int) -> IO[bytes] | None:
        """The file of the run that was cut off, if it is there."""
        if not (resume_at >= len(head) and path.is_file()):
            return None
        file = path.open("r+b")
        if file.read(len(head)) != head or file.seek(0, os.SEEK_END) < resume_at:
            file.close()
            return None
        os.fchmod(file.fileno(), 0o600)
        file.seek(resume_at)
        file.truncate()
        return file

    def _end_at(self, place: int) -> None:
        assert self._file is not None
        self._file.seek(place)
        self._file.truncate()

    def _text(self, rows: Iterable[Sequence[str]]) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self._delimiter)
        writer.writerows([guarded(cell) for cell in row] for row in rows)
        return text.getvalue().encode("utf-8")
