"""Balance and tier on the contact's card, in fields of the owner's own."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.bitrix24.client import Portal
from connectors.bitrix24.documents import CONTACTS
from loyalty_kit.checkout import ShownBalance
from loyalty_kit.errors import Gone
from loyalty_kit.money import format_decimal

PREFIX = "UF_CRM_"
POINTS, TIER = {"ru": "Баллы", "en": "Points"}, {"ru": "Уровень", "en": "Tier"}


class Balances:
    """Only what changed is sent: a write wakes robots and events of the portal."""

    def push(
        self, client: Portal, member_external_id: str, balance: ShownBalance, *, key: str
    ) -> None:
        """`key` is not sent: the same written again changes nothing.

        Raises: Gone, and what the client raises.
        """
        if not client.settings["write_balance"]:
            return
        if not (member_external_id.isascii() and member_external_id.isdigit()):
            raise Gone("not a contact of the portal")
        fields = {client.settings["balance_field"]: format_decimal(balance.available)}
        if client.settings["tier_field"]:
            fields[client.settings["tier_field"]] = balance.tier.name if balance.tier else ""
        told = {
            "entityTypeId": CONTACTS,
            "id": int(member_external_id),
            "fields": fields,
            # Without it the names are written in another form, and wrong ones are ignored.
            "useOriginalUfNames": "Y",
        }
        client.call("crm.item.update", told, of_one=True)


def ensure_fields(client: Portal) -> None:
    """Makes the contact's fields where they are missing: a wrong name is silently ignored.

    Raises: what the client raises.
    """
    _ensure(client, client.settings["balance_field"], POINTS, "double", {"PRECISION": 2})
    if client.settings["tier_field"]:
        _ensure(client, client.settings["tier_field"], TIER, "string", {})


def _ensure(
    client: Portal, name: str, label: Mapping[str, str], kind: str, more: Mapping[str, int]
) -> None:
    told = {"filter": {"FIELD_NAME": name}}
    if client.rows("crm.contact.userfield.list", "fields", told):
        return
    fields = {
        "USER_TYPE_ID": kind,
        "FIELD_NAME": name.removeprefix(PREFIX),
        "XML_ID": name.removeprefix(PREFIX),
        "EDIT_FORM_LABEL": label,
        "LIST_COLUMN_LABEL": label,
        "SHOW_FILTER": "Y",
        "EDIT_IN_LIST": "N",
        "SETTINGS": more,
    }
    client.call("crm.contact.userfield.add", {"fields": fields})
