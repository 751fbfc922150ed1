"""Where else a person's names stand: calls as they came, events, answers kept, others' receipts.

An erasure follows the links that there are (which member a delivery's receipts name) and, since
not everything leads to a receipt, reads what is kept for the person's phones, addresses and
cards.  That is a walk through the programme's deliveries of the last weeks, in pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    and_,
    delete,
    or_,
    select,
    update,
)

from loyalty_core.domain.members import IdentityKey
from loyalty_core.store.ids import to_wire
from loyalty_core.store.purchases import forget_customers
from loyalty_core.store.tables import (
    api_keys,
    deliveries,
    happenings,
    idempotency,
    identity_conflicts,
    looked_at,
    members,
    purchases,
    refunds,
)

ERASED = "erased"
"""The error code of a delivery that was not worked off because its person was erased."""
_PAGE = 500
_NATIONAL_DIGITS = 10
_SHORTEST_CARD = 6
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class Person:
    """A member with all that was merged into it, and the names that lead there."""

    programme_id: int
    ids: tuple[int, ...]
    names: tuple[IdentityKey, ...]

    @property
    def wires(self) -> frozenset[str]:
        return frozenset(to_wire("m", number) for number in self.ids)


class Marks:
    """Finds a person in a text, however it is written or escaped.

    By the hub's ids, phones, e-mails and cards; names of people are shared, and the ids of
    other systems are short numbers, so neither says who is meant.
    """

    def __init__(self, person: Person) -> None:
        # One by one: each begins with a letter of its own, which is quick to look for.
        words = [rf"{re.escape(wire)}(?![0-9a-z])" for wire in person.wires]
        words += [word for key in person.names if (word := _pattern(key))]
        self._words = [re.compile(word) for word in words]

    def in_text(self, text: str) -> bool:
        plain = text
        if "\\u" in plain:
            plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), plain)
        forms = {plain.casefold(), unquote_plus(plain).casefold() if "%" in plain else ""}
        return any(word.search(form) for form in forms for word in self._words)

    def in_json(self, value: Any) -> bool:
        return self.in_text(json.dumps(value, ensure_ascii=False))


def _pattern(key: IdentityKey) -> str | None:
    if key.kind == "phone":
        digits = re.sub(r"\D", "", key.value)[-_NATIONAL_DIGITS:]
        return r"[\s().\-\u00a0+]*".join(digits)
    if key.kind == "email":
        return re.escape(key.value)
    if key.kind == "card" and len(key.value) >= _SHORTEST_CARD:
        return r"[\s\-]*".join(map(re.escape, key.value))
    return None


def erase_traces(connection: Connection, person: Person, *, now: datetime) -> None:
    """Empty whatever holds the person and is not the person's own row.

    Deliveries that were still to be worked off end with them (`ERASED`): booking them would
    make the person a member anew.  Answers go, so a repeated call is asked anew.
    """
    marks = Marks(person)
    _empty_deliveries(connection, person, marks, now)
    _empty_happenings(connection, person, marks)
    _drop_answers(connection, person, marks)
    _forget_in_receipts(connection, person, marks)
    _empty_notes(connection, person, marks)
    values = {key.value for key in person.names} | person.wires
    connection.execute(
        update(members)
        .where(members.c.programme_id == person.programme_id, members.c.referrer.in_(values))
        .values(referrer=None)
    )


def _empty_deliveries(connection: Connection, person: Person, marks: Marks, now: datetime) -> None:
    kept = and_(deliveries.c.programme_id == person.programme_id, deliveries.c.emptied_at.is_(None))
    columns = (deliveries.c.body, deliveries.c.headers, deliveries.c.result)
    for page in _pages(connection, deliveries, columns, kept):
        _empty(connection, [row["id"] for row in page if _names(row, marks)], now)


def _empty(connection: Connection, ids: Collection[int], now: datetime) -> None:
    """Take body and headers of deliveries; what was to be worked off ends as `ERASED`."""
    if not ids:
        return
    these = deliveries.c.id.in_(ids)
    connection.execute(
        update(deliveries)
        .where(these, deliveries.c.state.in_(("due", "dead")))
        .values(state="dropped", error_code=ERASED, done_at=now)
    )
    connection.execute(
        update(deliveries)
        .where(these)
        .values(body=b"", headers={}, error_text=None, emptied_at=now)
    )


def _names(row: RowMapping, marks: Marks) -> bool:
    body = row["body"].decode("utf-8", "replace")
    return marks.in_text(body) or marks.in_json([row["headers"], row["result"]])


def _empty_happenings(connection: Connection, person: Person, marks: Marks) -> None:
    own = happenings.c.member_id.in_(person.ids)
    connection.execute(update(happenings).where(own).values(data={}))
    nobodys = and_(
        happenings.c.programme_id == person.programme_id, happenings.c.member_id.is_(None)
    )
    for page in _pages(connection, happenings, (happenings.c.data,), nobodys):
        found = [row["id"] for row in page if marks.in_json(row["data"])]
        if found:
            is_it = happenings.c.id.in_(found)
            connection.execute(update(happenings).where(is_it).values(data={}))


def _empty_notes(connection: Connection, person: Person, marks: Marks) -> None:
    """What was written beside receipts that lead to nobody."""
    own = looked_at.c
    written = select(own.kind, own.number, own.other, own.note).where(
        own.programme_id == person.programme_id, own.note != ""
    )
    for kind, number, other, note in connection.execute(written).all():
        if marks.in_text(note):
            key = (own.kind == kind, own.number == number, own.other == other)
            mine = own.programme_id == person.programme_id
            connection.execute(update(looked_at).where(mine, *key).values(note=""))


def _drop_answers(connection: Connection, person: Person, marks: Marks) -> None:
    """Answers of the last day; one that is being made holds nothing yet and stays."""
    ours = select(api_keys.c.id).where(api_keys.c.programme_id == person.programme_id)
    answers = connection.execute(
        select(
            idempotency.c.key_id, idempotency.c.route, idempotency.c.key, idempotency.c.body
        ).where(idempotency.c.key_id.in_(ours), idempotency.c.body.is_not(None))
    ).all()
    for key_id, route, key, body in answers:
        if marks.in_text(f"{route} {body.decode('utf-8', 'replace')}"):
            connection.execute(
                delete(idempotency).where(
                    idempotency.c.key_id == key_id,
                    idempotency.c.route == route,
                    idempotency.c.key == key,
                )
            )


def _forget_in_receipts(connection: Connection, person: Person, marks: Marks) -> None:
    """Receipts of nobody, of those with whom one receipt confused the person, and refunds that
    found no purchase.
    """
    theirs = or_(purchases.c.member_id.is_(None), purchases.c.member_id.in_(_confused(person)))
    lone = refunds.c.purchase_id.is_(None)
    for table, which in ((purchases, theirs), (refunds, lone)):
        told = and_(
            table.c.programme_id == person.programme_id,
            which,
            table.c.document["customer"].as_string().is_not(None),
        )
        for page in _pages(connection, table, (table.c.document,), told):
            found = [row["id"] for row in page if marks.in_json(row["document"])]
            forget_customers(connection, table, found)


def _confused(person: Person) -> Any:
    one, other = identity_conflicts.c.member_id, identity_conflicts.c.other_member_id
    return (
        select(other)
        .where(one.in_(person.ids))
        .union(select(one).where(other.in_(person.ids)))
        .scalar_subquery()
    )


def _pages(
    connection: Connection,
    table: Table,
    columns: Iterable[Column[Any]],
    which: ColumnElement[bool],
) -> Iterator[list[RowMapping]]:
    last = -1
    query = select(table.c.id, *columns).where(which).order_by(table.c.id).limit(_PAGE)
    while page := list(connection.execute(query.where(table.c.id > last)).mappings()):
        yield page
        last = page[-1]["id"]
