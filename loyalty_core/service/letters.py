"""Letters as the owner sets them: which are on, as what, how long before, in what words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.errors import (
    InvalidInput,
    LetterNotFound,
    TextMoved,
    VersionNotFound,
)
from loyalty_core.domain.letter_texts import TEXTS
from loyalty_core.domain.letters import CHANNELS, KINDS, LOCALES, LetterKind, LetterText
from loyalty_core.service.letter_words import check_words
from loyalty_core.store import audit
from loyalty_core.store import letters as store
from loyalty_core.store.database import lock_keys
from loyalty_core.store.letters import KeptText, LetterSetting


@dataclass(frozen=True, slots=True)
class LetterView:
    """A kind as it is set; `versions`: of each channel and language, which text is in force (0:
    the hub's own)."""

    kind: LetterKind
    setting: LetterSetting
    versions: Mapping[tuple[str, str], int]


def kind_of(code: str) -> LetterKind:
    """Raises: LetterNotFound."""
    if code not in KINDS:
        raise LetterNotFound
    return KINDS[code]


def list_letters(connection: Connection, programme_id: int) -> list[LetterView]:
    """All kinds, whether set or not."""
    known = store.settings_of(connection, programme_id)
    texts = store.newest_texts(connection, programme_id)
    written = {(one.kind, one.channel, one.locale): one.version for one in texts}
    return [
        LetterView(
            kind,
            known.get(kind.code) or _at_first(programme_id, kind),
            {
                (channel, locale): written.get((kind.code, channel, locale), 0)
                for channel in CHANNELS
                for locale in LOCALES
            },
        )
        for kind in KINDS.values()
    ]


def set_letter(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    code: str,
    changes: Mapping[str, Any],
    *,
    author: str,
    now: datetime,
) -> LetterView:
    """Change `is_on`, `message_class` or `days_before`; what is left out stays.

    Switched on, it tells of what comes from now on.

    Raises: LetterNotFound, InvalidInput.
    """
    kind = kind_of(code)
    _check(kind, changes)
    lock_keys(connection, [f"letter:{programme_id}:{code}"])
    was = store.lock_setting(connection, programme_id, code) or _at_first(programme_id, kind)
    setting = replace(was, **changes)
    if setting.is_on and not was.is_on and kind.days_before is not None:
        told = was.told_until
        until = now if told is None or told < now else told
        setting = replace(setting, told_until=until, reach=None, place=None)
    store.keep_setting(connection, setting, author=author, now=now)
    audit.note(
        connection,
        programme_id,
        "letter_set",
        code,
        author=author,
        now=now,
        before=_noted(was),
        after=_noted(setting),
    )
    return next(one for one in list_letters(connection, programme_id) if one.kind is kind)


def show_text(
    connection: Connection,
    programme_id: int,
    of: tuple[str, str, str],
    version: int | None = None,
) -> KeptText:
    """A version of a text; None: the one in force.  Raises: LetterNotFound, VersionNotFound."""
    if of not in TEXTS:
        raise LetterNotFound
    found = None
    if version != 0:
        found = store.text_of(connection, programme_id, of, version)
    if found is None and version:
        raise VersionNotFound
    return found or KeptText(*of, 0, TEXTS[of])


def put_text(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    of: tuple[str, str, str],
    words: LetterText,
    *,
    seen: int | None = None,
    author: str,
    now: datetime,
) -> KeptText:
    """Write a text anew: a new version, in force from now on.  The same words make none.

    `seen`: the version that the author has changed; None: whichever there is.

    Raises: LetterNotFound, TextBroken, TextMoved.
    """
    lock_keys(connection, [f"letter-text:{programme_id}:{'/'.join(of)}"])
    known = show_text(connection, programme_id, of)
    check_words(KINDS[of[0]], of[1], words)
    if known.words == words:
        return known
    if seen not in (None, known.version):
        raise TextMoved({"version": str(known.version)})
    kept = store.add_text(connection, programme_id, KeptText(*of, 0, words, author), now=now)
    audit.note(
        connection,
        programme_id,
        "letter_written",
        "/".join(of),
        author=author,
        now=now,
        before={"version": known.version},
        after={"version": kept.version},
    )
    return kept


def _at_first(programme_id: int, kind: LetterKind) -> LetterSetting:
    return LetterSetting(
        programme_id,
        kind.code,
        False,
        kind.message_class,
        kind.days_before,
        None,
        None,
        None,
    )


def _noted(setting: LetterSetting) -> dict[str, Any]:
    return {
        "is_on": setting.is_on,
        "class": setting.message_class,
        "days_before": setting.days_before,
    }


def _check(kind: LetterKind, changes: Mapping[str, Any]) -> None:
    """Raises: InvalidInput."""
    days, told = changes.get("days_before"), changes.get("message_class")
    if told == "service" and not kind.may_be_service:
        raise InvalidInput({"class": ["Is advertising by law."]})
    if days is None:
        return
    if kind.days_before is None:
        raise InvalidInput({"days_before": ["This kind has no day."]})
    if days > kind.most_days:
        raise InvalidInput({"days_before": [f"Must be from 0 to {kind.most_days}."]})
