"""Translators run sealed: in a child process that may loop, die or eat memory by itself.

Connectors are other people's code, and deliveries other people's data.  A translator that never
comes back, in Python or inside a C function that lets no other thread run, cannot be ended from
within its own process; so it gets one of its own, kept by whoever works deliveries off.  The
child is told by name what to call, and the settings without secrets; it knows no database and
none of the hub's environment.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hub.ingest.cell import CPU_S, DEFECT, GIVEN, LATE_S, MEMORY, RAISED
from hub.ingest.fates import Defect, Killed, Postponed
from hub.ingest.line import Line
from loyalty_core.store.event_words import Words
from loyalty_kit.errors import ConnectorError
from loyalty_kit.frozen import frozen
from loyalty_kit.ports import Translated

Call = tuple[Callable[..., Translated], tuple[Any, ...]]
"""A translator, which the child finds by its module and name, and what it is called with."""


@frozen
class Translation:
    """What a translator gave, and its events in their order, written down as they will be kept."""

    items: Translated
    words: tuple[Words, ...] = ()


Outcome = Translation | Exception
"""What a call gave, or the connector's own word (ConnectorError), Defect, Killed, Postponed."""

_GRACE_S = 5.0
"""More than the child's own limits, for one that its alarms do not end."""
_TIMEOUT = struct.pack("ll", int(LATE_S + _GRACE_S), 0)
"""As `struct timeval`, for socket(7), SO_RCVTIMEO."""
_FRAME = 8 * 1024 * 1024
"""Bytes of calls that are sent together; a larger one goes alone."""
_MOST_KILLED = 2
"""Of one kind of calls; the rest of them is tried later, after what others wait for."""
_ENDED_BY = {
    -signal.SIGPROF: f"The connector worked on it for {CPU_S:.0f} s: it seems to loop.",
    -signal.SIGALRM: f"The connector was not done with it after {LATE_S:.0f} s.",
}
_NO_MEMORY = f"The connector took more than {MEMORY // 2**20} MiB of memory for it."


class Cells:
    """The children of one process of the hub: made when needed and kept, one for each caller."""

    def __init__(self) -> None:
        self._idle: list[_Cell] = []

    def begin(self, number: int, modules: Iterable[str]) -> None:
        """Have so many at hand before there is work for them, new ones with these modules of
        connectors.

        They take a fifth of a second of a processor until they are ready.  A batch that has to
        wait for it holds up all that it has claimed.
        """
        self._idle += [_Cell(modules) for _ in range(number - len(self._idle))]

    def translate(self, calls: Sequence[Call]) -> list[Outcome]:
        """What became of each call, in their order."""
        outcomes: list[Outcome] = []
        killed = 0
        while len(outcomes) < len(calls):
            with self._cell() as cell:
                outcomes += cell.answers(calls[len(outcomes) :])
            last = outcomes[-1]
            killed += isinstance(last, Killed)
            if isinstance(last, Killed) and killed >= _MOST_KILLED:
                outcomes += [Postponed(last) for _ in calls[len(outcomes) :]]
        return outcomes

    @contextmanager
    def _cell(self) -> Iterator[_Cell]:
        try:
            cell = self._idle.pop()
        except IndexError:
            cell = _Cell()
        try:
            yield cell
        finally:
            if cell.is_idle:
                self._idle.append(cell)
            else:
                cell.end()

    def close(self) -> None:
        """End the children that are idle."""
        while self._idle:
            self._idle.pop().end()

    def __del__(self) -> None:
        self.close()


class _Cell:
    """One child.  It is idle as long as all that it was sent is answered."""

    def __init__(self, modules: Iterable[str] = ()) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # nosec B603 # noqa: S603 - our own module
                [sys.executable, "-m", "hub.ingest.cell", str(theirs.fileno()), *modules],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
                start_new_session=True,  # Ctrl-C is for the hub, which ends its children
            )
        # The kernel counts the time: to ask whether something has come takes three calls more.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)
        self._line = Line(ours)
        self.is_idle = True

    def answers(self, calls: Sequence[Call]) -> list[Outcome]:
        """Of the first calls: as many as fit in a frame, or up to one that the child died of."""
        frame, unnamed = _frame(calls)
        if not frame:
            return [Defect(f"The connector's translator has no name to call it by: {unnamed}.")]
        self.is_idle = False
        outcomes: list[Outcome] = []
        try:
            self._line.send(pickle.dumps(frame))
        except OSError:
            """It died while it was idle, or at the first of these."""
        for _ in frame:
            outcomes.append(self._outcome())
            if isinstance(outcomes[-1], Killed):
                return outcomes
        self.is_idle = True
        return outcomes

    def _outcome(self) -> Outcome:
        try:
            kind, *told = pickle.loads(self._line.receive())  # nosec B301 # noqa: S301 - our child
        except BlockingIOError:
            return Killed(_ENDED_BY[-signal.SIGALRM])
        except (EOFError, OSError):
            return Killed(self._obituary())
        if kind == GIVEN:
            return Translation(told[0], tuple(told[1]))
        if kind == RAISED:
            error: ConnectorError = told[0]
            return error
        if kind == DEFECT:
            return Defect(f"The connector failed on it: {told[0]}.", places=told[1])
        return Killed(_NO_MEMORY)

    def _obituary(self) -> str:
        self._line.close()
        try:
            code = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            return "The connector cut its process off from the hub."
        return _ENDED_BY.get(code, f"The connector took its process with it (exit code {code}).")

    def end(self) -> None:
        self._line.close()
        self._process.kill()
        self._process.wait()


def _frame(calls: Sequence[Call]) -> tuple[list[bytes], str]:
    """The first calls as they are sent; where there are none, why the first cannot be."""
    frame: list[bytes] = []
    size = 0
    for call in calls:
        try:
            pickled = pickle.dumps(call, pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            return frame, type(error).__name__
        size += len(pickled)
        if frame and size > _FRAME:
            break
        frame.append(pickled)
    return frame, ""
