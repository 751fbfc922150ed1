"""Forms of reward, of which each member chooses one: points, a discount, money."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import CODE, NAME, many, record, word
from loyalty_core.domain.pricing.goods import fold


@dataclass(frozen=True, slots=True)
class RewardForm:
    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))


@dataclass(frozen=True, slots=True)
class Rewards:
    """`default`: the form of who has not chosen, or chose one that is no longer there."""

    forms: tuple[RewardForm, ...] = field(
        metadata=word("forms", many(record(RewardForm), least=1, most=20), en="Forms", ru="Формы")
    )
    default: str = field(metadata=word("default", CODE, en="Unless chosen", ru="Если не выбрана"))

    def form(self, chosen: str | None) -> RewardForm:
        """The form that a choice (a folded code) comes to."""
        by_code = {fold(form.code): form for form in self.forms}
        return by_code.get(chosen or "") or by_code[fold(self.default)]
