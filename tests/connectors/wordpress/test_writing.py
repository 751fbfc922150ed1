"""What the hub writes to a shop: balances beside accounts, and webhooks."""

from __future__ import annotations

import pytest

from connectors.wordpress import CONNECTOR
from connectors.wordpress.companion import SOURCES
from connectors.wordpress.shop_webhooks import TOPICS
from loyalty_kit.checkout import Balance
from loyalty_kit.errors import CredentialsRejected, Gone, NotOurs, RemoteMisconfigured
from loyalty_kit.ports import RemoteWebhook
from tests.connectors.wordpress.test_client import client
from tests.stand_ins.woocommerce import WooShop

HOOK = "https://hub.example/hooks/i_1/events"
AT = {"events": HOOK}
IVAN = Balance("points", available=15050, pending=2000, held=500)


def push(shop: WooShop, account: str, balance: Balance = IVAN) -> None:
    assert CONNECTOR.push_balance is not None
    CONNECTOR.push_balance.push(client(shop), account, balance, key="k")


def look(shop: WooShop) -> dict[str, str]:
    assert CONNECTOR.shop_webhooks is not None
    found = CONNECTOR.shop_webhooks.look(client(shop), AT)
    return {one.name: one.state for one in found if isinstance(one, RemoteWebhook)}


def mend(shop: WooShop) -> None:
    assert CONNECTOR.shop_webhooks is not None
    CONNECTOR.shop_webhooks.mend(client(shop), AT)


@pytest.mark.parametrize("auth", ["basic", "oauth"])
def test_a_balance_stands_beside_the_account(auth):
    with WooShop(auth=auth) as shop:
        shop.customers[2] = {"other": "kept"}
        push(shop, "2")
        push(shop, "2")
        push(shop, "2", Balance("points", available=0))
        assert shop.customers[2] == {
            "other": "kept", "loyalty_hub_available": "0.00", "loyalty_hub_pending": "0.00",
        }  # fmt: skip
        sent = [one.sent for one in shop.calls if one.method == "PUT"]
        assert sent[0] == {
            "meta_data": [
                {"key": "loyalty_hub_available", "value": "150.50"},
                {"key": "loyalty_hub_pending", "value": "20.00"},
            ]
        }


def test_accounts_that_take_no_balance():
    with WooShop() as shop:
        with pytest.raises(Gone):
            push(shop, "3")
        with pytest.raises(Gone):
            push(shop, "3/../1")
        with pytest.raises(NotOurs):
            push(shop, "1")
        shop.customers[2] = {}
        shop.key_may_write = False
        with pytest.raises(CredentialsRejected, match="may the key write"):
            push(shop, "2")
        assert shop.customers[2] == {}


def test_webhooks_are_made_found_switched_off_and_switched_on_again():
    with WooShop() as shop:
        shop.webhooks[1] = {
            "id": 1, "topic": "order.updated", "status": "active",
            "delivery_url": "https://other.example/hook",
        }  # fmt: skip
        assert look(shop) == dict.fromkeys(TOPICS, "missing")
        mend(shop)
        assert look(shop) == dict.fromkeys(TOPICS, "working")
        made = [one for one in shop.webhooks.values() if one["id"] != 1]
        assert [one["topic"] for one in made] == list(TOPICS)
        for one in made:
            assert (one["delivery_url"], one["secret"]) == (HOOK, shop.webhook_secret)

        shop.webhooks[3]["status"] = "disabled"
        assert look(shop) == {**dict.fromkeys(TOPICS, "working"), "order.updated": "disabled"}
        mend(shop)
        mend(shop)
        assert look(shop) == dict.fromkeys(TOPICS, "working")
        assert len(shop.webhooks) == 1 + len(TOPICS)
        assert shop.webhooks[1]["status"] == "active"


def test_without_its_own_address_the_hub_knows_no_webhook_as_its_own():
    assert CONNECTOR.shop_webhooks is not None
    with WooShop() as shop, pytest.raises(RemoteMisconfigured, match="HUB_PUBLIC_URL"):
        CONNECTOR.shop_webhooks.look(client(shop), {})


def test_the_plugin_makes_the_webhooks_that_the_hub_looks_for():
    pairing = (SOURCES / "includes" / "class-pairing.php").read_text(encoding="utf-8")
    listed = ", ".join(f"'{topic}'" for topic in TOPICS)
    assert f"public const TOPICS = array( {listed} );" in pairing
