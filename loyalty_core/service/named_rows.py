"""By which names a row of a file means somebody, and who that is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from loyalty_core.domain.errors import PhoneImpossible
from loyalty_core.domain.import_cells import Wrong, said, short_text, text_of, whole_digits
from loyalty_core.domain.members import IdentityKey, card_key, email_key, external_key, phone_key
from loyalty_core.domain.name_cells import ids_in, parts_of
from loyalty_core.service.phones import normalise_phone
from loyalty_core.store import members
from loyalty_core.store.database import number_of
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.scratch import Scratch

_LETTER = re.compile(r"[^\W\d_]")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


@dataclass(frozen=True, slots=True)
class Names:
    """`direct`: the hub's own id, where the row tells it."""

    keys: tuple[IdentityKey, ...]
    direct: int | None = None

    def tell(self, other: Names) -> bool:
        """Whether all that the other names stands here too."""
        return set(other.keys) <= set(self.keys) and other.direct in (None, self.direct)


def names_in(told: Mapping[str, str], region: str, system: str | None) -> Names:
    """`system`: whose the ids in `external` are; None: each cell says so ("crm:17").

    Raises: Wrong (a name that is none, or no name at all).
    """
    keys = [_phone(one, region) for one in _parts(told, "phone")]
    keys += [_email(one) for one in _parts(told, "email")]
    keys += [_card(one) for one in _parts(told, "card")]
    keys += _externals(told.get("external"), system)
    direct = None
    if wire := text_of(told.get("member"), "member"):
        direct = from_wire("m", wire)
        if direct is None:
            raise Wrong("member_id")
    if not keys and direct is None:
        raise Wrong("nameless")
    return Names(tuple(dict.fromkeys(keys)), direct)


def _parts(told: Mapping[str, str], word: str) -> list[str]:
    """The names in a cell, of which each is a short text."""
    cell = said(told.get(word, ""))
    if cell is None:
        return []
    whole_digits(cell, word)
    return [short_text(part, word) for part in parts_of(cell)]


def _phone(text: str, region: str) -> IdentityKey:
    """A spreadsheet that made 7.9E+10 of a phone has lost its digits; letters dial nothing here."""
    if _LETTER.search(text):
        raise Wrong("phone")
    try:
        return phone_key(normalise_phone(text, region))
    except PhoneImpossible:
        raise Wrong("phone") from None


def _email(text: str) -> IdentityKey:
    if not _EMAIL.fullmatch(text):
        raise Wrong("email")
    return email_key(text)


def _card(text: str) -> IdentityKey:
    key = card_key(text)
    if not key.value:
        raise Wrong("card")
    return key


def _externals(cell: str | None, system: str | None) -> list[IdentityKey]:
    if cell is None or said(cell) is None:
        return []
    whole_digits(cell, "external")
    if system is not None:
        return [external_key(system, short_text(cell.strip(), "external"))]
    keys = []
    for pair in ids_in(cell):
        if pair is None:
            raise Wrong("no_system")
        of, number = pair
        whole_digits(number, "external")
        keys.append(external_key(short_text(of, "external"), short_text(number, "external")))
    return keys


# --- who ------------------------------------------------------------------------------------


class People:
    """Whom the names of a portion's rows mean; merged members are followed, erased ones nobody."""

    def __init__(
        self, connection: Connection, programme_id: int, named: Collection[Names], *, lock: bool
    ) -> None:
        keys = {key for one in named for key in one.keys}
        self.owner = members.owners(connection, programme_id, keys)
        ids = set(self.owner.values()) | {one.direct for one in named if one.direct is not None}
        find = members.lock_survivors if lock else members.survivors
        self._alive = find(connection, programme_id, ids) if ids else {}

    @property
    def all(self) -> set[int]:
        return {number for number in self._alive.values() if number is not None}

    def is_here(self, direct: int) -> bool:
        """Whether somebody of this programme has this id of the hub."""
        return self._alive.get(direct) is not None

    def of(self, names: Names) -> int | None:
        """None: nobody known.  Raises: Wrong, where the names lead to several."""
        found = {
            self._alive.get(number)
            for number in (*map(self.owner.get, names.keys), names.direct)
            if number is not None
        }
        alive = sorted(number for number in found if number is not None)
        if len(alive) > 1:
            raise Wrong("several", members=", ".join(to_wire("m", number) for number in alive))
        return alive[0] if alive else None

    def known(self, names: Names) -> int:
        """Raises: Wrong, where nobody is known, or several."""
        member = self.of(names)
        if member is None:
            raise Wrong("nobody")
        return member


class FirstLines:
    """On which line of the file a name, or whatever may stand there once, stood first."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch

    def claim(self, wanted: Sequence[tuple[int, Collection[str]]]) -> dict[int, int]:
        """Lines with what each names, in their order; those that name what another line has
        named before, with that line.  What they name is not theirs.

        A portion that is tried again finds what it claimed the first time.
        """
        numbers = [(line, [number_of(name) for name in names]) for line, names in wanted]
        known = self._scratch.known({one for _, names in numbers for one in names})
        fresh: list[tuple[int, int]] = []
        taken: dict[int, int] = {}
        for line, names in numbers:
            others = [known[one] for one in names if known.get(one, line) != line]
            if others:
                taken[line] = min(others)
                continue
            known |= dict.fromkeys(names, line)
            fresh += [(one, line) for one in names]
        self._scratch.note(fresh)
        return taken

    def note(self, told: Sequence[tuple[int, str]]) -> None:
        """Lines with what may stand on others too."""
        self._scratch.note([(number_of(name), line) for line, name in told])

    def lines_of(self, names: Collection[str]) -> dict[str, int]:
        """On which line these stand first, of those that were read so far."""
        numbers = {number_of(name): name for name in names}
        return {numbers[one]: line for one, line in self._scratch.known(numbers).items()}


def marks_of(keys: Collection[IdentityKey]) -> list[str]:
    return [f"{key.kind}:{key.system}:{key.value}" for key in keys]
