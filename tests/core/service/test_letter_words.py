"""Texts of letters: what an owner may write, and what is refused with its reason."""

from __future__ import annotations

import pytest

from loyalty_core.domain.letter_texts import TEXTS
from loyalty_core.domain.letters import CHANNELS, KINDS, LOCALES, LetterText
from loyalty_core.service.letter_words import MOST_SMS, TextBroken, check_words, fill_in

EARNED = KINDS["points_earned"]
ANNA = {**EARNED.sample, "first_name": "<b>Анна</b>", "points": "57"}


def broken(channel: str, told: LetterText, kind=EARNED) -> dict[str, list[str]]:
    with pytest.raises(TextBroken) as caught:
        check_words(kind, channel, told)
    return {part: list(why) for part, why in caught.value.errors.items()}


def test_every_kind_has_a_text_for_each_channel_and_language():
    assert set(TEXTS) == {
        (kind, channel, locale) for kind in KINDS for channel in CHANNELS for locale in LOCALES
    }


@pytest.mark.parametrize("of", TEXTS, ids="-".join)
def test_the_texts_that_the_hub_brings_can_be_sent(of):
    kind, channel, _ = of
    check_words(KINDS[kind], channel, TEXTS[of])
    filled = fill_in(channel, TEXTS[of], dict.fromkeys(KINDS[kind].sample, ""))

    assert "{" not in filled.text
    assert (filled.html is not None) == (channel == "email")


@pytest.mark.parametrize("of", [of for of in TEXTS if of[1] == "sms"], ids="-".join)
def test_the_hubs_own_sms_is_one_part_in_russian_letters(of):
    kind, channel, _ = of
    short = {name: told[:10] for name, told in KINDS[kind].sample.items()}

    assert len(fill_in(channel, TEXTS[of], short).text) <= 70


@pytest.mark.parametrize(
    ("source", "why"),
    [
        pytest.param("{{ ponits }}", "Unknown placeholder: ponits.", id="a slip of the pen"),
        pytest.param("{{ points.cost }}", "Unknown placeholder: points.cost.", id="inside of one"),
        pytest.param(
            "{% if tier == 'gold' %}{{ secret }}{% endif %}",
            "Unknown placeholder: secret.",
            id="behind a condition that the sample does not meet",
        ),
        pytest.param("one\n{% if %}", "Line 2 cannot be read.", id="no Liquid"),
        pytest.param("{{ points | shout }}", "Line 1 has an unknown filter.", id="filter"),
        pytest.param(
            "{% if tier == 'gold' %}\n{{ points | shout }}{% endif %}",
            "Line 2 has an unknown filter.",
            id="filter behind a condition",
        ),
        pytest.param("{{ 'now' | date: '%Y' }}", "Line 1 has an unknown filter.", id="the clock"),
        pytest.param("{% include 'a' %}", "Line 1 cannot be read.", id="another file"),
        pytest.param("{% render 'a' %}", "Line 1 cannot be read.", id="a part of another"),
        pytest.param(
            "{% for n in (1..100000) %}.{% endfor %}",
            "Does too much: too many turns of a loop, or too much text.",
            id="many turns",
        ),
        pytest.param(
            "{% for n in (1..200) %}{% for m in (1..200) %}.{% endfor %}{% endfor %}",
            "Does too much: too many turns of a loop, or too much text.",
            id="turns within turns",
        ),
        pytest.param(
            "{% assign a = '..........' %}" + "{% assign a = a | append: a %}" * 20 + "{{ a }}",
            "Does too much: too many turns of a loop, or too much text.",
            id="a text that doubles",
        ),
        pytest.param(
            "{% if points %}" * 40 + "." + "{% endif %}" * 40,
            "Does too much: too many turns of a loop, or too much text.",
            id="deep",
        ),
        pytest.param(
            "{{ (1..9999999999) | first }}",
            "A range of numbers is for loops alone.",
            id="numbers without end",
        ),
        pytest.param(
            "{% if (1..9999999999) contains points %}.{% endif %}",
            "A range of numbers is for loops alone.",
            id="numbers without end to look through",
        ),
        pytest.param(
            "{{ points | replace: '0', '0000000000' }}",
            "Line 1 has an unknown filter.",
            id="a filter that multiplies",
        ),
        pytest.param("{{ points | divided_by: 0 }}", "Line 1 cannot be read.", id="by nothing"),
        pytest.param("{% if false %}.{% endif %} ", "Must not be blank.", id="nothing left"),
    ],
)
def test_what_a_text_may_not_do(source, why):
    assert broken("sms", LetterText(source)) == {"text": [why]}


def test_every_wrong_part_of_a_mail_is_named():
    told = LetterText("{{ a }}", "{{ b }}", "<p>{{ c }}</p>")

    assert broken("email", told) == {
        "text": ["Unknown placeholder: a."],
        "subject": ["Unknown placeholder: b."],
        "html": ["Unknown placeholder: c."],
    }


def test_mail_has_a_subject_and_an_sms_has_none():
    assert broken("email", LetterText("a")) == {"subject": ["Must not be blank."]}
    assert broken("sms", LetterText("a", "b", "<p>c</p>")) == {
        "subject": ["Is for mail alone."],
        "html": ["Is for mail alone."],
    }


def test_an_sms_is_of_ten_parts_at_most():
    check_words(EARNED, "sms", LetterText("ж" * MOST_SMS))

    assert broken("sms", LetterText("ж" * (MOST_SMS + 1))) == {"text": ["Too long."]}


def test_a_members_name_is_no_markup_in_html_and_itself_in_text():
    told = LetterText("{{ first_name }}", "{{ first_name }}", "<p>{{ first_name }}</p>")
    filled = fill_in("email", told, ANNA)

    assert filled.html is not None
    assert "<p>&lt;b&gt;Анна&lt;/b&gt;</p>" in filled.html
    assert filled.text == filled.subject == "<b>Анна</b>"


def test_markup_cannot_be_called_safe():
    told = LetterText("a", "b", "<p>{{ first_name | safe }}</p>")

    assert broken("email", told) == {"html": ["Line 1 has an unknown filter."]}


def test_a_subject_is_one_line():
    filled = fill_in("email", LetterText("a", "one\ntwo {{ points }}"), ANNA)

    assert filled.subject == "one two 57"


def test_style_goes_to_the_elements_and_rules_for_screens_stay():
    html = (
        "<html><head><style>p { color: red; } @media print { p { color: black; } }</style></head>"
        "<body><p>{{ points }}</p></body></html>"
    )
    filled = fill_in("email", LetterText("a", "b", html), ANNA)

    assert filled.html is not None
    assert '<p style="color: red;">57</p>' in filled.html
    assert "@media print" in filled.html


def test_no_style_sheet_is_fetched_and_no_file_is_read(tmp_path):
    (tmp_path / "s.css").write_text("p { color: red; }")
    link = f'<link rel="stylesheet" href="file://{tmp_path}/s.css">'
    html = f"<html><head>{link}</head><body><p>a</p></body></html>"
    filled = fill_in("email", LetterText("a", "b", html), ANNA)

    assert filled.html is not None
    assert "red" not in filled.html
