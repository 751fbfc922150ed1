"""Letters by kind: which are on, their texts by version, and how far rounds of telling came."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from loyalty_core.domain.letters import LetterClass, LetterText
from loyalty_core.store.database import insert_or
from loyalty_core.store.ready import Ready
from loyalty_core.store.tables import letter_settings, letter_texts, lots, members


@dataclass(frozen=True, slots=True)
class LetterSetting:
    """`told_until`, `reach`, `place`: a round that tells of days tells what lies between the
    first two, and has come to `place`."""

    programme_id: int
    kind: str
    is_on: bool
    message_class: LetterClass
    days_before: int | None
    told_until: datetime | None
    reach: datetime | None
    place: Sequence[Any] | None


@dataclass(frozen=True, slots=True)
class KeptText:
    """One version of a text.  Version 0 is the hub's own, which nobody wrote at a time."""

    kind: str
    channel: str
    locale: str
    version: int
    words: LetterText
    author: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """Points of a member that end at the same time, in hundredths."""

    member_id: int
    expires_at: datetime
    points: int


_SETTING = [letter_settings.c[name] for name in LetterSetting.__slots__]
_SETTING_ON = Ready(
    select(*_SETTING).where(
        letter_settings.c.programme_id == bindparam("programme"),
        letter_settings.c.kind == bindparam("kind"),
        letter_settings.c.is_on,
    )
)


def settings_of(connection: Connection, programme_id: int) -> dict[str, LetterSetting]:
    """By kind; kinds that nobody has set are not there, and off."""
    found = connection.execute(
        select(*_SETTING).where(letter_settings.c.programme_id == programme_id)
    )
    return {row.kind: LetterSetting(*row) for row in found}


def setting_on(connection: Connection, programme_id: int, kind: str) -> LetterSetting | None:
    """None where letters of this kind are off."""
    found = _SETTING_ON.rows(connection, {"programme": programme_id, "kind": kind})
    return LetterSetting(*found[0]) if found else None


def lock_setting(connection: Connection, programme_id: int, kind: str) -> LetterSetting | None:
    """Held until the transaction ends, so that a round at work is not set back."""
    row = connection.execute(
        select(*_SETTING)
        .where(letter_settings.c.programme_id == programme_id, letter_settings.c.kind == kind)
        .with_for_update()
    ).first()
    return None if row is None else LetterSetting(*row)


def all_on(connection: Connection, kinds: Collection[str]) -> list[LetterSetting]:
    """Of all programmes; locked, so that of two jobs one goes on."""
    found = connection.execute(
        select(*_SETTING)
        .where(letter_settings.c.kind.in_(kinds), letter_settings.c.is_on)
        .order_by(letter_settings.c.programme_id, letter_settings.c.kind)
        .with_for_update()
    )
    return [LetterSetting(*row) for row in found]


def keep_setting(
    connection: Connection, setting: LetterSetting, *, author: str, now: datetime
) -> None:
    values = {name: getattr(setting, name) for name in LetterSetting.__slots__}
    values |= {"author": author, "changed_at": now}
    keys = ("programme_id", "kind")
    query = insert_or(connection, letter_settings).values(**values)
    changed = {name: value for name, value in values.items() if name not in keys}
    connection.execute(query.on_conflict_do_update(index_elements=keys, set_=changed))


def note_round(connection: Connection, setting: LetterSetting) -> None:
    """How far a round has come."""
    connection.execute(
        update(letter_settings)
        .where(
            letter_settings.c.programme_id == setting.programme_id,
            letter_settings.c.kind == setting.kind,
        )
        .values(told_until=setting.told_until, reach=setting.reach, place=setting.place)
    )


# --- texts ----------------------------------------------------------------------------------


def newest_texts(connection: Connection, programme_id: int) -> list[KeptText]:
    """The version in force of each text that an owner wrote."""
    newest = (
        select(
            *[letter_texts.c[name] for name in ("kind", "channel", "locale")],
            func.max(letter_texts.c.version).label("version"),
        )
        .where(letter_texts.c.programme_id == programme_id)
        .group_by(letter_texts.c.kind, letter_texts.c.channel, letter_texts.c.locale)
        .subquery()
    )
    same = [letter_texts.c[column.name] == column for column in newest.c]
    joined = _texts(programme_id).join(newest, and_(*same))
    return [_kept(row) for row in connection.execute(joined)]


def text_of(
    connection: Connection,
    programme_id: int,
    of: tuple[str, str, str],
    version: int | None = None,
) -> KeptText | None:
    """A version of the text of this kind, channel and language; None: the newest."""
    query = _texts(programme_id).where(*_of(of))
    if version is not None:
        query = query.where(letter_texts.c.version == version)
    row = connection.execute(query.order_by(letter_texts.c.version.desc()).limit(1)).first()
    return None if row is None else _kept(row)


def add_text(
    connection: Connection, programme_id: int, text: KeptText, *, now: datetime
) -> KeptText:
    """As the next version; the text is locked."""
    of = (text.kind, text.channel, text.locale)
    query = select(func.max(letter_texts.c.version)).where(
        letter_texts.c.programme_id == programme_id, *_of(of)
    )
    made = replace(text, version=(connection.scalar(query) or 0) + 1, created_at=now)
    connection.execute(
        insert(letter_texts).values(
            programme_id=programme_id,
            kind=made.kind,
            channel=made.channel,
            locale=made.locale,
            version=made.version,
            subject=made.words.subject,
            text=made.words.text,
            html=made.words.html,
            author=made.author,
            created_at=now,
        )
    )
    return made


def _texts(programme_id: int) -> Select[Any]:
    names = ("kind", "channel", "locale", "version", "subject", "text", "html", "author")
    return select(*[letter_texts.c[name] for name in names], letter_texts.c.created_at).where(
        letter_texts.c.programme_id == programme_id
    )


def _of(of: tuple[str, str, str]) -> tuple[Any, ...]:
    columns = (letter_texts.c.kind, letter_texts.c.channel, letter_texts.c.locale)
    return tuple(column == value for column, value in zip(columns, of, strict=True))


def _kept(row: Any) -> KeptText:
    words = LetterText(row.text, row.subject, row.html)
    return KeptText(
        row.kind, row.channel, row.locale, row.version, words, row.author, row.created_at
    )


# --- whom to tell ---------------------------------------------------------------------------


def born_on(
    connection: Connection, programme_id: int, days: Collection[str], *, after: int, limit: int
) -> list[tuple[int, str]]:
    """(member, "MM-DD") of active members born on one of these days, by id."""
    day = func.substr(members.c.birth_date, 6, 5)
    found = connection.execute(
        select(members.c.id, day)
        .where(
            members.c.programme_id == programme_id,
            members.c.state == "active",
            members.c.id > after,
            day.in_(days),
        )
        .order_by(members.c.id)
        .limit(limit)
    )
    return [(number, told) for number, told in found]


def ending_between(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    currency: str,
    *,
    since: datetime,
    until: datetime,
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[Ending]:
    """What ends after `since` and up to `until`, summed up by the time of its end and the
    member; in this order, `after` the last one seen."""
    query = (
        select(lots.c.member_id, lots.c.expires_at, func.sum(lots.c.free))
        .join(members, members.c.id == lots.c.member_id)
        .where(
            lots.c.expires_at > since,
            lots.c.expires_at <= until,
            # In the words of their index, as `lots.OPEN_LOTS` says.
            lots.c.free > literal_column("0"),
            lots.c.currency == currency,
            members.c.programme_id == programme_id,
            members.c.state == "active",
        )
        .group_by(lots.c.expires_at, lots.c.member_id)
        .order_by(lots.c.expires_at, lots.c.member_id)
        .limit(limit)
    )
    if after is not None:
        ends, member = after
        later = and_(lots.c.expires_at == ends, lots.c.member_id > member)
        query = query.where(or_(lots.c.expires_at > ends, later))
    found = connection.execute(query)
    return [Ending(member, expires_at, int(points)) for member, expires_at, points in found]


def ending_at(connection: Connection, member_id: int, currency: str, expires_at: datetime) -> int:
    """What a member has now of the points that end at this time, in hundredths."""
    query = select(func.coalesce(func.sum(lots.c.free), 0)).where(
        lots.c.member_id == member_id,
        lots.c.currency == currency,
        lots.c.expires_at == expires_at,
    )
    return int(connection.scalar(query) or 0)
