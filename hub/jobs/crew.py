"""Batch after batch of one kind of work, by as many threads as it is worth.

A thread that waits for the database, or for a sealed translator, lets the others work on.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog

log = structlog.get_logger(__name__)

Batch = Callable[[], int]
"""Takes a batch of what is due and says how many it had; 0: nothing is left to take."""


def work_off(batch: Batch, full: int, threads: int, is_over: Callable[[], bool]) -> bool:
    """Do batches until nothing is left; False where `is_over` ended it, after those at hand.

    The caller's thread begins alone.  A batch of `full` rows says that there is work for one
    more, up to so many `threads`; so a single delivery starts none.

    Raises: what a batch raises, when those of the other threads have ended; what these raised
    besides is logged.
    """
    while found := batch():
        if is_over():
            return False
        if found >= full and threads > 1:
            return _work_off_together(batch, full, threads, is_over)
    return True


def _work_off_together(batch: Batch, full: int, threads: int, is_over: Callable[[], bool]) -> bool:
    all_done, failed = True, list[BaseException]()
    with ThreadPoolExecutor(threads, thread_name_prefix="crew") as crew:
        at_work: set[Future[int]] = {crew.submit(batch), crew.submit(batch)}
        while at_work:
            ended, at_work = wait(at_work, return_when=FIRST_COMPLETED)
            failed += [error for one in ended if (error := one.exception())]
            for one in () if failed else ended:
                found = one.result()
                if found and is_over():
                    all_done = False
                elif found:
                    wanted = 2 if found >= full else 1
                    room = threads - len(at_work)
                    at_work |= {crew.submit(batch) for _ in range(min(wanted, room))}
    for error in failed[1:]:
        log.error("batch_failed", exc_info=error)
    if failed:
        raise failed[0]
    return all_done
