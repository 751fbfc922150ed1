"""A call that is refused, in the words of HTTP, by whatever stands before the use cases."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """A call that is refused at the door, before anybody is asked about points."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
