"""Queries over consents: what was said, where it stands, and by which channels one may send."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, tuple_, update

from loyalty_core.domain.consents import ADVERTISING, PROCESSING, Standing, Subject
from loyalty_core.store.database import insert_or
from loyalty_core.store.sets import among, insert_many
from loyalty_core.store.tables import (
    channel_policies,
    consent_evidence,
    consent_states,
    consents,
    members,
)


@dataclass(frozen=True, slots=True)
class KeptStatement:
    """A row of `consents`; it is never changed, but for its `ref` when the person is erased."""

    id: int
    programme_id: int
    member_id: int
    purpose: str
    channel: str
    given: bool
    text_version: int | None
    at: datetime
    recorded_at: datetime
    place: str | None
    shop: str | None
    how: str | None
    ref: str | None
    recorded_by: str

    @property
    def subject(self) -> Subject:
        return Subject(self.purpose, self.channel)

    @property
    def standing(self) -> Standing:
        return Standing(self.given, self.at, self.text_version, self.id)


_KEPT = tuple(KeptStatement.__dataclass_fields__)
_STATEMENTS = select(*[consents.c[name] for name in _KEPT]).where(
    among(consents.c.member_id, "ids")
)
_STATE = ("given", "at", "text_version", "consent_id")
_STATES = (
    select(
        consent_states.c.member_id,
        consent_states.c.purpose,
        consent_states.c.channel,
        *[consent_states.c[name] for name in _STATE],
    )
    .where(among(consent_states.c.member_id, "ids"))
    .order_by(consent_states.c.member_id, consent_states.c.purpose, consent_states.c.channel)
)
_HOME = members.alias("home")
_GATE = (
    select(_HOME.c.state, consent_states.c.purpose, consent_states.c.given)
    .select_from(members)
    .join(_HOME, _HOME.c.id == func.coalesce(members.c.merged_into, members.c.id))
    .outerjoin(
        consent_states,
        and_(
            consent_states.c.member_id == _HOME.c.id,
            or_(
                consent_states.c.purpose == PROCESSING,
                and_(
                    consent_states.c.purpose == ADVERTISING,
                    consent_states.c.channel == bindparam("channel"),
                ),
            ),
        ),
    )
    .where(members.c.programme_id == bindparam("programme"), members.c.id == bindparam("member"))
)


@dataclass(frozen=True, slots=True)
class Gate:
    """A member as somebody who is written to.  `state` None: there is no such member.

    `processing` and `advertising` (by the channel that was asked for) are what stands of these;
    None where nothing was said.
    """

    state: str | None
    processing: bool | None = None
    advertising: bool | None = None


def gate_of(connection: Connection, programme_id: int, member_id: int, channel: str) -> Gate:
    """Of who this member is now, if merged."""
    found = connection.execute(
        _GATE, {"programme": programme_id, "member": member_id, "channel": channel}
    ).all()
    if not found:
        return Gate(None)
    said = {purpose: given for _, purpose, given in found}
    return Gate(found[0].state, said.get(PROCESSING), said.get(ADVERTISING))


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A member who has withdrawn the consent to processing, and is not erased."""

    member_id: int
    at: datetime


def withdrawn(
    connection: Connection,
    programme_id: int,
    *,
    after: tuple[datetime, int] | None = None,
    limit: int,
) -> list[Withdrawn]:
    """Whose wish is the oldest comes first; `after` the last of the page before."""
    query = (
        select(consent_states.c.member_id, consent_states.c.at)
        .join(members, members.c.id == consent_states.c.member_id)
        .where(
            consent_states.c.purpose == PROCESSING,
            ~consent_states.c.given,
            members.c.programme_id == programme_id,
            members.c.merged_into.is_(None),
            members.c.state != "erased",
        )
        .order_by(consent_states.c.at, consent_states.c.member_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(consent_states.c.at, consent_states.c.member_id) > after)
    return [Withdrawn(*row) for row in connection.execute(query)]


# --- statements -----------------------------------------------------------------------------


def history_of(
    connection: Connection, ids: Collection[int], *, limit: int | None = None
) -> list[KeptStatement]:
    """All that these members said, as one person, the newest first."""
    query = _STATEMENTS.order_by(consents.c.at.desc(), consents.c.given, consents.c.id.desc())
    found = connection.execute(query.limit(limit), {"ids": ids})
    return [KeptStatement(*row) for row in found]


def same_moment(
    connection: Connection, ids: Collection[int], subject: Subject, at: datetime, *, given: bool
) -> KeptStatement | None:
    """The yes, or the no, that one of these members said of this at that very time."""
    query = _STATEMENTS.where(
        consents.c.purpose == subject.purpose,
        consents.c.channel == subject.channel,
        consents.c.at == at,
        consents.c.given.is_(given),
    )
    row = connection.execute(query, {"ids": ids}).first()
    return None if row is None else KeptStatement(*row)


def newest_no(connection: Connection, ids: Collection[int], purpose: str) -> Standing | None:
    """The last no to a purpose that these members, as one person, ever said."""
    query = _STATEMENTS.where(consents.c.purpose == purpose, consents.c.given.is_(False))
    row = connection.execute(query.order_by(consents.c.at.desc()).limit(1), {"ids": ids}).first()
    return None if row is None else KeptStatement(*row).standing


def add(connection: Connection, rows: Sequence[KeptStatement]) -> None:
    values = [tuple(getattr(row, name) for name in _KEPT) for row in rows]
    insert_many(connection, consents, _KEPT, values)


def blank_refs(connection: Connection, ids: Collection[int]) -> None:
    """Of who is erased: a `ref` may say the name of the person, the rest does not."""
    connection.execute(update(consents).where(consents.c.member_id.in_(ids)).values(ref=None))


# --- where they stand -----------------------------------------------------------------------


def states_of(connection: Connection, ids: Collection[int]) -> dict[int, dict[Subject, Standing]]:
    found: dict[int, dict[Subject, Standing]] = defaultdict(dict)
    for member, purpose, channel, *state in connection.execute(_STATES, {"ids": ids}):
        found[member][Subject(purpose, channel)] = Standing(*state)
    return found


def set_state(connection: Connection, member_id: int, subject: Subject, standing: Standing) -> None:
    """The member's row is locked."""
    values = {name: getattr(standing, name) for name in _STATE}
    statement = insert_or(connection, consent_states).values(
        member_id=member_id, purpose=subject.purpose, channel=subject.channel, **values
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["member_id", "purpose", "channel"], set_=values
        )
    )


def drop_states(connection: Connection, ids: Collection[int]) -> None:
    connection.execute(delete(consent_states).where(consent_states.c.member_id.in_(ids)))


# --- evidence of who was erased -------------------------------------------------------------


def add_evidence(
    connection: Connection,
    programme_id: int,
    member_id: int,
    hashes: Collection[str],
    *,
    now: datetime,
) -> None:
    columns = ("programme_id", "address_hash", "member_id", "erased_at")
    rows = [(programme_id, one, member_id, now) for one in sorted(hashes)]
    insert_many(connection, consent_evidence, columns, rows)


def evidence_of(
    connection: Connection, programme_id: int, hashes: Collection[str]
) -> dict[int, datetime]:
    """The numbers of members who had one of these addresses, and when they were erased."""
    found = connection.execute(
        select(consent_evidence.c.member_id, consent_evidence.c.erased_at).where(
            consent_evidence.c.programme_id == programme_id,
            consent_evidence.c.address_hash.in_(hashes),
        )
    )
    return {row.member_id: row.erased_at for row in found}


def evidence_before(connection: Connection, moment: datetime, limit: int) -> list[int]:
    """Numbers of members who were erased before; so many at once."""
    query = select(consent_evidence.c.member_id).where(consent_evidence.c.erased_at < moment)
    return list(connection.scalars(query.distinct().limit(limit)))


def forget(connection: Connection, ids: Collection[int]) -> None:
    """What was said under these numbers, and the way there."""
    connection.execute(delete(consents).where(consents.c.member_id.in_(ids)))
    connection.execute(delete(consent_evidence).where(consent_evidence.c.member_id.in_(ids)))


# --- the owner's own policy -----------------------------------------------------------------


def own_policies(connection: Connection, programme_id: int) -> dict[str, str]:
    """By channel, where the owner has one."""
    found = connection.execute(
        select(channel_policies.c.channel, channel_policies.c.state).where(
            channel_policies.c.programme_id == programme_id
        )
    )
    return {row.channel: row.state for row in found}


def set_policy(  # noqa: PLR0913 - a row, and who wrote it
    connection: Connection,
    programme_id: int,
    channel: str,
    state: str,
    *,
    author: str,
    now: datetime,
) -> None:
    values: dict[str, Any] = {"state": state, "author": author, "changed_at": now}
    statement = insert_or(connection, channel_policies).values(
        programme_id=programme_id, channel=channel, **values
    )
    connection.execute(
        statement.on_conflict_do_update(index_elements=["programme_id", "channel"], set_=values)
    )
