"""Texts of letters in Liquid: checked when they are written, filled in when they are sent.

An owner writes them, so they are held: no files, no clock, no more than so many turns of a loop
and so many characters.  A placeholder that nobody knows is refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from css_inline import CSSInliner, InlineError
from liquid import BoundTemplate, Environment, StrictUndefined
from liquid.exceptions import LiquidError, ResourceLimitError, UnknownFilterError

from loyalty_core.domain.errors import InvalidInput
from loyalty_core.domain.letters import LetterKind, LetterText

MOST_SUBJECT = 200
MOST_TEXT = 10_000
MOST_HTML = 100_000
MOST = {"subject": MOST_SUBJECT, "text": MOST_TEXT, "html": MOST_HTML}
MOST_SMS = 670
"""Ten parts of an SMS in Russian."""
_NOT_READABLE = "Line {line} cannot be read."
_UNKNOWN_FILTER = "Line {line} has an unknown filter."
_NAME = re.compile(r"[\w.-]{1,60}")


_TAG = re.compile(r"\{[{%](.*?)[}%]\}", re.DOTALL)
_RANGE = re.compile(r"\([^()]*\.\.")
_FILTERS = frozenset(
    {
        "abs",
        "append",
        "at_least",
        "at_most",
        "capitalize",
        "ceil",
        "default",
        "divided_by",
        "downcase",
        "escape",
        "escape_once",
        "floor",
        "lstrip",
        "minus",
        "newline_to_br",
        "plus",
        "prepend",
        "remove",
        "remove_first",
        "round",
        "rstrip",
        "strip",
        "strip_html",
        "strip_newlines",
        "truncate",
        "truncatewords",
        "upcase",
        "url_encode",
    }
)
"""Each makes at most so much more of a text as stands in the letter."""


class TextBroken(InvalidInput):
    """A text that cannot be filled in; `errors` says where and why."""


class _Held(Environment):
    context_depth_limit = 10
    loop_iteration_limit = 1000
    local_namespace_limit = 200_000
    output_stream_limit = 4 * MOST_HTML


@cache
def _environment(*, html: bool) -> Environment:
    made = _Held(undefined=StrictUndefined, autoescape=html)
    for name in ("include", "render"):
        del made.tags[name]
    # What is left out reads the clock, makes a name markup, or can be made to work for ever.
    for name in set(made.filters) - _FILTERS:
        del made.filters[name]
    return made


# Style sheets are those of the letter alone: nothing is fetched, and no file is read.
_INLINER = CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


def check_words(kind: LetterKind, channel: str, told: LetterText) -> None:
    """Raises: TextBroken, with each part that is wrong and why."""
    errors = _shape(channel, told)
    for part, source in _parts(told).items():
        if len(source) > MOST[part]:
            errors[part] = ["Too long."]
        if part in errors:
            continue
        try:
            _filled(source, kind.sample, html=part == "html", known=set(kind.sample))
        except _Broken as broken:
            errors[part] = [str(broken)]
    if not errors:
        errors = _lengths(channel, _all_filled(told, kind.sample))
    if errors:
        raise TextBroken(errors)


def fill_in(channel: str, told: LetterText, values: Mapping[str, str]) -> LetterText:
    """The text with these values in it, and the style of its HTML at each element.

    Raises: TextBroken.
    """
    filled = _all_filled(told, values)
    errors = _lengths(channel, filled)
    if errors:
        raise TextBroken(errors)
    return filled


class _Broken(Exception):
    """The text says why."""


def _parts(told: LetterText) -> dict[str, str]:
    named = {"subject": told.subject, "text": told.text, "html": told.html}
    return {name: source for name, source in named.items() if source is not None}


def _shape(channel: str, told: LetterText) -> dict[str, list[str]]:
    """What a channel has: mail a subject; an SMS nothing but its text."""
    errors: dict[str, list[str]] = {}
    if channel == "email":
        if told.subject is None:
            errors["subject"] = ["Must not be blank."]
    else:
        errors = {name: ["Is for mail alone."] for name in _parts(told) if name != "text"}
    return errors


def _lengths(channel: str, filled: LetterText) -> dict[str, list[str]]:
    most = {
        "subject": MOST_SUBJECT,
        "text": MOST_SMS if channel == "sms" else 2 * MOST_TEXT,
        "html": 4 * MOST_HTML,
    }
    parts = _parts(filled)
    errors = {name: ["Too long."] for name, told in parts.items() if len(told) > most[name]}
    if not filled.text.strip():
        errors["text"] = ["Must not be blank."]
    return errors


def _all_filled(told: LetterText, values: Mapping[str, str]) -> LetterText:
    done: dict[str, str] = {}
    for part, source in _parts(told).items():
        try:
            done[part] = _filled(source, values, html=part == "html")
        except _Broken as broken:
            raise TextBroken({part: [str(broken)]}) from None
    subject = done.get("subject")
    return LetterText(
        done["text"],
        subject=None if subject is None else " ".join(subject.split()),
        html=_inlined(done["html"]) if "html" in done else None,
    )


def _inlined(html: str) -> str:
    try:
        return _INLINER.inline(html)
    except InlineError:
        raise TextBroken({"html": ["The style sheet cannot be read."]}) from None


def _filled(
    source: str, values: Mapping[str, str], *, html: bool, known: set[str] | None = None
) -> str:
    """Raises: _Broken."""
    if _has_loose_range(source):
        raise _Broken("A range of numbers is for loops alone.")
    try:
        template = _parsed(source, html=html)
        if known is not None:
            _check_names(source, template, known)
        return template.render(**values)
    except RecursionError:
        raise _Broken("Nested too deep.") from None
    except ResourceLimitError:
        raise _Broken("Does too much: too many turns of a loop, or too much text.") from None
    except UnknownFilterError as error:
        raise _Broken(_UNKNOWN_FILTER.format(line=_line(source, _place(error)))) from None
    except LiquidError as error:
        raise _Broken(_NOT_READABLE.format(line=_line(source, _place(error)))) from None
    except (ArithmeticError, ValueError):
        raise _Broken("A number in it cannot be reckoned with.") from None


def _has_loose_range(source: str) -> bool:
    """Numbers in a row anywhere but in a loop, whose turns are counted."""
    return any(
        not tag[1][: found.start()].rstrip().endswith(" in")
        for tag in _TAG.finditer(source)
        for found in _RANGE.finditer(tag[1])
    )


@lru_cache(maxsize=256)
def _parsed(source: str, *, html: bool) -> BoundTemplate:
    """Raises: LiquidError, RecursionError."""
    return _environment(html=html).from_string(source)


def _check_names(source: str, template: BoundTemplate, known: set[str]) -> None:
    """Also where a condition hides them from the sample.  Raises: _Broken."""
    used = template.analyze(include_partials=False)
    strange = [
        (one.span.index, str(one))
        for same in used.globals.values()
        for one in same
        if str(one) not in known
    ]
    if strange:
        name = _NAME.match(min(strange)[1])
        raise _Broken(f"Unknown placeholder: {name[0] if name else '?'}.")
    places = [
        span.index
        for name, spans in used.filters.items()
        for span in spans
        if name not in template.env.filters
    ]
    if places:
        raise _Broken(_UNKNOWN_FILTER.format(line=_line(source, min(places))))


def _place(error: LiquidError) -> int:
    return error.token.start_index if error.token is not None else 0


def _line(source: str, place: int) -> int:
    return source.count("\n", 0, max(place, 0)) + 1
