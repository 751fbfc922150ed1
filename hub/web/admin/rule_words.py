"""Words of the pages about rules: help, operators, and what the document's reader finds wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from hub.web.admin.languages import gettext, lazy_gettext
from hub.web.admin.words import State

HELP: Mapping[str, str] = {
    "life_days": lazy_gettext("Nothing: points never end."),
    "most_debt": lazy_gettext("Nothing: no bound."),
    "priority": lazy_gettext("Of two promotions of a lane the smaller number comes first."),
    "group": lazy_gettext("Of the promotions of one group at most one applies."),
    "never_with": lazy_gettext("Codes of promotions, between commas."),
    "step": lazy_gettext("Points are written off in whole steps."),
    "skus": lazy_gettext("Between commas, or each on a line of its own."),
    "categories": lazy_gettext("Codes of categories, between commas; nothing: all goods."),
}
"""By the key of the document."""
AS_CURRENCY = lazy_gettext("Nothing: as the currency says.")
"""Of how long points live and wait, where an event or a promotion may say otherwise."""

OPERATORS: Mapping[str, str] = {
    "is": lazy_gettext("is"),
    "is_not": lazy_gettext("is not"),
    "in": lazy_gettext("is one of"),
    "not_in": lazy_gettext("is none of"),
    "at_least": lazy_gettext("at least"),
    "at_most": lazy_gettext("at most"),
    "more_than": lazy_gettext("more than"),
    "less_than": lazy_gettext("less than"),
    "between": lazy_gettext("from … to …"),
    "has_any": lazy_gettext("any of"),
    "has_all": lazy_gettext("all of"),
    "has_none": lazy_gettext("none of"),
    "is_known": lazy_gettext("is known"),
    "is_unknown": lazy_gettext("is not known"),
}
GROUPS: Mapping[str, str] = {
    "all": lazy_gettext("All of these hold"),
    "any": lazy_gettext("At least one of these holds"),
    "none": lazy_gettext("None of these holds"),
    "some_not": lazy_gettext("At least one of these does not hold"),
}
FIELD_GROUPS: Mapping[str, str] = {
    "basket": lazy_gettext("Basket"),
    "member": lazy_gettext("Member"),
    "history": lazy_gettext("Purchases before"),
    "shop": lazy_gettext("Place"),
    "channel": lazy_gettext("Place"),
    "time": lazy_gettext("Time"),
}
"""By the first word of a condition's field."""

PROMOTION_STATE: Mapping[str, State] = {
    "on": State(lazy_gettext("Applies now"), "good"),
    "soon": State(lazy_gettext("Begins later"), "wait"),
    "over": State(lazy_gettext("Over"), "idle"),
    "off": State(lazy_gettext("Not switched on"), "idle"),
}
VERSION_STATE: Mapping[str, State] = {
    "in_force": State(lazy_gettext("In force"), "good"),
    "draft": State(lazy_gettext("Draft"), "wait"),
    "published": State(lazy_gettext("Was in force"), "idle"),
}

_PLAIN: Mapping[str, str] = {
    "is required": lazy_gettext("Fill this in."),
    "unknown field": lazy_gettext("This does not fit here."),
    "must be a decimal with at most two digits after the point": lazy_gettext(
        "Write a number, as 100 or 12.50."
    ),
    "must be a decimal with at most three digits after the point": lazy_gettext(
        "Write a number, as 2 or 0.350."
    ),
    "must be a whole number": lazy_gettext("Write a whole number."),
    "must be a whole number of uses": lazy_gettext("Receipts are counted in whole numbers."),
    "must be a date, YYYY-MM-DD": lazy_gettext("Choose a date."),
    "must be a time of day, HH:MM": lazy_gettext("Choose a time of day."),
    "must be an ISO 8601 time with an offset": lazy_gettext("Choose a day and a time."),
    "must be true or false": lazy_gettext("Choose yes or no."),
    "must be later than starts_at": lazy_gettext("The end comes after the beginning."),
    "must begin with the smaller value": lazy_gettext("Write the smaller value first."),
    "a segment must not name segments": lazy_gettext("Segments cannot be asked for here."),
    "has a character that cannot be kept": lazy_gettext(
        "There is a character in it that cannot be kept."
    ),
    "must not be less than zero": lazy_gettext("Must not be less than zero."),
    "must not repeat": lazy_gettext("This is there twice."),
    "no such lane": lazy_gettext("There is no such lane."),
    "no such field": lazy_gettext("Choose one of those offered."),
    "no such currency": lazy_gettext("There is no such currency of points."),
    "no such promotion": lazy_gettext("There is no such promotion."),
    "no such list": lazy_gettext("There is no such list."),
    "no such segment": lazy_gettext("There is no such segment."),
    "no such form of reward": lazy_gettext("There is no such form of reward."),
    "no such series of coupons": lazy_gettext("There is no such series of coupons."),
    "not in this document": lazy_gettext("The programme does not have this."),
    "only for a partner": lazy_gettext("Fits rewards of a partner alone."),
    "only where points may go below zero": lazy_gettext(
        "Fits only where points may go below zero."
    ),
    "must be worth whole kopecks at the value of a point": lazy_gettext(
        "A step must be worth whole kopecks at the value of a point."
    ),
    "must be another promotion": lazy_gettext("Name another promotion."),
    "must be of the same step": lazy_gettext("Name a promotion of the same kind of result."),
    "this type gives nothing that could be counted": lazy_gettext(
        "This kind of result gives nothing that could be counted."
    ),
    "this type gives no money": lazy_gettext("This kind of result takes no money off."),
    "this type gives no points": lazy_gettext("This kind of result gives no points."),
    "this type gives nothing for a coupon": lazy_gettext(
        "This kind of result gives nothing for a coupon."
    ),
    "is not for this type": lazy_gettext("This kind of result does not take it."),
    "is not about members": lazy_gettext("This is not about members."),
    "is required where the window is days": lazy_gettext("Say how many days."),
    "fits the window days alone": lazy_gettext("Fits “the last days” alone."),
    "is required where tiers go by actions": lazy_gettext("Name the actions that count."),
    "fits tiers by actions alone": lazy_gettext("Fits tiers by actions alone."),
    "this_receipt fits tiers by spent or purchases alone": lazy_gettext(
        "Fits tiers by money spent or by purchases alone."
    ),
    "must not be 'base'": lazy_gettext("This code is taken by the programme itself."),
}
_SHAPED: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"must be from (\S+) to (\S+)"),
        lambda found: gettext("Must be from %(least)s to %(most)s.", least=found[1], most=found[2]),
    ),
    (
        re.compile(r"must have 1 to (\d+) characters"),
        lambda found: gettext("At most %(most)s characters.", most=found[1]),
    ),
    (
        re.compile(r"must have (\d+) to (\d+) items"),
        lambda found: gettext(
            "At least %(least)s, at most %(most)s.", least=found[1], most=found[2]
        ),
    ),
    (re.compile(r"must be one of: .+"), lambda _: gettext("Choose one of those offered.")),
    (
        re.compile(r"must match .+"),
        lambda _: gettext("Latin letters and digits, with - _ . between."),
    ),
    (
        re.compile(r"must not be nested deeper than (\d+)"),
        lambda found: gettext("Groups may stand %(most)s deep at most.", most=found[1]),
    ),
    (
        re.compile(r"must have at most (\d+) .+"),
        lambda found: gettext("At most %(most)s in all.", most=found[1]),
    ),
    (re.compile(r"is required where tiers go by .+"), lambda _: gettext("Fill this in.")),
)


def problem(text: str) -> str:
    """What the document's reader says of a field, in the language of the page."""
    known = _PLAIN.get(text)
    if known is not None:
        return str(known)
    for shape, say in _SHAPED:
        found = shape.fullmatch(text)
        if found:
            return say(found)
    return gettext("This does not fit here.")
