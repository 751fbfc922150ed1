"""What a vendor's own protocol may ask of the hub (`loyalty_kit.desk`), for one installation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

import structlog
from marshmallow import ValidationError
from sqlalchemy import Connection

from hub.ingest.inbox import Door, NoSuchDoor
from hub.installations import update_settings
from hub.live import Live, NotLive
from hub.outbox.messages import CODES, channels_of
from hub.wiring import Hub
from loyalty_core.domain.errors import LoyaltyError, TooMany
from loyalty_core.service.catalogue import products_for
from loyalty_core.service.confirm import Wanted, ask_code, code_of
from loyalty_core.service.enter_member import enter_member, known_member
from loyalty_core.service.hold_points import place_hold
from loyalty_core.service.members import MemberCard, NewMember, search_members
from loyalty_core.service.quote_basket import base_quote, quote_basket
from loyalty_core.store import documents
from loyalty_core.store.database import read, transact
from loyalty_core.store.documents import DocumentKey
from loyalty_core.store.ids import from_wire
from loyalty_core.store.prompt import UNAVAILABLE, PromptDatabase, TooLate
from loyalty_kit.checkout import HoldRequest, Quote, QuoteRequest
from loyalty_kit.desk import CODES_SETTING, Buyer, Declined, NewBuyer, SentCode
from loyalty_kit.events import Customer, ExternalId
from loyalty_kit.ports import InboundRequest

log = structlog.get_logger(__name__)

T = TypeVar("T")
TRY_AGAIN = "try_again"
ONCE = "once"
"""The kind of document that stands for a proof that was used."""


@dataclass(frozen=True, slots=True)
class Counter:
    """What all desks of one process share: the parts, connections with a deadline, the door."""

    hub: Hub
    prompt: PromptDatabase
    door: Door


@dataclass(frozen=True, slots=True)
class InstallationDesk:
    """The hub's checkout for one installation, for one call of its vendor."""

    counter: Counter
    live: Live
    now: datetime

    def quote(self, request: QuoteRequest) -> Quote:
        hub = self.counter.hub
        within_s = hub.config.quote_deadline_ms / 1000

        def work(connection: Connection) -> Quote:
            return quote_basket(connection, hub.plans, self.live.source, request, now=self.now)

        try:
            with _declining():
                return self.counter.prompt.read(work, within_s=within_s)
        except UNAVAILABLE as error:
            hub.metrics.degraded("late" if isinstance(error, TooLate) else "database")
            return base_quote(request, now=self.now)

    def hold(self, request: HoldRequest) -> Quote:
        hub = self.counter.hub
        return self._write(
            lambda c: place_hold(c, hub.plans, self.live.source, request, now=self.now)
        ).quote

    def buyer(self, customer: Customer) -> Buyer | None:
        hub = self.counter.hub
        card = self._read(
            lambda c: known_member(c, hub.plans, self.live.source, customer, now=self.now)
        )
        return None if card is None else self._buyer(card)

    def search(self, text: str, *, limit: int) -> tuple[Buyer, ...]:
        if not text.strip():
            return ()
        hub, programme_id = self.counter.hub, self.live.row.programme_id
        page = self._read(
            lambda c: search_members(c, hub.plans, programme_id, text, limit=limit, now=self.now)
        )
        return tuple(self._buyer(card) for card in page.items)

    def enrol(self, new: NewBuyer) -> Buyer:
        hub, source = self.counter.hub, self.live.source
        wanted = NewMember(
            phone=new.phone,
            email=new.email,
            card=new.card,
            external=None if new.external is None else ExternalId(None, new.external),
            first_name=new.first_name,
            last_name=new.last_name,
            middle_name=new.middle_name,
            birth_date=new.birth_date,
            gender=new.gender,
        )
        return self._buyer(
            self._write(lambda c: enter_member(c, hub.plans, source, wanted, now=self.now))
        )

    def send_code(
        self, customer: Customer, purpose: Literal["spend", "join"], *, cart: str | None = None
    ) -> SentCode:
        hub, source = self.counter.hub, self.live.source
        secret = hub.vault.derive(CODES)
        wanted = Wanted(customer, purpose, cart, self.live.source.default_shop)
        asked = self._write(
            lambda c: ask_code(
                c,
                hub.plans,
                source,
                wanted,
                channels=channels_of(hub, c, source.programme_id),
                secret=secret,
                now=self.now,
            )
        )
        hub.bell.ring(source.programme_id)
        number = from_wire("cf", asked.id)
        told = self.live.settings.get(CODES_SETTING) is True and number is not None
        code = code_of(secret, number) if told and number is not None else None
        return SentCode(asked.retry_after_s, code)

    def marks(self, skus: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        programme_id = self.live.row.programme_id
        found = self._read(lambda c: products_for(c, programme_id, skus))
        return {sku: product.attributes for sku, product in found.items()}

    def first_time(self, name: str) -> bool:
        # Whoever draws the first revision of a name was the first to use it.
        key = DocumentKey(self.live.row.id, ONCE, name)
        return self._write(lambda c: documents.ask(c, key, now=self.now)).revision == 1

    def save(self, settings: Mapping[str, str]) -> None:
        try:
            update_settings(self.counter.hub, self.live.wire_id, settings)
        except ValidationError:
            raise Declined("validation_failed") from None
        except UNAVAILABLE:
            raise Declined(TRY_AGAIN) from None

    def keep(self, webhook: str, inbound: InboundRequest) -> None:
        try:
            self.counter.door.take_in(self.live.wire_id, webhook, inbound)
        except (NoSuchDoor, NotLive, *UNAVAILABLE) as error:
            log.error(
                "delivery_not_kept", installation=self.live.wire_id, error=type(error).__name__
            )
            raise Declined(TRY_AGAIN) from None

    # --- inside ---------------------------------------------------------------------------

    def _read(self, work: Callable[[Connection], T]) -> T:
        """Raises: Declined."""
        with _available(), read(self.counter.hub.engine) as connection:
            return work(connection)

    def _write(self, work: Callable[[Connection], T]) -> T:
        """Raises: Declined."""
        with _available():
            return transact(self.counter.hub.engine, work)

    def _buyer(self, card: MemberCard) -> Buyer:
        own = (one.id for one in card.externals if one.system == self.live.source.name)
        profile = card.profile
        return Buyer(
            id=card.id,
            external=next(own, None),
            phone=card.phone,
            email=card.email,
            card=next(iter(card.cards), None),
            first_name=profile["first_name"],
            middle_name=profile["middle_name"],
            last_name=profile["last_name"],
            birth_date=profile["birth_date"],
            gender=profile["gender"],
            available=card.balance.available,
            held=card.balance.held,
        )


@contextmanager
def _declining() -> Iterator[None]:
    """What the core refuses, in the kit's words.  Raises: Declined."""
    try:
        yield
    except TooMany as error:
        raise Declined(error.code, retry_after_s=error.retry_after_s) from None
    except LoyaltyError as error:
        raise Declined(error.code) from None


@contextmanager
def _available() -> Iterator[None]:
    """The same, and a database that is away.  Raises: Declined."""
    try:
        with _declining():
            yield
    except UNAVAILABLE as error:
        log.error("desk_unavailable", error=type(error).__name__)
        raise Declined(TRY_AGAIN) from None
