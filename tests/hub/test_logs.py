"""Log lines: an event is told, secrets and people are not."""

import io
import json
import logging
import sys

import pytest
import structlog
from flask import Flask

from hub import logs
from hub.config import Config
from hub.metrics import Metrics


@pytest.fixture
def lines(monkeypatch, tmp_path):
    """Configure JSON logging to a text; gives a function that reads what was logged."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    config = Config(data_dir=tmp_path, database_url="sqlite://", log_format="json")
    logs.configure(config)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def test_phones_and_secrets_are_taken_out(lines):
    structlog.get_logger("t").warning(
        "delivery_failed",
        text="call +7 916 123-45-67 or anna@example.ru",
        api_key="abc",
        installation="i_2k5d",
    )

    (line,) = lines()
    assert line["event"] == "delivery_failed"
    assert line["installation"] == "i_2k5d"
    # Numbers that are drawn or counted may hold such letters by chance.
    told = json.dumps({**line, "request_id": "", "timestamp": ""})
    assert "916" not in told
    assert "anna" not in told
    assert "abc" not in told


def test_numbers_of_rows_are_left(lines):
    structlog.get_logger("t").info("drained", programme=250_000_000_000_000_123)

    assert lines()[0]["programme"] == 250_000_000_000_000_123


def test_an_exception_tells_its_place_and_not_its_message(lines):
    try:
        int("Анна Петрова")
    except ValueError as error:
        structlog.get_logger("t").error("defect", exc_info=error)

    (line,) = lines()
    assert "ValueError" in line["exception"]
    assert "test_logs.py" in line["exception"]
    assert "Анна" not in line["exception"].replace('int("Анна Петрова")', "")


def test_what_libraries_log_is_redacted_too(lines):
    logging.getLogger("some.library").warning("token=%s of %s", "s3cr3t", "+79161234567")

    (line,) = lines()
    assert "s3cr3t" not in json.dumps(line)
    assert "9161234567" not in json.dumps(line)


def test_each_answer_has_its_own_request_id(lines):
    app = Flask("t")
    logs.register(app, Metrics())

    first = app.test_client().get("/nothing").headers["X-Request-Id"]
    second = app.test_client().get("/nothing").headers["X-Request-Id"]

    assert first != second
    assert [line["request_id"] for line in lines()] == [first, second]
    assert "/nothing" not in json.dumps(lines())
