"""Consents: said, withdrawn, shown, and asked for at the moment of sending (`ledger.md` 29)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from loyalty_core.domain.consents import (
    ADVERTISING,
    PROCESSING,
    WITH_PROCESSING,
    MessageClass,
    Reason,
    Standing,
    Statement,
    Subject,
)
from loyalty_core.domain.errors import ConsentConflict, InvalidInput, MemberNotFound
from loyalty_core.service.channels import FORBIDDEN, SERVICE_ONLY, shipped_policy, state_of
from loyalty_core.service.consent_views import Consents, consents_of
from loyalty_core.service.source import Source, shop_for
from loyalty_core.service.write_letters import tell_welcome
from loyalty_core.store import consent_texts, members
from loyalty_core.store import consents as store
from loyalty_core.store.consents import Gate, KeptStatement
from loyalty_core.store.ids import from_wire, new_id

AHEAD = timedelta(minutes=5)
"""By so much the clock of a shop may be ahead."""
_MOMENT = timedelta(microseconds=1)


def may_send(  # noqa: PLR0913 - the interface of whoever sends
    connection: Connection,
    programme_id: int,
    member_id: int | None,
    *,
    channel: str,
    message_class: MessageClass,
    now: datetime,
) -> Reason | None:
    """None where a message may go to this member by this channel now; else why not.

    To be asked at the moment of sending, not when a message is written.  A code, which the
    person asks for in that moment, is held back by a forbidden channel alone.  Whoever is no
    member (None) gets nothing else, and so does a member who has confirmed nothing.  A class
    that is not known is taken for advertising.
    """
    policy = state_of(connection, programme_id, channel, now)
    if policy == FORBIDDEN:
        return "channel_forbidden"
    if message_class == "code":
        return None
    if member_id is None:
        return "no_consent"
    gate = store.gate_of(connection, programme_id, member_id, channel)
    if gate.state is None or gate.state == "erased":
        return "no_consent"
    if gate.state == "unconfirmed":
        return "unconfirmed"
    if message_class == "service":
        return None
    return "service_only" if policy == SERVICE_ONLY else _advertising(gate)


def record_consents(
    connection: Connection,
    source: Source,
    member_id: str,
    statements: Sequence[Statement],
    *,
    now: datetime,
) -> Consents:
    """Write down what a member says, each purpose by itself.

    What is known already changes nothing.  A withdrawal of consent to processing withdraws all
    others; a yes makes a member active who was enrolled by a receipt alone.

    Raises: MemberNotFound, InvalidInput, ConsentConflict, UnknownShop, ShopForbidden.
    """
    number = _lock(connection, source.programme_id, from_wire("m", member_id))
    keep_statements(connection, source, number, statements, now=now)
    return consents_of(connection, number)


def opt_out(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    member_id: int,
    channel: str,
    how: str,
    *,
    now: datetime,
    ref: str | None = None,
) -> None:
    """No more advertising by this channel: also of what is queued, since the gate is asked then.

    `ref` finds the proof.  Said again it changes nothing.  Raises: MemberNotFound.
    """
    number = _lock(connection, programme_id, member_id)
    no = Statement(Subject(ADVERTISING, channel), given=False, how=how, ref=ref)
    keep_statements(connection, Source(programme_id, how), number, [no], now=now)


def keep_statements(
    connection: Connection,
    source: Source,
    member_id: int,
    statements: Sequence[Statement],
    *,
    now: datetime,
) -> None:
    """`record_consents` of a member whose row is locked, or is new.

    Raises: InvalidInput, ConsentConflict, UnknownShop, ShopForbidden.
    """
    if not statements:
        return
    _check(connection, source.programme_id, statements, now)
    desk = _Desk(connection, source, member_id, now)
    for statement in statements:
        desk.take(statement)
    desk.write()


def merge_consents(connection: Connection, leaving: int, survivor: int) -> None:
    """What stands of two records of one person: of each subject what was said last, by either;
    of a yes and a no of the same moment the no.  A no to processing by either ends what either
    had given by then.  What was said stays with its record.
    """
    found = store.states_of(connection, [leaving, survivor])
    for subject, standing in found[leaving].items():
        own = found[survivor].get(subject)
        if own is None or standing.rank > own.rank:
            store.set_state(connection, survivor, subject, standing)
    store.drop_states(connection, [leaving])
    ids = [*members.known_as(connection, leaving), *members.known_as(connection, survivor)]
    ended = store.newest_no(connection, ids, PROCESSING)
    for subject, standing in store.states_of(connection, [survivor])[survivor].items():
        late = ended is not None and subject != Subject(PROCESSING) and standing.at <= ended.at
        if ended is not None and late and standing.given:
            store.set_state(connection, survivor, subject, ended)


# --- inside ---------------------------------------------------------------------------------


def _lock(connection: Connection, programme_id: int, number: int | None) -> int:
    """Who the member is now, the row held.  Raises: MemberNotFound."""
    found = None
    if number is not None:
        found = members.lock_survivors(connection, programme_id, [number]).get(number)
    if found is None:
        raise MemberNotFound
    return found


def _advertising(gate: Gate) -> Reason | None:
    """Who said nothing of processing is a member by contract (152-FZ, article 6, part 1, 5)."""
    if gate.processing is False or gate.advertising is False:
        return "opted_out"
    return None if gate.advertising else "no_consent"


def _check(
    connection: Connection, programme_id: int, statements: Sequence[Statement], now: datetime
) -> None:
    """Raises: InvalidInput, with the path of each field."""
    errors: dict[str, list[str]] = {}
    subjects: set[Subject] = set()
    boxes: set[str | None] = set()
    for place, one in enumerate(statements):
        path = f"consents.{place}"
        if one.subject in subjects:
            errors[path] = ["Given twice."]
        if one.given and one.how == "checkbox" and one.ref in boxes:
            errors[f"{path}.proof.ref"] = ["One box gives one consent."]
        subjects.add(one.subject)
        boxes |= {one.ref} if one.given and one.how == "checkbox" else set()
        errors |= {
            f"{path}.{name}": [message]
            for name, message in _wrong(connection, programme_id, one, now)
        }
    if errors:
        raise InvalidInput(errors)


def _wrong(
    connection: Connection, programme_id: int, one: Statement, now: datetime
) -> Iterable[tuple[str, str]]:
    purpose, channel = one.subject
    if purpose == ADVERTISING and channel not in shipped_policy():
        yield "channel", "No such channel."
    if one.at is not None and one.at > now + AHEAD:
        yield "at", "Must not be in the future."
    if one.given:
        assert one.text_version is not None
        since = consent_texts.since_of(connection, programme_id, purpose, one.text_version)
        if since is None:
            yield "text_version", "No such version of the text."
        elif since > (one.at or now):
            yield "text_version", "Was not in force then."


class _Desk:
    """What one member says, put beside what is known."""

    def __init__(
        self, connection: Connection, source: Source, member_id: int, now: datetime
    ) -> None:
        self._connection = connection
        self._source = source
        self._member = member_id
        self._now = now
        self._ids = [member_id, *members.aliases_of(connection, [member_id]).get(member_id, [])]
        self._standing = dict(store.states_of(connection, [member_id])[member_id])
        ended = store.newest_no(connection, self._ids, PROCESSING)
        self._ended_at = None if ended is None else ended.at
        self._changed: set[Subject] = set()
        self._rows: list[KeptStatement] = []

    def take(self, statement: Statement) -> None:
        """Raises: ConsentConflict, UnknownShop, ShopForbidden."""
        if statement.shop is not None:
            shop = shop_for(self._connection, self._source, statement.shop)
            statement = replace(statement, shop=shop.code)
        if statement.at is None:
            self._say_now(statement)
        elif not self._is_known(statement):
            self._keep(statement, statement.at)

    def write(self) -> None:
        store.add(self._connection, self._rows)
        for subject in sorted(self._changed):
            store.set_state(self._connection, self._member, subject, self._standing[subject])
        says_yes = any(self._standing[subject].given for subject in self._changed)
        if says_yes and members.confirm(self._connection, self._member):
            tell_welcome(self._connection, self._source.programme_id, self._member, now=self._now)

    def _say_now(self, statement: Statement) -> None:
        """It comes after all that is known, whatever the clocks of other machines said."""
        known = self._standing.get(statement.subject)
        if known is not None and _says(known) == _says(statement):
            return
        before = [known] if known is not None else []
        if _ends_all(statement):
            before = list(self._standing.values())
        times = [one.at for one in before]
        if self._ended_at is not None and statement.given:
            times.append(self._ended_at)
        self._keep(statement, max([self._now, *(at + _MOMENT for at in times)]))

    def _is_known(self, statement: Statement) -> bool:
        """A no of that moment is a no, however it was told.  Raises: ConsentConflict."""
        assert statement.at is not None
        said = (statement.subject, statement.at, statement.given)
        if any((row.subject, row.at, row.given) == said for row in self._rows):
            return True
        known = store.same_moment(
            self._connection,
            self._ids,
            statement.subject,
            statement.at,
            given=statement.given,
        )
        if known is None:
            return False
        words = ("text_version", "place", "shop", "how", "ref")
        same = all(getattr(known, word) == getattr(statement, word) for word in words)
        if known.given and not same:
            raise ConsentConflict
        return True

    def _keep(self, statement: Statement, at: datetime) -> None:
        row = KeptStatement(
            new_id(self._now),
            self._source.programme_id,
            self._member,
            *statement.subject,
            statement.given,
            statement.text_version,
            at,
            self._now,
            statement.place,
            statement.shop,
            statement.how,
            statement.ref,
            self._source.name,
        )
        self._rows.append(row)
        known = self._standing.get(row.subject)
        if known is not None and row.standing.rank < known.rank:
            return
        self._standing[row.subject] = row.standing
        self._changed.add(row.subject)
        if _ends_all(row):
            self._ended_at = at if self._ended_at is None else max(at, self._ended_at)
            self._withdraw_others(at)
        elif self._ended_at is not None and self._had_ended(row):
            self._keep(Statement(row.subject, given=False, how=WITH_PROCESSING), self._ended_at)

    def _had_ended(self, row: KeptStatement) -> bool:
        """Whether a yes is told late, of before a no to processing: with that it ended."""
        of_others = row.given and row.subject != Subject(PROCESSING)
        return of_others and self._ended_at is not None and row.at <= self._ended_at

    def _withdraw_others(self, at: datetime) -> None:
        """All that was given by then stands on the consent to processing, and goes with it."""
        for subject, known in list(self._standing.items()):
            if known.given and known.at <= at:
                no = Statement(subject, given=False, how=WITH_PROCESSING)
                self._keep(no, at)


def _ends_all(said: Statement | KeptStatement) -> bool:
    return said.subject == Subject(PROCESSING) and not said.given


def _says(said: Standing | Statement) -> tuple[bool, int | None]:
    return said.given, said.text_version
