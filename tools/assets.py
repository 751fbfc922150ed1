"""Copy the browser libraries out of node_modules into the folder that the hub serves.

Standard library only: this runs before anything is installed.  None of what it copies is committed.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "hub" / "web" / "static" / "vendor"

#: Name in the vendor folder -> file in node_modules.
FILES = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "echarts.min.js": "echarts/dist/echarts.common.min.js",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "alpine-csp.min.js": "@alpinejs/csp/dist/cdn.min.js",
}
LICENCES = "LICENSES.txt"


def copy_assets(node_modules: Path, vendor: Path) -> None:
    """Make the vendor folder anew: the files above and the licences of all that is inside them.

    Raises: FileNotFoundError if a package does not hold what it is expected to hold.
    """
    fresh = vendor.with_name(vendor.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, source in FILES.items():
        text = (node_modules / source).read_text(encoding="utf-8")
        (fresh / name).write_text(_without_source_map(text), encoding="utf-8")
    (fresh / LICENCES).write_text("\n\n".join(_licences(node_modules)), encoding="utf-8")
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.rename(vendor)


def complete(vendor: Path) -> bool:
    """Whether every file is there."""
    return all((vendor / name).exists() for name in (*FILES, LICENCES))


def _without_source_map(text: str) -> str:
    """The maps are not served, so a browser must not be told to ask for them."""
    lines = text.rstrip().split("\n")
    if lines[-1].startswith(("/*# sourceMappingURL=", "//# sourceMappingURL=")):
        lines.pop()
    return "\n".join(lines) + "\n"


def _licences(node_modules: Path) -> Iterator[str]:
    """One block for each package: the bundles hold their dependencies too."""
    lock = json.loads((node_modules / ".package-lock.json").read_text(encoding="utf-8"))
    for place, facts in sorted(lock["packages"].items()):
        if facts.get("dev"):
            continue  # a tool of the tests: nothing of it is served
        folder = node_modules.parent / place
        package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        title = f"{package['name']} {package['version']} ({package['license']})"
        own = next(iter(sorted(folder.glob("LICENSE*"))), None)
        text = own.read_text(encoding="utf-8") if own else _mit(package)
        yield f"{title}\n{'=' * len(title)}\n\n{text.strip()}\n"


def _mit(package: dict[str, str]) -> str:
    """Some packages name the MIT licence without bringing its text; ours has the same words."""
    if package["license"] != "MIT":
        raise FileNotFoundError(f"{package['name']} brings no licence text")
    permission = (ROOT / "LICENSE").read_text(encoding="utf-8").split("\n\n", 2)[2]
    return f"Copyright (c) {package['author']} and contributors\n\n{permission}"


if __name__ == "__main__":
    copy_assets(ROOT / "node_modules", VENDOR)
    sys.exit(0)
