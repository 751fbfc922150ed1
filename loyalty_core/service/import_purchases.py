"""Receipts of another system: a row a line, the rows of one receipt behind each other.

Numbers begin anew in each shop and with each day, so a row of another shop or day is of another
receipt; a cell that is left blank says the same as that of the receipt's first row.

They are history (`history`): they count for tiers, favourites and first purchases, and move no
points.  A receipt with a line that cannot be read, or that contradicts the first one, is left out
whole: a line that came later would not be the same receipt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.import_cells import (
    Wrong,
    amount_of,
    day_of,
    moment_of,
    text_of,
    whole_digits,
)
from loyalty_core.domain.import_columns import MEMBERS, PURCHASES, SIGN
from loyalty_core.service.history import book_history, past_purchase, spent_before
from loyalty_core.service.imports import Ground, Report, Row, ground_of, sources_of
from loyalty_core.service.named_rows import FirstLines, Names, People, names_in
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import MAIN_SHOP
from loyalty_core.service.told_by_shops import Sale, ToldByShops
from loyalty_core.store import programmes, purchases
from loyalty_core.store.database import lock_keys
from loyalty_core.store.event_words import hash_of
from loyalty_core.store.past_sales import BROUGHT_IN
from loyalty_core.store.programmes import Shop
from loyalty_core.store.purchases import KeptPurchase
from loyalty_core.store.scratch import Scratch
from loyalty_kit.events import FiscalSign, Purchase, PurchaseLine
from loyalty_kit.money import UNIT_MILLI, parse_decimal

_WHO = ("member", "phone", "email", "card", "external")
MOST_LINES = 1000
TOO_LONG = "too_many_lines"
"""What is wrong with each row of a receipt that has more."""
_NOBODY = Names(())


@dataclass(frozen=True, slots=True)
class _Receipt:
    """Rows that read well.  `names` without any: a receipt of nobody."""

    numbers: tuple[int, ...]
    names: Names
    shop: Shop
    event: Purchase
    sign: FiscalSign | None

    @property
    def paid_minor(self) -> int:
        return sum(line.paid_minor for line in self.event.lines)


class PurchasesImport:
    """One file of receipts.  `started_at` is when it was begun first."""

    def __init__(  # noqa: PLR0913 - each is a word of its own to the caller
        self,
        plans: PlanCache,
        programme_id: int,
        name: str,
        scratch: Scratch,
        *,
        system: str | None,
        started_at: datetime,
        besides: bool = False,
    ) -> None:
        self._plans = plans
        self._programme_id = programme_id
        self._source = f"{BROUGHT_IN}{name}"
        self._first = FirstLines(scratch)
        self._system = system
        self._started_at = started_at
        self._besides = besides
        self._ground: Ground
        self._shops: Mapping[str, Shop] = {}

    def skim(self, connection: Connection, rows: Sequence[Row], *, now: datetime) -> None:
        self._look_round(connection)
        self._first_ones(self._readable(rows, Report()), Report())

    def take(
        self, connection: Connection, rows: Sequence[Row], *, now: datetime, dry: bool
    ) -> Report:
        self._look_round(connection)
        report = Report()
        receipts = self._first_ones(self._readable(rows, report), report)
        known = self._known(connection, [one.event.external_id for one in receipts], lock=not dry)
        named = [one.names for one in receipts if one.names != _NOBODY]
        people = People(connection, self._programme_id, named, lock=not dry)
        matched = _matched(receipts, people, report)
        sales = [_sale(one, member) for one, member in matched]
        told = ToldByShops(connection, self._programme_id, self._ground.zone, sales)
        counted = self._counted(connection, people)
        fresh: list[KeptPurchase] = []
        for (one, member), sale in zip(matched, sales, strict=True):
            before = known.get(one.event.external_id, ())
            if not before and told.surely(sale):
                _count(report, one, "own")
                continue
            try:
                if before and hash_of(one.event) not in before:
                    raise Wrong("other_receipt")
                if not before:
                    self._check_new(one, counted.get(member or 0), told, sale)
            except Wrong as wrong:
                _reject(report, one.numbers, wrong, one.paid_minor)
                continue
            _count(report, one, "known" if before else "taken")
            if not before:
                shop, event = one.shop, one.event
                fresh.append(
                    past_purchase(self._ground, self._source, shop, event, member, now=now)
                )
        if fresh and not dry:
            book_history(connection, self._ground, fresh, now=now)
        report.bad.sort(key=lambda bad: bad.number)
        return report

    def _check_new(
        self, one: _Receipt, until: datetime | None, told: ToldByShops, sale: Sale
    ) -> None:
        """Raises: Wrong, where it counts already, or probably does."""
        if until is not None and one.event.occurred_at <= until:
            day = until.astimezone(self._ground.zone).date().isoformat()
            raise Wrong("counted_before", day=day)
        if not self._besides and told.probably(sale):
            raise Wrong("own_receipt")

    def _look_round(self, connection: Connection) -> None:
        self._ground = ground_of(connection, self._plans, self._programme_id)
        shops = programmes.all_shops(connection, self._programme_id)
        self._shops = {shop.code: shop for shop in shops}

    def _known(
        self, connection: Connection, numbers: Sequence[str], *, lock: bool
    ) -> Mapping[str, Collection[str]]:
        """What imports have booked under these: hashes by external id.

        `lock`: held until the transaction ends, so that no other import books them meanwhile.
        """
        if lock:
            lock_keys(connection, [f"{BROUGHT_IN}{self._programme_id}/{one}" for one in numbers])
        sources = {self._source}
        if not self._besides:
            sources |= sources_of(connection, self._programme_id, PURCHASES)
        keys = [(self._programme_id, source, one) for source in sources for one in numbers]
        hashes: dict[str, set[str]] = defaultdict(set)
        for (_, _, number), kept in purchases.purchases_by_key(connection, keys).items():
            hashes[number].add(kept.content_hash)
        return hashes

    def _counted(self, connection: Connection, people: People) -> Mapping[int, datetime]:
        """Until when all that they bought is counted already, in one sum that a file of members
        told."""
        if self._besides:
            return {}
        sources = sources_of(connection, self._programme_id, MEMBERS)
        return spent_before(connection, self._programme_id, sources, people.all)

    # --- reading ----------------------------------------------------------------------------

    def _readable(self, rows: Sequence[Row], report: Report) -> list[_Receipt]:
        receipts = []
        for lines in _by_receipt(rows):
            try:
                receipts.append(self._receipt(lines))
            except Wrong as wrong:
                paid = sum(_legible(row) for row in lines)
                _reject(report, [row.number for row in lines], wrong, paid)
        return receipts

    def _first_ones(self, receipts: list[_Receipt], report: Report) -> list[_Receipt]:
        """Without those whose number stands in the file before."""
        wanted = [(one.numbers[0], [one.event.external_id]) for one in receipts]
        taken = self._first.claim(wanted)
        for one in receipts:
            if first := taken.get(one.numbers[0]):
                _reject(report, one.numbers, Wrong("twice", line=str(first)), one.paid_minor)
        return [one for one in receipts if one.numbers[0] not in taken]

    def _receipt(self, rows: Sequence[Row]) -> _Receipt:
        """Raises: Wrong."""
        told = rows[0].told
        for row in rows:
            row.sound()
        number = text_of(told.get("receipt"), "receipt")
        if number is None:
            raise Wrong("no_receipt")
        whole_digits(number, "receipt")
        if len(rows) > MOST_LINES:
            raise Wrong(TOO_LONG)
        shop, at = self._shop(told), self._bought_at(told)
        day = at.astimezone(self._ground.zone).date().isoformat()
        event = Purchase(
            f"{shop.code}/{day}/{number}",
            at,
            tuple(_line(index, row) for index, row in enumerate(rows, 1)),
            currency=self._ground.programme.currency,
            order=number,
            shop=shop.code,
        )
        names = _NOBODY
        if any(text_of(told.get(word), word) for word in _WHO):
            names = names_in(told, self._ground.region, self._system)
        for row in rows[1:]:
            self._hold_against(told, names, at, row)
        return _Receipt(tuple(row.number for row in rows), names, shop, event, _sign(told))

    def _hold_against(self, first: Mapping[str, str], names: Names, at: datetime, row: Row) -> None:
        """Raises: Wrong, where a later row says something else than the first one."""
        other = [word for word in _WHO if row.told.get(word, first.get(word)) != first.get(word)]
        if other:
            own = names_in(row.told, self._ground.region, self._system)
            if not names.tell(own):
                raise Wrong("receipt_differs", column=other[0])
        when = row.told.get("bought_at", first["bought_at"])
        if when != first["bought_at"] and self._bought_at(row.told) != at:
            raise Wrong("receipt_differs", column="bought_at")

    def _shop(self, told: Mapping[str, str]) -> Shop:
        text = text_of(told.get("shop"), "shop") or MAIN_SHOP
        shop = self._shops.get(programmes.fold(text))
        if shop is None:
            raise Wrong("no_shop", shop=text)
        return shop

    def _bought_at(self, told: Mapping[str, str]) -> datetime:
        text = text_of(told.get("bought_at"), "bought_at")
        if text is None:
            raise Wrong("not_day", column="bought_at")
        moment = moment_of(text, "bought_at", self._ground.zone)
        if moment > self._started_at:
            raise Wrong("ahead", column="bought_at")
        return moment


def _matched(
    receipts: Sequence[_Receipt], people: People, report: Report
) -> list[tuple[_Receipt, int | None]]:
    """Whose each is; None: nobody's."""
    matched = []
    for one in receipts:
        try:
            member = None if one.names == _NOBODY else people.known(one.names)
        except Wrong as wrong:
            _reject(report, one.numbers, wrong, one.paid_minor)
            continue
        matched.append((one, member))
    return matched


def _sale(one: _Receipt, member: int | None) -> Sale:
    number = one.event.order
    assert number is not None
    return Sale(number, one.shop.id, member, one.event.occurred_at, one.paid_minor, one.sign)


def _sign(told: Mapping[str, str]) -> FiscalSign | None:
    """None where the row does not tell all of it.  Raises: Wrong."""
    parts = {}
    for word in SIGN:
        part = text_of(told.get(word), word)
        if part is not None:
            whole_digits(part, word)
            if not (part.isascii() and part.isdigit()):
                raise Wrong("not_sign", column=word)
            parts[word] = part
    return FiscalSign(**parts) if len(parts) == len(SIGN) else None


def begins_another(first: Row, last: Row, row: Row) -> bool:
    """Whether a row is of another receipt than those from `first` to `last` before it.

    Of a row whose cells may stand under wrong headings nobody knows whose it is: it goes with
    every neighbour whose number stands in it, so that none is brought in without it.
    """
    number = row.told.get("receipt")
    if row.fault or last.fault:
        told = row if last.fault else first
        place = last if last.fault else row
        if told.told.get("receipt") in place.told.values():
            return False
    if number is None or number != first.told.get("receipt"):
        return True
    if first.fault or row.fault:
        return False
    shop = row.told.get("shop", first.told.get("shop"))
    return shop != first.told.get("shop") or _other_day(first.told, row.told)


def _other_day(first: Mapping[str, str], told: Mapping[str, str]) -> bool:
    """False also where that cannot be read."""
    one, other = first.get("bought_at"), told.get("bought_at")
    if one is None or other is None or one == other:
        return False
    try:
        return day_of(one, "bought_at") != day_of(other, "bought_at")
    except Wrong:
        return False


def _by_receipt(rows: Iterable[Row]) -> Iterator[list[Row]]:
    lines: list[Row] = []
    for row in rows:
        if lines and begins_another(lines[0], lines[-1], row):
            yield lines
            lines = []
        lines.append(row)
    if lines:
        yield lines


def _line(index: int, row: Row) -> PurchaseLine:
    """Raises: Wrong."""
    told = row.told
    paid = amount_of(told.get("paid", ""), "paid")
    if paid < 0:
        raise Wrong("negative", column="paid")
    return PurchaseLine(
        str(index),
        _quantity(text_of(told.get("quantity"), "quantity")),
        paid,
        paid,
        sku=text_of(told.get("sku"), "sku"),
        name=text_of(told.get("goods"), "goods"),
    )


def _quantity(text: str | None) -> int:
    if text is None:
        return UNIT_MILLI
    try:
        milli = parse_decimal(text.replace(",", "."), 3)
    except ValueError:
        raise Wrong("not_amount", column="quantity") from None
    if milli <= 0:
        raise Wrong("not_amount", column="quantity")
    return milli


def _legible(row: Row) -> int:
    try:
        return amount_of(row.sound().get("paid", ""), "paid")
    except Wrong:
        return 0


def _reject(report: Report, numbers: Iterable[int], wrong: Wrong, paid_minor: int) -> None:
    for number in numbers:
        report.reject(number, wrong)
    report.counts["money_in_file"] += paid_minor
    report.counts["money_rejected"] += paid_minor


def _count(report: Report, one: _Receipt, what: str) -> None:
    report.counts[f"{what}_receipts"] += 1
    report.counts[what] += len(one.numbers)
    report.counts["money_in_file"] += one.paid_minor
    report.counts[f"money_{what}"] += one.paid_minor
    if one.names == _NOBODY:
        report.counts["receipts_of_nobody"] += 1
