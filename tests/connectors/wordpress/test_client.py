"""Reading a shop over a real socket: keys, errors, gone documents, paging."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.wordpress import CONNECTOR
from connectors.wordpress.client import UNPROVED, WooClient, oauth_signature, root_of
from loyalty_kit.errors import (
    ConnectorError,
    CredentialsRejected,
    Gone,
    NotOurs,
    RateLimited,
    RemoteMisconfigured,
    RemoteUnavailable,
)
from loyalty_kit.events import PurchaseStatus
from loyalty_kit.ports import ClientContext, Hint
from tests.connectors.wordpress.shared import context, rest, settings
from tests.stand_ins.woocommerce import WooShop

ORDER_13 = Hint("order", "13")


@pytest.fixture
def shop():
    with WooShop() as running:
        running.put_order(rest("order_get"))
        for refund in rest("order_refunds_list"):
            running.add_refund(13, refund)
        yield running


def client(shop: WooShop, **changes: Any) -> WooClient:
    assert CONNECTOR.make_client is not None
    made = CONNECTOR.make_client(
        ClientContext(settings(shop.base_url, **changes), allow_private=True, installation="i_1")
    )
    assert isinstance(made, WooClient)
    return made


def read(shop: WooShop, hint: Hint = ORDER_13) -> Any:
    assert CONNECTOR.fetch is not None
    return CONNECTOR.fetch.read(client(shop), hint)


def translate(hint: Hint, document: Any) -> tuple[Any, ...]:
    assert CONNECTOR.fetch is not None
    return CONNECTOR.fetch.translate(hint, document, context())


def check(shop: WooShop, **changes: Any) -> None:
    assert CONNECTOR.check is not None
    CONNECTOR.check(client(shop, **changes))


def test_orders_that_a_list_tells_whole_are_what_reading_each_gives(shop):
    """13 has refunds, whose lines no list tells; 98 is in the trash, 99 was never there."""
    for number, status in ((14, "processing"), (17, "completed"), (98, "trash")):
        shop.put_order(rest("order_get") | {"id": number, "status": status, "refunds": []})
    asked = [Hint("order", number) for number in ("13", "14", "17", "98", "99")]
    assert CONNECTOR.read_many is not None

    found = CONNECTOR.read_many.read_many(client(shop), tuple(asked))

    assert found == {hint: read(shop, hint) for hint in (asked[1], asked[2])}
    assert CONNECTOR.read_many.read_many(client(shop), (Hint("product", "14"),)) == {}


def test_an_order_is_read_with_all_its_refunds(shop):
    document = read(shop)

    assert document["order"]["id"] == 13
    assert [refund["id"] for refund in document["refunds"]] == [15, 14]


def test_refunds_are_read_to_the_last_page(shop):
    shop.delete_refund(13, 14)
    shop.delete_refund(13, 15)
    for number in range(1000, 1201):
        shop.add_refund(13, {"id": number, "amount": "1.00"})

    found = read(shop)["refunds"]

    assert {refund["id"] for refund in found} == set(range(1000, 1201))
    assert {call.query.get("per_page") for call in shop.calls[1:]} == {"100"}


def test_a_trashed_order_is_read_by_its_id(shop):
    shop.trash(13)

    (purchase,) = translate(ORDER_13, read(shop))

    assert purchase.status is PurchaseStatus.CANCELLED


def test_trap_7_an_order_deleted_for_ever_is_cancelled(shop):
    shop.force_delete(13)

    (purchase,) = translate(ORDER_13, read(shop))

    assert (purchase.external_id, purchase.status) == ("13", PurchaseStatus.CANCELLED)
    assert (purchase.currency, purchase.lines, purchase.refunds) == ("RUB", (), ())


def test_trap_8_a_refund_deleted_for_ever_is_not_listed_any_more(shop):
    shop.delete_refund(13, 14)

    (purchase,) = translate(ORDER_13, read(shop))

    assert [refund.external_id for refund in purchase.refunds] == ["15"]


def test_an_order_that_vanishes_while_it_is_read_is_read_again(shop):
    shop.between_calls = lambda call: shop.force_delete(13)
    with pytest.raises(RemoteUnavailable):
        read(shop)


def test_only_woocommerce_itself_says_that_an_order_is_gone(shop):
    """A moved shop or a proxy's page must not cancel every purchase there is."""
    woo = client(shop)
    shop.fail_next("html-404")
    with pytest.raises(RemoteMisconfigured, match="permalinks"):
        woo.order("13")
    shop.folder = "/moved"
    with pytest.raises(RemoteMisconfigured, match="no REST API at this address"):
        woo.order("13")


def test_trap_31_a_shop_in_a_folder_is_read():
    with WooShop(folder="/magazin") as shop:
        shop.put_order(rest("order_get"))
        assert read(shop)["order"]["id"] == 13
        assert shop.calls[0].path == "/magazin/wp-json/wc/v3/orders/13"


@pytest.mark.parametrize(
    "pasted",
    [
        "https://shop.example/blog",
        "https://shop.example/blog/",
        "https://shop.example/blog/wp-json",
        "https://shop.example/blog/wp-json/wc/v3/",
        "https://shop.example/blog/?rest_route=/wc/v3",
    ],
)
def test_trap_31_the_address_is_taken_however_it_was_pasted(pasted):
    assert root_of(pasted) == "https://shop.example/blog/wp-json/wc/v3"


def test_documents_of_other_kinds_are_not_ours(shop):
    with pytest.raises(NotOurs):
        read(shop, Hint("coupon", "1"))
    with pytest.raises(NotOurs):
        translate(Hint("coupon", "1"), {})


@pytest.mark.parametrize("number", ["../products/1", "", "13?x", "١٣"])
def test_an_id_cannot_lead_elsewhere(shop, number):
    with pytest.raises(Gone):
        client(shop).order(number)
    assert shop.calls == []


# Keys


def test_the_key_goes_by_basic_and_never_in_the_address(shop):
    check(shop)
    assert shop.calls[0].query == {"per_page": "1", "dp": "6", "_fields": "id"}


def test_trap_32_over_http_the_key_is_proved_by_a_signature():
    with WooShop(auth="oauth") as shop:
        shop.put_order(rest("order_get"), billing={"phone": "+7 900", "email": "a b"})
        woo = client(shop)
        assert woo.order("13")["id"] == 13
        assert woo.orders({"status": "any", "search": "a b+c~d", "page": "1"})[0]["id"] == 13
        assert all("consumer_secret" not in call.query for call in shop.calls)


def test_trap_32_a_wrong_secret_over_http_is_said():
    with WooShop(auth="oauth") as shop, pytest.raises(CredentialsRejected, match="consumer key"):
        check(shop, consumer_secret="cs_wrong")


def test_oauth_signs_as_in_a_case_worked_by_hand():
    """HMAC-SHA256 of the base string of RFC 5849, 3.4.1, made with `openssl dgst`."""
    signature = oauth_signature(
        "GET",
        "http://shop.example/wp-json/wc/v3/orders",
        {
            "oauth_consumer_key": "ck_1",
            "oauth_nonce": "n",
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": "1",
            "status": "any,trash",
        },
        "cs_1",
    )
    assert signature == "G/s7VpEJQineWExSDJ042ZUBLobWh6PbeffKx71H2nU="


def test_trap_33_a_host_that_strips_the_header_gets_the_key_in_the_query(tmp_path, caplog):
    certificate = self_signed(tmp_path / "shop.pem")
    with WooShop(auth="query", certificate=certificate) as shop:
        shop.put_order(rest("order_get"))
        woo = client(shop)
        woo._http.verify = str(certificate)
        with caplog.at_level(logging.DEBUG):
            assert woo.order("13")["id"] == 13
            assert woo.order("13")["id"] == 13

    assert [sorted(call.query) for call in shop.calls] == [
        ["dp"],
        ["consumer_key", "consumer_secret", "dp"],
        ["consumer_key", "consumer_secret", "dp"],
    ]
    assert "keys go in the query" in caplog.text
    assert WooShop.consumer_secret not in caplog.text


def self_signed(path: Path) -> Path:
    """A certificate of 127.0.0.1 with its key, as one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))
    return path


def test_a_key_without_the_right_to_read_is_refused_with_what_to_look_at(shop):
    shop.key_may_read = False
    with pytest.raises(CredentialsRejected, match="has the key the right to read") as caught:
        check(shop)
    assert UNPROVED in str(caught.value)


def test_a_wrong_secret_is_said(shop):
    with pytest.raises(CredentialsRejected, match="are the consumer key and secret the right ones"):
        check(shop, consumer_secret="cs_wrong")


def test_plain_http_and_private_addresses_are_refused_unless_allowed(shop):
    assert CONNECTOR.make_client is not None
    refused = CONNECTOR.make_client(
        ClientContext(settings(shop.base_url), allow_private=False, installation="i_1")
    )
    with pytest.raises(RemoteMisconfigured):
        refused.order("13")
    assert shop.calls == []


# Trouble


@pytest.mark.parametrize(
    ("trouble", "raised"),
    [
        ("500", RemoteUnavailable),
        ("502", RemoteUnavailable),
        ("429", RateLimited),
        ("403-html", RemoteUnavailable),
        ("html", RemoteMisconfigured),
        ("html-404", RemoteMisconfigured),
        ("hang-up", RemoteUnavailable),
    ],
)
def test_trap_34_trouble_is_sorted_by_what_to_do_next(shop, trouble, raised):
    shop.fail_always(trouble)
    with pytest.raises(ConnectorError) as caught:
        read(shop)
    assert type(caught.value) is raised


def test_a_shop_that_stumbles_once_is_asked_again(shop):
    shop.fail_next("502")
    assert read(shop)["order"]["id"] == 13


def test_trap_25_no_call_asks_for_more_than_a_hundred(shop):
    with pytest.raises(RemoteMisconfigured, match="rest_invalid_param"):
        client(shop).orders({"per_page": "101"})
