"""The deliveries of one batch, held for as long as somebody works on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from hub.wiring import Hub
from loyalty_core.store import inbox
from loyalty_core.store.database import transact
from loyalty_core.store.inbox import DeliveryRow

LEASE = timedelta(seconds=45)
"""A worker that died gives its deliveries back after this time; more than a call of a shop takes,
whose answer is waited for 30 s."""
_RENEWED_AFTER = LEASE / 3


@dataclass(slots=True)
class Lease:
    """`rows` by number, as they were claimed or last renewed."""

    hub: Hub
    rows: dict[int, DeliveryRow]
    _since: datetime

    @classmethod
    def take(cls, hub: Hub, programme_id: int, limit: int) -> Lease:
        """Claim what is due, as much as `limit`."""
        now = hub.clock.now()
        rows = transact(
            hub.engine,
            lambda c: inbox.claim(c, programme_id, now=now, until=now + LEASE, limit=limit),
        )
        return cls(hub, {row.id: row for row in rows}, now)

    def keep(self) -> None:
        """Called before whatever may take a while; it renews the lease now and then.

        A row that is somebody else's by now is left to them: what is written of it here counts
        no more, and what is booked twice is booked once.
        """
        now = self.hub.clock.now()
        if abs(now - self._since) < _RENEWED_AFTER:
            return
        rows, until = list(self.rows.values()), now + LEASE
        kept = transact(self.hub.engine, partial(inbox.renew, rows=rows, until=until))
        for number in kept:
            self.rows[number] = replace(self.rows[number], due_at=until)
        self._since = now
