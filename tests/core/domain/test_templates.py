"""Templates of rules: each can be published as it is, gives nothing unread, and is found."""

from __future__ import annotations

from datetime import date

import pytest

from loyalty_core.domain.rules import default_rules, parse_rules
from loyalty_core.domain.templates import Template, templates, with_template

ALL = templates(date(2026, 11, 29))


@pytest.mark.parametrize("template", ALL, ids=lambda one: one.code)
def test_each_stands_in_a_plain_document_and_is_switched_off(template: Template):
    rules = parse_rules(with_template(default_rules(), template))

    assert rules.promotions or rules.regulated
    assert not [one for one in rules.promotions if one.enabled]
    for words in (template.title, template.about):
        assert set(words) == {"en", "ru"}
        assert all(words.values())


def test_all_stand_in_one_document_and_twice():
    document = default_rules()
    for template in (*ALL, *ALL):
        document = with_template(document, template)

    ids = [one.id for one in parse_rules(document).promotions]

    assert {"welcome", "welcome_2", "holidays", "holidays_2"} <= set(ids)
    assert [one["code"] for one in document["calendars"]] == ["holidays"]


def test_what_is_in_the_document_stays():
    before = default_rules() | {"promotions": [{"id": "own", "name": "Own", "type": "no_earn"}]}

    after = with_template(before, ALL[0])

    assert after["promotions"][0] == before["promotions"][0]
    assert len(before["promotions"]) == 1


def test_the_calendar_has_the_holidays_of_this_year_and_the_next():
    (holidays,) = [one for one in ALL if one.code == "holidays"]

    days = holidays.part["calendars"][0]["days"]

    assert len(days) == 28
    assert {"2026-11-04", "2027-01-08", "2027-06-12"} <= set(days)
