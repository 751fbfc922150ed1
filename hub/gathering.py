"""Calls of several threads made as one, while none of them waits for company.

Who comes first goes at once, alone.  Who comes while a call is under way waits for its end with
all the others that came, and one of them then goes for all: so under load a commit carries many,
and nobody waits for more than the call under way and the own one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from loyalty_core.store.prompt import TooLate

T = TypeVar("T")
R = TypeVar("R")


class InCompany(Exception):
    """What several went for together failed; the cause says why.  Alone it may not."""


class _Waiting(Generic[T, R]):
    """One caller.  `told` is let go when there is an outcome, or when it `goes` for all.

    `untold`: who is to be told after it; all of a company have them in common.
    """

    __slots__ = ("error", "goes", "gone", "item", "result", "told", "untold")

    def __init__(self, item: T) -> None:
        self.item = item
        self.told = threading.Lock()
        self.told.acquire()
        self.goes = False
        self.gone = False
        self.untold: deque[_Waiting[T, R]] = deque()
        self.result: list[R] = []
        self.error: BaseException | None = None


class Gathering(Generic[T, R]):
    """`together` does the work of several items, and answers for each, or fails for all."""

    def __init__(
        self,
        together: Callable[[Sequence[T]], Sequence[R]],
        *,
        size: Callable[[T], int],
        most: int,
        longer_s: float = 0,
    ) -> None:
        """At most `most` of what `size` counts at once, but one item in any case.

        `longer_s`: who is taken along waits so much longer, since it may be done by then.
        """
        self._together = together
        self._size = size
        self._most = most
        self._longer_s = longer_s
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._going = False

    def call(self, item: T, *, within_s: float) -> R:
        """Raises: TooLate where the call before did not end; InCompany; what the work raises."""
        own = _Waiting[T, R](item)
        with self._lock:
            own.goes = not self._going
            self._going = True
            if not own.goes:
                self._waiting.append(own)
        if not own.goes and not own.told.acquire(timeout=max(0.0, within_s)):
            self._wait_no_more(own)
        if own.goes:
            self._go([own, *self._company(own)])
        self._tell_next(own)
        if own.error is not None:
            raise own.error
        return own.result[0]

    def _wait_no_more(self, own: _Waiting[T, R]) -> None:
        """Raises: TooLate, unless it has been taken along, or asked to go, meanwhile."""
        with self._lock:
            if own.goes:
                return
            if own in self._waiting:
                self._waiting.remove(own)
                raise TooLate
        if not own.told.acquire(timeout=self._longer_s):
            with self._lock:
                own.gone = not own.told.acquire(blocking=False)
            if own.gone:
                raise TooLate

    def _company(self, own: _Waiting[T, R]) -> list[_Waiting[T, R]]:
        """Those that it goes for, the longest waiting first."""
        room, found = self._most - self._size(own.item), list[_Waiting[T, R]]()
        with self._lock:
            while self._waiting and room >= (size := self._size(self._waiting[0].item)):
                found.append(self._waiting.popleft())
                room -= size
        return found

    def _go(self, some: list[_Waiting[T, R]]) -> None:
        try:
            results = self._together([one.item for one in some])
            for one, result in zip(some, results, strict=True):
                one.result.append(result)
        except BaseException as error:  # noqa: BLE001 - whatever it is, each of them hears of it
            for one in some:
                one.error = error if len(some) == 1 else _in_company(error)
        with self._lock:
            following = self._waiting.popleft() if self._waiting else None
            self._going = following is not None
            if following is not None:
                following.goes = True
        untold = deque(some[1:] if following is None else [*some[1:], following])
        for one in some:
            one.untold = untold

    def _tell_next(self, own: _Waiting[T, R]) -> None:
        """Each tells the next one when it is done itself: woken all at once, all but one of them
        would find the interpreter taken, and sleep again."""
        with self._lock:
            while own.untold:
                one = own.untold.popleft()
                if not one.gone:
                    one.told.release()
                    return


def _in_company(error: BaseException) -> InCompany:
    """One for each of them: a traceback grows where it is raised."""
    failed = InCompany()
    failed.__cause__ = error
    return failed
