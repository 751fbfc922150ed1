"""Finds changed orders or deals by polling: a portal repeats no event that was lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.bitrix24 import schemas
from connectors.bitrix24.client import PAGE, Json, Portal
from connectors.bitrix24.documents import DEALS
from connectors.bitrix24.schemas import load
from connectors.bitrix24.translate import KIND_OF, ORDER
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.ports import Hint, PullPage

OVERLAP = timedelta(hours=1)
"""The portal dates its changes by its own clock, and the hub its rounds by another."""

_ROW = compile_load(schemas.ListedRow())


class Pull:
    """The cursor: where this round began to look, when it began, the last id of its last page,
    and what it saw of the time that the next one looks at again, by id and time, so that the
    overlap of an idle portal gives no hints.
    """

    def page(self, client: Portal, cursor: str | None, now: datetime) -> PullPage:
        """One page, by id and not by offsets: what changes meanwhile pushes no other out.

        Raises: PayloadInvalid, and what the client raises.
        """
        since, began, last, seen = _read(cursor, client, now)
        began = began or _text(now)
        rows = changed(client, since=since, after=last)
        kind = KIND_OF[client.settings["purchases"]]
        hints = tuple(
            Hint(kind, str(row["id"])) for row in rows if seen.get(str(row["id"])) != row["updated"]
        )
        following = datetime.fromisoformat(began) - OVERLAP
        again = [row for row in rows if _is_after(row["updated"], following)]
        seen |= {str(row["id"]): row["updated"] for row in again}
        if len(rows) == PAGE:
            return PullPage(hints, _written(since, began, rows[-1]["id"], seen), more=True)
        kept = {name: told for name, told in seen.items() if _is_after(told, following)}
        return PullPage(hints, _written(_text(following), None, 0, kept), more=False)

    def recheck(self, client: Portal, known: tuple[Hint, ...]) -> tuple[Hint, ...]:
        """Documents that were deleted: they are in no list any more."""
        kind = KIND_OF[client.settings["purchases"]]
        own = [hint for hint in known if hint.kind == kind]
        missing: list[Hint] = []
        for start in range(0, len(own), PAGE):
            portion = own[start : start + PAGE]
            rows = _listed(client, {"@id": [hint.id for hint in portion]})
            present = {str(row.get("id")) for row in rows}
            missing += [hint for hint in portion if hint.id not in present]
        return tuple(missing)


def changed(client: Portal, *, since: str, after: int) -> list[dict[str, Any]]:
    """A page of what counts, changed since then, with ids above `after`: `id` and `updated`.

    Raises: PayloadInvalid, and what the client raises.
    """
    is_order = KIND_OF[client.settings["purchases"]] == ORDER
    name = "dateUpdate" if is_order else "updatedTime"
    rows = _listed(client, {f">={name}": since, ">id": after})
    return [load(_ROW, {"id": row.get("id"), "updated": row.get(name)}) for row in rows]


def _listed(client: Portal, chosen: dict[str, Any]) -> Sequence[Json]:
    told: dict[str, Any] = {"filter": chosen, "order": {"id": "asc"}}
    if KIND_OF[client.settings["purchases"]] == ORDER:
        return client.rows("sale.order.list", "orders", {**told, "select": ["id", "dateUpdate"]})
    told |= {"entityTypeId": DEALS, "select": ["id", "updatedTime"]}
    return client.rows("crm.item.list", "items", told)


def _is_after(told: str, moment: datetime) -> bool:
    try:
        return datetime.fromisoformat(told) >= moment
    except (ValueError, TypeError):
        return True


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _written(since: str, began: str | None, last: int, seen: dict[str, str]) -> str:
    return json.dumps({"since": since, "began": began, "last": last, "seen": seen})


def _read(
    cursor: str | None, client: Portal, now: datetime
) -> tuple[str, str | None, int, dict[str, str]]:
    """Raises: PayloadInvalid."""
    if cursor is None:
        back = timedelta(days=client.settings["backfill_days"])
        return _text(now - back - OVERLAP), None, 0, {}
    try:
        kept = json.loads(cursor)
        return kept["since"], kept["began"], kept["last"], dict(kept["seen"])
    except (ValueError, TypeError, KeyError):
        raise PayloadInvalid("the cursor is not one of ours") from None
