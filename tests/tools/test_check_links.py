"""Dead links are found, and living ones are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.check_links import problems


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "guide.md").write_text(
        "# Guide\n\n## Two words, `make run`\n\n## Правила участия\n\n## Twice\n\n## Twice\n\n"
        '<a id="own"></a>\n',
        encoding="utf-8",
    )
    (tmp_path / "docs" / "with space.png").write_bytes(b"")
    return tmp_path


def check(root: Path, text: str) -> list[str]:
    page = root / "README.md"
    page.write_text(text, encoding="utf-8")
    return list(problems([page], root))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[a](docs/guide.md)", id="file"),
        pytest.param("[a](docs/)", id="folder"),
        pytest.param("[a](docs/guide.md#guide)", id="heading"),
        pytest.param("[a](docs/guide.md#two-words-make-run)", id="heading with code and comma"),
        pytest.param("[a](docs/guide.md#правила-участия)", id="Russian heading"),
        pytest.param("[a](docs/guide.md#twice-1)", id="second of two equal headings"),
        pytest.param("[a](docs/guide.md#own)", id="anchor in HTML"),
        pytest.param("# Here\n\n[a](#here)", id="heading of the same page"),
        pytest.param("![a](docs/with%20space.png)", id="picture"),
        pytest.param("[a](https://example.org/nowhere.md#at-all)", id="the web is not asked"),
        pytest.param("[a](mailto:shop@example.org)", id="mail"),
        pytest.param("```\n[a](nowhere.md)\n```\n\n`[a](nowhere.md)`", id="code"),
    ],
)
def test_a_living_link_is_no_problem(root: Path, text: str) -> None:
    assert check(root, text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("[a](nowhere.md)", "README.md:1: nowhere.md: no such file", id="file"),
        pytest.param("x\n\n![a](no.png)", "README.md:3: no.png: no such file", id="picture"),
        pytest.param(
            "[a](docs/guide.md#no)", "README.md:1: docs/guide.md#no: no such heading", id="heading"
        ),
        pytest.param("[a](#no)", "README.md:1: #no: no such heading", id="own heading"),
        pytest.param("[a][b]\n\n[b]: no.md", "README.md:1: no.md: no such file", id="by reference"),
        pytest.param(
            "| a |\n|---|\n| [a](no.md) |", "README.md:3: no.md: no such file", id="in a table"
        ),
        pytest.param('<img src="no.png">', "README.md:1: no.png: no such file", id="HTML"),
        pytest.param("[a](../x)", "README.md:1: ../x: outside the project", id="outside"),
    ],
)
def test_a_dead_link_is_named_with_its_place(root: Path, text: str, problem: str) -> None:
    assert check(root, text) == [problem]
