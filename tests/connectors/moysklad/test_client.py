"""Calls to the JSON API, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.moysklad import CONNECTOR, check
from connectors.moysklad.catalogue import Catalogue
from connectors.moysklad.client import MoySklad, make_client
from connectors.moysklad.routes import WATCHED
from loyalty_kit.errors import (
    CredentialsRejected,
    Gone,
    RateLimited,
    RemoteMisconfigured,
    RemoteUnavailable,
)
from loyalty_kit.ports import ClientContext, Hint
from loyalty_kit.testing.remote import Remote, Reply, always, json_reply
from tests.connectors.moysklad.shared import ANNA, CHEESE, HOOK, settings
from tests.stand_ins.moysklad import Account


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as opened:
        yield opened


def client_for(base_url: str, **changes: Any) -> MoySklad:
    return make_client(ClientContext(settings(base_url, **changes), True, "i_1"))


def test_one_object_and_all_pages_of_a_list(account: Account):
    account.put("product", {"id": CHEESE, "name": "Сыр"})
    for number in range(5):
        account.put("productfolder", {"id": f"{number}", "name": "Сыры"})
    client = client_for(account.base_url)

    assert client.one("product", CHEESE, "")["name"] == "Сыр"
    assert len(client.all("/entity/productfolder", size=2)) == 5
    assert [call.query.get("offset") for call in account.calls[1:]] == ["0", "2", "4"]
    assert client.all("/entity/bundle") == []


def test_documents_that_a_list_tells_whole_are_what_reading_each_gives(account: Account):
    """The third has more positions than a list tells; the fourth was never there."""
    numbers = [f"7777000{number}-1fb1-11f1-0a80-0b6300000187" for number in range(4)]
    rows = [{"id": f"{line}", "quantity": 1.0, "price": 100.0} for line in range(1001)]
    for number, many in zip(numbers[:3], (1, 2, 1001), strict=True):
        account.put("retaildemand", {"id": number, "positions": {"rows": rows[:many]}})
    client = client_for(account.base_url)
    asked = tuple(Hint("retaildemand", number) for number in numbers)
    assert CONNECTOR.read_many is not None
    assert CONNECTOR.fetch is not None

    found = CONNECTOR.read_many.read_many(client, asked)

    assert len(account.calls) == 1
    assert found == {hint: CONNECTOR.fetch.read(client, hint) for hint in asked[:2]}
    assert CONNECTOR.read_many.read_many(client, (Hint("product", CHEESE),)) == {}
    account.put("counterparty", {"id": ANNA, "name": "Анна"})
    anna = Hint("counterparty", ANNA)
    assert CONNECTOR.read_many.read_many(client, (anna,)) == {
        anna: CONNECTOR.fetch.read(client, anna)
    }


def test_what_is_not_there_is_gone_only_where_moysklad_says_so(account: Account):
    client = client_for(account.base_url)
    with pytest.raises(Gone):
        client.one("product", CHEESE, "")
    account.fail_next("404-html")
    with pytest.raises(RemoteMisconfigured):
        client.one("product", CHEESE, "")


def test_a_dead_token_needs_the_owner(account: Account):
    account.token = "another"
    with pytest.raises(CredentialsRejected, match="1056"):
        client_for(account.base_url).rows("/entity/product", {})


def test_the_pause_that_the_vendor_asks_for_is_waited_for(account: Account):
    """400 thousandths of a second, twice; then the call is answered."""
    account.put("product", {"id": CHEESE, "name": "Сыр"})
    account.fail_next("429", times=2)
    assert client_for(account.base_url).one("product", CHEESE, "")["name"] == "Сыр"
    assert len(account.calls) == 3


def test_a_pause_that_outlasts_the_tries_is_the_hub_s(account: Account):
    account.fail_next("429", times=3)
    with pytest.raises(RateLimited, match="1049") as limited:
        client_for(account.base_url).rows("/entity/product", {})
    assert limited.value.retry_after_s == 0.4


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (json_reply(b'{"errors": [{"code": 1073}]}', 429), RateLimited),
        (Reply(403, b"<html>firewall</html>", {"Content-Type": "text/html"}), RemoteUnavailable),
        (Reply(415), RemoteMisconfigured),
        (json_reply(b'{"errors": [{"code": 1002}]}', 400), RemoteMisconfigured),
        (json_reply(b'{"errors": "what"}', 412), RemoteMisconfigured),
        (json_reply(b"[]"), RemoteMisconfigured),
        (json_reply(b'{"rows": [1]}'), RemoteMisconfigured),
    ],
)
def test_other_refusals(reply: Reply, kind: type[Exception]):
    with Remote(always(reply)) as remote, pytest.raises(kind):
        client_for(remote.base_url).rows("/entity/product", {})


def test_a_user_s_calls_are_paced_to_the_bucket(account: Account):
    """45 units in three seconds; a user's call costs four, so none is refused."""
    account.limited, account.weight = True, 4
    client = client_for(account.base_url, token_kind="user")
    for _ in range(14):
        client.rows("/entity/product", {})
    assert account.refused == 0


def test_no_more_than_five_calls_are_under_way(account: Account):
    """Each takes so long that pacing alone would send more; the vendor answers a sixth 1073."""
    account.takes_s = 0.6
    with ThreadPoolExecutor(12) as pool:
        ask = lambda _: client_for(account.base_url).rows("/entity/product", {})  # noqa: E731
        assert list(pool.map(ask, range(12))) == [[]] * 12
    assert account.most_at_once == 5


def test_a_redirect_is_followed_and_takes_the_token_nowhere_else(account: Account):
    client = client_for(account.base_url)
    account.fail_next("redirect")
    assert client.rows("/entity/product", {}) == []
    assert len(account.calls) == 2
    # A POST would become a GET, and a webhook would not be made.
    account.fail_next("redirect")
    with pytest.raises(RemoteMisconfigured, match="redirects"):
        client.make_webhook("https://hub.example.org/hooks/i_1/events/x", "product", "CREATE")
    account.fail_next("redirect", times=5)
    with pytest.raises(RemoteMisconfigured):
        client.rows("/entity/product", {})

    with Account() as stranger:
        account.troubles.clear()
        account.fail_next("redirect")
        account.elsewhere = f"http://localhost:{stranger.origin.rpartition(':')[2]}/x"
        with pytest.raises(CredentialsRejected):
            client.rows("/entity/product", {})
        assert [call.token for call in stranger.calls] == [None]


def test_without_gzip_the_answer_is_415_with_no_body(account: Account):
    client = client_for(account.base_url)
    client._http.headers["Accept-Encoding"] = "gzip, deflate"
    with pytest.raises(RemoteMisconfigured, match="gzip"):
        client.rows("/entity/product", {})


def test_a_token_that_is_revoked_between_two_pages(account: Account):
    for number in range(1020):
        account.put("product", {"id": f"{number:08}-1fb1-11f1-0a80-0b6300000187", "name": "Сыр"})
    client = client_for(account.base_url)
    first = Catalogue().page(client, "product:0")
    account.token = "another"
    with pytest.raises(CredentialsRejected):
        Catalogue().page(client, first.next_cursor)
    # The owner enters the new one, and the import goes on where it was.
    fresh = client_for(account.base_url, api_token="another")
    assert len(Catalogue().page(fresh, first.next_cursor).products) == 20


def test_the_check_makes_what_is_missing_and_switches_on_what_is_off(account: Account):
    address = "https://hub.example.org/hooks/i_1/events"
    client = client_for(account.base_url, hook_url=address)

    check(client)
    made = {(one["entityType"], one["action"]) for one in account.webhooks.values()}
    assert made == set(WATCHED)
    assert {one["url"] for one in account.webhooks.values()} == {f"{address}/{HOOK}"}

    next(iter(account.webhooks.values()))["enabled"] = False
    calls = len(account.calls)
    check(client)
    assert all(one["enabled"] for one in account.webhooks.values())
    assert [call.method for call in account.calls[calls:]].count("PUT") == 1
    assert [call.method for call in account.calls[calls:]].count("POST") == 0


@pytest.mark.parametrize(
    "moved",
    [
        {"hook_token": "another-word-of-the-tests-43"},
        {"hook_url": "https://new.example.org/loyalty/hooks/i_1/events"},
    ],
)
def test_webhooks_of_another_secret_or_host_are_led_to_the_new_address(
    account: Account, moved: dict[str, str]
):
    old = {"hook_url": "https://hub.example.org/hooks/i_1/events"}
    check(client_for(account.base_url, **old))
    made = set(account.webhooks)
    next(iter(account.webhooks.values()))["enabled"] = False

    told = {**old, "hook_token": HOOK, **moved}
    check(client_for(account.base_url, **told))
    assert set(account.webhooks) == made
    address = f"{told['hook_url']}/{told['hook_token']}"
    assert {(one["url"], one["enabled"]) for one in account.webhooks.values()} == {(address, True)}


def test_webhooks_of_another_connection_stay_and_keep_no_other_from_being_made(account: Account):
    taken = WATCHED[3]
    elsewhere = "https://hub.example.org/hooks/i_2/events/word"
    account.webhooks["x"] = {
        "id": "x", "enabled": True, "url": elsewhere, "entityType": taken[0], "action": taken[1],
    }  # fmt: skip

    with pytest.raises(RemoteMisconfigured, match="30002"):
        check(client_for(account.base_url, hook_url="https://hub.example.org/hooks/i_1/events"))
    assert account.webhooks["x"]["url"] == elsewhere
    ours = [one for one in account.webhooks.values() if one["id"] != "x"]
    assert {(one["entityType"], one["action"]) for one in ours} == set(WATCHED) - {taken}


def test_the_check_leaves_webhooks_alone_where_no_address_is_told(account: Account):
    check(client_for(account.base_url))
    assert account.webhooks == {}
    assert CONNECTOR.check is check
