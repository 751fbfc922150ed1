"""Each bench runs through on little data and yields numbers that can be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import BENCHES, measure
from bench.ground import Ground
from bench.lines import LINES
from bench.measure import GROWTH
from bench.options import ALL, PROFILED, read_options
from bench.oscar_processes import NOT_INSTALLED
from bench.processes import ROOT
from bench.servers import private_servers
from tools.programs import find_wrk

pytestmark = pytest.mark.slow
#: Nothing takes an hour, and nothing is done a million times a second.
MOST = 3.6e6


@pytest.mark.parametrize("name", ALL)
def test_a_bench_yields_numbers(name: str, tmp_path: Path) -> None:
    told: list[str] = []
    with private_servers(quick=True) as servers:
        if servers.postgres is None or servers.redis is None or find_wrk() is None:
            pytest.skip("PostgreSQL, Redis and wrk are needed")
        # One process is enough to see that it runs; starting them is what takes the time here.
        ground = Ground(
            read_options([name, "--quick", "--workers", "1"]), servers, tmp_path, told.append
        )
        try:
            run = measure(ground)
        finally:
            ground.close()

    if NOT_INSTALLED in run.left_out.get(name, ""):
        pytest.skip("PyPI is needed")
    assert run.left_out == {}, "\n".join(told)
    for line in (one for one in LINES if one.bench == name):
        figure = line.value(run.rounds[name])
        assert figure is not None, line.title
        assert 0 < figure.median < MOST or (line.what == GROWTH and figure.median == 0), line.title
    assert BENCHES[name].seconds > 0


def test_profiles_name_our_own_functions() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "bench", "--profile", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert told.returncode == 0, told.stderr
    pages = told.stdout.split(" times, ")[1:]
    assert len(pages) == len(PROFILED)
    for page in pages:
        assert "  psycopg" in page
        assert "loyalty_core/store/" in page
        assert str(ROOT) not in page
