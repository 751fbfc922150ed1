"""Watches the whole run of the tests: nothing that hubs print may hold a person or a secret.

What the tests plant (phones, names, passwords, keys) is looked for in every log line as a hub
would write it, in the output of started processes and commands, in error pages, and in what
`/metrics`, `/readyz` and `/healthz` say.  A test during which a planted value comes out fails.
Answers that succeed are not looked at: to show a member to who may see them is their purpose.
"""

from __future__ import annotations

import logging
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click.testing
import flask.testing
import pytest
import structlog

from hub import logs
from hub.config import Config

PLANTED = {
    "a phone": re.compile(r"9(?:16[ )-]{0,2}(?:123|000)|00[ )-]{0,2}000)[ -]?\d\d[ -]?\d\d(?!\d)"),
    "an e-mail": re.compile(r"\b(?:anna|guest\.maria|someone\.else)[\w.]*@", re.IGNORECASE),
    "a name": re.compile("Анна|Ольга|Петрова|Мария"),
    "a card": re.compile(r"\b(?:2200001|400017)\b"),
    "an API key": re.compile(r"lh_[\w-]{43}"),
    "a password": re.compile("correct horse battery|a guess\\b|wrong horse|another one\\b"),
    "a secret of a connection": re.compile(
        r"tablo-secret|let-me-in|s3cr3t|s3cret-word|\b(?:cs|ck)_[0-9a-f]{8}|top-secret"
    ),
    "a key of the vault": re.compile("0{42}A="),
}
"""What tests put in, by what it is."""
TOLD_ONCE = re.compile(
    r"API key of demo: +lh_\S+|One-time password: +\S+"  # `run`, at the first start
    r'|^lh_[\w-]{43}$|"key": "lh_[\w-]{43}"',  # `keys create`, for people and for machines
    re.MULTILINE,
)
"""What a command says to the person who asked for it, once.  Nothing else may say it."""
SOURCE_OF_TESTS = re.compile(r'File \\?"[^"]*/tests/[^"]*", line \d+, in \S+?\\n.*?(?=\\n)')
"""A trace quotes the lines that it passed; those of the tests hold what the tests plant."""
MACHINES = ("/metrics", "/readyz", "/healthz")


class Watch(logging.Handler):
    """`found` says what came out, and where, since the last report."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.files: set[Path] = set()
        self._as_a_hub_writes()

    def look(self, text: str, where: str) -> None:
        for what, shape in PLANTED.items():
            hit = shape.search(text)
            if hit is not None:
                line = text[max(0, hit.start() - 200) : hit.end() + 100]
                self.found.append(f"{what} in {where}: ...{line}...")

    def emit(self, record: logging.LogRecord) -> None:
        self.look(SOURCE_OF_TESTS.sub("", self.format(record)), f"the log, by {record.name}")

    def listen(self) -> None:
        """Hear what is logged, also after a test has configured logging anew."""
        root = logging.getLogger()
        if self not in root.handlers:
            root.addHandler(self)
        if not structlog.is_configured():
            self._as_a_hub_writes()

    def _as_a_hub_writes(self) -> None:
        """Log through the hub's own processors, and not past them, as without configuration."""
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        logs.configure(Config(data_dir=Path(), database_url="sqlite://", log_format="json"))
        structlog.configure(cache_logger_on_first_use=False)
        self.setFormatter(root.handlers[0].formatter)
        root.handlers[:] = handlers
        root.setLevel(min(level, logging.INFO))

    def read_files(self) -> None:
        """What started processes wrote into files."""
        while self.files:
            written = self.files.pop()
            if written.is_file():
                self.look(without_told(written.read_text("utf-8", "replace")), written.name)


def without_told(output: str) -> str:
    return TOLD_ONCE.sub("", output)


class Leaks:
    """The plugin."""

    def __init__(self) -> None:
        self.watch = Watch()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        self.watch.listen()
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        self.watch.listen()
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Iterator[None]:
        outcome: Any = yield
        if call.when == "teardown":
            self.watch.read_files()
        found, self.watch.found = self.watch.found, []
        if found:
            report = outcome.get_result()
            report.outcome = "failed"
            report.longrepr = "\n".join([f"{report.nodeid} lets out:", *found])


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.has_plugin("leaks-of-hubs"):
        plugin = Leaks()
        config.pluginmanager.register(plugin, "leaks-of-hubs")
        _watch_processes(plugin.watch)
        _watch_commands(plugin.watch)
        _watch_answers(plugin.watch)


def _watch_processes(watch: Watch) -> None:
    begin, communicate = subprocess.Popen.__init__, subprocess.Popen.communicate

    def watched_begin(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        for stream in (kwargs.get("stdout"), kwargs.get("stderr")):
            if isinstance(getattr(stream, "name", None), str):
                watch.files.add(Path(stream.name))

    def watched_communicate(self: Any, *args: Any, **kwargs: Any) -> Any:
        said = communicate(self, *args, **kwargs)
        for part in said:
            text = part.decode("utf-8", "replace") if isinstance(part, bytes) else part
            watch.look(without_told(text or ""), "the output of a process")
        return said

    subprocess.Popen.__init__ = watched_begin  # type: ignore[method-assign]
    subprocess.Popen.communicate = watched_communicate  # type: ignore[method-assign]


def _watch_commands(watch: Watch) -> None:
    invoke = click.testing.CliRunner.invoke

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        done = invoke(self, *args, **kwargs)
        watch.look(without_told(done.output), "the output of a command")
        return done

    click.testing.CliRunner.invoke = watched  # type: ignore[method-assign]


def _watch_answers(watch: Watch) -> None:
    call = flask.testing.FlaskClient.open

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = call(self, *args, **kwargs)
        path = answer.request.path
        if answer.status_code >= 400 or path in MACHINES:
            watch.look(answer.get_data(as_text=True), f"{answer.status_code} of {path}")
        return answer

    flask.testing.FlaskClient.open = watched  # type: ignore[method-assign]
