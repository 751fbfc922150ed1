"""What must always be true of the ledger, computed from the stored rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store.database import read
from tests.support.ledger import Shop


def assert_books_add_up(shop: Shop) -> None:
    """Figures, entries, rows, lots and holds agree; the programme's own proof says so too."""
    with read(shop.engine) as connection:
        assert verify_ledger(connection, programme_id=shop.programme_id) == []
    every = shop.snapshot()
    for account in every["accounts"]:
        key = (account["member_id"], account["currency"])
        own = {
            name: [row for row in every[name] if (row["member_id"], row["currency"]) == key]
            for name in ("lots", "entries", "entry_lots", "holds")
        }
        _assert_figures(account, own["entries"], own["lots"])
        _assert_lots(own["lots"], own["entry_lots"])
        live = [hold for hold in own["holds"] if hold["state"] == "live"]
        assert account["held"] == sum(hold["points"] for hold in live)
        for lot in own["lots"]:
            parts = [size for hold in live for no, size in hold["lots"] if no == lot["no"]]
            assert lot["held"] == sum(parts)


def _assert_figures(
    account: Mapping[str, Any], own: Sequence[Mapping[str, Any]], own_lots: Sequence[Any]
) -> None:
    for name in ("available", "pending", "held", "debt"):
        assert account[name] == sum(entry[f"d_{name}"] for entry in own), name
        assert account[name] >= 0
    assert account["available"] == sum(lot["free"] for lot in own_lots if lot["active"])
    assert account["pending"] == sum(lot["free"] for lot in own_lots if not lot["active"])
    assert account["held"] == sum(lot["held"] for lot in own_lots)
    assert account["debt"] == sum(lot["owed"] for lot in own_lots)
    assert not (account["debt"] and account["available"])
    assert [entry["seq"] for entry in sorted(own, key=lambda entry: entry["seq"])] == list(
        range(1, account["entries"] + 1)
    )


def _assert_lots(own_lots: Sequence[Mapping[str, Any]], moves: Sequence[Any]) -> None:
    for lot in own_lots:
        mine = [move for move in moves if move["lot"] == lot["no"]]
        for name in ("free", "held", "expired", "owed"):
            assert lot[name] == sum(move[f"d_{name}"] for move in mine), (lot["no"], name)
            assert lot[name] >= 0
        assert lot["free"] + lot["held"] + lot["expired"] <= lot["amount"]
