"""Checks 12 to 16 proved, and the reader of recorded cases: each refuses what is wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from loyalty_kit import settings
from loyalty_kit.checkout import ShopCoupon, ShownBalance
from loyalty_kit.errors import PayloadInvalid, RemoteUnavailable
from loyalty_kit.manifest import Capability
from loyalty_kit.ports import (
    Connector,
    Context,
    Hint,
    Message,
    PullPage,
    Sent,
    Translated,
    Undeliverable,
)
from loyalty_kit.testing.conformance import CHECKS
from loyalty_kit.testing.recorded import CaseInvalid, read_cases
from loyalty_kit.testing.remote import json_reply
from loyalty_kit.testing.subject import RemoteSide, Subject
from tests.support import acmepos
from tests.support.acmepos import MANIFEST, AcmeClient
from tests.support.suite import (
    GOOD,
    fails,
    with_connector,
    with_hook,
)

# 12 to 15: the remote


def blind(client: AcmeClient) -> None:
    client.http.get(client._root + "/me")


def believing(client: AcmeClient) -> None:
    acmepos.call(client.http, "GET", client._root + "/me")


def accusing(client: AcmeClient) -> None:
    try:
        client.get("/me")
    except acmepos.RemoteMisconfigured:
        raise
    except Exception as error:
        raise acmepos.PayloadInvalid("failed") from error


def alone(check: Any) -> Subject:
    """A connector that can do nothing but be checked."""
    connector = Connector(
        manifest=replace(MANIFEST, capabilities=frozenset({Capability.CHECK})),
        make_client=AcmeClient,
        check=check,
    )
    return replace(GOOD, connector=connector, cases=())


@pytest.mark.parametrize(
    ("check", "saying"),
    [
        pytest.param(blind, "check at 401: no error", id="looks at no status"),
        pytest.param(believing, "check at HTML instead of JSON: no error", id="takes HTML"),
        pytest.param(accusing, "not credentials_rejected", id="one kind for all"),
    ],
)
def test_12_refuses_the_wrong_kind_of_error(check: Any, saying: str) -> None:
    fails("12_remote_errors", alone(check), saying=saying)


def test_12_wants_a_remote_to_try_calls_on() -> None:
    fails("12_remote_errors", replace(GOOD, remote=None), saying="needs `remote`")


class Numbering(acmepos.AcmeBalance):
    def __init__(self) -> None:
        self.sent = 0

    def push(self, client: AcmeClient, member: str, balance: ShownBalance, *, key: str) -> None:
        self.sent += 1
        super().push(client, member, balance, key=f"{key}-{self.sent}")


class Silent(acmepos.AcmeBalance):
    def push(self, client: AcmeClient, member: str, balance: ShownBalance, *, key: str) -> None:
        """Sends nothing."""


class Deaf(acmepos.AcmeBalance):
    def push(self, client: AcmeClient, member: str, balance: ShownBalance, *, key: str) -> None:
        super().push(client, member, ShownBalance("points"), key=key)


@pytest.mark.parametrize(
    ("push", "saying"),
    [
        pytest.param(Deaf(), "of other figures it sends the same", id="no figures"),
        pytest.param(Numbering(), "sends something else", id="another key each time"),
        pytest.param(Silent(), "sends nothing", id="nothing"),
    ],
)
def test_13_refuses_a_push_that_does_not_repeat(push: Any, saying: str) -> None:
    fails("13_pushes_repeat", with_connector(push_balance=push), saying=saying)


class Careless:
    """Makes coupons of the shop, and says not which."""

    setting = "coupons"

    def push(self, client: AcmeClient, coupon: ShopCoupon, *, key: str) -> None:
        client.send("/coupons", {"code": coupon.code}, key)

    def take_back(self, client: AcmeClient, code: str, *, key: str) -> None:
        client.send("/coupons/back", {"code": code}, key)


class Keeping(Careless):
    def push(self, client: AcmeClient, coupon: ShopCoupon, *, key: str) -> None:
        client.send("/coupons", {"code": coupon.code, "percent": coupon.percent_bp}, key)

    def take_back(self, client: AcmeClient, code: str, *, key: str) -> None:
        """Sends nothing."""


class Ticked(acmepos.AcmeSettings):
    coupons = settings.boolean({"ru": "Купоны", "en": "Coupons"})


def with_discounts(push: Any, schema: Any) -> Subject:
    capabilities = MANIFEST.capabilities | {Capability.PUSH_DISCOUNTS}
    manifest = replace(MANIFEST, capabilities=capabilities, settings_schema=schema)
    return with_connector(push_discounts=push, manifest=manifest)


def test_13_refuses_discounts_that_say_too_little() -> None:
    fails("13_pushes_repeat", with_discounts(Careless(), Ticked), saying="it sends the same")
    fails("13_pushes_repeat", with_discounts(Keeping(), Ticked), saying="sends nothing")
    fails("02_declaration", with_discounts(Careless(), acmepos.AcmeSettings), saying="no box")


class Endless(acmepos.AcmePull):
    def page(self, client: AcmeClient, cursor: str | None, now: Any) -> PullPage:
        return PullPage((), cursor="again", more=True)


class Remembering(acmepos.AcmePull):
    """Goes on where it was itself, not where the cursor says."""

    def __init__(self) -> None:
        self.cursor: str | None = None

    def page(self, client: AcmeClient, cursor: str | None, now: Any) -> PullPage:
        page = super().page(client, self.cursor, now)
        self.cursor = page.cursor
        return page


@dataclass
class Once:
    """Lists everything on one page."""

    def page(self, client: AcmeClient, cursor: str | None, now: Any) -> PullPage:
        return PullPage((Hint("receipt", "1"),), cursor="1", more=False)


@pytest.mark.parametrize(
    ("subject", "saying"),
    [
        pytest.param(with_connector(pull=Endless()), "pull: does not come to an end", id="endless"),
        pytest.param(with_connector(pull=Remembering()), "pull: resumed", id="state of its own"),
        pytest.param(with_connector(pull=Once()), "resuming is not tried", id="one page"),
        pytest.param(
            replace(GOOD, remote=RemoteSide(settings=acmepos.form)), "need a `shop`", id="no shop"
        ),
    ],
)
def test_14_refuses_a_pull_that_cannot_be_resumed(subject: Subject, saying: str) -> None:
    fails("14_pages", subject, saying=saying)


def chatty(inbound: Any, context: Context) -> Translated:
    logging.getLogger("acme").debug("buyer %s", acmepos.message_in(inbound).get("phone"))
    return acmepos.translate(inbound, context)


def boasting(client: AcmeClient) -> None:
    logging.getLogger("acme").info("calling with %s", client.http.headers["Authorization"])
    client.get("/me")


def telling(client: AcmeClient) -> None:
    try:
        client.get("/me")
    except acmepos.RemoteMisconfigured:
        raise acmepos.RemoteMisconfigured(f"wrong: {acmepos.API_TOKEN}") from None


@pytest.mark.parametrize(
    ("subject", "saying"),
    [
        pytest.param(with_hook(translate=chatty), "something personal", id="a phone in a log"),
        pytest.param(with_connector(check=boasting), "a secret", id="a token in a log"),
        pytest.param(with_connector(check=telling), "a secret", id="a token in an error"),
    ],
)
def test_15_finds_what_leaks(subject: Subject, saying: str) -> None:
    fails("15_nothing_leaks", subject, saying=saying)


def quoting_the_phone(inbound: Any, context: Any) -> Translated:
    phone = acmepos.message_in(inbound).get("phone")
    if phone is not None and not (isinstance(phone, str) and phone[1:].isdecimal()):
        raise PayloadInvalid(f"{phone!r} is not a phone")
    return acmepos.translate(inbound, context)


def quoting_the_message(inbound: Any, context: Any) -> Translated:
    message = acmepos.message_in(inbound)
    if message.get("event") == "receipt.closed" and "closed_at" not in message:
        raise PayloadInvalid(f"no time in {message}")
    return acmepos.translate(inbound, context)


@pytest.mark.parametrize(
    ("translate", "saying"),
    [
        pytest.param(quoting_the_phone, "phone: the error repeats", id="the value itself"),
        pytest.param(quoting_the_message, "something personal", id="what stands beside it"),
    ],
)
def test_15_finds_what_the_refusal_of_a_bad_message_leaks(translate: Any, saying: str) -> None:
    fails("15_nothing_leaks", with_hook(translate=translate), saying=saying)


@pytest.mark.parametrize(
    ("recorded", "saying"),
    [
        pytest.param({"phone": "+79161239876"}, "7916... may be somebody's", id="phone"),
        pytest.param({"pan": "4276550012983346"}, None, id="sixteen digits that are no card"),
        pytest.param({"pan": "4539578763621486"}, "4539... may be somebody's", id="card"),
        pytest.param({"mail": "anna@mail.ru"}, "mail.ru may be real", id="e-mail"),
    ],
)
def test_15_finds_what_was_recorded_and_not_replaced(
    tmp_path: Path, recorded: Mapping[str, str], saying: str | None
) -> None:
    (tmp_path / "case.json").write_text(json.dumps(recorded), encoding="utf-8")
    subject = replace(GOOD, cases=(), recorded=tmp_path)

    if saying is None:
        CHECKS["15_nothing_leaks"](subject)
    else:
        fails("15_nothing_leaks", subject, saying=saying)


# 16: messages


class Trusting(acmepos.AcmeMessenger):
    """Takes any answer for a receipt."""

    def send(self, client: AcmeClient, message: Message, *, key: str) -> Sent | Undeliverable:
        client.send("/messages", {"to": message.to}, key)
        return Sent()


class Gossiping(acmepos.AcmeMessenger):
    """Tells the owner whom the message was for."""

    def send(self, client: AcmeClient, message: Message, *, key: str) -> Sent | Undeliverable:
        got = super().send(client, message, key=key)
        if isinstance(got, Undeliverable):
            return Undeliverable(f"{message.to} does not exist")
        return got


class Hopeful(acmepos.AcmeMessenger):
    """Would try a number that does not exist for ever."""

    def send(self, client: AcmeClient, message: Message, *, key: str) -> Sent | Undeliverable:
        got = super().send(client, message, key=key)
        if isinstance(got, Undeliverable):
            raise RemoteUnavailable("not taken")
        return got


class Nowhere(acmepos.AcmeMessenger):
    channels = frozenset()


@pytest.mark.parametrize(
    ("messenger", "saying"),
    [
        pytest.param(Trusting(), "sent, not undeliverable", id="any answer is a receipt"),
        pytest.param(Gossiping(), "told whom it was for", id="tells the number"),
        pytest.param(Hopeful(), "remote_unavailable, not undeliverable", id="never gives up"),
        pytest.param(Nowhere(), "names no channel", id="no channel"),
    ],
)
def test_16_refuses_a_wrong_messenger(messenger: Any, saying: str) -> None:
    fails("16_messages", with_connector(message=messenger), saying=saying)


def test_16_wants_to_see_a_refusal() -> None:
    side = replace(acmepos.remote_side(), refusals={})
    fails("16_messages", replace(GOOD, remote=side), saying="none that is undeliverable")


def test_the_good_connector_passes_what_the_bad_ones_fail() -> None:
    """So that no check here fails for a reason of its own."""
    quick = [name for name in CHECKS if not name.startswith("12")]
    for name in quick:
        CHECKS[name](GOOD)
    assert len(CHECKS) == 16


# Recorded cases that are none


@pytest.mark.parametrize(
    ("content", "saying"),
    [
        pytest.param("{", "bad.json", id="not JSON"),
        pytest.param(
            '{"webhook": "receipt", "body": "", "expected": []}', "unknown keys", id="key"
        ),
        pytest.param('{"webhook": "receipt", "body": ""}', "expect or raises", id="no expectation"),
        pytest.param(
            '{"webhook": "r", "body": "", "expect": [{"type": "sale"}]}', "Not an event", id="event"
        ),
    ],
)
def test_a_file_that_is_no_case_is_named(tmp_path: Path, content: str, saying: str) -> None:
    (tmp_path / "bad.json").write_text(content, encoding="utf-8")

    with pytest.raises(CaseInvalid, match=saying):
        read_cases(tmp_path)


def test_a_remote_answers_as_told_and_remembers() -> None:
    with acmepos.Remote(lambda asked: json_reply(b'{"a": 1}')) as remote:
        client = AcmeClient(_context(remote.base_url))
        client.send("/messages", {"text": "x"}, "k-1")

    (asked,) = remote.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/messages", b'{"text": "x"}')
    assert asked.headers["idempotency-key"] == "k-1"


def _context(base_url: str) -> acmepos.ClientContext:
    return acmepos.ClientContext(
        settings=acmepos.form(base_url), allow_private=True, installation="1"
    )
