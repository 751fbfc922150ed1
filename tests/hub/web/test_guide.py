"""The guide: each page of the console leads to one, in both languages, with its pictures."""

from __future__ import annotations

import re

import pytest

from hub.web.admin.guide import help_address, names
from hub.web.admin.rights import NEEDS


def help_of(text: str) -> str:
    found = re.search(r'href="(/admin/guide/[^"]+)"[^>]*aria-label', text)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize(
    ("language", "page", "guide", "says"),
    [
        ("en", "members/", "en/members.md", "beginning of a name"),
        ("ru", "members/", "ru/members.md", "началу имени"),
        ("en", "", "en/index.md", "A page for each task"),
        ("ru", "messages/sent/", "ru/messages.md", "тихих часов"),
        ("en", "keys/", "en/people.md", "second factor"),
        ("en", "coupons/import", "en/coupons.md", "come in from a file"),
        ("ru", "certificates/import", "ru/coupons.md", "из файла"),
        ("en", "catalogue/import", "en/programme.md", "goods and categories that rules name"),
        ("en", "members/import", "en/members.md", "A base of another system"),
    ],
)
def test_the_question_mark_leads_to_the_page_of_the_guide(visitor, language, page, guide, says):
    someone = visitor(language)
    someone.log_in()

    address = help_of(someone.page(f"/admin/p/demo/{page}"))

    assert address == f"/admin/guide/{guide}"
    assert says in someone.page(address)


def test_each_page_is_there_in_both_languages_and_shows_its_picture(owner):
    assert names("en") == names("ru")
    for tongue in ("en", "ru"):
        for name in names(tongue):
            text = owner.page(f"/admin/guide/{tongue}/{name}.md")
            assert "<h1" in text
            (picture,) = re.findall(r'<img src="(\.\./images/[^"]+)"', text)
            shown = owner.get(f"/admin/guide/images/{picture.rpartition('/')[2]}")
            assert (shown.status_code, shown.mimetype) == (200, "image/png")


def test_every_section_has_a_page_that_is_there(owner, app):
    with app.test_request_context():
        addresses = {help_address(f"admin.{name}", "ru") for name in NEEDS}
    assert len(addresses) == len(names("ru"))
    for address in addresses:
        assert owner.get(address).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["de/members.md", "en/nothing.md", "en/..%2f..%2fREADME.md", "images/..%2fen%2findex.md"],
)
def test_nothing_else_is_served(owner, path):
    assert owner.get(f"/admin/guide/{path}").status_code == 404


def test_who_is_not_logged_in_is_asked_to(visitor):
    assert visitor().get("/admin/guide/en/members.md").status_code == 302
