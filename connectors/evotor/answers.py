"""Answers to Evotor's cloud, in its words."""

from __future__ import annotations

import json
from typing import Any

from loyalty_kit.ports import ProtocolReply

SYNTAX, FIELD, VALUE, EXISTS, KNOWN_ACCOUNT = 2001, 2002, 2003, 2004, 2005
WRONG_APP, WRONG_USER, WRONG_LOGIN = 1001, 1002, 1006
_REASONS = {
    SYNTAX: "incorrect",
    FIELD: "missing",
    VALUE: "incorrect",
    EXISTS: "exists",
    KNOWN_ACCOUNT: "exists",
    WRONG_APP: "incorrect",
    WRONG_USER: "incorrect",
    WRONG_LOGIN: "incorrect",
}


def reply(document: Any, status: int = 200) -> ProtocolReply:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return ProtocolReply(status, headers, body.encode("utf-8", "replace"))


def taken() -> ProtocolReply:
    """Evotor repeats what is not answered 200; whether other successes count is not told."""
    return reply({})


def refused(status: int, code: int, subject: str = "") -> ProtocolReply:
    error = {"code": code, "reason": _REASONS[code], "subject": subject}
    return reply({"errors": [error]}, status)


def try_again() -> ProtocolReply:
    return ProtocolReply(503, {"Content-Type": "application/json", "Retry-After": "60"}, b"{}")
