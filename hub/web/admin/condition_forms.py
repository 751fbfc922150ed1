"""A condition of the rules as a form: groups and lines, whose place is in their names.

Nothing is kept between two calls: the whole tree comes with each, changed by one act.  The root,
`when`, is a group; a line of it is `when.0`, a line of a group within it `when.1.0`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.web.admin.document_forms import (
    Drawing,
    DrawnField,
    Errors,
    Form,
    Options,
    change_rows,
    join,
    masked,
    names_in,
    places,
    read_record,
    row_number,
    scalar,
)
from hub.web.admin.languages import language
from hub.web.admin.rule_words import FIELD_GROUPS, GROUPS, OPERATORS
from loyalty_core.domain.conditions import values as kinds
from loyalty_core.domain.conditions.fields import FIELDS, Field
from loyalty_core.domain.conditions.tree import MOST_DEPTH
from loyalty_core.domain.conditions.values import OF_THE_UNKNOWN, WITH_LISTS
from loyalty_core.domain.pricing.goods import Goods

ROOT = "when"
FIRST = "basket.amount"
Tree = dict[str, Any]
"""A group: `group` and `nodes`; or a line: `field`, `is`, `values`, and details."""
_PLAIN_GOODS = {"kinds": ["goods"]}
_INPUTS: Mapping[str, str] = {"date": "date", "time of day": "time"}
_WHOLE = frozenset({"count", "days", "weekday", "bucket"})
_DECIMAL = frozenset({"money", "quantity"})


def empty() -> Tree:
    return {"group": "all", "nodes": []}


# --- from the document, and into it ---------------------------------------------------------


def from_document(when: Any) -> Tree:
    """The form of a condition of the document; None is no condition."""
    if when is None:
        return empty()
    told = _from(when)
    return told if "group" in told else {"group": "all", "nodes": [told]}


def _from(node: Mapping[str, Any]) -> Tree:
    for word in ("all", "any"):
        if word in node:
            return {"group": word, "nodes": [_from(one) for one in node[word]]}
    if "not" in node:
        inner = _from(node["not"])
        if "group" not in inner:
            return {"group": "none", "nodes": [inner]}
        if inner["group"] == "any":
            return {"group": "none", "nodes": inner["nodes"]}
        if inner["group"] == "all":
            return {"group": "some_not", "nodes": inner["nodes"]}
        return {"group": "none", "nodes": [inner]}
    value = node.get("value")
    values = [] if value is None else value if isinstance(value, list) else [value]
    return {**node, "values": values}


@dataclass(frozen=True, slots=True)
class Written:
    """A condition for the document, and where the form has each of its nodes."""

    when: Any
    places: Mapping[str, str]

    def errors_in_form(self, errors: Errors) -> Errors:
        """Errors of the document's condition (paths below `when`) by names of the form."""
        found: dict[str, list[str]] = {}
        for path, texts in errors.items():
            found.setdefault(self._in_form(path), []).extend(texts)
        return found

    def _in_form(self, path: str) -> str:
        """The longest node that the path goes through, with the rest behind it."""
        at = path
        while at not in self.places and at:
            at = at.rpartition(".")[0]
        rest = path[len(at) :].lstrip(".")
        word = rest.partition(".")[0] if not rest.startswith("goods") else rest
        return join(self.places.get(at, ROOT), word)


def to_document(tree: Tree) -> Written:
    """Groups without lines are left out; what is not filled in is left for the reader to name."""
    at: dict[str, str] = {}
    return Written(_write(tree, ROOT, ROOT, at), at)


def _write(node: Tree, form: str, path: str, at: dict[str, str]) -> Any:
    at[path] = form
    if "group" not in node:
        return _write_line(node)
    word = {"all": "all", "any": "any", "none": "any", "some_not": "all"}[node["group"]]
    inside = path if node["group"] in ("all", "any") else join(path, "not")
    at[inside] = form
    written: list[Any] = []
    for index, one in enumerate(node["nodes"]):
        if "group" in one and not _has_lines(one):
            continue
        place = join(inside, word, str(len(written)))
        written.append(_write(one, join(form, str(index)), place, at))
    if not written:
        return None
    group = {word: written}
    return group if inside == path else {"not": group}


def _has_lines(node: Tree) -> bool:
    return "group" not in node or any(map(_has_lines, node["nodes"]))


def _write_line(node: Tree) -> dict[str, Any]:
    told: dict[str, Any] = {
        key: node[key] for key in ("field", "is", "name", "salt") if node.get(key)
    }
    if node.get("goods") and node["goods"] != _PLAIN_GOODS:
        told["goods"] = node["goods"]
    operator, values = node.get("is"), node.get("values", [])
    if operator in OF_THE_UNKNOWN or not values:
        return told
    return told | {"value": list(values) if operator in WITH_LISTS else values[0]}


# --- from what was typed --------------------------------------------------------------------


def read_tree(form: Form) -> Tree:
    return _read(form, ROOT, 0) if f"{ROOT}.group" in form else empty()


def _read(form: Form, at: str, depth: int) -> Tree:
    if f"{at}.group" in form:
        mode = form[f"{at}.group"]
        inside = places(form, at) if depth <= MOST_DEPTH else []
        nodes = [_read(form, f"{at}.{number}", depth + 1) for number in inside]
        return {"group": mode if mode in GROUPS else "all", "nodes": nodes}
    field = FIELDS.get(form.get(f"{at}.field", ""), FIELDS[FIRST])
    was = FIELDS.get(form.get(f"{at}.was", ""), field)
    operator = form.get(f"{at}.is", "")
    if was.kind is not field.kind or operator not in field.operators:
        operator = _first(field)
    node: Tree = {"field": field.name, "is": operator}
    node["values"] = _values(form, at, field, operator) if was.kind is field.kind else []
    if field.detail in ("name", "salt"):
        node[field.detail] = form.get(f"{at}.{field.detail}", "").strip()
    elif field.detail == "goods":
        node["goods"] = read_record(Goods, form, f"{at}.goods")
        if was.detail != "goods":
            node["goods"] = dict(_PLAIN_GOODS)
    return node


def _first(field: Field) -> str:
    """What is asked of a field most often."""
    wanted = "at_least" if "at_least" in field.operators else field.operators[0]
    if field.kind is kinds.WEEKDAY or field.kind is kinds.CODE or field.kind is kinds.WORD:
        wanted = "in"
    return wanted


def _values(form: Form, at: str, field: Field, operator: str) -> list[Any]:
    typed = form.getlist(f"{at}.value")
    if operator == "between":
        typed = [*typed[:1], *form.getlist(f"{at}.value2")[:1]]
    elif operator in WITH_LISTS:
        typed = names_in(typed)
    else:
        typed = typed[:1]
    return [_value(field, one.strip()) for one in typed if one.strip()]


def _value(field: Field, typed: str) -> Any:
    kind = field.kind.name
    if kind == "flag":
        return {"true": True, "false": False}.get(typed, typed)
    return scalar("whole" if kind in _WHOLE else "decimal" if kind in _DECIMAL else "", typed)


def change(tree: Tree, act: str, first: str = FIRST) -> None:
    """Carry out `line:when.1`, `group:when` or `drop:when.1.0`; rows of others are not here.

    `first`: what a new line asks.
    """
    verb, _, path = act.partition(":")
    if path != ROOT and not path.startswith(f"{ROOT}."):
        return
    nodes = ".nodes.".join(path.split(".")[1:])
    if verb == "drop" and nodes:
        change_rows(tree, f"drop:nodes.{nodes}")
        return
    group: Any = tree
    for step in path.split(".")[1:]:
        inside = group.get("nodes", []) if isinstance(group, dict) else []
        number = row_number(step)
        group = inside[number] if number is not None and number < len(inside) else None
    if isinstance(group, dict) and "nodes" in group:
        line = {"field": first, "is": "at_least", "values": [], "goods": dict(_PLAIN_GOODS)}
        fresh: Tree = {"group": "any", "nodes": [line]} if verb == "group" else line
        if verb in ("line", "group"):
            group["nodes"].append(fresh)


# --- drawing --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """A group with its `nodes`, or a line.

    `input`: text, date, time, number, list, chips or choice; "" where the operator takes no value.
    """

    name: str
    errors: tuple[str, ...]
    mode: str = ""
    nodes: tuple[DrawnNode, ...] = ()
    field: str = ""
    operator: str = ""
    operators: tuple[tuple[str, str], ...] = ()
    input: str = ""
    pair: bool = False
    values: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    detail: DrawnField | None = None
    goods: tuple[DrawnField, ...] = ()

    @property
    def is_group(self) -> bool:
        return bool(self.mode)


def draw(tree: Tree, drawing: Drawing, at: str = ROOT) -> DrawnNode:
    """`drawing.options` have what may be chosen for a field, by the field's name."""
    if "group" in tree:
        nodes = tuple(draw(one, drawing, f"{at}.{i}") for i, one in enumerate(tree["nodes"]))
        return DrawnNode(at, drawing.said(at), mode=tree["group"], nodes=nodes)
    field, operator = FIELDS[tree["field"]], tree["is"]
    options = tuple(_options(field, drawing.options))
    errors = dict.fromkeys(
        text
        for word in ("", "field", "is", "value", "name", "salt")
        for text in drawing.said(join(at, word))
    )
    return DrawnNode(
        at,
        tuple(errors),
        field=field.name,
        operator=operator,
        operators=tuple((one, OPERATORS[one]) for one in field.operators),
        input=_input(field, operator, options),
        pair=operator == "between",
        values=tuple(map(_typed, tree.get("values", []))),
        options=options,
        detail=_detail(field, tree, at),
        goods=_goods(tree, drawing, at) if field.detail == "goods" else (),
    )


def _options(field: Field, known: Options) -> Sequence[tuple[str, str]]:
    kind = field.kind
    if kind is kinds.WEEKDAY:
        return [(str(day), kind.tell(day, "", language())) for day in range(1, 8)]
    if kind is kinds.YES_NO:
        return [(_typed(one), kind.tell(one, "", language())) for one in (True, False)]
    return known.get(field.name, ())


def _input(field: Field, operator: str, options: Sequence[tuple[str, str]]) -> str:
    if operator in OF_THE_UNKNOWN:
        return ""
    if options and operator != "between":
        return "chips" if operator in WITH_LISTS else "choice"
    if operator in WITH_LISTS and operator != "between":
        return "list"
    kind = field.kind.name
    return _INPUTS.get(kind) or ("number" if kind in _WHOLE | _DECIMAL else "text")


def _typed(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _detail(field: Field, tree: Tree, at: str) -> DrawnField | None:
    if field.detail not in ("name", "salt"):
        return None
    return DrawnField(
        join(at, field.detail),
        field.detail,
        "text",
        "",
        required=field.detail == "name",
        value=str(tree.get(field.detail, "")),
    )


def _goods(tree: Tree, drawing: Drawing, at: str) -> tuple[DrawnField, ...]:
    words = ("categories", "except_categories", "personal")
    known = {word: drawing.options.get(f"params.{word}") for word in words}
    own = {masked(f"{at}.goods.{word}"): some for word, some in known.items() if some}
    inner = Drawing(drawing.errors, {**drawing.options, **own})
    return tuple(inner.draw(Goods, tree.get("goods", {}), join(at, "goods")))


def field_choices(
    *, of_members: bool = False, but: Collection[str] = ()
) -> list[tuple[str, list[tuple[str, str]]]]:
    """All that a condition may ask, by groups with their titles; `of_members`: what a member has
    by itself alone."""
    found: dict[str, list[tuple[str, str]]] = {}
    for field in FIELDS.values():
        if (of_members and not field.of_members) or field.name in but:
            continue
        title = str(FIELD_GROUPS[field.name.partition(".")[0]])
        found.setdefault(title, []).append((field.name, field.titles[language()]))
    return list(found.items())
