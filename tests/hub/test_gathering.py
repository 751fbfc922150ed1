"""Calls of several threads made as one: who waits for whom, and who hears of what."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest

from hub.gathering import Gathering, InCompany
from loyalty_core.store.prompt import TooLate
from tests.support.waiting import wait_until


class Doorman:
    """Doubles numbers; holds each call up until it is let through."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self._through = threading.Semaphore(0)
        self.refuses: set[int] = set()

    def work(self, numbers: Sequence[int]) -> list[int]:
        self.calls.append(list(numbers))
        assert self._through.acquire(timeout=20)
        if self.refuses & set(numbers):
            raise ValueError("refused")
        return [2 * number for number in numbers]

    def let_through(self, calls: int = 1) -> None:
        self._through.release(calls)


@pytest.fixture
def doorman():
    return Doorman()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(32) as made:
        yield made


def gathering(doorman: Doorman, *, most: int = 1000, longer_s: float = 20) -> Gathering[int, int]:
    return Gathering(doorman.work, size=lambda number: number, most=most, longer_s=longer_s)


def call(gathered: Gathering[int, int], number: int, within_s: float = 20) -> int:
    return gathered.call(number, within_s=within_s)


def all_wait(gathered: Gathering[int, int], number: int) -> None:
    wait_until(lambda: len(gathered._waiting) == number)


def begin(
    pool: ThreadPoolExecutor, doorman: Doorman, gathered: Gathering[int, int], numbers: list[int]
) -> list[Future[int]]:
    """The first is under way, the others wait in their order."""
    begun = [pool.submit(call, gathered, numbers[0])]
    wait_until(lambda: len(doorman.calls) == 1)
    for waiting, number in enumerate(numbers[1:], 1):
        begun.append(pool.submit(call, gathered, number))
        all_wait(gathered, waiting)
    return begun


def test_who_comes_alone_goes_at_once(doorman):
    doorman.let_through(2)
    gathered = gathering(doorman)

    assert (call(gathered, 1), call(gathered, 2)) == (2, 4)
    assert doorman.calls == [[1], [2]]


def test_who_comes_while_a_call_is_under_way_goes_with_all_that_came(doorman, pool):
    gathered = gathering(doorman)
    begun = begin(pool, doorman, gathered, [1, 2, 3, 4])
    doorman.let_through(2)

    assert [one.result(20) for one in begun] == [2, 4, 6, 8]
    assert doorman.calls == [[1], [2, 3, 4]]


def test_a_call_takes_no_more_than_it_may_but_one_in_any_case(doorman, pool):
    gathered = gathering(doorman, most=10)
    begun = begin(pool, doorman, gathered, [1, 4, 6, 1, 99, 2])
    doorman.let_through(5)

    assert [one.result(20) for one in begun] == [2, 8, 12, 2, 198, 4]
    assert doorman.calls == [[1], [4, 6], [1], [99], [2]]


def test_of_a_failure_in_company_each_hears_and_those_after_go_on(doorman, pool):
    gathered = gathering(doorman)
    doorman.refuses = {2}
    begun = begin(pool, doorman, gathered, [1, 2, 3])
    doorman.let_through(2)

    assert begun[0].result(20) == 2
    for one in begun[1:]:
        with pytest.raises(InCompany) as failed:
            one.result(20)
        assert isinstance(failed.value.__cause__, ValueError)
    doorman.let_through()
    assert call(gathered, 5) == 10


def test_a_failure_alone_is_ones_own(doorman):
    gathered = gathering(doorman)
    doorman.refuses = {1}
    doorman.let_through(2)

    with pytest.raises(ValueError, match="refused"):
        call(gathered, 1)
    assert call(gathered, 2) == 4


def test_who_has_waited_too_long_gives_up_and_is_not_taken_along(doorman, pool):
    gathered = gathering(doorman)
    (first,) = begin(pool, doorman, gathered, [1])

    with pytest.raises(TooLate):
        call(gathered, 2, within_s=0.2)
    doorman.let_through(2)
    assert first.result(20) == 2
    assert call(gathered, 3) == 6
    assert doorman.calls == [[1], [3]]


def test_whose_time_is_over_waits_for_nobody_and_stands_in_nobodys_way(doorman, pool):
    gathered = gathering(doorman)
    (first,) = begin(pool, doorman, gathered, [1])

    with pytest.raises(TooLate):
        call(gathered, 2, within_s=-1)
    with pytest.raises(TooLate):
        call(gathered, 2, within_s=-0.5)
    doorman.let_through(2)
    assert first.result(20) == 2
    assert call(gathered, 3) == 6
    assert doorman.calls == [[1], [3]]


@pytest.mark.parametrize(("longer_s", "ends"), [(0, "too late"), (20, 4)])
def test_who_was_taken_along_may_wait_longer(doorman, pool, longer_s, ends):
    gathered = gathering(doorman, longer_s=longer_s)
    first, leads = begin(pool, doorman, gathered, [1, 3])
    taken = pool.submit(call, gathered, 2, 2)
    all_wait(gathered, 2)
    doorman.let_through()
    wait_until(lambda: doorman.calls == [[1], [3, 2]])

    if ends == "too late":
        with pytest.raises(TooLate):
            taken.result(20)
    else:
        with pytest.raises(TimeoutError):
            taken.result(3)
    doorman.let_through()
    assert (first.result(20), leads.result(20)) == (2, 6)
    if ends != "too late":
        assert taken.result(20) == ends


def test_who_gave_up_does_not_keep_the_others_from_hearing(doorman, pool):
    """Each tells the next one."""
    gathered = gathering(doorman, longer_s=0)
    first, leads = begin(pool, doorman, gathered, [1, 3])
    gives_up = pool.submit(call, gathered, 2, 3)
    all_wait(gathered, 2)
    stays = pool.submit(call, gathered, 4)
    all_wait(gathered, 3)
    doorman.let_through()
    wait_until(lambda: doorman.calls == [[1], [3, 2, 4]])
    with pytest.raises(TooLate):
        gives_up.result(20)
    following = pool.submit(call, gathered, 5)
    all_wait(gathered, 1)
    doorman.let_through(2)

    ended = [one.result(20) for one in (first, leads, stays, following)]
    assert ended == [2, 6, 8, 10]
    assert doorman.calls == [[1], [3, 2, 4], [5]]


def test_a_crowd_gets_each_its_own_answer_in_fewer_calls(pool):
    """Free-running: whatever the order, nobody is left out, told twice, or mixed up."""
    calls: list[int] = []

    def work(numbers: Sequence[int]) -> list[int]:
        calls.append(len(numbers))
        return [2 * number for number in numbers]

    gathered: Gathering[int, int] = Gathering(work, size=lambda _: 1, most=16)
    answers = list(pool.map(partial(call, gathered), range(5000)))

    assert answers == [2 * number for number in range(5000)]
    assert sum(calls) == 5000
    assert max(calls) <= 16
