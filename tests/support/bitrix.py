"""A Bitrix shop with our module in a PHP process, and a hub that it is connected to.

The module is the real one, over stand-ins of the product (`tests/connectors/bitrix/module`); what
it sends goes to the hub's own application, and what comes in is booked by the hub's own drain.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine

from hub.app import create_app
from hub.deliveries import list_deliveries
from hub.installations import create_installation
from hub.jobs.drain import drain
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.member_pages import find_purchases
from loyalty_core.service.programmes import create_programme
from loyalty_core.service.source import Source
from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store.database import read, write
from loyalty_core.store.ids import from_wire
from tests.deploy.conftest import needed
from tests.hub.api.client import Caller, new_key
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

SHOP = Path(__file__).parents[1] / "connectors" / "bitrix" / "module" / "shop.php"
SECRET = "module-word-of-the-tests-42"
ACCOUNT = 318
PHONE = "+79000001234"

Sent = tuple[str, dict[str, str], bytes]
Network = Callable[[Sent], tuple[int, str] | None]


class PhpShop:
    """The PHP process; `network` answers what the module sends, None: no answer."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._process = subprocess.Popen(
            [needed("php", "php-cli"), str(SHOP)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def do(self, what: str, **more: Any) -> Any:
        self._say({"do": what, **more})
        while True:
            told = self._hear()
            if "done" in told:
                return told["done"]
            url, headers, body = told["call"]
            answer = self._network((url, headers, body.encode()))
            self._say(None if answer is None else {"status": answer[0], "text": answer[1]})

    def _say(self, what: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the shop's process is gone"
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait(timeout=10)


class BitrixStage:
    """One programme, one shop, and what the test asks of the books.

    5 % is earned in whole points, points pay up to 30 %; more promotions as told.
    """

    def __init__(
        self, engine: Engine, data_dir: Path, promotions: Sequence[dict[str, Any]] = ()
    ) -> None:
        self.clock = FixedClock()
        self.hub = make_hub(engine, clock=self.clock, data_dir=data_dir, quote_deadline_ms=20_000)
        self.app = create_app(self.hub)
        rules = default_rules(earn_percent=5, spend_limit_percent=30)
        with write(engine) as connection:
            self.programme_id = create_programme(
                connection,
                code="demo",
                document={**rules, "promotions": list(promotions)},
                author="test",
                now=self.clock.now(),
            ).id
        self.installation = create_installation(
            self.hub,
            programme_id=self.programme_id,
            connector="bitrix",
            name="site",
            settings={"secret": SECRET},
        )
        key = new_key(self.hub, self.programme_id, scopes=("checkout", "events")).key
        self.owner = Caller(self.app, new_key(self.hub, self.programme_id, name="owner").key)
        self.sent: list[Sent] = []
        self.is_away = False
        self.shop = PhpShop(self._answer)
        self.shop.do(
            "open",
            options={
                "url": "http://hub.example",
                "key": key,
                "connection": self.installation.id,
                "secret": SECRET,
                "events": "Y",
            },
        )

    def close(self) -> None:
        self.shop.close()

    def _answer(self, sent: Sent) -> tuple[int, str] | None:
        self.sent.append(sent)
        if self.is_away:
            return None
        url, headers, body = sent
        answer = self.app.test_client().post(urlsplit(url).path, data=body, headers=headers)
        return answer.status_code, answer.text

    def sends(self, body: bytes, headers: dict[str, str]) -> int:
        """Somebody calls the door."""
        path = self.installation.hooks["orders"]
        return self.app.test_client().post(path, data=body, headers=headers).status_code

    def snapshots(self) -> list[Sent]:
        return [one for one in self.sent if "/hooks/" in one[0]]

    @property
    def account(self) -> dict[str, str]:
        number = from_wire("i", self.installation.id)
        return {"system": f"installation:{number}", "id": str(ACCOUNT)}

    def member(self, points: str) -> str:
        """Anna, whose account the hub knows, with points to spend."""
        made = self.owner.post("/members", {"external": self.account}).json["id"]
        wanted = {"amount": points, "currency": "points", "reason": "start"}
        given = self.owner.post(
            f"/members/{made}/adjustments", wanted, headers={"Idempotency-Key": "1"}
        )
        assert given.status_code == 201, given.text
        return str(made)

    def balance(self, member: str) -> tuple[str, str]:
        """Available and held."""
        told = self.owner.get(f"/members/{member}").json["balance"]
        return told["available"], told["held"]

    def work(self) -> None:
        """The page is over, and the hub books what came; its books must prove sound."""
        self.shop.do("end_page")
        drain(self.hub, self.programme_id)
        with read(self.hub.engine) as connection:
            assert list(verify_ledger(connection, programme_id=self.programme_id)) == []

    def purchase(self, number: int) -> dict[str, Any]:
        with read(self.hub.engine) as connection:
            (found,) = find_purchases(
                connection,
                self.hub.plans,
                Source(self.programme_id, "test"),
                external_id=str(number),
            )
        return dict(found)

    def points(self, number: int) -> tuple[str, str, str, str]:
        """Earned, spent, taken back, given back."""
        told = self.purchase(number)["points"]
        return told["earned"], told["spent"], told["clawed_back"], told["given_back"]

    def states(self) -> list[str]:
        page = list_deliveries(self.hub, programme_id=self.programme_id, limit=500)
        return [one.state for one in page.items[::-1]]
