"""`openapi`: the description of the public API, made from the code."""

from __future__ import annotations

import json
import sys
from difflib import unified_diff
from itertools import islice
from pathlib import Path

import click

from hub.web.api import openapi_document

_SHOWN = 60


@click.command()
@click.option(
    "--check",
    "checked",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with this file; exits with 1 where they differ.",
)
@click.option(
    "--write",
    "written",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it into this file.",
)
def openapi(checked: Path | None, written: Path | None) -> None:
    """Print the OpenAPI 3.1 document of the hub's API."""
    text = json.dumps(openapi_document(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    if written is not None:
        written.write_text(text, encoding="utf-8")
    elif checked is not None:
        _compare(checked, text)
    else:
        click.echo(text, nl=False)


def _compare(path: Path, text: str) -> None:
    lines = unified_diff(
        path.read_text(encoding="utf-8").splitlines(),
        text.splitlines(),
        str(path),
        "the code",
        lineterm="",
    )
    changed = list(islice(lines, _SHOWN))
    if changed:
        click.echo("\n".join(changed), err=True)
        sys.exit(1)
