"""Checks of who sent a call, over the raw bytes and in constant time.

Each raises SignatureInvalid where the proof is missing or wrong, and says nothing of what was
expected.  An empty secret never matches: an installation without its secret accepts nobody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Literal

from loyalty_kit.errors import SignatureInvalid

Encoding = Literal["base64", "hex"]


def hmac_sha256(secret: str, body: bytes, *, encoding: Encoding) -> str:
    """The signature a sender gives to `body`."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii") if encoding == "base64" else digest.hex()


def check_hmac_sha256(
    secret: str, body: bytes, signature: str | None, *, encoding: Encoding
) -> None:
    """Hex is taken in either case; Base64 exactly.

    Raises: SignatureInvalid.
    """
    given = signature or ""
    if encoding == "hex":
        given = given.lower()
    _match(secret, hmac_sha256(secret, body, encoding=encoding), given)


def check_token(secret: str, token: str | None) -> None:
    """A shared secret sent as it is.

    Raises: SignatureInvalid.
    """
    _match(secret, secret, token or "")


def check_bearer(secret: str, authorization: str | None) -> None:
    """`Authorization: Bearer <secret>`.

    Raises: SignatureInvalid.
    """
    _match(secret, secret, _credentials("bearer", authorization))


def check_basic(user: str, password: str, authorization: str | None) -> None:
    """`Authorization: Basic ...` (RFC 7617) with this user and password.

    Raises: SignatureInvalid.
    """
    try:
        given = base64.b64decode(_credentials("basic", authorization), validate=True)
    except (binascii.Error, ValueError):
        raise SignatureInvalid("unreadable credentials") from None
    wanted = f"{user}:{password}".encode()
    if not password or not hmac.compare_digest(wanted, given):
        raise SignatureInvalid("wrong credentials")


def _credentials(scheme: str, authorization: str | None) -> str:
    given_scheme, _, credentials = (authorization or "").partition(" ")
    return credentials.strip() if given_scheme.lower() == scheme else ""


def _match(secret: str, wanted: str, given: str) -> None:
    if not secret or not given:
        raise SignatureInvalid("missing signature")
    # Bytes: compare_digest takes no text beyond ASCII, and headers may hold anything.
    if not hmac.compare_digest(
        wanted.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass")
    ):
        raise SignatureInvalid("wrong signature")
