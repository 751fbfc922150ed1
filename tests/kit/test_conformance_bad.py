"""Checks 1 to 11 proved: each fails on a connector that is wrong in just that way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from loyalty_kit.events import Purchase
from loyalty_kit.manifest import Capability
from loyalty_kit.ports import Context, CustomerRecord, FrameView, Hint, Translated
from loyalty_kit.settings import SettingsSchema, secret, text, url
from loyalty_kit.signing import check_token
from loyalty_kit.testing.conformance import CHECKS
from loyalty_kit.testing.subject import Subject
from tests.support import acmepos
from tests.support.acmepos import MANIFEST, RECEIPT
from tests.support.suite import (
    CASES,
    GOOD,
    case_named,
    fails,
    with_connector,
    with_hook,
    with_manifest,
)

# 1 and 2: what the connector says of itself


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        pytest.param({"code": "Acme-POS"}, "not legal", id="code"),
        pytest.param({"title": {"en": "Acme POS"}}, "missing in ru", id="no Russian title"),
        pytest.param({"summary": {"ru": "Касса", "en": " "}}, "missing in en", id="blank summary"),
        pytest.param({"kit": ">=2"}, "does not fit", id="newer kit"),
        pytest.param({"kit": "any"}, "does not fit", id="unreadable range"),
    ],
)
def test_01_refuses_a_manifest(changes: dict[str, Any], saying: str) -> None:
    fails("01_manifest", with_manifest(**changes), saying=saying)


def test_01_refuses_exemptions_that_do_not_exist_or_have_no_reason() -> None:
    fails("01_manifest", replace(GOOD, exempt={"money": "hard"}), saying="no such exemptions")
    fails("01_manifest", replace(GOOD, exempt={"changed_body": ""}), saying="needs its reason")


class Wandering:
    """Names a receipt by how often it was asked."""

    asked = 0

    def hint(self, qr: str) -> Hint:
        self.asked += 1
        return Hint("receipt", f"{qr}{self.asked}")


class Nameless:
    def hint(self, qr: str) -> Hint:
        return Hint("receipt", "")


class Framed:
    def __init__(self, *ancestors: str) -> None:
        self.ancestors = ancestors

    def admit(self, client: Any, query: Any, now: Any) -> str:
        return "en"

    def view(self, client: Any) -> FrameView:
        return FrameView()


def framed_by(*ancestors: str) -> Subject:
    declared = replace(MANIFEST, capabilities=MANIFEST.capabilities | {Capability.FRAME})
    return with_connector(frame=Framed(*ancestors), manifest=declared)


@pytest.mark.parametrize(
    ("subject", "saying"),
    [
        pytest.param(with_connector(pull=None), "differ in .*pull", id="declares too much"),
        pytest.param(
            with_manifest(capabilities=MANIFEST.capabilities - {Capability.CHECK}),
            "differ in .*check",
            id="declares too little",
        ),
        pytest.param(with_connector(make_client=None), "make_client", id="no client"),
        pytest.param(with_connector(webhooks=(RECEIPT, RECEIPT)), "one name", id="two of a name"),
        pytest.param(with_connector(receipts=Wandering()), "two hints", id="a wandering receipt"),
        pytest.param(with_connector(receipts=Nameless()), "is empty", id="a nameless receipt"),
        pytest.param(framed_by("*"), "https origins by name", id="a frame for everybody"),
        pytest.param(framed_by("http://vendor.example"), "https origins", id="a frame by http"),
        pytest.param(framed_by(), "https origins by name", id="a frame for nobody"),
    ],
)
def test_02_refuses_an_untrue_declaration(subject: Subject, saying: str) -> None:
    fails("02_declaration", subject, saying=saying)


# 3: settings


class Unmarked(acmepos.AcmeSettings):
    webhook_secret = text({"ru": "Секрет", "en": "Secret"})


class Untitled(acmepos.AcmeSettings):
    base_url = url({"en": "Address"})


class Crashing(acmepos.AcmeSettings):
    api_token = secret({"ru": "Ключ", "en": "Key"})

    def load(self, data: Any, **kwargs: Any) -> Any:
        data["base_url"].lower()
        return super().load(data, **kwargs)


@pytest.mark.parametrize(
    ("schema", "error", "saying"),
    [
        pytest.param(Unmarked, AssertionError, "not marked secret", id="secret not marked"),
        pytest.param(Untitled, AssertionError, "no title in ru", id="no title"),
        pytest.param(Crashing, KeyError, "base_url", id="an empty form crashes it"),
    ],
)
def test_03_refuses_a_settings_schema(
    schema: type[SettingsSchema], error: type[Exception], saying: str
) -> None:
    with pytest.raises(error, match=saying):
        CHECKS["03_settings"](with_manifest(settings_schema=schema))


# 4 and 5: recorded cases


@pytest.mark.parametrize(
    ("left_out", "saying"),
    [
        pytest.param("fetch", "fetch has no recorded case", id="fetch"),
        pytest.param("refund", "no recorded refund", id="refunds"),
        pytest.param("receipt", "'receipt' has no recorded case", id="webhook"),
    ],
)
def test_04_misses_recorded_cases(left_out: str, saying: str) -> None:
    kept = {
        "fetch": [case for case in CASES if case.fetch is None],
        "refund": [case for case in CASES if case.name != "refund_of_one_line"],
        "receipt": [case for case in CASES if case.webhook is None],
    }
    fails("04_cases_recorded", replace(GOOD, cases=tuple(kept[left_out])), saying=saying)


def test_04_refuses_a_case_of_a_webhook_that_is_not_there() -> None:
    stray = replace(case_named("shift_closed"), webhook="shift")
    fails("04_cases_recorded", replace(GOOD, cases=(*CASES, stray)), saying="no webhook 'shift'")


def wrong_sum(inbound: Any, context: Context) -> Translated:
    return tuple(
        replace(event, lines=()) if isinstance(event, Purchase) else event
        for event in acmepos.translate(inbound, context)
    )


def test_05_shows_what_differs() -> None:
    fails("05_expected_events", with_hook(translate=wrong_sum), saying='-.*"CHEESE"')


def test_05_refuses_the_wrong_error_and_an_unexpected_one() -> None:
    other = replace(case_named("shift_closed"), raises="gone")
    fails("05_expected_events", replace(GOOD, cases=(other,)), saying="raises not_ours, not gone")
    unexpected = replace(case_named("shift_closed"), raises=None, expect=())
    fails("05_expected_events", replace(GOOD, cases=(unexpected,)), saying="raises not_ours")


def knowing_a_secret(inbound: Any, context: Context) -> Translated:
    assert context.settings["webhook_secret"]
    return acmepos.translate(inbound, context)


def test_05_hands_a_translator_no_secret_as_the_hub_does() -> None:
    subject = with_hook(translate=knowing_a_secret)
    fails("05_expected_events", subject, saying="raises KeyError: 'webhook_secret'")


# 6: the same again


def counting() -> Callable[..., str]:
    calls: list[int] = []

    def key(inbound: Any) -> str:
        calls.append(1)
        return f"{acmepos.delivery_key(inbound)}-{len(calls)}"

    return key


class Spoiling(acmepos.AcmeFetch):
    def translate(self, hint: Hint, document: Any, context: Context) -> Translated:
        events = super().translate(hint, document, context)
        document["seen"] = True
        return events


def shuffling() -> Callable[..., Translated]:
    calls: list[int] = []

    def translate(inbound: Any, context: Context) -> Translated:
        calls.append(1)
        events = acmepos.translate(inbound, context)
        return events * (1 + len(calls) % 2)

    return translate


@pytest.mark.parametrize(
    ("subject", "saying"),
    [
        pytest.param(with_hook(delivery_key=counting()), "its key changes", id="key changes"),
        pytest.param(with_hook(delivery_key=lambda _: "k"), "with one key", id="one for all"),
        pytest.param(with_hook(delivery_key=lambda _: ""), "key ''", id="empty key"),
        pytest.param(with_hook(apart=lambda call, _: []), "something else", id="lost apart"),
        pytest.param(with_connector(fetch=Spoiling()), "changes its document", id="spoils it"),
        pytest.param(with_hook(translate=shuffling()), "twice differs", id="not deterministic"),
    ],
)
def test_06_refuses_what_is_not_the_same_twice(subject: Subject, saying: str) -> None:
    cases = tuple(replace(case, document=json.loads(json.dumps(case.document))) for case in CASES)
    fails("06_deterministic", replace(subject, cases=cases), saying=saying)


def remembering() -> Callable[..., Translated]:
    """Gives a receipt without a phone the phone of the receipt before."""
    seen: list[Any] = [None]

    def translate(inbound: Any, context: Context) -> Translated:
        events = acmepos.translate(inbound, context)
        for event in events:
            if isinstance(event, Purchase):
                seen.append(event.customer or seen[-1])
        return tuple(
            replace(event, customer=seen[-1]) if isinstance(event, Purchase) else event
            for event in events
        )

    return translate


def test_06_refuses_what_one_message_leaves_to_another() -> None:
    named = case_named("receipt_with_weighed_goods")
    body = json.loads(named.body) | {"delivery": "d-2", "id": "9002", "phone": None}
    (event,) = named.expect
    assert isinstance(event, Purchase)
    nobodys = replace(
        named,
        name="nobodys",
        body=json.dumps(body).encode(),
        expect=(replace(event, external_id="9002", customer=None),),
    )
    cases = (nobodys, named)
    CHECKS["06_deterministic"](replace(GOOD, cases=cases))

    CHECKS["05_expected_events"](replace(with_hook(translate=remembering()), cases=cases))
    subject = replace(with_hook(translate=remembering()), cases=cases)
    fails("06_deterministic", subject, saying="nobodys: translated after other cases it differs")


def test_06_wants_one_key_for_a_delivery_that_came_twice() -> None:
    first = case_named("receipt_with_weighed_goods")
    again = replace(first, name="again", body=first.body + b" ", same_delivery_as=first.name)
    CHECKS["06_deterministic"](replace(GOOD, cases=(first, again)))

    keyed_by_body = with_hook(delivery_key=lambda inbound: str(len(inbound.body)))
    fails(
        "06_deterministic",
        replace(keyed_by_body, cases=(first, again)),
        saying="not the key of the other case",
    )


# 7: proofs


def trusting(inbound: Any, settings: Any) -> None:
    """Accepts everybody."""


def trusting_the_absent(inbound: Any, settings: Any) -> None:
    if "x-acme-signature" in inbound.headers:
        acmepos.verify(inbound, settings)


def looking_at_the_header_only(inbound: Any, settings: Any) -> None:
    known = {acmepos.sign("receipt", case.body)["X-Acme-Signature"] for case in CASES}
    if inbound.headers.get("x-acme-signature") not in known:
        acmepos.verify(inbound, settings)


def refusing(inbound: Any, settings: Any) -> None:
    acmepos.check_hmac_sha256("another secret", inbound.body, "x", encoding="hex")


@pytest.mark.parametrize(
    ("verify", "saying"),
    [
        pytest.param(trusting, "is not refused", id="accepts everybody"),
        pytest.param(trusting_the_absent, "a missing proof is not refused", id="no header"),
        pytest.param(looking_at_the_header_only, "body is not refused", id="changed body"),
        pytest.param(refusing, "the right proof gives", id="refuses everybody"),
    ],
)
def test_07_refuses_a_weak_check(verify: Any, saying: str) -> None:
    fails("07_proofs", with_hook(verify=verify), saying=saying)


def test_07_lets_a_token_prove_any_body_where_that_is_told() -> None:
    by_token = with_hook(verify=looking_at_the_header_only)
    CHECKS["07_proofs"](replace(by_token, exempt={"changed_body": "a token, no signature"}))


def test_07_spoils_a_signature_whose_case_is_not_looked_at() -> None:
    """The character in the middle is an `a`, of which `A` would be no other in hex."""

    def in_hex(inbound: Any, settings: Any) -> None:
        check_token("0a0", inbound.headers.get("x-acme-signature", "").lower())

    subject = replace(
        with_hook(verify=in_hex), sign=lambda _hook, _body: {"X-Acme-Signature": "0a0"}
    )
    CHECKS["07_proofs"](replace(subject, exempt={"changed_body": "a token, no signature"}))


# 8 to 11: what comes in, and what comes out


def strict(inbound: Any, context: Context) -> Translated:
    if "x_field_that_nobody_knows" in acmepos.message_in(inbound):
        raise acmepos.PayloadInvalid("an unknown field")
    return acmepos.translate(inbound, context)


def guessing(inbound: Any, context: Context) -> Translated:
    message = {**BODY, **acmepos.message_in(inbound)}
    return acmepos.translate_message(message)


BODY = json.loads(case_named("receipt_with_weighed_goods").body) | {"receipt": "9001"}


def test_08_refuses_what_stumbles_over_a_new_field_or_insists_on_nothing() -> None:
    fails("08_fields", with_hook(translate=strict), saying="unknown fields change it")
    lone = tuple(case for case in CASES if case.name == "receipt_with_weighed_goods")
    lenient = with_hook(translate=guessing, delivery_key=lambda _: "k")
    lenient = replace(lenient, cases=(replace(lone[0], body=json.dumps(BODY).encode()),))
    shallow = json.loads(lenient.cases[0].body)
    shallow["lines"] = []
    case = replace(lenient.cases[0], body=json.dumps(shallow).encode())
    expected = acmepos.translate_message(shallow)
    fails(
        "08_fields",
        replace(lenient, cases=(replace(case, expect=expected),)),
        saying="no field is required",
    )


def careless(inbound: Any, context: Context) -> Translated:
    message = json.loads(inbound.body)
    return acmepos.translate_message(message)


def negative(inbound: Any, context: Context) -> Translated:
    events = acmepos.translate(inbound, context)
    if b'"phone": -1' in inbound.body or b'"terminal": -1' in inbound.body:
        return tuple(replace(event, currency="roubles") for event in events)  # type: ignore[type-var]
    return events


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        pytest.param(
            {"translate": careless, "delivery_key": lambda _: "k"},
            "raises",
            id="rubbish crashes it",
        ),
        pytest.param({"translate": negative}, "not valid", id="an unsound event from a wrong type"),
    ],
)
def test_09_refuses_what_rubbish_breaks(changes: dict[str, Any], saying: str) -> None:
    fails("09_rubbish", with_hook(**changes), saying=saying)


def test_10_wants_unknown_kinds_to_be_dropped() -> None:
    known = tuple(case for case in CASES if case.raises is None)
    fails("10_unknown_kinds", replace(GOOD, cases=known), saying="no case of an unknown kind")
    told = {"unknown_kinds": "the vendor sends one kind to this address"}
    CHECKS["10_unknown_kinds"](replace(GOOD, cases=known, exempt=told))


def changed(**changes: Any) -> Callable[..., Translated]:
    def translate(inbound: Any, context: Context) -> Translated:
        return tuple(
            replace(event, **changes) if isinstance(event, Purchase) else event
            for event in acmepos.translate(inbound, context)
        )

    return translate


def off_by_a_kopeck(inbound: Any, context: Context) -> Translated:
    (event,) = acmepos.translate(inbound, context)
    assert isinstance(event, Purchase)
    line = replace(event.lines[0], paid_minor=event.lines[0].paid_minor - 1)
    return (replace(event, lines=(line,)),)


def in_floats(inbound: Any, context: Context) -> Translated:
    (event,) = acmepos.translate(inbound, context)
    assert isinstance(event, Purchase)
    line = replace(event.lines[0], price_minor=349.9)  # type: ignore[arg-type]
    return (replace(event, lines=(line,)),)


def with_customer(**facts: Any) -> Any:
    def translate(inbound: Any, context: Context) -> Translated:
        record = CustomerRecord(**{"id": "c-1", **facts})
        return (*acmepos.translate(inbound, context), record)

    return translate


RECEIVED = case_named("receipt_with_weighed_goods").received_at


@pytest.mark.parametrize(
    ("translate", "saying"),
    [
        pytest.param(off_by_a_kopeck, "does not add up|Does not add up", id="lines"),
        pytest.param(in_floats, "a float in", id="floats"),
        pytest.param(changed(currency=""), "currency", id="no currency"),
        pytest.param(
            changed(occurred_at=RECEIVED.replace(tzinfo=None)), "occurred_at", id="no zone"
        ),
        pytest.param(changed(lines=()), "total 34990", id="not the total of the document"),
        pytest.param(with_customer(id=""), "without an id", id="a nameless customer"),
        pytest.param(with_customer(last_name=""), "name of a customer", id="an empty name"),
        pytest.param(with_customer(gender="F"), "gender 'F'", id="a gender of the vendor's"),
        pytest.param(with_customer(birth_date="17.05.1990"), "birth_date", id="no ISO date"),
    ],
)
def test_11_refuses_unsound_events(translate: Any, saying: str) -> None:
    cases = tuple(case for case in CASES if case.name == "receipt_with_weighed_goods")
    fails("11_money", replace(with_hook(translate=translate), cases=cases), saying=saying)
