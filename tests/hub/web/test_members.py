"""Members on the pages: found, and shown with what the books say."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event

from loyalty_core.domain.consents import Statement, Subject
from loyalty_core.service import members
from loyalty_core.service.consent_texts import publish_text
from loyalty_core.service.consents import record_consents
from loyalty_core.service.members import NewMember
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.source import Source
from loyalty_core.store.database import read, write
from loyalty_kit.events_schema import load_purchase, load_refund
from tests.hub.web.conftest import add_programme
from tests.support.clock import NOON

ANNA = NewMember(
    phone="+79161234567", email="anna@example.org", card="2200001", first_name="Анна",
    last_name="Смирнова",
)  # fmt: skip


@pytest.fixture
def pages_engine(engine):
    return engine


@pytest.fixture
def source(hub):
    with read(hub.engine) as connection:
        programme = get_programme(connection, "demo")
    return Source(programme_id=programme.id, name="key:test")


@pytest.fixture
def anna(hub, source):
    with write(hub.engine) as connection:
        return members.enrol_member(connection, hub.plans, source, ANNA, now=NOON).id


def buy(hub, source, external_id: str, paid: str, *, days_ago: int = 0) -> None:
    """A paid purchase of Anna's."""
    purchase = load_purchase(
        {
            "external_id": external_id,
            "occurred_at": (NOON - timedelta(days=days_ago)).isoformat(),
            "customer": {"phone": "+79161234567", "verified": True},
            "lines": [{"id": "1", "sku": "TEA-1", "quantity": "1", "amount": paid, "paid": paid}],
        }
    )
    with write(hub.engine) as connection:
        record_events(connection, hub.plans, [Incoming(source, purchase)], now=NOON)


def test_with_no_member_the_page_says_how_they_come(owner):
    assert "No members yet" in owner.page("/admin/p/demo/members/")


@pytest.mark.parametrize(
    "text", ["+7 916 123-45-67", "89161234567", "2200001", "anna@example.org", "Смирнова", "смир"]
)
def test_a_member_is_found_by(owner, anna, text):
    page = owner.client.get("/admin/p/demo/members/", query_string={"q": text}).text

    assert f'href="/admin/p/demo/members/{anna}"' in page
    assert "+7 916 123-45-67" in page


def test_nobody_found_is_said_and_the_words_stay(owner, anna):
    page = owner.client.get("/admin/p/demo/members/", query_string={"q": "Пётр"}).text

    assert "Nobody found" in page
    assert 'value="Пётр"' in page


def test_a_member_s_page_shows_balance_and_ledger(owner, hub, source, anna):
    buy(hub, source, "1042", "349.00")
    page = owner.page(f"/admin/p/demo/members/{anna}")

    assert "Анна Смирнова" in page
    assert re.search(r'data-figure="available">17<', page)
    assert "Earned" in page
    assert "+17" in page


def test_figures_and_movements_are_of_one_moment(owner, hub, source, anna):
    """A purchase is booked between the reading of the one and of the other."""
    buy(hub, source, "1042", "349.00")
    asked = []

    @event.listens_for(hub.engine, "after_cursor_execute")
    def book_one_more(_connection, _cursor, statement, *_):
        if "FROM accounts" in statement and not asked:
            asked.append(statement)
            buy(hub, source, "1043", "660.00")

    page = owner.page(f"/admin/p/demo/members/{anna}")
    event.remove(hub.engine, "after_cursor_execute", book_one_more)

    assert asked
    assert re.search(r'data-figure="available">17<', page)
    assert page.count("Earned") == 1
    again = owner.page(f"/admin/p/demo/members/{anna}")
    assert re.search(r'data-figure="available">50<', again)
    assert again.count("Earned") == 2


def test_the_lots_and_the_purchases_have_views_of_their_own(owner, hub, source, anna):
    buy(hub, source, "1042", "349.00")

    lots = owner.page(f"/admin/p/demo/members/{anna}?view=lots")
    assert "Spendable from" in lots
    assert "17" in lots
    purchases = owner.page(f"/admin/p/demo/members/{anna}?view=purchases")
    assert "1042" in purchases
    assert "349.00\N{NO-BREAK SPACE}₽" in purchases


def test_a_long_ledger_comes_in_pages(owner, hub, source, anna):
    for number in range(26):
        buy(hub, source, str(number), "100.00", days_ago=number)
    first = owner.page(f"/admin/p/demo/members/{anna}")
    older = first.split('card-footer text-center"><a href="')[1].split('"')[0].replace("&amp;", "&")

    assert first.count("Earned") == 25
    assert owner.page(older).count("Earned") == 1


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Advertising: SMS", "Given", "version 1", "signed", "in the shop", "form 17")),
        ("ru", ("Реклама: SMS", "Дано", "версия 1", "подписано", "в магазине", "form 17")),
    ],
)
def test_the_consents_of_a_member_are_shown(owner, hub, source, anna, language, words):
    page = f"/admin/p/demo/members/{anna}?view=consents"
    owner.headers = {"Accept-Language": language}
    assert ("No consents" if language == "en" else "Согласий нет") in owner.page(page)
    yes = Statement(
        Subject("advertising", "sms"), True, "paper", "form 17", 1, place="shop", shop="main"
    )
    told = {"since": None, "author": "owner", "now": NOON}
    with write(hub.engine) as connection:
        publish_text(connection, source.programme_id, "advertising", {"ru": "Да"}, **told)
        record_consents(connection, source, anna, [yes], now=NOON)

    shown = owner.page(page)
    assert [word for word in words if word not in shown] == []

    no = Statement(Subject("processing"), False)
    with write(hub.engine) as connection:
        record_consents(connection, source, anna, [no], now=NOON)
    by = "13 Apr 2026" if language == "en" else "13 апр"
    assert by in " ".join(owner.page(page).split()), "thirty days"


def test_a_cursor_that_nobody_gave_is_refused_with_a_page(owner, anna):
    response = owner.get(f"/admin/p/demo/members/{anna}?cursor=rubbish")

    assert response.status_code == 400
    assert "This cannot be done" in response.text


def test_what_a_member_is_called_is_text_and_nothing_else(owner, hub, source):
    with write(hub.engine) as connection:
        made = members.enrol_member(
            connection,
            hub.plans,
            source,
            NewMember(card="7", first_name="<script>alert(1)</script>"),
            now=NOON,
        )
    page = owner.page(f"/admin/p/demo/members/{made.id}")

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_another_programme_s_member_is_not_there(owner, hub, anna):
    with write(hub.engine) as connection:
        add_programme(connection, "other", "Other")

    assert owner.get(f"/admin/p/other/members/{anna}").status_code == 404
    assert "Смирнова" not in owner.page("/admin/p/other/members/")


def test_the_first_page_shows_the_last_receipts(owner, hub, source, anna):
    buy(hub, source, "1042", "349.00")
    page = owner.page("/admin/p/demo/")

    assert f'href="/admin/p/demo/members/{anna}">Анна Смирнова</a>' in page
    assert "349.00\N{NO-BREAK SPACE}₽" in page
    assert "+17" in page
    assert re.search(r'class="figure">1<.*\n?.*member', page)


def test_a_purchase_says_what_came_back_of_it(owner, hub, source, anna):
    """Of 200.00, 40.00 of it paid with points, which earned 5 % of 160: half comes back."""
    buy(hub, source, "before", "1000.00", days_ago=1)
    line = {"id": "1", "quantity": "2", "amount": "200.00", "spend": "40.00", "paid": "160.00"}
    bought = {"external_id": "now", "occurred_at": NOON.isoformat(), "lines": [line]}
    back = {"id": "1", "quantity": "1", "paid_back": "80.00"}
    events = (
        load_purchase({**bought, "customer": {"phone": "+79161234567", "verified": True}}),
        load_refund(
            {**bought, "external_id": "r", "purchase": "now", "amount": "80.00", "lines": [back]}
        ),
    )
    with write(hub.engine) as connection:
        record_events(connection, hub.plans, [Incoming(source, one) for one in events], now=NOON)

    page = owner.page(f"/admin/p/demo/members/{anna}?view=purchases")

    cells = [
        text
        for text in re.findall(r">([^<>]*\d[^<>]*)<", page)
        if "back:" in text or "with" in text
    ]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in cells] == [
        "came back: 1",
        "came back: 80.00 ₽",
        "withdrawn: 4",
        "given back: 20",
    ]
