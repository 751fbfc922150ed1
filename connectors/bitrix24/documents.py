"""Fetch: a hinted order or deal as it stands now, with its contact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.bitrix24.client import PAGE, Json, Portal
from connectors.bitrix24.translate import DEAL, KIND_OF, ORDER, translate_document
from loyalty_kit.errors import Gone, NotOurs
from loyalty_kit.ports import Context, Hint, Translated

DEALS, CONTACTS = 2, 3
"""Entity types of CRM."""


class Documents:
    """Documents: {"order", "contact"}, {"deal", "rows", "contact"}, {"gone": true}."""

    def read(self, client: Portal, hint: Hint) -> Any:
        """Raises: NotOurs, and what the client raises."""
        if hint.kind != KIND_OF[client.settings["purchases"]]:
            raise NotOurs(f"documents of kind {hint.kind!r} do not count here"[:100])
        try:
            return _order(client, hint.id) if hint.kind == ORDER else _deal(client, hint.id)
        except Gone:
            return {"gone": True}

    def translate(self, hint: Hint, document: Any, context: Context) -> Translated:
        """Raises: NotOurs, PayloadInvalid."""
        if hint.kind not in (ORDER, DEAL):
            raise NotOurs(f"documents of kind {hint.kind!r}"[:100])
        return translate_document(hint, document, context)


def _order(client: Portal, number: str) -> Json:
    order = client.one("sale.order.get", "order", {"id": number})
    clients = order.get("clients")
    bound = [one for one in clients if isinstance(one, dict)] if isinstance(clients, list) else []
    bound.sort(key=lambda one: one.get("isPrimary") != "Y")
    contacts = (one.get("entityId") for one in bound if str(one.get("entityTypeId")) == "3")
    return {"order": order, "contact": _contact(client, contacts)}


def _deal(client: Portal, number: str) -> Json:
    deal = client.one("crm.item.get", "item", {"entityTypeId": DEALS, "id": number})
    rows: list[Json] = []
    page: list[Json] = []
    while not rows or len(page) == PAGE:
        last = rows[-1].get("id", 0) if rows else 0
        chosen = {"=ownerType": "D", "=ownerId": number, ">id": last}
        told = {"filter": chosen, "order": {"id": "asc"}}
        page = client.rows("crm.item.productrow.list", "productRows", told)
        rows += page
        if not page:
            break
    return {"deal": deal, "rows": rows, "contact": _contact(client, [deal.get("contactId")])}


def _contact(client: Portal, numbers: Iterable[Any]) -> Json | None:
    """The first that is still there: after a merge one of two vanishes."""
    for number in numbers:
        if str(number).isdigit() and int(number):
            try:
                return client.one("crm.item.get", "item", {"entityTypeId": CONTACTS, "id": number})
            except Gone:
                continue
    return None
