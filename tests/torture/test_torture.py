"""A short run of every harm, and runs that are broken on purpose and must be seen to fail.

`make torture` does the long one.
"""

from __future__ import annotations

import pytest

from tests.torture.harm import KINDS, plan_harm
from tests.torture.run import Wanted, torture
from tests.torture.stage import Plan

servers = pytest.mark.usefixtures("_postgres_databases", "redis_url")
"""Left out, or failing on a build server, where such a server cannot be had."""


@pytest.mark.slow
@servers
def test_acknowledged_is_booked_once_whatever_is_killed():
    report = torture(Wanted(seed=7, deliveries=600, kills=len(KINDS)))

    assert report.findings == []
    expected = set(KINDS) if report.disk_of_its_own else set(KINDS) - {"disk full"}
    assert set(report.kills) == expected
    assert report.acknowledged >= 600
    assert report.repeats > 0


@pytest.mark.slow
@servers
def test_a_database_that_forgets_what_it_acknowledged_is_noticed():
    """Commits are kept seconds after they are acknowledged, and the server is killed."""
    plan = Plan(forgetful=True)
    report = torture(Wanted(seed=7, deliveries=240, kills=3, kinds=("postgres",), plan=plan))

    assert any("acknowledged deliveries are lost" in one for one in report.findings)
    assert any("and the model" in one for one in report.findings)


@pytest.mark.slow
@servers
def test_an_inbox_that_keeps_a_delivery_twice_is_noticed():
    report = torture(Wanted(seed=7, deliveries=120, kills=0, plan=Plan(doubling=True)))

    assert any("are kept more than once" in one for one in report.findings)


def test_the_same_seed_does_the_same_harm_and_every_kind_before_any_again():
    once, again = (plan_harm(3, 40, 1000) for _ in range(2))

    assert once == again
    assert {harm.kind for harm in once[: len(KINDS)]} == set(KINDS)
    assert [harm.after for harm in once] == sorted(harm.after for harm in once)
