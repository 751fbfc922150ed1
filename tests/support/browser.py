"""A real browser before a real hub, that notes what a browser complains of."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tools.programs import find_chromium

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  window.tellViolation(`${event.violatedDirective}: ${event.blockedURI} (${event.sourceFile})`);
});
"""


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's word
        """The hub logs its requests itself."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a free port; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    with sync_playwright() as playwright:
        found = find_chromium()
        browser = playwright.chromium.launch(
            executable_path=str(found) if found else None, args=list(ARGUMENTS)
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass(slots=True)
class Complaints:
    """Errors of the console and of scripts, and breaches of the content security policy."""

    errors: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("console", lambda message: self._note(message))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.expose_function("tellViolation", lambda text: self.violations.append(text))
        page.add_init_script(_TELL_VIOLATIONS)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)


@contextmanager
def visit(
    browser: Browser, base: str, *, locale: str, width: int, dark: bool = False
) -> Iterator[tuple[Page, Complaints]]:
    """A fresh visitor with a window this wide, and what the browser complains of meanwhile."""
    context = browser.new_context(
        base_url=base,
        locale=locale,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    complaints = Complaints()
    complaints.listen(page)
    try:
        yield page, complaints
    finally:
        context.close()


def fits(page: Page) -> None:
    """Nothing sticks out of the window sideways."""
    inside = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(inside), f"{page.url} is wider than its window"
