"""Threads of one worker: as many as there is work for, and no error of theirs is lost."""

from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from hub.jobs.crew import work_off


def test_a_batch_that_is_not_full_starts_no_thread():
    left = [3, 0]
    seen = set()

    def batch() -> int:
        seen.add(threading.get_ident())
        return left.pop(0)

    assert work_off(batch, full=10, threads=3, is_over=lambda: False) is True
    assert seen == {threading.get_ident()}


def test_of_two_errors_at_once_one_is_raised_and_the_other_logged():
    both, first = threading.Barrier(2, timeout=10), iter([10])

    def batch() -> int:
        found = next(first, None)
        if found is not None:
            return found
        raise ZeroDivisionError(both.wait())

    with capture_logs() as logs, pytest.raises(ZeroDivisionError) as raised:
        work_off(batch, full=10, threads=2, is_over=lambda: False)

    (told,) = [one for one in logs if one["event"] == "batch_failed"]
    assert {raised.value.args[0], told["exc_info"].args[0]} == {0, 1}
