"""Value objects of the hot paths: frozen for the type checker, plain at run time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """A dataclass with slots, equality and hash, whose fields mypy lets nobody assign.

    `dataclass(frozen=True)` sets each field by a call of its own, so that making an object takes
    two to three times as long; a quote makes some hundred of them (`docs/adr/0022`).
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
