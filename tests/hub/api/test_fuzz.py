"""Calls made from the published description, right and wrong, alone and in chains, by all kinds
of keys: never a failure of the hub, and nothing that the description does not name.

A long run: `FUZZ_EXAMPLES=2000 make test PYTEST=tests/hub/api/test_fuzz.py`.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.generation.case import Case
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)

from hub.app import create_app
from hub.web.api import openapi_document
from hub.web.api.specification import LINKS
from loyalty_core.service.api_keys import SCOPES, revoke_key
from loyalty_core.service.shops import NewShop, create_shop
from loyalty_core.store.database import write
from tests.hub.api.client import Caller, new_key, new_programme
from tests.support.clock import NOON, FixedClock
from tests.support.hub import make_hub

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "15"))
DESCRIBED = schemathesis.openapi.from_dict(openapi_document())
OPERATIONS = {found.ok().label: found.ok() for found in DESCRIBED.get_all_operations()}
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
NO_SUCH_ADDRESS = {"unknown_route", "method_not_allowed"}
"""A path whose parts hold a slash, or nothing, is another address than the one described."""
KINDS = ("all", *SCOPES, "bound", "stranger", "revoked", "garbage")


@pytest.fixture
def callers(sqlite_engine, tmp_path) -> dict[str, Caller]:
    """A caller for each kind of key; `all`, the scopes, and `bound` are of the programme `shop`."""
    hub = make_hub(
        sqlite_engine,
        clock=FixedClock(),
        data_dir=tmp_path / "data",
        rate_limit="100000/second",
        quote_deadline_ms=20_000,
    )
    app = create_app(hub)
    ours, other = new_programme(hub, "shop"), new_programme(hub, "other")
    with write(hub.engine) as connection:
        create_shop(connection, ours, NewShop("south"), now=NOON)
    keys = {
        "all": new_key(hub, ours),
        **{scope: new_key(hub, ours, scopes=[scope], name=scope) for scope in SCOPES},
        "bound": new_key(hub, ours, shops=["south"], name="south"),
        "stranger": new_key(hub, other),
        "revoked": new_key(hub, ours, name="revoked"),
    }
    with write(hub.engine) as connection:
        revoke_key(connection, ours, keys["revoked"].id, now=NOON)
    texts = {kind: key.key for kind, key in keys.items()} | {"garbage": "lh_garbage"}
    return {kind: Caller(app, text) for kind, text in texts.items()}


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("label", OPERATIONS)
def test_no_input_breaks_the_hub(callers, label, mode):
    # Most examples come by the key that gets furthest.
    kinds = st.one_of(st.just("all"), st.sampled_from(KINDS))

    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode), kind=kinds)
    def call(case: Case, kind: str) -> None:
        lead_inside(case)
        answer = case.call(app=callers[kind].app, **by(callers[kind]))
        look(case, answer)
        if kind in ("revoked", "garbage") and case_code(answer) not in NO_SUCH_ADDRESS:
            assert answer.status_code == 401

    call()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["all", "bound", "stranger"])
def test_no_chain_of_calls_breaks_the_hub(callers, kind):
    """What one answer tells is used by the next call, as the links of the description say."""
    followed: set[str] = set()

    class Chain(DESCRIBED.as_state_machine()):  # type: ignore[misc]  # made at run time
        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            lead_inside(case)
            return {"app": callers[kind].app, **by(callers[kind])}

        def validate_response(self, response: Any, case: Case, **_: Any) -> None:
            look(case, response)
            if response.status_code < 300:
                followed.add(case.operation.definition.raw["operationId"])

    Chain.run(
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=8,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
    )

    assert followed, "no call of the chains succeeded"


def test_every_link_leads_from_an_answer_to_an_address_that_takes_it(callers):
    """By hand, with real answers: what the chains follow is right."""
    caller = callers["all"]
    line = {"id": "1", "sku": "T", "quantity": "1", "amount": "10.00"}
    bodies = {
        "hold": {"cart": "c-1", "lines": [line]},
        "purchase": {
            "external_id": "p-1",
            "occurred_at": "2026-03-14T14:30:00+03:00",
            "lines": [{**line, "paid": "10.00"}],
        },
        "enrol": {"phone": "+79161234567"},
    }
    named = {one.definition.raw["operationId"]: one for one in OPERATIONS.values()}

    for maker, status, parameter, takers in LINKS:
        made = caller.post(named[maker].path.removeprefix("/api/v1"), bodies[maker])
        assert str(made.status_code) == status
        for taker in takers:
            path = named[taker].path.replace("{" + parameter + "}", made.json["id"])
            answer = caller.call(named[taker].method, path.removeprefix("/api/v1"), {})
            assert answer.status_code not in (404, 405), (maker, taker)


def by(caller: Caller) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {caller.key}"}
    return {"base_url": "http://hub.test", "headers": headers}


def look(case: Case, answer: Any) -> None:
    """Status and body are those of the description; `default` of it excuses nothing."""
    case.validate_response(answer, checks=CHECKS)
    described = case.operation.definition.raw["responses"].keys() - {"default"}
    if str(answer.status_code) not in described:
        assert case_code(answer) in NO_SUCH_ADDRESS, (answer.status_code, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == ["application/problem+json"]


def case_code(answer: Any) -> str | None:
    return answer.json().get("code") if answer.status_code >= 400 else None


def lead_inside(case: Case) -> None:
    """What chance never hits: the programme that there is, its currency, a possible phone."""
    if "code" in (case.path_parameters or {}):
        case.path_parameters["code"] = "shop"
    if isinstance(case.body, dict):
        if isinstance(case.body.get("currency"), str):
            case.body["currency"] = "RUB"
        for name in ("member", "customer"):
            if isinstance(case.body.get(name), dict) and "phone" in case.body[name]:
                case.body[name]["phone"] = "+79161234567"
        case.body.pop("shop", None)
