"""Headers that keep a browser from doing what no page of ours needs.

The pages hold no inline script and no inline style, so the policy has no nonce and no
exception: that is stricter than nonces, which let pass whatever carries one.  What is not a
file of our own is kept by no cache.  `data:` images are the small drawings inside Tabler's
style sheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import Flask, Response, request

_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)
POLICY = f"{_POLICY}; frame-ancestors 'none'"
_YEAR_S = 31_536_000
_ALWAYS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
)
_HTTPS = ("Strict-Transport-Security", f"max-age={_YEAR_S}")
_NOT_KEPT = ("Cache-Control", "no-store")
_WANTED = {
    (https, kept): (*_ALWAYS, *((_HTTPS,) if https else ()), *(() if kept else (_NOT_KEPT,)))
    for https in (True, False)
    for kept in (True, False)
}


def headers(*, https: bool, kept: bool = False) -> Sequence[tuple[str, str]]:
    """What stands on every answer; `kept`: caches may keep it."""
    return _WANTED[https, kept]


def register(app: Flask, *, public_https: bool) -> None:
    """Put the headers on every answer; `public_https`: the hub is known to be behind https."""

    def guard(response: Response) -> Response:
        told = {name.lower() for name, _ in response.headers}
        https = public_https or request.is_secure
        wanted = headers(https=https, kept=request.endpoint == "static")
        if "content-security-policy" in told:
            # It says itself who may frame it; the older header knows no single origins.
            wanted = [pair for pair in wanted if pair[0] != "X-Frame-Options"]
        response.headers.extend([pair for pair in wanted if pair[0].lower() not in told])
        if "location" in told:
            _keep_the_host_out(response)
        return response

    app.after_request(guard)


def framed_by(ancestors: Iterable[str]) -> str:
    """The policy of a page that these origins may show in a frame."""
    return f"{_POLICY}; frame-ancestors {' '.join(ancestors)}"


def _keep_the_host_out(response: Response) -> None:
    """Redirects within the hub are told without a host: the caller may have made it up.

    Only those of the routing itself (a slash that is missing) name one.
    """
    here, location = request.host_url, response.headers["Location"]
    if location.startswith(here):
        response.headers["Location"] = "/" + location.removeprefix(here).lstrip("/")
        response.set_data(b"")
