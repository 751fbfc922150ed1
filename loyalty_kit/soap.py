"""SOAP through zeep, on the guarded session of `transport`.

XML with a DTD, with entities, or with references outside of its own document is refused, and
nothing is read from this machine's files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import lxml.etree
import requests
import zeep
import zeep.exceptions
from zeep.transports import Transport

from loyalty_kit.errors import RemoteMisconfigured
from loyalty_kit.transport import call, raise_for_status


class SoapFault(RemoteMisconfigured):
    """The remote answered with a fault; `fault_code` is the vendor's."""

    code = "soap_fault"

    def __init__(self, fault_code: str | None) -> None:
        super().__init__(f"SOAP fault {fault_code or 'without a code'}")
        self.fault_code = fault_code


class _GuardedTransport(Transport):
    """zeep's transport with our errors, without its file reader and its logs of whole bodies."""

    def __init__(self, session: requests.Session) -> None:
        agent = session.headers["User-Agent"]
        super().__init__(session=session)  # type: ignore[no-untyped-call]  # zeep 4.3 types it not
        # zeep gives the session a way to read files, and its own name.
        del session.adapters["file://"]
        session.headers["User-Agent"] = agent

    def load(self, url: str) -> bytes:
        """Raises: RemoteMisconfigured for anything but an http address; as `call` does."""
        if urlsplit(str(url)).scheme not in ("http", "https"):
            raise RemoteMisconfigured("the WSDL refers to something that is no web address")
        return bytes(call(self.session, "GET", url).content)

    def get(
        self, address: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> requests.Response:
        return call(self.session, "GET", address, params=params, headers=headers)

    def post(
        self, address: str, message: str | bytes, headers: Mapping[str, str]
    ) -> requests.Response:
        """A fault comes as status 500 with XML (SOAP 1.1, section 6.2); zeep reads that."""
        response = call(self.session, "POST", address, data=message, headers=headers, accept=(500,))
        if response.status_code == 500 and "xml" not in response.headers.get("Content-Type", ""):
            raise_for_status(response)
        return response


def soap_client(session: requests.Session, wsdl: str) -> zeep.Client:
    """A zeep client for the service that the WSDL at this address describes.

    Raises: RemoteMisconfigured for XML that is refused or broken; as `transport.call` does.
    """
    settings = zeep.Settings(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    transport = _GuardedTransport(session)
    client: zeep.Client = soap_call(zeep.Client, wsdl, transport=transport, settings=settings)
    return client


def soap_call(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`client.service.<operation>(...)` with its failures sorted.

    Raises: SoapFault; RemoteMisconfigured for an answer that is not what the WSDL says; as
    `transport.call` does.
    """
    try:
        return operation(*args, **kwargs)
    except zeep.exceptions.Fault as fault:
        raise SoapFault(fault.code) from None
    except (zeep.exceptions.Error, lxml.etree.LxmlError) as error:
        # Not chained: these errors hold the whole answer.
        raise RemoteMisconfigured(f"SOAP: {type(error).__name__}") from None
