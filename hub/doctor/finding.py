"""What a check says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from hub.wiring import Hub

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` says what to do; None where all is well.  Nothing in it is personal."""

    name: str
    state: State
    text: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """`look` is asked in a thread of its own, and may be slow or fail."""

    name: str
    look: Callable[[Hub], Iterable[Finding]]
