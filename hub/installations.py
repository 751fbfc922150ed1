"""Installations, for the pages and the command line: made, changed, tested, polled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from hub.connections import shop
from hub.ingest import process, pull
from hub.ingest.fates import DEFECT
from hub.live import NotLive, enliven, wire_id
from hub.outbox import balances, coupons
from hub.outbox.outcomes import PAUSED
from hub.registry import ConnectorUnavailable
from hub.vault import Unreadable
from hub.wiring import Hub
from loyalty_core.domain.errors import InvalidInput, NotFound
from loyalty_core.service.api_keys import list_keys
from loyalty_core.store import balance_pushes, inbox, installations, outbox
from loyalty_core.store.api_keys import ApiKey
from loyalty_core.store.audit import COMMAND_LINE, note
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import from_wire, new_id
from loyalty_core.store.installations import InstallationRow
from loyalty_kit.errors import ConnectorError, NeedsAttention
from loyalty_kit.ports import Connector
from loyalty_kit.settings import load_settings, masked, secret_names

log = structlog.get_logger(__name__)

Progress = Callable[[int, int], None]
STATES = ("active", "paused")
"""What a person may choose; the third, "attention", is the hub's own word."""
PROTOCOL = "connect"
"""Among the paths of an installation: where its vendor's own protocol begins."""
NAME_TAKEN = "Is taken by another connection of this programme."
NAME_MISSING = "Required."
CHANGED = "*** (another)"
"""What the log says of a secret that is another than before."""
BALANCES_NOT_SHOWN = "This connector shows no balances."
COUPONS_BY_COMPANION = (
    "Is not needed here: the shop's own side is paired and asks the hub for each cart."
)


class InstallationNotFound(NotFound):
    code = "installation_not_found"


class ConnectorDefect(NeedsAttention):
    """The connector failed in a way that it should not; the log has the place."""

    code = DEFECT


@dataclass(frozen=True, slots=True)
class InstallationView:
    """What a person sees.  `settings` have their secrets masked; `hooks` are paths by name."""

    id: str
    programme_id: int
    name: str
    connector: str
    state: str
    hooks: Mapping[str, str]
    settings: Mapping[str, Any]
    trouble_code: str | None
    trouble_text: str | None
    last_delivery_at: datetime | None
    pull_due_at: datetime | None
    created_at: datetime
    shows_balances: bool | None = None
    makes_coupons: bool | None = None
    """None of either: its connector cannot."""


def create_installation(  # noqa: PLR0913 - each is a word of its own to the caller
    hub: Hub,
    *,
    programme_id: int,
    connector: str,
    name: str,
    settings: Mapping[str, str],
    author: str = COMMAND_LINE,
) -> InstallationView:
    """Connect a shop; polling and the import of its catalogue begin at once.

    The shop is not called: `check_installation` does that.

    Raises: ConnectorUnavailable, marshmallow's ValidationError (by field), InvalidInput (name).
    """
    try:
        row, _ = transact(
            hub.engine,
            lambda connection: add_installation(
                hub,
                connection,
                programme_id=programme_id,
                connector=connector,
                name=name,
                settings=settings,
                author=author,
            ),
        )
    except IntegrityError:
        with read(hub.engine) as connection:
            taken = installations.by_name(connection, programme_id, name.strip())
        if taken is None:
            raise
        raise InvalidInput({"name": [NAME_TAKEN]}) from None
    hub.bell.ring(programme_id)
    return _view(hub, row)


def add_installation(  # noqa: PLR0913 - each is a part of the row
    hub: Hub,
    connection: Connection,
    *,
    programme_id: int,
    connector: str,
    name: str,
    settings: Mapping[str, str],
    author: str,
) -> tuple[InstallationRow, Mapping[str, Any]]:
    """The row of a new installation, with its settings as they were loaded.

    Raises: as `create_installation`, but IntegrityError for a name that is taken.
    """
    found = hub.registry.get(connector)
    loaded = load_settings(found.manifest.settings_schema, settings)
    now = hub.clock.now()
    row = InstallationRow(
        id=new_id(now),
        programme_id=programme_id,
        connector=connector,
        name=_checked_name(name),
        settings=hub.vault.seal(loaded),
        state="active",
        trouble_code=None,
        trouble_text=None,
        pull_cursor=None,
        pull_due_at=None,
        recheck_due_at=None,
        catalogue_cursor=None,
        catalogue_due_at=None,
        last_delivery_at=None,
        created_at=now,
    )
    if coupons.is_wanted(found, loaded):
        row = replace(row, makes_coupons=True, coupons_due_at=now)
    row = replace(row, **_first_duties(found, row, now))
    installations.add(connection, row)
    outbox.hurry(connection, programme_id, PAUSED, now=now)
    _note(hub, connection, "connection_made", author, before=None, after=row)
    return row, loaded


def list_installations(hub: Hub, programme_id: int | None = None) -> list[InstallationView]:
    """Those of one programme, or all; the oldest first."""
    with read(hub.engine) as connection:
        rows = installations.of_programme(connection, programme_id)
    return [_view(hub, row) for row in rows]


def get_installation(hub: Hub, installation_id: str) -> InstallationView:
    """Raises: InstallationNotFound."""
    return _view(hub, installation_row(hub, installation_id))


def update_settings(
    hub: Hub,
    installation_id: str,
    settings: Mapping[str, str],
    *,
    name: str | None = None,
    author: str = COMMAND_LINE,
) -> InstallationView:
    """Change the settings given, and keep the others; an empty secret keeps the one stored.

    What waited for the owner is tried again at once.

    Raises: InstallationNotFound, NotLive (no connector), ValidationError, InvalidInput (name).
    """
    row = installation_row(hub, installation_id)
    try:
        transact(
            hub.engine,
            lambda connection: change_settings(
                hub, connection, row.id, settings, name=name, author=author
            ),
        )
    except IntegrityError:
        raise InvalidInput({"name": [NAME_TAKEN]}) from None
    hub.bell.ring(row.programme_id)
    return get_installation(hub, installation_id)


def change_settings(  # noqa: PLR0913 - each is a word of its own to the caller
    hub: Hub,
    connection: Connection,
    number: int,
    settings: Mapping[str, str],
    *,
    name: str | None = None,
    author: str,
) -> tuple[InstallationRow, Mapping[str, Any]]:
    """The installation as it was, with its settings as they are now.

    Raises: as `update_settings`, but IntegrityError for a name that is taken.
    """
    row = installations.lock(connection, number)
    if row is None:
        raise InstallationNotFound
    try:
        connector = hub.registry.get(row.connector)
    except ConnectorUnavailable as error:
        raise NotLive(str(error)) from error
    schema = connector.manifest.settings_schema
    kept = secret_names(schema)
    given = {field: value for field, value in settings.items() if value or field not in kept}
    stored = _stored(hub, row)
    loaded = load_settings(schema, {**stored, **given})
    now = hub.clock.now()
    wants_coupons = coupons.is_wanted(connector, loaded)
    if wants_coupons and paired_keys(connection, row):
        assert connector.push_discounts is not None
        raise InvalidInput({connector.push_discounts.setting: [COUPONS_BY_COMPANION]})
    changes: dict[str, Any] = {
        "settings": hub.vault.seal(loaded),
        **_first_duties(connector, row, now),
        **coupons.switch(row, wants_coupons, now),
    }
    if name is not None:
        changes["name"] = _checked_name(name)
    installations.change(connection, row.id, **changes)
    inbox.resume(connection, row.id, now=now)
    installations.hurry(connection, row.id, "balances", now=now)
    installations.hurry(connection, row.id, "coupons", now=now)
    if loaded != stored and connector.push_balance is not None:
        # Whether and where a shop shows balances may be among its settings.
        balance_pushes.ask_all(connection, row.id, now=now)
    after = replace(row, **changes)
    _note(hub, connection, "connection_set", author, before=row, after=after)
    return row, loaded


def key_name(row: InstallationRow) -> str:
    """Of the key that pairing makes for the shop's own side."""
    return f"paired-{wire_id(row.id)}"


def paired_keys(connection: Connection, row: InstallationRow) -> list[ApiKey]:
    """Those by which the shop's own side calls now: one, or none where it is not paired."""
    keys = list_keys(connection, row.programme_id)
    return [key for key in keys if key.name == key_name(row) and key.revoked_at is None]


def set_state(
    hub: Hub, installation_id: str, state: str, *, author: str = COMMAND_LINE
) -> InstallationView:
    """Pause, or go on; going on also clears what was wrong, polls what was missed, and sends what
    has waited.  Said again it changes nothing: what has waited is on its way.

    Raises: InstallationNotFound, InvalidInput.
    """
    if state not in STATES:
        raise InvalidInput({"state": [f"Must be one of: {', '.join(STATES)}."]})
    number, now = installation_row(hub, installation_id).id, hub.clock.now()

    def save(connection: Connection) -> None:
        row = installations.lock(connection, number)
        if row is None or row.state == state:
            return
        installations.change(connection, row.id, state=state, trouble_code=None, trouble_text=None)
        if state == "active":
            inbox.resume(connection, row.id, now=now)
            installations.hurry(connection, row.id, "pull", now=now)
            installations.hurry(connection, row.id, "balances", now=now)
            installations.hurry(connection, row.id, "coupons", now=now)
            outbox.hurry(connection, row.programme_id, PAUSED, now=now)
        after = replace(row, state=state)
        _note(hub, connection, "connection_state", author, before=row, after=after)

    transact(hub.engine, save)
    shown = get_installation(hub, installation_id)
    hub.bell.ring(shown.programme_id)
    return shown


def show_balances(
    hub: Hub, installation_id: str, on: bool, *, author: str = COMMAND_LINE
) -> InstallationView:
    """Show members their balances in this shop, or stop that; what it shows by then stays there.

    Raises: InstallationNotFound, InvalidInput (the connector cannot).
    """
    row = installation_row(hub, installation_id)
    if not balances.can_show(hub, row.connector):
        raise InvalidInput({"balances": [BALANCES_NOT_SHOWN]})
    if row.shows_balances is not on:
        balances.switch(hub, row, on)
        changed = replace(row, shows_balances=on)
        transact(
            hub.engine,
            lambda connection: _note(
                hub, connection, "connection_set", author, before=row, after=changed
            ),
        )
    return get_installation(hub, installation_id)


def check_installation(hub: Hub, installation_id: str) -> None:
    """Call the shop with the stored settings.  Success ends its attention; failure shows it.

    Raises: InstallationNotFound, ConnectorError (its text is for the owner).
    """
    row = installation_row(hub, installation_id)
    try:
        live = enliven(hub, row)
        if live.connector.check is not None:
            live.connector.check(live.client())
    except NeedsAttention as error:
        _mark(hub, row, error)
        raise
    except ConnectorError:
        raise
    except Exception as error:
        log.error("check_defect", installation=wire_id(row.id), exc_info=error)
        defect = ConnectorDefect(f"The connector failed: {type(error).__name__}.")
        _mark(hub, row, defect)
        raise defect from error
    transact(hub.engine, partial(process.resume, row.id, hub.clock.now()))
    hub.bell.ring(row.programme_id)


def pull_installation(hub: Hub, installation_id: str, progress: Progress | None = None) -> int:
    """Ask the shop now for all that changed since the last time, and book it here.

    How many documents it named; `progress` hears how many pages' worth were found so far.

    Raises: InstallationNotFound, ConnectorError (the cursor stays before what failed).
    """
    found = 0
    while True:
        row = installation_row(hub, installation_id)
        found += pull.step(hub, row, "pull")
        if progress is not None:
            progress(found, found)
        due_at = installation_row(hub, installation_id).pull_due_at
        if due_at is None or due_at > hub.clock.now():
            break
    while process.work_batch(hub, row.programme_id):
        pass
    return found


def _note(  # noqa: PLR0913 - each is a word of its own
    hub: Hub,
    connection: Connection,
    action: str,
    author: str,
    *,
    before: InstallationRow | None,
    after: InstallationRow,
) -> None:
    """Of a secret it is told that it changed, and nothing else; of settings whose connector is
    gone, nothing."""
    was, is_now = {} if before is None else _told(before), _told(after)
    try:
        schema = hub.registry.get(after.connector).manifest.settings_schema
    except ConnectorUnavailable:
        pass
    else:
        given, kept = _stored(hub, after), {} if before is None else _stored(hub, before)
        is_now |= masked(schema, given)
        if before is not None:
            was |= masked(schema, kept)
            is_now |= {
                name: CHANGED for name in secret_names(schema) if given.get(name) != kept.get(name)
            }
    note(
        connection,
        after.programme_id,
        action,
        wire_id(after.id),
        author=author,
        now=hub.clock.now(),
        before=None if before is None else was,
        after=is_now,
    )


def _told(row: InstallationRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "connector": row.connector,
        "state": row.state,
        "shows_balances": row.shows_balances,
    }


def _stored(hub: Hub, row: InstallationRow) -> dict[str, Any]:
    """Where the keys were lost there is nothing: the owner types all settings anew."""
    try:
        return hub.vault.open(row.settings)
    except Unreadable:
        return {}


def installation_row(hub: Hub, installation_id: str) -> InstallationRow:
    """Raises: InstallationNotFound."""
    number = from_wire("i", installation_id)
    with read(hub.engine) as connection:
        row = None if number is None else installations.get(connection, number)
    if row is None:
        raise InstallationNotFound
    return row


def _view(hub: Hub, row: InstallationRow) -> InstallationView:
    try:
        live = enliven(hub, row)
        hooks = {
            hook.name: f"/hooks/{live.wire_id}/{hook.name}" for hook in live.connector.webhooks
        }
        if live.connector.protocol:
            hooks[PROTOCOL] = f"/connect/{live.wire_id}"
        settings = masked(live.connector.manifest.settings_schema, live.settings)
    except NotLive as error:
        hooks, settings = {}, {}
        row = replace(row, trouble_code=error.code, trouble_text=str(error))
    return InstallationView(
        id=wire_id(row.id),
        programme_id=row.programme_id,
        name=row.name,
        connector=row.connector,
        state=row.state,
        hooks=hooks,
        settings=settings,
        trouble_code=row.trouble_code,
        trouble_text=row.trouble_text,
        last_delivery_at=row.last_delivery_at,
        pull_due_at=row.pull_due_at,
        created_at=row.created_at,
        shows_balances=row.shows_balances if balances.can_show(hub, row.connector) else None,
        makes_coupons=row.makes_coupons if coupons.can_make(hub, row.connector) else None,
    )


def _first_duties(connector: Connector, row: InstallationRow, now: datetime) -> dict[str, Any]:
    """Duties that the connector can do and that have no time yet begin now."""
    can = {
        "pull_due_at": connector.pull is not None,
        "recheck_due_at": connector.pull is not None,
        "catalogue_due_at": connector.catalogue is not None,
        "webhooks_due_at": connector.shop_webhooks is not None,
    }
    first = {"recheck_due_at": now + pull.DAY, "webhooks_due_at": now + shop.LOOK_EVERY}
    return {
        duty: first.get(duty, now)
        for duty, able in can.items()
        if able and getattr(row, duty) is None
    }


def _checked_name(name: str) -> str:
    if not name.strip():
        raise InvalidInput({"name": [NAME_MISSING]})
    return name.strip()


def _mark(hub: Hub, row: InstallationRow, error: NeedsAttention) -> None:
    transact(
        hub.engine,
        lambda connection: installations.mark_trouble(connection, row.id, error.code, str(error)),
    )
