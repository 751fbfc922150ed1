"""What the conformance suite looks at: a connector with its recorded cases and its settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from loyalty_kit.errors import ConnectorError, Refused
from loyalty_kit.ports import Connector, Context, InboundRequest, Settings, Translated, Webhook
from loyalty_kit.settings import load_settings, secret_names
from loyalty_kit.testing.recorded import Case
from loyalty_kit.testing.remote import Answer, Remote, Reply, json_reply

Sign = Callable[[str, bytes], Mapping[str, str]]
"""(webhook, body) -> the headers that prove it."""

EXEMPTIONS = frozenset({"changed_body", "unknown_kinds", "no_remote"})


class StandIn(Protocol):
    """A remote that speaks something else than HTTP: where it listens, and what it took."""

    base_url: str
    asked: list[Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """A vendor's refusal of a message, and what it must become: the code of an error, or
    "undeliverable".  `reply` is None where a stand-in answers, by the refusal's name.
    """

    becomes: str
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class RemoteSide:
    """How to try a connector's calls.

    `settings`: the form as filled in for a remote at this base address.  `accepts`: how the
    remote answers a call that succeeds, where `{}` is not enough.  `shop`: a stand-in that
    gives its base address and has more than one page to pull and to list.  `refusals`: how the
    vendor refuses a message, by a name for each.  `stage`: for a remote that does not speak
    HTTP; it is given the name of a trouble or a refusal, None where all is well.  `member`: an id
    of a buyer as the vendor writes them, whose balance is told.
    """

    settings: Callable[[str], Mapping[str, str]]
    accepts: Answer = lambda asked: json_reply()
    shop: Callable[[], AbstractContextManager[str]] | None = None
    refusals: Mapping[str, Answered] = field(default_factory=dict)
    stage: Callable[[str | None], AbstractContextManager[StandIn]] | None = None
    member: str = "1"

    def remote(self, name: str | None, answer: Answer) -> AbstractContextManager[Remote | StandIn]:
        return Remote(answer) if self.stage is None else self.stage(name)


@dataclass(frozen=True, slots=True)
class Subject:
    """`settings` is the filled-in form; `exempt` gives a reason for each exemption."""

    connector: Connector
    cases: tuple[Case, ...]
    recorded: Path
    settings: Mapping[str, str]
    sign: Sign | None
    remote: RemoteSide | None
    exempt: Mapping[str, str]

    @property
    def loaded(self) -> Settings:
        return load_settings(self.connector.manifest.settings_schema, self.settings)

    def secrets(self) -> list[str]:
        """The values of secret settings that are worth looking for."""
        names = secret_names(self.connector.manifest.settings_schema)
        return [value for name, value in self.loaded.items() if name in names and value]

    def webhook_cases(self) -> Iterator[tuple[Case, Webhook]]:
        hooks = {hook.name: hook for hook in self.connector.webhooks}
        for case in self.cases:
            if case.webhook is not None:
                expect(case.webhook in hooks, f"{case.name}: no webhook {case.webhook!r}")
                yield case, hooks[case.webhook]

    def accepted_cases(self) -> Iterator[tuple[Case, Webhook]]:
        """Webhook cases that come with their proof and are translated."""
        return ((c, hook) for c, hook in self.webhook_cases() if c.signed and c.raises is None)

    def fetch_cases(self) -> Iterator[Case]:
        for case in self.cases:
            if case.fetch is not None:
                expect(self.connector.fetch is not None, f"{case.name}: the connector fetches not")
                yield case

    def proof(self, case: Case, body: bytes) -> dict[str, str]:
        """The headers that prove `body`, names in lower case."""
        if self.sign is None or not case.signed or case.webhook is None:
            return {}
        return {name.lower(): value for name, value in self.sign(case.webhook, body).items()}

    def inbound(self, case: Case, body: bytes | None = None) -> InboundRequest:
        """The recorded call; with `body`, that body under a proof of its own."""
        recorded = dict(case.headers or {})
        if body is None:
            headers = {**self.proof(case, case.body), **recorded}
            return InboundRequest(headers=headers, body=case.body, query=case.query or {})
        headers = {**recorded, **self.proof(case, body)}
        return InboundRequest(headers=headers, body=body, query=case.query or {})

    def context(self, case: Case) -> Context:
        """As the hub gives it: translators are handed no secrets."""
        secrets = secret_names(self.connector.manifest.settings_schema)
        shown = {name: value for name, value in self.loaded.items() if name not in secrets}
        return Context(settings=shown, received_at=case.received_at, revision=case.revision)

    def translated(self, case: Case) -> Translated:
        """The whole way of a case through the door, as the hub goes it."""
        if case.fetch is not None:
            return self.translated_document(case, case.document)
        hook = next(hook for given, hook in self.webhook_cases() if given is case)
        return self.taken(case, hook, self.inbound(case))

    def taken_body(self, case: Case, hook: Webhook, body: bytes) -> Translated:
        return self.taken(case, hook, self.inbound(case, body))

    def translated_document(self, case: Case, document: Any) -> Translated:
        assert self.connector.fetch is not None
        assert case.fetch is not None
        return self.connector.fetch.translate(case.fetch, document, self.context(case))

    def taken(self, case: Case, hook: Webhook, inbound: InboundRequest) -> Translated:
        hook.verify(inbound, self.loaded)
        hook.delivery_key(inbound)
        return hook.translate(inbound, self.context(case))

    def mapping_page(self) -> str:
        """The text of MAPPING.md beside the connector or above it; "" without one."""
        module = sys.modules.get(self.connector.manifest.settings_schema.__module__)
        folder = Path(getattr(module, "__file__", None) or ".").parent
        for page in (folder / "MAPPING.md", folder.parent / "MAPPING.md"):
            if page.is_file():
                return page.read_text(encoding="utf-8")
        return ""


def expect(holds: object, otherwise: str) -> None:
    """Raises: AssertionError, also where Python is told to leave asserts out."""
    if not holds:
        raise AssertionError(otherwise)


def outcome(function: Callable[..., Any], *args: Any) -> Any:
    """What the function gave, or the connector error that it raised.

    Anything else that it raises goes on: it is a defect of the connector.
    """
    try:
        return function(*args)
    except ConnectorError as error:
        return error


def only_our_errors(what: str, function: Callable[..., Any], *args: Any) -> Any:
    """As `outcome`, but a defect is told as one.

    Raises: AssertionError.
    """
    try:
        return outcome(function, *args)
    except Exception as error:
        raise AssertionError(f"{what} raises {type(error).__name__}: {error}") from error


def is_refused(subject: Subject, hook: Webhook, inbound: InboundRequest) -> bool:
    return isinstance(outcome(hook.verify, inbound, subject.loaded), Refused)
