"""Floors F4 and F5 write the hub's own bytes."""

from __future__ import annotations

import json

import pytest
from werkzeug.test import Client

from bench.floors import FLOORS, encoder_of

ANSWER = '{"b": 1, "a": ["Иванова", "1.50"]}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        ANSWER,
        b'{"b":1,"a":["x","1.50"]}',
        b'{"b":1,"a":"\\u0418"}\n',
        '{"a":"И"}'.encode(),
    ],
)
def test_the_encoder_gives_the_bytes_again(body: bytes) -> None:
    assert encoder_of(body)(json.loads(body)).encode() == body.strip()


def test_bytes_that_json_does_not_write_are_refused() -> None:
    with pytest.raises(ValueError, match="as the hub does"):
        encoder_of(b'{ "a": 1 }')


@pytest.mark.parametrize("name", list(FLOORS))
def test_a_floor_answers_json_with_the_same_bytes(name: str) -> None:
    client = Client(FLOORS[name](ANSWER))

    told = client.post("/api/v1/quotes", json={"lines": []})

    assert (told.status_code, told.data) == (200, ANSWER)
    assert told.headers["Content-Type"] == "application/json"
