"""The file that an owner hands to whoever helps, of each shop's connection: what was set and what
is wrong, without a name, an address or a secret."""

from __future__ import annotations

import json

import pytest

from hub.connections import shop
from hub.connections.diagnostics import diagnostics
from hub.connections.health import health_of
from hub.installations import create_installation, installation_row
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import write
from loyalty_kit.settings import form_fields, secret_names
from loyalty_kit.testing.remote import Remote, always, json_reply
from tests.connectors.bitrix.shared import FORM as BITRIX
from tests.connectors.bitrix24 import shared as bitrix24
from tests.connectors.evotor import shared as evotor
from tests.connectors.moysklad import shared as moysklad
from tests.connectors.uds.test_conformance import FORM as UDS
from tests.connectors.wordpress.test_conformance import form as wordpress
from tests.support.clock import NOON
from tests.support.hub import make_hub

FORMS = {
    "bitrix": lambda address: BITRIX,
    "bitrix24": bitrix24.form,
    "evotor": evotor.form,
    "moysklad": moysklad.form,
    "uds": lambda address: UDS,
    "wordpress": wordpress,
}
CALLED = {"bitrix24", "evotor", "moysklad", "wordpress"}
"""The others call the hub, and are never called."""
OWNER = "Образцова Ольга"


@pytest.mark.parametrize("connector", sorted(FORMS))
def test_the_file_tells_what_is_set_and_wrong_and_names_nobody(sqlite_engine, connector):
    hub = make_hub(sqlite_engine, public_url="https://hub.example")
    with write(sqlite_engine) as connection:
        programme = create_programme(
            connection, code="demo", document=default_rules(), author="test", now=NOON
        )
    with Remote(always(json_reply(status=401))) as remote:
        form = FORMS[connector](remote.base_url)
        view = create_installation(
            hub, programme_id=programme.id, connector=connector, name=OWNER, settings=form
        )
        side = shop.look(hub, installation_row(hub, view.id))
        told = diagnostics(hub, health_of(hub, view), side)
    text = json.dumps(told, ensure_ascii=False)

    schema = hub.registry.get(connector).manifest.settings_schema
    assert set(told["settings"]) == {field.name for field in form_fields(schema)}
    for name, value in form.items():
        kind = next(field.kind for field in form_fields(schema) if field.name == name)
        if kind not in ("boolean", "integer", "choice", "choices"):
            assert told["settings"][name] == "given"
            # Shorter ones stand in times and numbers by chance.
            assert len(value) < 4 or value not in text, name
    assert secret_names(schema)
    assert (told["connector"], told["health"]["state"]) == (connector, "active")
    error = "credentials_rejected" if connector in CALLED else None
    assert told["health"]["shop"]["error"] == error
    assert OWNER not in text
