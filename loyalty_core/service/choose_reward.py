"""The form of reward of a member, chosen by staff at the member's word."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.errors import MemberNotFound
from loyalty_core.service.members import MemberCard, get_member, lock_member, update_member
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.source import Source
from loyalty_core.store import audit


def choose_reward(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    code: str | None,
    *,
    author: str,
    now: datetime,
) -> MemberCard:
    """It counts from the next receipt on; None: the programme's default.  The log tells of it.

    Raises: MemberNotFound (also one that was erased), InvalidInput (reward).
    """
    lock_member(connection, programme_id, member_id)
    before = get_member(connection, plans, programme_id, member_id, now=now)
    if before.state == "erased":
        raise MemberNotFound
    source = Source(programme_id, author)
    after = update_member(connection, plans, source, member_id, {"reward": code}, now=now)
    audit.note(
        connection,
        programme_id,
        "reward_chosen",
        after.id,
        author=author,
        now=now,
        before={"reward_form": _chosen(before)},
        after={"reward_form": _chosen(after)},
    )
    return after


def _chosen(member: MemberCard) -> str | None:
    reward = member.reward
    return reward.code if reward is not None and reward.chosen else None
