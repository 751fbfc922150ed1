"""Several names of one member in one cell of a file, parted by semicolons; an id of another system
is `system:id`.

What would part a name stands behind a backslash, and so does a backslash.  A backslash before
anything else is itself, as people write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from loyalty_core.domain.import_cells import said
from loyalty_core.domain.members import IdentityKey

_PARTS = re.compile(r"[;,|]")
_MARKS = re.compile(r"[;,|\\]|^\s|\s$")
_SYSTEM_MARKS = re.compile(r"[;,|\\:]|^\s|\s$")
_LETTER = re.compile(r"\\([;,|:\\\s])|(.)", re.DOTALL)

_Letters = list[tuple[str, bool]]
"""Each with whether it stood behind a backslash, so that it parts nothing."""


def parts_of(cell: str) -> list[str]:
    """Phones, addresses or cards; commas and bars part them, too."""
    if "\\" not in cell:
        return [plain for part in _PARTS.split(cell) if (plain := part.strip())]
    parts = _split(_letters(cell), ";,|")
    return [text for part in parts if (text := _text(part))]


def ids_in(cell: str) -> list[tuple[str, str] | None]:
    """System and id of each; None: one that tells no system, or no id."""
    parts = _split(_letters(cell), ";")
    return [_pair(part) for part in parts if _text(part)]


def written(keys: Iterable[IdentityKey]) -> dict[str, str]:
    """Cells by kind, from which the same names are read again."""
    told: dict[str, list[str]] = {kind: [] for kind in ("phone", "email", "card", "external")}
    for key in keys:
        value = _MARKS.sub(_marked, key.value)
        system = f"{_SYSTEM_MARKS.sub(_marked, key.system)}:" if key.system else ""
        told[key.kind].append(system + value)
    return {kind: _closed(";".join(values)) for kind, values in told.items()}


def _closed(cell: str) -> str:
    """A cell's last blanks are cut off by whoever reads it, and some words read like nothing."""
    return f"{cell};" if cell and (cell[-1].isspace() or said(cell) is None) else cell


def _marked(found: re.Match[str]) -> str:
    return f"\\{found.group()}"


def _letters(cell: str) -> _Letters:
    return [(found[1] or found[2], found[1] is not None) for found in _LETTER.finditer(cell)]


def _split(letters: _Letters, marks: str) -> list[_Letters]:
    parts: list[_Letters] = [[]]
    for letter, is_marked in letters:
        if letter in marks and not is_marked:
            parts.append([])
        else:
            parts[-1].append((letter, is_marked))
    return parts


def _text(letters: Sequence[tuple[str, bool]]) -> str:
    """Without the blanks round it."""
    solid = [at for at, (letter, is_marked) in enumerate(letters) if is_marked or letter.strip()]
    if not solid:
        return ""
    return "".join(letter for letter, _ in letters[solid[0] : solid[-1] + 1])


def _pair(letters: _Letters) -> tuple[str, str] | None:
    colon = next((at for at, one in enumerate(letters) if one == (":", False)), None)
    if colon is None:
        return None
    pair = _text(letters[:colon]), _text(letters[colon + 1 :])
    return pair if all(pair) else None
