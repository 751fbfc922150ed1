"""The everyday settings of a programme as options, and their places in its rules document."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

import click

NEVER = "never"
VERSION = click.IntRange(1, 2**31 - 1)
"""Of a rules document: as large as the database holds."""


class Percent(click.ParamType[str]):
    """A percent from 0 to 100 with up to two digits after the point, kept as it was written."""

    name = "percent"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        text = str(value).strip().removesuffix("%").replace(",", ".")
        if not re.fullmatch(r"\d{1,3}(\.\d{1,2})?", text, re.ASCII) or float(text) > 100:
            self.fail(f"{value!r} is not a percent from 0 to 100.", param, ctx)
        return text


class LifeDays(click.ParamType[int | str]):
    """Days of life; None for `never`."""

    name = "days"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | str:
        text = str(value).strip().lower()
        if text == NEVER:
            return NEVER
        if not re.fullmatch(r"[1-9]\d{0,4}", text, re.ASCII):
            self.fail(f"{value!r} is neither a number of days nor {NEVER!r}.", param, ctx)
        return int(text)


_OPTIONS = (
    click.option("--earn-percent", type=Percent(), help="Points for each 100 roubles paid."),
    click.option(
        "--spend-limit-percent", type=Percent(), help="How much of a receipt points may pay."
    ),
    click.option(
        "--rounding",
        type=click.Choice(["down", "half_up", "none"]),
        help="Of earned points: to whole points, or not at all.",
    ),
    click.option(
        "--activation-days",
        type=click.IntRange(0, 36_500),
        help="Days until points can be spent.",
    ),
    click.option(
        "--point-life-days", type=LifeDays(), help=f"Days until points expire, or {NEVER!r}."
    ),
    click.option(
        "--negative-balance",
        type=click.Choice(["clamp", "allow"]),
        help="When returns take more points than there are: forgive, or keep as a debt.",
    ),
)
DEFAULTS: Mapping[str, Any] = {
    "earn_percent": "5",
    "spend_limit_percent": "30",
    "rounding": "down",
    "activation_days": 0,
    "point_life_days": 365,
    "negative_balance": "clamp",
}


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a programme's everyday rules; one that is left out is None."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were said."""
    return {name: value for name, value in options.items() if value is not None}


def life(days: int | str) -> int | None:
    """As the document has it: null for points that never expire."""
    return None if days == NEVER else int(days)


def with_options(document: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The document with these options set; its main currency is the one that is meant."""
    changed = copy.deepcopy(dict(document))
    main = changed["currencies"][0]
    places: Mapping[str, tuple[dict[str, Any], str]] = {
        "earn_percent": (changed["earning"], "percent"),
        "spend_limit_percent": (changed["spending"], "limit_percent"),
        "rounding": (main, "rounding"),
        "activation_days": (main, "activation_days"),
        "point_life_days": (main, "life_days"),
        "negative_balance": (changed.setdefault("policies", {}), "negative_balance"),
    }
    for name, value in options.items():
        section, key = places[name]
        section[key] = life(value) if name == "point_life_days" else value
    return changed
