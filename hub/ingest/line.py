"""Messages between the hub and its sealed children, each with its length before it."""

from __future__ import annotations

import socket
from struct import Struct

_LENGTH = Struct("!Q")
_AT_ONCE = 256 * 1024


class Line:
    """One end.  What has come is read in one go, however many messages it is: each reading lets
    another thread have the interpreter, and to get it back takes longer than to read."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._read = bytearray()

    def send(self, message: bytes) -> None:
        """Raises: OSError."""
        self._end.sendall(_LENGTH.pack(len(message)) + message)

    def receive(self) -> bytes:
        """The next message.

        Raises: EOFError (the other end is closed), BlockingIOError (nothing came in time), OSError.
        """
        head = self._take(_LENGTH.size)
        return self._take(_LENGTH.unpack(head)[0])

    def _take(self, size: int) -> bytes:
        while len(self._read) < size:
            come = self._end.recv(_AT_ONCE)
            if not come:
                raise EOFError
            self._read += come
        taken = bytes(self._read[:size])
        del self._read[:size]
        return taken

    def close(self) -> None:
        self._end.close()
