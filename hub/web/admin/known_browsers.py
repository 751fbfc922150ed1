"""Browsers in which somebody has logged in before: their attempts are counted apart.

A limit that counts by the login alone lets whoever knows the login lock its owner out, by
guessing wrong for ever.  So a login leaves a signed cookie behind, which opens nothing: it only
says on whose count the next attempts of this browser go.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from datetime import timedelta

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from loyalty_core.service.admins import fold_login

COOKIE = "loyalty_hub_known"
_KEPT = timedelta(days=180)
_IPV6_NETWORK = 64
"""RFC 6177: what a single site gets is a /64 or larger, so its addresses are one caller."""


def whose_attempt() -> str:
    """On whose count an attempt goes: this browser's if it is known, else the login's."""
    login = fold_login(request.form.get("login", ""))
    try:
        known, browser = _signer().loads(
            request.cookies.get(COOKIE, ""), max_age=int(_KEPT.total_seconds())
        )
    except (BadSignature, ValueError, TypeError):
        known, browser = None, ""
    name = _name_of(login)
    return f"browser:{browser}" if known == name else f"login:{name}"


def where_from() -> str:
    """The caller's address, or its network where the version of IP gives each caller many."""
    address = request.remote_addr or ""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return address
    return str(ipaddress.ip_network((known, _IPV6_NETWORK), strict=False))


def remember(response: Response, login: str) -> None:
    """Know this browser from now on, for this login."""
    response.set_cookie(
        COOKIE,
        _signer().dumps([_name_of(login), secrets.token_hex(8)]),
        max_age=_KEPT,
        path="/admin/login",
        secure=current_app.session_interface.get_cookie_secure(current_app),
        httponly=True,
        samesite="Strict",
    )


def _name_of(login: str) -> str:
    """Hashed: a login that was typed may be long, and is nobody's business in Redis."""
    return hashlib.sha256(login.encode("utf-8", "surrogatepass")).hexdigest()


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="known browser")
