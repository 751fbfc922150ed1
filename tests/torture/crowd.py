"""A hundred members, and everything at once: several processes of several threads each.

They earn, spend, hold, capture, release, claw back, adjust and expire through the services, in
programme time that goes on while they work; afterwards every lot is held against its own rows.
`python -m tests.torture.crowd --operations 1000000`
"""

from __future__ import annotations

import multiprocessing
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import click
from sqlalchemy import Engine, func, select

from hub.cli.output import print_json, progress_bar
from loyalty_core.domain.errors import HoldCaptured, NotEnoughPoints
from loyalty_core.service.hold_points import PlacedHold
from loyalty_core.service.verify_ledger import rebuild_ledger, verify_ledger
from loyalty_core.store import partitions as store_partitions
from loyalty_core.store.database import make_engine, read, write
from loyalty_core.store.migrate import upgrade
from loyalty_core.store.tables import accounts, entries, entry_lots, holds, lots, purchases
from loyalty_kit.events import Event, Purchase
from tests.support.ledger import NOW, Shop, open_programme, rules
from tests.support.lines import line
from tests.support.servers import NotStarted, start_postgres

MEMBERS = 100
PHONES = tuple(f"+7916555{number:04}" for number in range(MEMBERS))
LIFE_DAYS = 20
OPERATIONS_A_DAY = 250
LEAST_DAYS = 60
"""A run is so long in programme time, so that points expire and open lots do not pile up."""
CHUNK = 500
BATCH = 50
Progress = Callable[[int, int], None]


@dataclass
class Crowd:
    """What was done, by kind, and what was found wrong."""

    operations: int = 0
    seconds: float = 0.0
    processor_s: float = 0.0
    """Of our own processes, without PostgreSQL's."""
    done: Counter[str] = field(default_factory=Counter)
    lots: int = 0
    rows: int = 0
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Work:
    """What one process needs to know; `now` is when its part of the run begins."""

    url: str
    programme_id: int
    seed: int
    number: int
    now: datetime
    operations: int
    threads: int


def crowd(
    engine: Engine,
    operations: int,
    *,
    processes: int = 2,
    threads: int = 4,
    seed: int = 1,
    progress: Progress = lambda done, total: None,
) -> Crowd:
    """So many operations on a migrated database, and the proof."""
    began, told = time.monotonic(), Crowd()
    shop = open_programme(engine, rules(life_days=LIFE_DAYS, activation_days=1))
    shop.tell(*(shop.purchase(f"first-{phone}", 300_00, by=phone) for phone in PHONES))
    told.done["earn"] = MEMBERS
    works = list(_works(shop, operations - MEMBERS, threads, seed))
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_process, work) for work in works]):
            told.done += future.result()
            progress(sum(told.done.values()), operations)
    told.operations = sum(told.done.values())
    told.seconds = round(time.monotonic() - began, 1)
    told.processor_s = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, 1)
    told.findings = list(_check(shop, told))
    return told


def _works(shop: Shop, operations: int, threads: int, seed: int) -> Iterator[Work]:
    days = max(LEAST_DAYS, operations // OPERATIONS_A_DAY)
    url = shop.engine.url.render_as_string(hide_password=False)
    size = min(CHUNK * threads, max(threads, operations // 4))
    for number, first in enumerate(range(0, operations, size)):
        count = min(size, operations - first)
        now = NOW + timedelta(days=days * first / operations)
        yield Work(url, shop.programme_id, seed, number, now, count, threads)


# --- in a process of its own ------------------------------------------------------------------


def _process(work: Work) -> Counter[str]:
    engine = make_engine(work.url)
    try:
        with ThreadPoolExecutor(work.threads) as pool:
            each = [
                work.operations // work.threads + (n < work.operations % work.threads)
                for n in range(work.threads)
            ]
            hands = [_Hand(engine, work, number) for number in range(work.threads)]
            done: Counter[str] = Counter()
            for told in pool.map(_Hand.work, hands, each):
                done += told
            return done
    finally:
        engine.dispose()


class _Hand:
    """One thread: its own purchases, refunds and holds, at anybody's expense."""

    def __init__(self, engine: Engine, work: Work, number: int) -> None:
        self._name = f"{work.number}-{number}"
        self._chance = random.Random(f"{work.seed}/{self._name}")
        now = work.now + timedelta(minutes=self._chance.randint(0, 600))
        self._shop = Shop(engine, work.programme_id, now)
        self._sales: list[Purchase] = []
        self._holds: list[tuple[PlacedHold, str]] = []
        self._made = 0
        self._done: Counter[str] = Counter()
        self._ways: dict[Callable[[], None], int] = {
            self._tells: 12,
            self._holds_points: 16,
            self._releases: 5,
            self._adjusts: 5,
            self._lets_time_pass: 1,
        }

    def work(self, operations: int) -> Counter[str]:
        while (left := operations - sum(self._done.values())) > 0:
            self._shop.now += timedelta(minutes=self._chance.randint(0, 3))
            way = self._chance.choices(list(self._ways), list(self._ways.values()))[0]
            self._tells(left) if way == self._tells else way()
        return self._done

    def _tells(self, most: int = BATCH) -> None:
        """A batch of events of several members."""
        names: list[str] = []
        batch: list[Event] = []
        for _ in range(min(most, self._chance.randint(1, BATCH))):
            name, event = self._event()
            names.append(name)
            batch.append(event)
        self._shop.tell(*batch)
        self._sales += [one for one in batch if isinstance(one, Purchase)]
        self._done.update(names)

    def _event(self) -> tuple[str, Event]:
        drawn = self._chance.random()
        if drawn < 0.25 and self._sales:
            return "claw back", self._refund(self._sales.pop(0))
        if drawn < 0.40 and self._holds:
            hold, phone = self._holds.pop(0)
            return "capture", self._purchase(phone, hold.points, cart=hold.cart)
        phone = self._chance.choice(PHONES)
        if drawn < 0.60:
            return "spend", self._purchase(phone, self._chance.randint(1, 800))
        return "earn", self._purchase(phone, 0)

    def _purchase(self, phone: str, spend: int, **more: Any) -> Purchase:
        amount = max(spend, self._chance.randint(100, 50000))
        at = self._shop.now - timedelta(hours=self._chance.choice([0, 0, 1, 30, 24 * 18]))
        lines = (line("1", amount, spend=spend),)
        return self._shop.purchase(self._fresh("P"), by=phone, at=at, lines=lines, **more)

    def _refund(self, sale: Purchase) -> Event:
        paid = sum(one.paid_minor for one in sale.lines)
        amount = self._chance.choice([paid, paid // 2, paid // 3])
        return self._shop.refund(self._fresh("R"), amount, purchase=sale.external_id)

    def _holds_points(self) -> None:
        phone, cart = self._chance.choice(PHONES), self._fresh("c")
        spend = self._chance.randint(1, 600)
        try:
            placed = self._shop.hold(100_000, by=phone, cart=cart, spend=spend)
        except NotEnoughPoints:
            self._done["hold refused"] += 1
        else:
            self._holds.append((placed, phone))
            self._done["hold"] += 1

    def _releases(self) -> None:
        if not self._holds:
            return
        hold, _ = self._holds.pop(self._chance.randrange(len(self._holds)))
        try:
            self._shop.release(hold)
        except HoldCaptured:
            self._done["release refused"] += 1
        else:
            self._done["release"] += 1

    def _adjusts(self) -> None:
        points = self._chance.choice([500, 200, -100, -300])
        try:
            self._shop.adjust(points, self._fresh("A"), by=self._chance.choice(PHONES))
        except NotEnoughPoints:
            self._done["adjust refused"] += 1
        else:
            self._done["adjust"] += 1

    def _lets_time_pass(self) -> None:
        self._shop.keep_up()
        self._done["expire"] += 1

    def _fresh(self, kind: str) -> str:
        self._made += 1
        return f"{kind}-{self._name}-{self._made}"


# --- the proof --------------------------------------------------------------------------------

_COUNTS = ("free", "held", "expired", "owed")
Stand = dict[tuple[str, int], dict[str, int]]
"""Counts of each lot, by currency and number."""


def _check(shop: Shop, told: Crowd) -> Iterator[str]:
    with read(shop.engine) as connection:
        for finding in verify_ledger(connection):
            yield f"ledger verify: {finding.code} {finding.member} {finding.text}"
        members = list(connection.scalars(select(accounts.c.member_id).distinct()))
        bought = connection.execute(select(func.count()).select_from(purchases)).scalar_one()
        given = connection.execute(
            select(func.count()).select_from(entries).where(entries.c.kind == "adjust")
        ).scalar_one()
    wanted = sum(told.done[name] for name in ("earn", "spend", "capture"))
    if bought != wanted:
        yield f"{bought} purchases are booked, and {wanted} were told"
    if given != told.done["adjust"]:
        yield f"{given} adjustments are booked, and {told.done['adjust']} were made"
    for member in members:
        yield from _check_member(shop, member, told)
    with write(shop.engine) as connection:
        if changed := rebuild_ledger(connection):
            yield f"ledger rebuild changed {changed} accounts"


def _check_member(shop: Shop, member: int, told: Crowd) -> Iterator[str]:
    """Every lot against its rows, in the order of booking, and against the holds."""
    with read(shop.engine) as connection:
        own = connection.execute(select(lots).where(lots.c.member_id == member)).mappings().all()
        moves = connection.execute(
            select(entry_lots)
            .where(entry_lots.c.member_id == member)
            .order_by(entry_lots.c.currency, entry_lots.c.seq, entry_lots.c.line)
        ).mappings()
        live = connection.execute(
            select(holds.c.currency, holds.c.lots).where(
                holds.c.member_id == member, holds.c.state == "live"
            )
        ).all()
    told.lots += len(own)
    amounts = {(lot["currency"], lot["no"]): lot["amount"] for lot in own}
    stand = {key: dict.fromkeys(_COUNTS, 0) for key in amounts}
    for (_, seq), rows in groupby(moves, key=lambda row: (row["currency"], row["seq"])):
        touched = [_move(stand, row) for row in rows]
        told.rows += len(touched)
        for key in set(touched):
            if not _may_stand(stand[key], amounts[key]):
                yield f"lot {key} of {member} cannot be as entry {seq} leaves it"
    held = Counter(dict.fromkeys(amounts, 0))
    for currency, parts in live:
        held.update({(currency, no): size for no, size in parts})
    for lot in own:
        yield from _check_lot(lot, stand, held)


def _check_lot(lot: Any, stand: Stand, held: Counter[tuple[str, int]]) -> Iterator[str]:
    key = (lot["currency"], lot["no"])
    if any(lot[name] != stand[key][name] for name in _COUNTS):
        yield f"lot {key} of {lot['member_id']} is not what its rows come to"
    if lot["held"] != held[key]:
        yield f"lot {key} of {lot['member_id']} holds {lot['held']}, and its holds {held[key]}"


def _move(stand: Stand, row: Any) -> tuple[str, int]:
    key = (row["currency"], row["lot"])
    for name in _COUNTS:
        stand[key][name] += row[f"d_{name}"]
    return key


def _may_stand(counts: dict[str, int], amount: int) -> bool:
    points = counts["free"] + counts["held"] + counts["expired"]
    return min(counts.values()) >= 0 and points <= amount


# --- by hand ----------------------------------------------------------------------------------


@click.command()
@click.option("--operations", default=1_000_000, show_default=True)
@click.option("--processes", default=2, show_default=True)
@click.option("--threads", default=8, show_default=True, help="Of each process.")
@click.option("--seed", default=1, show_default=True)
@click.option("--partitions", default=0, help="Partitions of the ledger; 0: none.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a text for people.")
def main(
    operations: int, processes: int, threads: int, seed: int, partitions: int, as_json: bool
) -> None:
    """Everything at once on a hundred members; exits with 1 if any lot is wrong."""
    try:
        server = start_postgres()
    except NotStarted as error:
        raise click.ClickException(str(error)) from None
    try:
        engine = make_engine(server.url)
        upgrade(engine)
        if partitions:
            with write(engine) as connection:
                store_partitions.partition(connection, partitions)
        with progress_bar("Crowding", "operation") as move:
            told = crowd(
                engine, operations, processes=processes, threads=threads, seed=seed, progress=move
            )
        engine.dispose()
    finally:
        server.stop()
    _tell(told, as_json)
    sys.exit(1 if told.findings else 0)


def _tell(told: Crowd, as_json: bool) -> None:
    document = {**vars(told), "done": dict(told.done)}
    if as_json:
        print_json(document)
        return
    for name, value in document.items():
        if name != "findings":
            click.echo(f"{name.ljust(12)}  {value}")
    for finding in told.findings:
        click.echo(f"WRONG: {finding}")
    if not told.findings:
        click.echo("Every lot is what its rows come to.")


if __name__ == "__main__":
    main()
