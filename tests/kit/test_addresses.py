"""Which addresses may be called, and that the checked one is the one that is called."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from loyalty_kit.addresses import AddressRefused, is_public
from loyalty_kit.transport import session

PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    "address",
    [
        PUBLIC,
        "8.8.8.8",
        "172.32.0.1",
        "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("127.255.0.9", id="loopback net"),
        pytest.param("10.1.2.3", id="private 10"),
        pytest.param("172.16.0.1", id="private 172"),
        pytest.param("192.168.1.1", id="private 192"),
        pytest.param("169.254.169.254", id="metadata of clouds"),
        pytest.param("100.64.0.1", id="carrier's NAT"),
        pytest.param("0.0.0.0", id="unspecified"),
        pytest.param("0.1.2.3", id="this network"),
        pytest.param("192.0.0.192", id="protocol assignments"),
        pytest.param("192.0.2.1", id="documentation"),
        pytest.param("198.18.0.1", id="benchmarks"),
        pytest.param("224.0.0.1", id="multicast"),
        pytest.param("239.255.255.250", id="local multicast"),
        pytest.param("240.0.0.1", id="reserved"),
        pytest.param("255.255.255.255", id="broadcast"),
        pytest.param("::", id="IPv6 unspecified"),
        pytest.param("::1", id="IPv6 loopback"),
        pytest.param("fe80::1", id="IPv6 link-local"),
        pytest.param("fe80::1%eth0", id="IPv6 link-local with its zone"),
        pytest.param("fc00::1", id="IPv6 unique local"),
        pytest.param("fd00:ec2::254", id="IPv6 metadata of clouds"),
        pytest.param("fec0::1", id="IPv6 site-local"),
        pytest.param("ff02::1", id="IPv6 multicast"),
        pytest.param("ff0e::1", id="IPv6 global multicast"),
        pytest.param("2001:db8::1", id="IPv6 documentation"),
        pytest.param("3fff::1", id="IPv6 documentation, the newer"),
        pytest.param("2001::1", id="Teredo"),
        pytest.param("100::1", id="IPv6 discard"),
        pytest.param("::ffff:127.0.0.1", id="mapped loopback"),
        pytest.param("::ffff:10.0.0.1", id="mapped private"),
        pytest.param("::10.0.0.1", id="compatible private"),
        pytest.param("2002:7f00:1::", id="6to4 loopback"),
        pytest.param("2002:a9fe:a9fe::", id="6to4 metadata"),
        pytest.param("64:ff9b::7f00:1", id="NAT64 loopback"),
        pytest.param("64:ff9b::a00:1", id="NAT64 private"),
        pytest.param("64:ff9b:1::808:808", id="local NAT64"),
    ],
)
def test_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://169.254.169.254/latest/meta-data/",
        "http://93.184.215.14/",
        "http://shop.example/",
    ],
)
def test_a_guarded_session_refuses(url: str, connects: list[Any]) -> None:
    with session(allow_private=False) as guarded, pytest.raises(AddressRefused):
        guarded.get(url)

    assert connects == []


class Names:
    """A resolver that answers as it is told, and the next time otherwise."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int, *_: Any) -> list[Any]:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            for address in answer
        ]


_CONNECTS: list[list[Any]] = []


def _on_event(event: str, args: tuple[Any, ...]) -> None:
    """Python tells of a connection before it is made: here it is noted and not made."""
    if event == "socket.connect" and _CONNECTS:
        _CONNECTS[-1].append(args[1])
        raise ConnectionRefusedError("not in this test")


@pytest.fixture
def connects() -> Iterator[list[Any]]:
    """The addresses that this test tries to connect to; none is reached."""
    if not getattr(sys, "_loyalty_hook", False):
        sys.addaudithook(_on_event)
        sys._loyalty_hook = True  # type: ignore[attr-defined]  # an audit hook is for ever
    _CONNECTS.append([])
    yield _CONNECTS[-1]
    _CONNECTS.pop()


def test_the_checked_address_is_the_one_that_is_called(
    monkeypatch: pytest.MonkeyPatch, connects: list[Any]
) -> None:
    names = Names([PUBLIC], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", names)

    with session(allow_private=False) as guarded, pytest.raises(requests.ConnectionError):
        guarded.post("https://shop.example/", data=b"")

    assert connects == [(PUBLIC, 443)]
    assert names.asked == 1


def test_a_name_that_changes_between_two_tries_is_refused(
    monkeypatch: pytest.MonkeyPatch, connects: list[Any]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names([PUBLIC], ["127.0.0.1"]))

    with session(allow_private=False) as guarded, pytest.raises(AddressRefused):
        guarded.get("https://shop.example/")

    assert connects == [(PUBLIC, 443)]


def test_a_name_with_one_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, connects: list[Any]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names([PUBLIC, "10.0.0.1"]))

    with session(allow_private=False) as guarded, pytest.raises(AddressRefused):
        guarded.get("https://shop.example/")

    assert connects == []


class _Redirects(requests.adapters.BaseAdapter):
    """A public shop, without the network, that sends its callers elsewhere."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = 302
        response.headers["Location"] = self._target
        response.request, response.url = request, str(request.url)
        response._content = b""
        response.raw = type("Raw", (), {"_original_response": None, "close": lambda self: None})()
        response.raw.release_conn = lambda: None
        return response

    def close(self) -> None:
        """Holds nothing."""


@pytest.mark.parametrize(
    "target",
    [
        "https://127.0.0.1/",
        "https://[::1]/",
        "http://93.184.215.14/",
        "//localhost/",
        "file:///etc",
    ],
)
def test_each_redirect_is_checked(target: str, connects: list[Any]) -> None:
    with session(allow_private=False) as guarded:
        guarded.mount("https://shop.example/", _Redirects(target))
        with pytest.raises((AddressRefused, requests.exceptions.InvalidSchema)):
            guarded.get("https://shop.example/")

    assert connects == []
