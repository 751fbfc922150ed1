"""Secrets are compared in constant time or looked up by their hash, as the source shows.

Goes over the syntax of all that is shipped: `==`, `!=`, `in` and dictionary look-ups on anything
named like a secret fail, unless the other side is a constant or the place is listed below with
the reason.  The list is held both ways: a place that is gone must leave it.
"""

from __future__ import annotations

import ast
import hmac
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.web.auth import KeyRing
from loyalty_kit import signing
from loyalty_kit.errors import SignatureInvalid

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("hub", "connectors", "loyalty_core", "loyalty_kit")
SECRET = re.compile(
    r"secret|passw|token|signature|digest|hmac|api_?key|bearer|credential|otp|one_time"
    r"|^key_text$|^hash$|key_hash|typed_code|member_code|csrf|cookie|^pin$",
    re.IGNORECASE,
)
NO_SECRET = {
    # Column against parameter: the database looks a hash up, which tells nothing of the text.
    ("loyalty_core/store/api_keys.py", "api_keys.c.hash == digest(key_text)"),
    ("loyalty_core/store/staff.py", "invitations.c.hash == digest(token)"),
    ("loyalty_core/store/safety.py", "recovery_codes.c.hash == hashed"),
    # What was sealed, sealed anew: nobody brings it from outside.
    ("loyalty_core/store/safety.py", "second_factors.c.secret == old"),
    # Typed twice by one person, and by nobody else.
    ("hub/web/admin/invitation.py", "password != again"),
}


def compares(tree: ast.AST) -> Iterator[tuple[str, list[ast.expr]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            if any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops):
                yield ast.unparse(node), [node.left, *node.comparators]
            elif any(isinstance(operator, ast.In | ast.NotIn) for operator in node.ops):
                # What is looked for is the secret; `name in secrets` asks for a name.
                yield ast.unparse(node), [node.left, ast.Name("the_place")]


def is_secret(side: ast.expr) -> bool:
    """By the last name of what is compared: `settings["webhook_secret"]`, `row.hash`, `token`."""
    if isinstance(side, ast.Call):
        return is_secret(side.func)
    if isinstance(side, ast.Attribute):
        return SECRET.search(side.attr) is not None
    if isinstance(side, ast.Name):
        return SECRET.search(side.id) is not None
    if isinstance(side, ast.Subscript):
        name = side.slice
        named = isinstance(name, ast.Constant) and isinstance(name.value, str)
        return bool(SECRET.search(name.value)) if named else is_secret(side.value)
    if isinstance(side, ast.BinOp):
        return is_secret(side.left) or is_secret(side.right)
    return False


def is_known(side: ast.expr) -> bool:
    """Written out in the source, or None: nobody guesses at that."""
    if isinstance(side, ast.Tuple | ast.List | ast.Set):
        return all(is_known(part) for part in side.elts)
    return isinstance(side, ast.Constant) or (isinstance(side, ast.Name) and side.id.isupper())


def suspicious(source: str) -> set[str]:
    found = set()
    for text, sides in compares(ast.parse(source)):
        open_ = [side for side in sides if not is_known(side)]
        if len(open_) > 1 and any(is_secret(side) for side in open_):
            found.add(text)
    return found


def test_no_secret_is_compared_by_a_plain_operator():
    found = {
        (str(path.relative_to(ROOT)), text)
        for package in SHIPPED
        for path in sorted((ROOT / package).rglob("*.py"))
        if "testing" not in path.parts  # the conformance suite looks for secrets where none may be
        for text in suspicious(path.read_text("utf-8"))
    }

    assert found - NO_SECRET == set(), "use hmac.compare_digest"
    assert NO_SECRET - found == set(), "gone: take it off the list"


@pytest.mark.parametrize(
    "source",
    [
        "settings['webhook_secret'] == given",
        "given != settings.webhook_secret",
        "signature == hmac_sha256(secret, body)",
        "token in tokens_of(shop)",
        "typed_code == row.code",
        "if row.password_hash == hash_password(password): pass",
        "hashlib.sha256(x).hexdigest() == given",
        "f(a) == hmac.new(k, b, d).digest()",
    ],
)
def test_the_search_finds_what_it_is_for(source: str):
    assert suspicious(source)


@pytest.mark.parametrize("source", ["secret is None", "token == ''", "name in secrets", "a == b"])
def test_the_search_lets_be_what_is_no_compare_of_a_secret(source: str):
    assert not suspicious(source)


def test_each_check_of_a_signature_compares_in_constant_time(monkeypatch: pytest.MonkeyPatch):
    compared = []

    def watched(one: bytes, other: bytes) -> bool:
        compared.append((type(one), type(other)))
        return compare(one, other)

    compare = hmac.compare_digest
    monkeypatch.setattr(signing.hmac, "compare_digest", watched)
    for check in (
        lambda: signing.check_hmac_sha256("s", b"body", "0" * 64, encoding="hex"),
        lambda: signing.check_hmac_sha256("s", b"body", "A" * 43 + "=", encoding="base64"),
        lambda: signing.check_token("s", "t"),
        lambda: signing.check_bearer("s", "Bearer t"),
        lambda: signing.check_basic("u", "p", "Basic dTp4"),
    ):
        with pytest.raises(SignatureInvalid):
            check()

    assert compared == [(bytes, bytes)] * 5


def test_keys_are_remembered_and_stored_by_their_hash_alone(world):
    key = world.all_scopes.key
    ring: KeyRing = world.app.extensions["loyalty_api"].keys
    assert world.all_scopes.get("/programmes").status_code == 200

    assert key not in repr(vars(ring))
    with world.hub.engine.connect() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())
    assert key not in dump
    assert key.removeprefix("lh_") not in dump
    for secret in world.secrets:
        assert secret not in dump, "settings are sealed"
