"""A Bitrix24 portal on a socket of its own, as the vendor's documents describe its REST.

Ids come as numbers or as texts of digits, empty objects as lists, errors with codes of any kind,
as on the real one.  `troubles` are answered first, one a call.
"""

from __future__ import annotations

import json
import threading
from typing import Any
from urllib.parse import urlencode

from loyalty_kit.testing.remote import Asked, Remote, Reply, json_reply

Json = dict[str, Any]

USER, CODE = "12", "k3v9x0example"
CLIENT = "local.6921a0example"
PAGE = 50
DEALS, CONTACTS = 2, 3
BUSY = json_reply(b'{"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many"}', 503)
LONG = json_reply(b'{"error": "OPERATION_TIME_LIMIT", "error_description": "blocked"}', 429)
CLOSED = json_reply(b'{"error": "PORTAL_DELETED", "error_description": ""}', 500)


class Account:
    """`with Account() as account:`; then its orders, deals, contacts and goods are set."""

    def __init__(self) -> None:
        self.orders: dict[int, Json] = {}
        self.items: dict[tuple[int, int], Json] = {}
        self.rows: dict[int, list[Json]] = {}
        self.goods: list[Json] = []
        self.fields: list[str] = []
        self.bound: list[Json] = []
        self.troubles: list[Reply] = []
        # Of a local application: each renewal replaces both.
        self.token, self.renewal, self.renewals = "access-0", "refresh-0", 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.calls: list[tuple[str, Json]] = []
        self._remote = Remote(self._answer)

    def __enter__(self) -> Account:
        self._remote.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._remote.__exit__(*error)

    @property
    def base_url(self) -> str:
        return self._remote.base_url

    def event(self, name: str, number: int, token: str = "app-token") -> bytes:
        """What an outgoing webhook posts."""
        told = {
            "event": name,
            "event_handler_id": "201",
            "data[FIELDS][ID]": str(number),
            "ts": str(1773500000 + len(self.calls)),
            "auth[domain]": "chaynik.bitrix24.example",
            "auth[member_id]": "d897example",
            "auth[application_token]": token,
        }
        return urlencode(told).encode()

    def _answer(self, asked: Asked) -> Reply:
        if asked.path == "/oauth/token/":
            return self._renew(dict(asked.query))
        told = json.loads(asked.body)
        root = f"/rest/{USER}/{CODE}/"
        if "auth" in told and asked.path.startswith("/rest/"):
            root = "/rest/"
            if told.pop("auth") != self.token:
                return json_reply(b'{"error": "expired_token", "error_description": ""}', 401)
        if not asked.path.startswith(root):
            return json_reply(b'{"error": "NO_AUTH_FOUND", "error_description": ""}', 401)
        method = asked.path.removeprefix(root).removesuffix(".json")
        self.calls.append((method, told))
        if self.troubles:
            return self.troubles.pop(0)
        result = self._result(method, told)
        if isinstance(result, Reply):
            return result
        return json_reply(json.dumps({"result": result, "time": {"operating": 0.1}}).encode())

    def _renew(self, told: dict[str, str]) -> Reply:
        wanted = {"grant_type": "refresh_token", "client_id": CLIENT, "client_secret": "shh"}
        if told != {**wanted, "refresh_token": self.renewal}:
            return json_reply(b'{"error": "invalid_grant"}', 400)
        self.renewals += 1
        self.token, self.renewal = f"access-{self.renewals}", f"refresh-{self.renewals}"
        # The old token is dead from here on, whenever the answer arrives.
        assert self.may_answer.wait(20)
        tokens = {"access_token": self.token, "refresh_token": self.renewal, "expires_in": 3600}
        return json_reply(json.dumps(tokens).encode())

    def installing(self, **changes: str) -> bytes:
        """What the portal posts when the application is installed."""
        auth = {
            "access_token": self.token,
            "refresh_token": self.renewal,
            "application_token": "app-token",
            "member_id": "d897example",
            "client_endpoint": f"{self.base_url}/rest/",
            "server_endpoint": "https://oauth.bitrix24.tech/rest/",
            **changes,
        }
        named = {f"auth[{name}]": told for name, told in auth.items()}
        return urlencode({"event": "ONAPPINSTALL", **named}).encode()

    def _result(self, method: str, told: Json) -> Any:
        answer = {
            "sale.order.get": self._order,
            "sale.order.list": self._orders,
            "crm.item.get": self._item,
            "crm.item.list": self._items,
            "crm.item.update": self._update,
            "crm.item.productrow.list": self._rows,
            "catalog.product.list": self._goods,
            "crm.contact.userfield.list": self._fields,
            "crm.contact.userfield.add": self._add_field,
            "event.get": lambda told: self.bound,
            "event.bind": lambda told: self.bound.append(told) or True,
        }.get(method)
        if answer is None:
            return json_reply(b'{"error": "ERROR_METHOD_NOT_FOUND"}', 404)
        return answer(told)

    def _order(self, told: Json) -> Any:
        order = self.orders.get(int(told["id"]))
        return {"order": order} if order else _missing(200540400001, "order does not exist")

    def _orders(self, told: Json) -> Any:
        return {"orders": _page(self.orders.values(), told["filter"], "dateUpdate")}

    def _item(self, told: Json) -> Any:
        item = self.items.get((told["entityTypeId"], int(told["id"])))
        return {"item": item} if item else _missing("NOT_FOUND", "Элемент не найден")

    def _items(self, told: Json) -> Any:
        own = [one for (kind, _), one in self.items.items() if kind == told["entityTypeId"]]
        return {"items": _page(own, told["filter"], "updatedTime")}

    def _update(self, told: Json) -> Any:
        """Names of no field are ignored without a word."""
        item = self.items.get((told["entityTypeId"], int(told["id"])))
        if item is None:
            return _missing("NOT_FOUND", "")
        known = {key: value for key, value in told["fields"].items() if key in self.fields}
        item |= known if told.get("useOriginalUfNames") == "Y" else {}
        return {"item": item}

    def _rows(self, told: Json) -> Any:
        rows = self.rows.get(int(told["filter"]["=ownerId"]), [])
        return {"productRows": _page(rows, told["filter"], "")}

    def _goods(self, told: Json) -> Any:
        own = [one for one in self.goods if one["iblockId"] == told["filter"]["iblockId"]]
        return {"products": _page(own, told["filter"], "")}

    def _fields(self, told: Json) -> Any:
        wanted = told["filter"]["FIELD_NAME"]
        return [{"FIELD_NAME": name} for name in self.fields if name == wanted]

    def _add_field(self, told: Json) -> Any:
        self.fields.append(f"UF_CRM_{told['fields']['FIELD_NAME']}")
        return 399


def _page(rows: Any, chosen: Json, changed: str) -> list[Json]:
    since, ids = chosen.get(f">={changed}"), chosen.get("@id")
    found = [
        row
        for row in rows
        if int(row["id"]) > int(chosen.get(">id", 0))
        and (since is None or row[changed] >= since)
        and (ids is None or str(row["id"]) in [str(one) for one in ids])
    ]
    return sorted(found, key=lambda row: int(row["id"]))[:PAGE]


def _missing(code: object, description: str) -> Reply:
    told = {"error": code, "error_description": description}
    return json_reply(json.dumps(told).encode(), 400)
