"""SOAP on the guarded session, against a small service and against hostile documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zeep

from loyalty_kit.addresses import AddressRefused
from loyalty_kit.errors import RemoteMisconfigured, RemoteUnavailable
from loyalty_kit.soap import SoapFault, soap_call, soap_client
from loyalty_kit.testing.remote import Answer, Asked, Remote, Reply
from loyalty_kit.transport import session

WSDL = """<?xml version="1.0"?>{doctype}
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" name="Points" targetNamespace="urn:points"
    xmlns:t="urn:points" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  {extra}
  <types>
    <xsd:schema targetNamespace="urn:points" elementFormDefault="qualified">
      {imports}
      <xsd:element name="balance">
        <xsd:complexType><xsd:sequence>
          <xsd:element name="member" type="xsd:string"/>
        </xsd:sequence></xsd:complexType>
      </xsd:element>
      <xsd:element name="points" type="xsd:string"/>
    </xsd:schema>
  </types>
  <message name="ask"><part name="body" element="t:balance"/></message>
  <message name="answer"><part name="body" element="t:points"/></message>
  <portType name="port">
    <operation name="balance"><input message="t:ask"/><output message="t:answer"/></operation>
  </portType>
  <binding name="binding" type="t:port">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="balance">
      <soap:operation soapAction="balance"/>
      <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output>
    </operation>
  </binding>
  <service name="service">
    <port name="port" binding="t:binding"><soap:address location="{base}/soap"/></port>
  </service>
</definitions>
"""
ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
POINTS = ENVELOPE.format('<points xmlns="urn:points">500.00</points>')
FAULT = ENVELOPE.format(
    "<s:Fault><faultcode>s:NoMember</faultcode><faultstring>+79000000001</faultstring></s:Fault>"
)
XML = {"Content-Type": "text/xml; charset=utf-8"}


def xml(body: str, status: int = 200) -> Reply:
    return Reply(status, body.encode(), XML)


@contextmanager
def service(
    answer: Reply, *, doctype: str = "", imports: str = "", extra: str = ""
) -> Iterator[Remote]:
    def reply(asked: Asked) -> Reply:
        if asked.method == "POST":
            return answer
        parts = {"doctype": doctype, "imports": imports, "extra": extra}
        return xml(WSDL.format(base=remote.base_url, **parts))

    answers: Answer = reply
    with Remote(answers) as remote:
        yield remote


@contextmanager
def client_of(remote: Remote) -> Iterator[zeep.Client]:
    with session(allow_private=True) as made:
        yield soap_client(made, f"{remote.base_url}/points.wsdl")


def test_a_call_and_its_answer() -> None:
    with service(xml(POINTS)) as remote, client_of(remote) as client:
        assert soap_call(client.service.balance, member="m-1") == "500.00"

        asked = remote.asked[-1]
        assert b"m-1" in asked.body
        assert asked.headers["user-agent"] == "loyalty-hub/1.6"


def test_a_fault_gives_its_code_and_not_its_text() -> None:
    with service(xml(FAULT, 500)) as remote, client_of(remote) as client:
        with pytest.raises(SoapFault) as fault:
            soap_call(client.service.balance, member="m-1")

        assert fault.value.fault_code == "s:NoMember"
        assert "7900" not in str(fault.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(
            Reply(500, b"oops", {"Content-Type": "text/html"}), RemoteUnavailable, id="500"
        ),
        pytest.param(Reply(503), RemoteUnavailable, id="503"),
        pytest.param(xml("<html>"), RemoteMisconfigured, id="broken XML"),
        pytest.param(xml("<html/>"), RemoteMisconfigured, id="another document"),
        pytest.param(
            xml('<!DOCTYPE x [<!ENTITY a "b">]>' + POINTS), RemoteMisconfigured, id="entity"
        ),
        pytest.param(xml("<!DOCTYPE x>" + POINTS), RemoteMisconfigured, id="DTD"),
    ],
)
def test_answers_that_are_none(answer: Reply, kind: type[Exception]) -> None:
    with (
        service(answer) as remote,
        client_of(remote) as client,
        pytest.raises(kind),
    ):
        soap_call(client.service.balance, member="m-1")


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"doctype": "<!DOCTYPE x>"}, id="DTD"),
        pytest.param(
            {"doctype": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'}, id="external DTD"
        ),
        pytest.param({"doctype": '<!DOCTYPE x [<!ENTITY a "b">]>', "extra": "&a;"}, id="entity"),
        pytest.param(
            {
                "doctype": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
                "extra": "<documentation>&a;</documentation>",
            },
            id="external entity",
        ),
        pytest.param(
            {"imports": '<xsd:import namespace="u" schemaLocation="http://127.0.0.1:1/x.xsd"/>'},
            id="import from elsewhere",
        ),
        pytest.param(
            {"imports": '<xsd:include schemaLocation="file:///etc/passwd"/>'}, id="a local file"
        ),
        pytest.param(
            {"extra": '<import namespace="u" location="http://127.0.0.1:1/x.wsdl"/>'},
            id="WSDL from elsewhere",
        ),
    ],
)
def test_a_description_that_reaches_out_is_refused(parts: dict[str, str]) -> None:
    with (
        service(xml(POINTS), **parts) as remote,
        pytest.raises(RemoteMisconfigured),
        client_of(remote),
    ):
        pass


def test_no_description_is_read_from_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "points.wsdl"
    path.write_text(WSDL.format(base="", doctype="", imports="", extra=""), encoding="utf-8")
    with session(allow_private=True) as made:
        for address in (str(path), f"file://{path}"):
            with pytest.raises(RemoteMisconfigured, match="no web address"):
                soap_client(made, address)


def test_the_address_check_is_that_of_the_session() -> None:
    with session(allow_private=False) as made, pytest.raises(AddressRefused):
        soap_client(made, "https://127.0.0.1/points.wsdl")
