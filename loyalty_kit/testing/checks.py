"""Checks 1 to 11 of the conformance suite: what needs no remote.

Each takes the subject and raises AssertionError with what is wrong and in which case.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from marshmallow import ValidationError

from loyalty_kit import KIT_VERSION
from loyalty_kit.errors import ConnectorError, Drop, PayloadInvalid, Unreadable
from loyalty_kit.events import Event, Purchase, Refund
from loyalty_kit.events_schema import dump_event, load_event
from loyalty_kit.ports import CustomerRecord, InboundRequest, Translated, Webhook
from loyalty_kit.redact import is_secret_name
from loyalty_kit.settings import LANGUAGES, form_fields, load_settings, masked
from loyalty_kit.testing import mutations
from loyalty_kit.testing.recorded import Case
from loyalty_kit.testing.subject import (
    EXEMPTIONS,
    Subject,
    expect,
    is_refused,
    only_our_errors,
    outcome,
)
from loyalty_kit.versions import fits
from loyalty_kit.wire_fields import MAX_ID, MAX_NAME

GROUP = "loyalty_hub.connectors"
MAX_KEY = 255
_CODE = re.compile(r"[a-z][a-z0-9_]{1,31}", re.ASCII)


_ORIGIN = re.compile(r"https://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]+)?")
_QR = "t=20260314T1430&s=1000.00&fn=9999078900000001&i=10318&fp=1234567890&n=1"


def check_manifest(subject: Subject) -> None:
    """1. The manifest is complete; its code is the entry point's name; the kit fits."""
    manifest = subject.connector.manifest
    expect(_CODE.fullmatch(manifest.code), f"code {manifest.code!r} is not legal")
    for words in (manifest.title, manifest.summary):
        for language in LANGUAGES:
            expect(words.get(language, "").strip(), f"title or summary is missing in {language}")
    expect(fits(KIT_VERSION, manifest.kit), f"kit {manifest.kit} does not fit {KIT_VERSION}")
    package = manifest.settings_schema.__module__.rpartition(".")[0]
    for point in entry_points(group=GROUP):
        if point.module == package:
            expect(point.name == manifest.code, f"the entry point is named {point.name!r}")
    unknown = set(subject.exempt) - EXEMPTIONS
    expect(not unknown, f"no such exemptions: {sorted(unknown)}")
    expect(all(subject.exempt.values()), "an exemption needs its reason")


def check_declaration(subject: Subject) -> None:
    """2. What is declared is what is there, both ways."""
    connector = subject.connector
    untrue = connector.implemented() ^ connector.manifest.capabilities
    expect(not untrue, f"declared and implemented differ in {sorted(untrue)}")
    calls = (
        connector.fetch or connector.pull or connector.catalogue or connector.check
        or connector.push_balance or connector.push_discounts or connector.message
        or connector.shop_webhooks
        or connector.frame
    )  # fmt: skip
    expect(bool(calls) == (connector.make_client is not None), "make_client and calls disagree")
    if connector.receipts is not None:
        expect(connector.fetch is not None, "receipts are looked up, and nothing is fetched")
        hints = [connector.receipts.hint(_QR) for _ in range(2)]
        expect(hints[0] == hints[1], "one receipt has two hints")
        expect(hints[0].kind and hints[0].id, "a receipt's hint is empty")
    if connector.push_discounts is not None:
        _expect_off_at_first(subject, connector.push_discounts.setting)
    if connector.frame is not None:
        told = connector.frame.ancestors
        expect(told and all(map(_ORIGIN.fullmatch, told)), "a frame is for https origins by name")
    names = [hook.name for hook in connector.webhooks]
    expect(len(set(names)) == len(names), "two webhooks have one name")


def _expect_off_at_first(subject: Subject, setting: str) -> None:
    fields = form_fields(subject.connector.manifest.settings_schema)
    boxes = {field.name: field.default for field in fields if field.kind == "boolean"}
    expect(boxes.get(setting) == "false", f"discounts: {setting!r} is no box that is off at first")


def check_settings(subject: Subject) -> None:
    """3. Secrets are marked, the form can be drawn, bad forms give field errors only."""
    schema = subject.connector.manifest.settings_schema
    form = form_fields(schema)
    for field in form:
        for language in LANGUAGES:
            expect(field.title.get(language), f"{field.name}: no title in {language}")
        marked = field.secret or not is_secret_name(field.name)
        expect(marked or field.kind in ("boolean", "choice"), f"{field.name} is not marked secret")
    for given in _bad_forms(subject, [field.name for field in form]):
        try:
            load_settings(schema, given)
        except ValidationError as error:
            strange = set(error.messages_dict) - {field.name for field in form} - set(given)
            expect(not strange, f"errors for fields that the form has not: {sorted(strange)}")
    once = dict(subject.loaded)
    expect(load_settings(schema, once) == once, "settings loaded twice differ")
    shown = json.dumps(masked(schema, once), default=str)
    expect(not any(secret in shown for secret in subject.secrets()), "a secret is shown")


def _bad_forms(subject: Subject, names: list[str]) -> Iterator[dict[str, Any]]:
    yield {}
    yield {"x_unknown": "1"}
    for name in names:
        for value in mutations.RUBBISH_VALUES:
            yield {**subject.settings, name: value}


def check_cases_recorded(subject: Subject) -> None:
    """4. Each webhook and each way to fetch has a case; refunds too, or MAPPING.md says why not."""
    with_cases = {hook.name for case, hook in subject.webhook_cases() if case.raises is None}
    for hook in subject.connector.webhooks:
        expect(hook.name in with_cases, f"webhook {hook.name!r} has no recorded case")
    if subject.connector.fetch is not None:
        expect(any(subject.fetch_cases()), "fetch has no recorded case")
    events = [item for case in subject.cases for item in case.expect]
    if any(isinstance(item, Purchase) for item in events):
        refunded = any(
            isinstance(item, Refund) or (isinstance(item, Purchase) and item.refunds)
            for item in events
        )
        told = re.search(r"no recorded refund", subject.mapping_page(), re.IGNORECASE)
        expect(refunded or told, 'no recorded refund, and MAPPING.md has no line "No recorded ..."')


def check_expected_events(subject: Subject) -> None:
    """5. Each recorded case gives exactly what it expects."""
    for case in subject.cases:
        got = only_our_errors(case.name, subject.translated, case)
        if case.raises is not None:
            raised = got.code if isinstance(got, ConnectorError) else f"no error, but {got}"
            expect(raised == case.raises, f"{case.name}: raises {raised}, not {case.raises}")
        elif isinstance(got, ConnectorError):
            raise AssertionError(f"{case.name}: raises {got.code}: {got}")
        else:
            expect(got == case.expect, f"{case.name}: differs\n{_difference(case.expect, got)}")


def _difference(wanted: Translated, got: Translated) -> str:
    left, right = _lines(wanted), _lines(got)
    return "\n".join(difflib.unified_diff(left, right, "expected", "given", lineterm=""))


def _lines(items: Translated) -> list[str]:
    shown = [
        dump_event(item) if isinstance(item, Purchase | Refund) else dataclasses.asdict(item)
        for item in items
    ]
    text = json.dumps(shown, indent=1, ensure_ascii=False, sort_keys=True, default=str)
    return text.splitlines()


def check_deterministic(subject: Subject) -> None:
    """6. The same again gives the same, whatever came between; a delivery's key is stable, not
    empty, and its own."""
    firsts: list[Any] = []
    for case in subject.cases:
        document = copy.deepcopy(case.document)
        first = only_our_errors(case.name, subject.translated, case)
        second = only_our_errors(case.name, subject.translated, case)
        expect(_same(case, first, second), f"{case.name}: translated twice differs")
        expect(document == case.document, f"{case.name}: the translator changes its document")
        firsts.append(first)
    for case, first in reversed(list(zip(subject.cases, firsts, strict=True))):
        again = only_our_errors(case.name, subject.translated, case)
        expect(_same(case, first, again), f"{case.name}: translated after other cases it differs")
    _check_keys(subject)


def _same(case: Case, one: Any, other: Any) -> bool:
    return type(one) is type(other) if case.raises else one == other


def _check_keys(subject: Subject) -> None:
    keys: dict[tuple[str, str], Case] = {}
    by_name: dict[str, str] = {}
    for case, hook in subject.accepted_cases():
        inbound = subject.inbound(case)
        key = hook.delivery_key(inbound)
        expect(0 < len(str(key)) <= MAX_KEY, f"{case.name}: key {key!r}")
        expect(key == hook.delivery_key(inbound), f"{case.name}: its key changes")
        by_name[case.name] = key
        if hook.apart is not None:
            _check_apart(subject, case, hook)
        other = keys.setdefault((hook.name, key), case)
        told_same = case.same_delivery_as == other.name or other.same_delivery_as == case.name
        expect(
            other is case or told_same or subject.inbound(other) == inbound,
            f"{case.name} and {other.name} are two deliveries with one key",
        )
    for case, _ in subject.accepted_cases():
        other_key = by_name.get(case.same_delivery_as or "", by_name[case.name])
        expect(by_name[case.name] == other_key, f"{case.name}: not the key of the other case")


def _check_apart(subject: Subject, case: Case, hook: Webhook) -> None:
    assert hook.apart is not None
    told: list[Any] = []
    for part in hook.apart(subject.inbound(case), subject.loaded):
        try:
            told += hook.translate(part, subject.context(case))
        except Drop:
            continue
    whole = list(subject.translated(case))
    expect(told == whole, f"{case.name}: taken apart it says something else")


def check_proofs(subject: Subject) -> None:
    """7. The right proof is accepted; a changed body, a missing and a wrong proof are refused."""
    for case, hook in subject.accepted_cases():
        inbound = subject.inbound(case)
        accepted = outcome(hook.verify, inbound, subject.loaded)
        expect(accepted is None, f"{case.name}: the right proof gives {accepted!r}")
        proof = subject.proof(case, case.body)
        expect(proof, f"{case.name}: `sign` gives no header that proves the body")
        for what, forged in _forgeries(subject, inbound, proof):
            expect(is_refused(subject, hook, forged), f"{case.name}: {what} is not refused")


def _forgeries(
    subject: Subject, inbound: InboundRequest, proof: dict[str, str]
) -> Iterator[tuple[str, InboundRequest]]:
    if "changed_body" not in subject.exempt:
        yield "a longer body", dataclasses.replace(inbound, body=inbound.body + b" ")
        yield "a shorter body", dataclasses.replace(inbound, body=inbound.body[:-1])
    bare = {name: value for name, value in inbound.headers.items() if name not in proof}
    yield "a missing proof", dataclasses.replace(inbound, headers=bare)
    for wrong in ("", "x", "ключ", "\udcff", "A" * 44):
        headers = {**inbound.headers, **dict.fromkeys(proof, wrong)}
        yield f"the proof {wrong!a}", dataclasses.replace(inbound, headers=headers)
    spoiled = {name: _another_last(value) for name, value in proof.items()}
    yield "a wrong proof", dataclasses.replace(inbound, headers={**inbound.headers, **spoiled})


def _another_last(value: str) -> str:
    """The value with one character changed, where every scheme looks at it, to one that is another
    in either case: signatures in hex are taken in both."""
    middle = len(value) // 2
    return value[:middle] + ("A" if value[middle] not in "Aa" else "B") + value[middle + 1 :]


@dataclass(frozen=True, slots=True)
class _JsonCase:
    """A case of a JSON object, and what the connector makes of it when it is changed."""

    case: Case
    data: dict[str, Any]
    door: str
    give: Callable[[Any], Translated]


def _json_cases(subject: Subject) -> Iterator[_JsonCase]:
    for case, hook in subject.accepted_cases():
        data = mutations.json_object(case.body)
        if data is not None:
            yield _JsonCase(case, data, hook.name, partial(_taken_json, subject, case, hook))
    for case in subject.fetch_cases():
        if isinstance(case.document, dict) and case.fetch and case.raises is None:
            give = partial(subject.translated_document, case)
            yield _JsonCase(case, case.document, case.fetch.kind, give)


def _taken_json(subject: Subject, case: Case, hook: Webhook, data: Any) -> Translated:
    return subject.taken_body(case, hook, json.dumps(data).encode())


def _places(subject: Subject) -> Iterator[tuple[str, _JsonCase, mutations.Place]]:
    """Every field of every case, but the same field of one kind of document only once."""
    seen: set[tuple[str, mutations.Place]] = set()
    for one in _json_cases(subject):
        for place in mutations.fields_of(one.data):
            if (one.door, place) not in seen:
                seen.add((one.door, place))
                yield f"{one.case.name}: {'.'.join(map(str, place))}", one, place


def check_fields(subject: Subject) -> None:
    """8. Unknown fields are ignored; a missing one is PayloadInvalid, or was not required."""
    for one in _json_cases(subject):
        extended = mutations.with_unknown_fields(one.data)
        got = only_our_errors(one.case.name, one.give, extended)
        expect(got == one.case.expect, f"{one.case.name}: unknown fields change it: {got!r}")
    insisted: dict[str, bool] = {}
    for what, one, place in _places(subject):
        got = only_our_errors(f"{what} left out", one.give, mutations.without(one.data, place))
        refused = isinstance(got, PayloadInvalid | Unreadable)
        insisted[one.door] = insisted.get(one.door, False) or refused
        if not isinstance(got, ConnectorError):
            _expect_sound(f"{what} left out", got)
    for door, insists in insisted.items():
        expect(insists, f"{door}: no field is required")


def check_rubbish(subject: Subject) -> None:
    """9. Rubbish raises only the kinds of error that the hub knows what to do with."""
    first: dict[str, tuple[Case, Webhook]] = {}
    for case, hook in subject.accepted_cases():
        first.setdefault(hook.name, (case, hook))
    for case, hook in first.values():
        for body in mutations.RUBBISH_BODIES:
            what = f"{hook.name} with the body {body[:20]!r}"
            only_our_errors(what, subject.taken_body, case, hook, body)
    for case in subject.fetch_cases():
        for document in (*mutations.RUBBISH_VALUES, [{}], {"id": []}):
            what = f"{case.name} with the document {document!r}"
            only_our_errors(what, subject.translated_document, case, document)
    _check_wrong_types(subject)


def _check_wrong_types(subject: Subject) -> None:
    for what, one, place in _places(subject):
        for value in mutations.WRONG_TYPES:
            spoiled = mutations.replaced(one.data, place, value)
            got = only_our_errors(f"{what} = {value!r}", one.give, spoiled)
            if not isinstance(got, ConnectorError):
                _expect_sound(f"{what} = {value!r}", got)


def refusals(subject: Subject) -> Iterator[tuple[str, str]]:
    """What the errors say of good messages that are spoiled in one place, each with that place.

    A field that is spoiled holds `mutations.PLANTED`, which stands for somebody's phone.
    """
    for what, one, place in _places(subject):
        for data in (
            mutations.without(one.data, place),
            *(mutations.replaced(one.data, place, planted) for planted in mutations.PLANTS),
        ):
            got = only_our_errors(what, one.give, data)
            if isinstance(got, ConnectorError):
                yield what, str(got)


def check_unknown_kinds(subject: Subject) -> None:
    """10. A message of a kind that is not ours is dropped, not an error."""
    if "unknown_kinds" in subject.exempt:
        return
    for hook in subject.connector.webhooks:
        dropped = [
            isinstance(outcome(subject.translated, case), Drop)
            for case, other in subject.webhook_cases()
            if other is hook and case.raises is not None
        ]
        expect(any(dropped), f"webhook {hook.name!r}: no case of an unknown kind that is dropped")


def check_money(subject: Subject) -> None:
    """11. Lines add up, no floats, currency and zones set: the events are ones the hub takes."""
    for case in subject.cases:
        if case.raises is not None:
            continue
        got = subject.translated(case)
        _expect_sound(case.name, got)
        if case.total_minor is not None:
            paid = sum(
                line.paid_minor for item in got if isinstance(item, Purchase) for line in item.lines
            )
            expect(paid == case.total_minor, f"{case.name}: lines {paid}, total {case.total_minor}")


def _expect_sound(what: str, items: Translated) -> None:
    """What comes out is a tuple, and each event in it loads from its own wire form."""
    expect(isinstance(items, tuple), f"{what}: gives {type(items).__name__}, not a tuple")
    for item in items:
        floats = [name for name, value in _leaves(item) if isinstance(value, float)]
        expect(not floats, f"{what}: a float in {floats}")
        if isinstance(item, Purchase | Refund):
            _expect_loads(what, item)
        if isinstance(item, CustomerRecord):
            _expect_record(what, item)


def _expect_record(what: str, record: CustomerRecord) -> None:
    expect(0 < len(record.id) <= MAX_ID, f"{what}: a customer without an id, or with a long one")
    for name in (record.first_name, record.middle_name, record.last_name):
        fits_in = name is None or 0 < len(name) <= MAX_NAME
        expect(fits_in, f"{what}: a name of a customer is empty or too long")
    expect(record.gender in (None, "male", "female"), f"{what}: gender {record.gender!r}")
    born = record.birth_date
    expect(born is None or _is_day(born), f"{what}: birth_date is no day of ISO 8601")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _expect_loads(what: str, event: Event) -> None:
    try:
        again = load_event(dump_event(event))
    except (ValidationError, TypeError, ValueError, AttributeError) as error:
        raise AssertionError(f"{what}: gives an event that is not valid: {error}") from error
    expect(
        again == event, f"{what}: the event changes on the wire\n{_difference((event,), (again,))}"
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _leaves(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}")
    else:
        yield path, value
