"""What the core may raise, sorted by what the caller does next.

* LoyaltyError
  x NotFound            answer 404: there is no such thing, or it is another programme's
    + MemberNotFound  PurchaseNotFound  HoldNotFound  ProgrammeNotFound  ShopNotFound
    + VersionNotFound     of the rule set
    + CouponNotFound  CertificateNotFound  ConfirmationNotFound  ListNotFound  ClubNotFound
    + EventNotFound  ChannelNotFound
    + RewardNotFound  OrderNotFound  PartnerNotFound
    + CardNotFound
    + LetterNotFound
  x Conflict            answer 409: read what stands now, then decide again
    + EventConflict       same external id and revision, other content
    + PriceChanged        the hold would differ from what was expected
    + NotEnoughPoints     ... `wanted`, `available`
    + HoldCaptured        the hold has become a purchase
    + MemberExists        ... `id`
    + KeyReused           one key, two contents: within the ledger
    + IdempotencyConflict one key, two contents: at the door
    + InProgress          the first call with this key is still running
    + ListFillsItself     the hub fills this list, nobody else
    + NoPlaces            all places of the event are taken
    + ConsentConflict     another statement of the same moment is known
    + NoneLeft            the reward has run out
    + RewardLimit         the member has had as many of it as one may
    + OrderHandedOut      the reward was handed out already
    + OrderCancelled      the order was cancelled, its points are back
    + ReceiptTaken        another member has this receipt
    + CertificateClosed   nothing may come onto this certificate; `state` says why
    + NothingToUndo       the movement to be undone is not there
    + ApprovalNeeded      somebody else than the author of the rules must publish them
    + VersionPublished    what was published cannot be published again, but taken back
    + VersionNotPublished ... and what never was cannot be taken back
    + MainCurrencyInUse   members have accounts in the first currency, so it stays the first
    + ImportMoved         somebody else is bringing in the same file
    + ImportKnown         the same file was brought in under another name
  x Rejected            answer 422: the same input will never do; mend it
    + InvalidInput        `errors` names the fields
      - RulesInvalid        ... of the rule set's document
      - GoodsBarred         ... lines whose goods are not for this buyer
    + UnknownShop  WrongCurrency  PhoneImpossible  CodeRequired
    + NoAddress           the member has no address that a code can be sent to
    + CodeRefused         the attempt counts, so what was written of it must stay
      - CodeWrong           ... `attempts_left`
      - CodeOver            no live code for this member and cart, or its attempts are used up
    + NotAvailable        the feature is not there yet
    + ReceiptNotSale      a QR code of something else than a sale
    + ReceiptTooOld       ... `days`: so long a receipt may be registered
    + ReceiptDiffers      its sum or its time is not that of the receipt that the shop reported
    + TooManyReceipts     ... `receipts`, `most`: more than a caller can wait for
    + BeyondCount         more points or money than the books can count
    + NotBookable         the database refuses what this event would write
  x Forbidden           answer 403: ask for another key
    + ShopForbidden  ScopeMissing
  x TooMany             answer 429: not before `retry_after_s`
    + TooManyCodes
  x Busy                answer 503: the same call later may do
    + TryAgain

`code` is stable and public; `facts` are wire-ready values for the sentence that the caller
makes where the language is known.  `str(error)` is code and facts and holds nothing personal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loyalty_kit.money import format_decimal


class LoyaltyError(Exception):
    """Base of all that the core raises on purpose."""

    code = "loyalty_error"

    def __init__(self, facts: Mapping[str, str] | None = None) -> None:
        self.facts: Mapping[str, str] = dict(facts or {})
        super().__init__(self.code, self.facts)

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code} ({told})" if told else self.code


class NotFound(LoyaltyError):
    code = "not_found"


class MemberNotFound(NotFound):
    code = "member_not_found"


class LetterNotFound(NotFound):
    """No letters of this kind, channel or language."""

    code = "letter_not_found"


class PurchaseNotFound(NotFound):
    code = "purchase_not_found"


class HoldNotFound(NotFound):
    code = "hold_not_found"


class ProgrammeNotFound(NotFound):
    code = "programme_not_found"


class ShopNotFound(NotFound):
    code = "shop_not_found"


class VersionNotFound(NotFound):
    code = "version_not_found"


class CouponNotFound(NotFound):
    code = "coupon_not_found"


class CertificateNotFound(NotFound):
    code = "certificate_not_found"


class ListNotFound(NotFound):
    """No list of members' own goods has this code."""

    code = "list_not_found"


class ClubNotFound(NotFound):
    """The rules in force have no such club."""

    code = "club_not_found"


class EventNotFound(NotFound):
    """No club event of this code is open to this member."""

    code = "event_not_found"


class ChannelNotFound(NotFound):
    """The policy of channels does not name it."""

    code = "channel_not_found"


class RewardNotFound(NotFound):
    """No reward of this code is in the catalogue, or none for this member now."""

    code = "reward_not_found"


class OrderNotFound(NotFound):
    code = "order_not_found"


class PartnerNotFound(NotFound):
    code = "partner_not_found"


class CardNotFound(NotFound):
    """The member has no card of the programme's own."""

    code = "card_not_found"


class ConfirmationNotFound(NotFound):
    code = "confirmation_not_found"


class Conflict(LoyaltyError):
    code = "conflict"


class EventConflict(Conflict):
    code = "event_conflict"


class PriceChanged(Conflict):
    code = "price_changed"


class NotEnoughPoints(Conflict):
    """`wanted` and `available` in hundredths of a point."""

    code = "not_enough_points"

    def __init__(self, *, wanted: int, available: int) -> None:
        facts = {"wanted": format_decimal(wanted), "available": format_decimal(available)}
        super().__init__(facts)
        self.wanted = wanted
        self.available = available


class HoldCaptured(Conflict):
    code = "hold_captured"


class MemberExists(Conflict):
    code = "member_exists"


class KeyReused(Conflict):
    code = "key_reused"


class IdempotencyConflict(Conflict):
    code = "idempotency_conflict"


class InProgress(Conflict):
    code = "in_progress"


class ListFillsItself(Conflict):
    """What is in this list is counted from purchases; nobody puts goods into it."""

    code = "list_fills_itself"


class NoPlaces(Conflict):
    code = "no_places"


class ConsentConflict(Conflict):
    """The same yes of the same moment is known with another text or proof."""

    code = "consent_conflict"


class NoneLeft(Conflict):
    code = "none_left"


class RewardLimit(Conflict):
    code = "reward_limit"


class OrderHandedOut(Conflict):
    code = "order_handed_out"


class OrderCancelled(Conflict):
    code = "order_cancelled"


class ReceiptTaken(Conflict):
    code = "receipt_taken"


class CertificateClosed(Conflict):
    code = "certificate_closed"


class NothingToUndo(Conflict):
    code = "nothing_to_undo"


class ApprovalNeeded(Conflict):
    code = "approval_needed"


class VersionPublished(Conflict):
    code = "version_published"


class VersionNotPublished(Conflict):
    code = "version_not_published"


class MainCurrencyInUse(Conflict):
    """`main_currency`: its code."""

    code = "main_currency_in_use"


class TextMoved(Conflict):
    """`version`: of the text that somebody else has written meanwhile."""

    code = "text_moved"


class ImportMoved(Conflict):
    code = "import_moved"


class ImportKnown(Conflict):
    """`name`: under which the file was brought in."""

    code = "import_known"


class Rejected(LoyaltyError):
    code = "rejected"


class InvalidInput(Rejected):
    """`errors` maps the path of a field ("lines.0.amount") to what is wrong with it."""

    code = "validation_failed"

    def __init__(
        self, errors: Mapping[str, Sequence[str]], facts: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(facts)
        self.errors: Mapping[str, list[str]] = {
            path: list(messages) for path, messages in errors.items()
        }

    def __str__(self) -> str:
        return f"{self.code} ({', '.join(self.errors)})"


class RulesInvalid(InvalidInput):
    code = "rules_invalid"


class GoodsBarred(InvalidInput):
    """Goods that are not for this buyer, by line."""

    code = "goods_barred"


class UnknownShop(Rejected):
    code = "unknown_shop"


class WrongCurrency(Rejected):
    code = "wrong_currency"


class PhoneImpossible(Rejected):
    code = "phone_impossible"


class CodeRequired(Rejected):
    code = "code_required"


class NoAddress(Rejected):
    code = "no_address"


class CodeRefused(Rejected):
    """A transaction in which it is raised must commit, or guesses would not count."""


class CodeWrong(CodeRefused):
    code = "code_wrong"


class CodeOver(CodeRefused):
    code = "code_over"


class NotAvailable(Rejected):
    code = "not_available"


class ReceiptNotSale(Rejected):
    code = "receipt_not_sale"


class ReceiptTooOld(Rejected):
    code = "receipt_too_old"


class ReceiptDiffers(Rejected):
    code = "receipt_differs"


class TooManyReceipts(Rejected):
    code = "too_many_receipts"


class BeyondCount(Rejected):
    """Nobody has so many points, or has spent so much: the columns end at 63 bits."""


class NotBookable(Rejected):
    """The database refuses these very values, and will each time."""


class Forbidden(LoyaltyError):
    code = "forbidden"


class ShopForbidden(Forbidden):
    code = "shop_forbidden"


class ChannelForbidden(Forbidden):
    code = "channel_forbidden"


class ScopeMissing(Forbidden):
    code = "scope_missing"


class TooMany(LoyaltyError):
    code = "rate_limited"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__({"retry_after_s": str(retry_after_s)})
        self.retry_after_s = retry_after_s


class TooManyCodes(TooMany):
    code = "too_many_codes"


class Busy(LoyaltyError):
    code = "busy"


class TryAgain(Busy):
    code = "try_again"
