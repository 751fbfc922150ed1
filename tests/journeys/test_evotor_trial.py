"""The command of `connectors/evotor/terminal/README.md`: one receipt against a hub, by HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from connectors.evotor.terminal.__main__ import TOKEN, main
from tests.support.browser import served
from tests.support.evotor import MERCHANT, PHONE, STORE, USER_TOKEN, EvotorStage


def test_a_receipt_is_asked_about_and_handed_in_by_one_command(
    merchant: EvotorStage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    # The command has the machine's clock.
    merchant.clock.set(datetime.now(UTC))  # noqa: TID251
    merchant.earns(100)
    who = ["--user", MERCHANT, "--store", STORE, "--phone", PHONE]
    goods = ["--goods", "690.00", "--goods", "899.90x0.742"]
    with served(merchant.app) as address, ThreadPoolExecutor() as pool:
        call = [f"{address}/connect/{merchant.installation.id}/terminal", *who, *goods]
        assert main(call) == 1
        assert TOKEN in capsys.readouterr().out
        monkeypatch.setenv(TOKEN, "another-word-of-the-tests-42")
        assert main(call) == 1
        assert "refused: unauthorized" in capsys.readouterr().out
        monkeypatch.setenv(TOKEN, USER_TOKEN)
        assert main([*call, "--points", "max"]) == 0
        told = capsys.readouterr().out
        # 690.00 + 667.73; 100 points are all that there is.
        assert "ReceiptDiscountEventResult.discount: 100.00" in told
        assert '"50.82"' in told
        assert "Списано баллов: 100 / Начислим баллов: 62" in told
        assert "-> DELETE quotes/" in told
        assert (merchant.held(), merchant.balance()) == ("0.00", "100.00")

        booked = pool.submit(main, [*call, "--points", "7", "--book"])
        while not booked.done():
            merchant.work()
        assert booked.result() == 0
    told = capsys.readouterr().out
    assert "buyer: balance 100.00" in told
    # 5 % of 1350.73, whole points.
    assert "booked: earned 67.00, spent 7.00" in told
    assert PHONE not in told
    # The hub of the test stands still at a time before the sale.
    merchant.work_after(minutes=1)
    assert merchant.balance() == "160.00"
