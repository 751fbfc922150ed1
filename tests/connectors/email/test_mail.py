"""Mail as it arrives at a real server: its headers, encryption, and what cannot be sent."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.email import CONNECTOR
from loyalty_kit.errors import AnswerLost, CredentialsRejected, RemoteMisconfigured
from loyalty_kit.manifest import Channel
from loyalty_kit.pacing import Pace, counting_with
from loyalty_kit.ports import ClientContext, Message, Sent, Undeliverable
from loyalty_kit.settings import load_settings
from loyalty_kit.transport import Guard
from tests.connectors.email.test_conformance import form
from tests.stand_ins.mail import MailServer, mail_server
from tests.support.certificates import own_certificate

OFFER = Message(
    "anna@example.com",
    "Скидка 10 %",
    subject="Для вас\r\nBcc: all@example.com",
    html="<p>Скидка 10&nbsp;%</p>",
    channel=Channel.EMAIL,
    unsubscribe="https://hub.example/u/abc",
    made_at=datetime(2026, 3, 14, 9, 0, tzinfo=UTC),
)


def send(base_url: str, message: Message, *, allow_private: bool = True, **changes: Any) -> Any:
    settings = load_settings(CONNECTOR.manifest.settings_schema, form(base_url) | changes)
    assert CONNECTOR.make_client is not None
    assert CONNECTOR.message is not None
    client = CONNECTOR.make_client(ClientContext(settings, allow_private, "i_1"))
    return CONNECTOR.message.send(client, message, key="welcome:1")


def test_advertising_carries_the_way_out_in_its_headers() -> None:
    with mail_server() as server:
        sent = send(server.base_url, OFFER, sender_name="Магазин", reply_to="help@example.com")

    assert isinstance(sent, Sent)
    (mail,) = server.mails
    assert mail["To"] == "anna@example.com"
    assert mail["From"] == "Магазин <shop@example.com>"
    assert mail["Reply-To"] == "help@example.com"
    assert mail["List-Unsubscribe"] == "<https://hub.example/u/abc>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Date"].datetime == OFFER.made_at
    assert mail["Subject"] == "Для вас Bcc: all@example.com"
    assert mail["Bcc"] is None
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]


def test_a_message_without_advertising_has_no_way_out() -> None:
    with mail_server() as server:
        send(server.base_url, Message("anna@example.com", "Код 123456", channel=Channel.EMAIL))

    assert server.mails[0]["List-Unsubscribe"] is None


class Counted:
    """Who counts calls beside this process, and what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def begin(self, name: str, pace: Pace, call: str) -> float:
        self.told.append(("begin", pace.calls))
        return 0.0

    def end(self, name: str, pace: Pace, call: str) -> None:
        self.told.append(("end", pace.calls))


def test_mail_keeps_its_pace_with_other_processes() -> None:
    count = Counted()
    with mail_server() as server, counting_with(count):
        send(server.base_url, OFFER, per_second="7")

    assert count.told == [("begin", 7), ("end", 7)]


def test_the_same_message_again_is_the_same_mail_byte_by_byte() -> None:
    with mail_server() as server:
        send(server.base_url, OFFER)
        send(server.base_url, OFFER)

    assert server.asked[0] == server.asked[1]


def test_a_domain_in_other_letters_goes_in_its_ascii_form() -> None:
    with mail_server() as server:
        send(server.base_url, Message("anna@пример.рф", "Привет", channel=Channel.EMAIL))

    assert server.asked[0][0] == "anna@xn--e1afmkfd.xn--p1ai"


def test_a_long_way_out_is_an_address_and_no_encoded_words() -> None:
    """RFC 8058: the mail program takes the header as it stands."""
    way_out = f"https://{'a' * 60}.example.ru/c/17de3uvcik5i.email.Mr48EJ0UPIa5VOE3QgAa"
    with mail_server() as server:
        send(server.base_url, replace(OFFER, unsubscribe=way_out))

    ((_, mail),) = server.asked
    assert f"\r\nList-Unsubscribe: <{way_out}>\r\n".encode() in mail


@pytest.mark.parametrize(
    "address",
    [
        "анна@example.com",
        "no address",
        "a b@example.com",
        "@",
        "",
        # As bases that were moved in have them; no header holds them (RFC 5322, dot-atom).
        "anna.@example.com",
        "an..na@example.com",
        "anna@exam ple.com",
        "anna@example.com.",
        "anna@example.com;ivan@example.com",
        "anna@example\x00.com",
    ],
)
def test_what_is_no_address_is_not_handed_over(address: str) -> None:
    with mail_server() as server:
        got = send(server.base_url, Message(address, "Привет", channel=Channel.EMAIL))

    assert isinstance(got, Undeliverable)
    assert server.asked == []


def test_an_unencrypted_server_is_for_the_own_network_only() -> None:
    with mail_server() as server, pytest.raises(RemoteMisconfigured, match="without encryption"):
        send(server.base_url, OFFER, allow_private=False)


def test_a_private_address_is_refused_where_it_is_not_allowed() -> None:
    with mail_server() as server, pytest.raises(RemoteMisconfigured, match="public internet"):
        send(server.base_url, OFFER, allow_private=False, security="tls")


def test_a_server_without_starttls_is_told_to_the_owner() -> None:
    with mail_server() as server, pytest.raises(RemoteMisconfigured, match="does not offer"):
        send(server.base_url, OFFER, security="starttls")


def test_a_wrong_password_is_told_to_the_owner() -> None:
    with mail_server() as server, pytest.raises(CredentialsRejected):
        send(server.base_url, OFFER, password="wrong")


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_certificate(tmp_path_factory.mktemp("tls"))


@contextmanager
def over_tls(security: str, pem: Path) -> Iterator[MailServer]:
    with mail_server(pem=pem, starttls=security == "starttls") as server:
        yield server


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_over_tls(security: str, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: real(cafile=str(pem)))
    with over_tls(security, pem) as server:
        assert isinstance(send(server.base_url, OFFER, security=security), Sent)
    assert len(server.asked) == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for(security: str, pem: Path) -> None:
    with (
        over_tls(security, pem) as server,
        pytest.raises(RemoteMisconfigured, match="certificate is not valid"),
    ):
        send(server.base_url, OFFER, security=security)
    assert server.asked == []


def test_a_server_that_thinks_longer_than_it_is_waited_for_may_have_taken_the_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Guard, "longest_s", 0.2)
    with mail_server(thinks_s=1.0) as server, pytest.raises(AnswerLost):
        send(server.base_url, OFFER)
    assert len(server.asked) == 1
