"""Whoever works by keyboard or screen reader, or needs contrast, gets through every page: axe-core
finds nothing serious, on light pages and on dark ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from hub.web.admin.rule_parts import PARTS
from tests.security.test_rights_of_people import PAGES, address
from tests.security.world import World
from tests.support.browser import chromium, served, visit

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
LOOK = """
async (rules) => {
  const found = await axe.run(document, {
    resultTypes: ["violations"], selectors: false, iframes: false,
    ...(rules ? {runOnly: rules} : {}),
  });
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .flatMap((one) => one.nodes.map((node) =>
      `${one.id}: ${node.html.slice(0, 200)}: ${[...node.any, ...node.all, ...node.none]
        .map((check) => check.message).join(" ")}`));
}
"""
SQUEEZED = """
() => [...document.querySelectorAll("input, select, textarea")]
  .filter((one) => !["checkbox", "radio", "hidden"].includes(one.type))
  .filter((one) => one.offsetWidth > 1 && one.offsetWidth < 48)
  .map((one) => `too narrow to type in at 1000 px: ${one.outerHTML.slice(0, 200)}`)
"""
VIEWS = (
    *("lots", "purchases", "coupons", "certificates", "orders", "lists", "consents", "messages"),
    "notes",
)


def test_axe_finds_nothing_serious_on_any_page_light_and_dark(still_world: World):
    found: dict[str, list[str]] = {}
    cookie = still_world.owner().client.get_cookie("loyalty_hub", path="/admin")
    assert cookie is not None
    paths = [*open_paths(), *own_paths(still_world)]

    with (
        served(still_world.app) as base,
        chromium() as browser,
        visit(browser, base, locale="en", width=1440) as (page, complaints),
    ):
        page.add_init_script(path=AXE)
        page.emulate_media(reduced_motion="reduce", color_scheme="light")
        for path in open_paths():
            note(found, page, path)
        page.context.add_cookies(
            [
                {
                    "name": "loyalty_hub",
                    "value": cookie.value,
                    "domain": "127.0.0.1",
                    "path": "/admin",
                }
            ]
        )
        for path in own_paths(still_world):
            note(found, page, path)

    assert len(paths) > 60
    told = [f"{path}\n    {one}" for path, wrong in found.items() for one in wrong]
    assert not told, "\n".join(told)
    assert complaints.violations == []
    assert [text for text in complaints.errors if "404" not in text] == []


def note(found: dict[str, list[str]], page: Page, path: str) -> None:
    """All rules in the light, contrast in the dark, and room to type where a page is narrower."""
    page.goto(path, wait_until="domcontentloaded")
    assert "/admin/login" in path or "/admin/login" not in page.url, "logged out"
    wrong: list[Any] = page.evaluate(LOOK, None)
    page.emulate_media(color_scheme="dark")
    wrong += [f"dark, {one}" for one in page.evaluate(LOOK, ["color-contrast"])]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1000, "height": 900})
    wrong += page.evaluate(SQUEEZED)
    page.set_viewport_size({"width": 1440, "height": 900})
    if wrong:
        found[path] = wrong


def open_paths() -> Iterator[str]:
    """Pages before the login, and one that is not there."""
    yield "/admin/login"
    yield "/admin/invitation/nobody-has-it"


def own_paths(world: World) -> Iterator[str]:
    """Every page that the owner may see; what is a part of one, or a file, is none."""
    owner = world.owner()
    for route, page in PAGES.items():
        method, _, rule = route.partition(" ")
        if method != "GET" or page.owner != 200:
            continue
        path = address(world, rule)
        answer = owner.get(path)
        if answer.mimetype == "text/html" and re.match(r"\s*<!doctype html>", answer.text):
            yield path
    parts = address(world, "/admin/p/<programme>/programme/parts")
    yield f"{parts}/lanes/"
    yield from (f"{parts}/{part}/new" for part in PARTS)
    member = address(world, "/admin/p/<programme>/members/<member_id>")
    yield from (f"{member}?view={view}" for view in VIEWS)
