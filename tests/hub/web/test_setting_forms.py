"""A form out of any connector's settings schema."""

import pytest
from flask import g, render_template_string
from werkzeug.datastructures import MultiDict

from hub.web.admin.setting_forms import as_texts, draw, read_form, shown
from loyalty_kit import settings
from loyalty_kit.settings import Choice, SettingsSchema, load_settings

COLOURS = (
    Choice("red", {"en": "Red", "ru": "Красный"}),
    Choice("blue", {"en": "Blue", "ru": "Синий"}),
)


class Everything(SettingsSchema):
    """One field of each kind."""

    title = settings.text({"en": "Title", "ru": "Заголовок"})
    address = settings.url({"en": "Address"}, help={"en": "With https"})
    token = settings.secret({"en": "Token", "ru": "Токен"})
    days = settings.integer({"en": "Days"}, least=0, most=30, default=7)
    colour = settings.choice({"en": "Colour"}, COLOURS, default="blue")
    paints = settings.several({"en": "Paints"}, COLOURS, default=("red", "blue"))
    loud = settings.boolean({"en": "Loud"}, default=True)


SENT = MultiDict(
    [
        ("title", " Лавка "),
        ("address", "https://shop.example"),
        ("token", "s3cret"),
        ("days", "3"),
        ("colour", "red"),
        ("paints", "red"),
    ]
)


@pytest.fixture
def in_page(app):
    with app.test_request_context("/admin/"):
        g.language = "en"
        yield


def test_what_was_sent_loads_as_the_same_settings():
    assert load_settings(Everything, read_form(Everything, SENT)) == {
        "title": "Лавка",
        "address": "https://shop.example",
        "token": "s3cret",
        "days": 3,
        "colour": "red",
        "paints": ("red",),
        "loud": False,
    }


def test_an_empty_form_shows_the_defaults(in_page):
    fields = {field.name: field for field in draw(Everything, {}, errors={}, language="en")}

    assert fields["days"].value == "7"
    assert [one.chosen for one in fields["colour"].choices] == [False, True]
    assert [one.chosen for one in fields["paints"].choices] == [True, True]
    assert fields["loud"].value == "true"
    assert fields["title"].required
    assert not fields["days"].required


def test_what_was_typed_stays_but_never_a_secret(in_page):
    typed = read_form(Everything, SENT)
    fields = {field.name: field for field in draw(Everything, typed, errors={}, language="en")}

    assert fields["address"].value == "https://shop.example"
    assert fields["loud"].value == "false"
    assert fields["token"].value == ""
    assert "s3cret" not in repr(fields)


def test_titles_are_in_the_language_of_the_page_or_else_in_english(in_page):
    fields = {field.name: field for field in draw(Everything, {}, errors={}, language="ru")}

    assert fields["title"].title == "Заголовок"
    assert fields["address"].title == "Address"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Required.", {"en": "Fill this in.", "ru": "Заполните это поле."}),
        (
            "Must be from 0 to 30.",
            {"en": "Must be from 0 to 30.", "ru": "Должно быть от 0 до 30."},
        ),
        ("The vendor's own words.", {"en": "The vendor's own words."}),
    ],
)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_messages_stand_beside_their_field_in_the_language_of_the_page(
    app, message, told, language
):
    with app.test_request_context("/admin/"):
        g.language = language
        fields = draw(Everything, {}, errors={"days": [message]}, language=language)

        assert fields[3].errors == (told.get(language, message),)
        assert all(not field.errors for field in fields if field.name != "days")


def test_every_kind_of_field_has_a_label_and_tells_its_error_to_a_screen_reader(in_page):
    errors = {name: ["Wrong."] for name in Everything().fields}
    fields = draw(Everything, {}, errors=errors, language="en")
    page = render_template_string(
        '{% from "admin/_settings.html" import settings_field %}'
        "{% for field in fields %}{{ settings_field(field) }}{% endfor %}",
        fields=fields,
    )

    assert page.count("Wrong.") == 7
    assert page.count("aria-describedby") == 7
    for name in ("title", "address", "token", "days", "colour"):
        assert '<label class="form-label' in page
        assert f'for="set-{name}"' in page
    assert page.count(">Paints</legend>") == 1


def test_stored_settings_are_shown_without_their_secrets(in_page):
    stored = load_settings(Everything, read_form(Everything, SENT))

    assert shown(Everything, {**stored, "token": "********"}, "en") == [
        ("Title", "Лавка"),
        ("Address", "https://shop.example"),
        ("Token", "kept; not shown"),
        ("Days", "3"),
        ("Colour", "Red"),
        ("Paints", "Red"),
        ("Loud", "no"),
    ]
    assert as_texts(stored)["paints"] == "red"
