"""A step is made once, and again when what it is made from has changed or it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import set_up
from tools.set_up import SetUpError, Step, do, run


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    monkeypatch.setattr(set_up, "STAMPS", tmp_path / "stamps.json")
    (tmp_path / "a.lock").write_text("one")
    return tmp_path


def test_a_step_is_made_again_only_when_its_sources_change(root: Path) -> None:
    made: list[str] = []
    step = Step("runtime", "Installing", ("*.lock",), lambda: made.append("made"))

    do(step)
    do(step)
    assert made == ["made"]

    (root / "a.lock").write_text("two")
    do(step)
    assert made == ["made", "made"]


def test_a_step_whose_result_is_gone_is_made_again(root: Path) -> None:
    result = root / "vendor"
    step = Step("assets", "Fetching", ("*.lock",), result.mkdir, present=result.exists)

    do(step)
    result.rmdir()
    do(step)

    assert result.exists()


def test_a_step_that_failed_is_tried_again(root: Path) -> None:
    step = Step("runtime", "Installing", ("*.lock",), lambda: run(["sh", "-c", "echo oh; exit 3"]))

    for _ in range(2):
        with pytest.raises(SetUpError, match="oh"):
            do(step)


def test_a_folder_that_was_moved_is_set_up_anew(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Step("runtime", "Installing", (), lambda: None)
    before = step.content()

    monkeypatch.setattr(set_up, "ROOT", root / "elsewhere")

    assert step.content() != before
