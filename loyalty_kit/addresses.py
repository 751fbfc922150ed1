"""Which addresses a connector may call: public ones, judged after the name was resolved.

The name is resolved once, every address that it gave is judged, and the connection goes to
one of those very addresses.  So a name that changes between the check and the call gains
nothing, and each redirect is judged as the first call was.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.timeout import Timeout

from loyalty_kit.errors import RemoteMisconfigured

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 6052: IPv4 inside the well-known prefix of NAT64; RFC 8215: its local-use prefix.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
# RFC 4291, 2.5.5.1: the old way to carry IPv4 in IPv6.
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")
# Benchmarking (RFC 2544), "this network" and the newer documentation prefix (RFC 9637) are not
# global; Python's tables differ by version.
_NEVER = (
    ipaddress.ip_network("0.0.0.0/8"),
    ipaddress.ip_network("100.64.0.0/10"),
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("192.88.99.0/24"),
    ipaddress.ip_network("198.18.0.0/15"),
    ipaddress.ip_network("240.0.0.0/4"),
    ipaddress.ip_network("100::/64"),
    ipaddress.ip_network("2001::/23"),
    ipaddress.ip_network("3fff::/20"),
    ipaddress.ip_network("fec0::/10"),
    _NAT64_LOCAL,
)


class AddressRefused(RemoteMisconfigured):
    """The address is not one that a connector may call."""

    code = "address_refused"


def is_public(address: IpAddress) -> bool:
    """Whether the address is one of the public internet, also the one hidden in IPv6 forms."""
    hidden = _embedded(address)
    if hidden is not None:
        return is_public(hidden)
    if any(address.version == network.version and address in network for network in _NEVER):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local
    )


def _embedded(address: IpAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to, if it is such a one."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or address in _IPV4_COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def resolve_public(host: str, port: int) -> list[tuple[Any, ...]]:
    """`getaddrinfo`'s rows for a TCP call, all of them public.

    Raises: AddressRefused if any of the addresses is not; socket.gaierror as getaddrinfo does.
    """
    try:
        rows = socket.getaddrinfo(host.strip("[]"), port, 0, socket.SOCK_STREAM)
    except UnicodeError:
        raise AddressRefused("not a host name") from None
    for row in rows:
        if not is_public(ipaddress.ip_address(str(row[4][0]))):
            raise AddressRefused(f"{host} is not an address of the public internet")
    return list(rows)


def open_socket(host: str, port: int, timeout_s: float, *, allow_private: bool) -> socket.socket:
    """A TCP connection for protocols other than HTTP.

    Raises: AddressRefused, OSError (socket.gaierror, TimeoutError among them).
    """
    if allow_private:
        return socket.create_connection((host, port), timeout_s)
    failure = OSError("the name has no address")
    for _, _, _, _, address in resolve_public(host, port):
        try:
            # An address, not a name: nothing is resolved a second time.
            return socket.create_connection(address[:2], timeout_s)
        except OSError as error:
            failure = error
    raise failure


def _connect(connection: HTTPConnection) -> socket.socket:
    """Connects to the first address that answers, all of them checked beforehand.

    Raises: AddressRefused, and urllib3's errors for the rest, as its own method does.
    """
    try:
        rows = resolve_public(connection._dns_host, connection.port)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in rows:
        sock = socket.socket(family, kind, protocol)
        try:
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(Timeout.resolve_default_timeout(connection.timeout))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            sys.audit("http.client.connect", connection, connection.host, connection.port)
            return sock
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, "connect timed out") from failure
    raise NewConnectionError(connection, f"no connection: {failure}") from failure


class _GuardedHttp(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _GuardedHttps(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _GuardedHttpPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHttp


class _GuardedHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHttps


GUARDED_POOLS = {"http": _GuardedHttpPool, "https": _GuardedHttpsPool}
"""For `PoolManager.pool_classes_by_scheme`."""
