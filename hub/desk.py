"""What a vendor's own protocol may ask of the hub (`loyalty_kit.desk`), for one installation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar

import structlog
from marshmallow import ValidationError
from sqlalchemy import Connection

from hub.guesses import OUT, Guesses, lookers_of
from hub.ingest.inbox import Door, NoSuchDoor
from hub.installations import InstallationNotFound, update_settings
from hub.live import Live, NotLive, enliven
from hub.outbox.messages import CODES, channels_of
from hub.terms import plain_terms
from hub.wiring import Hub
from loyalty_core.domain.errors import (
    CertificateNotFound,
    CodeRefused,
    InvalidInput,
    LoyaltyError,
    TooMany,
)
from loyalty_core.service.catalogue import products_for
from loyalty_core.service.certificate_views import certificate_view
from loyalty_core.service.certificates import known_certificate
from loyalty_core.service.confirm import Wanted, ask_code, code_of
from loyalty_core.service.enter_member import enter_member, known_member
from loyalty_core.service.hold_points import place_hold, release_cart
from loyalty_core.service.member_cards import MEMBER_CODES, known_by_code
from loyalty_core.service.member_pages import find_purchases
from loyalty_core.service.members import MemberCard, NewMember, search_members
from loyalty_core.service.quote_basket import base_quote, quote_basket
from loyalty_core.service.renew_hold import renew_cart
from loyalty_core.store import documents, installations, refunds
from loyalty_core.store.certificates import KeptCertificate
from loyalty_core.store.database import read, transact
from loyalty_core.store.documents import DocumentKey
from loyalty_core.store.ids import from_wire
from loyalty_core.store.prompt import UNAVAILABLE, PromptDatabase, TooLate
from loyalty_kit.checkout import HoldRequest, Quote, QuoteRequest
from loyalty_kit.desk import (
    CODES_SETTING,
    BookedLine,
    BookedSale,
    Buyer,
    Declined,
    GiftCard,
    NewBuyer,
    SentCode,
    Terms,
)
from loyalty_kit.events import Customer, ExternalId
from loyalty_kit.money import HUNDREDTHS, THOUSANDTHS, parse_decimal
from loyalty_kit.ports import InboundRequest

log = structlog.get_logger(__name__)

T = TypeVar("T")
Marks = Mapping[str, tuple[str, ...]]
SETTINGS_FOR = timedelta(seconds=4)
"""A token that was changed is refused within five seconds, as a key is (`hub.web.auth`)."""
MARKS_FOR = timedelta(minutes=1)
MOST_MARKS = 100_000
TRY_AGAIN = "try_again"
PAUSED = "paused"
AT_ONCE = timedelta(0)
"""A code that a member shows is good until its end."""
ONCE = "once"
"""The kind of document that stands for a proof that was used."""
OWNED = "owned"
"""The kind of document that stands for a name with an owner."""


class Counter:
    """What all desks of one process share: the parts, connections with a deadline, the door.

    A till waits, so what hardly changes is remembered for a while: an installation with its
    settings opened, and marks of goods.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.within_s = hub.config.quote_deadline_ms / 1000
        self.prompt = PromptDatabase(hub.engine, patience_s=self.within_s)
        self.door = Door(hub)
        self.guesses = Guesses(hub.config.coupon_guesses, "hour", hub.config.redis_url)
        self._known: dict[int, tuple[datetime, Live]] = {}
        self._marks: dict[tuple[int, str], tuple[datetime, tuple[str, ...]]] = {}

    def live(self, installation_id: int, now: datetime) -> Live | None:
        """None where there is no such installation.  Raises: NotLive; one of `UNAVAILABLE`."""
        known = self._known.get(installation_id)
        if known is not None and now - known[0] < SETTINGS_FOR:
            return known[1]
        self._known.pop(installation_id, None)
        row = self.prompt.read(
            lambda c: installations.get(c, installation_id), within_s=self.within_s
        )
        if row is None:
            return None
        live = enliven(self.hub, row)
        self._known[installation_id] = (now, live)
        return live

    def forget(self, installation_id: int) -> None:
        """Its settings have changed."""
        self._known.pop(installation_id, None)

    def marks(self, programme_id: int, skus: Collection[str], now: datetime) -> Marks:
        """Those of goods that the catalogue knows.  Raises: Declined."""
        keys = {sku: (programme_id, sku) for sku in skus}
        missing = [sku for sku, key in keys.items() if not self._is_fresh(key, now)]
        if missing:
            if len(self._marks) + len(missing) > MOST_MARKS:
                self._marks.clear()
            with _available():
                found = self.prompt.read(
                    lambda c: products_for(c, programme_id, missing), within_s=self.within_s
                )
            for sku in missing:
                marks = found[sku].attributes if sku in found else ()
                self._marks[keys[sku]] = (now, marks)
        return {sku: self._marks[key][1] for sku, key in keys.items()}

    def _is_fresh(self, key: tuple[int, str], now: datetime) -> bool:
        known = self._marks.get(key)
        return known is not None and now - known[0] < MARKS_FOR


@dataclass(frozen=True, slots=True)
class InstallationDesk:
    """The hub's checkout for one installation, for one call of its vendor."""

    counter: Counter
    live: Live
    now: datetime

    def quote(self, request: QuoteRequest) -> Quote:
        self._serve()
        hub = self.counter.hub

        def work(connection: Connection) -> Quote:
            return quote_basket(connection, hub.plans, self.live.source, request, now=self.now)

        try:
            with _declining():
                return self.counter.prompt.read(work, within_s=self.counter.within_s)
        except UNAVAILABLE as error:
            hub.metrics.degraded("late" if isinstance(error, TooLate) else "database")
            return base_quote(request, now=self.now)

    def hold(self, request: HoldRequest) -> Quote:
        self._serve()
        hub = self.counter.hub
        secrets = hub.vault.each(CODES)

        def place(connection: Connection) -> Quote | CodeRefused:
            source = self.live.source
            try:
                held = place_hold(
                    connection, hub.plans, source, request, now=self.now, code_secrets=secrets
                )
            except CodeRefused as refused:
                return refused  # the attempt is committed, or guesses would not count
            return held.quote

        told = self._write(place)
        if isinstance(told, CodeRefused):
            raise Declined(told.code)
        return told

    def renew(self, cart: str, *, shop: str | None = None, ttl_s: int) -> bool:
        self._serve()
        plans, source = self.counter.hub.plans, self.live.source
        placed = self._write(
            lambda c: renew_cart(c, plans, source, cart, shop, ttl_s=ttl_s, now=self.now)
        )
        return placed is not None

    def release(self, cart: str, *, shop: str | None = None) -> None:
        self._serve()
        self._write(lambda c: release_cart(c, self.live.source, cart, shop, now=self.now))

    def buyer(self, customer: Customer) -> Buyer | None:
        self._serve()
        hub, programme_id = self.counter.hub, self.live.row.programme_id
        secrets = hub.vault.each(MEMBER_CODES)

        def find(connection: Connection) -> MemberCard | None:
            named = known_by_code(
                connection, secrets, programme_id, customer, self.now, later=AT_ONCE
            )
            return known_member(connection, hub.plans, self.live.source, named, now=self.now)

        card = self._read(find)
        return None if card is None else self._buyer(card)

    def search(self, text: str, *, limit: int) -> tuple[Buyer, ...]:
        self._serve()
        if not text.strip():
            return ()
        hub, programme_id = self.counter.hub, self.live.row.programme_id
        page = self._read(
            lambda c: search_members(c, hub.plans, programme_id, text, limit=limit, now=self.now)
        )
        return tuple(self._buyer(card) for card in page.items)

    def enrol(self, new: NewBuyer) -> Buyer:
        self._serve()
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
            confirmed=new.confirmed,
        )
        return self._buyer(
            self._write(lambda c: enter_member(c, hub.plans, source, wanted, now=self.now))
        )

    def send_code(
        self,
        customer: Customer,
        purpose: Literal["spend", "join"],
        *,
        cart: str | None = None,
        shop: str | None = None,
    ) -> SentCode:
        self._serve()
        hub, source = self.counter.hub, self.live.source
        secret = hub.vault.derive(CODES)
        wanted = Wanted(customer, purpose, cart, shop or self.live.source.default_shop)
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

    def terms(self) -> Terms:
        self._serve()
        plans, source = self.counter.hub.plans, self.live.source
        return self._read(lambda c: plain_terms(c, plans, source.programme_id))

    def booked(self, external_id: str) -> BookedSale | None:
        self._serve()
        return self._read(lambda c: self._booked(c, external_id))

    def _booked(self, connection: Connection, external_id: str) -> BookedSale | None:
        plans, source = self.counter.hub.plans, self.live.source
        found = find_purchases(connection, plans, source, external_id=external_id)
        own = next((one for one in found if one["source"] == source.name), None)
        if own is None:
            return None
        number = from_wire("p", own["id"])
        returns = refunds.refunds_of(connection, [] if number is None else [number])
        return BookedSale(
            own["status"],
            own["member"] is not None,
            parse_decimal(own["points"]["earned"], HUNDREDTHS),
            parse_decimal(own["points"]["spent"], HUNDREDTHS),
            tuple(own["flags"]),
            tuple(
                BookedLine(
                    line["id"],
                    parse_decimal(line["paid"], HUNDREDTHS),
                    parse_decimal(line["returned"], HUNDREDTHS),
                    parse_decimal(line["returned_quantity"], THOUSANDTHS),
                )
                for line in own["lines"]
            ),
            {
                one.event.external_id: one.event.amount_minor
                for one in returns
                if one.source == source.name
            },
        )

    def marks(self, skus: Collection[str]) -> Marks:
        self._serve()
        return self.counter.marks(self.live.row.programme_id, skus, self.now)

    def gift_card(self, code: str) -> GiftCard | None:
        self._serve()
        guesses, callers = self.counter.guesses, lookers_of(self.live.wire_id)
        if guesses.is_out(callers, self.now):
            raise Declined(OUT)
        found = self._read(lambda c: _known_gift_card(c, self.live.row.programme_id, code))
        if found is None:
            guesses.count(callers, 1, self.now)
            return None
        view = certificate_view(found, self.now)
        if view["state"] == "issued":
            guesses.count(callers, 1, self.now)
        seen = found.seen()
        return GiftCard(
            view["id"],
            view["code"],
            view["state"],
            seen.left_minor if found.book.lives_at(self.now) else 0,
            found.nominal_minor,
            seen.expires_at,
            bound=seen.for_goods or seen.member_id is not None,
        )

    def first_time(self, name: str) -> bool:
        # Whoever draws the first revision of a name was the first to use it.
        key = DocumentKey(self.live.row.id, ONCE, name)
        return self._write(lambda c: documents.ask(c, key, now=self.now)).revision == 1

    def own(self, name: str, by: str) -> bool:
        key = DocumentKey(self.live.row.id, OWNED, name)
        return self._write(lambda c: _is_owned(c, key, by, self.now))

    def save(self, settings: Mapping[str, str]) -> None:
        try:
            update_settings(self.counter.hub, self.live.wire_id, settings)
            self.counter.forget(self.live.row.id)
        except ValidationError:
            raise Declined("validation_failed") from None
        except (NotLive, InstallationNotFound, InvalidInput, *UNAVAILABLE) as error:
            log.error(
                "settings_not_saved", installation=self.live.wire_id, error=type(error).__name__
            )
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

    def _serve(self) -> None:
        """Raises: Declined, while the owner has paused the connection."""
        if self.live.row.state == PAUSED:
            raise Declined(PAUSED)

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
            tier=None if card.tier is None else card.tier.code,
        )


def _known_gift_card(
    connection: Connection, programme_id: int, code: str
) -> KeptCertificate | None:
    try:
        return known_certificate(connection, programme_id, code)
    except CertificateNotFound:
        return None


def _is_owned(connection: Connection, name: DocumentKey, by: str, now: datetime) -> bool:
    """What a name's owner is known by stands where the hash of a document would."""
    asked = documents.ask(connection, name, now=now)
    given = hashlib.sha256(by.encode("utf-8", "replace")).hexdigest()
    owner = given if asked.known_hash is None else asked.known_hash
    documents.settle_each(connection, [(asked, owner)], booked_at=None)
    return owner == given


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
