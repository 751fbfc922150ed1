"""What may be sent by which channel: the policy that is shipped, made stricter by the owner.

The shipped policy is data with dates and sources (`channel_policy.json`).  Most of all it holds
38-FZ, article 5, part 10.7: since 1 September 2025 no advertising where access is restricted, or
on resources of organisations that are forbidden.  A step begins at its midnight in Moscow.  A
channel that the policy does not name is forbidden.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.errors import ChannelNotFound, InvalidInput
from loyalty_core.store import audit
from loyalty_core.store import consents as store

ALLOWED = "allowed"
SERVICE_ONLY = "service_only"
FORBIDDEN = "forbidden"
STATES = (ALLOWED, SERVICE_ONLY, FORBIDDEN)
"""From the loosest to the strictest: all with consent, no advertising, nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """The state of a channel since a moment, and where it is written."""

    since: datetime
    state: str
    source: str


@dataclass(frozen=True, slots=True)
class ChannelView:
    """`state` counts: the stricter of `shipped` and the owner's `own`, where there is one.

    `ahead` are steps of the shipped policy that are still to come.
    """

    channel: str
    state: str
    shipped: Step
    own: str | None
    ahead: tuple[Step, ...]


@cache
def shipped_policy() -> Mapping[str, tuple[Step, ...]]:
    """The steps of each channel, the earliest first."""
    told = json.loads(files(__package__).joinpath("channel_policy.json").read_text("utf-8"))
    zone = ZoneInfo(told["zone"])
    return {
        channel: tuple(
            Step(
                datetime.fromisoformat(one["since"]).replace(tzinfo=zone),
                one["state"],
                one["source"],
            )
            for one in steps
        )
        for channel, steps in told["channels"].items()
    }


def state_of(connection: Connection, programme_id: int, channel: str, now: datetime) -> str:
    """What may be sent by this channel now: one of `STATES`."""
    steps = shipped_policy().get(channel)
    if steps is None:
        return FORBIDDEN
    own = store.own_policies(connection, programme_id).get(channel)
    return _stricter(_step_at(steps, now).state, own)


def list_channels(connection: Connection, programme_id: int, *, now: datetime) -> list[ChannelView]:
    """Every channel that there is."""
    own = store.own_policies(connection, programme_id)
    return [
        _view(channel, steps, own.get(channel), now) for channel, steps in shipped_policy().items()
    ]


def set_channel(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    channel: str,
    state: str,
    *,
    author: str,
    now: datetime,
) -> ChannelView:
    """The owner's own state of a channel from now on: as strict as the shipped one, or stricter.

    Raises: ChannelNotFound, InvalidInput (looser than what is shipped for now).
    """
    steps = shipped_policy().get(channel)
    if steps is None:
        raise ChannelNotFound({"channel": channel})
    shipped = _step_at(steps, now).state
    if _stricter(shipped, state) != state:
        raise InvalidInput({"state": ["Must not be looser than the policy that is shipped."]})
    was = store.own_policies(connection, programme_id).get(channel)
    store.set_policy(connection, programme_id, channel, state, author=author, now=now)
    audit.note(
        connection,
        programme_id,
        "channel_set",
        channel,
        author=author,
        now=now,
        before={"state": was},
        after={"state": state},
    )
    return _view(channel, steps, state, now)


def _view(channel: str, steps: tuple[Step, ...], own: str | None, now: datetime) -> ChannelView:
    shipped = _step_at(steps, now)
    ahead = tuple(step for step in steps if step.since > now)
    return ChannelView(channel, _stricter(shipped.state, own), shipped, own, ahead)


def _step_at(steps: tuple[Step, ...], now: datetime) -> Step:
    return next((step for step in reversed(steps) if step.since <= now), steps[0])


def _stricter(one: str, other: str | None) -> str:
    return one if other is None else max(one, other, key=STATES.index)
