"""The hub's own till, for shops without a connected one: what the cashier page does.

It is a source of receipts like any other (`till`), and quotes, holds, confirms and books by the
services that the API uses.  In training everything is done and undone before anybody sees it, so
figures are the real ones and nothing is booked, sent or kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from hub.outbox.messages import CODES, channels_of
from hub.till_codes import check_sold, check_unused, for_sale, names_certificate, priced_lines
from hub.till_words import (
    Back,
    Booked,
    Priced,
    Sale,
    Trial,
    came_back,
    money_back,
    readings,
    sold,
)
from hub.wiring import Hub
from loyalty_core.domain.errors import (
    CodeRefused,
    CodeWrong,
    PhoneImpossible,
    PurchaseNotFound,
    ShopForbidden,
)
from loyalty_core.domain.fiscal_qr import FiscalQr
from loyalty_core.domain.staff import Grant
from loyalty_core.service.confirm import Asked, Wanted, ask_code
from loyalty_core.service.enter_member import enter_member, known_member
from loyalty_core.service.hold_points import place_hold
from loyalty_core.service.member_cards import MEMBER_CODES, known_by_code
from loyalty_core.service.member_pages import find_purchases
from loyalty_core.service.members import MemberCard, NewMember, get_member
from loyalty_core.service.programmes import MAIN_SHOP
from loyalty_core.service.quote_basket import quote_basket
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.shops import Shop, list_shops
from loyalty_core.service.source import Source, shop_for
from loyalty_core.store.admins import Admin
from loyalty_core.store.certificates import KeptCertificate
from loyalty_core.store.database import lock_keys, read, rehearse, transact
from loyalty_core.store.ids import from_wire
from loyalty_core.store.programmes import Programme, shop_code
from loyalty_core.store.purchases import load_lines, purchases_by_id
from loyalty_core.store.refunds import refunds_by_key
from loyalty_kit.checkout import BasketLine, HoldRequest, Quote, QuoteRequest
from loyalty_kit.events import Customer, Purchase, PurchaseLine, Refund

SOURCE = "till"
TRAINING_CODE = "000000"
"""The one that is right in training, where none is sent."""
T = TypeVar("T")
_AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Till:
    """The till as one person stands at it."""

    hub: Hub
    programme: Programme
    cashier: Admin
    grant: Grant
    training: bool
    now: datetime

    @property
    def source(self) -> Source:
        bound = None if self.grant.shops is None else frozenset(self.grant.shops)
        only = self.grant.shops[0] if self.grant.shops else MAIN_SHOP
        return Source(self.programme.id, SOURCE, default_shop=only, shops=bound)

    def shops(self) -> list[Shop]:
        """Those that the person may sell in."""
        with read(self.hub.engine) as connection:
            known = list_shops(connection, self.programme.id)
        return [one for one in known if self.grant.shops is None or one.code in self.grant.shops]

    def find(self, text: str) -> MemberCard | None:
        """Whom a scanned code, a card, an e-mail or a phone names."""
        plans, secrets = self.hub.plans, self.hub.vault.each(MEMBER_CODES)
        with read(self.hub.engine) as connection:
            for said in readings(text):
                named = known_by_code(
                    connection, secrets, self.programme.id, said, self.now, later=_AT_ONCE
                )
                try:
                    found = known_member(connection, plans, self.source, named, now=self.now)
                except PhoneImpossible:
                    continue
                if found is not None:
                    return found
        return None

    def member(self, member_id: str) -> MemberCard:
        """Raises: MemberNotFound."""
        plans = self.hub.plans
        with read(self.hub.engine) as connection:
            return get_member(connection, plans, self.programme.id, member_id, now=self.now)

    def enrol(self, new: NewMember) -> MemberCard:
        """A new member, or the one whom the names belong to; in training the one who would be.

        Raises: PhoneImpossible, InvalidInput.
        """
        return self._do(lambda c: enter_member(c, self.hub.plans, self.source, new, now=self.now))

    def names_certificate(self, text: str) -> bool:
        """Whether an entered code is a gift certificate's; else it may be a coupon's."""
        with read(self.hub.engine) as connection:
            return names_certificate(connection, self.programme.id, text)

    def certificate_for_sale(self, code: str) -> KeptCertificate:
        """Raises: CertificateNotFound, CertificateClosed."""
        with read(self.hub.engine) as connection:
            return for_sale(connection, self.programme.id, code, self.now)

    def price(self, sale: Sale) -> Priced:
        """What the sale costs, earns, and may be paid with points.

        Where the buyer has to tell a code first, the price is that of after it: the cashier sees
        what is asked for, and the hold still wants the code.

        Raises: as `quote_basket`, and `certificate_for_sale` for one that is sold.
        """

        def work(connection: Connection) -> Priced:
            asked = self._asked(connection, sale)
            seen = self._quote(connection, replace(asked, spend=None))
            if not seen.points.code_required or asked.member is None:
                return Priced(self._quote(connection, asked), code_required=False)
            vouched = replace(asked, member=replace(asked.member, verified=True))
            return Priced(self._quote(connection, vouched), code_required=True)

        return self._look(work)

    def send_code(self, sale: Sale) -> Asked:
        """Have a code sent to the buyer.  In training it is counted, and never leaves.

        Raises: NotAvailable, NoAddress, TooManyCodes.
        """
        hub = self.hub

        def work(connection: Connection) -> Asked:
            return ask_code(
                connection,
                hub.plans,
                self.source,
                Wanted(self._customer(connection, sale), "spend", cart=sale.key, shop=sale.shop),
                channels=channels_of(hub, connection, self.programme.id),
                secret=hub.vault.derive(CODES),
                now=self.now,
            )

        asked = self._do(work)
        if not self.training:
            hub.bell.ring(self.programme.id)
        return asked

    def has_booked(self, key: str) -> bool:
        """Whether the sale of this key is a receipt already."""
        with read(self.hub.engine) as connection:
            return self._found(connection, external_id=key) is not None

    def sell(self, sale: Sale) -> Booked:
        """Hold, confirm and book in one transaction; the same key again books nothing more.

        Raises: CodeRefused, CodeRequired, PriceChanged, NotEnoughPoints, GoodsBarred; and as
        `record_events`, and `certificate_for_sale` for one that is sold, be it by another
        receipt at this very moment.
        """

        def work(connection: Connection) -> Booked | CodeRefused:
            lock_keys(connection, [f"till:{self.programme.id}:{sale.key}"])
            found = self._found(connection, external_id=sale.key)
            if found is not None:
                return replace(found, again=True)
            try:
                purchase = self._receipt(connection, sale)
            except CodeRefused as refused:
                return refused  # its attempt is committed, or guesses would not count
            self._record(connection, purchase)
            booked = self._named(connection, external_id=sale.key)
            number = from_wire("p", booked.purchase["id"]) or 0
            check_sold(connection, self.programme.id, number, sale.gifts.values())
            return booked

        told = self._do(work)
        if isinstance(told, CodeRefused):
            raise told
        return told

    def show(self, purchase_id: str) -> Booked:
        """A receipt of this till.  Raises: PurchaseNotFound, also for another shop's."""
        with read(self.hub.engine) as connection:
            return self._named(connection, purchase_id=purchase_id)

    def take_back(self, purchase_id: str, goods: tuple[Back, ...], key: str) -> Booked:
        """Book that goods came back; `key` names the one return, however often it is sent.

        Raises: PurchaseNotFound; InvalidInput, by line, for more than is left of it, or of the
        money on a certificate that it sold.
        """

        def work(connection: Connection) -> Booked:
            programme = self.programme.id
            # Of two returns of one receipt the second sees what is left after the first.
            lock_keys(connection, [f"till:{programme}:{one}" for one in (key, purchase_id)])
            sold = self._named(connection, purchase_id=purchase_id)
            known = (programme, SOURCE, key)
            if refunds_by_key(connection, [known]):
                return replace(sold, again=True)
            lines = tuple(money_back(line, goods) for line in sold.purchase["lines"])
            back = tuple(line for line in lines if line is not None)
            check_unused(connection, programme, from_wire("p", purchase_id) or 0, back)
            refund = Refund(
                external_id=key,
                occurred_at=self.now,
                amount_minor=sum(line.paid_back_minor for line in back),
                currency=self.programme.currency,
                purchase=sold.purchase["external_id"],
                shop=sold.shop,
                lines=back,
            )
            self._record(connection, refund)
            return self._named(connection, purchase_id=purchase_id)

        return self._do(work)

    def try_out(self, amount_minor: int) -> Trial:
        """What a first purchase of this sum does, and what points would pay of a second one; all
        of it is undone, so only in training.
        """
        assert self.training
        plans, key = self.hub.plans, secrets.token_hex(16)
        line = BasketLine("1", 1000, amount_minor)
        newcomer = NewMember(card=f"test-{key}")
        first = Sale(key, self.source.default_shop, (line,), newcomer=newcomer)

        def work(connection: Connection) -> Trial:
            self._record(connection, self._receipt(connection, first))
            booked = self._named(connection, external_id=key)
            assert booked.member is not None
            second = QuoteRequest(
                lines=(line,),
                currency=self.programme.currency,
                shop=first.shop,
                channel="pos",
                member=Customer(id=booked.member.id, verified=True),
                spend="max",
            )
            quote = quote_basket(connection, plans, self.source, second, now=self.now)
            return Trial(booked, quote)

        return self._do(work)

    # --- inside ---------------------------------------------------------------------------

    def _do(self, work: Callable[[Connection], T]) -> T:
        return (rehearse if self.training else transact)(self.hub.engine, work)

    def _look(self, work: Callable[[Connection], T]) -> T:
        """In training a newcomer is entered first, which a transaction that reads could not."""
        if self.training:
            return rehearse(self.hub.engine, work)
        with read(self.hub.engine) as connection:
            return work(connection)

    def _customer(self, connection: Connection, sale: Sale) -> Customer:
        if sale.newcomer is not None and self.training:
            plans = self.hub.plans
            made = enter_member(connection, plans, self.source, sale.newcomer, now=self.now)
            return Customer(id=made.id)
        return Customer(id=sale.member)

    def _asked(self, connection: Connection, sale: Sale) -> QuoteRequest:
        known = sale.member is not None or sale.newcomer is not None
        return QuoteRequest(
            lines=priced_lines(connection, self.programme.id, sale, self.now),
            currency=self.programme.currency,
            shop=sale.shop,
            channel="pos",
            cart=sale.key,
            member=self._customer(connection, sale) if known else None,
            coupons=sale.coupons,
            certificates=sale.certificates,
            spend=sale.spend,
            locale=sale.locale,
        )

    def _quote(self, connection: Connection, asked: QuoteRequest) -> Quote:
        return quote_basket(connection, self.hub.plans, self.source, asked, now=self.now)

    def _receipt(self, connection: Connection, sale: Sale) -> Purchase:
        asked = self._asked(connection, sale)
        bare = Purchase(
            external_id=sale.key,
            occurred_at=self.now,
            lines=(),
            currency=self.programme.currency,
            shop=sale.shop,
            customer=asked.member,
            cashier=self.cashier.login,
        )
        if sale.receipt is not None:
            return self._paid_elsewhere(connection, bare, sale.receipt)
        code = sale.code
        if self.training and code is not None and asked.member is not None:
            if code.strip() != TRAINING_CODE:
                raise CodeWrong({"attempts_left": "4"})
            asked, code = replace(asked, member=replace(asked.member, verified=True)), None
        shown = sale.shown
        held = place_hold(
            connection,
            self.hub.plans,
            self.source,
            HoldRequest(
                asked,
                code=code,
                expect_payable_minor=None if shown is None else shown.payable_minor,
                expect_spend_points=None if shown is None else shown.spend_points,
                expect_to_pay_minor=None if shown is None else shown.to_pay_minor,
            ),
            now=self.now,
            code_secrets=self.hub.vault.each(CODES),
        )
        lines = sold(asked.lines, held.quote, sale.gifts)
        return replace(bare, lines=lines, cart=sale.key, hold=held.id)

    def _paid_elsewhere(
        self, connection: Connection, bare: Purchase, receipt: FiscalQr
    ) -> Purchase:
        shop = shop_for(connection, self.source, bare.shop)
        line = PurchaseLine("1", 1000, receipt.sum_minor, receipt.sum_minor)
        at = receipt.at.replace(tzinfo=ZoneInfo(shop.timezone or self.programme.timezone))
        return replace(bare, occurred_at=at, lines=(line,), fiscal=(receipt.sign,))

    def _record(self, connection: Connection, event: Purchase | Refund) -> None:
        incoming = [Incoming(self.source, event)]
        record_events(connection, self.hub.plans, incoming, now=self.now)

    def _found(self, connection: Connection, **by: str) -> Booked | None:
        try:
            found = find_purchases(connection, self.hub.plans, self.source, **by)
        except ShopForbidden:
            return None  # whose it is need not be told
        own = next((one for one in found if one["source"] == SOURCE), None)
        if own is None:
            return None
        member = None
        if own["member"] is not None:
            plans = self.hub.plans
            member = get_member(connection, plans, self.programme.id, own["member"], now=self.now)
        number = from_wire("p", own["id"]) or 0
        kept = purchases_by_id(connection, [number])[number]
        if kept.linked_to is not None:
            own = came_back(own, self._back_of(connection, kept.linked_to))
        return Booked(own, member, shop_code(connection, kept.shop_id) or "")

    def _back_of(self, connection: Connection, purchase: int) -> int:
        """Kopecks that went back of it, whoever told that."""
        counts = purchases_by_id(connection, [purchase])[purchase]
        load_lines(connection, [counts])
        return sum(counts.returned_minor.values())

    def _named(self, connection: Connection, **by: str) -> Booked:
        found = self._found(connection, **by)
        if found is None:
            raise PurchaseNotFound
        return found
