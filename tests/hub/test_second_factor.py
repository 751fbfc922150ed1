"""Codes by time: the standard's own example, the drift that is let through, and no more."""

from datetime import UTC, datetime

import pytest

from hub.second_factor import fitting_steps

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""RFC 6238, appendix B: the ASCII text 12345678901234567890, here in base32."""


@pytest.mark.parametrize(
    ("seconds", "code", "steps"),
    [
        # The appendix tells eight digits at 59 s, 94287082; the last six are those of an app.
        pytest.param(59, "287082", {1}, id="the standard's example"),
        # At 1111111109 s, 07081804.
        pytest.param(1111111079, "081804", {37037036}, id="a clock that is behind"),
        pytest.param(89, "287 082", {1}, id="a clock that is ahead, and a space"),
        pytest.param(90, "287082", set(), id="over"),
        pytest.param(59, "287083", set(), id="wrong"),
        pytest.param(59, "", set(), id="nothing"),
        pytest.param(59, "２８７０８２", set(), id="digits of another script"),
    ],
)
def test_a_code_fits_its_own_step_and_its_neighbours(seconds, code, steps):
    assert fitting_steps(SECRET, code, datetime.fromtimestamp(seconds, UTC)) == steps
