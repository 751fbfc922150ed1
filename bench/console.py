"""The console's pages before a million members: how long each takes to be answered, one at a time.

The large programme gets what a page may show besides: receipts of eight days, and for everybody a
card and an e-mail address to be found by.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import quote

import psycopg
import requests

from bench.ground import Ground, Place
from bench.measure import BenchFailed, Probe, Sample, times_of
from bench.members import phone_of
from bench.processes import hub_web
from bench.programme import LINES
from bench.receipts import receipt_of
from bench.servers import conninfo
from bench.warming import warm
from hub.passwords import hash_password
from loyalty_core.service.admins import create_admin
from loyalty_core.service.api_keys import SCOPES, create_key
from loyalty_core.service.upkeep import count_members
from loyalty_core.store.database import transact, write
from loyalty_core.store.ids import first_id_at, to_wire

PAGE = "console, {}"
LOGIN, PASSWORD = "owner", "only for measuring"
_DAYS = 8
_A_DAY = 40
"""One receipt a day for so many members."""
_LAST_HOUR, _MOST_AHEAD = 23, 14
_RARE = 5000
"""One member in so many has the name that is looked for."""
_WARM, _LEAST, _MOST = 2, 5, 40
_SECTIONS = {
    "home": "",
    "cashier page": "till/",
    "connections": "connections/",
    "deliveries": "deliveries/",
    "to look at": "attention/",
    "seen twice": "seen-twice/",
    "programme": "programme/",
    "promotions": "programme/promotions/",
    "a promotion's form": "programme/promotions/new",
    "versions": "programme/versions/",
    "members": "members/",
    "catalogue": "catalogue/",
    "coupons": "coupons/",
    "certificates": "certificates/",
    "rewards": "rewards/",
    "messages": "messages/",
    "what was sent": "messages/sent/",
    "people": "people/",
    "keys": "keys/",
    "log": "log/",
}
_VIEWS = ("ledger", "lots", "purchases", "consents", "messages", "notes")
_SEARCHES = {
    "phone": phone_of(4),
    "card": "7705",
    "e-mail": "bench6@example.org",
    "a common name": "Иванова",
    "a rare name": "Веснина",
    "no such name": "Никтова",
}
SEARCHES = tuple(f"search by {what}" for what in _SEARCHES)
PAGES = (*_SECTIONS, *(f"a member: {view}" for view in _VIEWS))

_FOUND = "/members/m_"

_NAMES_BESIDE = """
INSERT INTO identities (programme_id, kind, system, value, member_id, verified, created_at)
SELECT programme_id, %(kind)s, '', format(%(form)s, nr), member_id, false, created_at
FROM (
    SELECT *, row_number() OVER (ORDER BY value) - 1 AS nr FROM identities WHERE kind = 'phone'
) AS everybody
"""
_RARE_NAMES = """
UPDATE members SET last_name = 'Веснина'
FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS nr FROM members) AS numbered
WHERE members.id = numbered.id AND numbered.nr %% %s = 0
"""
_RECEIPTS = """
INSERT INTO purchases ({columns})
SELECT {values}
FROM purchases, generate_series(1, %(count)s) AS nr,
    LATERAL (SELECT %(since)s::bigint + nr * %(apart)s::bigint AS micros) AS moment
WHERE external_id = %(pattern)s
"""
_LINES = """
INSERT INTO purchase_lines ({columns})
SELECT {values}
FROM purchase_lines JOIN purchases AS one ON one.id = purchase_id AND one.external_id = %(pattern)s,
    (SELECT id FROM purchases WHERE external_id <> %(pattern)s) AS copy
"""
_PATTERN = "console-0"


@contextmanager
def console_probes(ground: Ground) -> Iterator[list[Probe]]:
    place, options = ground.large(), ground.options
    with hub_web(place.web(options)) as address:
        _furnish(place, address, ground)
        warm(place, ground.tell)
        visit = _log_in(address)
        member = to_wire("m", place.programme.members[3])
        paths: dict[str, str] = dict(_SECTIONS)
        paths |= {f"a member: {view}": f"members/{member}?view={view}" for view in _VIEWS}
        paths |= {
            told: f"members/?q={quote(text)}"
            for told, text in zip(SEARCHES, _SEARCHES.values(), strict=True)
        }
        yield [
            Probe(
                PAGE.format(name),
                partial(_press, visit, f"{address}/admin/p/bench/{path}", name, options.seconds),
                options.seconds / 2,
            )
            for name, path in paths.items()
        ]


def _press(visit: requests.Session, url: str, name: str, seconds: float) -> dict[str, Sample]:
    """Raises: BenchFailed where the page is not there, or is another."""
    times: list[float] = []
    until = time.perf_counter() + seconds / 2
    for turn in range(_WARM + _MOST):
        began = time.perf_counter()
        answer = visit.get(url, timeout=60, allow_redirects=False)
        took = time.perf_counter() - began
        if answer.status_code != 200:
            raise BenchFailed(f"{name}: {answer.status_code}")
        if name in SEARCHES and (_FOUND in answer.text) == (name == SEARCHES[-1]):
            raise BenchFailed(f"{name}: not those who have it")
        if turn >= _WARM:
            times.append(took)
        if len(times) >= _LEAST and time.perf_counter() > until:
            break
    return {PAGE.format(name): times_of(times)}


def _log_in(address: str) -> requests.Session:
    """A browser of the owner's, without its pictures."""
    visit = requests.Session()
    page = visit.get(f"{address}/admin/login", timeout=60)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    form = {"csrf_token": found.group(1), "login": LOGIN, "password": PASSWORD}
    if visit.post(f"{address}/admin/login", form, timeout=60).status_code != 200:
        raise BenchFailed("the owner does not get in")
    return visit


def _furnish(place: Place, address: str, ground: Ground) -> None:
    """An owner, names beside the phones, and receipts: one booked by the hub, and its copies."""
    programme, now = place.programme, place.hub().clock.now()
    with write(place.engine) as connection:
        create_admin(connection, login=LOGIN, password_hash=hash_password(PASSWORD), now=now)
        key = create_key(
            connection, programme_id=programme.id, name="console", scopes=SCOPES, now=now
        )
    body = {key: told for key, told in receipt_of(_PATTERN, 3, now).items() if key != "type"}
    answer = requests.post(
        f"{address}/api/v1/purchases",
        json=body,
        headers={"Authorization": f"Bearer {key.key}"},
        timeout=60,
    )
    if answer.status_code not in (200, 201):
        raise BenchFailed(f"the receipt was not booked: {answer.text}")
    with psycopg.connect(conninfo(place.url)) as raw:
        for kind, form in (("card", "770%s"), ("email", "bench%s@example.org")):
            raw.execute(_NAMES_BESIDE, {"kind": kind, "form": form})
        raw.execute(_RARE_NAMES, [_RARE])
        raw.execute("UPDATE programmes SET timezone = %s", [_zone_of_a_late_hour(now)])
        count = max(_DAYS, len(programme.members) * _DAYS // _A_DAY)
        _copy_receipts(raw, place, count, now)
        raw.commit()
        raw.autocommit = True
        raw.execute("VACUUM ANALYZE")
    # As the scheduler does once a day.
    transact(place.engine, partial(count_members, now=now))
    ground.remark(
        "console",
        f"Console: {len(programme.members):,} members, each with a phone, a card and an e-mail; "
        f"{count:,} receipts of {LINES} lines in {_DAYS} days.",
    )


def _zone_of_a_late_hour(now: datetime) -> str:
    """Where it is past eleven in the evening: the first page sums nearly a whole day."""
    ahead = _LAST_HOUR - now.astimezone(UTC).hour
    # East of Greenwich is below zero in these names.
    return f"Etc/GMT{-(ahead if ahead <= _MOST_AHEAD else ahead - 24):+d}"


def _copy_receipts(
    raw: psycopg.Connection[tuple[object, ...]], place: Place, count: int, now: datetime
) -> None:
    """Copies over the last days, by members in turn; their points are not in the ledger."""
    since = now - timedelta(days=_DAYS)
    apart = timedelta(days=_DAYS) // (count + 1)
    first, members = place.programme.members[0], len(place.programme.members)
    base = first_id_at(since)
    micros = "moment.micros"
    changed = {
        # Milliseconds stand 22 bits up in an id.
        "id": f"{base} + ((nr * %(apart)s::bigint / 1000) << 22) + nr",
        "external_id": "'console-' || nr",
        "member_id": f"{first} + (nr * 7919::bigint) %% {members}",
        "occurred_at": micros,
        "received_at": micros,
    }
    told = {
        "count": count,
        "since": int(since.timestamp() * 1_000_000),
        "apart": int(apart / timedelta(microseconds=1)),
        "pattern": _PATTERN,
    }
    raw.execute(_filled(raw, _RECEIPTS, "purchases", changed), told)  # type: ignore[arg-type]
    lines = _filled(raw, _LINES, "purchase_lines", {"purchase_id": "copy.id"}, "purchase_lines.")
    raw.execute(lines, told)  # type: ignore[arg-type]


def _filled(
    raw: psycopg.Connection[tuple[object, ...]],
    statement: str,
    table: str,
    changed: Mapping[str, str],
    of: str = "",
) -> str:
    """The statement with all columns of the table, and what each gets."""
    found = raw.execute(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = %s",
        [table],
    ).fetchall()
    names = [str(name) for (name,) in found]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changed.get(name, f'{of}"{name}"') for name in names)
    return statement.format(columns=columns, values=values)
