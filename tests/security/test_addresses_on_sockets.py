"""No setting, redirect, name or proxy leads the hub to where it must not go.

On real sockets: `trap` listens on 127.0.0.2 (and ::1) and counts who connects.  Where a shop on
the public internet is needed, 127.0.0.1 is taken for public for the length of the test.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from hub.installations import check_installation, create_installation
from hub.registry import load_registry
from loyalty_kit import addresses
from loyalty_kit.addresses import AddressRefused
from loyalty_kit.errors import ConnectorError
from loyalty_kit.soap import soap_call, soap_client
from loyalty_kit.testing.remote import DROP, Asked, Remote, Reply, json_reply
from loyalty_kit.transport import call, session
from tests.hub.api.client import new_programme
from tests.kit.test_soap import POINTS, WSDL, xml
from tests.kit.test_transport_tls import certificate, over_tls
from tests.support.hub import make_hub

__all__ = ["certificate"]
TRAP = "127.0.0.2"
SPELLINGS = [
    "127.0.0.2",
    "2130706434",
    "0x7f000002",
    "0x7f.2",
    "0177.0.0.2",
    "017700000002",
    "127.2",
    "127.0.2",
    "[::ffff:127.0.0.2]",
    "[::ffff:7f00:2]",
    "someone@127.0.0.2",
    "shop.example:secret@127.0.0.2",
]
"""Ways to write one address; each of them leads to the trap if nobody looks."""
NEVER = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    "0.0.0.0",
    "0",
    "[::]",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "[fe80::1]",
    "[fc00::1]",
    "[64:ff9b::7f00:2]",
    "[64:ff9b:1::7f00:2]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:2::]",
    "[::127.0.0.2]",
    "[::ffff:169.254.169.254]",
    "[::ffff:0:127.0.0.2]",
    "[2001:0:7f00:2::]",
    "[fe80::5efe:127.0.0.2]",
    "[2001:db8::5efe:7f00:2]",
    "[3fff::1]",
]


class Trap:
    """`port` on 127.0.0.2 and on ::1; `caught` counts connections."""

    def __init__(self) -> None:
        self.caught = 0
        self._sockets = [socket.create_server((TRAP, 0))]
        self.port = self._sockets[0].getsockname()[1]
        if socket.has_dualstack_ipv6():
            self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        for one in self._sockets:
            threading.Thread(target=self._wait, args=(one,), daemon=True).start()

    def _wait(self, one: socket.socket) -> None:
        while True:
            try:
                caller, _ = one.accept()
            except OSError:
                return
            self.caught += 1
            caller.close()

    def close(self) -> None:
        for one in self._sockets:
            one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.close()


@pytest.mark.parametrize("host", SPELLINGS)
def test_the_trap_catches_who_is_not_guarded(trap: Trap, host: str):
    """What the tests below stand on."""
    with session(allow_private=True) as open_, pytest.raises(requests.ConnectionError):
        open_.post(f"https://{host}:{trap.port}/")

    assert trap.caught == 1


@pytest.mark.parametrize("host", [*SPELLINGS, *NEVER])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_guarded_session_connects_to_none_of_them(trap: Trap, scheme: str, host: str):
    with session(allow_private=False) as guarded:
        for method in ("GET", "POST"):
            with pytest.raises(AddressRefused):
                guarded.request(method, f"{scheme}://{host}:{trap.port}/")

    assert trap.caught == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example@{trap}/",
        "https://{trap}#@shop.example/",
        "https://{trap}?@shop.example/",
        "https://{trap}\\@shop.example/",
        "https://shop.example\\@{trap}/",
        "https://shop.example#@{trap}/",
        "https://shop.example?@{trap}/",
        "https:\\\\{trap}/",
        "https:///{trap}/",
        "https:{trap}/",
        "HTTPS://{trap}/",
        " https://{trap}/",
        "https://{trap}\t/",
        "https://①②⑦.⓪.⓪.②:443/",
        "https://１２７.０.０.２/",
        "https://127。0。0。2/",
        "file:///etc/passwd",
        "ftp://{trap}/",
        "gopher://{trap}/",
        "data:text/plain,x",
        "unix:///var/run/x",
    ],
)
def test_no_trick_of_writing_leads_there(monkeypatch: pytest.MonkeyPatch, trap: Trap, url: str):
    asked = names_lead_to(monkeypatch, {})
    with (
        session(allow_private=False) as guarded,
        pytest.raises((ConnectorError, requests.RequestException)),
    ):
        call(guarded, "GET", url.format(trap=f"{TRAP}:{trap.port}"))

    assert trap.caught == 0
    assert set(asked) <= {"shop.example", TRAP, "127.0.0.2"}


@pytest.mark.parametrize("host", [*SPELLINGS[:10], "169.254.169.254", "[::1]", "localhost"])
def test_the_settings_of_a_connection_lead_nowhere_either(sqlite_engine, trap, host):
    hub = make_hub(sqlite_engine, allow_private=False, registry=load_registry(("wordpress",)))
    made = create_installation(
        hub,
        programme_id=new_programme(hub, "demo"),
        connector="wordpress",
        name="Tea shop",
        settings={
            "base_url": f"https://{host}:{trap.port}",
            "consumer_key": "ck_1",
            "consumer_secret": "cs_1",
            "webhook_secret": "s3cr3t",
        },
    )

    with pytest.raises(ConnectorError) as refused:
        check_installation(hub, made.id)

    assert refused.value.code == "address_refused"
    assert trap.caught == 0


# Redirects and names: a shop that seems public


@pytest.fixture
def loopback_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = addresses.is_public
    here = ipaddress.ip_address("127.0.0.1")
    monkeypatch.setattr(addresses, "is_public", lambda one: one == here or judge(one))


@contextmanager
def public_shop(certificate, answer) -> Iterator[tuple[Remote, str, requests.Session]]:
    with (
        Remote(answer) as remote,
        over_tls(remote, certificate) as base_url,
        session(allow_private=False) as guarded,
    ):
        guarded.verify = str(certificate)
        yield remote, base_url, guarded


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", SPELLINGS)
def test_no_redirect_leads_to_the_trap(
    loopback_is_public, certificate, trap: Trap, status: int, host: str
):
    there = f"https://{host}:{trap.port}/"
    with public_shop(certificate, lambda _: Reply(status, b"", {"Location": there})) as shop:
        remote, base_url, guarded = shop
        with pytest.raises((ConnectorError, requests.RequestException)):
            call(guarded, "GET", base_url)
        assert len(remote.asked) == 1, "the shop was called, so the redirect was seen"

    assert trap.caught == 0


def test_a_name_that_turns_private_after_the_check_is_not_followed(
    monkeypatch, loopback_is_public, certificate, trap: Trap
):
    with public_shop(certificate, lambda _: DROP) as (remote, base_url, guarded):
        port = int(base_url.rpartition(":")[2])
        answers = [("127.0.0.1", port), (TRAP, trap.port)]
        asked = names_lead_to(monkeypatch, {"shop.example": answers})
        guarded.verify = False
        monkeypatch.setattr("warnings.warn", lambda *_, **__: None)
        with pytest.raises(ConnectorError):
            call(guarded, "GET", f"https://shop.example:{port}/")
        assert len(remote.asked) == 1, "the first answer was public and was called"

    assert asked == ["shop.example", "shop.example"], "each new connection is judged anew"
    assert trap.caught == 0


def test_a_name_is_asked_once_for_one_connection(
    monkeypatch, loopback_is_public, certificate, trap: Trap
):
    """Public when it is checked and private when it is called: there is no second question."""
    with public_shop(certificate, lambda _: json_reply()) as (remote, base_url, guarded):
        port = int(base_url.rpartition(":")[2])
        answers = [("127.0.0.1", port), (TRAP, trap.port)]
        asked = names_lead_to(monkeypatch, {"shop.example": answers})
        guarded.verify = False
        monkeypatch.setattr("warnings.warn", lambda *_, **__: None)
        assert call(guarded, "POST", f"https://shop.example:{port}/").status_code == 200

    assert asked == ["shop.example"]
    assert len(remote.asked) == 1
    assert trap.caught == 0


def test_the_endpoint_that_a_soap_description_names_is_judged_too(
    loopback_is_public, certificate, trap: Trap
):
    def describe(_: Asked) -> Reply:
        parts = {"doctype": "", "imports": "", "extra": ""}
        return xml(WSDL.format(base=f"https://{TRAP}:{trap.port}", **parts))

    with public_shop(certificate, describe) as (_, base_url, guarded):
        client = soap_client(guarded, f"{base_url}/points.wsdl")
        with pytest.raises(AddressRefused):
            soap_call(client.service.balance, member="m-1")

    assert POINTS
    assert trap.caught == 0


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_no_proxy_of_the_machine_or_of_a_connector_is_used(
    monkeypatch, loopback_is_public, certificate, trap: Trap, name: str
):
    proxy = f"http://{TRAP}:{trap.port}"
    for spelled in (name, name.lower()):
        monkeypatch.setenv(spelled, proxy)
    for spelled in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(spelled, raising=False)
    with public_shop(certificate, lambda _: json_reply()) as (remote, base_url, guarded):
        assert call(guarded, "GET", base_url).status_code == 200
        guarded.proxies = {"http": proxy, "https": proxy, "all": proxy}
        assert call(guarded, "GET", base_url, proxies={"https": proxy}).status_code == 200
        assert len(remote.asked) == 2

    assert trap.caught == 0


def names_lead_to(monkeypatch, names: dict[str, list[tuple[str, int]]]) -> list[str]:
    """A resolver: each name's answers in turn, the last for ever; others are not known.

    Addresses that are written out lead to themselves.  Gives the names that were asked by this
    thread: those that other tests left behind may look for their Redis meanwhile.
    """
    asked: list[str] = []
    resolve, asking = socket.getaddrinfo, threading.get_ident()

    def answer(host: str, port: Any, *rest: Any, **more: Any) -> list[Any]:
        if threading.get_ident() != asking:
            return resolve(host, port, *rest, **more)
        asked.append(host)
        if host not in names:
            return resolve(host, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
        left = names[host]
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked
