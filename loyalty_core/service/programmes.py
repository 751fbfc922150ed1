"""Programmes and their rule sets: one document with versions; published ones never change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.errors import (
    ApprovalNeeded,
    Conflict,
    InvalidInput,
    MainCurrencyInUse,
    ProgrammeNotFound,
    RulesInvalid,
    VersionNotFound,
    VersionNotPublished,
    VersionPublished,
)
from loyalty_core.domain.rules import parse_rules
from loyalty_core.store import audit, ledger
from loyalty_core.store import programmes as store
from loyalty_core.store.programmes import Programme, RulesVersion
from loyalty_core.store.tiers import rate_anew

__all__ = [
    "DraftMoved",
    "Programme",
    "RulesMoved",
    "RulesVersion",
    "TakenBack",
    "check_rules",
    "create_programme",
    "draft_rules",
    "end_first_run",
    "get_programme",
    "get_rules",
    "list_programmes",
    "list_rules_versions",
    "newest_rules",
    "publish_rules",
    "revise_rules",
    "set_programme",
    "take_back_rules",
    "waiting_draft",
]

MAIN_SHOP = "main"
_CODE = re.compile(r"[^\W_][\w.-]{0,63}")
_LADDER = ("tiers", "tiering", "currencies")
"""Sections that have a say in a member's tier."""
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def create_programme(  # noqa: PLR0913 - each is a word of its own on the command line
    connection: Connection,
    *,
    code: str,
    name: str | None = None,
    timezone: str = "Europe/Moscow",
    currency: str = "RUB",
    document: Mapping[str, Any],
    author: str,
    now: datetime,
    being_set_up: bool = False,
) -> Programme:
    """A programme with its shop `main` and `document` as version 1, in force; `being_set_up`: the
    console leads its owner on.

    Raises: InvalidInput (code, timezone, currency), RulesInvalid.
    """
    check_code(code)
    check_timezone(timezone)
    if not _CURRENCY.fullmatch(currency):
        raise InvalidInput({"currency": ["Must be a code of three capital letters."]})
    parse_rules(document)
    if store.programme_by_code(connection, code) is not None:
        raise InvalidInput({"code": ["Is taken."]})
    row = {
        "code": code,
        "name": name or code,
        "currency": currency,
        "timezone": timezone,
        "rules_version": 1,
        "being_set_up": being_set_up,
    }
    programme = store.add_programme(connection, row, now=now)
    shop: dict[str, Any] = {
        "code": MAIN_SHOP,
        "name": programme.name,
        "timezone": None,
        "vendor": {},
    }
    store.add_shop(connection, {**shop, "programme_id": programme.id}, now=now)
    store.add_draft(connection, programme.id, document, author=author, now=now)
    store.put_in_force(connection, programme.id, 1, publisher=author, now=now)
    return programme


def end_first_run(connection: Connection, programme_id: int) -> None:
    """The owner is led no further."""
    store.change_programme(connection, programme_id, {"being_set_up": False})


def list_programmes(connection: Connection) -> list[Programme]:
    return store.all_programmes(connection)


def get_programme(connection: Connection, code: str) -> Programme:
    """Raises: ProgrammeNotFound."""
    programme = store.programme_by_code(connection, code)
    if programme is None:
        raise ProgrammeNotFound({"programme": code})
    return programme


def set_programme(
    connection: Connection, code: str, *, name: str | None = None, timezone: str | None = None
) -> Programme:
    """The programme after the change; None leaves as it is.

    Raises: ProgrammeNotFound, InvalidInput.
    """
    programme = get_programme(connection, code)
    if timezone is not None:
        check_timezone(timezone)
    wanted = {"name": name, "timezone": timezone}
    changes = {field: value for field, value in wanted.items() if value}
    if changes:
        store.change_programme(connection, programme.id, changes)
    if timezone and timezone != programme.timezone:
        rate_anew(connection, programme.id)
    return get_programme(connection, code)


# --- rule sets ------------------------------------------------------------------------------


def get_rules(
    connection: Connection, programme_id: int, version: int | None = None
) -> Mapping[str, Any]:
    """A version of the document; None: the one in force.

    Raises: ProgrammeNotFound, VersionNotFound.
    """
    if version is None:
        programme = store.programme_by_id(connection, programme_id)
        if programme is None:
            raise ProgrammeNotFound
        version = programme.rules_version
    document = store.rules_document(connection, programme_id, version)
    if document is None:
        raise VersionNotFound({"version": str(version)})
    return document


def check_rules(document: object) -> Mapping[str, list[str]]:
    """What is wrong with a document, by path; nothing if it could be published."""
    if not isinstance(document, Mapping):
        return {"": ["Not an object."]}
    try:
        parse_rules(document)
    except RulesInvalid as error:
        return error.errors
    return {}


def draft_rules(
    connection: Connection,
    programme_id: int,
    document: Mapping[str, Any],
    *,
    author: str,
    now: datetime,
) -> int:
    """The number of the new draft.  Raises: ProgrammeNotFound, RulesInvalid."""
    parse_rules(document)
    _locked(connection, programme_id)
    draft = store.add_draft(connection, programme_id, document, author=author, now=now)
    audit.note(connection, programme_id, "rules_drafted", str(draft), author=author, now=now)
    return draft


class DraftMoved(Conflict):
    """Somebody saved another draft meanwhile: look at it, and repeat the change."""

    code = "draft_moved"


def revise_rules(  # noqa: PLR0913 - the last two are the author's signature
    connection: Connection,
    programme_id: int,
    base: int,
    document: Mapping[str, Any],
    *,
    author: str,
    now: datetime,
) -> int:
    """A draft of `document`, which was made out of version `base`; its number.

    The same change sent twice is one draft, and what changes nothing is none: then `base`.

    Raises: ProgrammeNotFound, VersionNotFound, RulesInvalid, DraftMoved (`base` is no longer
    what changes start from).
    """
    _locked(connection, programme_id)
    newest = newest_rules(connection, programme_id)
    if newest != base:
        if get_rules(connection, programme_id, newest) == document:
            return newest
        raise DraftMoved({"version": str(newest)})
    if get_rules(connection, programme_id, base) == document:
        return base
    return draft_rules(connection, programme_id, document, author=author, now=now)


def newest_rules(connection: Connection, programme_id: int) -> int:
    """The version from which changes start: the newest draft where it is newer than what is in
    force, else what is in force.

    Raises: ProgrammeNotFound.
    """
    programme = store.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    versions = store.all_rules_versions(connection, programme_id)
    return max(programme.rules_version, versions[0].version if versions else 0)


def waiting_draft(connection: Connection, programme: Programme) -> int | None:
    """The draft that would change something if it were published; None where none waits."""
    newest = newest_rules(connection, programme.id)
    if newest == programme.rules_version:
        return None
    standing = get_rules(connection, programme.id, programme.rules_version)
    return None if get_rules(connection, programme.id, newest) == standing else newest


class RulesMoved(Conflict):
    """Another version is in force by now than the draft was compared with."""

    code = "rules_moved"


def publish_rules(  # noqa: PLR0913 - the last two are the author's signature
    connection: Connection,
    programme_id: int,
    version: int,
    *,
    over: int | None = None,
    author: str,
    now: datetime,
) -> int:
    """Put a draft in force from now on; its number.  The one in force stays as it is.

    Where the rules in force ask for approval, `author` must be another than the draft's.  `over`:
    the version in force that the draft was compared with; None: with whichever.

    Raises: ProgrammeNotFound, VersionNotFound, VersionPublished, RulesMoved, ApprovalNeeded,
    RulesInvalid, MainCurrencyInUse.
    """
    programme = _locked(connection, programme_id)
    wanted = _version(connection, programme_id, version)
    if programme.rules_version == version:
        return version
    if wanted.state == "published":
        raise VersionPublished({"version": str(version)})
    if over not in (None, programme.rules_version):
        raise RulesMoved({"version": str(programme.rules_version)})
    if _approval_asked(connection, programme) and store.fold(wanted.author) == store.fold(author):
        raise ApprovalNeeded({"draft": str(version), "author": wanted.author})
    parse_rules(get_rules(connection, programme_id, version))
    _put_in_force(connection, programme, version, author, now)
    return version


@dataclass(frozen=True, slots=True)
class TakenBack:
    """`in_force` False: the version waits as a draft for a second person."""

    version: int
    in_force: bool


def take_back_rules(
    connection: Connection, programme_id: int, version: int, *, author: str, now: datetime
) -> TakenBack:
    """Put what an older version says in force again, as a new version: "which rules stood then"
    keeps one answer.

    Where the rules in force ask for approval it becomes a draft, which another publishes.  The
    version in force is taken back to already.

    Raises: ProgrammeNotFound, VersionNotFound, VersionNotPublished, RulesInvalid,
    MainCurrencyInUse.
    """
    programme = _locked(connection, programme_id)
    wanted = _version(connection, programme_id, version)
    if wanted.state != "published":
        raise VersionNotPublished({"version": str(version)})
    if programme.rules_version == version:
        return TakenBack(version, in_force=True)
    document = get_rules(connection, programme_id, version)
    anew = draft_rules(connection, programme_id, document, author=author, now=now)
    if _approval_asked(connection, programme):
        return TakenBack(anew, in_force=False)
    _put_in_force(connection, programme, anew, author, now)
    return TakenBack(anew, in_force=True)


def _put_in_force(
    connection: Connection, programme: Programme, version: int, author: str, now: datetime
) -> None:
    """Where the ladder changes, the scheduler rates all members anew, in small turns."""
    was = get_rules(connection, programme.id, programme.rules_version)
    said = get_rules(connection, programme.id, version)
    _keep_main(connection, programme.id, _main_of(was), _main_of(said))
    store.put_in_force(connection, programme.id, version, publisher=author, now=now)
    audit.note(
        connection,
        programme.id,
        "rules_published",
        str(version),
        author=author,
        now=now,
        before={"version": programme.rules_version},
        after={"version": version},
    )
    if any(was.get(section) != said.get(section) for section in _LADDER):
        rate_anew(connection, programme.id)


def _main_of(document: Mapping[str, Any]) -> str | None:
    """The code of its first currency; None where what is in force cannot be read so far."""
    try:
        return str(document["currencies"][0]["code"])
    except (KeyError, IndexError, TypeError):
        return None


def _keep_main(
    connection: Connection, programme_id: int, was: str | None, said: str | None
) -> None:
    """Points that were spent go back to the main currency, which is then the one of before.

    Raises: MainCurrencyInUse.
    """
    if was is not None and was != said and ledger.is_in_use(connection, programme_id, was):
        raise MainCurrencyInUse({"main_currency": was})


def _locked(connection: Connection, programme_id: int) -> Programme:
    """Raises: ProgrammeNotFound."""
    programme = store.lock_programme(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    return programme


def _version(connection: Connection, programme_id: int, version: int) -> RulesVersion:
    """Raises: VersionNotFound."""
    found = store.rules_version(connection, programme_id, version)
    if found is None:
        raise VersionNotFound({"version": str(version)})
    return found


def _approval_asked(connection: Connection, programme: Programme) -> bool:
    """By the rules in force, read bare: were they unreadable, others could still be published."""
    document = get_rules(connection, programme.id, programme.rules_version)
    return bool(document.get("policies", {}).get("approval"))


def list_rules_versions(connection: Connection, programme_id: int) -> list[RulesVersion]:
    """Drafts and published ones, the newest number first."""
    return store.all_rules_versions(connection, programme_id)


# --- what may be written --------------------------------------------------------------------


def check_code(code: str) -> None:
    """Codes stand in addresses and on command lines: letters, digits, and - _ . within.

    Raises: InvalidInput.
    """
    if not _CODE.fullmatch(store.fold(code)):
        raise InvalidInput({"code": ["Must be letters and digits, with - _ . between, up to 64."]})


def check_timezone(name: str) -> None:
    """Raises: InvalidInput."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise InvalidInput({"timezone": ["Not a name of a time zone."]}) from None
