"""A role with its limit and its shops, as forms tell them."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import BadRequest

from loyalty_core.domain.staff import Grant, Role
from loyalty_core.store.programmes import fold
from loyalty_kit.money import HUNDREDTHS, parse_decimal


class LimitUnclear(ValueError):
    """What was typed is no number of points."""


def read_grant() -> Grant:
    """The grant of the form that was sent; no limit where none is typed.

    Raises: LimitUnclear, BadRequest (a role that nobody offered).
    """
    try:
        role = Role(request.form.get("role", ""))
    except ValueError:
        raise BadRequest from None
    typed = "".join(request.form.get("day_points", "").split()).replace(",", ".")
    told = [fold(one) for one in request.form.get("shops", "").split(",")]
    bound = tuple(dict.fromkeys(one for one in told if one)) or None
    if not typed:
        return Grant(role, shops=bound)
    try:
        most = parse_decimal(typed, HUNDREDTHS)
    except ValueError as error:
        raise LimitUnclear from error
    if most < 0:
        raise LimitUnclear
    return Grant(role, most, bound)
