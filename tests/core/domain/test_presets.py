"""Presets are documents that the rules' own checker takes, with the figures of the owner."""

import pytest

from loyalty_core.domain.errors import RulesInvalid
from loyalty_core.domain.presets import PRESETS, document_of, preset_of
from loyalty_core.domain.rules import parse_rules


def test_the_usual_kinds_are_there():
    assert [one.code for one in PRESETS] == ["bonus", "discount", "accumulating", "mixed", "club"]
    assert preset_of("pyramid") is None


@pytest.mark.parametrize("preset", PRESETS, ids=lambda one: one.code)
def test_a_preset_is_a_good_document_and_takes_its_figures(preset):
    parse_rules(document_of(preset, {}))
    for figure in preset.figures:
        document = document_of(preset, {figure.code: "7"})
        parse_rules(document)
        place = document
        for step in figure.path:
            place = place[step]
        assert place == "7"
        with pytest.raises(RulesInvalid) as refused:
            parse_rules(document_of(preset, {figure.code: "101"}))
        assert ".".join(map(str, figure.path)) in refused.value.errors
