"""Russian and English: which one is chosen, and that nothing is left untranslated."""

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask_babel import force_locale

from hub.web.admin.languages import TRANSLATIONS, ngettext

ROOT = Path(__file__).resolve().parents[3]
METHODS = [("**.py", "python"), ("**.html", "jinja2")]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param("ru-RU,ru;q=0.9,en;q=0.5", "Войти", id="Russian"),
        pytest.param("en-GB,en;q=0.9", "Log in", id="English"),
        pytest.param("de,fr;q=0.8", "Log in", id="neither"),
    ],
)
def test_the_browser_s_language_is_the_first_guess(visitor, asked, told):
    assert f'<h1 class="h2 mb-4">{told}</h1>' in visitor(asked).page("/admin/login")


def test_a_language_that_was_chosen_stays_on_this_browser(visitor):
    someone = visitor("en")
    response = someone.send(
        "/admin/login", "/admin/language", language="ru", next="/admin/login?next=/admin/"
    )

    assert response.location == "/admin/login?next=/admin/"
    assert "Войти" in someone.page("/admin/login")


def test_and_goes_with_the_account_to_another_browser(owner, visitor):
    owner.send("/admin/", "/admin/language", language="ru")
    elsewhere = visitor("en")
    elsewhere.log_in()

    assert "Участники" in elsewhere.page("/admin/")


def test_a_language_that_we_do_not_speak_is_refused(owner):
    assert owner.send("/admin/", "/admin/language", language="tlh").status_code == 400


def test_the_way_back_from_the_choice_stays_inside(owner):
    response = owner.send("/admin/", "/admin/language", language="ru", next="https://evil.example/")

    assert response.location == "/admin/"


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "1 сообщение не учтено"),
        (2, "2 сообщения не учтены"),
        (5, "5 сообщений не учтено"),
        (11, "11 сообщений не учтено"),
        (21, "21 сообщение не учтено"),
        (112, "112 сообщений не учтено"),
    ],
)
def test_russian_counts_as_russians_do(app, count, told):
    with app.test_request_context(), force_locale("ru"):
        assert ngettext("%(num)d delivery failed", "%(num)d deliveries failed", count) == told


def test_every_message_of_pages_and_code_has_its_russian():
    with (TRANSLATIONS / "ru" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale="ru")
    found = extract_from_dir(ROOT / "hub" / "web", METHODS)
    said = {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}

    assert len(said) > 150
    missing = [text for text in sorted(said) if not _translated(catalogue, text)]
    assert missing == []


def _translated(catalogue, text: str) -> bool:
    message = catalogue.get(text)
    if message is None or message.fuzzy:
        return False
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(forms)
