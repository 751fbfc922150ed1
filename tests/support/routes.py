"""Thousands of hubs are made by the tests, and few of their addresses are ever written."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import Rule


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
