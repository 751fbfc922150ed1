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
CAPABILITY: Mapping[str, str] = {
    "webhook": lazy_gettext("Receipts by webhook"),
    "fetch": lazy_gettext("Reads each order itself"),
    "pull": lazy_gettext("Looks for missed orders"),
    "catalogue": lazy_gettext("Imports the catalogue"),
    "protocol": lazy_gettext("Speaks the vendor's loyalty protocol"),
    "push_balance": lazy_gettext("Shows balances in the shop"),
    "push_discounts": lazy_gettext("Sends discounts to the shop"),
    "message": lazy_gettext("Sends messages"),
    "report": lazy_gettext("Tells what became of messages"),
    "frame": lazy_gettext("Has a page inside the vendor's own"),
    "check": lazy_gettext("Can be tested"),
}
TROUBLE: Mapping[str, str] = {
    "retry": lazy_gettext("The shop does not answer now"),
    "rate_limited": lazy_gettext("The shop asks for a pause"),
    "remote_unavailable": lazy_gettext("The shop does not answer"),
    "credentials_rejected": lazy_gettext("The shop does not accept the key"),
    "out_of_money": lazy_gettext("The account at the vendor is empty"),
    "payload_invalid": lazy_gettext("The shop sends what the hub cannot read"),
    "remote_misconfigured": lazy_gettext("The shop answers, but not as it should"),
    "needs_attention": lazy_gettext("This connection needs attention"),
    "not_live": lazy_gettext("The connection cannot be used"),
    "defect": lazy_gettext("The connector itself failed"),
    "gone": lazy_gettext("The shop does not have it any more"),
    "not_ours": lazy_gettext("A kind of message that the hub does not need"),
}


def trouble(code: str | None) -> str:
    """What is wrong, in the language of the page; a connector's own text is in its own."""
    known = TROUBLE.get(code or "")
    return str(known) if known else detail(code or "", language())


def delivery_title(delivery: DeliveryView) -> str:
    """What a delivery brought, once that is known; before, by which door it came."""
    result = delivery.result or {}
    receipts = result.get("receipts") or []
    if receipts:
        return ", ".join(receipt_title(receipt) for receipt in receipts)
    if result.get("products"):
        return ngettext("%(num)d product", "%(num)d products", result["products"])
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
