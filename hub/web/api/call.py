"""One call of the API, from its door to its answer.

A view is a function of a `Call`: it parses, calls one use case and renders.  What all calls
have in common is here: who calls and whether they may, the deadline, the answer by key.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

import orjson
from flask import Flask, current_app, request
from marshmallow import Schema
from sqlalchemy import Connection

from hub.guesses import Guesses
from hub.limits import RateLimit
from hub.web import errors
from hub.web.api import once
from hub.web.api.once import Answer
from hub.web.auth import KeyRing, bearer_token
from hub.wiring import Hub
from loyalty_core.domain.errors import (
    ProgrammeNotFound,
    ScopeMissing,
    ShopForbidden,
    TryAgain,
)
from loyalty_core.service.api_keys import ApiKey
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import Programme, get_programme
from loyalty_core.service.source import Source
from loyalty_core.store.api_keys import SENDS_AS
from loyalty_core.store.database import look, read, transact
from loyalty_core.store.programmes import fold
from loyalty_core.store.prompt import UNAVAILABLE, PromptDatabase, TooLate
from loyalty_kit.frozen import frozen

T = TypeVar("T")
MAIN_SHOP = "main"
_PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_EXTENSION = "loyalty_api"
BEGUN = "loyalty.begun"
COUNTED = "loyalty.counted"
"""In a request's environ, where no header can put them: when it was begun by a shorter way, and
that it counts on its limit already."""


@dataclass(frozen=True, slots=True)
class Room:
    """What the API keeps for the life of the app."""

    hub: Hub
    keys: KeyRing
    prompt: PromptDatabase
    limit: RateLimit
    guesses: Guesses


@frozen
class Call:
    """`late` says that the database did not even tell in time who calls."""

    room: Room
    key: ApiKey
    now: datetime
    started: float
    late: bool = False

    @property
    def source(self) -> Source:
        """What a key of one shop leaves out is that shop; else it is the main one."""
        bound = self.key.shops
        only = next(iter(bound)) if bound is not None and len(bound) == 1 else MAIN_SHOP
        return Source(
            programme_id=self.key.programme_id,
            name=f"{SENDS_AS}{self.key.name}",
            default_shop=only,
            shops=bound,
            channels=self.key.channels,
        )

    @property
    def plans(self) -> PlanCache:
        return self.room.hub.plans

    @property
    def author(self) -> str:
        return f"key:{self.key.name}"

    @property
    def left_s(self) -> float:
        """Until the quote's deadline."""
        return _deadline_s(self.room) - (time.monotonic() - self.started)

    def read(self, work: Callable[[Connection], T]) -> T:
        with read(self.room.hub.engine) as connection:
            return work(connection)

    def look(self, work: Callable[[Connection], T]) -> T:
        """`work` in one transaction that cannot write."""
        with look(self.room.hub.engine) as connection:
            return work(connection)

    def read_in_time(self, work: Callable[[Connection], T], *, share: float = 1) -> T:
        """Raises: one of `UNAVAILABLE` once the quote's deadline is over, or that share of what is
        left until then."""
        if self.late:
            raise TooLate
        return self.room.prompt.read(work, within_s=share * self.left_s)

    def write(self, work: once.Work, *, told: Any) -> Answer:
        """`work` in one transaction; once only where the caller sent an Idempotency-Key.

        `told` is the decoded body, or None for calls without one.
        """
        key = once.sent_key()
        engine = self.room.hub.engine
        if key is None:
            return transact(engine, work)
        return once.do_once(
            engine, once.claim_for(key, key_id=self.key.id, body=told, now=self.now), work
        )

    def programme(self, connection: Connection, code: str) -> Programme:
        """The key's own programme.  Raises: ProgrammeNotFound for any other."""
        programme = get_programme(connection, code)
        if programme.id != self.key.programme_id:
            raise ProgrammeNotFound({"programme": code})
        return programme


def answer(document: Any, status: int = 200) -> Answer:
    """JSON in UTF-8.  Half a surrogate pair, which a caller may have sent, becomes "?"."""
    try:
        told = orjson.dumps(document, option=_PLAIN)
    except orjson.JSONEncodeError:
        told = _WRITER.encode(document).encode("utf-8", "replace")
    return Answer(status, told)


NOTHING = Answer(204, b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How a call is guarded, and how it is described.

    `gives` maps statuses to the schema of their body.  `answers_late`: the call has an answer
    even if the database cannot say in time who calls, as long as the key was good before.
    """

    method: str
    rule: str
    scope: str
    gives: Mapping[int, type[Schema] | None]
    takes: type[Schema] | None = None
    query: Schema | None = None
    refuses: tuple[int, ...] = ()
    idempotency_key: Literal["no", "optional", "required"] = "no"
    answers_late: bool = False


def furnish(app: Flask, hub: Hub) -> Room:
    config = hub.config
    room = Room(
        hub,
        KeyRing(hub.clock),
        PromptDatabase(hub.engine, patience_s=config.quote_deadline_ms / 1000),
        RateLimit(config.rate_limit, config.redis_url),
        Guesses(config.coupon_guesses, "hour", config.redis_url),
    )
    app.extensions[_EXTENSION] = room
    return room


def this_room() -> Room:
    room: Room = current_app.extensions[_EXTENSION]
    return room


def admit(operation: Operation) -> Call:
    """Who calls, and that they may.

    Raises: Refusal 429 and 401, ScopeMissing, TryAgain (the database cannot say who it is).
    """
    room = this_room()
    now, begun = room.hub.clock.now(), request.environ.get(BEGUN)
    started = time.monotonic() if begun is None else begun
    if COUNTED not in request.environ:
        room.limit.admit(_caller(room), now)
    key, late = _find_key(room, bearer_token(), operation)
    if operation.scope not in key.scopes:
        raise ScopeMissing({"scope": operation.scope})
    return Call(room, key, now, started, late)


def check_reach(call: Call, shop: str) -> None:
    """Raises: ShopForbidden, where the key is bound to other shops than this."""
    if call.key.shops is not None and fold(shop) not in call.key.shops:
        raise ShopForbidden({"shop": fold(shop)})


def check_all_shops(call: Call) -> None:
    """Raises: ShopForbidden, where the key is bound to some shops."""
    if call.key.shops is not None:
        raise ShopForbidden


def _caller(room: Room) -> str:
    """Whose rate limit a request counts on: a known key's, else its address's."""
    token = request.headers.get("Authorization", "").partition(" ")[2].strip()
    key = room.keys.last_known(token)
    return caller_by(key) if key is not None else f"address:{request.remote_addr}"


def caller_by(key: ApiKey) -> str:
    """Whose limit the calls of a key count on."""
    return f"key:{key.id}"


def _find_key(room: Room, token: str, operation: Operation) -> tuple[ApiKey, bool]:
    if not operation.answers_late:
        return room.keys.find(token, lambda work: _read(room, work)), False
    try:
        within_s = _deadline_s(room)
        return room.keys.find(token, lambda work: room.prompt.read(work, within_s=within_s)), False
    except UNAVAILABLE as error:
        key = room.keys.last_known(token)
        if key is None:
            errors.log_unavailable(error)
            raise TryAgain from None
        return key, True


def _read(room: Room, work: Callable[[Connection], T]) -> T:
    with read(room.hub.engine) as connection:
        return work(connection)


def _deadline_s(room: Room) -> float:
    return room.hub.config.quote_deadline_ms / 1000
