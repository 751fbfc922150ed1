"""The session over TLS: certificates, and no way back to plain http."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from loyalty_kit.addresses import AddressRefused
from loyalty_kit.errors import (
    RemoteMisconfigured,
)
from loyalty_kit.testing.remote import Answer, Remote, Reply, always, json_reply
from loyalty_kit.transport import call, session
from tests.support.certificates import own_certificate


@contextmanager
def remote_and_session(
    answer: Answer, **options: object
) -> Iterator[tuple[Remote, requests.Session]]:
    with Remote(answer) as remote, session(allow_private=True, **options) as made:  # type: ignore[arg-type]
        yield remote, made


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_certificate(tmp_path_factory.mktemp("tls"))


@contextmanager
def over_tls(remote: Remote, certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    plain = remote._server.socket
    remote._server.socket = context.wrap_socket(plain, server_side=True)
    yield remote.base_url.replace("http:", "https:")


def test_a_certificate_that_nobody_vouches_for(certificate: Path) -> None:
    with (
        remote_and_session(always(json_reply())) as (remote, made),
        over_tls(remote, certificate) as base_url,
        pytest.raises(RemoteMisconfigured, match="certificate is not valid"),
    ):
        call(made, "POST", base_url)


def test_no_way_from_https_to_http(certificate: Path) -> None:
    down = always(Reply(302, b"", {"Location": "http://127.0.0.1:1/"}))
    with remote_and_session(down) as (remote, made), over_tls(remote, certificate) as base_url:
        made.verify = str(certificate)
        with pytest.raises(AddressRefused, match="from https to http"):
            call(made, "GET", base_url)
