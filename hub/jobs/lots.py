"""Lots of coupons and certificates, made portion by portion while whoever asked looks on.

A lot says itself how far it has come, so whoever drains the programme makes the next portion,
and two at once make no more than was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy import Connection

from hub.wiring import Hub
from loyalty_core.domain.errors import InvalidInput, MemberNotFound
from loyalty_core.service import certificates, coupons
from loyalty_core.store import code_lots
from loyalty_core.store.database import read, transact

log = structlog.get_logger(__name__)


def fill_lots(hub: Hub, programme_id: int) -> bool:
    """Make the next portion of a lot that is not whole; False if there is none to make.

    Raises: database errors.
    """
    with read(hub.engine) as connection:
        of_coupons, of_certificates = code_lots.unfilled(connection, programme_id)
    work: list[Callable[[Connection], object]] = [
        partial(_coupons, hub, programme_id, name) for name in of_coupons
    ]
    work += [partial(_certificates, hub, programme_id, name) for name in of_certificates]
    return any(_fill(hub, portion) for portion in work)


def _coupons(hub: Hub, programme_id: int, name: str, connection: Connection) -> object:
    return coupons.fill_lot(connection, hub.plans, programme_id, name)


def _certificates(hub: Hub, programme_id: int, name: str, connection: Connection) -> object:
    return certificates.fill_lot(connection, programme_id, name, now=hub.clock.now())


def _fill(hub: Hub, portion: Callable[[Connection], object]) -> bool:
    """False where it cannot be: its series is out of the rules, or its member is gone.  Should
    the series come back, it goes on."""
    try:
        transact(hub.engine, portion)
    except (InvalidInput, MemberNotFound) as error:
        log.warning("lot_stalled", code=error.code)
        return False
    return True
