"""What every connector must do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.bitrix24 import CONNECTOR
from connectors.bitrix24 import client as calls
from loyalty_kit.ports import SECRET_HEADER
from loyalty_kit.testing.conformance import conformance_suite
from loyalty_kit.testing.remote import Asked, Reply, json_reply
from loyalty_kit.testing.subject import RemoteSide
from tests.connectors.bitrix24.shared import CASES, HOOK, form
from tests.stand_ins.bitrix24 import Account


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch) -> None:
    """The pace of calls is tried in `test_client.py`."""
    monkeypatch.setattr(calls, "PER_S", 1000.0)


def accepts(asked: Asked) -> Reply:
    return json_reply(b'{"result": {"order": {}, "item": {}}}')


@contextmanager
def two_pages() -> Iterator[str]:
    """A portal with more than fifty orders, and goods in two catalogues."""
    with Account() as account:
        for number in range(1, 121):
            account.orders[number] = {"id": number, "dateUpdate": "2026-03-20T11:00:00+00:00"}
            goods = {"id": number, "iblockId": 23, "name": f"Чай {number}", "active": "Y"}
            account.goods.append(goods)
        account.goods.append({"id": 500, "iblockId": 24, "name": "Кружка", "active": "Y"})
        yield account.base_url


TestBitrix24 = conformance_suite(
    CONNECTOR,
    recorded=CASES,
    settings=form(),
    sign=lambda webhook, body: {SECRET_HEADER: HOOK},
    remote=RemoteSide(settings=form, accepts=accepts, shop=two_pages),
    changed_body="a portal signs nothing: a secret address, and a token within the body",
)
