"""Random condition trees, as a document tells them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st

from loyalty_core.domain.conditions.fields import FIELDS, Field
from loyalty_core.domain.conditions.values import LISTED, OF_SETS, OF_THE_UNKNOWN

_WORDS = st.sampled_from(["tea", "TEA", "Тверь", "female", "silver", "2", "true", "%_'\"\\"])
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "money": st.integers(0, 200_000).map(lambda minor: f"{minor // 100}.{minor % 100:02d}"),
    "quantity": st.integers(0, 5000).map(lambda milli: f"{milli // 1000}.{milli % 1000:03d}"),
    "count": st.integers(0, 120),
    "days": st.integers(-200, 800),
    "weekday": st.integers(1, 7),
    "bucket": st.integers(0, 99),
    "date": st.dates().map(lambda day: day.isoformat()),
    "time of day": st.integers(0, 1439).map(lambda at: f"{at // 60:02d}:{at % 60:02d}"),
    "text": _WORDS,
    "code": _WORDS,
    "codes": _WORDS,
    "flag": st.booleans(),
}


@st.composite
def _leaves(draw: st.DrawFn, fields: Collection[Field]) -> dict[str, Any]:
    field = draw(st.sampled_from(sorted(fields, key=lambda one: one.name)))
    operator = draw(st.sampled_from(field.operators))
    said: dict[str, Any] = {"field": field.name, "is": operator}
    one = _VALUES[field.kind.name]
    if operator == "between":
        pair = [draw(one), draw(one)]
        key = float if field.kind.name in ("money", "quantity") else None
        said["value"] = sorted(pair, key=key)
    elif operator in (*LISTED, *OF_SETS):
        said["value"] = draw(st.lists(one, min_size=1, max_size=3))
    elif operator not in OF_THE_UNKNOWN:
        said["value"] = draw(one)
    if field.detail == "name":
        said["name"] = draw(st.sampled_from(["dogs", "vip", "любимый чай", "list", "none"]))
    if field.detail == "goods" and draw(st.booleans()):
        said["goods"] = {"categories": ["tea"]}
    return said


def trees(fields: Collection[Field] = tuple(FIELDS.values())) -> st.SearchStrategy[dict[str, Any]]:
    """Valid trees over these fields."""
    return st.recursive(
        _leaves(fields),
        lambda some: st.one_of(
            st.lists(some, min_size=1, max_size=3).map(lambda nodes: {"all": nodes}),
            st.lists(some, min_size=1, max_size=3).map(lambda nodes: {"any": nodes}),
            some.map(lambda node: {"not": node}),
        ),
        max_leaves=6,
    )
