"""Gift certificates: codes with their money, its movements, and lots with their terms.

What a hold has reserved, and what a purchase has paid or loaded, are the sums of its movements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, func, select, update

from loyalty_core.domain.certificate_book import CertificateBook, Figures, Kind, Move, Why
from loyalty_core.domain.certificates import Certificate
from loyalty_core.store.sets import among, insert_many, update_many
from loyalty_core.store.tables import certificate_lots, certificates
from loyalty_core.store.tables import certificate_moves as moves

CertificateKey = tuple[int, str]
"""Programme, and the normal form of a code."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a lot was issued: the series as it was then."""

    series: str
    life_days: int | None = None
    top_up: bool = False
    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(slots=True)
class KeptCertificate:
    """A certificate as it is kept.  `activated_by`: the purchase that sold it first."""

    programme_id: int
    code: str
    lot_id: int
    member_id: int | None
    blocked: bool
    nominal_minor: int | None
    activated_by: int | None
    created_at: datetime
    terms: Terms
    book: CertificateBook
    changed: bool = False

    @property
    def id(self) -> int:
        return self.book.id

    @property
    def key(self) -> CertificateKey:
        return (self.programme_id, self.code)

    @property
    def state(self) -> str:
        book = self.book
        return state_of(self.blocked, book.activated_at is not None, book.figures.loaded)

    def seen(self, own_minor: int = 0) -> Certificate:
        """As a checkout sees it; `own_minor` of what is reserved is the asker's."""
        return Certificate(
            self.code,
            self.state,
            self.book.free + own_minor,
            self.member_id,
            self.book.expires_at,
            self.terms.skus,
            self.terms.categories,
        )


@dataclass(frozen=True, slots=True)
class KeptLot:
    """Certificates that were issued together, by their name; `loaded`: with their money on
    them, nobody has to buy them first."""

    id: int
    programme_id: int
    name: str
    size: int
    made: int
    nominal_minor: int | None
    loaded: bool
    member_id: int | None
    author: str
    created_at: datetime
    terms: Terms = field(default_factory=lambda: Terms(""))


@dataclass(slots=True)
class Standing:
    """What a purchase or hold has of a certificate."""

    paid: int = 0
    loaded: int = 0
    reserved: int = 0


FIGURES = tuple(f"{name}_minor" for name in Figures._fields)
CHANGES = tuple(f"d_{name}_minor" for name in Figures._fields)
_COLUMNS = tuple(column.name for column in certificates.c)
_CHANGING = (*FIGURES, "activated_at", "activated_by", "expires_at", "blocked", "moves")
_MOVE = (
    "certificate_id",
    "no",
    "kind",
    "key",
    *CHANGES,
    "purchase_id",
    "hold_id",
    "by",
    "occurred_at",
    "booked_at",
)
_TERMS = ("series", "life_days", "top_up", "goods")
_LOT = tuple(one.name for one in fields(KeptLot) if one.name != "terms")
_WITH_LOTS = select(*certificates.c, *(certificate_lots.c[name] for name in _TERMS)).join_from(
    certificates, certificate_lots, certificate_lots.c.id == certificates.c.lot_id
)
_KNOWN = _WITH_LOTS.where(
    among(certificates.c.programme_id, "programmes"), among(certificates.c.code, "codes")
).order_by(certificates.c.id)
_LOCKED = _KNOWN.with_for_update(of=certificates)
_BY_ID = _WITH_LOTS.where(among(certificates.c.id, "ids")).order_by(certificates.c.id)
_PURCHASED = (
    select(
        moves.c.purchase_id,
        moves.c.certificate_id,
        func.sum(moves.c.d_paid_minor),
        func.sum(moves.c.d_loaded_minor),
    )
    .where(among(moves.c.purchase_id, "refs"))
    .group_by(moves.c.purchase_id, moves.c.certificate_id)
)
_RESERVED = (
    select(moves.c.hold_id, moves.c.certificate_id, func.sum(moves.c.d_reserved_minor))
    .where(among(moves.c.hold_id, "refs"))
    .group_by(moves.c.hold_id, moves.c.certificate_id)
)


def state_of(blocked: bool, activated: bool, loaded_minor: int) -> str:
    """`issued`: not paid for yet; `void`: what was paid for it was given back; `blocked`,
    `active`."""
    if blocked:
        return "blocked"
    if not activated:
        return "issued"
    return "active" if loaded_minor else "void"


def goods_of(told: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Articles and categories that a lot is for, folded, as its column has them."""
    return tuple(told.get("skus", ())), tuple(told.get("categories", ()))


# --- money under lock -------------------------------------------------------------------------


def lock_certificates(
    connection: Connection, keys: Collection[CertificateKey]
) -> dict[CertificateKey, KeptCertificate]:
    """Those of these that there are, in the order of their ids, until the transaction ends."""
    return _by_key(connection, _LOCKED, keys)


def lock_by_id(connection: Connection, ids: Collection[int]) -> list[KeptCertificate]:
    return _read(connection, _BY_ID.with_for_update(of=certificates), {"ids": ids}) if ids else []


def known_certificates(
    connection: Connection, keys: Collection[CertificateKey]
) -> dict[CertificateKey, KeptCertificate]:
    return _by_key(connection, _KNOWN, keys)


def standing_of_purchases(
    connection: Connection, purchase_ids: Collection[int]
) -> dict[int, dict[int, Standing]]:
    """By purchase and certificate."""
    found: dict[int, dict[int, Standing]] = defaultdict(dict)
    if purchase_ids:
        for ref, number, paid, loaded in connection.execute(_PURCHASED, {"refs": purchase_ids}):
            found[ref][number] = Standing(paid=int(paid), loaded=int(loaded))
    return dict(found)


def standing_of_holds(
    connection: Connection, hold_ids: Collection[int]
) -> dict[int, dict[int, Standing]]:
    """By hold and certificate."""
    found: dict[int, dict[int, Standing]] = defaultdict(dict)
    if hold_ids:
        for ref, number, reserved in connection.execute(_RESERVED, {"refs": hold_ids}):
            found[ref][number] = Standing(reserved=int(reserved))
    return dict(found)


def write_certificates(connection: Connection, kept: Iterable[KeptCertificate]) -> None:
    """Set these (they are locked), and add their new movements."""
    moved = sorted((one for one in kept if one.changed or one.book.moves), key=lambda one: one.id)
    rows = [(one.id, *_changing(one)) for one in moved]
    update_many(connection, certificates, ("id",), _CHANGING, rows)
    add_moves(connection, moved)


def add_moves(connection: Connection, kept: Iterable[KeptCertificate]) -> None:
    rows = [_move_row(one.id, move) for one in kept for move in one.book.moves]
    insert_many(connection, moves, _MOVE, rows)
    for one in kept:
        one.book.moves.clear()


def ending(connection: Connection, now: datetime, limit: int) -> list[int]:
    """Those with money on them whose time is over, the earliest first."""
    query = (
        select(certificates.c.id)
        .where(
            certificates.c.balance_minor > certificates.c.reserved_minor,
            certificates.c.expires_at <= now,
        )
        .order_by(certificates.c.expires_at)
        .limit(limit)
    )
    return list(connection.scalars(query))


# --- made and found ---------------------------------------------------------------------------


def add_certificates(connection: Connection, kept: Sequence[KeptCertificate]) -> int:
    """How many were added, with their movements: a code that is there stays as it is."""
    there = known_certificates(connection, [one.key for one in kept])
    fresh = [one for one in kept if one.key not in there]
    rows = [_row(one) for one in fresh]
    insert_many(connection, certificates, _COLUMNS, rows)
    add_moves(connection, fresh)
    return len(fresh)


def find_certificate(
    connection: Connection, programme_id: int, number: int
) -> KeptCertificate | None:
    found = _read(connection, _BY_ID, {"ids": [number]})
    return next((one for one in found if one.programme_id == programme_id), None)


def moves_of(connection: Connection, certificate_id: int) -> list[Move]:
    """In the order in which they were booked."""
    query = select(moves).where(moves.c.certificate_id == certificate_id).order_by(moves.c.no)
    return [_move(row) for row in connection.execute(query).mappings()]


def move_by_key(connection: Connection, certificate_id: int, key: str) -> Move | None:
    own = and_(moves.c.certificate_id == certificate_id, moves.c.key == key)
    found = connection.execute(select(moves).where(own)).mappings().first()
    return None if found is None else _move(found)


def of_member(connection: Connection, programme_id: int, member_id: int) -> list[KeptCertificate]:
    """The newest first."""
    own = and_(certificates.c.programme_id == programme_id, certificates.c.member_id == member_id)
    return _read(connection, _WITH_LOTS.where(own).order_by(certificates.c.id.desc()))


def pages(
    connection: Connection, programme_id: int, *, lot_id: int | None, size: int
) -> Iterator[list[KeptCertificate]]:
    """All of a lot, or of the programme, in the order in which they were made."""
    own = certificates.c.programme_id == programme_id
    which = own if lot_id is None else certificates.c.lot_id == lot_id
    query = _WITH_LOTS.where(which).order_by(certificates.c.id).limit(size)
    last = -1
    while page := _read(connection, query.where(certificates.c.id > last)):
        yield page
        last = page[-1].id


def count_certificates(connection: Connection, programme_id: int, lot_id: int | None) -> int:
    own = certificates.c.programme_id == programme_id
    which = own if lot_id is None else certificates.c.lot_id == lot_id
    return connection.scalar(select(func.count()).select_from(certificates).where(which)) or 0


def find_lot(
    connection: Connection, programme_id: int, name: str, *, lock: bool = False
) -> KeptLot | None:
    own = (certificate_lots.c.programme_id == programme_id, certificate_lots.c.name == name)
    query = select(certificate_lots).where(*own)
    found = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if found is None else _lot(found)


def lot_by_id(connection: Connection, programme_id: int, number: int) -> KeptLot | None:
    own = (certificate_lots.c.programme_id == programme_id, certificate_lots.c.id == number)
    found = connection.execute(select(certificate_lots).where(*own)).mappings().first()
    return None if found is None else _lot(found)


def of_lot(connection: Connection, lot_id: int, *, after: int, limit: int) -> list[KeptCertificate]:
    """A page of a lot, in the order in which they were made."""
    own = (certificates.c.lot_id == lot_id, certificates.c.id > after)
    return _read(connection, _WITH_LOTS.where(*own).order_by(certificates.c.id).limit(limit))


def all_lots(connection: Connection, programme_id: int) -> list[KeptLot]:
    own = select(certificate_lots).where(certificate_lots.c.programme_id == programme_id)
    found = connection.execute(own.order_by(certificate_lots.c.id)).mappings()
    return [_lot(row) for row in found]


def add_lot(connection: Connection, lot: KeptLot) -> bool:
    """One of this name stays as it is: then False."""
    terms = lot.terms
    goods = {"skus": list(terms.skus), "categories": list(terms.categories)}
    told = (terms.series, terms.life_days, terms.top_up, goods)
    row = (*(getattr(lot, name) for name in _LOT), *told)
    unless = ("programme_id", "name")
    return insert_many(connection, certificate_lots, (*_LOT, *_TERMS), [row], unless=unless) > 0


def change_lot(connection: Connection, lot_id: int, values: Mapping[str, Any]) -> None:
    own = certificate_lots.c.id == lot_id
    connection.execute(update(certificate_lots).where(own).values(**values))


# --- people -----------------------------------------------------------------------------------


def move_member(connection: Connection, programme_id: int, old: int, new: int) -> None:
    """Certificates of one member are another's: they turned out to be one."""
    _give(connection, programme_id, [old], new)


def forget_people(connection: Connection, programme_id: int, member_ids: Collection[int]) -> int:
    """Certificates of these members are of whoever has the code from now on; how many."""
    return _give(connection, programme_id, member_ids, None)


def _give(
    connection: Connection, programme_id: int, members: Collection[int], to: int | None
) -> int:
    for table in (certificate_lots, certificates):
        own = and_(table.c.programme_id == programme_id, table.c.member_id.in_(members))
        in_order = select(table.c.id).where(own).order_by(table.c.id).with_for_update()
        ids = list(connection.scalars(in_order))
        connection.execute(update(table).where(own).values(member_id=to))
    return len(ids)


# --- inside -----------------------------------------------------------------------------------


def _by_key(
    connection: Connection, query: Select[Any], keys: Collection[CertificateKey]
) -> dict[CertificateKey, KeptCertificate]:
    if not keys:
        return {}
    asked = {"programmes": {key[0] for key in keys}, "codes": {key[1] for key in keys}}
    found = {one.key: one for one in _read(connection, query, asked)}
    return {key: found[key] for key in keys if key in found}


def _read(
    connection: Connection, query: Select[Any], values: Mapping[str, Any] | None = None
) -> list[KeptCertificate]:
    return [_kept(row) for row in connection.execute(query, values or {}).mappings()]


def _kept(row: RowMapping) -> KeptCertificate:
    book = CertificateBook(
        row["id"],
        Figures(*(row[name] for name in FIGURES)),
        row["expires_at"],
        row["activated_at"],
        row["life_days"],
        row["moves"],
    )
    return KeptCertificate(
        row["programme_id"],
        row["code"],
        row["lot_id"],
        row["member_id"],
        row["blocked"],
        row["nominal_minor"],
        row["activated_by"],
        row["created_at"],
        _terms(row),
        book,
    )


def _terms(row: RowMapping) -> Terms:
    return Terms(row["series"], row["life_days"], row["top_up"], *goods_of(row["goods"]))


def _lot(row: RowMapping) -> KeptLot:
    return KeptLot(**{name: row[name] for name in _LOT}, terms=_terms(row))


def _changing(one: KeptCertificate) -> tuple[Any, ...]:
    book = one.book
    own = (book.activated_at, one.activated_by, book.expires_at, one.blocked, book.moves_made)
    return (*book.figures, *own)


def _row(one: KeptCertificate) -> tuple[Any, ...]:
    values = dict(zip(_CHANGING, _changing(one), strict=True))
    values |= {"id": one.id, "programme_id": one.programme_id, "code": one.code}
    values |= {"lot_id": one.lot_id, "member_id": one.member_id}
    values |= {"nominal_minor": one.nominal_minor, "created_at": one.created_at}
    return tuple(values[name] for name in _COLUMNS)


def _move_row(certificate_id: int, move: Move) -> tuple[Any, ...]:
    why = move.why
    told = (why.purchase_id, why.hold_id, why.by, why.occurred_at, why.booked_at)
    return (certificate_id, move.no, move.kind.value, why.key, *move.change, *told)


def _move(row: RowMapping) -> Move:
    told = ("key", "occurred_at", "booked_at", "purchase_id", "hold_id", "by")
    why = Why(*(row[name] for name in told))
    return Move(row["no"], Kind(row["kind"]), Figures(*(row[name] for name in CHANGES)), why)
