"""Reading hinted documents: each once in a batch, under a revision drawn before the call."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.ingest.fates import Killed, Postponed
from hub.live import Live
from hub.wiring import Hub
from loyalty_core.store import documents
from loyalty_core.store.database import transact
from loyalty_core.store.documents import Ask, DocumentKey
from loyalty_kit.errors import ConnectorError, CredentialsRejected, RateLimited
from loyalty_kit.events import Event, Purchase, Refund
from loyalty_kit.events_schema import content_hash
from loyalty_kit.ports import Client, Context, Hint, Product, ProductsChanged, Translated

_FAILURES_IN_A_ROW = 3
_MOST_KILLED = 2
_MOST_DOCUMENTS = 50
"""That one delivery may lead to: a connector whose documents point in a circle must end."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document as it stood at the remote, in canonical words."""

    asked: Ask
    events: tuple[Event, ...]
    products: tuple[Product, ...]
    hints: tuple[Hint, ...]
    content_hash: str

    @property
    def unchanged(self) -> bool:
        """The same as what was booked last, and no older ask is still on its way."""
        return self.asked.known_hash == self.content_hash


@dataclass(slots=True)
class Fetcher:
    """The calls of one batch; it opens no transaction while a call runs."""

    hub: Hub
    before_call: Callable[[], None]
    _clients: dict[int, Client] = field(default_factory=dict)
    _fetched: dict[DocumentKey, Fetched | Exception] = field(default_factory=dict)
    _failures: dict[int, int] = field(default_factory=dict)
    _killed: dict[int, int] = field(default_factory=dict)
    _blocked: dict[int, Exception] = field(default_factory=dict)
    answered: dict[int, Live] = field(default_factory=dict)
    """Installations whose shop answered."""

    def follow(self, live: Live, hints: tuple[Hint, ...], received_at: datetime) -> list[Fetched]:
        """The documents that hints lead to.

        Raises: whatever the connector raises; Postponed.
        """
        found: dict[DocumentKey, Fetched] = {}
        ahead = list(hints)
        while ahead and len(found) < _MOST_DOCUMENTS:
            hint = ahead.pop(0)
            key = DocumentKey(live.row.id, hint.kind, hint.id)
            if key not in found:
                found[key] = self._once(live, key, hint, received_at)
                ahead += found[key].hints
        return list(found.values())

    def _once(self, live: Live, key: DocumentKey, hint: Hint, received_at: datetime) -> Fetched:
        known = self._fetched.get(key)
        if isinstance(known, Exception):
            raise known
        if known is not None:
            return known
        if live.row.id in self._blocked:
            raise Postponed(self._blocked[live.row.id])
        try:
            fetched = self._fetch(live, key, hint, received_at)
        except Exception as error:
            self._fetched[key] = error
            self._note_failure(live, error)
            raise
        self._fetched[key] = fetched
        return fetched

    def _fetch(self, live: Live, key: DocumentKey, hint: Hint, received_at: datetime) -> Fetched:
        if live.connector.fetch is None:
            raise LookupError(f"connector {live.row.connector} hints but cannot fetch")
        if live.row.id not in self._clients:
            self._clients[live.row.id] = live.client()
        asked = transact(
            self.hub.engine,
            lambda connection: documents.ask(connection, key, now=self.hub.clock.now()),
        )
        self.before_call()
        document = live.connector.fetch.read(self._clients[live.row.id], hint)
        self._note_answer(live)
        context = Context(live.open_settings, received_at, asked.revision)
        call = (live.connector.fetch.translate, (hint, document, context))
        (outcome,) = self.hub.cells.translate([call])
        if isinstance(outcome, Exception):
            raise outcome
        return _fetched(asked, outcome)

    def _note_answer(self, live: Live) -> None:
        self._failures.pop(live.row.id, None)
        self.answered[live.row.id] = live

    def _note_failure(self, live: Live, error: Exception) -> None:
        """Stop calling a shop that refuses us or has failed several times in a row.

        Its documents that translators die of are few in a batch as well: each takes seconds.
        """
        if isinstance(error, Killed):
            count = self._killed[live.row.id] = self._killed.get(live.row.id, 0) + 1
            if count >= _MOST_KILLED:
                self._blocked[live.row.id] = error
        if not isinstance(error, ConnectorError):
            return
        count = self._failures[live.row.id] = self._failures.get(live.row.id, 0) + 1
        hopeless = isinstance(error, CredentialsRejected | RateLimited)
        if hopeless or count >= _FAILURES_IN_A_ROW:
            self._blocked[live.row.id] = error


def sort_out(
    translated: Translated,
) -> tuple[tuple[Event, ...], tuple[Product, ...], tuple[Hint, ...]]:
    """Events, products and hints of what a translator gave, each in their order."""
    events = tuple(item for item in translated if isinstance(item, Purchase | Refund))
    changes = [item for item in translated if isinstance(item, ProductsChanged)]
    products = tuple(product for change in changes for product in change.products)
    return events, products, tuple(item for item in translated if isinstance(item, Hint))


def _fetched(asked: Ask, translated: Translated) -> Fetched:
    events, products, hints = sort_out(translated)
    return Fetched(asked, events, products, hints, _hash(events, products))


def _hash(events: tuple[Event, ...], products: tuple[Product, ...]) -> str:
    parts: list[Any] = [content_hash(event) for event in events]
    parts += [repr(product) for product in products]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
