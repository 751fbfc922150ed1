"""Whether a version of the kit is in a connector's range (`Manifest.kit`)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*([0-9]+(?:\.[0-9]+)*)\s*", re.ASCII)
_HOLDS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def fits(version: str, wanted: str) -> bool:
    """Whether "1.0" is in a range like ">=1.0,<2".  A range that cannot be read fits none."""
    clauses = [_CLAUSE.fullmatch(clause) for clause in wanted.split(",")]
    return all(
        clause is not None and _HOLDS[clause[1]](_parts(version), _parts(clause[2]))
        for clause in clauses
    )


def _parts(version: str) -> tuple[int, ...]:
    """Numbers without trailing zeros, so that 1 and 1.0 are one version."""
    parts = [int(part) for part in version.split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
