"""What the flags of receipts mean, in the language of the page."""

from __future__ import annotations

from collections.abc import Mapping

from hub.web.admin.languages import lazy_gettext

FLAGS: Mapping[str, str] = {
    "spend_without_hold": lazy_gettext("Points were spent without a hold"),
    "spend_without_member": lazy_gettext("Points were spent and nobody named whose"),
    "points_missing": lazy_gettext("More points were spent than there were"),
    "hold_unknown": lazy_gettext("Names a hold that is not known"),
    "hold_expired": lazy_gettext("Its hold had ended"),
    "hold_differs": lazy_gettext("Other goods or sums than its hold promised"),
    "hold_used_before": lazy_gettext("Its hold was used by another purchase"),
    "hold_of_another_member": lazy_gettext("Its hold is another member's"),
    "time_ahead": lazy_gettext("Its time lies in the future"),
    "linked": lazy_gettext("Seen through two connections, counted once"),
    "perhaps_brought_in": lazy_gettext("Probably brought in from a file already: counted twice?"),
    "phone_impossible": lazy_gettext("Its phone cannot be one"),
    "exclusive_goods": lazy_gettext("Goods that this buyer may not have"),
    "budget_exceeded": lazy_gettext("A promotion was given past its limit"),
    "coupon_invalid": lazy_gettext("A coupon that was not good"),
    "coupon_overused": lazy_gettext("A coupon was used more often than it may be"),
    "perhaps_two_returns": lazy_gettext(
        "Two systems told of a return of this sum; it counts as one: were there two?"
    ),
    "over_refund": lazy_gettext("More came back than was bought"),
    "unknown_line": lazy_gettext("A line came back that the purchase does not have"),
    "no_match": lazy_gettext("No purchase fits this return"),
    "certificate_unknown": lazy_gettext("A certificate that is not known"),
    "certificate_missing": lazy_gettext("A certificate did not have that much money"),
    "certificate_invalid": lazy_gettext("A certificate that was not good"),
    "certificate_above_total": lazy_gettext("A certificate paid more than the goods cost"),
    "certificate_sold_before": lazy_gettext("A certificate that was sold before"),
    "certificate_used": lazy_gettext("A returned certificate had been used"),
}


def flag(code: str) -> str:
    """One that is new here is shown by its code rather than not at all."""
    return str(FLAGS.get(code, code))
