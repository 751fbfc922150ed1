"""Queries over programmes, their rule sets by version, and their shops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from loyalty_core.store.ids import new_id
from loyalty_core.store.ready import Ready
from loyalty_core.store.tables import programmes, rules_versions, shops

_ONE_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Programme:
    """`currency` is the one of its money; `rules_version` is the version in force now;
    `being_set_up`: its owner has not come to the end of the first run."""

    id: int
    code: str
    name: str
    currency: str
    timezone: str
    rules_version: int
    being_set_up: bool = False


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """One version of a rule set.  A published one never changes again.

    `author` wrote it, `published_by` put it in force (None: so did the author, long ago).
    """

    version: int
    state: str
    author: str
    created_at: datetime
    published_at: datetime | None
    published_by: str | None


@dataclass(frozen=True, slots=True)
class Shop:
    """`timezone` None: the programme's.  `vendor`: what installations keep about it."""

    id: int
    programme_id: int
    code: str
    name: str
    timezone: str | None
    vendor: Mapping[str, Any]


_PROGRAMME = [programmes.c[name] for name in Programme.__slots__]
_VERSION = [rules_versions.c[name] for name in RulesVersion.__slots__]
_SHOP = [shops.c[name] for name in Shop.__slots__]
_PROGRAMME_BY_ID = Ready(select(*_PROGRAMME).where(programmes.c.id == bindparam("id")))
_PUBLISHED = Ready(
    select(rules_versions.c.published_at, rules_versions.c.version)
    .where(
        rules_versions.c.programme_id == bindparam("programme"),
        rules_versions.c.state == "published",
    )
    .order_by(rules_versions.c.published_at)
)
_SHOP_BY_CODE = Ready(
    select(*_SHOP).where(
        shops.c.programme_id == bindparam("programme"), shops.c.code == bindparam("code")
    )
)


def fold(code: str) -> str:
    """Codes are compared without regard to case, also beyond ASCII (`ledger.md` 5)."""
    return code.strip().casefold()


# --- programmes -----------------------------------------------------------------------------


def add_programme(connection: Connection, row: Mapping[str, Any], *, now: datetime) -> Programme:
    """`row` holds code, name, currency, timezone and rules_version."""
    values: dict[str, Any] = {**row, "code": fold(row["code"]), "id": new_id(now)}
    connection.execute(insert(programmes).values(**values, created_at=now))
    return Programme(**values)


def programme_by_code(connection: Connection, code: str) -> Programme | None:
    row = connection.execute(select(*_PROGRAMME).where(programmes.c.code == fold(code))).first()
    return _programme(row)


def programme_by_id(connection: Connection, programme_id: int) -> Programme | None:
    found = _PROGRAMME_BY_ID.rows(connection, {"id": programme_id})
    return Programme(*found[0]) if found else None


def all_programmes(connection: Connection) -> list[Programme]:
    """In the order of their codes."""
    rows = connection.execute(select(*_PROGRAMME).order_by(programmes.c.code))
    return [Programme(*row) for row in rows]


def change_programme(connection: Connection, programme_id: int, changes: Mapping[str, Any]) -> None:
    connection.execute(update(programmes).where(programmes.c.id == programme_id).values(**changes))


def _programme(row: Row[*tuple[Any, ...]] | None) -> Programme | None:
    return None if row is None else Programme(*row)


# --- rule sets ------------------------------------------------------------------------------


def rules_document(
    connection: Connection, programme_id: int, version: int
) -> Mapping[str, Any] | None:
    document: Mapping[str, Any] | None = connection.execute(
        select(rules_versions.c.document).where(*_named(programme_id, version))
    ).scalar()
    return document


def rules_version(connection: Connection, programme_id: int, version: int) -> RulesVersion | None:
    row = connection.execute(select(*_VERSION).where(*_named(programme_id, version))).first()
    return None if row is None else RulesVersion(*row)


def rules_version_at(connection: Connection, programme_id: int, at: datetime) -> int | None:
    """The version in force at `at`: the one published last before it, else the first ever.

    None only where the programme has none, which is a programme that does not exist.
    """
    published = select(rules_versions.c.version).where(
        rules_versions.c.programme_id == programme_id, rules_versions.c.state == "published"
    )
    when = rules_versions.c.published_at
    last = connection.execute(published.where(when <= at).order_by(when.desc()).limit(1)).scalar()
    if last is None:
        last = connection.execute(published.order_by(when).limit(1)).scalar()
    return last


def published_versions(connection: Connection, programme_id: int) -> list[tuple[datetime, int]]:
    """(published at, version) in the order of time: which rules stood when."""
    found = _PUBLISHED.rows(connection, {"programme": programme_id})
    return [(published_at, version) for published_at, version in found]


def all_rules_versions(connection: Connection, programme_id: int) -> list[RulesVersion]:
    """The newest number first."""
    rows = connection.execute(
        select(*_VERSION)
        .where(rules_versions.c.programme_id == programme_id)
        .order_by(rules_versions.c.version.desc())
    )
    return [RulesVersion(*row) for row in rows]


def add_draft(
    connection: Connection,
    programme_id: int,
    document: Mapping[str, Any],
    *,
    author: str,
    now: datetime,
) -> int:
    """The number of the new version; the programme is locked."""
    newest = select(func.max(rules_versions.c.version)).where(
        rules_versions.c.programme_id == programme_id
    )
    version = (connection.execute(newest).scalar() or 0) + 1
    connection.execute(
        insert(rules_versions).values(
            programme_id=programme_id,
            version=version,
            state="draft",
            document=document,
            author=author,
            created_at=now,
        )
    )
    return version


def put_in_force(
    connection: Connection, programme_id: int, version: int, *, publisher: str, now: datetime
) -> None:
    """Make a draft the published version in force.  The caller has locked the programme.

    Times of publishing strictly rise, whatever the clock does: "in force at" has one answer.
    """
    newest = select(func.max(rules_versions.c.published_at)).where(
        rules_versions.c.programme_id == programme_id
    )
    last: datetime | None = connection.execute(newest).scalar()
    published_at = now if last is None else max(now, last + _ONE_TICK)
    connection.execute(
        update(rules_versions)
        .where(*_named(programme_id, version), rules_versions.c.state == "draft")
        .values(state="published", published_at=published_at, published_by=publisher)
    )
    change_programme(connection, programme_id, {"rules_version": version})


def lock_programme(connection: Connection, programme_id: int) -> Programme | None:
    """The programme's row, held against other writers until the transaction ends."""
    row = connection.execute(
        select(*_PROGRAMME).where(programmes.c.id == programme_id).with_for_update()
    ).first()
    return _programme(row)


def _named(programme_id: int, version: int) -> tuple[Any, Any]:
    return (rules_versions.c.programme_id == programme_id, rules_versions.c.version == version)


# --- shops ----------------------------------------------------------------------------------


def add_shop(connection: Connection, row: Mapping[str, Any], *, now: datetime) -> Shop:
    """`row` holds programme_id, code, name, timezone and vendor."""
    values = {**row, "code": fold(row["code"]), "id": new_id(now)}
    connection.execute(insert(shops).values(**values))
    return Shop(**values)


def shop_by_code(connection: Connection, programme_id: int, code: str) -> Shop | None:
    found = _SHOP_BY_CODE.rows(connection, {"programme": programme_id, "code": fold(code)})
    return Shop(*found[0]) if found else None


def shop_code(connection: Connection, shop_id: int) -> str:
    code: str = connection.execute(select(shops.c.code).where(shops.c.id == shop_id)).scalar_one()
    return code


def shops_by_code(
    connection: Connection, programme_id: int, codes: Sequence[str]
) -> dict[str, Shop]:
    """Keyed by the folded code; unknown ones are left out."""
    rows = connection.execute(
        select(*_SHOP).where(
            shops.c.programme_id == programme_id, shops.c.code.in_({fold(code) for code in codes})
        )
    )
    return {shop.code: shop for shop in (Shop(*row) for row in rows)}


def all_shops(connection: Connection, programme_id: int) -> list[Shop]:
    """In the order of their codes."""
    rows = connection.execute(
        select(*_SHOP).where(shops.c.programme_id == programme_id).order_by(shops.c.code)
    )
    return [Shop(*row) for row in rows]


def change_shop(connection: Connection, shop_id: int, changes: Mapping[str, Any]) -> None:
    connection.execute(update(shops).where(shops.c.id == shop_id).values(**changes))
