"""Gift certificates as their owner handles them: lots made in portions, topped up, checked,
blocked, told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.certificate_book import CertificateBook, Figures, Why
from loyalty_core.domain.certificates import RANDOM, CertificateSeries
from loyalty_core.domain.coupon_codes import draw, normal
from loyalty_core.domain.dates import end_of_life
from loyalty_core.domain.errors import (
    CertificateClosed,
    CertificateNotFound,
    InvalidInput,
    KeyReused,
    MemberNotFound,
    ProgrammeNotFound,
)
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.service.certificate_views import (
    certificate_of,
    certificate_view,
    move_view,
    state_at,
)
from loyalty_core.service.members import lock_member, member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import audit, members, programmes
from loyalty_core.store import certificates as store
from loyalty_core.store.certificates import KeptCertificate, KeptLot, Terms
from loyalty_core.store.ids import new_id, to_wire
from loyalty_kit.money import format_decimal

MOST = 1_000_000
"""Certificates of one lot."""
PORTION = 5000
"""Certificates that are made in one transaction."""
OTHER_WORDS = "There is a lot of this name with other words."
_PAGE = 5000


@dataclass(frozen=True, slots=True)
class NewLot:
    """`nominal_minor` None: that of the series, or whatever is paid for each.  `loaded`: the
    money is on them at once, nobody has to buy them.  `member` (wire id): whose they are; None:
    of whoever has the code."""

    name: str
    series: str
    size: int
    nominal_minor: int | None = None
    loaded: bool = False
    member: str | None = None


@dataclass(frozen=True, slots=True)
class TopUp:
    """`key` names it: the same key again brings nothing more."""

    code: str
    amount_minor: int
    key: str
    author: str


# --- lots -------------------------------------------------------------------------------------


def series_of(
    connection: Connection, plans: PlanCache, programme_id: int, code: str
) -> CertificateSeries:
    """A series of the rules in force.  Raises: ProgrammeNotFound, InvalidInput."""
    known = list_series(connection, plans, programme_id)
    found = next((one for one in known if one.code == code), None)
    if found is None:
        raise InvalidInput({"series": ["Not a series of certificates in the rules in force."]})
    return found


def list_series(
    connection: Connection, plans: PlanCache, programme_id: int
) -> list[CertificateSeries]:
    """Those of the rules in force.  Raises: ProgrammeNotFound."""
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    plan = plans.get(connection, programme_id, programme.rules_version)
    return list(plan.rules.certificates)


def open_lot(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    wanted: NewLot,
    *,
    author: str,
    now: datetime,
) -> KeptLot:
    """The lot of this name, made if there is none; its certificates are made by `fill_lot`.

    It keeps the terms of its series as they are now.

    Raises: ProgrammeNotFound, MemberNotFound, InvalidInput (series, size, nominal; or there is
    such a lot with other words).
    """
    if not 1 <= wanted.size <= MOST:
        raise InvalidInput({"count": [f"Must be from 1 to {MOST}."]})
    # Before the lot, as everywhere, and so that nobody erases whom it names.
    owner = None if wanted.member is None else lock_member(connection, programme_id, wanted.member)
    known = store.find_lot(connection, programme_id, wanted.name, lock=True)
    if known is None:
        series = series_of(connection, plans, programme_id, wanted.series)
        lot = new_lot(connection, programme_id, wanted, series, author, now)
        if store.add_lot(connection, lot):
            note_lot(connection, lot, size=lot.size, loaded=lot.loaded)
        known = store.find_lot(connection, programme_id, wanted.name, lock=True)
    assert known is not None
    same = (known.terms.series, known.size, known.loaded) == (
        wanted.series,
        wanted.size,
        wanted.loaded,
    )
    same = same and wanted.nominal_minor in (None, known.nominal_minor)
    last = None if known.member_id is None else to_wire("m", known.member_id)
    if not same or owner != _number(connection, programme_id, last):
        raise InvalidInput({"lot": [OTHER_WORDS]})
    return known


def fill_lot(
    connection: Connection, programme_id: int, name: str, *, now: datetime, portion: int = PORTION
) -> KeptLot:
    """Make as many of a lot's certificates as are missing, but no more than `portion`.

    To be called until `made` is `size`; whoever was cut off goes on where it was.

    Raises: CertificateNotFound (no such lot), MemberNotFound.
    """
    member = find_lot(connection, programme_id, name).member_id
    if member is not None:
        member = members.lock_survivors(connection, programme_id, [member])[member]
    lot = find_lot(connection, programme_id, name, lock=True)
    missing = min(portion, lot.size - lot.made)
    if missing <= 0:
        return lot
    if lot.member_id is not None and member is None:
        raise MemberNotFound
    until = end_of(connection, programme_id, lot.terms.life_days, lot.created_at)
    fresh = []
    for code in {draw(RANDOM) for _ in range(missing)}:
        one = new_certificate(lot, code, now)
        one.member_id = None if lot.member_id is None else member
        if lot.loaded and lot.nominal_minor is not None:
            why = Why("lot", lot.created_at, now, by=lot.author)
            one.book.load(lot.nominal_minor, why, until)
        fresh.append(one)
    made = lot.made + store.add_certificates(connection, fresh)
    store.change_lot(connection, lot.id, {"made": made})
    return find_lot(connection, programme_id, name)


def new_certificate(lot: KeptLot, code: str, now: datetime) -> KeptCertificate:
    """A certificate of a lot, not stored yet."""
    book = CertificateBook(new_id(now), Figures(), None, None, lot.terms.life_days, 0)
    return KeptCertificate(
        lot.programme_id,
        code,
        lot.id,
        lot.member_id,
        False,
        lot.nominal_minor,
        None,
        now,
        lot.terms,
        book,
    )


def note_lot(connection: Connection, lot: KeptLot, **facts: Any) -> None:
    """Write down in the log that a lot was made, with what it was asked to be."""
    nominal = None if lot.nominal_minor is None else format_decimal(lot.nominal_minor)
    audit.note(
        connection,
        lot.programme_id,
        "certificate_lot_made",
        lot.name,
        author=lot.author,
        now=lot.created_at,
        after={"series": lot.terms.series, "nominal": nominal, **facts},
    )


def find_lot(
    connection: Connection, programme_id: int, name: str, *, lock: bool = False
) -> KeptLot:
    """Raises: CertificateNotFound."""
    lot = store.find_lot(connection, programme_id, name, lock=lock)
    if lot is None:
        raise CertificateNotFound({"lot": name})
    return lot


def list_lots(connection: Connection, programme_id: int) -> list[KeptLot]:
    return store.all_lots(connection, programme_id)


def count_certificates(connection: Connection, programme_id: int, lot: KeptLot | None) -> int:
    return store.count_certificates(connection, programme_id, None if lot is None else lot.id)


def all_certificates(
    connection: Connection, programme_id: int, lot: KeptLot | None
) -> Iterator[list[KeptCertificate]]:
    """Of a lot, or of the programme, in pages."""
    return store.pages(connection, programme_id, lot_id=None if lot is None else lot.id, size=_PAGE)


# --- single ones ------------------------------------------------------------------------------


def check_certificate(
    connection: Connection, programme_id: int, code: str, *, now: datetime
) -> dict[str, Any]:
    """A certificate, wire-ready.  Raises: CertificateNotFound."""
    return certificate_view(known_certificate(connection, programme_id, code), now)


def known_certificate(connection: Connection, programme_id: int, code: str) -> KeptCertificate:
    """Raises: CertificateNotFound."""
    key = (programme_id, normal(code))
    found = store.known_certificates(connection, [key]).get(key)
    if found is None:
        raise CertificateNotFound
    return found


def top_up(
    connection: Connection, programme_id: int, wanted: TopUp, *, now: datetime
) -> dict[str, Any]:
    """Put money onto a certificate that was paid for elsewhere; the first money activates it.

    Gives it as it is afterwards, wire-ready.

    Raises: CertificateNotFound, CertificateClosed (blocked, void, expired, or not to be topped
    up by the terms of its lot), KeyReused, BeyondCount.
    """
    one = _locked(connection, programme_id, wanted.code)
    key = f"top_up/{wanted.key}"
    known = store.move_by_key(connection, one.id, key)
    if known is not None:
        if known.change.loaded != wanted.amount_minor:
            raise KeyReused
        return certificate_view(one, now)
    one.book.settle(now)
    state = state_at(one, now)
    may = one.terms.top_up or one.book.activated_at is None
    if not may or state not in ("issued", "active", "spent"):
        raise CertificateClosed({"state": state})
    until = end_of(connection, programme_id, one.terms.life_days, now)
    one.book.load(wanted.amount_minor, Why(key, now, now, by=wanted.author), until)
    store.write_certificates(connection, [one])
    audit.note(
        connection,
        programme_id,
        "certificate_topped_up",
        to_wire("ct", one.id),
        author=wanted.author,
        now=now,
        after={"amount": format_decimal(wanted.amount_minor)},
    )
    return certificate_view(one, now)


def block_certificate(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    code: str,
    *,
    blocked: bool,
    author: str,
    now: datetime,
) -> dict[str, Any]:
    """Let a certificate not be paid with from now on, or be used again; what holds reserved
    stays, and so does its money.

    Raises: CertificateNotFound.
    """
    one = _locked(connection, programme_id, code)
    before = one.blocked
    one.changed, one.blocked = one.changed or one.blocked != blocked, blocked
    store.write_certificates(connection, [one])
    audit.note(
        connection,
        programme_id,
        "certificate_blocked",
        to_wire("ct", one.id),
        author=author,
        now=now,
        before={"blocked": before},
        after={"blocked": blocked},
    )
    return certificate_view(one, now)


def member_certificates(
    connection: Connection, programme_id: int, member_id: str, *, now: datetime
) -> list[dict[str, Any]]:
    """The member's own, the newest first, wire-ready.  Raises: MemberNotFound."""
    number = member_row(connection, programme_id, member_id)["id"]
    return [certificate_view(one, now) for one in store.of_member(connection, programme_id, number)]


def certificate_moves(
    connection: Connection, programme_id: int, certificate_id: str
) -> list[dict[str, Any]]:
    """The movements of a certificate (wire id), the oldest first.  Raises:
    CertificateNotFound."""
    one = certificate_of(connection, programme_id, certificate_id)
    return [move_view(move) for move in store.moves_of(connection, one.id)]


# --- inside -----------------------------------------------------------------------------------


def new_lot(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    wanted: NewLot,
    series: CertificateSeries,
    author: str,
    now: datetime,
) -> KeptLot:
    """A lot with the terms of its series, not stored yet.

    Raises: MemberNotFound, InvalidInput (nominal).
    """
    own = series.nominal_minor
    if own is not None and wanted.nominal_minor not in (None, own):
        raise InvalidInput({"nominal": ["The series has another nominal."]})
    nominal = own if wanted.nominal_minor is None else wanted.nominal_minor
    if wanted.loaded and nominal is None:
        raise InvalidInput({"nominal": ["Give a nominal: there is none in the series."]})
    terms = Terms(
        series.code,
        series.life_days,
        series.top_up,
        tuple(map(fold, series.skus)),
        tuple(map(fold, series.categories)),
    )
    return KeptLot(
        new_id(now),
        programme_id,
        wanted.name,
        wanted.size,
        0,
        nominal,
        wanted.loaded,
        _number(connection, programme_id, wanted.member),
        author,
        now,
        terms,
    )


def _number(connection: Connection, programme_id: int, member: str | None) -> int | None:
    """A member, whoever that is by now.  Raises: MemberNotFound."""
    if member is None:
        return None
    number: int = member_row(connection, programme_id, member)["id"]
    return number


def _locked(connection: Connection, programme_id: int, code: str) -> KeptCertificate:
    key = (programme_id, normal(code))
    one = store.lock_certificates(connection, [key]).get(key)
    if one is None:
        raise CertificateNotFound
    return one


def end_of(
    connection: Connection, programme_id: int, life_days: int | None, since: datetime
) -> datetime | None:
    """When what is loaded at `since` ends.  Raises: ProgrammeNotFound."""
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    return end_of_life(since, life_days, ZoneInfo(programme.timezone))
