"""What is taken out of logs and recordings, and what is left in."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_kit.redact import is_secret_name, redact_json, redact_text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("call +79161234567 now", "call [redacted] now", id="phone"),
        pytest.param("8 (916) 123-45-67", "[redacted]", id="phone as people write it"),
        pytest.param("to anna.b@mail.example.ru!", "to [redacted]!", id="e-mail"),
        pytest.param("card 4276 5500 1298 3346", "card [redacted]", id="card"),
        pytest.param(
            "Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]", id="b"
        ),
        pytest.param("Basic Y2tfMTpjc18y is sent", "Basic [redacted] is sent", id="basic"),
        pytest.param("?consumer_secret=cs_1&page=2", "?consumer_secret=[redacted]&page=2", id="q"),
        pytest.param('{"access_token": "abc"}', '{"access_token": "[redacted]"}', id="in JSON"),
        pytest.param("ck_0123456789abcdef0123", "[redacted]", id="WooCommerce key"),
        pytest.param("eyJhbGciOi.eyJzdWIiOi.c2ln", "[redacted]", id="JSON web token"),
        pytest.param("f3a1" * 10, "[redacted]", id="long mixed run"),
        pytest.param("order 1042 of 2026-03-14 15:57:00", None, id="order and time"),
        pytest.param("paid 1350.00, 12345678901.25", None, id="sums"),
        pytest.param("/wp-json/wc/v3/orders/1042/refunds", None, id="path"),
        pytest.param("a token is missing", None, id="the word alone"),
    ],
)
def test_redact_text(text: str, left: str | None) -> None:
    assert redact_text(text) == (text if left is None else left)


@pytest.mark.parametrize(
    ("data", "left"),
    [
        pytest.param(
            {"phone": "1", "sku": "TEA-1"}, {"phone": "[redacted]", "sku": "TEA-1"}, id="p"
        ),
        pytest.param({"x-api-key": "1"}, {"x-api-key": "[redacted]"}, id="header"),
        pytest.param({"token": {"a": 1}}, {"token": "[redacted]"}, id="a whole object"),
        pytest.param(
            {"billing": {"first_name": "Анна"}}, {"billing": {"first_name": "[redacted]"}}, id="n"
        ),
        pytest.param(
            [{"note": "call +79161234567"}], [{"note": "call [redacted]"}], id="in a list"
        ),
        pytest.param({"n": 79161234567, "id": 1042}, {"n": "[redacted]", "id": 1042}, id="number"),
        pytest.param({"phone": "", "card": None}, {"phone": "", "card": None}, id="empty"),
        pytest.param(
            {"shipping": "x", "discard": "y"}, {"shipping": "x", "discard": "y"}, id="other"
        ),
        pytest.param({"paid": True, "rate": 0.5}, {"paid": True, "rate": 0.5}, id="plain values"),
        pytest.param(b"to a@b.ru", "to [redacted]", id="bytes"),
    ],
)
def test_redact_json(data: Any, left: Any) -> None:
    assert redact_json(data) == left


def test_redacting_changes_nothing_in_place() -> None:
    data = {"customer": {"phone": "+79161234567"}}

    redact_json(data)

    assert data == {"customer": {"phone": "+79161234567"}}


@given(st.integers(10**9, 10**10 - 1), st.sampled_from(["+7{}", "8{}", "+7 {}", "tel:{}", "<{}>"]))
def test_no_phone_stays(number: int, form: str) -> None:
    assert str(number) not in redact_text(form.format(number))


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("consumer_secret", True),
        ("webhook-secret", True),
        ("apiKey", True),
        ("password", True),
        ("pin", True),
        ("shipping", False),
        ("sku", False),
        ("keyword", False),
    ],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


@pytest.mark.parametrize("piece", ["a", "1", "1 ", "-", "a@", "secret", "eyJ", "a1-", "a="])
def test_long_texts_take_no_long_time(piece: str) -> None:
    """A body that was made to be slow: twice the length may take about twice the time."""
    text = piece * (50_000 // len(piece))
    started = time.process_time()

    redact_text(text)

    assert time.process_time() - started < 5
