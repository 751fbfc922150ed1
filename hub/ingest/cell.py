"""The inside of a sealed child process (`hub.ingest.sealed`): calls translators, one by one.

It gets frames of pickled calls and answers each call as soon as it is done, with its events
written down as they will be kept: that needs no database, and here it has no interpreter's lock
to wait for.  Two alarms whose
default is to end the process stand over every call, so that even a C function which never comes
back is ended, and even where the parent is gone.
"""

from __future__ import annotations

import copyreg
import gc
import importlib
import io
import pickle
import resource
import signal
import socket
import sys
import traceback
from contextlib import suppress
from dataclasses import fields
from operator import attrgetter
from typing import Any

from hub.ingest.line import Line
from loyalty_core.store.event_words import Words, words_of
from loyalty_kit import events
from loyalty_kit.errors import ConnectorError

CPU_S = 3.0
"""Processor time for one delivery; a translation takes about a thousandth of it."""
LATE_S = 15.0
"""Time by the clock for one delivery, which may wait for nothing."""
MEMORY = 768 * 1024 * 1024
"""Bytes of address space; deliveries have 5 MiB at most."""
_YOUNG = 20_000
"""Objects between two searches for cycles, of which a translation hardly makes any."""
GIVEN, RAISED, DEFECT, OUT_OF_MEMORY = range(4)
"""What an answer is: (GIVEN, value, words of its events), (RAISED, error), (DEFECT, kind, places),
(OUT_OF_MEMORY,)."""
_NO_MEMORY = pickle.dumps((OUT_OF_MEMORY,))


class _Pickler(pickle.Pickler):
    """Events by their fields in order: half the work of pickle's own way with frozen slots."""

    dispatch_table = copyreg.dispatch_table.copy()


def _by_fields(kind: type[Any]) -> None:
    values = attrgetter(*[field.name for field in fields(kind)])
    _Pickler.dispatch_table[kind] = lambda one: (kind, values(one))


for _kind in (
    events.Customer,
    events.ExternalId,
    events.Purchase,
    events.PurchaseLine,
    events.Refund,
    events.RefundLine,
    Words,
):
    _by_fields(_kind)


def main() -> None:
    line = Line(socket.socket(fileno=int(sys.argv[1])))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signals = (signal.SIGALRM, signal.SIGPROF)
    for number in signals:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    _set_alarms(LATE_S, CPU_S)
    for name in sys.argv[2:]:
        with suppress(BaseException):  # another's code: its deliveries will tell of it
            importlib.import_module(name)
    _set_alarms(0, 0)
    gc.freeze()
    gc.set_threshold(_YOUNG)
    try:
        while True:
            for call in pickle.loads(line.receive()):  # nosec B301 # noqa: S301 - our parent's words
                answer = _answer(call)
                line.send(answer)
                if answer is _NO_MEMORY:
                    return
    except (EOFError, OSError):
        """The parent is gone, or is done with us."""


def _answer(call: bytes) -> bytes:
    _set_alarms(LATE_S, CPU_S)
    try:
        return _called(call)
    finally:
        _set_alarms(0, 0)


def _set_alarms(late_s: float, cpu_s: float) -> None:
    """0: they are taken back."""
    signal.setitimer(signal.ITIMER_REAL, late_s)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)


def _called(call: bytes) -> bytes:
    try:
        translate, arguments = pickle.loads(call)  # nosec B301 # noqa: S301 - our parent's words
        given = translate(*arguments)
        words = [words_of(item) for item in given if isinstance(item, events.Event)]
        return _pickled((GIVEN, given, words))
    except MemoryError:
        return _NO_MEMORY
    except ConnectorError as error:
        return _raised(error)
    except BaseException as error:  # noqa: BLE001 - another's code: it may raise anything
        return _defect(error)


def _raised(error: ConnectorError) -> bytes:
    try:
        answer = _pickled((RAISED, error))
        pickle.loads(answer)  # nosec B301 # noqa: S301 - our own
    except Exception as fault:  # noqa: BLE001 - an error that cannot be told is a defect
        return _defect(fault)
    return answer


def _defect(error: BaseException) -> bytes:
    places = "".join(traceback.format_tb(error.__traceback__))
    return _pickled((DEFECT, type(error).__name__, places))


def _pickled(answer: tuple[Any, ...]) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(answer)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
