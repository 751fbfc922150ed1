"""What may go wrong on purpose, told in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alembic.util import CommandError
from sqlalchemy.exc import DatabaseError, IntegrityError

from hub.config import ConfigError
from hub.keeping.archive import BackupRefused
from hub.passwords import PasswordTooShort
from hub.registry import ConnectorUnavailable
from hub.sheets import SheetUnreadable
from hub.vault import Unreadable
from hub.web.sentences import detail
from loyalty_core.domain.errors import InvalidInput, LoyaltyError
from loyalty_kit.errors import ConnectorError

EXPECTED = (
    LoyaltyError,
    ConnectorError,
    ConnectorUnavailable,
    ConfigError,
    PasswordTooShort,
    Unreadable,
    BackupRefused,
    SheetUnreadable,
    DatabaseError,
    CommandError,
    OSError,
)


def told(error: BaseException) -> str:
    """The sentence for an error of `EXPECTED`; statements and their values are left out."""
    if isinstance(error, InvalidInput):
        return fields(error.errors)
    if isinstance(error, LoyaltyError):
        facts = ", ".join(f"{name}: {value}" for name, value in error.facts.items())
        return _sentence(error.code) + (f" ({facts})" if facts else "")
    if isinstance(error, IntegrityError):
        return "The database refused it: there is one of this name already."
    if isinstance(error, DatabaseError):
        return f"The database cannot be used: {_first_line(error.orig)}"
    if isinstance(error, CommandError):
        return f"The database is newer than this version of the hub: {error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + (f": {error.filename}" if error.filename else "")
    return str(error) or type(error).__name__


def _sentence(code: str) -> str:
    told = detail(code, "en")
    return code.replace("_", " ").capitalize() + "." if told == code else told


def fields(errors: Mapping[str, Sequence[str]]) -> str:
    """Errors by field as one line: "code: Is taken.; timezone: Not a zone."."""
    return "; ".join(
        f"{path}: {' '.join(messages)}" if path else " ".join(messages)
        for path, messages in errors.items()
    )


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().partition("\n")[0]
