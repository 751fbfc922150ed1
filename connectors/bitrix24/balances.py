"""The balance on the contact's card, in a field of the owner's own."""

from __future__ import annotations

from connectors.bitrix24.client import Portal
from connectors.bitrix24.documents import CONTACTS
from loyalty_kit.checkout import Balance
from loyalty_kit.errors import Gone
from loyalty_kit.money import format_decimal

PREFIX = "UF_CRM_"


class Balances:
    """Only what changed is sent: a write wakes robots and events of the portal."""

    def push(self, client: Portal, member_external_id: str, balance: Balance, *, key: str) -> None:
        """`key` is not sent: the same balance written again changes nothing.

        Raises: Gone, and what the client raises.
        """
        if not client.settings["write_balance"]:
            return
        if not (member_external_id.isascii() and member_external_id.isdigit()):
            raise Gone("not a contact of the portal")
        fields = {client.settings["balance_field"]: format_decimal(balance.available)}
        told = {
            "entityTypeId": CONTACTS,
            "id": int(member_external_id),
            "fields": fields,
            # Without it the names are written in another form, and wrong ones are ignored.
            "useOriginalUfNames": "Y",
        }
        client.call("crm.item.update", told, of_one=True)


def ensure_field(client: Portal) -> None:
    """Makes the contact's field where it is missing: a wrong name is silently ignored.

    Raises: what the client raises.
    """
    name = client.settings["balance_field"]
    told = {"filter": {"FIELD_NAME": name}}
    if client.rows("crm.contact.userfield.list", "fields", told):
        return
    label = {"ru": "Баллы", "en": "Points"}
    fields = {
        "USER_TYPE_ID": "double",
        "FIELD_NAME": name.removeprefix(PREFIX),
        "XML_ID": name.removeprefix(PREFIX),
        "EDIT_FORM_LABEL": label,
        "LIST_COLUMN_LABEL": label,
        "SHOW_FILTER": "Y",
        "EDIT_IN_LIST": "N",
        "SETTINGS": {"PRECISION": 2},
    }
    client.call("crm.contact.userfield.add", {"fields": fields})
