"""A settings schema as a form, as options and as what may be shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from loyalty_kit.settings import (
    Choice,
    FormField,
    SettingsSchema,
    boolean,
    choice,
    form_fields,
    integer,
    load_settings,
    masked,
    secret,
    secret_names,
    several,
    text,
    url,
)

STATUSES = (
    Choice("processing", {"ru": "Обрабатывается", "en": "Processing"}),
    Choice("completed", {"ru": "Выполнен", "en": "Completed"}),
)


class ShopSettings(SettingsSchema):
    base_url = url({"ru": "Адрес", "en": "Address"}, help={"ru": "Как в браузере", "en": "As seen"})
    token = secret({"ru": "Ключ", "en": "Key"})
    spare = secret({"ru": "Запасной", "en": "Spare"}, default="")
    shop = text({"ru": "Магазин", "en": "Shop"}, default="main")
    days = integer({"ru": "Дней", "en": "Days"}, least=0, most=30, default=1)
    statuses = several({"ru": "Статусы", "en": "Statuses"}, STATUSES, default=("completed",))
    mode = choice({"ru": "Режим", "en": "Mode"}, STATUSES, default="completed")
    guests = boolean({"ru": "Гости", "en": "Guests"}, default=True)


LEAST = {"base_url": "https://shop.example", "token": "abc"}


def test_the_least_that_must_be_given() -> None:
    assert load_settings(ShopSettings, LEAST) == {
        "base_url": "https://shop.example",
        "token": "abc",
        "spare": "",
        "shop": "main",
        "days": 1,
        "statuses": ("completed",),
        "mode": "completed",
        "guests": True,
    }


def test_a_filled_in_form() -> None:
    form = {
        **LEAST,
        "base_url": " http://shop.example:8080/wp ",
        "days": "7",
        "statuses": "completed, processing",
        "mode": "processing",
        "guests": "false",
    }

    assert load_settings(ShopSettings, form) == {
        "base_url": "http://shop.example:8080/wp",
        "token": "abc",
        "spare": "",
        "shop": "main",
        "days": 7,
        "statuses": ("processing", "completed"),
        "mode": "processing",
        "guests": False,
    }


def test_what_was_loaded_loads_again() -> None:
    once = load_settings(ShopSettings, LEAST)

    assert load_settings(ShopSettings, once) == once


def test_an_empty_form_gives_field_errors() -> None:
    with pytest.raises(ValidationError) as refused:
        load_settings(ShopSettings, dict.fromkeys(["base_url", "token", "days"], " "))

    assert refused.value.messages == {"base_url": ["Required."], "token": ["Required."]}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param("base_url", "shop.example", "Not an address", id="no scheme"),
        pytest.param("base_url", "ftp://shop.example", "Not an address", id="another scheme"),
        pytest.param("base_url", "https://", "Not an address", id="no host"),
        pytest.param("base_url", "https://a:99999", "Not an address", id="port"),
        pytest.param("base_url", "https://a:b@shop.example", "Not an address", id="password in it"),
        pytest.param("base_url", "https://[", "Not an address", id="half an address"),
        pytest.param("days", "31", "Must be from 0 to 30.", id="too many days"),
        pytest.param("days", "a week", "Not a valid integer.", id="no number"),
        pytest.param("statuses", "completed,sold", "Not one of the choices.", id="choices"),
        pytest.param("statuses", ", ,", "Required.", id="none of the choices"),
        pytest.param("mode", "sold", "Not one of the choices.", id="choice"),
        pytest.param("guests", "perhaps", "Not a valid boolean.", id="boolean"),
        pytest.param("colour", "red", "Unknown field.", id="unknown"),
    ],
)
def test_a_setting_is_refused(name: str, value: str, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        load_settings(ShopSettings, {**LEAST, name: value})

    assert list(refused.value.messages_dict) == [name]
    assert refused.value.messages_dict[name][0].startswith(message)


@given(
    st.dictionaries(
        st.sampled_from([*ShopSettings().fields, "x"]),
        st.none() | st.text() | st.integers() | st.lists(st.integers()) | st.floats(),
    )
)
def test_rubbish_raises_only_a_validation_error(form: dict[str, Any]) -> None:
    try:
        loaded = load_settings(ShopSettings, form)
    except ValidationError:
        return
    assert load_settings(ShopSettings, loaded) == loaded


def test_the_form() -> None:
    fields = {field.name: field for field in form_fields(ShopSettings)}

    assert list(fields) == list(load_settings(ShopSettings, LEAST))
    assert fields["base_url"] == FormField(
        name="base_url",
        kind="url",
        title={"ru": "Адрес", "en": "Address"},
        help={"ru": "Как в браузере", "en": "As seen"},
        required=True,
        secret=False,
        choices=(),
        default="",
    )
    assert (fields["token"].secret, fields["token"].required) == (True, True)
    assert (fields["spare"].secret, fields["spare"].required) == (True, False)
    assert fields["statuses"].choices == STATUSES
    assert {name: field.default for name, field in fields.items() if not field.required} == {
        "spare": "",
        "shop": "main",
        "days": "1",
        "statuses": "completed",
        "mode": "completed",
        "guests": "true",
    }


def test_secrets_are_never_shown() -> None:
    shown = masked(ShopSettings, load_settings(ShopSettings, LEAST))

    assert secret_names(ShopSettings) == {"token", "spare"}
    assert (shown["token"], shown["spare"], shown["shop"]) == ("[redacted]", "", "main")
