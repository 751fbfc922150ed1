"""What a purchase and its refunds come to: pure arithmetic over lines (`ledger.md` 15, 21).

Money in kopecks, points in hundredths, quantities in thousandths.  Shares are exact fractions,
rounded once, at the very end; so any portions in any order end exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from loyalty_kit.events import PurchaseLine, Refund, RefundLine
from loyalty_kit.frozen import frozen
from loyalty_kit.money import divide, prorate

WHOLE = Fraction(1)


@frozen
class PromisedLine:
    """How a hold priced a line: what a purchase of the same line takes its split from."""

    id: str
    quantity_milli: int
    amount_minor: int
    discount_minor: int
    spend_minor: int

    def matches(self, line: PurchaseLine) -> bool:
        """The same goods for the same money.

        Where the shop tells discount and spend apart, both must be as promised; where it
        cannot, their sum.  A line may be a kopeck cheaper: where prices are kept without tax,
        no price makes some sums (with 20 % none makes 0.03), and the shop takes the next below.
        """
        if (line.quantity_milli, line.amount_minor) != (self.quantity_milli, self.amount_minor):
            return False
        if line.reduction_minor is not None:
            return 0 <= line.reduction_minor - self.discount_minor - self.spend_minor <= 1
        more = (line.discount_minor or 0) - self.discount_minor
        return line.spend_minor == self.spend_minor and 0 <= more <= 1


@frozen
class Returned:
    """What has come back of a purchase: `share` by line, 0 to 1; lines may be left out at 0.

    `over` says that more was given back than was paid (`over_refund`), `unknown` that a refund
    names a line that the purchase does not have (`unknown_line`): that line moves nothing.
    """

    share: Mapping[str, Fraction]
    quantity_milli: Mapping[str, int]
    money_minor: Mapping[str, int]
    over: bool = False
    unknown: bool = False


NOTHING_BACK = Returned({}, {}, {})


def split_reductions(
    lines: Sequence[PurchaseLine],
    promised: Mapping[str, PromisedLine],
    spend_minor: int | None,
) -> tuple[PurchaseLine, ...]:
    """Lines with discount and spend told apart (`ledger.md` 15).

    A line equal to the hold's takes its split; over the others the rest of `spend_minor`
    (money paid with points; None: nothing was) is allotted by largest remainder within each
    line's reduction.
    """
    open_lines = [line for line in lines if line.reduction_minor is not None]
    if not open_lines:
        return tuple(lines)
    spend_by_line = {
        line.id: promised[line.id].spend_minor
        for line in open_lines
        if line.id in promised and promised[line.id].matches(line)
    }
    rest = [line for line in open_lines if line.id not in spend_by_line]
    told = sum(line.spend_minor or 0 for line in lines)
    left = max(0, (spend_minor or 0) - told - sum(spend_by_line.values()))
    room = [line.reduction_minor or 0 for line in rest]
    parts = prorate(min(left, sum(room)), room)
    spend_by_line |= {line.id: part for line, part in zip(rest, parts, strict=True)}
    return tuple(_split(line, spend_by_line.get(line.id)) for line in lines)


def _split(line: PurchaseLine, spend_minor: int | None) -> PurchaseLine:
    if line.reduction_minor is None or spend_minor is None:
        return line
    return replace(
        line,
        reduction_minor=None,
        discount_minor=line.reduction_minor - spend_minor,
        spend_minor=spend_minor,
    )


def returned(lines: Sequence[PurchaseLine], refunds: Sequence[Refund]) -> Returned:
    """What these refunds brought back of these lines, whatever order they are given in.

    A refund line's share is by quantity, or by money where the quantity is 0 or unknown, or the
    whole where none was paid; money without lines is spread over what is still paid.  When all
    money is back everything is.
    """
    if not refunds:
        return NOTHING_BACK
    tally = _Tally(lines)
    for refund in sorted(refunds, key=lambda refund: (refund.occurred_at, refund.external_id)):
        tally.take(refund)
    return tally.result()


class _Tally:
    def __init__(self, lines: Sequence[PurchaseLine]) -> None:
        self._lines = {line.id: line for line in lines}
        self._share = dict.fromkeys(self._lines, Fraction(0))
        self._whole: set[str] = set()
        self._quantity = dict.fromkeys(self._lines, 0)
        self._money = dict.fromkeys(self._lines, 0)
        self._paid = sum(line.paid_minor for line in lines)
        self._back = 0
        self._slack = 0
        self._over = False
        self._unlisted = False
        self._unknown = False

    def take(self, refund: Refund) -> None:
        self._back += refund.amount_minor
        self._unlisted |= not refund.lines
        by_line = 0
        for part in refund.lines:
            by_line += part.paid_back_minor
            self._slack += 1
            self._take_part(part)
        self._spread(refund.amount_minor - by_line)

    def _take_part(self, part: RefundLine) -> None:
        """Of an article that several lines sold, one part may bring back more than one of them."""
        lines = self._lines_of(part.id, part.sku)
        if not lines:
            self._unknown = True
            return
        quantity, money = part.quantity_milli or 0, part.paid_back_minor
        *others, last = lines
        for line in others:
            room = line.quantity_milli - self._quantity[line.id]
            if quantity <= room:
                last = line
                break
            own = min(money, line.paid_minor - self._money[line.id])
            self._take_line(line, room, own)
            quantity, money = quantity - room, money - own
        self._take_line(last, quantity, money)

    def result(self) -> Returned:
        over = self._over or self._back > self._paid + self._slack
        if self._all_money() or all(share >= WHOLE for share in self._share.values()):
            whole = {name: line.quantity_milli for name, line in self._lines.items()}
            money = {name: line.paid_minor for name, line in self._lines.items()}
            share = dict.fromkeys(self._lines, WHOLE)
            return Returned(share, whole, money, over, self._unknown)
        # A line whose money is back is back, also where nobody told of pieces.
        quantity = {
            name: line.quantity_milli if self._share[name] >= WHOLE else self._quantity[name]
            for name, line in self._lines.items()
        }
        return Returned(self._share, quantity, self._money, over, self._unknown)

    def _all_money(self) -> bool:
        """Counted line by line: a second report of one line's return brings no other line back.

        Shops round the parts of a line's price, so each told part may be a kopeck off.
        """
        left = self._paid - sum(self._money.values())
        if not self._paid:
            return self._unlisted
        return left <= 0 or (self._back >= self._paid and left <= self._slack)

    def _lines_of(self, line_id: str | None, sku: str | None) -> list[PurchaseLine]:
        """The line of this id; else those of the article of which not all is back, or any."""
        if line_id is not None:
            return [self._lines[line_id]] if line_id in self._lines else []
        if sku is None:
            return []
        same = [line for line in self._lines.values() if line.sku == sku]
        return [line for line in same if line.id not in self._whole] or same[:1]

    def _take_line(self, line: PurchaseLine, quantity_milli: int, paid_back_minor: int) -> None:
        if quantity_milli and line.quantity_milli:
            share = Fraction(quantity_milli, line.quantity_milli)
        elif line.paid_minor:
            share = Fraction(paid_back_minor, line.paid_minor)
        else:
            share = WHOLE
        self._add(line, share, paid_back_minor)
        self._quantity[line.id] = min(line.quantity_milli, self._quantity[line.id] + quantity_milli)

    def _add(self, line: PurchaseLine, share: Fraction, money_minor: int) -> None:
        """Clamped to what there was: a refund may exceed its article's price by a kopeck."""
        money = self._money[line.id] + money_minor
        self._over |= money > line.paid_minor + self._slack
        self._share[line.id] = min(WHOLE, self._share[line.id] + share)
        if self._share[line.id] == WHOLE:
            self._whole.add(line.id)
        self._money[line.id] = min(line.paid_minor, money)

    def _spread(self, money_minor: int) -> None:
        left = [line.paid_minor - self._money[name] for name, line in self._lines.items()]
        parts = prorate(max(0, min(money_minor, sum(left))), left)
        for line, part in zip(self._lines.values(), parts, strict=True):
            if part:
                self._add(line, Fraction(part, line.paid_minor), part)


def points_back(by_line: Mapping[str, int], share: Mapping[str, Fraction]) -> int:
    """Of points that belong to lines, those that go with what came back: rounded once."""
    if not share:
        return 0
    parts = [points * share[name] for name, points in by_line.items() if share.get(name)]
    total = sum(parts, Fraction(0))
    return divide(total.numerator, total.denominator, "half_up")
