"""Fetch: a hinted document or article as it stands now, and what that means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.moysklad.catalogue import GOODS, translate_goods
from connectors.moysklad.client import MOST, PAGE, MoySklad
from connectors.moysklad.people import translate_counterparty
from connectors.moysklad.schemas import ref_id, uuid_of
from connectors.moysklad.settings import COUNTERPARTY, ORDER
from connectors.moysklad.translate import (
    DEMAND_RETURN,
    DOCUMENTS,
    UNNAMED,
    kinds_of,
    translate_document,
)
from loyalty_kit.errors import Gone, NotOurs, Retry
from loyalty_kit.ports import Context, Hint, Translated

EXPAND = "agent,positions"
ALSO = {ORDER: ",state", DEMAND_RETURN: ",demand"}


class Documents:
    """Documents: {"document", "positions"}, an order also with "sales"; {"gone": true}; or an
    article or a counterparty as it is."""

    def read(self, client: MoySklad, hint: Hint) -> Any:
        """Raises: NotOurs, Gone (articles and counterparties), Retry (a document that the till
        told without its id is not there yet), and what the client raises."""
        if hint.kind.startswith(UNNAMED):
            kind = hint.kind.removeprefix(UNNAMED)
            return _document(client, kind, _found(client, kind, json.loads(hint.id)))
        number = uuid_of(hint.id)
        if number is None:
            raise Gone("not an id of MoySklad")
        if hint.kind in DOCUMENTS:
            return {**_document(client, hint.kind, number), **_sales(client, hint)}
        if hint.kind in GOODS or hint.kind == COUNTERPARTY:
            return client.one(hint.kind, number, GOODS.get(hint.kind, ""))
        raise NotOurs(f"documents of kind {hint.kind!r}"[:100])

    def read_many(self, client: MoySklad, hints: tuple[Hint, ...]) -> dict[Hint, Any]:
        """Those of a kind by one call: equal conditions on `id` mean any of them (JSON API,
        general, filtering).  The list leaves out the recycle bin.

        Raises: what the client raises.
        """
        named = {number: hint for hint in hints if (number := uuid_of(hint.id)) is not None}
        kind = hints[0].kind
        if kind not in (*DOCUMENTS, COUNTERPARTY) or not named:
            return {}
        params = {"filter": ";".join(f"id={number}" for number in named), "limit": str(PAGE)}
        if kind != COUNTERPARTY:
            params["expand"] = f"{EXPAND}{ALSO.get(kind, '')}"
        rows = client.rows(f"/entity/{kind}", params)
        told = [(named[str(row["id"])], row) for row in rows if str(row.get("id")) in named]
        if kind == COUNTERPARTY:
            return dict(told)
        return {
            hint: {"document": row, "positions": positions}
            for hint, row in told
            if (positions := _whole(row)) is not None
        }

    def translate(self, hint: Hint, document: Any, context: Context) -> Translated:
        """Raises: NotOurs, PayloadInvalid."""
        if hint.kind in DOCUMENTS or hint.kind.startswith(UNNAMED):
            return translate_document(hint, document, context)
        if hint.kind in GOODS:
            return translate_goods(document)
        if hint.kind == COUNTERPARTY:
            return translate_counterparty(document, context.settings)
        raise NotOurs(f"documents of kind {hint.kind!r}"[:100])


def _document(client: MoySklad, kind: str, number: str) -> dict[str, Any]:
    try:
        document = client.one(kind, number, f"{EXPAND}{ALSO.get(kind, '')}")
        rows = _whole(document)
        if rows is None:
            rows = client.all(f"/entity/{kind}/{number}/positions", size=MOST)
    except Gone:
        if _is_of_another_kind(client, kind, number):
            raise NotOurs("a hint that names a document by a kind that it is not of") from None
        return {"gone": True}
    return {"document": document, "positions": rows}


def _whole(document: Mapping[str, Any]) -> list[Any] | None:
    """The positions of a document, if it tells all of them."""
    positions = document.get("positions")
    listed = positions if isinstance(positions, dict) else {}
    rows, meta = listed.get("rows"), listed.get("meta")
    size = meta.get("size") if isinstance(meta, dict) else None
    if not isinstance(rows, list) or (isinstance(size, int) and size > len(rows)):
        return None
    return rows


def _sales(client: MoySklad, hint: Hint) -> dict[str, Any]:
    """The retail sales that have named an order, as they stand now: by its order no list of sales
    can be asked for (JSON API, documents, retail demand: `customerOrder` has no filter)."""
    if hint.kind != ORDER or not hint.by:
        return {}
    sales: list[Any] = []
    for sale in hint.by:
        try:
            sales.append(client.one(sale.kind, sale.id, ""))
        except Gone:
            continue
    return {"sales": sales}


def _is_of_another_kind(client: MoySklad, kind: str, number: str) -> bool:
    """Ids are unique over all kinds: what another kind has is not gone."""
    for other in kinds_of(client.settings):
        if other != kind:
            try:
                client.one(other, number, "")
            except Gone:
                continue
            return True
    return False


def _found(client: MoySklad, kind: str, mark: list[Any]) -> str:
    """The id of the document with this number, of this retail point and minute.

    Raises: Retry, and what the client raises.
    """
    store, name, moment, _ = mark
    minute = moment[:16]
    named = name.replace(";", "\\;")
    asked = f"name={named};moment>={minute}:00.000;moment<={minute}:59.999"
    rows = client.rows(f"/entity/{kind}", {"filter": asked, "limit": str(PAGE)})
    ids = [str(row.get("id")) for row in rows if _store_of(row) == store]
    if len(ids) != 1:
        raise Retry(f"{len(ids)} documents have the number and time of one without an id")
    return ids[0]


def _store_of(row: Mapping[str, Any]) -> str | None:
    store = row.get("retailStore")
    return ref_id(store) if isinstance(store, dict) else None
