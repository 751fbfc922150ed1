"""What comes to the doors: lists of documents, of which some are not for us."""

from __future__ import annotations

import pytest

from connectors.evotor.routes import DOCUMENT_HOOK
from loyalty_kit.errors import NotOurs
from loyalty_kit.events import Purchase
from loyalty_kit.ports import Hint
from tests.connectors.evotor.shared import STORE, case, context, posted

SALE = case("sale_without_buyer_with_change")["document"]["document"]
FOREIGN = {**SALE, "id": "c0000000-0000-4000-8000-0000000000ff", "user_id": "01-000000000000999"}


@pytest.mark.parametrize("order", [(SALE, FOREIGN), (FOREIGN, SALE)])
def test_a_document_of_another_merchant_drops_no_other_of_its_list(order):
    (booked,) = DOCUMENT_HOOK.translate(posted(list(order)), context(feed="documents"))
    assert isinstance(booked, Purchase)
    assert booked.external_id == SALE["id"]
    assert DOCUMENT_HOOK.translate(posted(list(order)), context()) == (
        Hint("document", f"{STORE}/{SALE['id']}"),
    )


@pytest.mark.parametrize("feed", ["documents", "cloud"])
def test_a_list_of_nothing_that_is_ours_is_dropped(feed: str):
    with pytest.raises(NotOurs):
        DOCUMENT_HOOK.translate(posted([FOREIGN, {"type": "OPEN_SESSION"}]), context(feed=feed))
