"""A hub with one tablo shop connected, and what a test asks of it."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from hub.app import create_app
from hub.deliveries import DeliveryView, list_deliveries
from hub.installations import InstallationView, create_installation, get_installation
from hub.jobs.drain import drain
from hub.registry import registry_of
from hub.wiring import Hub
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import purchases
from tests.support.clock import FixedClock
from tests.support.hub import make_hub
from tests.support.shopfloor import SETTINGS, Remote, signed, tablo


class Shopfloor:
    """One programme, one installation of tablo, and its remote."""

    def __init__(self, engine: Engine, **settings: Any) -> None:
        self.remote = Remote()
        self.clock = FixedClock()
        self.hub: Hub = make_hub(
            engine, clock=self.clock, registry=registry_of([tablo(self.remote)]), **settings
        )
        self.programme = make_programme(self.hub)
        self.installation = self.connect("shop1")
        self.web: FlaskClient = create_app(self.hub).test_client()
        self._deliveries = 0

    def connect(self, name: str, **settings: str) -> InstallationView:
        return create_installation(
            self.hub,
            programme_id=self.programme.id,
            connector="tablo",
            name=name,
            settings={**SETTINGS, **settings},
        )

    def post(self, body: bytes, headers: dict[str, str], to: str | None = None) -> TestResponse:
        path = to or self.installation.hooks["events"]
        return self.web.post(path, data=body, headers=headers)

    def deliver(self, *, to: str | None = None, **message: Any) -> TestResponse:
        """A genuine delivery; it gets a number of its own unless it brings one."""
        self._deliveries += 1
        body = json.dumps({"no": self._deliveries, **message}).encode()
        return self.post(body, signed(body), to)

    def drain(self) -> None:
        drain(self.hub, self.programme.id)

    def drain_after(self, **pause: float) -> None:
        self.clock.advance(**pause)
        self.drain()

    def deliveries(self, **which: Any) -> list[DeliveryView]:
        """Oldest first."""
        page = list_deliveries(self.hub, programme_id=self.programme.id, limit=500, **which)
        return page.items[::-1]

    def states(self) -> list[str]:
        return [one.state for one in self.deliveries()]

    def shown(self) -> InstallationView:
        return get_installation(self.hub, self.installation.id)

    def booked(self) -> dict[str, int]:
        """What was paid for each purchase that is booked, in kopecks."""
        with read(self.hub.engine) as connection:
            rows = connection.execute(
                select(purchases.c.external_id, purchases.c.paid_minor).order_by(
                    purchases.c.external_id
                )
            )
            return dict(rows.all())


def make_programme(hub: Hub, code: str = "demo") -> Any:
    with write(hub.engine) as connection:
        return create_programme(
            connection, code=code, document=default_rules(), author="test", now=hub.clock.now()
        )
