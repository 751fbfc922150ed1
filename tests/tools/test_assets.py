"""What the hub serves is what the packages hold, with their licences and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.assets import FILES, complete, copy_assets

PACKAGES = {
    "@tabler/core": {"license": "MIT", "author": "codecalm"},
    "htmx.org": {"license": "0BSD", "author": "Big Sky Software"},
    "@alpinejs/csp": {"license": "MIT", "author": "Caleb Porzio"},
}


@pytest.fixture
def node_modules(tmp_path: Path) -> Path:
    folder = tmp_path / "node_modules"
    for name, facts in PACKAGES.items():
        (folder / name).mkdir(parents=True)
        package = {"name": name, "version": "1.2.3", **facts}
        (folder / name / "package.json").write_text(json.dumps(package))
    for source in FILES.values():
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        (folder / source).write_text("content\n/*# sourceMappingURL=a.map */")
    (folder / "htmx.org" / "LICENSE").write_text("Zero-Clause BSD")
    places = {f"node_modules/{name}": {} for name in PACKAGES}
    places["node_modules/a-tool-of-tests"] = {"dev": True}
    (folder / ".package-lock.json").write_text(json.dumps({"packages": places}))
    return folder


def test_the_files_and_their_licences_are_copied(node_modules: Path, tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    vendor.mkdir()
    (vendor / "old.js").write_text("of an earlier version")

    copy_assets(node_modules, vendor)

    assert complete(vendor)
    assert {path.name for path in vendor.iterdir()} == {*FILES, "LICENSES.txt"}
    assert (vendor / "htmx.min.js").read_text() == "content\n"
    licences = (vendor / "LICENSES.txt").read_text()
    assert "htmx.org 1.2.3 (0BSD)" in licences
    assert "Zero-Clause BSD" in licences
    assert "Copyright (c) Caleb Porzio and contributors\n\nPermission is hereby" in licences


def test_a_package_that_lacks_its_file_leaves_the_old_ones(
    node_modules: Path, tmp_path: Path
) -> None:
    vendor = tmp_path / "vendor"
    copy_assets(node_modules, vendor)
    (node_modules / FILES["tabler.min.js"]).unlink()

    with pytest.raises(FileNotFoundError):
        copy_assets(node_modules, vendor)

    assert complete(vendor)


def test_a_vendor_folder_that_misses_a_file_is_not_complete(
    node_modules: Path, tmp_path: Path
) -> None:
    vendor = tmp_path / "vendor"
    copy_assets(node_modules, vendor)

    (vendor / "htmx.min.js").unlink()

    assert not complete(vendor)
