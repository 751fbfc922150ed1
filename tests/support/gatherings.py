"""Gatherings that a module makes, so that a test sees who waits in them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from hub.gathering import Gathering


def note_gatherings(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> list[Any]:
    """Those that are made there from now on, in their order."""
    made: list[Any] = []

    class Noted(Gathering):
        def __init__(self, *words: Any, **named: Any) -> None:
            super().__init__(*words, **named)
            made.append(self)

    monkeypatch.setattr(module, "Gathering", Noted)
    return made
