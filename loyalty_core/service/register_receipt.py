"""A member registers a purchase by the QR code of its fiscal receipt (X16).

The shop's own receipt, known by its fiscal sign, becomes the member's as any purchase that is
attached later (`ledger.md` 12).  One that the shop has not reported yet waits for it: only the
shop says what was bought.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.errors import (
    MemberNotFound,
    ProgrammeNotFound,
    ReceiptDiffers,
    ReceiptNotSale,
    ReceiptTaken,
    ReceiptTooOld,
)
from loyalty_core.domain.fiscal_qr import SALE, FiscalQr
from loyalty_core.service.booking import Booked, Moved
from loyalty_core.service.event_batch import FUTURE_LIMIT, EventBatch, without_customer
from loyalty_core.service.identify import Found
from loyalty_core.service.known_events import Told, lock_name_of, lock_names
from loyalty_core.service.members import member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.receipt_claims import is_same
from loyalty_core.service.receipts import EventReceipt, kept_receipt, receipt_of
from loyalty_core.service.record_purchase import attach_purchase
from loyalty_core.service.source import Source
from loyalty_core.service.write_letters import Earned, tell_earned
from loyalty_core.store import members, programmes, purchases
from loyalty_core.store import receipt_claims as store
from loyalty_core.store.database import lock_keys
from loyalty_core.store.ids import to_wire
from loyalty_core.store.programmes import Programme
from loyalty_core.store.purchases import KeptPurchase
from loyalty_core.store.receipt_claims import Claim
from loyalty_kit.events import FiscalSign

WAITING = "waiting"


def register_receipt(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    qr: FiscalQr,
    *,
    now: datetime,
) -> EventReceipt:
    """The purchase becomes the member's; where the shop has not reported it, the claim waits.

    The same receipt again gives the same answer.

    Raises: MemberNotFound, ReceiptNotSale, ReceiptTooOld, ReceiptTaken (another member's),
    ReceiptDiffers (what the code says is not what the shop reported).
    """
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    number = member_row(connection, programme_id, member_id)["id"]
    bought_at = qr.at.replace(tzinfo=ZoneInfo(programme.timezone))
    _check(connection, plans, programme, qr, bought_at, now)
    known = _locked(connection, programme_id, qr.sign)
    member = _hold_people(connection, programme_id, number, qr.sign, known)
    if member is None:
        raise MemberNotFound
    claim = Claim(qr.sign, member, store.WAITING, bought_at, qr.sum_minor, known, now)
    fresh = store.add_claim(connection, programme_id, claim)
    if not fresh:
        _check_own(connection, programme_id, claim)
    if known is None:
        return replace(receipt_of("", WAITING, to_wire("m", member), Moved()), created=fresh)
    return _attach(connection, plans, programme, claim, member, now)


def _locked(connection: Connection, programme_id: int, sign: FiscalSign) -> int | None:
    """The purchase that bears the sign, if it has come.  It is held, with all that names it.

    One call takes all of it, in the order in which whoever books it does.
    """
    found = purchases.purchases_by_fiscal(connection, programme_id, [sign])
    kept = purchases.purchases_by_id(connection, found.values())
    links = {one.linked_to for one in kept.values()} - {None}
    kept |= purchases.purchases_by_id(connection, [link for link in links if link is not None])
    names = [lock_name_of(programme_id, sign)]
    for one in kept.values():
        names += lock_names(programme_id, one.source, one.event)
    lock_keys(connection, names)
    return purchases.purchases_by_fiscal(connection, programme_id, [sign]).get(sign)


def _hold_people(
    connection: Connection, programme_id: int, number: int, sign: FiscalSign, known: int | None
) -> int | None:
    """Who this member is by now; held, with whoever else may own the receipt."""
    claims = store.claims_of_signs(connection, programme_id, [sign]).values()
    found = purchases.purchases_by_id(connection, [] if known is None else [known])
    links = [one.linked_to for one in found.values() if one.linked_to is not None]
    found |= purchases.purchases_by_id(connection, links)
    owners = [one.member_id for one in claims] + [one.member_id for one in found.values()]
    ids = {number, *(owner for owner in owners if owner is not None)}
    return members.lock_survivors(connection, programme_id, ids)[number]


def _check(  # noqa: PLR0913 - each is a word of its own
    connection: Connection,
    plans: PlanCache,
    programme: Programme,
    qr: FiscalQr,
    bought_at: datetime,
    now: datetime,
) -> None:
    if qr.kind != SALE:
        raise ReceiptNotSale
    rules = plans.get(connection, programme.id, programme.rules_version).rules
    days = rules.policies.receipt_days
    if now - bought_at > timedelta(days=days):
        raise ReceiptTooOld({"days": str(days)})
    if bought_at - now > FUTURE_LIMIT:
        raise ReceiptDiffers


def _check_own(connection: Connection, programme_id: int, claim: Claim) -> None:
    """Raises: ReceiptTaken, ReceiptDiffers, of a receipt that somebody has registered already.

    A word that turned out to be wrong keeps nobody from registering the receipt.
    """
    (found,) = store.claims_of_signs(connection, programme_id, [claim.sign]).values()
    if found.state == store.REFUSED:
        return
    owner = members.survivors(connection, programme_id, [found.member_id])[found.member_id]
    if owner != claim.member_id:
        raise ReceiptTaken
    if found.sum_minor != claim.sum_minor:
        raise ReceiptDiffers


def _attach(  # noqa: PLR0913 - each is a word of its own
    connection: Connection,
    plans: PlanCache,
    programme: Programme,
    claim: Claim,
    member: int,
    now: datetime,
) -> EventReceipt:
    kept = _purchase(connection, claim)
    if not is_same(claim, kept):
        raise ReceiptDiffers
    source = Source(
        programme.id,
        kept.source,
        default_shop=programmes.shop_code(connection, kept.shop_id),
        lenient=True,
    )
    told = Told(source, without_customer(kept.event), kept.content_hash, Found(member))
    batch = EventBatch(connection, plans, programme.id, now)
    batch.admit_again(told)
    kept = batch.known.main_of(batch.known.purchases[kept.key])
    owner = batch.survivor(kept.member_id)
    if kept.member_id is not None and owner != member:
        raise ReceiptTaken
    booked = replace(claim, state=store.BOOKED, purchase_id=kept.id)
    store.keep_claim(connection, programme.id, booked)
    if owner == member:
        return kept_receipt(to_wire("p", kept.id), Booked.of(kept).answer)
    receipt = attach_purchase(batch, told)
    batch.write()
    if receipt.member is not None:
        points, at = receipt.points["earned"], kept.event.occurred_at
        earned = Earned(receipt.id, receipt.member, points, at)
        tell_earned(connection, programme.id, [earned], now=now)
    return receipt


def _purchase(connection: Connection, claim: Claim) -> KeptPurchase:
    """The purchase that counts, where one was seen twice (`ledger.md` 24)."""
    assert claim.purchase_id is not None
    kept = purchases.purchases_by_id(connection, [claim.purchase_id])[claim.purchase_id]
    while kept.linked_to is not None:
        kept = purchases.purchases_by_id(connection, [kept.linked_to])[kept.linked_to]
    purchases.load_lines(connection, [kept])
    return kept
