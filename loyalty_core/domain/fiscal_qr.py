"""The QR code of a fiscal receipt: what it says, read strictly.

Six fields joined by "&": t (date and time of the till), s (sum of the receipt), fn (fiscal
drive), i (number of the document), fp (its fiscal sign), n (kind of settlement: 1 a sale, 2 its
return, 3 an outgoing payment, 4 the return of one).  The form is that of the order of the
Federal Tax Service of Russia ED-7-20/662@ of 14 September 2020; that fields may stand in
another order, and seconds be told, is what tills print.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from loyalty_core.domain.errors import InvalidInput
from loyalty_kit.events import FiscalSign
from loyalty_kit.money import HUNDREDTHS, parse_decimal

SALE = 1
LONGEST = 200
_FIELDS = {
    "t": r"(\d{8})T(\d{4}|\d{6})",
    "s": r"\d{1,10}\.\d{2}",
    "fn": r"\d{12,16}",
    "i": r"\d{1,10}",
    "fp": r"\d{1,10}",
    "n": r"[1-4]",
}
UNREADABLE = InvalidInput({"qr": ["Not the QR code of a fiscal receipt."]})


@dataclass(frozen=True, slots=True)
class FiscalQr:
    """`at` is the wall clock of the till, which says no zone; `kind` 1 is a sale; `text` is the
    code with its fields in their order."""

    at: datetime
    sum_minor: int
    sign: FiscalSign
    kind: int
    text: str


def read_qr(text: str) -> FiscalQr:
    """What the code says.

    Stray blanks are let pass, as hands and scanners add them; nothing else is: each field once,
    no other field, no sign that no till prints.

    Raises: InvalidInput.
    """
    told: dict[str, str] = {}
    for part in "".join(text.split()).split("&"):
        name, _, value = part.partition("=")
        pattern = _FIELDS.get(name)
        if pattern is None or name in told or not re.fullmatch(pattern, value, re.ASCII):
            raise UNREADABLE
        told[name] = value
    if told.keys() != _FIELDS.keys():
        raise UNREADABLE
    sign = FiscalSign(told["fn"], told["i"], told["fp"])
    if not sign.is_told:
        raise UNREADABLE
    told |= {"i": sign.fd, "fp": sign.fp}
    whole = "&".join(f"{name}={told[name]}" for name in _FIELDS)
    total = parse_decimal(told["s"], HUNDREDTHS)
    return FiscalQr(_time(told["t"]), total, sign, int(told["n"]), whole)


def _time(text: str) -> datetime:
    form = "%Y%m%dT%H%M%S" if len(text) == len("20260101T120000") else "%Y%m%dT%H%M"
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - a till's clock has no zone
    except ValueError:
        raise UNREADABLE from None
