"""What every connector must do, at a stand-in that answers as the vendor does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.smsc import CONNECTOR
from loyalty_kit.testing.conformance import conformance_suite
from loyalty_kit.testing.remote import Asked, Remote, Reply
from loyalty_kit.testing.subject import RemoteSide
from tests.stand_ins.gateways import Smsc, form_of

ANSWERS = dict.fromkeys(range(1, 251), ("79000000001", "Стоп"))


def form(base_url: str) -> dict[str, str]:
    return Smsc.form(base_url) | {"answers": "true"}


def accepts(asked: Asked) -> Reply:
    if asked.path == "/sys/get.php":
        return Smsc.answered(form_of(asked), ANSWERS)
    return Smsc.accepts(asked)


@contextmanager
def account() -> Iterator[str]:
    with Remote(accepts) as remote:
        yield remote.base_url


TestSmsc = conformance_suite(
    CONNECTOR,
    recorded=Path(__file__).parent / "recorded",
    settings=form("https://gateway.example.com"),
    sign=lambda webhook, body: {},
    remote=RemoteSide(settings=form, accepts=accepts, refusals=Smsc.refusals(), shop=account),
)
