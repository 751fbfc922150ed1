"""Reading hinted documents: each once in a batch, under a revision drawn before the call."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from hub.ingest.fates import Killed, Postponed
from hub.ingest.sealed import Call, Translation
from hub.live import Live
from hub.wiring import Hub
from loyalty_core.store import documents
from loyalty_core.store.database import is_away, transact
from loyalty_core.store.documents import Ask, DocumentKey
from loyalty_core.store.event_words import Words
from loyalty_kit.errors import ConnectorError, CredentialsRejected, Drop, RateLimited
from loyalty_kit.events import Event
from loyalty_kit.ports import (
    Client,
    Context,
    CustomerRecord,
    Hint,
    Product,
    ProductsChanged,
    SmsAnswer,
    Translated,
)

log = structlog.get_logger(__name__)

_FAILURES_IN_A_ROW = 3
_MOST_KILLED = 2
TOGETHER = 50
"""Documents whose revisions are drawn in one transaction, and that are translated in one call."""
_MOST_DOCUMENTS = 50
"""That one delivery may lead to: a connector whose documents point in a circle must end."""
Name = tuple[int, Hint]
"""An installation, and what it is asked for."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document as it stood at the remote, in canonical words."""

    asked: Ask
    words: tuple[Words, ...]
    products: tuple[Product, ...]
    hints: tuple[Hint, ...]
    answers: tuple[SmsAnswer, ...]
    customers: tuple[CustomerRecord, ...]
    content_hash: str

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(one.event for one in self.words)

    @property
    def unchanged(self) -> bool:
        """The same as what was booked last, and no older ask is still on its way."""
        return self.asked.known_hash == self.content_hash


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document that a delivery leads to."""

    live: Live
    key: DocumentKey
    hint: Hint
    received_at: datetime

    @classmethod
    def by(cls, live: Live, hint: Hint, received_at: datetime) -> Wanted:
        return cls(live, _key_of(live, hint), hint, received_at)

    @property
    def name(self) -> Name:
        return self.live.row.id, self.hint


@dataclass(slots=True)
class Fetcher:
    """The calls of one batch; it opens no transaction while a call runs."""

    hub: Hub
    before_call: Callable[[], None]
    _clients: dict[int, Client] = field(default_factory=dict)
    _fetched: dict[Name, Fetched | Exception] = field(default_factory=dict)
    _failures: dict[int, int] = field(default_factory=dict)
    _killed: dict[int, int] = field(default_factory=dict)
    _blocked: dict[int, Exception] = field(default_factory=dict)
    answered: dict[int, Live] = field(default_factory=dict)
    """Installations whose shop answered."""

    def fetch_ahead(self, wanted: Sequence[Wanted]) -> None:
        """Fetch documents that `follow` will ask for, so many at a time."""
        unlike = {one.name: one for one in wanted if one.name not in self._fetched}
        left = list(unlike.values())
        for start in range(0, len(left), TOGETHER):
            portion = left[start : start + TOGETHER]
            try:
                self._fetch_together([one for one in portion if not self._is_blocked(one)])
            except Exception as error:
                if is_away(error):
                    raise
                # One of them cannot be asked for at all: each is tried alone, by its delivery.
                log.info("fetched_apart", count=len(portion), error=type(error).__name__)

    def follow(self, live: Live, hints: tuple[Hint, ...], received_at: datetime) -> list[Fetched]:
        """The documents that hints lead to.

        One that was only led to by another, and says nothing here any more, is left out.

        Raises: whatever the connector raises; Postponed.
        """
        found: dict[Hint, Fetched] = {}
        ahead = list(hints)
        while ahead and len(found) < _MOST_DOCUMENTS:
            hint = ahead.pop(0)
            if hint not in found:
                try:
                    found[hint] = self._once(Wanted.by(live, hint, received_at))
                except Drop:
                    if not hint.by:
                        raise
                    continue
                ahead += found[hint].hints
        return list(found.values())

    def _once(self, one: Wanted) -> Fetched:
        if one.name not in self._fetched:
            if self._is_blocked(one):
                raise Postponed(self._blocked[one.live.row.id])
            self._fetch_together([one])
        found = self._fetched[one.name]
        if isinstance(found, Exception):
            raise found
        return found

    def _fetch_together(self, wanted: Sequence[Wanted]) -> None:
        """Draw all revisions, read all, translate all; of each what came of it.

        A shop that is found to refuse us is called no further: what was not read is left out.
        """
        asked = self._ask(wanted)
        hints = {one.name: replace(one.hint, by=_hints(asked[one.key].led_by)) for one in wanted}
        listed = self._read_many(wanted, hints)
        read: list[tuple[Wanted, Call]] = []
        for one in wanted:
            if self._is_blocked(one):
                continue
            hint = hints[one.name]
            try:
                document = listed[one.name] if one.name in listed else self._read(one.live, hint)
            except Exception as error:
                if is_away(error):
                    raise
                self._fetched[one.name] = error
                self._note_failure(one.live, error)
                continue
            fetch = one.live.connector.fetch
            assert fetch is not None, "it was read by it"
            context = Context(one.live.open_settings, one.received_at, asked[one.key].revision)
            read.append((one, (fetch.translate, (hint, document, context))))
        outcomes = self.hub.cells.translate([call for _, call in read])
        for (one, _), outcome in zip(read, outcomes, strict=True):
            if isinstance(outcome, Exception):
                self._fetched[one.name] = outcome
                if isinstance(outcome, Killed):
                    self._note_killed(one.live, outcome)
            else:
                self._fetched[one.name] = _fetched(asked[one.key], outcome)

    def _is_blocked(self, one: Wanted) -> bool:
        return one.live.row.id in self._blocked

    def _ask(self, wanted: Sequence[Wanted]) -> dict[DocumentKey, Ask]:
        """In one transaction that is over before the first call."""
        now, keys = self.hub.clock.now(), [one.key for one in wanted]
        leaders = [(one.key, _key_of(one.live, by)) for one in wanted for by in one.hint.by]

        def draw(connection: Connection) -> dict[DocumentKey, Ask]:
            documents.link(connection, leaders)
            return documents.ask_each(connection, keys, now=now)

        return transact(self.hub.engine, draw)

    def _read_many(self, wanted: Sequence[Wanted], hints: Mapping[Name, Hint]) -> dict[Name, Any]:
        """Those that the shop lists, by one call for all of a kind; the others are read alone."""
        alike: dict[tuple[int, str], list[Wanted]] = defaultdict(list)
        for one in wanted:
            hint = hints[one.name]
            if one.live.connector.read_many is not None and not hint.by:
                alike[one.live.row.id, hint.kind].append(one)
        found: dict[Name, Any] = {}
        for together in alike.values():
            live, many = together[0].live, together[0].live.connector.read_many
            if len(together) == 1 or many is None or self._is_blocked(together[0]):
                continue
            by_hint = {hints[one.name]: one.name for one in together}
            try:
                told = many.read_many(self._client(live), tuple(by_hint))
            except ConnectorError as error:
                self._note_failure(live, error)
                continue
            if told:  # else it may not have been asked at all
                self._note_answer(live)
            found |= {by_hint[hint]: told[hint] for hint in told.keys() & by_hint.keys()}
        return found

    def _read(self, live: Live, hint: Hint) -> Any:
        if live.connector.fetch is None:
            raise LookupError(f"connector {live.row.connector} hints but cannot fetch")
        document = live.connector.fetch.read(self._client(live), hint)
        self._note_answer(live)
        return document

    def _client(self, live: Live) -> Client:
        """To call the shop by now; the lease is kept before each call."""
        if live.row.id not in self._clients:
            self._clients[live.row.id] = live.client()
        self.before_call()
        return self._clients[live.row.id]

    def _note_answer(self, live: Live) -> None:
        self._failures.pop(live.row.id, None)
        self.answered[live.row.id] = live

    def _note_failure(self, live: Live, error: Exception) -> None:
        """Stop calling a shop that refuses us or has failed several times in a row."""
        if not isinstance(error, ConnectorError):
            return
        count = self._failures[live.row.id] = self._failures.get(live.row.id, 0) + 1
        hopeless = isinstance(error, CredentialsRejected | RateLimited)
        if hopeless or count >= _FAILURES_IN_A_ROW:
            self._blocked[live.row.id] = error

    def _note_killed(self, live: Live, error: Killed) -> None:
        """A shop's documents that translators die of are few in a batch: each takes seconds.

        One that its translator refuses says nothing of the others: the shop has answered.
        """
        count = self._killed[live.row.id] = self._killed.get(live.row.id, 0) + 1
        if count >= _MOST_KILLED:
            self._blocked[live.row.id] = error


def sort_out(translated: Translated) -> tuple[tuple[Product, ...], tuple[Hint, ...]]:
    """Products and hints of what a translator gave, each in their order."""
    changes = [item for item in translated if isinstance(item, ProductsChanged)]
    products = tuple(product for change in changes for product in change.products)
    return products, tuple(item for item in translated if isinstance(item, Hint))


def answers_in(translated: Translated) -> tuple[SmsAnswer, ...]:
    return tuple(item for item in translated if isinstance(item, SmsAnswer))


def customers_in(translated: Translated) -> tuple[CustomerRecord, ...]:
    return tuple(item for item in translated if isinstance(item, CustomerRecord))


def _fetched(asked: Ask, translated: Translation) -> Fetched:
    words, (products, hints) = translated.words, sort_out(translated.items)
    answers, customers = answers_in(translated.items), customers_in(translated.items)
    content = _hash(words, (*products, *answers, *customers), hints)
    found = Fetched(asked, words, products, hints, answers, customers, content)
    if found.unchanged:
        # What it has a say in was read after it had changed.
        return replace(found, hints=tuple(hint for hint in hints if not hint.by))
    leader = _hints([asked.document])
    led = [replace(hint, by=leader) for hint in _hints(asked.leads_to)]
    return replace(found, hints=tuple(dict.fromkeys((*hints, *led))))


def _key_of(live: Live, hint: Hint) -> DocumentKey:
    return DocumentKey(live.row.id, hint.kind, hint.id)


def _hints(named: Sequence[DocumentKey]) -> tuple[Hint, ...]:
    return tuple(Hint(one.kind, one.ref) for one in named)


def _hash(
    words: tuple[Words, ...],
    others: tuple[Product | SmsAnswer | CustomerRecord, ...],
    hints: tuple[Hint, ...],
) -> str:
    """Of what it says, and of which other documents it has a say in."""
    parts: list[Any] = [one.content for one in words]
    parts += [repr(other) for other in others]
    parts += [repr(hint) for hint in hints if hint.by]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
