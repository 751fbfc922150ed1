"""The second factor of a login: codes of an app by time (TOTP), and codes for a lost phone.

RFC 6238 with what every app knows: six digits, steps of 30 seconds, HMAC-SHA-1.  A code counts in
its own step, the one before and the one after it (section 5.2, for clocks that differ), and once:
the step is used up in the database.  Secrets lie sealed, as settings of connections do; of codes
for a lost phone only a hash is kept, keyed by that secret: so they outlive a change of the hub's
keys, and end with the factor.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import secrets
from datetime import datetime

import pyotp
import segno
from sqlalchemy import Connection

from hub.wiring import Hub
from loyalty_core.service import safety
from loyalty_core.service.safety import SecondFactor, SecondFactorWrong
from loyalty_core.store.admins import Admin
from loyalty_core.store.database import transact

ISSUER = "Loyalty Hub"
STEP_S = 30
_DIGITS = 6
DRIFT = 1
RECOVERY_CODES = 10
_RECOVERY = "recovery codes"
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUP = 5
_FIELD = "totp"


def new_secret() -> str:
    """160 bits (RFC 4226, section 4, R6), in base32 as apps take them."""
    return pyotp.random_base32()


def address_of(secret: str, login: str) -> str:
    """What the QR code says: an `otpauth://` address."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def picture_of(secret: str, login: str) -> str:
    """The QR code as an SVG element of any size, without styles, which the policy of pages
    forbids."""
    out = io.BytesIO()
    code = segno.make_qr(address_of(secret, login), error="m")
    code.save(out, kind="svg", xmldecl=False, svgns=True, omitsize=True)
    return out.getvalue().decode()


def fitting_steps(secret: str, code: str, now: datetime) -> set[int]:
    """The steps of time, near to now, whose code this is; nearly always none or one."""
    typed = code.strip().replace(" ", "")
    this = int(now.timestamp()) // STEP_S
    made = pyotp.TOTP(secret)
    return {
        step
        for step in range(this - DRIFT, this + DRIFT + 1)
        if hmac.compare_digest(made.generate_otp(step).encode(), typed.encode("utf-8", "replace"))
    }


def enrol(  # noqa: PLR0913 - each is a word of its own to the caller
    hub: Hub, connection: Connection, admin: Admin, secret: str, code: str, now: datetime
) -> list[str]:
    """Take the secret once its app has shown that it makes the codes; the codes for a lost phone,
    which are told this once.  Raises: SecondFactorWrong, SecondFactorSet (there is one).
    """
    steps = fitting_steps(secret, code, now)
    if not steps:
        raise SecondFactorWrong
    codes, hashes = _recovery_codes(secret)
    sealed = hub.vault.seal({_FIELD: secret})
    factor = SecondFactor(admin.id, sealed, max(steps), now)
    safety.set_second_factor(connection, admin, factor, hashes, now)
    return codes


def count_try(hub: Hub, admin: Admin, now: datetime) -> None:
    """Count a code before it is looked at, in a transaction of its own.  Raises: TooManyTries."""
    transact(hub.engine, lambda connection: safety.count_try(connection, admin.id, now))


def check(hub: Hub, connection: Connection, admin: Admin, code: str, now: datetime) -> None:
    """Use a code up, the app's or one for a lost phone, once it was counted (`count_try`).

    Raises: SecondFactorWrong; Unreadable, where the hub's keys were lost.
    """
    factor = safety.second_factor_of(connection, admin.id)
    if factor is None:
        raise SecondFactorWrong
    typed = "".join(letter for letter in code.casefold() if letter.isalnum())
    secret = hub.vault.open(factor.secret)[_FIELD]
    if typed.isdecimal() and len(typed) == _DIGITS:
        safety.use_step(connection, admin.id, fitting_steps(secret, typed, now))
    else:
        safety.use_recovery_code(connection, admin, _hash(secret, typed), now)


def renew_recovery_codes(
    hub: Hub, connection: Connection, admin: Admin, now: datetime
) -> list[str]:
    """Others for those that were used or lost; told this once.

    Raises: SecondFactorWrong, where there is no factor.
    """
    factor = safety.second_factor_of(connection, admin.id)
    if factor is None:
        raise SecondFactorWrong
    codes, hashes = _recovery_codes(hub.vault.open(factor.secret)[_FIELD])
    safety.new_recovery_codes(connection, admin, hashes, now)
    return codes


def _recovery_codes(secret: str) -> tuple[list[str], list[str]]:
    """Of ten letters without look-alikes each: 49 bits of chance."""
    drawn = [
        "".join(secrets.choice(_ALPHABET) for _ in range(2 * _GROUP)) for _ in range(RECOVERY_CODES)
    ]
    return [f"{one[:_GROUP]}-{one[_GROUP:]}" for one in drawn], [
        _hash(secret, one) for one in drawn
    ]


def _hash(secret: str, code: str) -> str:
    said = f"{_RECOVERY}:{code}".encode("utf-8", "replace")
    return hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()
