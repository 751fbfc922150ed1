"""What every connector must do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from connectors.evotor import CONNECTOR
from loyalty_kit.testing.conformance import conformance_suite
from loyalty_kit.testing.recorded import RECEIVED_AT
from loyalty_kit.testing.remote import Asked, Reply, json_reply
from loyalty_kit.testing.subject import RemoteSide
from tests.connectors.evotor.shared import CASES, STORE, form, proof
from tests.stand_ins.evotor import Cloud


def accepts(asked: Asked) -> Reply:
    return json_reply(b'{"items": [], "paging": {}}')


@contextmanager
def two_pages() -> Iterator[str]:
    """A shop with more than a page of receipts and goods, sold before `RECEIVED_AT`."""
    sold = RECEIVED_AT - timedelta(hours=2)
    with Cloud(clock=lambda: sold, page_size=3) as cloud:
        cloud.open_store(STORE)
        for number in range(7):
            name = f"c0000000-0000-4000-8000-{number:012}"
            cloud.put(STORE, {"id": name, "type": "SELL", "close_date": cloud.moment()})
        goods = [{"id": f"d0000000-0000-4000-8000-{n:012}", "name": "Кофе"} for n in range(7)]
        cloud.goods[(STORE, "products")] = goods
        yield cloud.base_url


TestEvotor = conformance_suite(
    CONNECTOR,
    recorded=CASES,
    settings=form(),
    sign=lambda webhook, body: proof(),
    remote=RemoteSide(settings=form, accepts=accepts, shop=two_pages),
    changed_body="Evotor signs nothing: it sends the token that the hub gave it",
)
