"""The owner opens the solution in MoySklad, and sees how this connection stands.

MoySklad shows the page in a frame and gives it a key that lives five minutes; who it belongs to
is told by the Vendor API alone (`POST /context/{contextKey}`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from connectors.moysklad.client import MoySklad
from connectors.moysklad.schemas import uuid_of
from connectors.moysklad.settings import pairs
from connectors.moysklad.translate import shop_of
from connectors.moysklad.vendor import proof
from loyalty_kit.errors import CredentialsRejected, Gone, SignatureInvalid
from loyalty_kit.ports import FrameView

_KEY = re.compile(r"[0-9A-Za-z_-]{16,200}", re.ASCII)
Text = Mapping[str, str]

NO_ADDRESS: Text = {
    "ru": "Впишите в настройках подключения «Адрес вебхуков хаба» (https) и нажмите «Проверить»: "
    "тогда МойСклад узнает адрес для кассы, а хаб создаст вебхуки.",
    "en": "Enter the hub's address for webhooks (https) in the connection's settings and press "
    "Test: then MoySklad learns the till's address, and the hub makes the webhooks.",
}
NOT_NAMED: Text = {
    "ru": "Свяжите точки продаж с магазинами хаба в настройке «Точки продаж»: пока все продажи "
    "попадают в один магазин.",
    "en": "Tie the retail points to shops of the hub by the setting Retail points: as yet all "
    "sales go to one shop.",
}
SWITCH_ON: Text = {
    "ru": "Если касса ещё не спрашивает хаб, включите программу на странице МоегоСклада «Скидки».",
    "en": "If the till does not ask the hub yet, switch the programme on at MoySklad's page "
    "Discounts.",
}


class Frame:
    ancestors: tuple[str, ...] = ("https://*.moysklad.ru",)

    def check_form(self, client: MoySklad, query: Mapping[str, str]) -> None:
        """Raises: SignatureInvalid."""
        own, key = client.settings, query.get("contextKey", "")
        solution = own["app_id"], own["app_uid"]
        if not (all(solution) and own["app_secret"] and own["account_id"]):
            raise SignatureInvalid("no solution is installed")
        if (query.get("appId"), query.get("appUid")) != solution or not _KEY.fullmatch(key):
            raise SignatureInvalid("a page of another solution")

    def admit(self, client: MoySklad, query: Mapping[str, str], now: datetime) -> str:
        """Raises: SignatureInvalid, and what the client raises."""
        self.check_form(client, query)
        own, key = client.settings, query["contextKey"]
        address = f"{own['vendor_url'].rstrip('/')}/context/{key}"
        try:
            employee = client.post(address, bearer=proof(client, int(now.timestamp())))
        except (CredentialsRejected, Gone):
            raise SignatureInvalid("MoySklad does not know this key") from None
        if employee.get("accountId") != own["account_id"]:
            raise SignatureInvalid("somebody of another account")
        return "ru" if query.get("userLocale", "ru").startswith("ru") else "en"

    def view(self, client: MoySklad) -> FrameView:
        """Raises: what the client raises."""
        own = client.settings
        points = [
            (str(row.get("name") or row["id"]), number)
            for row in client.all("/entity/retailstore")
            if (number := uuid_of(row.get("id"))) is not None
        ]
        named = {point.lower() for point in pairs(own["shops"])}
        steps = [] if own["hook_url"] else [NO_ADDRESS]
        if len(points) > 1 and not all(number in named for _, number in points):
            steps.append(NOT_NAMED)
        places = tuple((name, shop_of(number, own) or "") for name, number in points)
        return FrameView(places, (*steps, SWITCH_ON))
