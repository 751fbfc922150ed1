"""A file of the console among several workers, on both databases."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from hub import import_columns, sheets, uploads
from hub.uploads import Asked
from loyalty_core.domain.import_columns import BALANCES, MEMBERS
from loyalty_core.service.programmes import create_programme
from loyalty_core.store import audit
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import coupon_lots, coupons, entries
from tests.hub.web.conftest import RULES
from tests.support.clock import NOON
from tests.support.hub import make_hub

LINES = 40
CODES = "code\n" + "".join(f"OLD-{number}\n" for number in range(LINES))


def test_workers_who_come_at_once_take_a_file_once(engine, monkeypatch):
    """Of four one checks it; and where one is slow and its lease runs out, another takes it."""
    monkeypatch.setattr(sheets, "PORTION", 7)
    hub = make_hub(engine)
    rules = {**RULES, "coupons": [{"code": "spring", "name": "Spring"}]}
    with write(engine) as connection:
        programme = create_programme(
            connection, code="demo", name="Demo", document=rules, author="test", now=NOON
        )
    asked = Asked(uploads.COUPONS, "old.csv", {"lot": "Old", "series": "spring"}, "test")
    assert uploads.put(hub, programme.id, asked, io.BytesIO(CODES.encode()))
    assert not uploads.put(hub, programme.id, asked, io.BytesIO(CODES.encode())), "one at a time"

    claimed = []

    def work(_):
        if row := uploads.claim(hub, programme.id):
            claimed.append(row)
            uploads.work_off(hub, row)

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, range(4)))
    last = uploads.last_upload(hub, programme.id, uploads.COUPONS)
    assert (len(claimed), last.stage, last.added) == (1, "checked", LINES)
    assert uploads.begin(hub, last)
    assert not uploads.begin(hub, last), "one click"
    slow = uploads.claim(hub, programme.id)
    hub.clock.advance(minutes=2)
    claimed.append(uploads.claim(hub, programme.id))
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda row: uploads.work_off(hub, row), (slow, claimed[-1])))

    last = uploads.last_upload(hub, programme.id, uploads.COUPONS)
    assert (last.stage, last.added, last.known, last.rejected) == ("done", LINES, 0, 0)
    with read(engine) as connection:
        assert connection.scalars(select(func.count()).select_from(coupons)).one() == LINES
        assert connection.scalars(select(coupon_lots.c.made)).one() == LINES
        noted = [one.after for one in audit.notes(connection, programme.id, {}, limit=9)]
    assert {"lot": "Old", "series": "spring", "added": LINES, "known": 0, "rejected": 0} in noted


def test_of_two_workers_one_books_a_base(engine, monkeypatch):
    """One is slow and its lease runs out between two portions: each row is booked once, and the
    figures are those of one file."""
    monkeypatch.setattr(import_columns, "PORTION", 7)
    hub = make_hub(engine)
    with write(engine) as connection:
        programme = create_programme(
            connection, code="demo", name="Demo", document=RULES, author="test", now=NOON
        )
    people = "card\n" + "".join(f"{number}\n" for number in range(LINES))
    points = "card;points\n" + "".join(f"{number};2.50\n" for number in range(LINES))
    for kind, text in ((MEMBERS, people), (BALANCES, points)):
        asked = Asked(kind, "old.csv", {}, "test")
        assert uploads.put(hub, programme.id, asked, io.BytesIO(text.encode()))
        uploads.work_off(hub, uploads.claim(hub, programme.id))
        assert uploads.begin(hub, uploads.last_upload(hub, programme.id, kind))
        slow = uploads.claim(hub, programme.id)
        hub.clock.advance(minutes=2)
        rows = (slow, uploads.claim(hub, programme.id))
        with ThreadPoolExecutor(2) as workers:
            list(workers.map(lambda row: uploads.work_off(hub, row), rows))

        last = uploads.last_upload(hub, programme.id, kind)
        told = (last.stage, last.added, last.known, last.rejected, last.counts["rows"])
        assert told == ("done", LINES, 0, 0, LINES)
    assert (last.counts["points_before"], last.counts["points_after"]) == (0, LINES * 2_50)
    with read(engine) as connection:
        assert connection.scalars(select(func.count()).select_from(entries)).one() == LINES
