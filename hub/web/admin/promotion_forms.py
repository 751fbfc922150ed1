"""One promotion as a form, into the rules document and out of it."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hub.web.admin import condition_forms
from hub.web.admin.condition_forms import Tree
from hub.web.admin.document_forms import (
    Drawing,
    DrawnField,
    Form,
    Options,
    change_rows,
    read_record,
)
from hub.web.admin.entry_forms import EntryForm, split
from hub.web.admin.languages import gettext, language
from hub.web.admin.rule_words import AS_CURRENCY, PROMOTION_STATE
from hub.web.admin.words import State, state
from loyalty_core.domain.event_rules import EventRule
from loyalty_core.domain.pricing.coupons import CouponSeries
from loyalty_core.domain.pricing.goods import Goods, fold
from loyalty_core.domain.pricing.promotion import Lane, Promotion
from loyalty_core.domain.pricing.rules import RULE_TYPES
from loyalty_core.domain.reward_catalogue import RewardItem
from loyalty_core.domain.templates import Template

SECTION = "promotions"
FIRST_TYPE = "percent_off"
_COMMON = frozenset({"categories"})
"""Of the words about goods, what stands beside the result; the rest is unfolded."""


class PromotionForm(EntryForm):
    """A promotion of the document."""

    __slots__ = ()

    @property
    def type(self) -> str:
        return str(self.told["type"])


def _form(told: dict[str, Any], tree: Tree, index: int | None = None) -> PromotionForm:
    return PromotionForm(SECTION, told, tree, index)


# --- reading --------------------------------------------------------------------------------


def fresh(ready: Template | None = None) -> PromotionForm:
    """A form with a code of its own: empty, or with what the ready promotion says."""
    code = f"promo-{secrets.token_hex(3)}"
    if ready is None:
        bare = {"id": code, "name": "", "type": FIRST_TYPE, "params": {}}
        return _form(bare, condition_forms.empty())
    (said,) = ready.part["promotions"]
    told = {key: copy.deepcopy(value) for key, value in said.items() if key != "when"}
    told |= {"id": code, "name": ready.title[language()]}
    return _form(told, condition_forms.from_document(said.get("when")))


def from_document(document: Mapping[str, Any], code: str) -> PromotionForm | None:
    """The form of a promotion of the document; None where it is not there."""
    found = split(document, SECTION, code)
    if found is None:
        return None
    index, told, tree = found
    if told["type"] not in RULE_TYPES:
        told["type"] = FIRST_TYPE
    return _form(told, tree, index)


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
    return _form(told, tree, None if standing is None else standing.index)


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
    others = [one for one in options.get("never_with", ()) if one[0] != form.told.get("id")]
    drawing = Drawing(form.errors, {**options, "never_with": others})
    own = {one.key: one for one in drawing.draw(Promotion, form.told)}
    params = [
        replace(one, help=str(AS_CURRENCY)) if one.key in _OF_CURRENCY else one
        for one in drawing.draw(RULE_TYPES[form.type].params, form.told.get("params", {}), "params")
    ]
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


_OF_CURRENCY = frozenset({"life_days", "activation_days"})
_LATER = ("total_min", "currency", "life_days", "activation_days", "categories")


def _place(one: DrawnField) -> int:
    """What makes a result comes before what narrows it."""
    return _LATER.index(one.key) + 1 if one.key in _LATER else 0


def standing(entry: Promotion | EventRule | CouponSeries | RewardItem, now: datetime) -> State:
    """Whether it applies at `now`; a series and a reward cannot be switched off."""
    if isinstance(entry, Promotion | EventRule) and not entry.enabled:
        code = "off"
    elif entry.ends_at is not None and entry.ends_at <= now:
        code = "over"
    elif entry.starts_at is not None and entry.starts_at > now:
        code = "soon"
    else:
        code = "on"
    return state(PROMOTION_STATE, code)


def options_of(
    document: Mapping[str, Any],
    shops: list[tuple[str, str]],
    categories: list[tuple[str, str]],
) -> Options:
    """What may be chosen, by the fields of promotions, of other entries and of conditions."""

    def coded(section: str) -> list[tuple[str, str]]:
        return [(one["code"], one.get("name") or one["code"]) for one in document.get(section, ())]

    def folded(section: str) -> list[tuple[str, str]]:
        return [(fold(code), name) for code, name in coded(section)]

    rewards = (document.get("rewards") or {}).get("forms", ())
    forms = [(fold(one["code"]), one.get("name", one["code"])) for one in rewards]
    personal = folded("personal_lists")
    goods = {
        f"{prefix}{word}": some
        for prefix in ("", "params.", "params.parts.*.", "policies.min_paid.*.")
        for word, some in (
            ("categories", categories),
            ("except_categories", categories),
            ("personal", personal),
        )
    }
    chosen: dict[str, list[tuple[str, str]]] = {
        "lane": [
            (one["code"], Lane(one["code"], name=one.get("name")).called(language()))
            for one in document.get("lanes", ())
        ],
        "params.currency": coded("currencies"),
        "currency": coded("currencies"),
        "coupon": coded("coupons"),
        "params.series": coded("coupons"),
        "earning.rewards": forms,
        "policies.min_paid.*.shops": [(fold(code), name) for code, name in shops],
        "member.tier": coded("tiers"),
        "shop.code": shops,
        "time.holiday": folded("calendars"),
        "member.segment": folded("segments"),
        "member.club": folded("clubs"),
        "member.reward": forms,
        "channel.name": [
            ("pos", gettext("Till")),
            ("online", gettext("Online shop")),
        ],
        **goods,
    }
    chosen["never_with"] = [
        (one["id"], one.get("name", one["id"])) for one in document.get("promotions", ())
    ]
    return {name: some for name, some in chosen.items() if some}
