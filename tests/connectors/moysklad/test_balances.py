"""Balances and tiers in fields of the owner's own at the counterparty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from marshmallow import ValidationError

from connectors.moysklad.balances import Balances, make_fields
from loyalty_kit.checkout import ShownBalance, TierView
from loyalty_kit.errors import Gone, RemoteMisconfigured
from tests.connectors.moysklad.shared import ANNA, CHEESE, settings
from tests.connectors.moysklad.test_client import client_for
from tests.stand_ins.moysklad import Account


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as opened:
        opened.put("counterparty", {"id": ANNA, "name": "Анна"})
        yield opened


def shown(account: Account) -> dict[str, object]:
    names = {field["meta"]["href"]: field["name"] for field in account.fields}
    kept = account.objects["counterparty"][ANNA].get("attributes", [])
    return {names[one["meta"]["href"]]: one["value"] for one in kept}


def test_a_balance_is_written_into_the_field_of_its_currency(account: Account):
    client = client_for(account.base_url, balance_fields=" points = Баллы ")
    make_fields(client)
    make_fields(client)
    assert [(one["name"], one["type"]) for one in account.fields] == [("Баллы", "long")]

    push = Balances().push
    # What a cart at the till holds is still the buyer's; whole points, rounded down.
    push(client, ANNA, ShownBalance("points", available=20050, held=3549, pending=99900), key="1")
    with pytest.raises(RemoteMisconfigured, match="miles"):
        push(client, ANNA, ShownBalance("miles", available=700), key="3")
    assert shown(account) == {"Баллы": 235}
    push(client, ANNA, ShownBalance("points", debt=500), key="4")
    assert shown(account) == {"Баллы": 0}
    # The fields are asked for once a client.
    asked = [call.method for call in account.calls if call.path.endswith("/attributes")]
    assert asked.count("GET") == 2


@pytest.mark.parametrize(
    ("kind", "value"), [("double", 235.99), ("string", "235,99"), ("text", "235,99")]
)
def test_a_field_of_the_owner_s_own_type_is_told_hundredths(
    account: Account, kind: str, value: object
):
    client = client_for(account.base_url)
    client.make_field("Points", kind)
    Balances().push(client, ANNA, ShownBalance("points", available=23599), key="1")
    assert shown(account) == {"Points": value}


def test_the_tier_stands_beside_the_balance_or_alone(account: Account):
    client = client_for(account.base_url, balance_fields="points=Баллы", tier_field="Уровень")
    make_fields(client)
    types = {one["name"]: one["type"] for one in account.fields}
    assert types == {"Баллы": "long", "Уровень": "string"}

    gold = TierView("gold", "Золото")
    push = Balances().push
    push(client, ANNA, ShownBalance("points", available=100, tier=gold), key="1")
    assert shown(account) == {"Баллы": 1, "Уровень": "Золото"}
    # One call for both, and a tier that is lost is taken away.
    assert [one.method for one in account.calls[-2:]] == ["GET", "POST"]
    alone = client_for(account.base_url, balance_fields="", tier_field="Уровень")
    push(alone, ANNA, ShownBalance("points", available=900), key="2")
    assert shown(account) == {"Баллы": 1, "Уровень": ""}

    account.fields[1]["type"] = "long"
    alone = client_for(account.base_url, balance_fields="", tier_field="Уровень")
    with pytest.raises(RemoteMisconfigured, match="no text"):
        push(alone, ANNA, ShownBalance("points", tier=gold), key="3")


def test_what_cannot_be_told(account: Account):
    client, balance = client_for(account.base_url), ShownBalance("points", available=100)
    push = Balances().push
    with pytest.raises(RemoteMisconfigured, match="press Test"):
        push(client, ANNA, balance, key="1")
    client.make_field("Points", "long")
    for nobody in (CHEESE, "1", ""):
        with pytest.raises(Gone):
            push(client, nobody, balance, key="1")
    account.fields[0]["type"] = "boolean"
    client = client_for(account.base_url)
    with pytest.raises(RemoteMisconfigured, match="no number"):
        push(client, ANNA, balance, key="1")
    # MoySklad refuses the value: the type was changed since the fields were asked for.
    account.fields[0]["type"] = "double"
    client = client_for(account.base_url)
    client.fields()
    account.fields[0]["type"] = "long"
    with pytest.raises(RemoteMisconfigured, match="2016"):
        push(client, ANNA, ShownBalance("points", available=150), key="1")


def test_a_connection_without_fields_writes_nothing(account: Account):
    client = client_for(account.base_url, balance_fields="")
    make_fields(client)
    Balances().push(client, ANNA, ShownBalance("points", available=100), key="1")
    assert account.calls == []


def test_one_field_of_one_currency_is_named():
    for fields in ("points=Баллы,stars=Звёзды", "points", "=Баллы"):
        with pytest.raises(ValidationError) as refused:
            settings(balance_fields=fields)
        assert list(refused.value.messages_dict) == ["balance_fields"]
    with pytest.raises(ValidationError) as refused:
        settings(balance_fields="points=Баллы", tier_field="Баллы")
    assert list(refused.value.messages_dict) == ["tier_field"]
    told = settings(balance_fields="points=Баллы", tier_field="Уровень")
    assert (told["balance_fields"], told["tier_field"]) == ("points=Баллы", "Уровень")
