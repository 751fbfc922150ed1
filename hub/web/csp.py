"""Headers that keep a browser from doing what no page of ours needs.

The pages hold no inline script and no inline style, so the policy has no nonce and no
exception.  `data:` images are the small drawings inside Tabler's style sheet.
"""

from __future__ import annotations

from flask import Flask, Response, request

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_YEAR_S = 31_536_000


def register(app: Flask, *, public_https: bool) -> None:
    """Put the headers on every answer; `public_https`: the hub is known to be behind https."""

    def guard(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", POLICY)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if public_https or request.is_secure:
            headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR_S}")
        return response

    app.after_request(guard)
