"""The outgoing webhook: a hint at an order or a deal.  Nothing in it is booked."""

from __future__ import annotations

import hashlib
import hmac

from connectors.bitrix24.form import fields_of
from connectors.bitrix24.settings import listed
from connectors.bitrix24.translate import DEAL, KIND_OF, ORDER
from loyalty_kit.errors import NotOurs, PayloadInvalid, SignatureInvalid, Unreadable
from loyalty_kit.ports import (
    SECRET_HEADER,
    Context,
    Hint,
    InboundRequest,
    Settings,
    Translated,
    Webhook,
)
from loyalty_kit.signing import check_token

TOKEN = "auth[application_token]"  # nosec B105 # noqa: S105 - the field's name
NUMBER = "data[FIELDS][ID]"
MAX_ID = 15

EVENTS_OF = {
    ORDER: ("ONSALEORDERSAVED", "ONSALEBEFOREORDERDELETE", "ONORDERDELETED"),
    DEAL: ("ONCRMDEALADD", "ONCRMDEALUPDATE", "ONCRMDEALDELETE", "ONCRMDEALMOVETOCATEGORY"),
}


def verify(request: InboundRequest, settings: Settings) -> None:
    """The secret of the address, and where they are given, one of the portal's own tokens.

    Raises: SignatureInvalid.
    """
    check_token(settings["hook_token"], request.headers.get(SECRET_HEADER))
    tokens = listed(settings["application_tokens"])
    given = fields_of(request.body).get(TOKEN, "").encode("utf-8", "surrogatepass")
    known = [hmac.compare_digest(one.encode(), given) for one in tokens]
    if tokens and not any(known):
        raise SignatureInvalid("wrong token of the portal")


def delivery_key(request: InboundRequest) -> str:
    """The call itself: it has the time at which it was sent, and costs a reading at worst.

    Raises: Unreadable.
    """
    if not fields_of(request.body).get("event"):
        raise Unreadable("no event in the call")
    return hashlib.sha256(request.body).hexdigest()


def translate(request: InboundRequest, context: Context) -> Translated:
    """Raises: NotOurs, PayloadInvalid."""
    told = fields_of(request.body)
    kind = KIND_OF[context.settings["purchases"]]
    if told.get("event", "").upper() not in EVENTS_OF[kind]:
        raise NotOurs("an event of a kind that does not count here")
    number = told.get(NUMBER, "")
    if not (number.isascii() and number.isdigit() and 0 < len(number) <= MAX_ID and int(number)):
        raise PayloadInvalid("an event without the id of what it is about")
    return (Hint(kind, str(int(number))),)


EVENTS = Webhook("events", verify, delivery_key, translate)
