"""What Evotor's cloud calls: installation, tokens, log-in, subscription, and its data.

All stands below `/connect/<installation>/`, so that refusals are told in Evotor's words; the
addresses are typed into the developer's portal.  Set-up calls are proved by the application's
token, data by the user's token that the set-up calls gave to Evotor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from connectors.evotor import schemas
from connectors.evotor.answers import (
    EXISTS,
    FIELD,
    KNOWN_ACCOUNT,
    SYNTAX,
    VALUE,
    WRONG_APP,
    WRONG_LOGIN,
    WRONG_USER,
    refused,
    reply,
    taken,
    try_again,
)
from connectors.evotor.routes import (
    DOCUMENT_HOOK,
    GOODS_HOOK,
    RECEIPT_HOOK,
    bearer_of,
    verify_user,
)
from connectors.evotor.schemas import load
from loyalty_kit.checker import compile_load
from loyalty_kit.desk import Declined, Desk
from loyalty_kit.errors import PayloadInvalid, SignatureInvalid, Unreadable
from loyalty_kit.json_text import json_body
from loyalty_kit.ports import InboundRequest, ProtocolReply, ProtocolRoute, Settings
from loyalty_kit.signing import check_basic, check_token

Answer = Callable[[InboundRequest, Desk, Settings], ProtocolReply]
Verify = Callable[[InboundRequest, Settings], None]

MERCHANT = re.compile(r"[0-9]{2}-[0-9]{15}", re.ASCII)
MAX_TOKEN = 500
MAX_TOLD = 2000
"""Characters of shops that the owner is shown."""

_STORE = compile_load(schemas.Store())


class _Refused(Exception):
    """Evotor is told no: status, code, and the field that it is about."""

    def __init__(self, status: int, code: int, subject: str = "") -> None:
        super().__init__(subject)
        self.reply = refused(status, code, subject)


def verify_app(request: InboundRequest, settings: Settings) -> None:
    """The application's own token, or login and password where the portal says so.

    Raises: SignatureInvalid.
    """
    if settings["app_login"]:
        given = request.headers.get("authorization")
        check_basic(settings["app_login"], settings["app_token"], given)
    else:
        check_token(settings["app_token"], bearer_of(request))


def verify_either(request: InboundRequest, settings: Settings) -> None:
    """Of events the documents say the application's token in one place, the user's in another.

    Raises: SignatureInvalid.
    """
    try:
        verify_app(request, settings)
    except SignatureInvalid:
        verify_user(request, settings)


def _route(method: str, path: str, verify: Verify, answer: Answer) -> ProtocolRoute:
    """Every answer proves the caller first, and tells every refusal in Evotor's form."""
    wrong = WRONG_USER if verify is verify_user else WRONG_APP

    def guarded(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
        try:
            verify(request, settings)
            return answer(request, desk, settings)
        except SignatureInvalid:
            return refused(401, wrong, "Authorization")
        except _Refused as told:
            return told.reply
        except Declined as declined:
            return try_again() if declined.code == "try_again" else refused(400, VALUE)
        except (PayloadInvalid, Unreadable):
            return refused(400, SYNTAX)

    return ProtocolRoute(method, path, guarded)


# Set-up


def _object(request: InboundRequest) -> Mapping[str, Any]:
    """Raises: PayloadInvalid."""
    told = json_body(request.body, PayloadInvalid)
    if not isinstance(told, dict):
        raise PayloadInvalid("not an object")
    return told


def _merchant(told: Mapping[str, Any], settings: Settings, *, taken_code: int) -> str:
    """The user of Evotor whom a call is about: the one that is known, or the first.

    Raises: _Refused.
    """
    merchant = told.get("userId")
    if merchant is None:
        raise _Refused(400, FIELD, "userId")
    if not isinstance(merchant, str) or not MERCHANT.fullmatch(merchant):
        raise _Refused(400, VALUE, "userId")
    if settings["user_id"] and merchant != settings["user_id"]:
        raise _Refused(409, taken_code, "userId")
    return merchant


def _created(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    merchant = _merchant(_object(request), settings, taken_code=KNOWN_ACCOUNT)
    return _connected(merchant, desk, settings, {})


def _logged_in(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    told = _object(request)
    name, password = told.get("username", told.get("login")), told.get("password")
    known = all(isinstance(one, str) for one in (name, password))
    try:
        check_token(settings["login"], name if known else None)
        check_token(settings["password"], password if known else None)
    except SignatureInvalid:
        raise _Refused(401, WRONG_LOGIN, "password") from None
    merchant = _merchant(told, settings, taken_code=EXISTS)
    return _connected(merchant, desk, settings, {"hasBilling": False})


def _connected(
    merchant: str, desk: Desk, settings: Settings, more: Mapping[str, Any]
) -> ProtocolReply:
    """Evotor gets the token by which it proves the data of this merchant from now on."""
    if not settings["user_id"]:
        desk.save({"user_id": merchant})
    return reply({"userId": merchant, **more, "token": settings["user_token"]})


def _token_came(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    told = _object(request)
    merchant, token = _merchant(told, settings, taken_code=EXISTS), told.get("token")
    if not isinstance(token, str) or not token.strip() or len(token) > MAX_TOKEN:
        raise _Refused(400, VALUE if token is not None else FIELD, "token")
    desk.save({"user_id": merchant, "cloud_token": token})
    return taken()


def _installed(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """`ApplicationInstalled` and `ApplicationUninstalled`, in any order, for three days.

    Nothing is taken away at an uninstallation: the event may come after the next installation,
    and the dead token shows at the next poll.
    """
    told = _object(request)
    data = told.get("data")
    if not isinstance(data, dict):
        raise _Refused(400, FIELD, "data")
    _check_product(data, settings)
    merchant = _merchant(data, settings, taken_code=EXISTS)
    if told.get("type") == "ApplicationInstalled" and not settings["user_id"]:
        desk.save({"user_id": merchant})
    return taken()


def _subscribed(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """Shown to the owner.  Numbers rise within a subscription; the latest is what stands."""
    told = _object(request)
    _check_product(told, settings)
    _merchant(told, settings, taken_code=EXISTS)
    number, kind, name = (told.get(key) for key in ("sequenceNumber", "type", "subscriptionId"))
    if not isinstance(kind, str) or not re.fullmatch(r"[A-Za-z]{1,60}", kind, re.ASCII):
        raise _Refused(400, VALUE, "type")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 10**9:
        raise _Refused(400, VALUE, "sequenceNumber")
    if schemas.id_of(name) is None:
        raise _Refused(400, VALUE, "subscriptionId")
    stands, latest, _ = (*settings["subscription"].split(), "", "0", "")[:3]
    if stands == name and latest.isdecimal() and int(latest) >= number:
        return taken()
    desk.save({"subscription": f"{name} {number} {kind}"})
    return taken()


def _check_product(data: Mapping[str, Any], settings: Settings) -> None:
    """Raises: _Refused."""
    product = data.get("productId")
    if settings["app_id"] and product is not None and product != settings["app_id"]:
        raise _Refused(400, VALUE, "productId")


# Data


def _kept(hook: str) -> Answer:
    """What came is kept, and its meaning is booked by the worker."""

    def keep(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
        desk.keep(hook, request)
        return taken()

    return keep


def _stores(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """The owner is shown the ids of shops, which the setting `shops` asks for."""
    told = json_body(request.body, PayloadInvalid)
    rows = told.get("items") if isinstance(told, dict) else told
    if not isinstance(rows, list):
        raise PayloadInvalid("not a list")
    stores = [load(_STORE, row) for row in rows]
    shown = "; ".join(f"{one['id']} {one['name'] or ''}".strip() for one in stores)[:MAX_TOLD]
    if shown != settings["stores_told"]:
        desk.save({"stores_told": shown})
    return taken()


def _passed_over(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """Tills and employees are named by their ids in receipts; their lists are not kept."""
    json_body(request.body, PayloadInvalid)
    return taken()


ROUTES = (
    _route("POST", "user/create", verify_app, _created),
    _route("POST", "user/verify", verify_app, _logged_in),
    _route("POST", "user/token", verify_app, _token_came),
    _route("POST", "installation/event", verify_either, _installed),
    _route("POST", "subscription/event", verify_either, _subscribed),
    _route("PUT", "documents", verify_user, _kept(DOCUMENT_HOOK.name)),
    _route("PUT", "stores/<store>/documents", verify_user, _kept(DOCUMENT_HOOK.name)),
    _route("POST", "receipts", verify_user, _kept(RECEIPT_HOOK.name)),
    _route("POST", "stores/<store>/products", verify_user, _kept(GOODS_HOOK.name)),
    _route("PUT", "stores", verify_user, _stores),
    _route("PUT", "devices", verify_user, _passed_over),
    _route("PUT", "employees", verify_user, _passed_over),
)
