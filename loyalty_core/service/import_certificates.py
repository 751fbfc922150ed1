"""Gift certificates that an owner has sold already, brought in with what is left on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.certificate_book import Why
from loyalty_core.domain.certificates import MOST_MINOR
from loyalty_core.domain.coupon_codes import normal
from loyalty_core.domain.errors import CertificateNotFound, InvalidInput
from loyalty_core.service.certificates import (
    OTHER_WORDS,
    NewLot,
    end_of,
    new_certificate,
    new_lot,
    note_lot,
    series_of,
)
from loyalty_core.service.import_codes import CodeImport, Line, Reading
from loyalty_core.store import certificates as store
from loyalty_core.store.certificates import KeptCertificate, KeptLot
from loyalty_kit.money import HUNDREDTHS, parse_decimal

WORDS = ("code", "member", "nominal", "balance", "state", "ends_at")
_STATES = ("", "issued", "active", "blocked")
_OVER = ("spent", "expired", "void")


@dataclass(frozen=True, slots=True)
class Brought:
    """One of a file.  `balance_minor` 0: nobody has paid for it yet."""

    code: str
    member_id: int | None
    nominal_minor: int | None
    balance_minor: int
    blocked: bool
    ends_at: datetime | None


class CertificateImport(CodeImport[Brought]):
    """All of one series, whose terms their lot keeps (`certificates.open_lot`)."""

    kind = "certificate"

    def reader(self, reading: Reading) -> Callable[[Line], Brought]:
        return lambda line: _brought(line, reading)

    def there(self, connection: Connection, codes: Iterable[str]) -> Mapping[str, int | None]:
        keys = [(self.way.programme_id, code) for code in codes]
        known = store.known_certificates(connection, keys)
        return {code: one.lot_id for (_, code), one in known.items()}

    def lot_of(self, connection: Connection, first: Brought | None) -> int | None:
        """Raises: InvalidInput (no such series, or the lot is of another)."""
        way = self.way
        series = series_of(connection, way.plans, way.programme_id, way.series or "")
        if first is not None:
            wanted = NewLot(way.lot, series.code, 0)
            made = (connection, way.programme_id, wanted, series, way.author, way.now)
            fresh = new_lot(*made)
            if store.add_lot(connection, fresh):
                note_lot(connection, fresh, brought_in=True)
        found = store.find_lot(connection, way.programme_id, way.lot, lock=not way.dry)
        if found is not None and found.terms.series != series.code:
            raise InvalidInput({"lot": [OTHER_WORDS]})
        return None if found is None else found.id

    def add(self, connection: Connection, lot_id: int, fresh: Sequence[Brought]) -> None:
        way = self.way
        lot = store.find_lot(connection, way.programme_id, way.lot)
        if lot is None:
            raise CertificateNotFound({"lot": way.lot})
        until = end_of(connection, way.programme_id, lot.terms.life_days, way.now)
        store.add_certificates(connection, [self._kept(one, lot, until) for one in fresh])
        grown = {"size": lot.size + len(fresh), "made": lot.made + len(fresh)}
        store.change_lot(connection, lot_id, grown)

    def _kept(self, one: Brought, lot: KeptLot, until: datetime | None) -> KeptCertificate:
        kept = new_certificate(lot, one.code, self.way.now)
        kept.member_id, kept.blocked = one.member_id, one.blocked
        kept.nominal_minor = one.nominal_minor or lot.nominal_minor or one.balance_minor or None
        kept.book.expires_at = one.ends_at
        if one.balance_minor:
            why = Why("import", self.way.now, self.way.now, by=self.way.author)
            kept.book.load(one.balance_minor, why, one.ends_at or until)
        return kept


def _brought(line: Line, reading: Reading) -> Brought:
    """Raises: ValueError, in words for the owner."""
    told = line.told
    code, said = normal(told.get("code", "")), told.get("state", "")
    if not code:
        raise ValueError("has no code of 3 to 64 characters")
    if said in _OVER:
        raise ValueError(f"is {said} already")
    if said not in _STATES:
        raise ValueError("has a state that is not issued, active or blocked")
    nominal, balance = _money(told, "nominal"), _money(told, "balance")
    if said == "active" and not balance:
        raise ValueError("is active and has no balance")
    if said == "issued" and balance:
        raise ValueError("has a balance and was not paid for")
    ends_at = reading.time(line, "ends_at")
    if ends_at and ends_at <= reading.now:
        raise ValueError("is expired already")
    member = reading.owner(line)
    return Brought(code, member, nominal or None, balance, said == "blocked", ends_at)


def _money(told: Mapping[str, str], word: str) -> int:
    said = told.get(word, "")
    if not said:
        return 0
    try:
        minor = parse_decimal(said.replace(",", "."), HUNDREDTHS)
    except ValueError:
        raise ValueError(f"has a {word} that is no sum of money") from None
    if not 0 <= minor <= MOST_MINOR:
        raise ValueError(f"has a {word} that is not from 0 to 999999999.99")
    return minor
