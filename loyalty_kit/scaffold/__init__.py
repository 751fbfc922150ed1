"""The first files of a connector: those of the folder beside this module, with its names filled in.

They are a connector of an invented vendor that passes its tests; its author changes them, case by
case, into one of a real vendor.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from string import Template

_NAME = re.compile(r"[a-z][a-z0-9_]{1,31}", re.ASCII)
_ENDING = ".txt"
"""Of templates: what is no module yet is imported and checked by nobody."""


class NameRefused(ValueError):
    """The text says what a name must be."""


def check_name(name: str, taken: Collection[str]) -> None:
    """Raises: NameRefused."""
    if _NAME.fullmatch(name) is None:
        raise NameRefused(
            f"{name!r} cannot be a connector's name: small Latin letters, digits and _, "
            "a letter first, from 2 to 32 of them."
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise NameRefused(f"{name!r} is a word of Python: choose another name.")
    if name in taken:
        raise NameRefused(f"There is a connector {name!r} already: choose another name.")


def outside(name: str) -> Mapping[PurePosixPath, str]:
    """A package of its own, by path: for a folder `loyalty-connector-<name>`."""
    package = f"loyalty_connector_{name}"
    homes = {"outside": "", "connector": package, "tests": "tests"}
    return dict(_rendered(homes, name, package))


def built_in(name: str) -> Mapping[PurePosixPath, str]:
    """A connector that comes with the hub, by path from the root of the hub's sources."""
    homes = {"connector": f"connectors/{name}", "tests": f"tests/connectors/{name}"}
    return dict(_rendered(homes, name, f"connectors.{name}"))


def distribution(name: str) -> str:
    """What the package of a connector from outside is called."""
    return f"loyalty-connector-{name.replace('_', '-')}"


def _rendered(
    homes: Mapping[str, str], name: str, package: str
) -> Iterator[tuple[PurePosixPath, str]]:
    words = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "package": package,
        "tests": homes["tests"],
        "distribution": distribution(name),
    }
    root = resources.files(__name__)
    for room, home in homes.items():
        for path, text in _templates(root / room, PurePosixPath(home)):
            yield path, Template(text).substitute(words)


def _templates(folder: Traversable, home: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            yield from _templates(one, home / one.name)
        elif one.name.endswith(_ENDING):
            yield home / one.name.removesuffix(_ENDING), one.read_text(encoding="utf-8")
