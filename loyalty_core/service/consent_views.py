"""Consents as they are shown, and what is left of them when a person is erased."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.consents import ERASE_WITHIN, PROCESSING, Standing, Subject
from loyalty_core.domain.errors import MemberNotFound
from loyalty_core.domain.members import IdentityKey, hashed
from loyalty_core.service.confirm import CHANNEL_OF
from loyalty_core.store import consents as store
from loyalty_core.store import members
from loyalty_core.store.consents import KeptStatement
from loyalty_core.store.ids import from_wire, to_wire

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What stands of one subject, and the statement that it comes from."""

    subject: Subject
    standing: Standing
    said: KeptStatement


@dataclass(frozen=True, slots=True)
class Consents:
    """`history` is the newest first.  `erase_by`: consent to processing is withdrawn, and
    erasing, which is a step of its own, is due by then unless the law or a contract asks for
    the data.
    """

    items: Sequence[ConsentView]
    history: Sequence[KeptStatement]
    erase_by: datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of somebody who was erased: a number, and what was said under it."""

    member: str
    erased_at: datetime
    history: Sequence[KeptStatement]


def member_consents(connection: Connection, programme_id: int, member_id: str) -> Consents:
    """What stands, and what was said.  Raises: MemberNotFound."""
    number = from_wire("m", member_id)
    found = None
    if number is not None:
        found = members.survivors(connection, programme_id, [number]).get(number)
    if found is None:
        raise MemberNotFound
    return consents_of(connection, found)


def consents_of(connection: Connection, number: int) -> Consents:
    """`member_consents` of who was not merged into another."""
    states = store.states_of(connection, [number])[number]
    history = all_statements(connection, number)
    by_id = {one.id: one for one in history}
    items = [
        ConsentView(subject, standing, by_id[standing.consent_id])
        for subject, standing in states.items()
    ]
    processing = states.get(Subject(PROCESSING))
    erase_by = None
    if processing is not None and not processing.given:
        erase_by = processing.at + ERASE_WITHIN
    return Consents(items, history[:MOST_SHOWN], erase_by)


def all_statements(connection: Connection, number: int) -> list[KeptStatement]:
    """All that this member said, and those who were merged into it; the newest first."""
    aliases = members.aliases_of(connection, [number]).get(number, [])
    return store.history_of(connection, [number, *aliases])


def told(said: KeptStatement) -> dict[str, Any]:
    """A statement, wire-ready."""
    return {
        "purpose": said.purpose,
        "channel": said.channel or None,
        "given": said.given,
        "text_version": said.text_version,
        "at": said.at.isoformat(),
        "recorded_at": said.recorded_at.isoformat(),
        "place": said.place,
        "shop": said.shop,
        "proof": {"how": said.how, "ref": said.ref},
        "recorded_by": said.recorded_by,
    }


def keep_evidence(  # noqa: PLR0913 - who it was, and under which key
    connection: Connection,
    programme_id: int,
    ids: Sequence[int],
    names: Iterable[IdentityKey],
    *,
    key: bytes,
    now: datetime,
) -> None:
    """Leave the proof of what a person said, and nothing by which anybody could be found.

    The sender must prove consent also to who has gone since (152-FZ, article 9, part 3; 38-FZ,
    article 18, part 1).  So what was said stays under the member's number, and the addresses
    lead there by a hash under `key`: whoever brings the address finds the proof, the database
    alone tells nobody's.  The first of `ids` is the member, the others were merged into it.
    """
    if not store.history_of(connection, ids, limit=1):
        return
    hashes = {hashed(key, programme_id, name) for name in names if name.kind in CHANNEL_OF}
    store.blank_refs(connection, ids)
    store.drop_states(connection, ids)
    store.add_evidence(connection, programme_id, ids[0], hashes, now=now)


def find_evidence(
    connection: Connection, programme_id: int, name: IdentityKey, *, keys: Sequence[bytes]
) -> list[Evidence]:
    """What erased members said who had this phone or address; `keys` as they were over time."""
    hashes = [hashed(key, programme_id, name) for key in keys]
    found = store.evidence_of(connection, programme_id, hashes)
    return [
        Evidence(to_wire("m", number), erased_at, all_statements(connection, number))
        for number, erased_at in sorted(found.items())
    ]
