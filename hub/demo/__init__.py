"""The demo programme: an invented shop whose weeks are played through the front door.

Nothing here fills tables.  The programme, its key and its rules are made by the services that
the command line uses; members, catalogue, purchases and refunds go through the HTTP API.  A
demo that was cut off is recognised by its last receipt, which is missing, and goes on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime

from flask import Flask
from sqlalchemy import Connection

from hub.app import create_app
from hub.demo import shop
from hub.demo.door import Door
from hub.demo.history import Happening, Return, Visit, history
from hub.demo.people import MEMBERS
from hub.demo.till import Till
from hub.wiring import Hub
from loyalty_core.service.api_keys import SCOPES, create_key, list_keys, revoke_key
from loyalty_core.service.member_pages import find_purchases
from loyalty_core.service.programmes import (
    Programme,
    create_programme,
    list_programmes,
    list_rules_versions,
)
from loyalty_core.service.source import Source
from loyalty_core.store.database import read, transact
from loyalty_kit.money import format_decimal

AUTHOR = "demo"
KEY_NAME = "demo"
Progress = Callable[[int, int], None]


def demo_wanted(hub: Hub) -> bool:
    """Whether the database is empty, or holds a demo that was cut off."""
    with read(hub.engine) as connection:
        programmes = list_programmes(connection)
        if not programmes:
            return True
        ours = [each for each in programmes if _is_ours(connection, each)]
        return bool(ours) and not _complete(hub, connection, ours[0])


def make_demo(hub: Hub, progress: Progress) -> str:
    """Make the demo, or what is missing of it; its new API key.

    Raises: DemoFailed.
    """
    with read(hub.engine) as connection:
        begun = bool(list_programmes(connection))
    programme = transact(hub.engine, lambda connection: _programme(hub, connection))
    key = transact(hub.engine, lambda connection: _new_key(hub, connection, programme.id))
    door = Door(_app(hub), key)
    with read(hub.engine) as connection:
        happenings = history(_made_at(connection, programme))
    _furnish(door)
    _play(Till(door), happenings, progress, begun=begun)
    return key


def _is_ours(connection: Connection, programme: Programme) -> bool:
    """A programme of this code that a person made is left alone."""
    return programme.code == shop.CODE and (
        list_rules_versions(connection, programme.id)[-1].author == AUTHOR
    )


def _complete(hub: Hub, connection: Connection, programme: Programme) -> bool:
    """Receipts go in one after another, so the last one's being there says that all are."""
    visits = [each for each in history(_made_at(connection, programme)) if isinstance(each, Visit)]
    return bool(
        find_purchases(
            connection,
            hub.plans,
            Source(programme.id, AUTHOR),
            external_id=visits[-1].external_id,
        )
    )


def _made_at(connection: Connection, programme: Programme) -> datetime:
    return list_rules_versions(connection, programme.id)[-1].created_at


def _programme(hub: Hub, connection: Connection) -> Programme:
    known = [each for each in list_programmes(connection) if _is_ours(connection, each)]
    if known:
        return known[0]
    return create_programme(
        connection,
        code=shop.CODE,
        name=shop.NAME,
        timezone=shop.TIMEZONE,
        document=shop.rules(),
        author=AUTHOR,
        now=hub.clock.now(),
    )


def _new_key(hub: Hub, connection: Connection, programme_id: int) -> str:
    """A key instead of the one that nobody was told because the demo was cut off."""
    now = hub.clock.now()
    for old in list_keys(connection, programme_id):
        if old.name == KEY_NAME:
            revoke_key(connection, programme_id, old.id, now=now)
    made = create_key(connection, programme_id=programme_id, name=KEY_NAME, scopes=SCOPES, now=now)
    return made.key


def _app(hub: Hub) -> Flask:
    """An application of its own: the real one, but for limits meant for the outside."""
    config = dataclasses.replace(hub.config, rate_limit="1000000/minute", quote_deadline_ms=60_000)
    return create_app(dataclasses.replace(hub, config=config))


def _furnish(door: Door) -> None:
    """Shops, catalogue and members; all of it may be there already."""
    known = {each["code"] for each in door.get(f"/programmes/{shop.CODE}/shops")["items"]}
    for new in shop.SHOPS:
        if new["code"] not in known:
            door.post(f"/programmes/{shop.CODE}/shops", new)
    categories = [
        {"code": code, "name": name, "parent": parent} for code, name, parent in shop.CATEGORIES
    ]
    door.post(f"/programmes/{shop.CODE}/categories", {"items": categories})
    products = [
        {
            "sku": item.sku,
            "name": item.name,
            "price": format_decimal(item.price_minor),
            "categories": [item.category],
        }
        for item in shop.ITEMS
    ]
    door.post(f"/programmes/{shop.CODE}/products", {"items": products})
    for purpose, text in shop.CONSENT_TEXTS.items():
        words = {"purpose": purpose, "texts": {"ru": text}}
        door.post(f"/programmes/{shop.CODE}/consent-texts", words)
    for person in MEMBERS:
        door.post("/members", person.enrolment(), wanted=(201, 409))


def _play(till: Till, happenings: Sequence[Happening], progress: Progress, *, begun: bool) -> None:
    """`begun`: some of it may be booked already; what is priced anew would be other content."""
    for done, happening in enumerate(happenings, start=1):
        if isinstance(happening, Return):
            till.take_back(happening)
        elif not (begun and till.sold(happening)):
            till.sell(happening)
        progress(done, len(happenings))
