"""What every connector must do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.moysklad import CONNECTOR
from loyalty_kit.testing.conformance import conformance_suite
from loyalty_kit.testing.recorded import RECEIVED_AT
from loyalty_kit.testing.remote import Asked, Reply, json_reply
from loyalty_kit.testing.subject import RemoteSide
from tests.connectors.moysklad.shared import ANNA, CASES, form, proof
from tests.stand_ins.moysklad import Account


def accepts(asked: Asked) -> Reply:
    if asked.path.endswith("/attributes"):
        return json_reply(b'{"rows": [{"name": "Points", "type": "long", "meta": {"href": "x"}}]}')
    return json_reply(b'{"meta": {"size": 0}, "rows": []}')


@contextmanager
def two_pages() -> Iterator[str]:
    """An account with more than a hundred sales and products, changed before `RECEIVED_AT`."""
    with Account(clock=lambda: RECEIVED_AT) as account:
        for number in range(120):
            name = f"7777{number:04}-1fb1-11f1-0a80-0b6300000187"
            account.put("retaildemand", {"id": name})
            account.put("product", {"id": name, "name": f"Товар {number}"})
        yield account.base_url


TestMoysklad = conformance_suite(
    CONNECTOR,
    recorded=CASES,
    settings=form(customers="staff"),
    sign=lambda webhook, body: proof(webhook),
    remote=RemoteSide(settings=form, accepts=accepts, shop=two_pages, member=ANNA),
    changed_body="MoySklad signs nothing: a secret address, and the till's token",
    unknown_kinds="the till posts one kind of document to each address; hints of kinds that are "
    "not ours are dropped (test_webhooks.py)",
)
