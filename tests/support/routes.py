"""Thousands of hubs are made by the tests, and few of their addresses are ever written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from werkzeug.routing import Rule


def read_once() -> None:
    """Each app is made of the same routes, and Werkzeug takes the text of each apart anew
    (3.1, `Rule._parse_rule`, which notes beside the parts what stands between them).  Here a text
    is taken apart once; its converters keep nothing of the app that they were made for.
    """
    parse = Rule._parse_rule
    known: dict[str, tuple[list[Any], list[Any], dict[str, Any]]] = {}

    def remembered(self: Rule, text: str) -> Iterable[Any]:
        if text not in known:
            fresh = self.empty()
            fresh.map = self.map
            known[text] = list(parse(fresh, text)), fresh._trace, fresh._converters
        parts, trace, converters = known[text]
        self._trace.extend(trace)
        self._converters.update(converters)
        self.arguments.update(converters)
        return parts

    Rule._parse_rule = remembered  # type: ignore[method-assign]


def compile_when_asked() -> None:
    """Werkzeug (3.1, `Rule.compile`) compiles two functions for each route as it is added, to
    write addresses by; that is most of what making an app costs.  Here each is made when it is
    first called.
    """
    make = Rule._compile_builder

    def later(self: Rule, append_unknown: bool = True) -> Any:
        made: list[Any] = []

        def build(rule: Rule, **values: Any) -> Any:
            if not made:
                made.append(make(self, append_unknown))
            return made[0](rule, **values)

        return build

    Rule._compile_builder = later  # type: ignore[method-assign]
