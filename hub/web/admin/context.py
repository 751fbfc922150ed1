"""What every page of the console stands on: the hub, and the programme of the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from zoneinfo import ZoneInfo

from flask import current_app, g

from hub.wiring import Hub
from loyalty_core.service.programmes import Programme, get_programme
from loyalty_core.store.database import read

HUB = "loyalty_hub"


def the_hub() -> Hub:
    return cast(Hub, current_app.extensions[HUB])


def choose_programme(code: str) -> None:
    """Make this the programme of the request.  Raises: ProgrammeNotFound."""
    with read(the_hub().engine) as connection:
        g.programme = get_programme(connection, code)


def the_programme() -> Programme:
    """The programme of the address; only pages under /admin/p/<programme> may ask."""
    return cast(Programme, g.programme)


def programme_or_none() -> Programme | None:
    return cast("Programme | None", g.get("programme"))


def choose_zone(programmes: Sequence[Programme]) -> None:
    """Show the times of this page, which is of no programme, by the first of those that the
    person works in."""
    g.zone = ZoneInfo(programmes[0].timezone) if programmes else None


def zone() -> ZoneInfo:
    """In what zone times are shown: the programme's."""
    programme = programme_or_none()
    if programme is not None:
        return ZoneInfo(programme.timezone)
    return cast("ZoneInfo | None", g.get("zone")) or ZoneInfo("UTC")
