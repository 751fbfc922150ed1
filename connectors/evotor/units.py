"""Fields that count: numbers of the wire, in the smallest units inside."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, ClassVar

from marshmallow import ValidationError, fields

MAX_SIZE = Decimal(10) ** 12
"""No sum or quantity of a shop's document reaches this, in whole units."""
NOT_A_NUMBER = "Not a number."


class Exact(fields.Field[Decimal]):
    """A JSON number or the same as a text, as it was written; never below zero."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise ValidationError(NOT_A_NUMBER)
        try:
            # A float's own text is the decimal that was written, up to fifteen digits.
            number = Decimal(str(value).strip())
        except InvalidOperation:
            raise ValidationError(NOT_A_NUMBER) from None
        if not number.is_finite() or abs(number) >= MAX_SIZE:
            raise ValidationError(NOT_A_NUMBER)
        if number < 0:
            raise ValidationError("Must not be negative.")
        return number


class _Counted(Exact):
    """A count of smallest units, rounded half up where more digits come than a unit has."""

    per_unit: ClassVar[int]

    def _deserialize(  # type: ignore[override]  # the same value in whole units
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        number = super()._deserialize(value, attr, data, **kwargs)
        return int((number * self.per_unit).to_integral_value(ROUND_HALF_UP))


class Roubles(_Counted):
    """Roubles on the wire, kopecks inside."""

    per_unit = 100


class Points(_Counted):
    """Points on the wire, hundredths inside."""

    per_unit = 100


class Quantity(_Counted):
    """Units on the wire, thousandths inside."""

    per_unit = 1000
