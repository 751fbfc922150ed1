"""Proofs of who sent a call.  Expected signatures were made with OpenSSL."""

from __future__ import annotations

import base64

import pytest

from loyalty_kit.errors import SignatureInvalid
from loyalty_kit.signing import (
    check_basic,
    check_bearer,
    check_hmac_sha256,
    check_token,
    hmac_sha256,
)

BODY = b'{"id":19}'
# printf '%s' '{"id":19}' | openssl dgst -sha256 -hmac secret
HEX = "ddce0f4ad3c45c57fff7fbbfae8eab2f6e1f9a258db57c82f07f2b299df49085"
BASE64 = "3c4PStPEXFf/9/u/ro6rL24fmiWNtXyC8H8rKZ30kIU="


def test_signatures_as_openssl_makes_them() -> None:
    assert hmac_sha256("secret", BODY, encoding="hex") == HEX
    assert hmac_sha256("secret", BODY, encoding="base64") == BASE64


def test_the_right_proofs() -> None:
    check_hmac_sha256("secret", BODY, BASE64, encoding="base64")
    check_hmac_sha256("secret", BODY, HEX, encoding="hex")
    check_hmac_sha256("secret", BODY, HEX.upper(), encoding="hex")
    check_token("secret", "secret")
    check_bearer("secret", "Bearer secret")
    check_bearer("secret", "bearer  secret ")
    check_basic("anna", "sé:cret", "Basic " + base64.b64encode("anna:sé:cret".encode()).decode())


@pytest.mark.parametrize("signature", [None, "", HEX, BASE64[:-1], BASE64 + "=", "ключ", "\udcff"])
def test_wrong_signatures(signature: str | None) -> None:
    with pytest.raises(SignatureInvalid):
        check_hmac_sha256("secret", BODY, signature, encoding="base64")


def test_a_changed_body_and_another_secret() -> None:
    with pytest.raises(SignatureInvalid):
        check_hmac_sha256("secret", BODY + b" ", BASE64, encoding="base64")
    with pytest.raises(SignatureInvalid):
        check_hmac_sha256("Secret", BODY, BASE64, encoding="base64")


@pytest.mark.parametrize("token", [None, "", "Secret", "secret ", "секрет"])
def test_wrong_tokens(token: str | None) -> None:
    with pytest.raises(SignatureInvalid):
        check_token("secret", token)


@pytest.mark.parametrize(
    "authorization", [None, "", "secret", "Basic secret", "Bearer", "Bearer x"]
)
def test_wrong_bearers(authorization: str | None) -> None:
    with pytest.raises(SignatureInvalid):
        check_bearer("secret", authorization)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !",
        "Basic é",
        "Bearer YW5uYTpzZWNyZXQ=",
        "Basic " + base64.b64encode(b"anna:Secret").decode(),
        "Basic " + base64.b64encode(b"\xff").decode(),
    ],
)
def test_wrong_credentials(authorization: str | None) -> None:
    with pytest.raises(SignatureInvalid):
        check_basic("anna", "secret", authorization)


def test_without_a_secret_nobody_is_accepted() -> None:
    with pytest.raises(SignatureInvalid):
        check_token("", "")
    with pytest.raises(SignatureInvalid):
        check_hmac_sha256("", BODY, hmac_sha256("", BODY, encoding="hex"), encoding="hex")
    with pytest.raises(SignatureInvalid):
        check_basic("anna", "", "Basic " + base64.b64encode(b"anna:").decode())
