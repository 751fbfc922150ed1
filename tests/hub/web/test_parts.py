"""Clubs, segments, events that earn, series and cards by form: from the owner to the buyer."""

from __future__ import annotations

import re

import pytest

from hub.web.admin.day_lists import days_in, days_typed
from hub.web.admin.rule_parts import PARTS
from loyalty_core.domain.staff import Role
from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase
from tests.hub.api.client import Caller, new_key
from tests.hub.web.test_people import add, programme_of
from tests.hub.web.test_programme import BASE_RULES, PROMOTION, rules_of, wrong_beside

HERE = "/admin/p/demo/programme"
PARTS_HERE = f"{HERE}/parts"
SEGMENT = {
    "name": "Big buyers",
    "code": "big",
    "when.group": "all",
    "when.0.field": "history.spent",
    "when.0.is": "at_least",
    "when.0.value": "10 000",
}
FORMS = {
    "clubs": (
        {"name": "Tea club", "code": "tea", "skus": "CARD-1, CARD-2", "days": "365"},
        {"name": "Tea club", "code": "tea", "skus": ["CARD-1", "CARD-2"], "days": 365},
        {"days": "a year"},
        ("days", "Write a whole number."),
    ),
    "club_events": (
        {"name": "Tasting", "code": "may", "starts_at": "2026-05-01T18:00", "places": "12"},
        {"name": "Tasting", "code": "may", "starts_at": "2026-05-01T18:00:00+03:00", "places": 12},
        {"starts_at": ""},
        ("starts_at", "Fill this in."),
    ),
    "segments": (
        SEGMENT,
        {
            "name": "Big buyers",
            "code": "big",
            "when": {"all": [{"field": "history.spent", "is": "at_least", "value": "10000"}]},
        },
        {"when.0.value": "a lot"},
        ("when.0", "Write a number"),
    ),
    "events": (
        {
            "name": "Review",
            "id": "review",
            "kind": "review",
            "points": "50,5",
            "enabled": "true",
            "limits.0.per": "member",
            "limits.0.period": "day",
            "limits.0.of": "uses",
            "limits.0.most": "1",
        },
        {
            "name": "Review",
            "id": "review",
            "kind": "review",
            "points": "50.5",
            "enabled": True,
            "once_per_product": False,
            "limits": [{"per": "member", "period": "day", "of": "uses", "most": "1"}],
        },
        {"limits.0.per": "shop"},
        ("limits.0.per", "This does not fit here."),
    ),
    "coupons": (
        {"name": "Spring", "code": "spring", "uses": "1", "price": "100", "given_back": "never"},
        {"name": "Spring", "code": "spring", "uses": 1, "price": "100", "given_back": "never"},
        {"price": "0"},
        ("price", "Must be from 0.01"),
    ),
    "reward_catalogue": (
        {
            "name": "Mug",
            "code": "mug",
            "kind": "gift",
            "price": "150",
            "when.group": "all",
            "when.0.field": "history.purchases",
            "when.0.is": "at_least",
            "when.0.value": "5",
        },
        {
            "name": "Mug",
            "code": "mug",
            "kind": "gift",
            "price": "150",
            "unlimited": False,
            "when": {"all": [{"field": "history.purchases", "is": "at_least", "value": 5}]},
        },
        {"price": "dear", "when.0.value": "many"},
        ("price", "Write a number"),
    ),
    "calendars": (
        {"name": "Rest", "code": "rest", "days": "31.12.2026\n2027-01-01 - 2027-01-02"},
        {"name": "Rest", "code": "rest", "days": ["2026-12-31", "2027-01-01", "2027-01-02"]},
        {"days": "2026-12-30\n31.02.2026\ntomorrow"},
        ("days", "There is no such day: 31.02.2026, tomorrow"),
    ),
    "personal_lists": (
        {"name": "Own", "code": "own", "auto": "true", "auto.days": "30"},
        {"name": "Own", "code": "own", "auto": {"days": 30}},
        {"auto.days": "a month"},
        ("auto.days", "Write a whole number."),
    ),
    "lanes": (
        {"name": "Shelf", "code": "shelf", "mode": "best"},
        {"name": "Shelf", "code": "shelf", "mode": "best", "once_per_line": False},
        {"code": "полка"},
        ("code", "Latin letters"),
    ),
    "certificates": (
        {"name": "Gift", "code": "gift", "nominal": "3 000", "top_up": "true"},
        {"name": "Gift", "code": "gift", "nominal": "3000", "top_up": True},
        {"code": "подарок"},
        ("code", "Latin letters"),
    ),
}
"""By part: what is typed, what the document then has, what is typed wrong, what is said where."""


@pytest.mark.parametrize("part", PARTS)
def test_an_entry_is_made_changed_and_removed_by_form(owner, hub, part):
    typed, made, odd, (field, said) = FORMS[part]
    key = made.get("code") or made["id"]
    listed, new = f"{PARTS_HERE}/{part}/", f"{PARTS_HERE}/{part}/new"
    standing = rules_of(hub, 1).get(part, [])

    refused = owner.send(new, new, **{"base": "1", **typed, **odd})
    assert refused.status_code == 422
    assert said in wrong_beside(refused.text, field)
    for kept in ({**typed, **odd}[name] for name in ("name", *odd)):
        assert f'value="{kept}"' in refused.text or f">\n{kept}</textarea>" in refused.text
    assert owner.get(f"{HERE}/versions/2").status_code == 404, "nothing is saved"

    sent = owner.send(new, new, base="1", **typed)
    assert sent.location == f"{listed}#s-{part}"
    assert rules_of(hub, 2)[part] == [*standing, made]
    assert "in the draft" in owner.page(listed)
    assert made["name"] in owner.page(f"{HERE}/versions/2")

    one = f"{listed}of/{key}"
    named = {"name": "Another name", "code": "other", "id": "other"}
    owner.send(one, one, **{"base": "2", **typed, **named})
    renamed = {**made, "name": "Another name"}
    assert rules_of(hub, 3)[part] == [*standing, renamed], "its code stays"
    assert owner.get(f"{listed}of/other").status_code == 404

    owner.send(listed, f"{one}/remove", base="3")
    assert rules_of(hub, 4)[part] == standing
    late = owner.send(new, new, base="2", **typed)
    assert (late.status_code, "Somebody saved another draft" in late.text) == (409, True)


def test_cards_are_given_by_form_and_taken_back(owner, hub):
    page = f"{HERE}/cards"
    refused = owner.send(page, page, base="1", given="true", prefix="46")
    assert refused.status_code == 422
    assert wrong_beside(refused.text, "prefix")
    assert 'value="46"' in refused.text

    owner.send(page, page, base="1", given="true", prefix="", on_enrolment="true")
    assert rules_of(hub, 2)["cards"] == {"on_enrolment": True}
    assert "Issued on joining" in owner.page(f"{PARTS_HERE}/coupons/")
    owner.send(page, page, base="2")
    assert "cards" not in rules_of(hub, 3)
    assert "Members have none." in owner.page(f"{PARTS_HERE}/coupons/")


def test_a_club_of_the_form_gives_its_buyer_what_it_promises(owner, hub):
    """Its card is bought at the till, and the next basket is cheaper by the club's promotion."""
    till = Caller(owner.client.application, new_key(hub, programme_of(hub), name="till").key)
    promotion = {
        **PROMOTION,
        "base": "2",
        "when.group": "all",
        "when.0.field": "member.club",
        "when.0.is": "has_any",
        "when.0.value": "tea",
    }
    new = f"{PARTS_HERE}/clubs/new"
    owner.send(new, new, base="1", **FORMS["clubs"][0])
    owner.send(new, f"{HERE}/promotions/new", **promotion)
    asked = a_basket(shop="main", member={"phone": ANNA, "verified": True})
    card = a_line(sku="CARD-1", paid="1000.00")

    owner.send(f"{HERE}/", f"{HERE}/versions/3/publish")
    assert till.post("/quotes", asked).json["totals"]["discount"] == "0.00"
    hub.clock.advance(minutes=1)
    sale = a_purchase(shop="main", lines=[card], occurred_at=hub.clock.now().isoformat())
    assert till.post("/purchases", sale).status_code == 201
    # 10 % of 1000.00.
    assert till.post("/quotes", asked).json["totals"]["discount"] == "100.00"

    kept = owner.send(f"{PARTS_HERE}/clubs/", f"{PARTS_HERE}/clubs/of/tea/remove", base="3")
    assert kept.location == f"{PARTS_HERE}/clubs/#s-clubs"
    assert "change that first: Ten." in owner.page(f"{PARTS_HERE}/clubs/")


def test_beside_the_form_stands_how_many_members_a_segment_means(owner):
    look, new = f"{PARTS_HERE}/segments/look", f"{PARTS_HERE}/segments/new"
    told = owner.send(new, look, hx=True, base="1", **SEGMENT).text
    assert "0 members meet it now" in told
    assert "at least 10,000.00" in told
    page = owner.send(new, look, base="1", **SEGMENT).text
    assert "</html>" in page
    assert "0 members meet it now" in page
    half = owner.send(new, look, hx=True, base="1", name="No condition").text
    assert "Fill in the form" in half
    weekend = {"when.0.field": "time.weekday", "when.0.is": "in", "when.0.value": "6"}
    refused = owner.send(new, new, base="1", **{**SEGMENT, **weekend})
    assert "not about members" in wrong_beside(refused.text, "when.0")
    line = owner.send(new, new, hx=True, base="1", name="A", act="line:when").text
    assert 'value="history.purchases" selected' in line
    assert 'value="basket.amount"' not in line


def test_a_holiday_of_the_form_is_one_for_the_buyer(owner, hub):
    """A calendar is begun from the ready one, told as spans, and a promotion asks for it."""
    till = Caller(owner.client.application, new_key(hub, programme_of(hub), name="till").key)
    new = f"{PARTS_HERE}/calendars/new"
    begun = owner.page(f"{new}?ready=holidays")
    assert "2026-01-01 – 2026-01-08\n2026-02-23" in begun
    owner.send(new, new, base="1", name="Sale", code="sale", days="13.03.2026 – 15.03.2026")
    assert "Days: 13 Mar 2026 – 15 Mar 2026" in owner.page(f"{HERE}/versions/2")
    holiday = {"field": "time.holiday", "is": "has_any", "value": "sale"}
    when = {"when.group": "all", **{f"when.0.{key}": said for key, said in holiday.items()}}
    owner.send(new, f"{HERE}/promotions/new", **{**PROMOTION, "base": "2", **when})
    owner.send(f"{HERE}/", f"{HERE}/versions/3/publish")
    assert hub.clock.now().date().isoformat() == "2026-03-14"

    basket = a_basket(lines=[{"id": "1", "quantity": "1", "amount": "100.00"}])
    assert till.post("/quotes", basket).json["totals"]["discount"] == "10.00"
    hub.clock.advance(days=2)
    assert till.post("/quotes", basket).json["totals"]["discount"] == "0.00"


@pytest.mark.parametrize(
    ("part", "odd", "field", "said"),
    [
        ("calendars", {"days": " "}, "days", "Fill this in."),
        ("reward_catalogue", {"compensation": "5"}, "compensation", "rewards of a partner alone"),
        (
            "segments",
            {"when.0.field": "member.segment", "when.0.is": "has_any", "when.0.value": "big"},
            "when.0",
            "Segments cannot be asked for here.",
        ),
    ],
)
def test_what_does_not_fit_is_told_in_words(owner, part, odd, field, said):
    new = f"{PARTS_HERE}/{part}/new"
    refused = owner.send(new, new, **{"base": "1", **FORMS[part][0], **odd})
    assert (refused.status_code, said in wrong_beside(refused.text, field)) == (422, True)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("2026-12-31; 31.12.2026", ["2026-12-31"]),
        ("30.12.2026—01.01.2027", ["2026-12-30", "2026-12-31", "2027-01-01"]),
        ("08.01.2027 – 01.01.2027", ["08.01.2027 – 01.01.2027"]),
        ("01.01.2027 – 01.01.2057", ["01.01.2027 – 01.01.2057"]),
        ("31.02.2026\ntomorrow", ["31.02.2026", "tomorrow"]),
        (" \n, ", []),
    ],
)
def test_days_are_read_as_people_write_them(typed, kept):
    assert days_in(typed) == kept
    assert days_in(days_typed(kept, "ru")) == days_in(days_typed(kept, "en")) == kept


def test_lanes_run_in_the_order_of_the_list_and_one_stays(owner, hub):
    lanes, new = f"{PARTS_HERE}/lanes/", f"{PARTS_HERE}/lanes/new"
    owner.send(new, new, base="1", **FORMS["lanes"][0])
    page = owner.page(lanes)
    assert page.index("of/main/remove") < page.index("of/shelf/remove")
    assert "of/main/earlier" not in page, "it is the first"
    assert ">Main lane</a>" in page, "it has no name"
    owner.send(lanes, f"{lanes}of/shelf/earlier", base="2")
    assert [one["code"] for one in rules_of(hub, 3)["lanes"]] == ["shelf", "main"]
    assert "Main lane → Shelf, Main lane" in owner.page(f"{HERE}/versions/3")
    offered = owner.page(f"{HERE}/promotions/new")
    assert 'value="shelf">Shelf</option>' in offered
    assert re.search('value="main"( selected)?>Main lane</option>', offered)

    owner.send(lanes, f"{HERE}/promotions/new", **{**PROMOTION, "base": "3", "lane": "shelf"})
    owner.send(lanes, f"{lanes}of/shelf/remove", base="4")
    assert "change that first: Ten." in owner.page(lanes)
    owner.send(lanes, f"{lanes}of/main/remove", base="4")
    owner.send(lanes, f"{lanes}of/shelf/remove", base="5")
    assert "One lane stays" in owner.page(lanes)
    assert owner.send(lanes, f"{PARTS_HERE}/clubs/of/a/earlier", base="5").status_code == 404


CHOICE = {
    "given": "true",
    "forms.0.code": "points",
    "forms.0.name": "Points",
    "forms.1.code": "money",
    "forms.1.name": "A discount",
    "default": "1",
}


def test_members_choose_their_reward_by_the_form(owner, hub):
    """Who has not chosen has the discount: the purchases of those who chose points earn."""
    till = Caller(owner.client.application, new_key(hub, programme_of(hub), name="till").key)
    page, listed = f"{HERE}/reward-choice", f"{PARTS_HERE}/reward_catalogue/"
    assert "Nothing is to be chosen" in owner.page(listed)
    odd = owner.send(page, page, base="1", **{**CHOICE, "forms.1.name": "", "forms.0.code": "б"})
    assert odd.status_code == 422
    assert "Fill this in." in wrong_beside(odd.text, "forms.1.name")
    assert "Latin letters" in wrong_beside(odd.text, "forms.0.code")
    assert 'value="б"' in odd.text
    none = owner.send(page, page, base="1", **{**CHOICE, "default": "7"})
    assert "Fill this in." in wrong_beside(none.text, "default")
    more = owner.send(page, page, hx=True, base="1", **CHOICE, act="add:forms").text
    assert 'value="reward-' in more

    owner.send(page, page, base="1", **CHOICE)
    made = [{"code": "points", "name": "Points"}, {"code": "money", "name": "A discount"}]
    assert rules_of(hub, 2)["rewards"] == {"forms": made, "default": "money"}
    assert "“A discount” (money)" in owner.page(f"{HERE}/versions/2")
    assert "Points, A discount" in owner.page(listed)

    assert 'name="earning.rewards" value="points"' in owner.page(f"{HERE}/rules")
    base = {**BASE_RULES, "base": "2", "earning.rewards": "points"}
    owner.send(page, f"{HERE}/rules", **base)
    owner.send(f"{HERE}/", f"{HERE}/versions/3/publish")
    asked = a_basket(member={"phone": ANNA, "verified": True})
    assert till.post("/quotes", asked).json["points"]["earn"] == "0.00"

    kept = owner.send(page, page, base="3")
    assert "change that first: Earning." in kept.text
    owner.send(page, f"{HERE}/rules", **{**base, "base": "3", "earning.rewards": ""})
    owner.send(page, page, base="4")
    assert "rewards" not in rules_of(hub, 5)


@pytest.mark.parametrize("path", ["parts/policies/", "parts/policies/new", "parts/clubs/of/nobody"])
def test_what_has_no_form_is_not_there(owner, path):
    assert owner.get(f"{HERE}/{path}").status_code == 404


def test_who_looks_sees_the_lists_and_no_buttons(owner, hub, visitor):
    owner.send(f"{PARTS_HERE}/clubs/new", f"{PARTS_HERE}/clubs/new", base="1", **FORMS["clubs"][0])
    add(hub, programme_of(hub), "vera", Role.VIEWER)
    vera = visitor("ru")
    vera.log_in("vera")

    page = vera.page(f"{PARTS_HERE}/clubs/")
    assert "Tea club" in page
    assert "Артикулы клубной карты: CARD-1, CARD-2" in page
    assert "/new" not in page
    assert "/remove" not in page
