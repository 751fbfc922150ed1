"""A hub with a WooCommerce shop connected: recorded deliveries in, purchases and points out.

All parts are real: the connector comes by its entry point, the shop is a stand-in on a socket
of its own, and deliveries are worked off by the worker thread or by an RQ worker on Redis.
The programme gives 5 %, rounds down to whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from hub.app import create_app
from hub.deliveries import DeliveryView, list_deliveries
from hub.ingest.inbox import QUERY_MARK
from hub.installations import InstallationView, create_installation, get_installation
from hub.jobs import run_worker
from hub.jobs.scheduler import sweep
from hub.jobs.worker import answer_in_thread
from hub.queue import RqBell
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.member_pages import find_purchases
from loyalty_core.service.members import find_members
from loyalty_core.service.programmes import create_programme
from loyalty_core.service.source import Source
from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store import inbox, installations, outbox
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import deliveries, refunds
from loyalty_kit.money import format_decimal
from tests.stand_ins.woocommerce import Auth, Json, WooShop, read_delivery, system_clock
from tests.support.clock import FixedClock
from tests.support.hub import make_hub
from tests.support.waiting import wait_until

RECORDED = Path(__file__).parents[1] / "connectors/wordpress/recorded"
OPENING = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
"""The programme begins half an hour before the first recorded order."""
MORNING = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
"""When the shop is connected: all recorded orders have been made."""

IVAN, MARIA = "+79000000001", "+79000000002"
OLGA, PETR = "+79000000003", "+79000000004"
"""Buyers of the recorded orders: Ivan has account 2, the others are guests."""


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase as the books show it, in decimals of the wire."""

    status: str
    paid: str
    earned: str = "0.00"
    taken_back: str = "0.00"


class WooStage:
    """One programme, one WooCommerce shop, and a worker.

    The first poll and the import of the catalogue are over when it is handed to a test, and
    the next poll is ten minutes ahead: only what the test lets happen is worked on.
    """

    def __init__(
        self,
        engine: Engine,
        data_dir: Path,
        *,
        redis_url: str | None = None,
        document: Mapping[str, Any] | None = None,
        stock: Callable[[WooShop], None] | None = None,
        auth: Auth = "basic",
    ) -> None:
        self.clock = FixedClock(OPENING)
        self._open = ExitStack()
        # A signature of OAuth names the real time, which the shop then checks.
        clock = system_clock if auth == "oauth" else self.clock.now
        self.shop = self._open.enter_context(WooShop(clock=clock, auth=auth))
        if stock is not None:
            stock(self.shop)
        self.hub = make_hub(
            engine,
            clock=self.clock,
            redis_url=redis_url,
            data_dir=data_dir,
            quote_deadline_ms=20_000,
        )
        with write(engine) as connection:
            self.programme_id = create_programme(
                connection,
                code="demo",
                document=document or default_rules(earn_percent=5, spend_limit_percent=30),
                author="test",
                now=OPENING,
            ).id
        self.clock.set(MORNING)
        self.installation = create_installation(
            self.hub,
            programme_id=self.programme_id,
            connector="wordpress",
            name="shop1",
            settings={
                "base_url": self.shop.base_url,
                "consumer_key": self.shop.consumer_key,
                "consumer_secret": self.shop.consumer_secret,
                "webhook_secret": self.shop.webhook_secret,
            },
        )
        self.app = create_app(self.hub)
        self.work()

    def close(self) -> None:
        self._open.close()

    # --- the shop ---------------------------------------------------------------------------

    def sells(self, name: str, **changes: Any) -> None:
        """The shop saves the order that a recorded delivery tells."""
        self.shop.put_order(recorded_order(name), **changes)

    def refunds_back(self, order_id: int, refund_id: int) -> None:
        """The shop makes one of the recorded refunds of an order that it has."""
        self.shop.add_refund(order_id, recorded_refund(refund_id))

    # --- the door ---------------------------------------------------------------------------

    @property
    def hook(self) -> str:
        return self.installation.hooks["events"]

    def receive(self, *names: str) -> None:
        """Recorded deliveries come in: exact bytes, headers and signatures."""
        for name in names:
            answer = self.post(*recorded(name))
            assert (answer.status_code, answer.data) == (200, b""), name

    def deliver(self, topic: str, document_id: int) -> None:
        """The shop calls about a document as it is now, signed as it signs."""
        body = self.shop.payload(topic, document_id)
        answer = self.post(body, self.shop.delivery_headers(topic, body))
        assert answer.status_code == 200

    def post(self, body: bytes, headers: Mapping[str, str]) -> TestResponse:
        self.clock.advance(seconds=1)
        return self.web().post(self.hook, data=body, headers=dict(headers))

    def web(self) -> FlaskClient:
        return self.app.test_client()

    def happens(self, name: str, **changes: Any) -> None:
        """The shop saves an order, its recorded delivery comes, and the hub works."""
        self.sells(name, **changes)
        self.receive(name)
        self.work()

    # --- the worker -------------------------------------------------------------------------

    def work(self) -> None:
        """Work until nothing is due; the books must prove sound afterwards."""
        while self._due():
            sweep(self.hub)
            if isinstance(self.hub.bell, RqBell):
                run_worker(self.hub, burst=True)
            else:
                self._let_the_thread_work()
        assert self.findings() == []

    def work_after(self, **pause: float) -> None:
        self.clock.advance(**pause)
        self.work()

    def _let_the_thread_work(self) -> None:
        """The worker thread, ended only after what it has claimed is worked off."""
        stop = threading.Event()
        thread = threading.Thread(target=answer_in_thread, args=(self.hub, stop))
        thread.start()
        try:
            wait_until(lambda: not self._due())
        finally:
            stop.set()
            assert not isinstance(self.hub.bell, RqBell)
            self.hub.bell.wake()
            thread.join()

    def _due(self) -> bool:
        now = self.clock.now()
        with read(self.hub.engine) as connection:
            return any(
                room.programmes_due(connection, now) for room in (inbox, outbox, installations)
            )

    # --- the books --------------------------------------------------------------------------

    def balance(self, phone: str | None = None, email: str | None = None) -> str | None:
        """Points to spend of the member with this phone or e-mail; None: nobody has it."""
        with read(self.hub.engine) as connection:
            found = find_members(
                connection,
                self.hub.plans,
                self.programme_id,
                phone=phone,
                email=email,
                now=self.clock.now(),
            )
        if not found:
            return None
        (card,) = found
        shown = card.balance
        assert (shown.pending, shown.held, shown.debt) == (0, 0, 0)
        return format_decimal(shown.available)

    def purchase(self, order_id: int) -> dict[str, Any] | None:
        """An order's purchase as the API shows it, or None."""
        with read(self.hub.engine) as connection:
            found = find_purchases(
                connection,
                self.hub.plans,
                Source(self.programme_id, "test"),
                external_id=str(order_id),
            )
        assert len(found) <= 1, "one order was booked twice"
        return found[0] if found else None

    def bought(self, order_id: int) -> Bought | None:
        found = self.purchase(order_id)
        if found is None:
            return None
        points = found["points"]
        assert (points["spent"], found["flags"]) == ("0.00", [])
        return Bought(
            found["status"], found["totals"]["paid"], points["earned"], points["clawed_back"]
        )

    def refunds(self) -> dict[str, tuple[str, str]]:
        """State and amount of every refund."""
        with read(self.hub.engine) as connection:
            rows = connection.execute(
                select(refunds.c.external_id, refunds.c.state, refunds.c.amount_minor)
            )
            return {row.external_id: (row.state, format_decimal(row.amount_minor)) for row in rows}

    def findings(self) -> list[Any]:
        with read(self.hub.engine) as connection:
            return list(verify_ledger(connection, programme_id=self.programme_id))

    # --- the machine ------------------------------------------------------------------------

    def deliveries(self) -> list[DeliveryView]:
        """Calls of the shop, oldest first; what polling found is left out."""
        page = list_deliveries(self.hub, programme_id=self.programme_id, limit=500)
        return [one for one in page.items[::-1] if one.hook != inbox.POLLED]

    def polled(self) -> int:
        """How many documents polling and rechecks have named."""
        page = list_deliveries(self.hub, programme_id=self.programme_id, limit=500)
        return sum(one.hook == inbox.POLLED for one in page.items)

    def states(self) -> list[str]:
        return [one.state for one in self.deliveries()]

    def kept(self) -> list[tuple[bytes, dict[str, str]]]:
        """Bodies and headers as they were stored."""
        query = select(deliveries.c.body, deliveries.c.headers).order_by(deliveries.c.id)
        with read(self.hub.engine) as connection:
            rows = connection.execute(query.where(deliveries.c.hook != inbox.POLLED)).all()
        return [
            (bytes(body), {k: v for k, v in headers.items() if not k.startswith(QUERY_MARK)})
            for body, headers in rows
        ]

    def shown(self) -> InstallationView:
        return get_installation(self.hub, self.installation.id)


# --- recorded traffic -------------------------------------------------------------------------


def recorded(name: str) -> tuple[bytes, dict[str, str]]:
    return read_delivery(RECORDED / "deliveries" / f"{name}.json")


def recorded_order(name: str) -> Json:
    order: Json = json.loads(recorded(name)[0])
    return order


def recorded_answer(name: str) -> Any:
    """What the recorded shop answered to a REST call."""
    return json.loads((RECORDED / f"rest/{name}.json").read_text("utf-8"))


def recorded_refund(refund_id: int) -> Json:
    """A refund as the recorded shop answered it; those not asked for are shaped like the rest.

    Read one by one were 14 (a mug of two of order 13) and 15 (100.00 of it without lines).
    """
    answered = {refund["id"]: refund for refund in recorded_answer("order_refunds_list")}
    return answered.get(refund_id) or UNASKED[refund_id]


def refund_of_amount(refund_id: int, amount: str, at: str) -> Json:
    return {
        "id": refund_id,
        "date_created_gmt": at,
        "amount": amount,
        "reason": "",
        "line_items": [],
        "shipping_lines": [],
        "tax_lines": [],
        "fee_lines": [],
    }


def refund_of_goods(refund_id: int, at: str, *, line: int, total: str, tax: str) -> Json:
    """One piece of a line of an order."""
    amount = str(Decimal(total) + Decimal(tax))
    item = {
        "id": refund_id + 1000,
        "name": "",
        "product_id": 12,
        "variation_id": 0,
        "quantity": -1,
        "subtotal": f"-{total}",
        "subtotal_tax": f"-{tax}",
        "total": f"-{total}",
        "total_tax": f"-{tax}",
        "sku": "GIFT-003",
        "meta_data": [{"id": 1, "key": "_refunded_item_id", "value": str(line)}],
    }
    return {**refund_of_amount(refund_id, amount, at), "line_items": [item]}


UNASKED: Mapping[int, Json] = {
    16: refund_of_amount(16, "3189.98", "2026-11-22T06:28:29"),
    18: refund_of_amount(18, "5000.00", "2026-11-22T06:28:32"),
    29: refund_of_goods(29, "2026-11-22T06:32:14", line=29, total="4166.67", tax="833.33"),
    45: refund_of_amount(45, "10.00", "2026-11-22T06:36:24"),
}
"""Refunds that the recorded orders name, and that were not read one by one."""
