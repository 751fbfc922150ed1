"""Words for states and kinds, with the colour that goes with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.deliveries import DeliveryView
from hub.web.admin.languages import gettext, language, lazy_gettext, ngettext
from hub.web.sentences import detail


@dataclass(frozen=True, slots=True)
class State:
    """`tone` is a class of our style sheet: good, idle, wait, bad."""

    text: str
    tone: str


def state(states: Mapping[str, State], code: str) -> State:
    """A state that is new here is shown by its code rather than not at all."""
    return states.get(code) or State(code, "idle")


CONNECTION: Mapping[str, State] = {
    "active": State(lazy_gettext("Working"), "good"),
    "paused": State(lazy_gettext("Paused"), "idle"),
    "attention": State(lazy_gettext("Needs attention"), "bad"),
}
REMOTE_WEBHOOK: Mapping[str, State] = {
    "working": State(lazy_gettext("On"), "good"),
    "disabled": State(lazy_gettext("Switched off"), "bad"),
    "missing": State(lazy_gettext("Missing"), "bad"),
}
TERMINAL: Mapping[str, State] = {
    "reports": State(lazy_gettext("Reports"), "good"),
    "silent": State(lazy_gettext("Silent for days"), "bad"),
    "never": State(lazy_gettext("No receipt yet"), "idle"),
}
AT_THE_TILL: Mapping[str, str] = {
    "admin": lazy_gettext("Administrator of the till"),
    "cashier": lazy_gettext("Cashier"),
}
BACKFILL: Mapping[str, State] = {
    "counting": State(lazy_gettext("Counting"), "wait"),
    "booking": State(lazy_gettext("Underway"), "wait"),
    "counted": State(lazy_gettext("Counted"), "good"),
    "done": State(lazy_gettext("Done"), "good"),
    "stopped": State(lazy_gettext("Stopped"), "idle"),
}
UPLOAD: Mapping[str, str] = {
    "products": lazy_gettext("Catalogue"),
    "coupons": lazy_gettext("Coupons"),
    "certificates": lazy_gettext("Certificates"),
    "members": lazy_gettext("Members"),
    "balances": lazy_gettext("Balances"),
    "purchases": lazy_gettext("Receipts of before"),
}
LOST_REFUND: Mapping[str, State] = {
    "waiting": State(lazy_gettext("Waits for its purchase"), "wait"),
    "listed": State(lazy_gettext("For a person"), "bad"),
}
NAME_KIND: Mapping[str, str] = {
    "external": lazy_gettext("the shop's account"),
    "card": lazy_gettext("a card"),
    "phone": lazy_gettext("a phone"),
    "email": lazy_gettext("an e-mail"),
}
DELIVERY: Mapping[str, State] = {
    "due": State(lazy_gettext("Waiting"), "wait"),
    "done": State(lazy_gettext("Booked"), "good"),
    "dropped": State(lazy_gettext("Not for us"), "idle"),
    "dead": State(lazy_gettext("Failed"), "bad"),
}
PURCHASE: Mapping[str, State] = {
    "open": State(lazy_gettext("Not paid yet"), "wait"),
    "paid": State(lazy_gettext("Paid"), "good"),
    "cancelled": State(lazy_gettext("Cancelled"), "idle"),
}
MEMBER: Mapping[str, State] = {
    "active": State(lazy_gettext("Active"), "good"),
    "unconfirmed": State(lazy_gettext("Not confirmed"), "wait"),
    "merged": State(lazy_gettext("Merged into another"), "idle"),
    "erased": State(lazy_gettext("Erased"), "idle"),
}
PURPOSE: Mapping[str, str] = {
    "processing": lazy_gettext("Processing of personal data"),
    "advertising": lazy_gettext("Advertising"),
    "third_parties": lazy_gettext("Handing data to others"),
}
CONSENT: Mapping[bool, State] = {
    True: State(lazy_gettext("Given"), "good"),
    False: State(lazy_gettext("Refused"), "idle"),
}
PLACE: Mapping[str, str] = {
    "site": lazy_gettext("on the site"),
    "app": lazy_gettext("in the app"),
    "shop": lazy_gettext("in the shop"),
    "call": lazy_gettext("in a call"),
    "letter": lazy_gettext("in a letter"),
    "bot": lazy_gettext("in a bot"),
}
WAY: Mapping[str | None, str] = {
    "checkbox": lazy_gettext("ticked a box"),
    "code": lazy_gettext("entered a code"),
    "paper": lazy_gettext("signed"),
    "reply": lazy_gettext("answered a message"),
    "call": lazy_gettext("said it in a recorded call"),
    "link": lazy_gettext("by the link of a message"),
    "one_click": lazy_gettext("by the button of a mail program"),
    "with_processing": lazy_gettext("with the consent to processing"),
    None: "",
}
ENTRY: Mapping[str, str] = {
    "earn": lazy_gettext("Earned"),
    "activate": lazy_gettext("Became spendable"),
    "hold": lazy_gettext("Set aside"),
    "capture": lazy_gettext("Spent, set aside before"),
    "release": lazy_gettext("Set free again"),
    "spend": lazy_gettext("Spent"),
    "give_back": lazy_gettext("Given back for a return"),
    "claw_back": lazy_gettext("Taken back for a return"),
    "expire": lazy_gettext("Expired"),
    "adjust": lazy_gettext("Adjusted by hand"),
    "transfer": lazy_gettext("Moved from another member"),
    "forgive": lazy_gettext("Debt forgiven"),
}
REASON: Mapping[str, str] = {"reward": lazy_gettext("For a reward")}
"""Reasons that the hub itself writes; those of people are shown as they wrote them."""
FIGURE: Mapping[str, str] = {
    "available": lazy_gettext("available"),
    "pending": lazy_gettext("pending"),
    "held": lazy_gettext("set aside"),
    "debt": lazy_gettext("debt"),
}
MESSAGE: Mapping[str, State] = {
    "sent": State(lazy_gettext("Sent"), "good"),
    "delivered": State(lazy_gettext("Delivered"), "good"),
    "failed": State(lazy_gettext("Not delivered"), "bad"),
}
NOT_SENT: Mapping[str, str] = {
    "paused": lazy_gettext("The connection was paused for too long"),
    "message_late": lazy_gettext("Its time was over"),
    "no_way": lazy_gettext("No address or no connection"),
    "undeliverable": lazy_gettext("The gateway refuses it"),
    "not_delivered": lazy_gettext("The gateway could not deliver it"),
    "not_answered": lazy_gettext("The gateway did not say whether it took it"),
    "letter_broken": lazy_gettext("Its text cannot be filled in"),
}
SWITCH: Mapping[str, State] = {
    "on": State(lazy_gettext("On"), "good"),
    "off": State(lazy_gettext("Off"), "idle"),
}
MESSAGE_KIND: Mapping[str, str] = {
    "welcome": lazy_gettext("Welcome to the programme"),
    "points_earned": lazy_gettext("Points earned"),
    "points_expire": lazy_gettext("Points about to expire"),
    "birthday": lazy_gettext("Birthday"),
    "tier_up": lazy_gettext("A higher tier"),
    "tier_warning": lazy_gettext("A tier about to be lost"),
    "code": lazy_gettext("Confirmation code"),
    "test": lazy_gettext("Test"),
}
MESSAGE_CHANNEL: Mapping[str, str] = {"email": lazy_gettext("E-mail"), "sms": "SMS"}
POLICY: Mapping[str, str] = {
    "allowed": lazy_gettext("All, with consent"),
    "service_only": lazy_gettext("No advertising"),
    "forbidden": lazy_gettext("Nothing"),
}
MESSAGE_CLASS: Mapping[str, str] = {
    "service": lazy_gettext("Service"),
    "advertising": lazy_gettext("Advertising: to those who agreed"),
}
RECEIPT: Mapping[str, State] = {
    "booked": State(lazy_gettext("Booked"), "good"),
    "superseded": State(lazy_gettext("Known already"), "idle"),
    "waiting": State(lazy_gettext("Waits for its purchase"), "wait"),
    "open": State(lazy_gettext("Not paid yet"), "wait"),
    "cancelled": State(lazy_gettext("Cancelled"), "idle"),
}
CAPABILITY: dict[str, str] = {
    "webhook": lazy_gettext("Receipts by webhook"),
    "fetch": lazy_gettext("Reads each order itself"),
    "pull": lazy_gettext("Looks for missed orders"),
    "catalogue": lazy_gettext("Imports the catalogue"),
    "protocol": lazy_gettext("Speaks the vendor's loyalty protocol"),
    "push_balance": lazy_gettext("Shows balances in the shop"),
    "push_discounts": lazy_gettext("Makes coupons of the programme in the shop"),
    "message": lazy_gettext("Sends messages"),
    "receipts": lazy_gettext("Finds receipts by their QR code"),
    "report": lazy_gettext("Tells what became of messages"),
    "shop_webhooks": lazy_gettext("Looks after the shop's webhooks"),
    "companion": lazy_gettext("Has a part for the shop's own side, paired by one code"),
    "frame": lazy_gettext("Has a page inside the vendor's own"),
    "check": lazy_gettext("Can be tested"),
}
GATEWAY_CAPABILITY: dict[str, str] = {"fetch": "", "pull": lazy_gettext("Takes answers")}
"""Of a gateway of messages, which has no orders to read."""
TROUBLE: Mapping[str, str] = {
    "retry": lazy_gettext("The shop does not answer now"),
    "rate_limited": lazy_gettext("The shop asks for a pause"),
    "remote_unavailable": lazy_gettext("The shop does not answer"),
    "credentials_rejected": lazy_gettext("The shop does not accept the key"),
    "install_again": lazy_gettext("The application must be installed in the shop again"),
    "out_of_money": lazy_gettext("The account at the vendor is empty"),
    "payload_invalid": lazy_gettext("The shop sends what the hub cannot read"),
    "remote_misconfigured": lazy_gettext("The shop answers, but not as it should"),
    "needs_attention": lazy_gettext("This connection needs attention"),
    "not_live": lazy_gettext("The connection cannot be used"),
    "balances_refused": lazy_gettext("The shop does not take members' balances"),
    "coupons_refused": lazy_gettext("The shop does not take coupons of the programme"),
    "code_taken": lazy_gettext("The shop has a coupon of its own under this code"),
    "not_possible": lazy_gettext("The shop cannot have this coupon"),
    "coupon_without_address": lazy_gettext(
        "It is for one member, of whom neither the shop's account nor an e-mail is known"
    ),
    "defect": lazy_gettext("The connector itself failed"),
    "gone": lazy_gettext("The shop does not have it any more"),
    "signature_invalid": lazy_gettext("The call does not prove where it comes from"),
    "unreadable": lazy_gettext("The call cannot be read"),
    "soap_fault": lazy_gettext("The shop answers with an error"),
    "address_refused": lazy_gettext("The hub may not call this address"),
    "connector_error": lazy_gettext("The connector could not do it"),
    "refused": lazy_gettext("The call was refused"),
    "drop": lazy_gettext("Nothing that the hub needs"),
    "acknowledged": lazy_gettext("Nothing that the hub needs"),
    "not_ours": lazy_gettext("A kind of message that the hub does not need"),
}

NOT_IN_SHOPS: Mapping[str, str] = {
    "no_promotion": lazy_gettext("No promotion asks for this series"),
    "several_promotions": lazy_gettext("Several promotions ask for this series"),
    "not_a_discount": lazy_gettext(
        "It gives something else than a percent or a sum off the receipt"
    ),
    "some_goods": lazy_gettext("It is not for all goods"),
    "condition": lazy_gettext("Its promotion has a condition"),
    "limits": lazy_gettext("Its promotion has a budget or limits"),
    "least_prices": lazy_gettext(
        "The programme has goods with a least price, which a coupon of the shop does not know"
    ),
}
"""Why coupons of a series cannot be coupons of a shop."""


def trouble(code: str | None) -> str:
    """What is wrong, in the language of the page; a connector's own text is in its own."""
    known = TROUBLE.get(code or "")
    return str(known) if known else detail(code or "", language())


def not_sent(code: str) -> str:
    """Why a message has not arrived."""
    return str(NOT_SENT[code]) if code in NOT_SENT else trouble(code)


def delivery_title(delivery: DeliveryView) -> str:
    """What a delivery brought, once that is known; before, by which door it came."""
    result = delivery.result or {}
    receipts = result.get("receipts") or []
    if receipts:
        return ", ".join(receipt_title(receipt) for receipt in receipts)
    if result.get("products"):
        return ngettext("%(num)d product", "%(num)d products", result["products"])
    if result.get("customers"):
        return gettext("A customer's record")
    if result.get("unchanged"):
        return gettext("An order without changes")
    if delivery.hook.startswith("@"):
        return gettext("Found by asking the shop")
    return gettext("Webhook %(name)s", name=delivery.hook)


def receipt_title(receipt: Mapping[str, str]) -> str:
    """A receipt by its number in the shop."""
    number = receipt["external_id"]
    if receipt["type"] == "refund":
        return gettext("Refund %(number)s", number=number)
    return gettext("Purchase %(number)s", number=number)


CUSTOMER: Mapping[str, State] = {
    "enrolled": State(lazy_gettext("New member"), "good"),
    "filled": State(lazy_gettext("Filled in"), "good"),
    "known": State(lazy_gettext("Nothing new"), "idle"),
    "unknown": State(lazy_gettext("No member"), "idle"),
}
"""What came of a customer's record."""
COUPON: Mapping[str, State] = {
    "active": State(lazy_gettext("Can be used"), "good"),
    "used": State(lazy_gettext("Used"), "idle"),
    "expired": State(lazy_gettext("Out of date"), "idle"),
    "blocked": State(lazy_gettext("Blocked"), "bad"),
    "withdrawn": State(lazy_gettext("Withdrawn"), "idle"),
}
CERTIFICATE: Mapping[str, State] = {
    "issued": State(lazy_gettext("Not sold yet"), "wait"),
    "active": State(lazy_gettext("Can be paid with"), "good"),
    "spent": State(lazy_gettext("Spent"), "idle"),
    "expired": State(lazy_gettext("Out of date"), "idle"),
    "blocked": State(lazy_gettext("Blocked"), "bad"),
    "void": State(lazy_gettext("Money given back"), "idle"),
}
MOVE: Mapping[str, str] = {
    "activate": lazy_gettext("Money came onto it"),
    "top_up": lazy_gettext("Topped up"),
    "reserve": lazy_gettext("Set aside for a purchase"),
    "release": lazy_gettext("Set free again"),
    "pay": lazy_gettext("Paid with"),
    "give_back": lazy_gettext("Given back for a return"),
    "expire": lazy_gettext("Out of date"),
    "void": lazy_gettext("Its money was given back"),
}
ORDER: Mapping[str, State] = {
    "ordered": State(lazy_gettext("To be handed out"), "wait"),
    "handed_out": State(lazy_gettext("Handed out"), "good"),
    "cancelled": State(lazy_gettext("Cancelled"), "idle"),
}
REWARD: Mapping[str, str] = {
    "gift": lazy_gettext("Gift"),
    "privilege": lazy_gettext("Privilege"),
    "service": lazy_gettext("A service"),
}
_CLASS: Mapping[str, str] = {
    "general": lazy_gettext("General goods"),
    "tobacco": lazy_gettext("Tobacco"),
    "alcohol": lazy_gettext("Alcohol"),
    "medicine": lazy_gettext("Medicines"),
}
TIER_BY: Mapping[str, str] = {
    "spent": lazy_gettext("by sums of purchases"),
    "points": lazy_gettext("by points earned"),
    "purchases": lazy_gettext("by the number of purchases"),
    "actions": lazy_gettext("by actions"),
}


def legal_class(code: str) -> str:
    """A class of goods; one of the shop's own is shown as it is written."""
    return str(_CLASS.get(code.casefold(), code))


ROLE: Mapping[str, str] = {
    "owner": lazy_gettext("Owner"),
    "marketer": lazy_gettext("Marketer"),
    "support": lazy_gettext("Support"),
    "cashier": lazy_gettext("Cashier"),
    "viewer": lazy_gettext("Reader"),
}
ROLE_MAY: Mapping[str, str] = {
    "owner": lazy_gettext("everything, people and keys too"),
    "marketer": lazy_gettext(
        "sees the programme and members, writes messages and drafts of the rules, makes coupons,"
        " keeps catalogue and stock"
    ),
    "support": lazy_gettext(
        "sees all of that, moves points, sets what is a member's own, merges members, blocks codes,"
        " works off what is odd"
    ),
    "cashier": lazy_gettext(
        "finds members, hands out rewards, sells and takes back on the cashier page"
    ),
    "viewer": lazy_gettext("sees the programme and members, changes nothing"),
}
SCOPE: Mapping[str, str] = {
    "checkout": lazy_gettext("Checkout: quotes and holds"),
    "events": lazy_gettext("Events: purchases and refunds"),
    "members": lazy_gettext("Members: enrol, find, consents"),
    "admin": lazy_gettext("Administration: points, rules, erasure"),
}
AUTHOR: Mapping[str, str] = {
    "command line": lazy_gettext("command line"),
    "hub": lazy_gettext("the hub itself"),
    "pairing": lazy_gettext("the code of a shop that was connected"),
}
"""Authors who are no person."""


def author(code: str) -> str:
    """An author as people say it: a login by itself, a key of the API as one."""
    kind, _, name = code.partition(":")
    if kind == "admin" and name:
        return name
    if kind == "key" and name:
        return gettext("API key “%(name)s”", name=name)
    return str(AUTHOR.get(code, code))


ACTION: Mapping[str, str] = {
    "points_moved": lazy_gettext("Points by hand"),
    "points_refused": lazy_gettext("Points by hand refused: over the limit"),
    "members_merged": lazy_gettext("Members merged"),
    "purchases_parted": lazy_gettext("Records of a purchase parted"),
    "purchases_joined": lazy_gettext("Records of a purchase joined"),
    "connections_linked": lazy_gettext("Connections linked"),
    "connections_unlinked": lazy_gettext("Link of connections taken back"),
    "member_exported": lazy_gettext("Member's data handed out"),
    "member_erased": lazy_gettext("Member erased"),
    "reward_chosen": lazy_gettext("Member's form of reward"),
    "own_goods_changed": lazy_gettext("Member's own goods"),
    "note_written": lazy_gettext("Note on a member"),
    "note_removed": lazy_gettext("Note on a member removed"),
    "looked_at": lazy_gettext("Looked at"),
    "put_back": lazy_gettext("Put back on the list"),
    "coupon_lot_made": lazy_gettext("Lot of coupons"),
    "coupon_lot_blocked": lazy_gettext("Lot of coupons blocked or let"),
    "coupon_blocked": lazy_gettext("Coupon blocked or let"),
    "coupons_exported": lazy_gettext("Codes of coupons taken out"),
    "certificate_lot_made": lazy_gettext("Lot of certificates"),
    "certificate_topped_up": lazy_gettext("Money put onto a certificate"),
    "certificate_blocked": lazy_gettext("Certificate blocked or let"),
    "certificates_exported": lazy_gettext("Codes of certificates taken out"),
    "file_brought_in": lazy_gettext("File brought in"),
    "stock_changed": lazy_gettext("Stock of a reward"),
    "reward_handed_out": lazy_gettext("Reward handed out"),
    "reward_cancelled": lazy_gettext("Order of a reward cancelled"),
    "partner_set": lazy_gettext("Terms of a partner"),
    "club_joined": lazy_gettext("Taken into a club"),
    "club_left": lazy_gettext("Left a club"),
    "letter_set": lazy_gettext("Letter switched or set"),
    "letter_written": lazy_gettext("Text of a letter"),
    "channel_set": lazy_gettext("Policy of a channel"),
    "rules_drafted": lazy_gettext("Draft of the rules"),
    "rules_published": lazy_gettext("Rules published"),
    "key_made": lazy_gettext("API key made"),
    "key_revoked": lazy_gettext("API key revoked"),
    "connection_made": lazy_gettext("Connection made"),
    "connection_set": lazy_gettext("Settings of a connection"),
    "connection_state": lazy_gettext("Connection paused or resumed"),
    "backfill_started": lazy_gettext("Back-fill begun"),
    "backfill_stopped": lazy_gettext("Back-fill stopped"),
    "webhooks_mended": lazy_gettext("Webhooks of a shop mended"),
    "delivery_replayed": lazy_gettext("Delivery replayed"),
    "password_set": lazy_gettext("Password set"),
    "person_invited": lazy_gettext("Person invited"),
    "person_joined": lazy_gettext("Person joined"),
    "person_set": lazy_gettext("Role given"),
    "person_removed": lazy_gettext("Role taken away"),
    "invitation_taken_back": lazy_gettext("Invitation taken back"),
    "second_factor_set": lazy_gettext("Second factor switched on"),
    "second_factor_dropped": lazy_gettext("Second factor switched off"),
    "second_factor_asked": lazy_gettext("Second factor asked of roles"),
    "recovery_codes_made": lazy_gettext("Recovery codes made anew"),
    "recovery_code_used": lazy_gettext("Recovery code used"),
}
