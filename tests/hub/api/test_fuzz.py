"""Calls made from the published description, right and wrong: never a failure of the hub."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.generation.case import Case

from hub.app import create_app
from hub.web.api import openapi_document
from tests.hub.api.client import Caller, new_key, new_programme
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

DESCRIBED = schemathesis.openapi.from_dict(openapi_document())
OPERATIONS = {found.ok().label: found.ok() for found in DESCRIBED.get_all_operations()}


@pytest.fixture
def caller(sqlite_engine, tmp_path) -> Caller:
    hub = make_hub(
        sqlite_engine, clock=FixedClock(), data_dir=tmp_path / "data", rate_limit="100000/minute"
    )
    return Caller(create_app(hub), new_key(hub, new_programme(hub, "shop")).key)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("label", OPERATIONS)
def test_no_input_breaks_the_hub(caller, label, mode):
    @settings(max_examples=25, database=None, suppress_health_check=list(HealthCheck))
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def call(case: Case) -> None:
        lead_inside(case)
        key = {"Authorization": f"Bearer {caller.key}"}
        answer = case.call(app=caller.app, base_url="http://hub.test", headers=key)

        assert answer.status_code < 500, (answer.text, case.as_curl_command())
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]

    call()


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
