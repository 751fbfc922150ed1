"""A stand-in shop in a process of its own, without limits: `python -m bench.shop RECEIPTS MEMBERS`.

It lists the numbers of its receipts, a hundred a page, and gives those that are asked for as
canonical events; as WooCommerce's REST API it gives orders without refunds, by whatever number.
Its first line says on which port.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from datetime import datetime

from bench.ingest import guest_order
from bench.receipts import receipt_of
from hub.clock import SystemClock

PAGE = 100
_WOO = "/wp-json/wc/v3/"


class Shop:
    def __init__(self, receipts: int, members: int) -> None:
        chance, now = random.Random(5), SystemClock().now()
        self._bodies = [_body(n, chance.randrange(members), now) for n in range(receipts)]

    async def serve(self) -> None:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        async with server:
            await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = self._answer(head.split(None, 2)[1].decode())
                about = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(b"HTTP/1.1 200 OK\r\n" + about.encode() + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, path: str) -> bytes:
        if path.startswith(_WOO):
            return _of_woo(path.removeprefix(_WOO).partition("?")[0])
        kind, _, number = path.strip("/").partition("/")
        if kind == "receipts":
            return b"[" + b",".join(self._bodies[int(one)] for one in number.split(",")) + b"]"
        first = int(number)
        last = min(first + PAGE, len(self._bodies))
        page = {"numbers": list(range(first, last)), "more": last < len(self._bodies)}
        return json.dumps(page).encode()


def _of_woo(path: str) -> bytes:
    """An order of a guest by its number; every list is empty."""
    kind, _, number = path.partition("/")
    asked = kind == "orders" and number.isdigit()
    return json.dumps(guest_order(int(number))).encode() if asked else b"[]"


def _body(number: int, member: int, now: datetime) -> bytes:
    return json.dumps(receipt_of(f"old-{number}", member, now)).encode()


if __name__ == "__main__":
    asyncio.run(Shop(int(sys.argv[1]), int(sys.argv[2])).serve())
