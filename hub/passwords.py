"""Passwords of the console: argon2id, with the library's own choice of cost."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 8
# No 0/O, 1/l/I: a one-time password is read off a terminal and typed.
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_hasher = PasswordHasher()


class PasswordTooShort(ValueError):
    """A password has at least `MIN_LENGTH` characters; nothing else is asked of it."""

    def __init__(self) -> None:
        super().__init__(f"a password needs at least {MIN_LENGTH} characters")


def hash_password(password: str) -> str:
    """What is stored.  Raises: PasswordTooShort."""
    if len(password) < MIN_LENGTH:
        raise PasswordTooShort
    return _hasher.hash(password)


def password_fits(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed.

    None stands for a login that does not exist: it costs the same time and never fits, so
    that nobody can find out by stop-watch who has an account.
    """
    try:
        _hasher.verify(password_hash or _decoy(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def one_time_password() -> str:
    """A password to be printed once: 95 bits of chance in four groups."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


@cache
def _decoy() -> str:
    return _hasher.hash(secrets.token_urlsafe())
