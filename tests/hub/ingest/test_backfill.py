"""Back-fill: what a shop sold before comes in once, a step at a time, beside live traffic."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from hub.app import create_app
from hub.connections.backfilling import midnight, see_through
from hub.ingest import backfill
from hub.ingest.backfill import BackfillUnderway
from hub.installations import create_installation, installation_row, set_state
from hub.jobs.drain import drain
from hub.registry import load_registry, registry_of
from loyalty_core.domain.errors import InvalidInput, NotAvailable
from loyalty_core.store import audit, backfills
from loyalty_core.store.database import read
from loyalty_core.store.tables import purchases
from loyalty_kit.testing.remote import Remote, Reply, json_reply
from tests.connectors.wordpress.made import order
from tests.stand_ins.woocommerce import WooShop
from tests.support import acmepos
from tests.support.clock import NOON, FixedClock
from tests.support.hub import make_hub
from tests.support.ingest import make_programme
from tests.support.shopfloor import SETTINGS, tablo
from tests.support.shopfloor import Remote as TabloRemote

OLD = (NOON - timedelta(days=40)).date()
A_PAGE = 2


class Acme:
    """An Acme cloud on a real socket, with receipts of long ago; two ids a page."""

    def __init__(self):
        self.sold = {}
        self.asked_days = []
        self.reads = []
        self.status = 200

    def sell(self, *numbers, days_ago=30):
        for number in numbers:
            self.sold[number] = NOON - timedelta(days=days_ago)

    def __call__(self, asked):
        if self.status != 200:
            return Reply(self.status)
        if asked.path == "/receipts":
            return json_reply(json.dumps(self._listed(dict(asked.query))).encode())
        number = asked.path.rpartition("/")[2]
        if number in self.sold:
            self.reads.append(number)
            return json_reply(json.dumps(receipt(number, self.sold[number])).encode())
        return json_reply(json.dumps({"ids": [], "cursor": "", "more": False}).encode())

    def _listed(self, query):
        self.asked_days.append(int(query["days"]))
        since = NOON - timedelta(days=int(query["days"]))
        ids = sorted(one for one, at in self.sold.items() if at >= since)
        left = [one for one in ids if one > query["after"]]
        page = left[:A_PAGE]
        cursor = page[-1] if page else query["after"]
        return {"ids": page, "cursor": cursor, "more": len(left) > A_PAGE}


def receipt(number, at):
    return {
        "id": number,
        "closed_at": at.isoformat(),
        "buyer": f"buyer-{number}",
        "lines": [{"n": "1", "qty": "1", "sum": "100.00"}],
    }


class Scene:
    def __init__(self, engine, acme, address):
        registry = registry_of([acmepos.CONNECTOR, tablo(TabloRemote())])
        self.hub = make_hub(engine, clock=FixedClock(), registry=registry)
        self.programme = make_programme(self.hub)
        self.acme = acme
        self.home = create_installation(
            self.hub,
            programme_id=self.programme.id,
            connector="acmepos",
            name="till",
            settings=acmepos.form(address),
        )

    @property
    def row(self):
        return installation_row(self.hub, self.home.id)

    def start(self, dry=False, day=OLD):
        since = midnight(self.hub, self.programme.id, day)
        return backfill.start(self.hub, self.row, since, dry=dry, author="test")

    def see_through(self, told=lambda view: None):
        return see_through(self.hub, self.row, told)

    def progress(self):
        return backfill.progress(self.hub, self.row)

    def drain(self):
        drain(self.hub, self.programme.id)

    def deliver(self, number, at):
        message = {"delivery": number, "event": "receipt.closed", **receipt(number, at)}
        body = json.dumps(message).encode()
        headers = acmepos.sign("receipt", body)
        web = create_app(self.hub).test_client()
        assert web.post(self.home.hooks["receipt"], data=body, headers=headers).status_code == 200

    def booked(self):
        with read(self.hub.engine) as connection:
            query = select(purchases.c.external_id).order_by(purchases.c.external_id)
            return list(connection.scalars(query))


@pytest.fixture
def acme():
    return Acme()


@pytest.fixture
def remote(acme):
    with Remote(acme) as running:
        yield running


@pytest.fixture
def scene(sqlite_engine, acme, remote):
    return Scene(sqlite_engine, acme, remote.base_url)


def test_what_was_sold_before_comes_in_once_beside_what_comes_live(engine, acme, remote):
    scene = Scene(engine, acme, remote.base_url)
    acme.sell(*"abcde")
    scene.deliver("c", acme.sold["c"])
    scene.drain()
    assert scene.booked() == ["c"]

    scene.start(dry=True)
    counted = scene.see_through()
    assert (counted.row.stage, counted.row.total, counted.row.found) == ("counted", 5, 0)
    assert (scene.booked(), acme.reads) == (["c"], [])

    steps = []
    scene.start()
    done = scene.see_through(lambda view: steps.append((view.row.stage, view.percent)))
    scene.deliver("b", acme.sold["b"])
    scene.drain()
    assert (done.row.stage, done.row.total, done.done, done.waiting) == ("done", 5, 5, 0)
    assert steps[0] == ("counting", 0)
    assert steps[-1] == ("done", 100)
    assert scene.booked() == list("abcde")
    assert max(acme.asked_days) == 41

    acme.sell("f", days_ago=2)
    scene.start()
    assert scene.see_through().done == 6
    assert scene.booked() == list("abcdef")


def test_killed_it_goes_on_where_it_was(scene, acme, monkeypatch):
    class Killed(BaseException):
        pass

    def dies(*_):
        raise Killed

    acme.sell(*"abcdefg")
    scene.start()
    with pytest.raises(Killed):
        scene.see_through(lambda view: dies() if view.row.found == 4 else None)
    monkeypatch.setattr(backfill, "as_rows", dies)
    with pytest.raises(Killed):
        scene.see_through()
    monkeypatch.undo()
    asked = acme.asked_days.count(41)

    scene.drain()
    assert scene.progress().row.found == 4
    scene.hub.clock.advance(minutes=5)
    scene.drain()

    assert scene.progress().row.stage == "done"
    assert scene.booked() == list("abcdefg")
    assert sorted(acme.reads) == list("abcdefg")
    assert acme.asked_days.count(41) == asked + 2


def test_it_adds_nothing_while_many_of_its_documents_wait(scene, acme, monkeypatch):
    monkeypatch.setattr(backfill, "BACKLOG", 3)
    acme.sell(*"abcdefgh")
    scene.start()
    for _ in range(20):
        backfill.go_on(scene.hub, scene.programme.id)

    assert scene.progress().row.found == 4
    assert scene.progress().waiting == 4
    scene.drain()
    assert scene.progress().is_over
    assert scene.booked() == list("abcdefgh")


def test_a_shop_that_is_away_is_asked_again_and_the_trouble_is_shown(scene, acme):
    acme.sell("a")
    acme.status = 503
    scene.start()
    view = scene.see_through()
    assert (view.row.stage, view.row.error_code) == ("counting", "remote_unavailable")

    acme.status = 200
    scene.hub.clock.advance(minutes=2)
    scene.drain()
    assert scene.progress().row.error_code is None
    assert scene.booked() == ["a"]


def test_it_is_stopped_and_paused_and_is_one_at_a_time(scene, acme):
    acme.sell(*"abcd")
    scene.start()
    scene.start()
    with pytest.raises(BackfillUnderway):
        scene.start(day=OLD + timedelta(days=1))
    set_state(scene.hub, scene.home.id, "paused")
    scene.drain()
    assert scene.progress().row.total == 0

    view = scene.see_through()
    assert (view.row.stage, view.is_over, view.row.error_code) == ("counting", False, None)

    assert backfill.stop(scene.hub, scene.row, author="somebody")
    assert not backfill.stop(scene.hub, scene.row, author="somebody")
    set_state(scene.hub, scene.home.id, "active")
    scene.drain()
    assert (scene.progress().row.stage, scene.booked()) == ("stopped", [])
    with read(scene.hub.engine) as connection:
        for action, author in (("backfill_started", "test"), ("backfill_stopped", "somebody")):
            [note] = audit.notes(connection, scene.programme.id, {"action": action}, limit=9)
            assert (note.author, note.subject) == (author, scene.home.id)
        assert backfills.programmes_due(connection, scene.hub.clock.now()) == []


def test_what_cannot_be_is_refused(scene):
    with pytest.raises(InvalidInput):
        scene.start(day=NOON.date() + timedelta(days=1))
    for day in (date(1, 1, 1), date(202, 3, 1)):
        with pytest.raises(InvalidInput) as refused:
            scene.start(day=day)
        assert refused.value.errors == {"since": ["Time out of range."]}
        assert scene.progress() is None, "nothing is kept that no worker could read"
    other = create_installation(
        scene.hub,
        programme_id=scene.programme.id,
        connector="tablo",
        name="t",
        settings=SETTINGS,
    )
    row = installation_row(scene.hub, other.id)
    with pytest.raises(NotAvailable):
        backfill.start(scene.hub, row, NOON - timedelta(days=1), dry=True, author="test")


def test_a_woocommerce_shop_gives_orders_of_before_its_first_poll(sqlite_engine):
    hub = make_hub(sqlite_engine, clock=FixedClock(), registry=load_registry(None))
    programme = make_programme(hub)
    with WooShop() as shop:
        at = (NOON - timedelta(days=30)).replace(tzinfo=None).isoformat()
        shop.put_order(order(), id=501, date_modified_gmt=at, refunds=[])
        home = create_installation(
            hub,
            programme_id=programme.id,
            connector="wordpress",
            name="site",
            settings={
                "base_url": shop.base_url,
                "consumer_key": shop.consumer_key,
                "consumer_secret": shop.consumer_secret,
                "webhook_secret": shop.webhook_secret,
                "backfill_days": "1",
            },
        )
        drain(hub, programme.id)
        with read(sqlite_engine) as connection:
            assert list(connection.scalars(select(purchases.c.external_id))) == []

        row = installation_row(hub, home.id)
        since = midnight(hub, programme.id, OLD)
        backfill.start(hub, row, since, dry=False, author="test")
        done = see_through(hub, row, lambda view: None)
        with read(sqlite_engine) as connection:
            assert list(connection.scalars(select(purchases.c.external_id))) == ["501"]
    assert (done.row.total, done.done, done.row.error_code) == (1, 1, None)
