"""Each webhook of each connector of ours: with no, a wrong, another connection's and a replayed
proof, through the hub's door.

What vendors' own protocols prove is tried in their journeys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from werkzeug.test import Client

from hub.app import create_app
from hub.deliveries import list_deliveries
from hub.installations import create_installation
from loyalty_kit.ports import SECRET_HEADER
from loyalty_kit.testing.recorded import Case, read_cases
from tests.connectors.bitrix import shared as bitrix
from tests.connectors.bitrix24 import shared as bitrix24
from tests.connectors.evotor import shared as evotor
from tests.connectors.moysklad import shared as moysklad
from tests.connectors.uds import test_conformance as uds
from tests.connectors.wordpress import shared as wordpress
from tests.connectors.wordpress import test_conformance as woocommerce
from tests.support.hub import make_hub
from tests.support.ingest import make_programme

ANOTHER = "another-word-of-the-tests-42"
Headers = Mapping[str, str]


@dataclass(frozen=True)
class Door:
    """`words` are the settings that a proof is made of; another connection has others."""

    cases: Path
    form: Mapping[str, str]
    words: tuple[str, ...]
    sign: Callable[[str, bytes], Headers]


DOORS = {
    "wordpress": Door(
        wordpress.CASES,
        woocommerce.form("https://shop.example"),
        ("webhook_secret",),
        woocommerce.signed,
    ),
    "moysklad": Door(
        moysklad.CASES,
        moysklad.form(customers="staff"),
        ("till_token", "hook_token"),
        lambda webhook, _body: moysklad.proof(webhook),
    ),
    "evotor": Door(
        evotor.CASES,
        evotor.form(),
        ("app_token", "user_token"),
        lambda _webhook, _body: evotor.proof(),
    ),
    "bitrix": Door(bitrix.CASES, bitrix.FORM, ("secret",), bitrix.sign),
    "bitrix24": Door(
        bitrix24.CASES,
        bitrix24.form(),
        ("hook_token",),
        lambda _webhook, _body: {SECRET_HEADER: bitrix24.HOOK},
    ),
    "uds": Door(
        Path(uds.__file__).parent / "recorded",
        uds.FORM,
        ("api_key",),
        lambda _webhook, _body: {"Authorization": f"Basic {uds.PROOF}"},
    ),
}


def knocks(web: Client, path: str, case: Case, proof: Headers) -> int:
    """A proof that was recorded is left out, and a secret of the address goes where the vendor
    would put it."""
    other = {k: v for k, v in (case.headers or {}).items() if "signature" not in k.lower()}
    sent = {**other, **proof}
    secret = sent.pop(SECRET_HEADER, None)
    address = path if secret is None else f"{path}/{secret}"
    answer = web.post(address, data=case.body, headers=sent, query_string=dict(case.query or {}))
    return answer.status_code


def spoilt(proof: Headers) -> list[Headers]:
    """As long as it was, of its last half, and empty."""
    return [
        {name: change(value) for name, value in proof.items()}
        for change in (lambda v: v[:-8] + "00000000", lambda v: v[len(v) // 2 :], lambda _v: "")
    ]


@pytest.fixture
def homes(sqlite_engine: Engine, request: pytest.FixtureRequest) -> Any:
    code: str = request.param
    hub = make_hub(sqlite_engine)
    programme = make_programme(hub)
    door = DOORS[code]
    forms = {"one": door.form, "other": {**door.form, **dict.fromkeys(door.words, ANOTHER)}}
    made = {
        name: create_installation(
            hub, programme_id=programme.id, connector=code, name=name, settings=form
        )
        for name, form in forms.items()
    }
    return hub, create_app(hub).test_client(), door, made["one"], made["other"]


def test_no_connector_with_a_webhook_is_left_out(sqlite_engine):
    registry = make_hub(sqlite_engine).registry
    ours = [one.code for one in registry.entries if one.state.value == "ready"]
    assert {code for code in ours if registry.get(code).webhooks} == set(DOORS)


@pytest.mark.parametrize("homes", DOORS, indirect=True)
def test_a_webhook_opens_to_its_own_proof_alone_and_keeps_it_once(homes):
    hub, web, door, one, other = homes
    cases = read_cases(door.cases)
    for webhook, path in one.hooks.items():
        case = next(
            (one for one in cases if one.webhook == webhook and one.signed and not one.raises), None
        )
        if case is None:
            assert webhook == "connect", f"no recorded case of {webhook}"
            continue
        proof = door.sign(webhook, case.body)
        shut = [knocks(web, path, case, wrong) for wrong in ({}, *spoilt(proof))]
        shut.append(knocks(web, other.hooks[webhook], case, proof))
        assert set(shut) <= {401, 404}, (webhook, shut)
        assert 401 in shut
        assert list_deliveries(hub, installation_id=other.id, limit=9).items == []
        known = len(list_deliveries(hub, installation_id=one.id, limit=99).items)
        assert [knocks(web, path, case, proof) for _ in range(3)] == [200] * 3, webhook
        kept = list_deliveries(hub, installation_id=one.id, limit=99).items
        assert len(kept) == known + 1, webhook
