"""The session over TLS: certificates, and no way back to plain http."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from loyalty_kit.addresses import AddressRefused
from loyalty_kit.errors import (
    RemoteMisconfigured,
)
from loyalty_kit.testing.remote import Answer, Remote, Reply, always, json_reply
from loyalty_kit.transport import call, session


@contextmanager
def remote_and_session(
    answer: Answer, **options: object
) -> Iterator[tuple[Remote, requests.Session]]:
    with Remote(answer) as remote, session(allow_private=True, **options) as made:  # type: ignore[arg-type]
        yield remote, made


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its own certificate for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


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
