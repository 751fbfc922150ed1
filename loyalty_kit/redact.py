"""Takes phones, e-mails, cards and secrets out of whatever is recorded or logged.

By shape in free text, and by the name of the field in data.  Rather too much than too little:
a digit run that may be a phone is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "[redacted]"

_SECRET_NAME = re.compile(
    r"secret|passw|passwd|pwd|token|authorization|signature|api_?key|consumer_?key|auth_?key"
    r"|private_?key|access_?key|^auth$|^key$|^cookie$|^set_cookie$|session_?id|credential|(^|_)pin$",
    re.IGNORECASE,
)
_PERSONAL_NAME = re.compile(
    r"phone|^tel$|mobile|e_?mail|(^|_)card(_|$)|card_?(number|no)|(^|_)pan$|first_?name|last_?name"
    r"|middle_?name|full_?name|patronymic|surname|birth|^address|address_?[12]$|passport|^inn$",
    re.IGNORECASE,
)
_HYPHENS = str.maketrans("-. ", "___")

_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# Digits with the separators that people write in phones and cards; no date, no decimal.
_DIGITS = re.compile(
    r"(?<![\w.])(?!\d{4}-\d\d-\d\d|\d+\.\d{1,3}(?![\d.]))\+?\(?\d(?:[\s().-]{0,2}\d){9,18}(?!\w|\.\d)",
    re.ASCII,
)
# Tokens by the marks that their makers give them, JSON web tokens, and long mixed runs.
_TOKEN = re.compile(
    r"\b(?:c[ks]_[0-9a-f]{16,}|(?:sk|pk|ghp|xox[abp])[_-][\w-]{10,}"
    r"|eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*)"
)
_MIXED = re.compile(r"(?<![\w+-])(?=[\w+-]*\d)(?=[\w+-]*[A-Za-z])[\w+-]{32,}={0,2}", re.ASCII)
_BASE64 = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/]{40,}={1,2}")
# Incoming webhooks of Bitrix24 have their secret in the path: /rest/<user>/<secret>/<method>.
_IN_PATH = re.compile(r"(/rest/[0-9]{1,12}/)[^/\s\"']+")
_AUTHORIZATION = re.compile(r"\b(basic|bearer|digest)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
_SCHEMES = frozenset({"basic", "bearer", "digest"})
_ASSIGNED = re.compile(
    r"(?<![\w-])(?P<name>[\w-]{1,60})(?P<sign>[\"']?\s{0,3}[=:]\s{0,3}[\"']?)"
    r"(?P<value>[^\s&\"',;}\[]+)"
)


def redact_text(text: str) -> str:
    """The text without phones, e-mails, cards, tokens and `secret=...` pairs."""
    text = _AUTHORIZATION.sub(rf"\1 {MASK}", text)
    text = _IN_PATH.sub(rf"\1{MASK}", _ASSIGNED.sub(_without_secret, text))
    for shape in (_EMAIL, _TOKEN, _BASE64, _MIXED, _DIGITS):
        text = shape.sub(MASK, text)
    return text


def redact_json(data: Any) -> Any:
    """A copy of JSON-like data, redacted by field name and by shape.

    Whole numbers that are as long as a phone are masked as well; booleans, None and shorter
    numbers stay.  A field with a secret or personal name is masked whole, whatever it holds,
    unless it is empty.
    """
    if isinstance(data, Mapping):
        return {name: _field(name, value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [redact_json(item) for item in data]
    if isinstance(data, str):
        return redact_text(data)
    if isinstance(data, bytes):
        return redact_text(data.decode("utf-8", "replace"))
    if isinstance(data, int) and not isinstance(data, bool) and abs(data) >= 10**9:
        return MASK
    return data


def masked_address(address: str) -> str:
    """A phone or an e-mail as it may be shown to somebody who knows it: `***67`, `a***@b.ru`."""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}***@{domain}" if at else f"***{address[-2:]}"


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret, going by the name alone."""
    return _SECRET_NAME.search(name.translate(_HYPHENS)) is not None


def is_personal_name(name: str) -> bool:
    """Whether a field of this name holds something personal, going by the name alone."""
    return _PERSONAL_NAME.search(name.translate(_HYPHENS)) is not None


def _without_secret(match: re.Match[str]) -> str:
    if match["value"].lower() in _SCHEMES or not is_secret_name(match["name"]):
        return match.group()
    return f"{match['name']}{match['sign']}{MASK}"


def _field(name: Any, value: Any) -> Any:
    if isinstance(name, str) and value not in (None, "", False, True, [], {}):
        if is_secret_name(name):
            return MASK
        if is_personal_name(name) and not isinstance(value, Mapping | list | tuple):
            return MASK
    return redact_json(value)
