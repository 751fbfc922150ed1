"""Coupons and gift certificates on the cashier page: entered, counted where wrong, sold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from hub.guesses import count_wrong, lookers_of
from hub.till import Till
from hub.till_words import Priced, Sale
from hub.web.admin.context import the_hub
from hub.web.admin.languages import gettext
from hub.web.admin.sessions import signed_in_admin
from hub.web.admin.till_forms import MOST_CODES, SaleForm, TypedLine
from hub.web.api.call import this_room
from loyalty_core.domain.coupon_codes import normal
from loyalty_core.domain.errors import CertificateClosed, CertificateNotFound, NotFound, Rejected
from loyalty_core.store.admins import Admin
from loyalty_kit.checkout import CertificateAnswer, CodeAnswer, Quote
from loyalty_kit.money import format_decimal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code on the page, what it did or why it did nothing; `name`: of its part of the form."""

    name: str
    place: int
    code: str
    shown: str
    applied: bool = False
    text: str = ""
    pays_minor: int = 0
    left_minor: int | None = None
    for_sale: bool = False


class NoTriesLeft(Rejected):
    """The cashier has tried too many wrong codes; no code is looked at until the hour is over."""

    code = "too_many_attempts"


def no_tries() -> str:
    return gettext("Too many wrong attempts: try again in an hour.")


def not_for_sale() -> str:
    return gettext("This gift certificate is sold already, or may not be sold.")


def callers(till: Till) -> list[str]:
    """Whom misses at this till count for."""
    return _callers(till.cashier)


def _callers(admin: Admin) -> list[str]:
    return lookers_of(f"till:{admin.id}")


def look_up(find: Callable[[], T]) -> T:
    """One code on another page of the console; a wrong one counts with those of the person's till.

    Raises: NoTriesLeft; and as `find`.
    """
    tries, own = this_room().guesses, _callers(signed_in_admin())
    now = the_hub().clock.now()
    if tries.is_out(own, now):
        raise NoTriesLeft
    try:
        return find()
    except NotFound:
        tries.count(own, 1, now)
        raise


def price(till: Till, sale: Sale) -> Priced:
    """The price of a sale; codes that were wrong are counted.

    Raises: NoTriesLeft; and as `Till.price`.
    """
    if not sale.has_codes:
        return till.price(sale)
    tries, own = this_room().guesses, callers(till)
    if tries.is_out(own, till.now):
        raise NoTriesLeft
    try:
        found = till.price(sale)
    except (CertificateNotFound, CertificateClosed):
        tries.count(own, 1, till.now)
        raise
    tries.count(own, count_wrong(found.quote), till.now)
    return found


def rows(form: SaleForm, quote: Quote | None) -> list[CodeRow]:
    """The codes of the form; of a basket without goods only what may be sold is told."""
    coupons = [CodeRow("coupon", at, one, one) for at, one in enumerate(form.coupons)]
    gifts = [
        CodeRow("certificate", at, one, f"…{one[-4:]}") for at, one in enumerate(form.certificates)
    ]
    if quote is None:
        return coupons + gifts
    has_goods = bool(quote.lines)
    coupons = [_with(row, one, has_goods) for row, one in zip(coupons, quote.coupons, strict=True)]
    gifts = [
        replace(
            _with(row, one, has_goods),
            pays_minor=one.amount_minor,
            left_minor=one.left_minor,
            for_sale=one.reason == "certificate_issued",
        )
        for row, one in zip(gifts, quote.certificates, strict=True)
    ]
    return coupons + gifts


def _with(row: CodeRow, told: CodeAnswer | CertificateAnswer, has_goods: bool) -> CodeRow:
    if not has_goods:
        return row
    text = told.text or (gettext("There is no such code.") if told.reason else "")
    return replace(row, applied=told.status == "applied", text=text)


def with_entered(form: SaleForm, till: Till) -> SaleForm:
    """The form with the code that was typed or scanned among those of its kind."""
    if len(form.coupons) + len(form.certificates) >= MOST_CODES:
        return replace(form, errors={"entered": gettext("One receipt takes no more codes.")})
    if this_room().guesses.is_out(callers(till), till.now):
        return replace(form, errors={"entered": no_tries()})
    code, form = form.entered, replace(form, entered="")
    if till.names_certificate(code):
        return replace(form, certificates=_joined(form.certificates, code))
    return replace(form, coupons=_joined(form.coupons, code))


def _joined(codes: tuple[str, ...], code: str) -> tuple[str, ...]:
    """With this one, unless it is there already, however it was typed."""
    return codes if normal(code) in set(map(normal, codes)) else (*codes, code)


def without(form: SaleForm, wish: str) -> SaleForm:
    """The form without the code that a button takes off: `no-coupon-0`, `no-certificate-1`."""

    def kept(name: str, codes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one for at, one in enumerate(codes) if wish != f"no-{name}-{at}")

    return replace(
        form,
        coupons=kept("coupon", form.coupons),
        certificates=kept("certificate", form.certificates),
    )


def sold(form: SaleForm, wish: str, till: Till) -> SaleForm:
    """The form with one of its certificates (`sell-0`) as a line that sells it; a wrong one is
    counted."""
    place = wish.removeprefix("sell-")
    code = next((one for at, one in enumerate(form.certificates) if place == str(at)), None)
    if code is None:
        return form
    tries, own = this_room().guesses, callers(till)
    if tries.is_out(own, till.now):
        return replace(form, errors={"entered": no_tries()})
    try:
        found = till.certificate_for_sale(code)
    except (CertificateNotFound, CertificateClosed):
        tries.count(own, 1, till.now)
        return replace(form, errors={"entered": not_for_sale()})
    costs = "" if found.nominal_minor is None else format_decimal(found.nominal_minor)
    name = gettext("Gift certificate …%(end)s", end=found.code[-4:])
    line = TypedLine(name, "", "1", costs, certificate=code)
    return replace(without(form, f"no-certificate-{place}"), lines=(*form.lines, line))
