"""A sender of deliveries: at planned moments, or as fast as so many connections are answered.

Planned moments do not wait for answers, so a slow hub is not spared the load that it would
have been given (no coordinated omission); how late the sender itself was is kept.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from bench.measure import BenchFailed

CONNECTIONS = 64
TIMEOUT_S = 60
_FRESH_S = 2.0
"""A connection that lay idle longer is opened anew: the server closes it after some seconds."""
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_END = b"\r\n\r\n"

T = TypeVar("T")
Delivery = tuple[str, bytes]
"""Its name and its body."""


Headers = Callable[[Delivery], str]
"""What stands in a delivery's head beside what all have, each line with its end."""


@dataclass(frozen=True, slots=True)
class Sent:
    """`answered_at`: seconds since 1970.  `late_s`: after the planned moment.  `took_s`: how long
    the door took to answer."""

    name: str
    answered_at: float
    late_s: float
    took_s: float


class Sender:
    """Posts JSON to one door."""

    def __init__(self, address: str, path: str, headers: Headers = lambda _: "") -> None:
        parts = urlsplit(address)
        assert parts.hostname is not None
        assert parts.port is not None
        self._host, self._port = parts.hostname, parts.port
        self._head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n".encode()
        self._headers = headers

    def at_pace(self, deliveries: Sequence[Delivery], rate: float) -> list[Sent]:
        """Each at its planned moment, `rate` a second.  Raises: BenchFailed (no success)."""
        return asyncio.run(self._at_pace(deliveries, rate))

    def at_once(self, deliveries: Iterable[Delivery], connections: int) -> list[Sent]:
        """Each connection sends the next as soon as it is answered.  Raises: BenchFailed."""
        return asyncio.run(self._at_once(iter(deliveries), connections))

    async def _at_pace(self, deliveries: Sequence[Delivery], rate: float) -> list[Sent]:
        clock = asyncio.get_running_loop().time
        async with self._lines(CONNECTIONS) as lines:
            idle: asyncio.LifoQueue[_Line] = asyncio.LifoQueue()
            for line in lines:
                idle.put_nowait(line)

            async def send(delivery: Delivery, due: float) -> Sent:
                line = await idle.get()
                late = clock() - due
                try:
                    return await self._send(line, delivery, late)
                finally:
                    idle.put_nowait(line)

            began = clock()
            tasks: list[asyncio.Task[Sent]] = []
            for number, delivery in enumerate(deliveries):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - clock()))
                tasks.append(asyncio.create_task(send(delivery, due)))
            return await _all(tasks)

    async def _at_once(self, deliveries: Iterator[Delivery], connections: int) -> list[Sent]:
        async with self._lines(connections) as lines:

            async def work(line: _Line) -> list[Sent]:
                return [await self._send(line, delivery, 0.0) for delivery in deliveries]

            found = await _all([work(line) for line in lines])
            return [one for part in found for one in part]

    @asynccontextmanager
    async def _lines(self, count: int) -> AsyncIterator[list[_Line]]:
        lines = [_Line(self._host, self._port) for _ in range(count)]
        try:
            yield lines
        finally:
            for line in lines:
                await line.close()

    async def _send(self, line: _Line, delivery: Delivery, late: float) -> Sent:
        name, body = delivery
        about = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        head = self._head + f"{self._headers(delivery)}{about}\r\n".encode()
        began = time.perf_counter()
        status = await asyncio.wait_for(line.exchange(head + body), TIMEOUT_S)
        if status not in (200, 201):
            raise BenchFailed(f"a delivery was answered {status}")
        return Sent(name, time.time(), late, time.perf_counter() - began)


class _Line:
    """One connection, opened when it is needed."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used_at = 0.0

    async def exchange(self, request: bytes) -> int:
        """The status of the answer; its body is read and left."""
        if self._streams is None or time.monotonic() - self._used_at > _FRESH_S:
            await self.close()
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(_END)
        found = _LENGTH.search(head)
        await reader.readexactly(int(found[1]) if found else 0)
        self._used_at = time.monotonic()
        if b"connection: close" in head.lower():
            await self.close()
        return int(head.split(None, 2)[1])

    async def close(self) -> None:
        if self._streams is not None:
            writer, self._streams = self._streams[1], None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _all(works: Iterable[Awaitable[T]]) -> list[T]:
    """Wait for all of them.  Raises: what the first that failed raised."""
    found = await asyncio.gather(*works, return_exceptions=True)
    done = [one for one in found if not isinstance(one, BaseException)]
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return done
