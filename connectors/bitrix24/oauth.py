"""A local application's tokens, renewed when they have run out.

Facts: the vendor's pages on OAuth ("Automatic Renewal of OAuth 2.0 Tokens").  An access token
lives an hour, a refresh token 180 days, and each renewal replaces both: the course for developers
says that those that were renewed hold no more from then on, and that the next chain begins only
where the application is authorised or installed ("Saving the refresh token", Attention).  So fresh
ones are stored before anything else is done; a worker that is killed between answer and storing
loses them, and the portal installs the application again.  A renewal sends the application's
secret, so it goes to the vendor's two hosts and to no other, whatever a portal names.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Mapping
from contextlib import nullcontext

import requests

from loyalty_kit.errors import InstallAgain, RemoteMisconfigured, Retry
from loyalty_kit.ports import Keep, Settings
from loyalty_kit.transport import call, json_of

HOSTS = {
    "oauth.bitrix.info": "https://oauth.bitrix.info",
    "oauth.bitrix24.tech": "https://oauth.bitrix24.tech",
}
"""The vendor's own; the portal says which of them is its."""
TOKENS = ("access_token", "refresh_token")
MOST = 500
SAVED_AFTER_S = (0.2, 1.0, 3.0, 10.0, 30.0)
"""Pauses between tries to store tokens; together less than a worker's lease."""


def is_application(settings: Settings) -> bool:
    return bool(settings["client_id"])


def renewed(
    http: requests.Session, settings: Settings, keep: Keep | None, used: str
) -> Mapping[str, str]:
    """Tokens other than the access token that was `used` and has run out.

    Whoever finds that another worker was faster takes what that one has stored.

    Raises: InstallAgain, RemoteMisconfigured, and what a call
    raises.
    """
    with nullcontext() if keep is None else keep.alone():
        return _renewed_alone(http, settings if keep is None else keep.load(), keep, used)


def _renewed_alone(
    http: requests.Session, stored: Settings, keep: Keep | None, used: str
) -> Mapping[str, str]:
    """Raises: as `renewed`."""
    if not _is(stored["access_token"], used):
        return _tokens(stored)
    host = stored["oauth_host"]
    if host not in HOSTS:
        raise RemoteMisconfigured("the portal named an address of OAuth that is not the vendor's")
    asked = {
        "grant_type": "refresh_token",
        "client_id": stored["client_id"],
        "client_secret": stored["client_secret"],
        "refresh_token": stored["refresh_token"],
    }
    answer = call(http, "GET", f"{HOSTS[host]}/oauth/token/", params=asked, accept=(400, 401, 403))
    if answer.status_code != 200:
        raise InstallAgain("the portal renews no token: install the application again")
    told = json_of(answer)
    if not isinstance(told, dict) or not all(_is_token(told.get(name)) for name in TOKENS):
        raise RemoteMisconfigured("a renewal without tokens")
    fresh = {name: str(told[name]) for name in TOKENS}
    if keep is not None:
        _save(keep, fresh)
    return fresh


def _save(keep: Keep, fresh: Mapping[str, str]) -> None:
    """The token that they were got for is used up: a database that is away is waited for.

    Raises: Retry.
    """
    waiting = threading.Event()
    for pause_s in SAVED_AFTER_S:
        try:
            keep.save(fresh)
        except Retry:
            waiting.wait(pause_s)
        else:
            return
    keep.save(fresh)


def _is_token(told: object) -> bool:
    return isinstance(told, str) and 0 < len(told) <= MOST


def _is(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _tokens(stored: Settings) -> Mapping[str, str]:
    return {name: stored[name] for name in TOKENS}
