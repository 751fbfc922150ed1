"""XML that wants more than to be read: through the kit's SOAP transport, from a real server."""

from __future__ import annotations

import gzip
import resource
import time

import pytest

from loyalty_kit.errors import ConnectorError
from loyalty_kit.soap import soap_call
from loyalty_kit.testing.remote import Remote, Reply, always
from tests.kit.test_soap import POINTS, XML, client_of, service, xml

SECRET = "what stands in a file of this machine"
LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(10)
)
MIB = 1024 * 1024


def saying(text: str, doctype: str = "") -> str:
    return doctype + POINTS.replace("500.00", text)


@pytest.fixture
def secret_file(tmp_path) -> str:
    path = tmp_path / "secret.txt"
    path.write_text(SECRET, encoding="utf-8")
    return f"file://{path}"


HOSTILE = {
    "billion laughs": saying("&l9;", f"<!DOCTYPE x [{LAUGHS}]>"),
    "quadratic blow-up": saying("&a;" * 20_000, f'<!DOCTYPE x [<!ENTITY a "{"a" * 20_000}">]>'),
    "an entity of a file": saying("&a;", '<!DOCTYPE x [<!ENTITY a SYSTEM "{file}">]>'),
    "an entity of the web": saying("&a;", '<!DOCTYPE x [<!ENTITY a SYSTEM "{web}">]>'),
    "a parameter entity": saying("x", '<!DOCTYPE x [<!ENTITY % a SYSTEM "{web}"> %a;]>'),
    "an external DTD": saying("x", '<!DOCTYPE x SYSTEM "{web}">'),
    "a public DTD": saying("x", '<!DOCTYPE x PUBLIC "-//X//EN" "{web}">'),
    "a DTD in UTF-16": '<?xml version="1.0" encoding="utf-16"?>'
    + saying("&a;", '<!DOCTYPE x [<!ENTITY a SYSTEM "{file}">]>'),
    "thousands of levels": saying("<a>" * 5000 + "</a>" * 5000),
    "an attribute without end": saying(f'<a b="{"x" * (11 * MIB)}"/>'),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_are_refused_and_cost_little(name: str, secret_file: str):
    with Remote(always(Reply(200, b"x"))) as web:
        text = HOSTILE[name].replace("{file}", secret_file).replace("{web}", web.base_url)
        body = text.encode("utf-16" if "UTF-16" in name else "utf-8")
        with service(Reply(200, body, XML)) as remote, client_of(remote) as client:
            began, memory = time.process_time(), peak_kib()
            with pytest.raises(ConnectorError) as refused:
                soap_call(client.service.balance, member="m-1")
        assert web.asked == [], "nothing outside was asked for"
    assert SECRET not in str(refused.value)
    assert time.process_time() - began < 5
    assert peak_kib() - memory < 150 * 1024


@pytest.mark.parametrize(
    "harmless",
    [
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{file}" parse="text"/>',
        '<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="u {web}"/>',
    ],
    ids=["XInclude", "a place of a schema"],
)
def test_references_in_an_answer_are_not_followed(harmless: str, secret_file: str):
    with Remote(always(Reply(200, b"x"))) as web:
        told = harmless.replace("{file}", secret_file).replace("{web}", web.base_url)
        with service(xml(saying(told))) as remote, client_of(remote) as client:
            answer = soap_call(client.service.balance, member="m-1")
        assert web.asked == []
    assert SECRET not in str(answer)


@pytest.mark.parametrize(
    "doctype",
    [f"<!DOCTYPE x [{LAUGHS}]>", '<!DOCTYPE x [<!ENTITY % a SYSTEM "{web}"> %a;]>'],
    ids=["billion laughs", "parameter entity"],
)
def test_hostile_descriptions_are_refused(doctype: str):
    with (
        Remote(always(Reply(200, b"x"))) as web,
        service(xml(POINTS), doctype=doctype.replace("{web}", web.base_url)) as remote,
    ):
        with pytest.raises(ConnectorError), client_of(remote):
            pass
        assert web.asked == []


def test_a_bomb_of_gzip_is_not_unpacked_to_its_end():
    bomb = b"".join(gzip.compress(b" " * MIB) for _ in range(300))  # members in a row are one file
    assert len(bomb) < MIB
    reply = Reply(200, bomb, {**XML, "Content-Encoding": "gzip"})
    memory = peak_kib()
    with (
        service(reply) as remote,
        client_of(remote) as client,
        pytest.raises(ConnectorError, match="larger than 10 MiB"),
    ):
        soap_call(client.service.balance, member="m-1")

    assert peak_kib() - memory < 100 * 1024


def peak_kib() -> int:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
