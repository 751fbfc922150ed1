"""Checks 12 to 15 of the conformance suite: calls to a remote, and what may not leak.

The remote is a real server on this machine (`remote.Remote`); nothing leaves the machine.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from loyalty_kit.checkout import ShopCoupon, ShownBalance
from loyalty_kit.errors import (
    ConnectorError,
    CredentialsRejected,
    NeedsAttention,
    RateLimited,
    Retry,
)
from loyalty_kit.manifest import Channel
from loyalty_kit.ports import Client, ClientContext, Message, PushDiscounts
from loyalty_kit.settings import load_settings
from loyalty_kit.testing import mutations
from loyalty_kit.testing.checks import refusals
from loyalty_kit.testing.recorded import RECEIVED_AT
from loyalty_kit.testing.remote import DROP, HANG, Asked, Reply, always, json_reply
from loyalty_kit.testing.subject import RemoteSide, Subject, expect, only_our_errors, outcome
from loyalty_kit.transport import Guard

PAUSE_S = 7
IMPATIENCE_S = 0.1
"""How long a call waits for a remote that hangs; a call has three tries."""
MOST_PAGES = 1000
CARD = 16
"""Digits of a bank card."""
KEY = "conformance-1"
TEXT = "Conformance, in words"
REFERENCE = "1"
"""A vendor's number of a message."""
COUPON = "ACEFH-JKMNP-RTWXY"
"""The code of a coupon that is pushed."""

HTML = Reply(200, b"<!doctype html><title>Maintenance</title>", {"Content-Type": "text/html"})


@dataclass(frozen=True, slots=True)
class _Trouble:
    name: str
    reply: Reply
    kind: type[ConnectorError]
    reads_only: bool = False
    in_haste: bool = False
    """A machine too slow for the haste gives the same kind of error."""


TROUBLES = (
    _Trouble("401", json_reply(status=401), CredentialsRejected),
    _Trouble("403", json_reply(status=403), CredentialsRejected),
    _Trouble("429", Reply(429, b"", {"Retry-After": str(PAUSE_S)}), RateLimited),
    _Trouble("500", json_reply(status=500), Retry),
    _Trouble("a time-out", HANG, Retry, in_haste=True),
    _Trouble("a closed connection", DROP, Retry, in_haste=True),
    _Trouble("HTML instead of JSON", HTML, NeedsAttention, reads_only=True),
)


@dataclass(frozen=True, slots=True)
class _Operation:
    name: str
    call: Callable[[Client], Any]
    reads: bool
    other: Callable[[Client], Any] | None = None
    """The same call under the same key, of something that differs."""


def check_remote_errors(subject: Subject) -> None:
    """12. 401, 429, 500, time-outs and HTML become the right kinds of error."""
    operations = list(operations_of(subject))
    if not operations or "no_remote" in subject.exempt:
        return
    side = side_of(subject)
    for trouble in TROUBLES:
        # One remote for all operations, so that the calls which hang are let go together.
        haste = _impatient() if trouble.in_haste else contextlib.nullcontext()
        with side.remote(trouble.name, always(trouble.reply)) as remote, haste:
            for operation in operations:
                if operation.reads or not trouble.reads_only:
                    client = client_of(subject, side, remote.base_url)
                    _expect_kind(operation, trouble, client, pauses=side.stage is None)


def _expect_kind(operation: _Operation, trouble: _Trouble, client: Client, *, pauses: bool) -> None:
    what = f"{operation.name} at {trouble.name}"
    got = only_our_errors(what, operation.call, client)
    given = got.code if isinstance(got, ConnectorError) else "no error"
    expect(isinstance(got, trouble.kind), f"{what}: {given}, not {trouble.kind.code}")
    if isinstance(got, RateLimited) and pauses:
        expect(got.retry_after_s == PAUSE_S, f"{what}: not the pause that was asked for")


def check_pushes_repeat(subject: Subject) -> None:
    """13. Pushes and messages repeated with the same key send the same request; of another
    balance something else is sent."""
    if "no_remote" in subject.exempt:
        return
    for operation in _pushes(subject):
        side = side_of(subject)
        sent: list[list[Any]] = []
        for _ in range(2):
            with side.remote(None, side.accepts) as remote:
                operation.call(client_of(subject, side, remote.base_url))
                sent.append([_comparable(asked, remote.base_url) for asked in remote.asked])
        expect(sent[0], f"{operation.name}: sends nothing")
        expect(sent[0] == sent[1], f"{operation.name}: repeated, it sends something else")
        if operation.other is not None:
            with side.remote(None, side.accepts) as remote:
                operation.other(client_of(subject, side, remote.base_url))
                other = [_comparable(asked, remote.base_url) for asked in remote.asked]
            expect(other != sent[0], f"{operation.name}: of other figures it sends the same")


def _comparable(asked: Any, base_url: str) -> Any:
    """Without the address of the remote, which is another one each time."""
    if not isinstance(asked, Asked):
        return asked
    key = asked.headers.get("idempotency-key")
    return asked.method, asked.path, asked.query, key, asked.body.replace(base_url.encode(), b"")


def check_pages(subject: Subject) -> None:
    """14. Pulling resumes from a saved cursor and stops at the end; so does the catalogue."""
    connector = subject.connector
    if connector.pull is None and connector.catalogue is None:
        return
    side = side_of(subject)
    shop = side.shop
    if shop is None:
        raise AssertionError("pull and catalogue need a `shop` to be tried on")
    for name, page in _pagers(subject):
        with shop() as base_url:
            pages = _walk(name, page, partial(client_of, subject, side, base_url), None)
            expect(len(pages) > 1, f"{name}: the shop has one page only, resuming is not tried")
            resumed = _walk(name, page, partial(client_of, subject, side, base_url), pages[0][1])
        expect(
            [items for items, _ in pages[1:]] == [items for items, _ in resumed],
            f"{name}: resumed from the cursor of its first page it brings something else",
        )


Pager = Callable[[Client, str | None], tuple[Any, str | None, bool]]
"""(client, cursor) -> what the page brings, the cursor after it, whether there is more."""


def _pagers(subject: Subject) -> Iterator[tuple[str, Pager]]:
    pull, catalogue = subject.connector.pull, subject.connector.catalogue
    if pull is not None:

        def pulled(client: Client, cursor: str | None) -> tuple[Any, str | None, bool]:
            page = pull.page(client, cursor, RECEIVED_AT)
            return page.hints, page.cursor, page.more

        yield "pull", pulled
    if catalogue is not None:

        def listed(client: Client, cursor: str | None) -> tuple[Any, str | None, bool]:
            page = catalogue.page(client, cursor)
            brought = (page.products, page.categories, page.terminals, page.cashiers)
            return brought, page.next_cursor, page.next_cursor is not None

        yield "catalogue", listed


def _walk(
    name: str, page: Pager, new_client: Callable[[], Client], cursor: str | None
) -> list[tuple[Any, str | None]]:
    """All pages from `cursor` on, each by a client that knows nothing of those before."""
    pages: list[tuple[Any, str | None]] = []
    more = True
    while more:
        expect(len(pages) < MOST_PAGES, f"{name}: does not come to an end")
        items, cursor, more = page(new_client(), cursor)
        expect(isinstance(cursor, str) or not more, f"{name}: a cursor must be a text")
        pages.append((items, cursor))
    return pages


def check_nothing_leaks(subject: Subject) -> None:
    """15. Nothing recorded, logged or in an error holds a secret, a phone, an e-mail or a card."""
    _check_recorded(subject)
    personal = _personal(" ".join(map(_text_of, subject.cases)))
    with _captured_logs() as lines:
        for case in subject.cases:
            got = only_our_errors(case.name, subject.translated, case)
            if isinstance(got, ConnectorError):
                lines.append(str(got))
        for what, told in refusals(subject):
            lines.append(told)
            expect(mutations.PLANTED not in told, f"{what}: the error repeats what stands there")
        lines.extend(_remote_diagnostics(subject))
    for line in lines:
        for secret in subject.secrets():
            expect(secret not in line, f"a secret is logged or told: {_shortened(line, secret)}")
        for value in personal:
            expect(value not in line, f"something personal is logged or told: {line[:40]!r}...")


def _remote_diagnostics(subject: Subject) -> Iterator[str]:
    """What errors of the remote say, and how the client shows itself."""
    if subject.remote is None:
        return
    for trouble in TROUBLES:
        if trouble.in_haste:
            continue
        with subject.remote.remote(trouble.name, always(trouble.reply)) as remote:
            for operation in operations_of(subject):
                client = client_of(subject, subject.remote, remote.base_url)
                yield repr(client)
                yield str(outcome(operation.call, client))


def _check_recorded(subject: Subject) -> None:
    for path in sorted(subject.recorded.rglob("*.json")):
        text = path.read_text(encoding="utf-8")
        for number in _NUMBER.findall(text):
            digits = re.sub(r"\D", "", number)
            harmless = _is_invented(digits) or (len(digits) == CARD and not _is_card(digits))
            expect(harmless, f"{path.name}: {digits[:4]}... may be somebody's")
        for domain in _EMAIL.findall(text):
            expect(_RESERVED.search(domain), f"{path.name}: an e-mail at {domain} may be real")


# A phone with its plus or eight, and 16 digits of a bank card.
_NUMBER = re.compile(
    r"(?<![\w.+-])(?:\+\d[\d ()-]{9,17}\d|8[ (-]?9[\d ()-]{7,13}\d|\d{16})(?![\w.])"
)
_EMAIL = re.compile(r"[\w.+%-]+@([\w.-]*\w)")
# RFC 2606, 6761.
_RESERVED = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|org|net))?|test|invalid|localhost)$")
_RUNS = re.compile(r"(\d)\1{3}|1234567")


def _is_invented(digits: str) -> bool:
    """Four equal digits in a row, or counting up: nobody takes that for a real number."""
    return _RUNS.search(digits) is not None


def _is_card(digits: str) -> bool:
    """By the check digit of ISO/IEC 7812-1."""
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(digits)]
    return sum(count - 9 * (count > 9) for count in doubled) % 10 == 0


def _personal(text: str) -> set[str]:
    numbers = {re.sub(r"\D", "", number)[-10:] for number in _NUMBER.findall(text)}
    emails = {match.group() for match in _EMAIL.finditer(text)}
    return numbers | emails


def _text_of(case: Any) -> str:
    return f"{case.body.decode('utf-8', 'replace')} {json.dumps(case.document)}"


def _shortened(line: str, secret: str) -> str:
    return line.replace(secret, "***")[:200]


def side_of(subject: Subject) -> RemoteSide:
    if subject.remote is None:
        raise AssertionError("a connector that calls a remote needs `remote` to be tried")
    return subject.remote


def client_of(subject: Subject, side: RemoteSide, base_url: str) -> Client:
    make_client = subject.connector.make_client
    if make_client is None:
        raise AssertionError("no make_client")
    form = side.settings(base_url)
    settings = load_settings(subject.connector.manifest.settings_schema, form)
    return make_client(
        ClientContext(settings=settings, allow_private=True, installation="conformance")
    )


def operations_of(subject: Subject) -> Iterator[_Operation]:
    """Every call that the connector can make, each ready to be tried."""
    connector = subject.connector
    pull, catalogue = connector.pull, connector.catalogue
    if connector.check is not None:
        yield _Operation("check", connector.check, reads=True)
    yield from _fetches(subject)
    if pull is not None:
        yield _Operation("pull", lambda client: pull.page(client, None, RECEIVED_AT), reads=True)
    if catalogue is not None:
        yield _Operation("catalogue", lambda client: catalogue.page(client, None), reads=True)
    reports = connector.report
    if reports is not None:
        yield _Operation("report", lambda client: reports.look(client, REFERENCE), reads=True)
    by_address = connector.report_by_address
    if by_address is not None:
        to = message_by(Channel.SMS).to
        yield _Operation(
            "report", lambda client: by_address.look_for(client, REFERENCE, to), reads=True
        )
    webhooks = connector.shop_webhooks
    if webhooks is not None:
        at = {hook.name: f"https://hub.example/hooks/i/{hook.name}" for hook in connector.webhooks}
        yield _Operation("shop_webhooks", lambda c: webhooks.look(c, at), reads=True)
    yield from _pushes(subject)


def _fetches(subject: Subject) -> Iterator[_Operation]:
    fetch, many = subject.connector.fetch, subject.connector.read_many
    hints = {case.fetch.kind: case.fetch for case in subject.fetch_cases() if case.fetch}
    if fetch is not None and hints:
        hint = next(iter(hints.values()))
        yield _Operation("fetch", lambda client: fetch.read(client, hint), reads=True)
    if many is not None and hints:

        def read_each(client: Client) -> None:
            for hint in hints.values():  # of some kinds it may tell none, and call nobody
                many.read_many(client, (hint,))

        yield _Operation("read_many", read_each, reads=True)


def _pushes(subject: Subject) -> Iterator[_Operation]:
    balances = subject.connector.push_balance
    discounts = subject.connector.push_discounts
    messenger = subject.connector.message
    if balances is not None:
        member = side_of(subject).member

        def push(client: Client, balance: ShownBalance) -> None:
            balances.push(client, member, balance, key=KEY)

        yield _Operation(
            "push_balance",
            partial(push, balance=ShownBalance("points", available=50000)),
            reads=False,
            other=partial(push, balance=ShownBalance("points", available=100)),
        )
    if discounts is not None:
        yield from _of_discounts(discounts)
    if messenger is not None:
        for channel in sorted(messenger.channels):
            message = message_by(channel)
            send = partial(messenger.send, message=message, key=KEY)
            yield _Operation(f"message by {channel}", send, reads=True)


def _of_discounts(discounts: PushDiscounts) -> Iterator[_Operation]:
    half = ShopCoupon(COUPON, 5000, None, 100_00, RECEIVED_AT, 1, emails=("someone@example.com",))

    def push(client: Client, coupon: ShopCoupon) -> None:
        discounts.push(client, coupon, key=KEY)

    yield _Operation(
        "push_discounts",
        partial(push, coupon=half),
        reads=False,
        other=partial(push, coupon=replace(half, percent_bp=1000)),
    )
    back = partial(discounts.take_back, code=COUPON, key=KEY)
    yield _Operation("taking discounts back", back, reads=False)


def message_by(channel: Channel) -> Message:
    """What the suite sends; the address and the text may turn up nowhere else."""
    to = "+79000000001" if channel == Channel.SMS else "someone@example.com"
    return Message(to, TEXT, subject="Conformance", channel=channel)


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    before = Guard.longest_s
    Guard.longest_s = IMPATIENCE_S
    try:
        yield
    finally:
        Guard.longest_s = before


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextlib.contextmanager
def _captured_logs() -> Iterator[list[str]]:
    """Every line that is logged inside, of all loggers and levels, tracebacks included."""
    root, handler = logging.getLogger(), _Lines()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
