"""A hub with one connection, a worker, and the books: what the stages of vendors share.

All parts are real: connectors come by their entry points, and deliveries are worked off by the
worker thread or by an RQ worker on Redis.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from hub.app import create_app
from hub.deliveries import DeliveryView, list_deliveries
from hub.installations import (
    InstallationView,
    create_installation,
    get_installation,
    update_settings,
)
from hub.jobs import run_worker
from hub.jobs.scheduler import sweep
from hub.jobs.worker import answer_in_thread
from hub.queue import RqBell
from loyalty_core.service.member_pages import find_purchases
from loyalty_core.service.members import find_members
from loyalty_core.service.source import Source
from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store import inbox, installations, outbox
from loyalty_core.store.database import read
from loyalty_core.store.tables import refunds
from loyalty_kit.money import format_decimal
from tests.support.clock import FixedClock
from tests.support.hub import make_hub
from tests.support.waiting import wait_until

PHONE = "+79000001234"


class Stage:
    """One programme, one connection of a vendor's, and a worker.

    Whoever builds on it makes the programme (`programme_id`) and the connection
    (`installation`).
    """

    programme_id: int
    installation: InstallationView

    def __init__(
        self,
        engine: Engine,
        data_dir: Path,
        opening: datetime,
        *,
        redis_url: str | None = None,
        deadline_ms: int = 20_000,
    ) -> None:
        self.clock = FixedClock(opening)
        self._open = ExitStack()
        self._engine, self._redis_url, self._data_dir = engine, redis_url, data_dir
        self._deadline_ms = deadline_ms
        self.start()

    def start(self) -> None:
        """The hub's processes begin anew over the same data."""
        self.hub = make_hub(
            self._engine,
            clock=self.clock,
            redis_url=self._redis_url,
            data_dir=self._data_dir,
            quote_deadline_ms=self._deadline_ms,
        )
        self.app = create_app(self.hub)

    def connect(self, connector: str, name: str = "", **settings: str) -> InstallationView:
        return create_installation(
            self.hub,
            programme_id=self.programme_id,
            connector=connector,
            name=name or connector,
            settings=settings,
        )

    def set(self, **settings: str) -> None:
        """The owner changes settings."""
        update_settings(self.hub, self.installation.id, settings)

    def close(self) -> None:
        self._open.close()

    # --- the worker -------------------------------------------------------------------------

    def work(self) -> None:
        """Work until nothing is due; the books must prove sound afterwards."""
        while self._due():
            sweep(self.hub)
            if isinstance(self.hub.bell, RqBell):
                run_worker(self.hub, burst=True)
            else:
                self._let_the_thread_work()
        with read(self.hub.engine) as connection:
            assert list(verify_ledger(connection, programme_id=self.programme_id)) == []

    def work_after(self, **pause: float) -> None:
        self.clock.advance(**pause)
        self.work()

    def _let_the_thread_work(self) -> None:
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

    def card(self, phone: str = PHONE) -> Any:
        with read(self.hub.engine) as connection:
            (found,) = find_members(
                connection, self.hub.plans, self.programme_id, phone=phone, now=self.clock.now()
            )
        return found

    def balance(self, phone: str = PHONE) -> str:
        return format_decimal(self.card(phone).balance.available)

    def held(self) -> str:
        return format_decimal(self.card().balance.held)

    def purchase(self, number: str) -> dict[str, Any] | None:
        with read(self.hub.engine) as connection:
            found = find_purchases(
                connection, self.hub.plans, Source(self.programme_id, "test"), external_id=number
            )
        assert len(found) <= 1, "one sale was booked twice"
        return found[0] if found else None

    def points(self, number: str) -> tuple[str, str, str, str]:
        """Earned, spent, taken back, given back."""
        told = self._known(number)["points"]
        return told["earned"], told["spent"], told["clawed_back"], told["given_back"]

    def flags(self, number: str) -> list[str]:
        flags: list[str] = self._known(number)["flags"]
        return flags

    def _known(self, number: str) -> dict[str, Any]:
        found = self.purchase(number)
        assert found is not None
        return found

    def refunds(self) -> dict[str, str]:
        """State of every refund."""
        with read(self.hub.engine) as connection:
            rows = connection.execute(select(refunds.c.external_id, refunds.c.state))
            return {row.external_id: row.state for row in rows}

    # --- the machine ------------------------------------------------------------------------

    def deliveries(self) -> list[DeliveryView]:
        """Oldest first; what polling found is left out."""
        page = list_deliveries(self.hub, programme_id=self.programme_id, limit=500)
        return [one for one in page.items[::-1] if one.hook != inbox.POLLED]

    def states(self) -> list[str]:
        return [one.state for one in self.deliveries()]

    def shown(self) -> InstallationView:
        return get_installation(self.hub, self.installation.id)
