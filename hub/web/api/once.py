"""`Idempotency-Key`: the work of a call is done once, and every repetition gets its answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy import Connection, Engine

from hub.refusal import Refusal
from hub.web.errors import CONTENT_TYPE, asked_language, problem_of
from loyalty_core.domain.errors import InProgress, LoyaltyError, TooMany
from loyalty_core.store import idempotency
from loyalty_core.store.database import transact
from loyalty_core.store.idempotency import Claim, KeptAnswer
from loyalty_kit.frozen import frozen

HEADER = "Idempotency-Key"
LONGEST_KEY = 255


@frozen
class Answer:
    """A status and the very bytes of a body."""

    status: int
    body: bytes
    content_type: str = "application/json"


Work = Callable[[Connection], Answer]


def sent_key() -> str | None:
    """Raises: Refusal 400 for a key that is empty, too long or not printable."""
    key = request.headers.get(HEADER)
    if key is not None and not (
        0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()
    ):
        raise Refusal(400, "idempotency_key_invalid")
    return key


def needed_key() -> str:
    """For calls that are not taken without one.

    Raises: Refusal 400 for a key that is missing, empty, too long or not printable.
    """
    key = sent_key()
    if key is None:
        raise Refusal(400, "idempotency_key_required")
    return key


def claim_for(key: str, *, key_id: int, body: Any, now: datetime) -> Claim:
    """A claim for the call that is being answered.

    Two bodies are the same if they are the same JSON, however it is written.
    """
    told = json.dumps([request.args.to_dict(), body], sort_keys=True)
    return Claim(
        key_id=key_id,
        route=f"{request.method} {request.path}",
        key=key,
        request_hash=hashlib.sha256(told.encode("ascii")).hexdigest(),
        claimed_at=now,
    )


def do_once(engine: Engine, claimed: Claim, work: Work) -> Answer:
    """The answer of `work`, which is kept with it; or the one that is kept already.

    Refusals of the core are answers and are kept too.  A failure is not, nor what may be done
    later: the key is free again.

    Raises: IdempotencyConflict, InProgress, and what is not a refusal.
    """
    kept = transact(engine, lambda connection: idempotency.claim(connection, claimed))
    if kept is not None:
        return Answer(kept.status, kept.body, kept.content_type)
    try:
        return transact(engine, lambda connection: _with_answer(connection, claimed, work))
    except InProgress:
        raise
    except LoyaltyError as error:
        return _keep_refusal(engine, claimed, error)
    except BaseException:
        transact(engine, lambda connection: idempotency.give_up(connection, claimed))
        raise


def _with_answer(connection: Connection, claimed: Claim, work: Work) -> Answer:
    answer = work(connection)
    _keep(connection, claimed, answer)
    return answer


def _keep_refusal(engine: Engine, claimed: Claim, error: LoyaltyError) -> Answer:
    problem = problem_of(error)
    if problem.status >= 500 or isinstance(error, TooMany):
        transact(engine, lambda connection: idempotency.give_up(connection, claimed))
        raise error
    answer = Answer(problem.status, problem.body(asked_language()), CONTENT_TYPE)
    transact(engine, lambda connection: _keep(connection, claimed, answer))
    return answer


def _keep(connection: Connection, claimed: Claim, answer: Answer) -> None:
    kept = KeptAnswer(answer.status, answer.body, answer.content_type)
    idempotency.keep(connection, claimed, kept)
