"""Connections that are changed while something else happens to them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from hub.installations import create_installation, installation_row, set_state, update_settings
from hub.live import enliven
from hub.registry import registry_of
from loyalty_core.store import inbox, installations
from loyalty_core.store.audit import notes
from loyalty_core.store.database import read, transact, write
from loyalty_core.store.inbox import Fate, NewDelivery
from tests.support import acmepos
from tests.support.hub import make_hub
from tests.support.ingest import make_programme
from tests.support.locks import wait_for_locks


def connected(hub, programme):
    return create_installation(
        hub,
        programme_id=programme.id,
        connector="acmepos",
        name="till",
        settings=acmepos.form(),
    )


def test_a_connection_whose_connector_is_gone_is_paused(sqlite_engine):
    hub = make_hub(sqlite_engine, registry=registry_of([acmepos.CONNECTOR]))
    programme = make_programme(hub)
    home = connected(hub, programme)

    without = make_hub(sqlite_engine, registry=registry_of([]))
    assert set_state(without, home.id, "paused").state == "paused"
    with read(sqlite_engine) as connection:
        [note] = notes(connection, programme.id, {"action": "connection_state"}, limit=9)
    assert (note.before, note.after) == ({"state": "active"}, {"state": "paused"})


def test_settings_that_are_changed_while_a_token_is_renewed_keep_the_new_one(postgres_engine):
    hub = make_hub(postgres_engine, registry=registry_of([acmepos.CONNECTOR]))
    home = connected(hub, make_programme(hub))
    row = installation_row(hub, home.id)
    change = threading.Thread(target=update_settings, args=(hub, home.id, {"backfill_days": "9"}))

    with write(postgres_engine) as connection:
        installations.lock(connection, row.id)
        change.start()
        wait_for_locks(postgres_engine)
        renewed = hub.vault.open(row.settings) | {"api_token": "renewed"}
        installations.change(connection, row.id, settings=hub.vault.seal(renewed))
    change.join()

    settings = enliven(hub, installation_row(hub, home.id)).settings
    assert (settings["api_token"], settings["backfill_days"]) == ("renewed", 9)


def test_settings_that_are_changed_while_a_delivery_fails_are_saved(postgres_engine):
    """The owner types the new key just as the worker finds that the old one is refused: one waits
    for the connection, and one for the delivery."""
    hub = make_hub(postgres_engine, registry=registry_of([acmepos.CONNECTOR]))
    home = connected(hub, make_programme(hub))
    row, now = installation_row(hub, home.id), hub.clock.now()
    new = NewDelivery(row.id, row.programme_id, "receipt", "1", {}, b"{}")
    refused = Fate("due", now, "credentials_rejected", "The shop refuses the key.")

    def claim(connection):
        until = now + timedelta(minutes=1)
        (claimed,) = inbox.claim(connection, row.programme_id, now=now, until=until, limit=1)
        return claimed

    with write(postgres_engine) as connection:
        inbox.store(connection, new, now=now)
        inbox.settle(connection, claim(connection), refused, now=now)
    with write(postgres_engine) as connection:
        failing = claim(connection)
    changes = []

    def fail(connection):
        inbox.settle(connection, failing, refused, now=now)
        if not changes:
            changes.append(pool.submit(update_settings, hub, home.id, {"api_token": "new"}))
            wait_for_locks(postgres_engine)
        installations.mark_trouble(connection, row.id, "credentials_rejected", "Refused.")

    with ThreadPoolExecutor(1) as pool:
        transact(postgres_engine, fail)
        changes[0].result(timeout=20)

    assert enliven(hub, installation_row(hub, home.id)).settings["api_token"] == "new"
