"""Codes at the hub's own till: which of them are gift certificates, and certificates that are sold.

A certificate is sold by a line of its own, as at any till (`docs/http-contract.md`, Gift
certificates).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from hub.till_words import Sale
from loyalty_core.domain.certificates import LENGTH
from loyalty_core.domain.coupon_codes import is_mistyped, normal
from loyalty_core.domain.errors import CertificateClosed, CertificateNotFound, InvalidInput
from loyalty_core.service.certificate_views import state_at
from loyalty_core.service.certificates import known_certificate
from loyalty_core.store.certificates import KeptCertificate
from loyalty_core.store.purchases import load_lines, purchases_by_id
from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import LineKind, RefundLine


def names_certificate(connection: Connection, programme_id: int, text: str) -> bool:
    """Whether an entered code is a gift certificate's, or one of ours with a slip in it."""
    try:
        known_certificate(connection, programme_id, text)
    except CertificateNotFound:
        return is_mistyped(normal(text), LENGTH)
    return True


def for_sale(
    connection: Connection, programme_id: int, code: str, now: datetime
) -> KeptCertificate:
    """One that nobody has paid for yet.  Raises: CertificateNotFound, CertificateClosed."""
    found = known_certificate(connection, programme_id, code)
    state = state_at(found, now)
    if state != "issued":
        raise CertificateClosed({"state": state})
    return found


def priced_lines(
    connection: Connection, programme_id: int, sale: Sale, now: datetime
) -> tuple[BasketLine, ...]:
    """The lines of a sale; a certificate that has a nominal of its own is sold for that, whatever
    was typed.  Raises: as `for_sale`, also for one that another line sells already.
    """
    sells = set[str]()

    def priced(line: BasketLine) -> BasketLine:
        code = sale.gifts.get(line.id)
        if code is None:
            return line
        found = for_sale(connection, programme_id, code, now)
        if found.code in sells:
            raise CertificateClosed({"state": "issued"})
        sells.add(found.code)
        costs = found.nominal_minor or line.amount_minor
        one = replace(line, quantity_milli=1000, amount_minor=costs, price_minor=costs)
        return replace(one, kind=LineKind.CERTIFICATE)

    return tuple(map(priced, sale.lines))


def check_sold(
    connection: Connection, programme_id: int, purchase_id: int, codes: Iterable[str]
) -> None:
    """That it is this receipt, booked in this transaction, that sold these certificates.

    They are locked from its booking on, so of two receipts that sell one at the same moment,
    whoever tells them, the later one sees the other here.  Raises: CertificateClosed.
    """
    for code in codes:
        found = known_certificate(connection, programme_id, code)
        if found.activated_by != purchase_id:
            raise CertificateClosed({"state": found.state})


def check_unused(
    connection: Connection, programme_id: int, purchase_id: int, back: Sequence[RefundLine]
) -> None:
    """That the money of certificates that a receipt sold is still on them, where it is to go back.

    Raises: InvalidInput, by line.
    """
    kept = purchases_by_id(connection, [purchase_id])[purchase_id]
    load_lines(connection, [kept])
    gifts = {line.id: line.certificate for line in kept.lines}
    for line in back:
        gift = None if line.id is None else gifts[line.id]
        if line.id is None or gift is None:
            continue
        found = known_certificate(connection, programme_id, gift.code)
        if found.book.free < line.paid_back_minor:
            raise InvalidInput({line.id: ["So much of it is not left."]})
