"""What becomes of a delivery that failed: the kind of error decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError, InternalError, OperationalError

from loyalty_core.domain.errors import Busy, LoyaltyError, UnknownShop, WrongCurrency
from loyalty_core.store.inbox import Fate
from loyalty_kit.errors import (
    ConnectorError,
    Drop,
    NeedsAttention,
    PayloadInvalid,
    RateLimited,
    Retry,
)
from loyalty_kit.redact import redact_text

PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)
)
"""Before the second attempt, the third, and so on; after the last one a person must look."""
ATTENTION_PAUSE = timedelta(minutes=10)
"""How often something that waits for the owner is tried all the same."""
DEFECT = "defect"
WEBHOOK = "webhook_trouble"
"""What a delivery itself says is wrong at the shop, as that its sender has lost its rights."""
BALANCES = "balances_refused"
"""The shop does not let balances be shown; whatever else it lets the hub do goes on."""
COUPONS = "coupons_refused"
"""The same of coupons that are to be made there."""
OF_ONE_DELIVERY = frozenset({PayloadInvalid.code, DEFECT, WEBHOOK, BALANCES, COUPONS})
"""Troubles that one delivery or one duty brings; the rest of its installation works on."""
KILLED_TWICE = 2
_TEXT_LIMIT = 500
_DEFECT_TEXT = "The connector or the hub failed on it: {}."


class Defect(Exception):
    """A translator failed in a way that is nobody's word: `str` is for the owner's eyes.

    `places` in the code are for the log.
    """

    def __init__(self, text: str, places: str = "") -> None:
        super().__init__(text)
        self.places = places


class Killed(Defect):
    """A translator took its process with it, or had to be ended with it."""


class Postponed(Exception):
    """Not tried: others of this batch just failed by `cause`."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an installation's owner is shown."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    fate: Fate
    trouble: Trouble | None = None


def pause(attempts: int) -> timedelta | None:
    """Until the next attempt after so many; None when they are used up."""
    return PAUSES[attempts - 1] if attempts <= len(PAUSES) else None


def judge(error: Exception, attempts: int, now: datetime) -> Verdict:
    """The fate of a delivery whose attempt number `attempts` ended in this error."""
    if isinstance(error, Drop):
        return Verdict(_ended("dropped", error.code, str(error)))
    if isinstance(error, RateLimited):
        wait = timedelta(seconds=max(1.0, error.retry_after_s))
        return Verdict(_later(error, now + wait, attempt_counts=False))
    if _may_pass(error, attempts):
        wait_or_none = pause(attempts)
        if wait_or_none is not None:
            return Verdict(_later(error, now + wait_or_none))
    if isinstance(error, Retry | Busy):
        return Verdict(_ended("dead", error.code, str(error)))
    if isinstance(error, NeedsAttention) and error.code not in OF_ONE_DELIVERY:
        fate = _later(error, now + ATTENTION_PAUSE, attempt_counts=False)
        return Verdict(fate, _trouble(error.code, str(error)))
    return _dead(error)


def _may_pass(error: Exception, attempts: int) -> bool:
    """Whether another attempt may end better.

    A database that refuses a value refuses it always; of its other refusals some pass.  A
    killed translator gets a second attempt: the machine may have killed it.
    """
    if isinstance(error, Killed):
        return attempts < KILLED_TWICE
    if isinstance(error, DBAPIError):
        return isinstance(error, OperationalError | InternalError)
    return isinstance(error, Retry | Busy)


def judge_bytes(error: NeedsAttention) -> Verdict:
    """The fate of a delivery that says of itself what the owner must know.

    The same bytes will never say anything else, so there is nothing to try again.
    """
    code = error.code if error.code in OF_ONE_DELIVERY else WEBHOOK
    return Verdict(_ended("dead", error.code, str(error)), _trouble(code, str(error)))


def postponed(error: Exception, now: datetime) -> Fate:
    """The fate of a delivery that was not tried, since its shop failed on others.

    It comes back before those: if they alone are the trouble, it gets through.
    """
    wait = ATTENTION_PAUSE / 2 if isinstance(error, NeedsAttention) else PAUSES[0]
    if isinstance(error, RateLimited):
        wait = timedelta(seconds=max(1.0, error.retry_after_s))
    return _later(error, now + wait, attempt_counts=False)


def _dead(error: Exception) -> Verdict:
    if isinstance(error, LoyaltyError):
        return Verdict(_ended("dead", error.code, _core_says(error)))
    if isinstance(error, ConnectorError):
        trouble = _trouble(error.code, str(error)) if isinstance(error, NeedsAttention) else None
        return Verdict(_ended("dead", error.code, str(error)), trouble)
    text = str(error) if isinstance(error, Defect) else _DEFECT_TEXT.format(type(error).__name__)
    return Verdict(_ended("dead", DEFECT, text), _trouble(DEFECT, text))


def _core_says(error: LoyaltyError) -> str:
    if isinstance(error, UnknownShop):
        return f"Names a shop that the programme does not have; make it, then replay. {error}"
    if isinstance(error, WrongCurrency):
        return f"Is in another currency than the programme's, so nothing is booked. {error}"
    return str(error)


def _ended(state: str, code: str, text: str) -> Fate:
    return Fate(state, error_code=code, error_text=redact_text(text)[:_TEXT_LIMIT])


def _later(error: Exception, due_at: datetime, *, attempt_counts: bool = True) -> Fate:
    code = error.code if isinstance(error, ConnectorError | LoyaltyError) else DEFECT
    known = isinstance(error, ConnectorError | LoyaltyError | Defect)
    told = str(error) if known else _DEFECT_TEXT.format(type(error).__name__)
    text = redact_text(told)[:_TEXT_LIMIT]
    return Fate("due", due_at, code, text, attempt_counts=attempt_counts)


def _trouble(code: str, text: str) -> Trouble:
    return Trouble(code, redact_text(text)[:_TEXT_LIMIT])
