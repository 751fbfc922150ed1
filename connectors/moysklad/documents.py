"""Fetch: a hinted document or article as it stands now, and what that means."""

from __future__ import annotations

from typing import Any

from connectors.moysklad.catalogue import GOODS, translate_goods
from connectors.moysklad.client import MOST, MoySklad
from connectors.moysklad.schemas import uuid_of
from connectors.moysklad.settings import ORDER
from connectors.moysklad.translate import DOCUMENTS, translate_document
from loyalty_kit.errors import Gone, NotOurs
from loyalty_kit.ports import Context, Hint, Translated

EXPAND = "agent,positions"


class Documents:
    """Documents: {"document", "positions"}, {"gone": true}, or an article as it is."""

    def read(self, client: MoySklad, hint: Hint) -> Any:
        """Raises: NotOurs, Gone (articles only), and what the client raises."""
        number = uuid_of(hint.id)
        if number is None:
            raise Gone("not an id of MoySklad")
        if hint.kind in DOCUMENTS:
            return _document(client, hint.kind, number)
        if hint.kind in GOODS:
            return client.one(hint.kind, number, GOODS[hint.kind])
        raise NotOurs(f"documents of kind {hint.kind!r}"[:100])

    def translate(self, hint: Hint, document: Any, context: Context) -> Translated:
        """Raises: NotOurs, PayloadInvalid."""
        if hint.kind in DOCUMENTS:
            return translate_document(hint, document, context)
        if hint.kind in GOODS:
            return translate_goods(document)
        raise NotOurs(f"documents of kind {hint.kind!r}"[:100])


def _document(client: MoySklad, kind: str, number: str) -> dict[str, Any]:
    expand = f"{EXPAND},state" if kind == ORDER else EXPAND
    try:
        document = client.one(kind, number, expand)
        positions = document.get("positions")
        listed = positions if isinstance(positions, dict) else {}
        rows, meta = listed.get("rows"), listed.get("meta")
        size = meta.get("size") if isinstance(meta, dict) else None
        if not isinstance(rows, list) or (isinstance(size, int) and size > len(rows)):
            rows = client.all(f"/entity/{kind}/{number}/positions", size=MOST)
    except Gone:
        return {"gone": True}
    return {"document": document, "positions": rows}
