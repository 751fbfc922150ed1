"""The plain part of the rules, as a till without the hub has it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from hub.terms import plain_terms
from loyalty_core.domain.errors import ProgrammeNotFound
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import read, write
from tests.support.clock import NOON

GOLD = {"code": "gold", "name": "З", "spend_from": "5000.00", "earn_percent": "7"}
BASE = {"code": "base", "name": "Б", "spend_from": "0.00"}
CHOICE = {"default": "points", "forms": [{"code": "points", "name": "Баллы"}]}


@pytest.mark.parametrize(
    ("percent", "bound", "earned"),
    [
        pytest.param(5, False, (500, [500, 700]), id="a percent, and a better one"),
        pytest.param(0, False, (0, [0, 700]), id="tiers alone earn"),
        pytest.param(5, True, (0, [0, 0]), id="the member chooses"),
    ],
)
def test_what_tiers_earn(sqlite_engine: Engine, percent: int, bound: bool, earned: Any):
    document = default_rules(earn_percent=percent, spend_limit_percent=30)
    document["tiers"] = [BASE, GOLD]
    if bound:
        document["rewards"] = CHOICE
        document["earning"]["rewards"] = ["points"]
    with write(sqlite_engine) as connection:
        programme = create_programme(
            connection, code="demo", document=document, author="test", now=NOON
        )
    with read(sqlite_engine) as connection:
        terms = plain_terms(connection, PlanCache(), programme.id)
        with pytest.raises(ProgrammeNotFound):
            plain_terms(connection, PlanCache(), programme.id + 1)

    assert (terms.earn_bp, [tier.earn_bp for tier in terms.tiers]) == earned
