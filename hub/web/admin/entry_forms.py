"""One entry of a list of the rules document as a form: a promotion, a club, a series.

Its condition, where it has one, is a tree of its own (`condition_forms`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from hub.web.admin import condition_forms
from hub.web.admin.condition_forms import Tree, Written
from hub.web.admin.document_forms import Errors

Form = TypeVar("Form", bound="EntryForm")
KEYS = ("id", "code")
"""Under which of these an entry is known."""


@dataclass(frozen=True, slots=True)
class EntryForm:
    """What was typed.  `section` of the document has such entries; `told` is the entry but for its
    condition, which is `tree`; `index`: where it stands in the section, None: it is new."""

    section: str
    told: dict[str, Any]
    tree: Tree = field(default_factory=condition_forms.empty)
    index: int | None = None
    errors: Errors = field(default_factory=dict)

    def written(self) -> tuple[dict[str, Any], Written]:
        """The entry for the document, and where its condition's nodes stand in the form."""
        condition = condition_forms.to_document(self.tree)
        entry = copy.deepcopy(self.told)
        if condition.when is not None:
            entry[condition_forms.ROOT] = condition.when
        return entry, condition

    def put_into(self, document: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """The document with this entry, and its place in the section."""
        filled = copy.deepcopy(dict(document))
        listed = filled.setdefault(self.section, [])
        entry, _ = self.written()
        if self.index is None:
            listed.append(entry)
            return filled, len(listed) - 1
        listed[self.index] = entry
        return filled, self.index

    def with_errors(self: Form, errors: Errors, place: int) -> Form:
        """The form with what the document's reader found wrong in the entry at `place`."""
        start = f"{self.section}.{place}."
        own = {path.removeprefix(start): list(texts) for path, texts in errors.items()}
        _, written = self.written()
        tree = {path: texts for path, texts in own.items() if _of_tree(path)}
        rest = {path: texts for path, texts in own.items() if not _of_tree(path)}
        return replace(self, errors={**rest, **written.errors_in_form(tree)})


def _of_tree(path: str) -> bool:
    return path == condition_forms.ROOT or path.startswith(f"{condition_forms.ROOT}.")


def key_of(entry: Mapping[str, Any]) -> str:
    """What an entry of the document is known by."""
    return str(next(entry[key] for key in KEYS if key in entry))


def split(
    document: Mapping[str, Any], section: str, key: str
) -> tuple[int, dict[str, Any], Tree] | None:
    """Of the entry known by `key`: its place, what it says but its condition, and that.  None
    where it is not there."""
    for index, one in enumerate(document.get(section, ())):
        if key_of(one) == key:
            told = {name: value for name, value in one.items() if name != condition_forms.ROOT}
            tree = condition_forms.from_document(one.get(condition_forms.ROOT))
            return index, copy.deepcopy(told), tree
    return None


def without(document: Mapping[str, Any], section: str, key: str) -> dict[str, Any] | None:
    """The document without that entry; None where it is not there."""
    found = split(document, section, key)
    if found is None:
        return None
    left = copy.deepcopy(dict(document))
    del left[section][found[0]]
    return left


def earlier(document: Mapping[str, Any], section: str, key: str) -> dict[str, Any] | None:
    """The document with that entry one place nearer to the first; None where it is not there."""
    found = split(document, section, key)
    if found is None:
        return None
    moved = copy.deepcopy(dict(document))
    listed = moved[section]
    listed.insert(max(0, found[0] - 1), listed.pop(found[0]))
    return moved
