"""Who is in which club: by the shop's word, or by a purchase as it now stands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from loyalty_core.domain.clubs import Club, ClubView, Grant, Span, running, spans
from loyalty_core.domain.errors import ClubNotFound, InvalidInput, MemberNotFound
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.service.members import member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import audit, members, programmes
from loyalty_core.store import clubs as store
from loyalty_core.store.ids import new_id, to_wire


class Memberships:
    """Clubs of some members, their rows locked, while somebody changes them."""

    def __init__(self, connection: Connection, ids: Collection[int]) -> None:
        self._connection = connection
        self._grants: dict[int, list[Grant]] = {one: [] for one in ids} | store.grants_of(
            connection, ids
        )
        self._changed: set[int] = set()

    def at(self, member: int, moment: datetime) -> frozenset[str]:
        """Folded codes of the clubs that the member is in at that time."""
        return store.clubs_at(spans(self._grants[member]), moment)

    def of(self, member: int, club: str) -> list[Span]:
        """The member's memberships in one club (its folded code)."""
        return [span for span in spans(self._grants[member]) if span.club == club]

    def add(self, member: int, grant: Grant) -> None:
        self._grants[member].append(grant)
        self._changed.add(member)

    def set_purchase(self, number: int, member: int | None, wanted: Sequence[Grant]) -> None:
        """A purchase gives this to this member, and no more to whoever had it."""
        for one, own in self._grants.items():
            before = [grant for grant in own if (grant.kind, grant.ref) == ("purchase", number)]
            now = list(wanted) if one == member else []
            if before != now:
                self._grants[one] = [grant for grant in own if grant not in before] + now
                self._changed.add(one)

    def rewrite(self, member: int) -> None:
        """Its grants are others than before."""
        self._changed.add(member)

    def write(self) -> None:
        if self._changed:
            grants = {one: self._grants[one] for one in sorted(self._changed)}
            found = {one: spans(own) for one, own in grants.items()}
            store.write_clubs(self._connection, grants, found)


def join_club(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    code: str,
    until: datetime | None,
    *,
    author: str,
    now: datetime,
) -> ClubView:
    """Make a member of somebody from now on; of who is one already, only the end changes.

    `until` None: for as long as the club says, and no shorter than what runs.

    Raises: MemberNotFound, ClubNotFound, InvalidInput (an end that has passed).
    """
    club = _club(connection, plans, programme_id, code)
    if until is not None and until <= now:
        raise InvalidInput({"until": ["Must be in the future."]})
    member, own = _locked(connection, programme_id, member_id)
    named = fold(club.code)
    if until is None and club.days is not None:
        ends = [span.until for span in own.of(member, named) if span.holds(now)]
        life = now + timedelta(days=club.days)
        until = None if None in ends else max([life, *filter(None, ends)])
    own.add(member, Grant(named, "shop", new_id(now), now, until=until))
    own.write()
    (joined,) = running([club], own.of(member, named), now)
    audit.note(
        connection,
        programme_id,
        "club_joined",
        to_wire("m", member),
        author=author,
        now=now,
        after={"club": club.code, "until": until and until.isoformat()},
    )
    return joined


def leave_club(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    code: str,
    *,
    author: str,
    now: datetime,
) -> None:
    """End a membership now, if there is one.  Raises: MemberNotFound, ClubNotFound."""
    named = fold(_club(connection, plans, programme_id, code).code)
    member, own = _locked(connection, programme_id, member_id)
    if named in own.at(member, now):
        own.add(member, Grant(named, "end", new_id(now), now))
        own.write()
        audit.note(
            connection,
            programme_id,
            "club_left",
            to_wire("m", member),
            author=author,
            now=now,
            before={"club": named},
        )


def move_clubs(connection: Connection, old: int, new: int) -> None:
    """Of two who become one (both locked), what either was given counts."""
    store.move_grants(connection, old, new)
    own = Memberships(connection, [new])
    own.rewrite(new)
    own.write()


def _club(connection: Connection, plans: PlanCache, programme_id: int, code: str) -> Club:
    programme = programmes.programme_by_id(connection, programme_id)
    assert programme is not None
    clubs = plans.get(connection, programme_id, programme.rules_version).rules.clubs
    found = next((club for club in clubs if fold(club.code) == fold(code)), None)
    if found is None:
        raise ClubNotFound
    return found


def _locked(connection: Connection, programme_id: int, member_id: str) -> tuple[int, Memberships]:
    known = member_row(connection, programme_id, member_id)["id"]
    member = members.lock_survivors(connection, programme_id, [known])[known]
    if member is None:
        raise MemberNotFound
    return member, Memberships(connection, [member])
