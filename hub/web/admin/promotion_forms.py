"""One promotion as a form, into the rules document and out of it."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hub.web.admin import condition_forms
from hub.web.admin.condition_forms import Tree, Written
from hub.web.admin.document_forms import (
    Drawing,
    DrawnField,
    Errors,
    Form,
    Options,
    change_rows,
    read_record,
)
from hub.web.admin.languages import gettext, language
from hub.web.admin.rule_words import PROMOTION_STATE
from hub.web.admin.words import State, state
from loyalty_core.domain.pricing.goods import Goods, fold
from loyalty_core.domain.pricing.promotion import Promotion
from loyalty_core.domain.pricing.rules import RULE_TYPES
from loyalty_core.domain.templates import Template

FIRST_TYPE = "percent_off"
_COMMON = frozenset({"categories"})
"""Of the words about goods, what stands beside the result; the rest is unfolded."""


@dataclass(frozen=True, slots=True)
class PromotionForm:
    """What was typed.  `told` is the promotion but for its condition, which is `tree`; `index`:
    where it stands in the document, None: it is new."""

    told: dict[str, Any]
    tree: Tree = field(default_factory=condition_forms.empty)
    index: int | None = None
    errors: Errors = field(default_factory=dict)

    @property
    def type(self) -> str:
        return str(self.told["type"])

    def written(self) -> tuple[dict[str, Any], Written]:
        """The promotion for the document, and where its condition's nodes stand in the form."""
        condition = condition_forms.to_document(self.tree)
        promotion = copy.deepcopy(self.told)
        if condition.when is not None:
            promotion["when"] = condition.when
        return promotion, condition

    def put_into(self, document: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """The document with this promotion, and its place there."""
        filled = copy.deepcopy(dict(document))
        listed = filled.setdefault("promotions", [])
        promotion, _ = self.written()
        if self.index is None:
            listed.append(promotion)
            return filled, len(listed) - 1
        listed[self.index] = promotion
        return filled, self.index

    def with_errors(self, errors: Errors, place: int) -> PromotionForm:
        """The form with what the document's reader found wrong in the promotion at `place`."""
        start = f"promotions.{place}."
        own = {path.removeprefix(start): list(texts) for path, texts in errors.items()}
        _, written = self.written()
        tree = {path: texts for path, texts in own.items() if _of_tree(path)}
        rest = {path: texts for path, texts in own.items() if not _of_tree(path)}
        return replace(self, errors={**rest, **written.errors_in_form(tree)})


def _of_tree(path: str) -> bool:
    return path == condition_forms.ROOT or path.startswith(f"{condition_forms.ROOT}.")


# --- reading --------------------------------------------------------------------------------


def fresh(ready: Template | None = None) -> PromotionForm:
    """A form with a code of its own: empty, or with what the ready promotion says."""
    code = f"promo-{secrets.token_hex(3)}"
    if ready is None:
        return PromotionForm({"id": code, "name": "", "type": FIRST_TYPE, "params": {}})
    (said,) = ready.part["promotions"]
    told = {key: copy.deepcopy(value) for key, value in said.items() if key != "when"}
    told |= {"id": code, "name": ready.title[language()]}
    return PromotionForm(told, condition_forms.from_document(said.get("when")))


def from_document(document: Mapping[str, Any], code: str) -> PromotionForm | None:
    """The form of a promotion of the document; None where it is not there."""
    for index, one in enumerate(document.get("promotions", ())):
        if one["id"] == code:
            told = copy.deepcopy({key: value for key, value in one.items() if key != "when"})
            if told["type"] not in RULE_TYPES:
                told["type"] = FIRST_TYPE
            return PromotionForm(told, condition_forms.from_document(one.get("when")), index)
    return None


def from_typed(form: Form, document: Mapping[str, Any], code: str | None) -> PromotionForm:
    """The form as it was sent, its one act carried out.

    `code`: the promotion of the document that is changed; None: a new one.
    """
    kind = form.get("type", FIRST_TYPE)
    kind = kind if kind in RULE_TYPES else FIRST_TYPE
    told = read_record(Promotion, form)
    told["type"] = kind
    told["params"] = _params(form, kind)
    tree = condition_forms.read_tree(form)
    act = form.get("act", "")
    condition_forms.change(tree, act)
    change_rows(told, act)
    standing = None if code is None else from_document(document, code)
    return PromotionForm(told, tree, None if standing is None else standing.index)


def _params(form: Form, kind: str) -> dict[str, Any]:
    """Of a result that was just chosen, what it has in common with the one before."""
    drawn = form.get("drawn", kind)
    if drawn == kind or drawn not in RULE_TYPES:
        return read_record(RULE_TYPES[kind].params, form, "params")
    wanted = RULE_TYPES[kind].params.__dataclass_fields__.values()
    keys = {slot.metadata["word"].key for slot in wanted}
    typed = read_record(RULE_TYPES[drawn].params, form, "params")
    return {key: value for key, value in typed.items() if key in keys}


# --- drawing --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DrawnPromotion:
    """`main`: of the result what makes it, `goods`: which goods it is about, unfolded on demand;
    `beside`: how it stands beside others."""

    form: PromotionForm
    name: DrawnField
    type: DrawnField
    main: tuple[DrawnField, ...]
    goods: tuple[DrawnField, ...]
    enabled: DrawnField
    dates: tuple[DrawnField, ...]
    limits: DrawnField
    beside: tuple[DrawnField, ...]
    tree: condition_forms.DrawnNode
    trouble: tuple[str, ...]


def draw(form: PromotionForm, options: Options) -> DrawnPromotion:
    drawing = Drawing(form.errors, options)
    own = {one.key: one for one in drawing.draw(Promotion, form.told)}
    params = drawing.draw(RULE_TYPES[form.type].params, form.told.get("params", {}), "params")
    kind = replace(
        own["type"],
        options=tuple((rule.code, rule.titles[language()]) for rule in RULE_TYPES.values()),
    )
    goods = {slot.metadata["word"].key for slot in Goods.__dataclass_fields__.values()} - _COMMON
    return DrawnPromotion(
        form=form,
        name=own["name"],
        type=kind,
        main=tuple(sorted((one for one in params if one.key not in goods), key=_place)),
        goods=tuple(one for one in params if one.key in goods),
        enabled=own["enabled"],
        dates=(own["starts_at"], own["ends_at"]),
        limits=own["limits"],
        beside=tuple(
            own[key] for key in ("lane", "priority", "group", "never_with", "coupon", "id")
        ),
        tree=condition_forms.draw(form.tree, drawing),
        trouble=drawing.said("params"),
    )


_LATER = ("total_min", "currency", "life_days", "activation_days", "categories")


def _place(one: DrawnField) -> int:
    """What makes a result comes before what narrows it."""
    return _LATER.index(one.key) + 1 if one.key in _LATER else 0


def standing(promotion: Promotion, now: Any) -> State:
    """Whether it applies at `now`."""
    if not promotion.enabled:
        code = "off"
    elif promotion.ends_at is not None and promotion.ends_at <= now:
        code = "over"
    elif promotion.starts_at is not None and promotion.starts_at > now:
        code = "soon"
    else:
        code = "on"
    return state(PROMOTION_STATE, code)


def options_of(
    document: Mapping[str, Any],
    shops: list[tuple[str, str]],
    categories: list[tuple[str, str]],
) -> Options:
    """What may be chosen, by the fields of promotions and of conditions."""

    def coded(section: str) -> list[tuple[str, str]]:
        return [(one["code"], one.get("name", one["code"])) for one in document.get(section, ())]

    def folded(section: str) -> list[tuple[str, str]]:
        return [(fold(code), name) for code, name in coded(section)]

    lanes = [(one["code"], one["code"]) for one in document.get("lanes", ({"code": "main"},))]
    rewards = (document.get("rewards") or {}).get("forms", ())
    goods = {
        f"params.{prefix}{word}": categories
        for prefix in ("", "parts.*.")
        for word in ("categories", "except_categories")
    }
    chosen: dict[str, list[tuple[str, str]]] = {
        "lane": lanes,
        "params.currency": coded("currencies"),
        "member.tier": coded("tiers"),
        "shop.code": shops,
        "time.holiday": folded("calendars"),
        "member.segment": folded("segments"),
        "member.club": folded("clubs"),
        "member.reward": [(fold(one["code"]), one.get("name", one["code"])) for one in rewards],
        "channel.name": [
            ("pos", gettext("Till")),
            ("online", gettext("Online shop")),
        ],
        **goods,
    }
    for name, section in (("coupon", "coupons"), ("params.series", "coupons")):
        chosen[name] = coded(section)
    chosen["params.personal"] = folded("personal_lists")
    return {name: some for name, some in chosen.items() if some}
