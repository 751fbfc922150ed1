"""Fetch: a hinted document as the cloud has it, and what that means."""

from __future__ import annotations

from typing import Any

from connectors.evotor.client import Evotor
from connectors.evotor.first_version import as_second, is_first_version
from connectors.evotor.schemas import id_of
from connectors.evotor.translate import PAYBACK, READ, is_ours, translate_document
from loyalty_kit.errors import Gone, NotOurs, PayloadInvalid
from loyalty_kit.ports import Context, Hint, Translated

DOCUMENT = "document"


def hint_of(store: str, number: str) -> Hint:
    """The document's name: its shop at Evotor and its id, which is unique there alone."""
    return Hint(DOCUMENT, f"{store}/{number}")


class Documents:
    """A document is {"document": ...}; a return has its sale beside it, as {"base": ...}."""

    def read(self, client: Evotor, hint: Hint) -> Any:
        """Raises: NotOurs, Gone, and what the client raises."""
        if hint.kind != DOCUMENT:
            raise NotOurs(f"documents of kind {hint.kind!r}"[:100])
        store, _, number = hint.id.partition("/")
        if id_of(store) is None or id_of(number) is None:
            raise Gone("not a document's name")
        document = client.document(store, number)
        base = _base_of(document)
        if base is None:
            return {"document": document}
        return {"document": document, "base": _sale(client, store, base)}

    def translate(self, hint: Hint, document: Any, context: Context) -> Translated:
        """Raises: NotOurs, PayloadInvalid."""
        if hint.kind != DOCUMENT:
            raise NotOurs(f"documents of kind {hint.kind!r}"[:100])
        if not isinstance(document, dict) or "document" not in document:
            raise PayloadInvalid("not what was read")
        revision = context.revision + READ
        base = document.get("base")
        return (translate_document(document["document"], context, revision, base=base),)


def _base_of(document: dict[str, Any]) -> str | None:
    """The sale that a return names."""
    if not is_ours(document) or document["type"] != PAYBACK:
        return None
    if is_first_version(document):
        try:
            document = as_second(document)
        except PayloadInvalid:
            return None
    body = document.get("body")
    return id_of(body.get("base_document_id")) if isinstance(body, dict) else None


def _sale(client: Evotor, store: str, number: str) -> Any:
    """None where it is not there, as a sale of another shop, or of before the cloud's memory."""
    try:
        return client.document(store, number)
    except Gone:
        return None
