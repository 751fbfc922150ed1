"""SMS gateways: how they answer, by what they were asked.  Each is served by the kit's `Remote`.

`accepts` looks at the call as the vendor would, so that a wrong form is refused.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs

from loyalty_kit.testing.remote import Asked, Reply, json_reply
from loyalty_kit.testing.subject import Answered


def reply(data: Any, status: int = 200) -> Reply:
    return json_reply(json.dumps(data).encode(), status)


def form_of(asked: Asked) -> dict[str, str]:
    assert asked.method == "POST"
    assert not asked.query, "keys and texts belong in the body"
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


class SmsRu:
    key = "smsru-key-0042-0042"

    @classmethod
    def form(cls, base_url: str) -> dict[str, str]:
        return {"base_url": base_url, "api_id": cls.key, "per_second": "100"}

    @classmethod
    def accepts(cls, asked: Asked) -> Reply:
        form = form_of(asked)
        if form.get("api_id") != cls.key:
            return reply({"status": "ERROR", "status_code": 200})
        if asked.path == "/my/balance":
            return reply({"status": "OK", "status_code": 100, "balance": 112.1})
        if asked.path == "/sms/status":
            return cls.state_of(form["sms_id"], 103)
        if asked.path != "/sms/send" or form.get("json") != "1" or not form.get("msg"):
            return reply({"status": "ERROR", "status_code": 211})
        return cls.of_number(100, number=form["to"], sms_id="000000-10000000", cost="3.50")

    @staticmethod
    def state_of(sms_id: str, code: int) -> Reply:
        one = {"status": "OK", "status_code": code, "cost": 0.5, "status_text": "?"}
        return reply({"status": "OK", "status_code": 100, "sms": {sms_id: one}, "balance": 112.1})

    @staticmethod
    def of_number(code: int, *, number: str = "79000000001", **more: Any) -> Reply:
        status = "OK" if code == 100 else "ERROR"
        one = {"status": status, "status_code": code, "status_text": number, **more}
        return reply({"status": "OK", "status_code": 100, "sms": {number: one}, "balance": 112.1})

    @classmethod
    def refusals(cls) -> dict[str, Answered]:
        def whole(code: int) -> Reply:
            return reply({"status": "ERROR", "status_code": code, "status_text": "79000000001"})

        of_number = dict.fromkeys(
            (202, 203, 205, 207, 209, 214, 215, 216, 217, 230, 231, 232, 233), "undeliverable"
        )
        of_number |= {201: "out_of_money", 204: "remote_misconfigured"}
        of_all = {
            200: "credentials_rejected",
            301: "credentials_rejected",
            201: "out_of_money",
            206: "rate_limited",
            220: "remote_unavailable",
            500: "remote_unavailable",
            999: "remote_misconfigured",
        }
        return {
            f"{n} for the number": Answered(becomes, cls.of_number(n))
            for n, becomes in of_number.items()
        } | {f"{n} for all": Answered(becomes, whole(n)) for n, becomes in of_all.items()}


class Smsc:
    key = "smsc-key-0042-0042"

    @classmethod
    def form(cls, base_url: str) -> dict[str, str]:
        return {"base_url": base_url, "apikey": cls.key, "per_second": "100"}

    @classmethod
    def accepts(cls, asked: Asked) -> Reply:
        form = form_of(asked)
        if form.get("apikey") != cls.key:
            return reply({"error": "authorise error", "error_code": 2})
        if asked.path == "/sys/balance.php":
            return reply({"balance": "112.10"})
        if asked.path == "/sys/status.php" and {"phone", "id"} <= form.keys():
            return cls.state_of(1)
        if asked.path == "/sys/get.php" and form.get("get_answers") == "1":
            return cls.answered(form, {})
        if form.get("fmt") != "3" or form.get("charset") != "utf-8" or not form.get("mes"):
            return reply({"error": "parameters error", "error_code": 1})
        return reply({"id": 1, "cnt": 1, "cost": "4.20"})

    @staticmethod
    def state_of(status: int) -> Reply:
        last = {"last_date": "14.03.2026 12:00:00", "last_timestamp": 1773478800}
        return reply({"status": status, **last})

    @staticmethod
    def answered(form: dict[str, str], answers: dict[int, tuple[str, str]]) -> Reply:
        """The newest first; which order the vendor has, it does not say."""
        after = int(form.get("after_id", 0))
        assert "after_id" in form or "hour" in form
        times = dict.fromkeys(("received", "sent"), "14.03.2026 12:00:00")
        found = [
            {"id": number, "phone": phone, "message": text, "to_phone": "79000000000", **times}
            for number, (phone, text) in sorted(answers.items(), reverse=True)
            if number > after
        ]
        return reply(found[: int(form["cnt"])])

    @staticmethod
    def refusals() -> dict[str, Answered]:
        becomes = {
            1: "remote_misconfigured",
            2: "credentials_rejected",
            3: "out_of_money",
            4: "rate_limited",
            6: "undeliverable",
            7: "undeliverable",
            8: "undeliverable",
            9: "rate_limited",
        }
        return {
            str(n): Answered(what, reply({"error": "79000000001", "error_code": n}))
            for n, what in becomes.items()
        }


class SmsAero:
    login, key = "shop@example.com", "aero-key-0042-0042"

    @classmethod
    def form(cls, base_url: str) -> dict[str, str]:
        return {
            "base_url": base_url,
            "login": cls.login,
            "api_key": cls.key,
            "sender": "SMS Aero",
            "per_second": "100",
        }

    @classmethod
    def accepts(cls, asked: Asked) -> Reply:
        proof = base64.b64encode(f"{cls.login}:{cls.key}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {proof}":
            return reply({"success": False, "data": None, "message": "Unauthorized"}, 401)
        if asked.path == "/v2/auth":
            return reply({"success": True, "data": None, "message": "Successful authorization."})
        told = json.loads(asked.body)
        if asked.path == "/v2/sms/status" and set(told) == {"id"}:
            return cls.taken(1)
        if asked.path != "/v2/sms/send" or set(told) != {"number", "text", "sign"}:
            return reply({"success": False, "data": {"route": ["?"]}, "message": "Error"}, 400)
        return cls.taken(0)

    @staticmethod
    def taken(status: int) -> Reply:
        one = {"id": 1, "status": status, "extendStatus": "queue", "cost": 5.49}
        return reply({"success": True, "data": one, "message": None})

    @classmethod
    def refusals(cls) -> dict[str, Answered]:
        def wrong(field: str) -> Reply:
            data = {field: ["79000000001"]}
            return reply({"success": False, "data": data, "message": "Validation error."}, 400)

        return {
            "a wrong number": Answered("undeliverable", wrong("number")),
            "a wrong text": Answered("undeliverable", wrong("text")),
            "a signature": Answered("remote_misconfigured", wrong("sign")),
            "no credits": Answered("out_of_money", reply({"result": "no credits"})),
            "reject": Answered("undeliverable", reply({"result": "reject"})),
            "rejected later": Answered("undeliverable", cls.taken(6)),
            "something else": Answered(
                "remote_misconfigured", reply({"success": False, "message": "79000000001"})
            ),
        }
