"""Who may do what in the console: roles, and what each may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is in a programme, the most powerful first."""

    OWNER = "owner"
    MARKETER = "marketer"
    SUPPORT = "support"
    CASHIER = "cashier"
    VIEWER = "viewer"


class May(StrEnum):
    LOOK = "look"
    """See how the programme stands: home, rules, coupons, goods."""
    SEE_CONNECTIONS = "see_connections"
    """See connections, what they delivered, and purchases that several of them saw."""
    SEE_MEMBERS = "see_members"
    MOVE_POINTS = "move_points"
    MOVE_IN = "move_in"
    """Bring in members, their balances and their receipts of before."""
    CHOOSE = "choose"
    """Set for a member what is its own: its form of reward, its lists of goods."""
    MERGE = "merge"
    LINK = "link"
    """Part and join purchases that several systems saw."""
    ERASE = "erase"
    """Hand out what is known of a member, and erase it."""
    MESSAGES = "messages"
    ISSUE = "issue"
    """Make coupons; change the catalogue and the stock of rewards."""
    MONEY = "money"
    """Issue gift certificates, put money onto them, take their codes out."""
    BLOCK = "block"
    """Let a coupon or certificate not be used."""
    HAND_OUT = "hand_out"
    """Hand out a reward to whoever shows its code."""
    SETTLE = "settle"
    """Work off what the hub could not settle; write notes on members."""
    RULES = "rules"
    """Write drafts of the rules, and try them."""
    PUBLISH = "publish"
    """Put rules in force, and take them back."""
    REPLAY = "replay"
    CONNECT = "connect"
    PEOPLE = "people"
    KEYS = "keys"
    LOG = "log"
    SELL = "sell"
    """Stand at the hub's own till: sell, take back, enrol."""


MAY: Mapping[Role, frozenset[May]] = {
    Role.OWNER: frozenset(May),
    Role.MARKETER: frozenset(
        {
            May.LOOK,
            May.SEE_CONNECTIONS,
            May.SEE_MEMBERS,
            May.MESSAGES,
            May.ISSUE,
            May.BLOCK,
            May.RULES,
        }
    ),
    Role.SUPPORT: frozenset(
        {
            May.LOOK,
            May.SEE_CONNECTIONS,
            May.SEE_MEMBERS,
            May.MOVE_POINTS,
            May.CHOOSE,
            May.MERGE,
            May.LINK,
            May.REPLAY,
            May.BLOCK,
            May.HAND_OUT,
            May.SETTLE,
        }
    ),
    Role.CASHIER: frozenset({May.SEE_MEMBERS, May.HAND_OUT, May.SELL}),
    Role.VIEWER: frozenset({May.LOOK, May.SEE_CONNECTIONS, May.SEE_MEMBERS}),
}
OF_ALL_SHOPS = frozenset({May.SEE_CONNECTIONS, May.LINK, May.REPLAY})
"""What nobody may who is bound to shops: a connection brings receipts of several."""


@dataclass(frozen=True, slots=True)
class Grant:
    """`day_points`: hundredths of a point that the person may give by hand in a day of the
    programme; None: as many as wanted.  `shops`: codes of those that the person is bound to; None:
    all, as of an owner always.  Bound is what the person sees of receipts (`docs/security.md`)."""

    role: Role
    day_points: int | None = None
    shops: tuple[str, ...] | None = None

    def may(self, what: May) -> bool:
        if self.shops is not None and what in OF_ALL_SHOPS:
            return False
        return what in MAY[self.role]


EVERYTHING = Grant(Role.OWNER)
