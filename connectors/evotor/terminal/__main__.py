"""One receipt against a real hub, call by call: `python -m connectors.evotor.terminal --help`.

What is written is what an application on the terminal would hand to Evotor at that place.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.evotor.terminal.line import Declined, HttpLine, Line, LineDown
from connectors.evotor.terminal.receipt import Offer, Position, Receipt, document_of
from connectors.evotor.terminal.rules import Untrusted
from connectors.evotor.terminal.till import Till

TOKEN = "EVOTOR_USER_TOKEN"  # nosec B105 # noqa: S105 - the variable's name
PATIENCE_S = 10.0
"""What is handed in is booked within a second, if a worker is there."""
PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Telling:
    """A line that tells each call, and no body: those name people."""

    line: Line

    def send(self, method: str, path: str, body: Any = None) -> Any:
        _say(f"-> {method} {path}")
        return self.line.send(method, path, body)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where the hub took everything, 1 where it did not."""
    asked = _parser().parse_args(arguments)
    token = os.environ.get(TOKEN, "")
    if not token:
        _say(f"Put the user's token into {TOKEN}.")
        return 1
    headers = {
        "Authorization": f"Bearer {token}",
        "X-Evotor-User-Id": asked.user,
        "X-Evotor-Store-Uuid": asked.store,
    }
    line = Telling(HttpLine(asked.address.rstrip("/"), headers))
    try:
        with tempfile.TemporaryDirectory() as folder:
            till = Till(line, Path(folder) / "till.json", store=asked.store, clock=_now)
            return _sell(till, line, asked)
    except Declined as declined:
        _say(f"refused: {declined.code} ({declined.texts.get('en', '')})")
    except LineDown as down:
        _say(f"no line: {down}")
    except Untrusted:
        _say("the rules are not signed by this hub")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("connectors.evotor.terminal", description=__doc__)
    parser.add_argument("address", help="https://<hub>/connect/<installation>/terminal")
    parser.add_argument("--user", required=True, help="the merchant, 01-000000000000001")
    parser.add_argument("--store", required=True, help="the shop's id at Evotor")
    who = parser.add_mutually_exclusive_group()
    for name in ("phone", "card", "code"):
        who.add_argument(f"--{name}", help="the buyer's")
    parser.add_argument("--goods", action="append", default=[], metavar="PRICE[xQUANTITY]")
    parser.add_argument("--points", help='how many to spend, or "max"')
    parser.add_argument("--book", action="store_true", help="hand the receipt in, to be booked")
    return parser


def _sell(till: Till, line: Line, asked: argparse.Namespace) -> int:
    """Raises: Declined, LineDown, Untrusted."""
    till.refresh()
    pack = till.rules()
    _say(f"rules for going on alone: until {'none' if pack is None else pack['validUntil']}")
    receipt = Receipt(str(uuid.uuid4()), _positions(asked.goods or ["100.00"]))
    who = {name: told for name in ("phone", "card", "code") if (told := getattr(asked, name))}
    if who:
        known = till.identify(receipt, **who)
        _say(f"buyer: balance {known['balance']}, tier {known['tier']}" if known else "no line")
    offer = till.offer(receipt, asked.points)
    _tell(offer)
    if offer.alone:
        return 1
    if offer.needs_code or not asked.book:
        till.clear(receipt)
        return 0
    document = document_of(receipt, offer, closed_at=_now(), store=asked.store)
    line.send("POST", "receipts", {"receipts": [document]})
    return _wait(line, receipt, offer)


def _positions(goods: Sequence[str]) -> list[Position]:
    found = []
    for one in goods:
        price, _, quantity = one.partition("x")
        found.append(Position(str(uuid.uuid4()), Decimal(quantity or "1"), Decimal(price)))
    return found


def _tell(offer: Offer) -> None:
    told = {name: str(off) for name, off in offer.off.items()}
    _say(f"ReceiptDiscountEventResult.discount: {offer.discount}")
    _say(f"positionUuidToDiscountMap: {json.dumps(told)}")
    _say(f"SetExtra: {json.dumps({'loyalty': dict(offer.block)})}")
    _say(f"PrintExtra: {' / '.join(offer.lines) or 'nothing'}")
    if offer.needs_code:
        _say("these points need a code: POST quotes/<receipt>/code, then ask again with it")


def _wait(line: Line, receipt: Receipt, offer: Offer) -> int:
    told = {
        "receiptUuid": receipt.uuid,
        "earned": str(offer.earned),
        "spent": str(offer.spent),
        "hadCustomer": bool(receipt.who),
        "pack": None,
        "closedAt": _now().isoformat(timespec="seconds"),
    }
    waiting = threading.Event()
    for _ in range(int(PATIENCE_S / PAUSE_S)):
        (report,) = line.send("POST", "receipts/report", {"receipts": [told]})["receipts"]
        if report["state"] == "booked":
            _say(f"booked: earned {report['earned']}, spent {report['spent']}")
            return 0
        waiting.wait(PAUSE_S)
    _say("kept, and not booked yet: is a worker running?")
    return 1


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the till's clock, and not the hub's


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
