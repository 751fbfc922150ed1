"""Purchases that were seen twice, and what the owner declared of connections.  Wire-ready."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.errors import InvalidInput
from loyalty_core.service.members import Page
from loyalty_core.service.to_look_at import told_source
from loyalty_core.store import audit, installations, programmes
from loyalty_core.store import linked_sources as links
from loyalty_core.store import purchases as store
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.linked_sources import LinkedSources
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.money import format_decimal

FIELDS = ("order", "external_id")


def list_links(
    connection: Connection,
    programme_id: int,
    *,
    cursor: str | None = None,
    limit: int = 50,
    shops: Collection[str] | None = None,
) -> Page:
    """Sightings that are linked, the newest first, each with the purchase that counts; `shops`:
    codes of those that both must be of, None: all.

    Raises: InvalidInput (cursor).
    """
    before = None if cursor is None else from_wire("p", cursor)
    if cursor is not None and before is None:
        raise InvalidInput({"cursor": ["Not a cursor of this list."]})
    found = store.linked_purchases(
        connection, programme_id, before=before, limit=limit + 1, shops_of=shops
    )
    page = found[:limit]
    mains = _mains(connection, page)
    own = None if shops is None else _ids_of(connection, programme_id, shops)
    items = [
        {
            "purchase": _sighting(one),
            "counts": _sighting(mains[one.id]),
            "by": one.linked_by or "fiscal",
            "word": _whose_word(mains[one.id]),
        }
        for one in page
        if own is None or mains[one.id].shop_id in own
    ]
    return Page(items, to_wire("p", page[-1].id) if len(found) > limit else None)


def sightings(
    connection: Connection, programme_id: int, purchases: Collection[str]
) -> dict[str, list[dict[str, Any]]]:
    """What else was told of each of these purchases, by its id; those seen once are not in it."""
    wanted = {number for one in purchases if (number := from_wire("p", one)) is not None}
    known = store.purchases_by_id(connection, store.sightings_of(connection, wanted))
    found: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(known.values(), key=lambda one: one.id):
        if one.programme_id == programme_id and one.linked_to is not None:
            found.setdefault(to_wire("p", one.linked_to), []).append(_sighting(one))
    return found


def _mains(connection: Connection, page: list[KeptPurchase]) -> dict[int, KeptPurchase]:
    """What counts of each."""
    known = {one.id: one for one in page}
    while missing := {one.linked_to for one in known.values() if one.linked_to} - set(known):
        known |= store.purchases_by_id(connection, missing)
    found: dict[int, KeptPurchase] = {}
    for one in page:
        first = one
        while first.linked_to is not None:
            first = known[first.linked_to]
        found[one.id] = first
    return found


def _ids_of(connection: Connection, programme_id: int, shops: Collection[str]) -> set[int]:
    found = programmes.shops_by_code(connection, programme_id, list(shops))
    return {shop.id for shop in found.values()}


def _sighting(one: KeptPurchase) -> dict[str, Any]:
    """As its own sender told it."""
    word = one.word
    return {
        "id": to_wire("p", one.id),
        "external_id": word.external_id,
        "source": told_source(one.source),
        "order": word.order,
        "status": word.status.value,
        "occurred_at": word.occurred_at.isoformat(),
        "paid": format_decimal(sum(line.paid_minor for line in word.lines)),
        "member": None if one.named_member is None else to_wire("m", one.named_member),
    }


def _whose_word(first: KeptPurchase) -> str:
    return to_wire("p", first.id if first.word_of is None else first.word_of)


# --- what the owner declared ----------------------------------------------------------------


def declared_links(connection: Connection, programme_id: int) -> list[dict[str, Any]]:
    """Pairs of connections that see each other's orders."""
    return [_declaration(one) for one in links.declared(connection, programme_id)]


def declare_link(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    connection_id: str,
    seen_in: str,
    told: Mapping[str, str | None],
    *,
    author: str,
    now: datetime,
) -> dict[str, Any]:
    """Orders of one connection are seen in another; in place of what was said of the pair before.

    `told`: `field`, where their numbers stand there (None: they are linked by fiscal signs
    alone), and `truth`, the connection whose word counts (None: of whichever came first).  It
    holds for what is told from now on.

    Raises: InvalidInput.
    """
    of, there = (
        _source(connection, programme_id, connection_id, "connection"),
        _source(connection, programme_id, seen_in, "seen_in"),
    )
    field, truth = told["field"], told["truth"]
    if of == there:
        raise InvalidInput({"seen_in": ["Is the same connection."]})
    if field is not None and field not in FIELDS:
        raise InvalidInput({"field": ["Must be one of: order, external_id."]})
    if truth not in (None, connection_id, seen_in):
        raise InvalidInput({"truth": ["Must be one of the two connections."]})
    wins = None if truth is None else of if truth == connection_id else there
    one = LinkedSources(of, there, field, wins)
    known = links.declared(connection, programme_id)
    before = next((old for old in known if (old.source, old.seen_in) == (of, there)), None)
    links.declare(connection, programme_id, one)
    audit.note(
        connection,
        programme_id,
        "connections_linked",
        connection_id,
        author=author,
        now=now,
        before=None if before is None else _declaration(before),
        after=_declaration(one),
    )
    return _declaration(one)


def take_link_back(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    connection_id: str,
    seen_in: str,
    *,
    author: str,
    now: datetime,
) -> None:
    """Nothing more is linked by it; what is linked stays.  Raises: InvalidInput."""
    of = _source(connection, programme_id, connection_id, "connection")
    there = _source(connection, programme_id, seen_in, "seen_in")
    if links.take_back(connection, programme_id, of, there):
        audit.note(
            connection,
            programme_id,
            "connections_unlinked",
            connection_id,
            author=author,
            now=now,
            after={"seen_in": seen_in},
        )


def _source(connection: Connection, programme_id: int, wire: str, field: str) -> str:
    number = from_wire("i", wire)
    row = None if number is None else installations.get(connection, number)
    if row is None or row.programme_id != programme_id:
        raise InvalidInput({field: ["No such connection."]})
    return installations.source_of(row.id)


def _declaration(one: LinkedSources) -> dict[str, Any]:
    return {
        "connection": told_source(one.source),
        "seen_in": told_source(one.seen_in),
        "field": one.field,
        "truth": None if one.truth is None else told_source(one.truth),
    }
