"""What is wrong with a file or a line of it, in the language of the page.

The services and the reader of files say it in English sentences of their own; here each has its
translation.  One that is new here is shown as it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hub.web.admin.languages import lazy_gettext

_UNREADABLE: Mapping[str, str] = {
    "{file} has no headings in its first row.": lazy_gettext(
        "{file} has no headings in its first row."
    ),
    "{file} has two columns {names}.": lazy_gettext("{file} has two columns {names}."),
    "{file} is UTF-8 with broken characters in it.  "
    "Mend it, or name its encoding: --encoding": lazy_gettext(
        "{file} is UTF-8 with broken characters in it: save it anew as CSV or XLSX."
    ),
    "{file} cannot be read: {why}": lazy_gettext("{file} cannot be read: {why}"),
    "{file}: a quotation mark that opens on line {line} is not closed where its cell"
    " ends, and swallows what stands below.  Close it, or take the line break out of the"
    " cell.": lazy_gettext(
        "{file}: a quotation mark that opens on line {line} is not closed where its cell ends,"
        " and swallows what stands below."
    ),
    "{file} cannot be read from line {line} on: {why}": lazy_gettext(
        "{file} cannot be read from line {line} on: {why}"
    ),
    "{file} unpacks to more than {most} MiB.": lazy_gettext(
        "{file} unpacks to more than {most} MiB."
    ),
    "{file} is no XLSX file: {why}": lazy_gettext("{file} is no XLSX file: {why}"),
    "The file has no column {name}.": lazy_gettext("The file has no column {name}."),
    "The file has no column {name}; name it: --column {name}=...": lazy_gettext(
        "The file has no column {name}: write this word into its first row."
    ),
}
_SENTENCES: Mapping[str, str] = {
    "has more cells than there are headings": lazy_gettext(
        "has more cells than there are headings"
    ),
    "has a code of which a spreadsheet kept a part": lazy_gettext(
        "has a code of which a spreadsheet kept a part"
    ),
    "has an article of which a spreadsheet kept a part": lazy_gettext(
        "has an article of which a spreadsheet kept a part"
    ),
    "has no code of 3 to 64 characters": lazy_gettext("has no code of 3 to 64 characters"),
    "stands in the file before": lazy_gettext("stands in the file before"),
    "names a member whom nobody knows": lazy_gettext("names a member whom nobody knows"),
    "has no series of the rules in force": lazy_gettext("has no series of the rules in force"),
    "has a state that is not active, blocked or withdrawn": lazy_gettext(
        "has a state that is not active, blocked or withdrawn"
    ),
    "has a state that is not issued, active or blocked": lazy_gettext(
        "has a state that is not issued, active or blocked"
    ),
    "ends before it starts": lazy_gettext("ends before it starts"),
    "is expired already": lazy_gettext("is expired already"),
    "is used already": lazy_gettext("is used already"),
    "is spent already": lazy_gettext("is spent already"),
    "is void already": lazy_gettext("is void already"),
    "is a coupon already": lazy_gettext("is a coupon already"),
    "is a certificate already": lazy_gettext("is a certificate already"),
    "is active and has no balance": lazy_gettext("is active and has no balance"),
    "has a balance and was not paid for": lazy_gettext("has a balance and was not paid for"),
}
COLUMNS: Mapping[str, str] = {
    "sku": lazy_gettext("article"),
    "name": lazy_gettext("name of the product"),
    "price": lazy_gettext("price"),
    "cost": lazy_gettext("what it costs you"),
    "categories": lazy_gettext("categories"),
    "brand": lazy_gettext("brand"),
    "attributes": lazy_gettext("features"),
    "class": lazy_gettext("kind of goods"),
    "volume_ml": lazy_gettext("volume, ml"),
    "strength": lazy_gettext("strength in per cent"),
    "code": lazy_gettext("code itself"),
    "series": lazy_gettext("code of the series"),
    "member": lazy_gettext("whose it is: a phone, a card or an e-mail"),
    "most": lazy_gettext("how many times it works"),
    "uses": lazy_gettext("times used already"),
    "state": lazy_gettext("state"),
    "starts_at": lazy_gettext("works from"),
    "ends_at": lazy_gettext("works until"),
    "nominal": lazy_gettext("nominal"),
    "balance": lazy_gettext("money left on it"),
}
"""What a column means, by the word that its heading has."""
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"has a (?P<word>\w+) that is no time", lazy_gettext("has a {word} that is no time")),
        (
            r"has a (?P<word>\w+) without an offset",
            lazy_gettext("has a {word} without a time zone"),
        ),
        (r"has a (?P<word>\w+) that is not .+", lazy_gettext("has a {word} that cannot be")),
        (r"has a (?P<word>\w+) that cannot be", lazy_gettext("has a {word} that cannot be")),
        (
            r"has (?:a )?(?P<word>\w+) that is no (?:whole )?number",
            lazy_gettext("has a {word} that is no number"),
        ),
        (
            r"has a (?P<word>\w+) that is no sum of money",
            lazy_gettext("has a {word} that is no sum of money"),
        ),
        (r"has a (?P<word>\w+) that is too long", lazy_gettext("has a {word} that is too long")),
        (r"has no (?P<word>\w+)", lazy_gettext("has no {word}")),
    )
)


def sentence(why: str) -> str:
    """Why a line cannot be taken, to stand behind its number."""
    if why in _SENTENCES:
        return str(_SENTENCES[why])
    for pattern, text in _PATTERNS:
        if found := pattern.fullmatch(why):
            return str(text).format(word=_column(found["word"]))
    return why


def _column(word: str) -> str:
    """By the word of its heading, and what that means."""
    return f"{word} ({COLUMNS[word]})" if word in COLUMNS else word


def unreadable(template: str, facts: Mapping[str, object], name: str) -> str:
    """Why a file cannot be taken (`SheetUnreadable`), by the name that its owner knows it by."""
    return str(_UNREADABLE.get(template, template)).format(**{**facts, "file": name})
