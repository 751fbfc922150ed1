"""A member's balance in a field of the owner's own at the counterparty.

MoySklad's bonus programme is left alone: a solution's token may not write it, and two ledgers
would drift.
"""

from __future__ import annotations

from typing import Any

from connectors.moysklad.client import MoySklad
from connectors.moysklad.schemas import uuid_of
from connectors.moysklad.settings import pairs
from connectors.moysklad.till_words import number_of, points_text
from loyalty_kit.checkout import Balance
from loyalty_kit.errors import Gone, RemoteMisconfigured

WHOLE, EXACT, TEXTS = "long", "double", ("string", "text")
"""Types of fields that can show points."""


class Balances:
    def push(
        self, client: MoySklad, member_external_id: str, balance: Balance, *, key: str
    ) -> None:
        """Write what the till tells as well: available and held points together.

        Nothing is sent where the settings name no field.

        Raises: Gone (no such counterparty), RemoteMisconfigured (a field of another currency,
        no such field, or of a type that holds no number), and what the client raises.
        """
        named = pairs(client.settings["balance_fields"])
        if not named:
            return
        name = named.get(balance.currency)
        if name is None:
            raise RemoteMisconfigured(
                f"balances are in {balance.currency}: name its field in the settings"
            )
        counterparty = uuid_of(member_external_id)
        if counterparty is None:
            raise Gone("not an id of MoySklad")
        field = next((one for one in client.fields() if one.get("name") == name), None)
        if field is None:
            raise RemoteMisconfigured(
                "the counterparties have no field of the settings' name: press Test to make it"
            )
        value = _shown(balance.available + balance.held, field.get("type"))
        client.write_field(counterparty, field, value)


def make_fields(client: MoySklad) -> None:
    """Those of the settings that are missing, for whole points.

    Raises: what the client raises.
    """
    wanted = set(pairs(client.settings["balance_fields"]).values())
    if not wanted:
        return
    missing = wanted - {one.get("name") for one in client.fields()}
    for name in sorted(missing):
        client.make_field(name, WHOLE)


def _shown(hundredths: int, kind: Any) -> int | float | str:
    """Raises: RemoteMisconfigured."""
    if kind == WHOLE:
        return hundredths // 100
    if kind == EXACT:
        return number_of(hundredths)
    if kind in TEXTS:
        return points_text(hundredths)
    raise RemoteMisconfigured("the field for the balance is of a type that holds no number")
