"""A member's balance and tier in fields of the owner's own at the counterparty.

MoySklad's bonus programme is left alone: a solution's token may not write it, and two ledgers
would drift.
"""

from __future__ import annotations

from typing import Any

from connectors.moysklad.client import MoySklad
from connectors.moysklad.schemas import uuid_of
from connectors.moysklad.settings import pairs
from connectors.moysklad.till_words import number_of, points_text
from loyalty_kit.checkout import ShownBalance
from loyalty_kit.errors import Gone, RemoteMisconfigured

WHOLE, EXACT, TEXTS = "long", "double", ("string", "text")
"""Types of fields that can show points; a tier is a text."""


class Balances:
    def push(
        self, client: MoySklad, member_external_id: str, balance: ShownBalance, *, key: str
    ) -> None:
        """Write what the till tells as well: available and held points together; and the tier's
        name, empty where there is none.

        Nothing is sent where the settings name no field.

        Raises: Gone (no such counterparty), RemoteMisconfigured (a field of another currency,
        no such field, or of a type that holds no number or no text), and what the client raises.
        """
        told = {**_points(client, balance), **_tier(client, balance)}
        if not told:
            return
        counterparty = uuid_of(member_external_id)
        if counterparty is None:
            raise Gone("not an id of MoySklad")
        fields = {one.get("name"): one for one in client.fields()}
        if told.keys() - fields.keys():
            raise RemoteMisconfigured(
                "the counterparties have no field of the settings' name: press Test to make it"
            )
        written = [
            (fields[name], _shown(value, fields[name].get("type"))) for name, value in told.items()
        ]
        client.write_fields(counterparty, written)


def _points(client: MoySklad, balance: ShownBalance) -> dict[str, int | str]:
    """Hundredths by the field's name.  Raises: RemoteMisconfigured."""
    named = pairs(client.settings["balance_fields"])
    if not named:
        return {}
    if balance.currency not in named:
        raise RemoteMisconfigured(
            f"balances are in {balance.currency}: name its field in the settings"
        )
    return {named[balance.currency]: balance.available + balance.held}


def _tier(client: MoySklad, balance: ShownBalance) -> dict[str, int | str]:
    name = client.settings["tier_field"]
    return {name: balance.tier.name if balance.tier else ""} if name else {}


def make_fields(client: MoySklad) -> None:
    """Those of the settings that are missing: for whole points, and for the tier's name.

    Raises: what the client raises.
    """
    wanted = dict.fromkeys(pairs(client.settings["balance_fields"]).values(), WHOLE)
    if client.settings["tier_field"]:
        wanted[client.settings["tier_field"]] = TEXTS[0]
    if not wanted:
        return
    known = {one.get("name") for one in client.fields()}
    for name, kind in sorted(wanted.items()):
        if name not in known:
            client.make_field(name, kind)


def _shown(told: int | str, kind: Any) -> int | float | str:
    """A tier's name, or hundredths, as a field of this type holds it.

    Raises: RemoteMisconfigured.
    """
    if isinstance(told, str):
        if kind in TEXTS:
            return told
        raise RemoteMisconfigured("the field for the tier is of a type that holds no text")
    if kind == WHOLE:
        return told // 100
    if kind == EXACT:
        return number_of(told)
    if kind in TEXTS:
        return points_text(told)
    raise RemoteMisconfigured("the field for the balance is of a type that holds no number")
