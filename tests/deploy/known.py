"""Which names of settings the hub knows, read from where it reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.deploy.conftest import ROOT

_READ = (ROOT / "hub" / "config.py").read_text(encoding="utf-8")
KNOWN = frozenset(re.findall(r'"(HUB_[A-Z_]+)"', _READ))


def is_setting(name: str) -> bool:
    """Each may be given as NAME_FILE too."""
    return name in KNOWN or (name.endswith("_FILE") and name.removesuffix("_FILE") in KNOWN)


def settings_in(text: str) -> Iterator[tuple[str, str]]:
    """Settings given as NAME=value or NAME: value; comments are passed over."""
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            yield from re.findall(r"\b(HUB_[A-Z_]+)(?:=|: )\"?([^\s\"\\]*)", line)
