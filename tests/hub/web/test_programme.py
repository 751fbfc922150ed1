"""The programme's forms: what is typed is kept, what is wrong is told beside the field."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from hub.web.admin.condition_forms import from_document, to_document
from loyalty_core.domain.conditions.tree import read_tree
from loyalty_core.domain.staff import Role
from loyalty_core.service.programmes import draft_rules, get_programme, get_rules
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.source import Source
from loyalty_core.store.database import read, write
from loyalty_kit.events import Customer, Purchase
from tests.hub.web.conftest import PASSWORD
from tests.hub.web.test_people import add, programme_of
from tests.support.browser import chromium, served, visit
from tests.support.clock import NOON
from tests.support.lines import line

HERE = "/admin/p/demo/programme"
BASE_RULES = {
    "base": "1",
    "earning.percent": "7,5",
    "earning.kinds": "goods",
    "spending.limit_percent": "30",
    "spending.kinds": "goods",
    "currencies.0.code": "points",
    "currencies.0.name": "Points",
    "tiers.0.code": "gold",
    "tiers.0.name": "Gold",
    "tiers.0.spend_from": "10 000",
}
PROMOTION = {
    "base": "1",
    "id": "ten",
    "name": "Ten",
    "type": "percent_off",
    "drawn": "percent_off",
    "lane": "main",
    "params.percent": "10",
    "params.kinds": "goods",
    "enabled": "true",
}


def rules_of(hub, version: int) -> dict:
    with read(hub.engine) as connection:
        return dict(get_rules(connection, get_programme(connection, "demo").id, version))


def wrong_beside(page: str, field: str) -> str:
    found = re.search(rf'id="wrong-{re.escape(field)}">([^<]+)', page)
    assert found is not None, field
    return found.group(1)


def test_base_rules_become_a_draft_and_the_same_sent_twice_is_one(owner, hub):
    for _ in range(2):
        sent = owner.send(f"{HERE}/rules", f"{HERE}/rules", **BASE_RULES)
        assert sent.location == f"{HERE}/versions/2"

    rules = rules_of(hub, 2)
    assert rules["earning"]["percent"] == "7.5"
    assert rules["tiers"][0]["spend_from"] == "10000"
    assert "Earned, % of money: 5 → 7.50" in owner.page(f"{HERE}/versions/2")
    other = owner.send(f"{HERE}/rules", f"{HERE}/rules", **{**BASE_RULES, "earning.percent": "9"})
    assert (other.status_code, "Somebody saved another draft" in other.text) == (409, True)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("earning.percent", "much", "Write a number"),
        ("earning.percent", "101", "Must be from 0.00 to 100.00."),
        ("spending.limit_percent", "", "Fill this in."),
        ("currencies.0.life_days", "1.5", "Write a whole number."),
        ("tiers.0.code", "золото", "Latin letters"),
        ("tiers.0.spend_from", "", "Fill this in."),
    ],
)
def test_wrong_rules_are_refused_beside_the_field(owner, field, typed, said):
    page = owner.send(f"{HERE}/rules", f"{HERE}/rules", **{**BASE_RULES, field: typed})

    assert page.status_code == 422
    assert said in wrong_beside(page.text, field)
    assert f'value="{typed}"' in page.text
    assert 'value="Gold"' in page.text


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"name": ""}, "name", "Fill this in."),
        ({"params.percent": "-1"}, "params.percent", "Must be from 0.01 to 100.00."),
        ({"ends_at": "2026-01-01T00:00", "starts_at": "2026-02-01T00:00"}, "ends_at", "The end"),
        (
            {
                "limits.0.per": "member",
                "limits.0.period": "ever",
                "limits.0.of": "points",
                "limits.0.most": "5",
            },
            "limits.0.of",
            "gives no points",
        ),
        (
            {
                "when.group": "all",
                "when.0.group": "any",
                "when.0.0.field": "history.spent",
                "when.0.0.is": "at_least",
                "when.0.0.value": "a lot",
            },
            "when.0.0",
            "Write a number",
        ),
        (
            {
                "when.group": "none",
                "when.0.field": "member.age",
                "when.0.is": "between",
                "when.0.value": "9",
                "when.0.value2": "3",
            },
            "when.0",
            "smaller value first",
        ),
    ],
)
def test_a_wrong_promotion_is_refused_beside_the_field(owner, wrong, field, said):
    page = owner.send(f"{HERE}/promotions/", f"{HERE}/promotions/new", **{**PROMOTION, **wrong})

    assert page.status_code == 422
    assert said in wrong_beside(page.text, field)
    for typed in wrong.values():
        assert f'value="{typed}"' in page.text
    assert owner.get(f"{HERE}/versions/2").status_code == 404, "nothing is saved"


AMOUNT = {"field": "basket.amount", "is": "at_least", "value": "5"}
TEA = {
    "field": "basket.quantity",
    "is": "between",
    "value": ["1", "2"],
    "goods": {"categories": ["tea"]},
}
VIP = {"field": "member.attribute", "is": "is", "name": "vip", "value": "1"}
CITY = {"field": "member.city", "is": "is_known"}


@pytest.mark.parametrize(
    ("when", "means"),
    [
        (AMOUNT, {"all": [AMOUNT]}),
        ({"all": [{"field": "time.weekday", "is": "in", "value": [6, 7]}]}, None),
        ({"not": {"any": [AMOUNT]}}, None),
        ({"not": {"all": [AMOUNT, CITY]}}, None),
        ({"not": CITY}, {"not": {"any": [CITY]}}),
        ({"any": [TEA, {"all": [VIP, {"not": {"any": [CITY, AMOUNT]}}]}]}, None),
    ],
)
def test_a_condition_means_the_same_after_the_form(when, means):
    assert read_tree(to_document(from_document(when)).when) == read_tree(means or when)


def test_who_drafts_and_who_publishes(owner, hub, visitor):
    add(hub, programme_of(hub), "mara", Role.MARKETER)
    mara = visitor()
    mara.log_in("mara")
    approval = {**BASE_RULES, "policies.approval": "true"}
    mara.send(f"{HERE}/rules", f"{HERE}/rules", **approval)

    assert mara.send(f"{HERE}/", f"{HERE}/versions/2/publish").status_code == 403
    owner.send(f"{HERE}/", f"{HERE}/versions/2/publish")
    assert "Version 2" in owner.page(f"{HERE}/")
    owner.send(f"{HERE}/", f"{HERE}/promotions/new", **{**PROMOTION, "base": "2"})
    refused = owner.send(f"{HERE}/versions/3", f"{HERE}/versions/3/publish")
    assert refused.location == f"{HERE}/versions/3"
    assert "need a second person" in owner.page(f"{HERE}/versions/3")
    log = owner.page("/admin/p/demo/log/")
    assert "Rules published" in log
    assert "Draft of the rules" in log


@pytest.mark.parametrize(
    ("path", "odd"),
    [
        ("promotions/look", {"act": "line:when." + "9" * 5000}),
        ("promotions/look", {"act": "drop:when.²"}),
        ("promotions/look", {"act": "drop:limits.²"}),
        ("promotions/look", {"when.group": "all", f"when.{'9' * 5000}.field": "basket.amount"}),
        ("promotions/look", {"try.at": "0001-01-01T00:00", "try.lines.0.price": "5"}),
        ("promotions/look", {"try.at": "9999-12-31T23:59", "try.lines.0.price": "5"}),
        ("promotions/look", {"try.purchases": "9" * 5000, "try.lines.0.price": "5"}),
        ("promotions/look", {"try.shop": "nowhere", "try.lines.0.price": "5"}),
        ("versions/1/simulate", {"from": "0001-01-01", "to": "0001-01-01"}),
        ("versions/1/simulate", {"from": "0001-01-01", "to": "9999-12-31"}),
        ("versions/99999999999999999999/simulate", {}),
    ],
)
def test_a_form_that_no_page_of_ours_sends_is_no_defect(owner, path, odd):
    sent = owner.send(f"{HERE}/rules", f"{HERE}/{path}", **{**PROMOTION, **odd})
    assert sent.status_code < 500


def test_a_form_of_more_fields_than_anybody_fills_in_is_not_read(owner):
    """Its tree would take a web process minutes."""
    odd = {f"when.{number // 100}.{number % 100}.group": "any" for number in range(3001)}
    sent = owner.send(f"{HERE}/rules", f"{HERE}/promotions/look", **PROMOTION, **odd)
    assert sent.status_code == 400


def test_a_second_person_approves_and_what_was_in_force_comes_back(owner, hub, visitor):
    add(hub, programme_of(hub), "boris", Role.OWNER)
    boris = visitor()
    boris.log_in("boris")
    owner.send(f"{HERE}/", f"{HERE}/rules", **BASE_RULES, **{"policies.approval": "true"})
    owner.send(f"{HERE}/", f"{HERE}/versions/2/publish")
    owner.send(f"{HERE}/", f"{HERE}/promotions/new", **{**PROMOTION, "base": "2"})
    assert "Draft 3 of the rules waits" in boris.page("/admin/p/demo/")
    assert "Written by another" in boris.page(f"{HERE}/versions/3")

    boris.send(f"{HERE}/versions/3", f"{HERE}/versions/3/publish")
    assert "Version 3" in owner.page(f"{HERE}/")
    assert "of the rules waits" not in owner.page("/admin/p/demo/")
    taken = boris.send(f"{HERE}/versions/2", f"{HERE}/versions/2/take-back")
    assert taken.location == f"{HERE}/versions/4"
    boris.send(f"{HERE}/versions/4", f"{HERE}/versions/4/publish")
    assert "Version 3" in owner.page(f"{HERE}/"), "nor may who took it back approve that"
    owner.send(f"{HERE}/versions/4", f"{HERE}/versions/4/publish")

    with read(hub.engine) as connection:
        programme = get_programme(connection, "demo")
        restored = get_rules(connection, programme.id, programme.rules_version)
        assert programme.rules_version == 4
        assert restored == get_rules(connection, programme.id, 2)
    assert "Ten" not in owner.page(f"{HERE}/promotions/")


def test_a_draft_is_published_over_the_rules_that_it_was_compared_with(owner, hub, visitor):
    """Boris looks at a draft; before he presses the button a newer one comes into force."""
    add(hub, programme_of(hub), "boris", Role.OWNER)
    boris = visitor()
    boris.log_in("boris")
    owner.send(f"{HERE}/", f"{HERE}/promotions/new", **PROMOTION)
    publishing = r'name="base" value="(\d+)"><button class="btn btn-primary"'
    (base,) = re.findall(publishing, boris.page(f"{HERE}/versions/2"))
    owner.send(f"{HERE}/", f"{HERE}/promotions/new", **{**PROMOTION, "id": "more", "base": "2"})
    owner.send(f"{HERE}/versions/3", f"{HERE}/versions/3/publish", base="1")

    boris.send(f"{HERE}/versions/2", f"{HERE}/versions/2/publish", base=base)

    assert "Other rules are in force by now" in boris.page(f"{HERE}/versions/2")
    assert "Version 3" in owner.page(f"{HERE}/")
    boris.send(f"{HERE}/versions/2", f"{HERE}/versions/2/publish", base="3")
    assert "Version 2" in owner.page(f"{HERE}/"), "now he has seen what goes"


def test_the_main_currency_keeps_its_code_once_somebody_has_points(owner, hub):
    source = Source(programme_of(hub), "key:test")
    with write(hub.engine) as connection:
        customer = Customer(phone="+79161234567")
        lines = (line("1", 100_00),)
        purchase = Purchase("1042", NOON, customer=customer, lines=lines)
        record_events(connection, hub.plans, [Incoming(source, purchase)], now=NOON)
    typed = {**BASE_RULES, "currencies.0.code": "bonus"}
    owner.send(f"{HERE}/", f"{HERE}/rules", **typed)
    owner.send(f"{HERE}/versions/2", f"{HERE}/versions/2/publish")

    assert "Members have accounts in the first currency" in owner.page(f"{HERE}/versions/2")
    with read(hub.engine) as connection:
        assert get_programme(connection, "demo").rules_version == 1


def test_a_row_is_put_before_another_where_the_first_decides(owner, hub):
    """The least price of one brand stands before that of all goods."""
    least = {
        "policies.min_paid.0.price": "1",
        "policies.min_paid.0.kinds": "goods",
        "policies.min_paid.1.price": "0",
        "policies.min_paid.1.kinds": "goods",
        "policies.min_paid.1.brands": "Own",
    }
    moved = owner.send(
        f"{HERE}/rules", f"{HERE}/rules", **BASE_RULES, **least, act="up:policies.min_paid.1"
    ).text
    assert re.search(r'value="0" [^>]*name="policies.min_paid.0.price"', moved)
    assert "up:policies.min_paid.0" not in moved
    assert "up:tiers" not in moved, "tiers stand by their thresholds"


MUG = {"code": "mug", "name": "Mug", "kind": "gift", "price": "150.00", "when": CITY}


def test_base_rules_leave_the_other_parts_as_they_are(owner, hub):
    """And say what is to be changed first where another part names what has gone."""
    vip = {"field": "member.tier", "is": "in", "value": ["gold"]}
    document = {**rules_of(hub, 1), "reward_catalogue": [{**MUG, "when": vip}]}
    document["tiers"] = [{"code": "gold", "name": "Gold", "spend_from": "10000"}]
    with write(hub.engine) as connection:
        programme = get_programme(connection, "demo")
        draft_rules(connection, programme.id, document, author="owner", now=NOON)
    owner.send(f"{HERE}/rules", f"{HERE}/rules", **{**BASE_RULES, "base": "2"})
    assert rules_of(hub, 3)["reward_catalogue"] == document["reward_catalogue"]

    without = {key: said for key, said in BASE_RULES.items() if not key.startswith("tiers.")}
    refused = owner.send(f"{HERE}/rules", f"{HERE}/rules", **{**without, "base": "3"})
    assert refused.status_code == 422
    assert "change that first: Mug." in refused.text


def test_a_promotion_begins_from_a_ready_one_and_is_tried_without_scripts(owner):
    new = f"{HERE}/promotions/new"
    assert f'href="{new}?ready=happy_hours"' in owner.page(new)
    begun = owner.page(f"{new}?ready=happy_hours")
    assert 'value="Happy hours"' in begun
    assert 'name="when.1.value" value="12:00"' in begun
    basket = {"try.lines.0.price": "200", "try.lines.0.quantity": "2"}
    page = owner.send(new, f"{HERE}/promotions/look", **PROMOTION, **basket).text

    assert "</html>" in page
    assert f'action="{new}"' in page
    assert 'name="try.lines.0.price" value="200"' in page
    # 10 % of 400.00.
    assert 'data-figure="discount">40.00' in page


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        ("2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "31 Dec 9999"),
        ("2026-01-01T00:00:00Z", "9999-12-31T23:59:59.999999+03:00", "31 Dec 9999"),
        ("0001-01-01T00:00:00+03:00", "2026-05-01T00:00:00Z", "2 Jan 1,"),
    ],
)
def test_rules_for_ever_are_shown_and_changed(owner, hub, begins, ends, said):
    """The calendar of the shop's zone ends three hours before that of UTC, and begins later."""
    told = {"starts_at": begins, "ends_at": ends}
    ten = {"id": "ten", "name": "Ten", "type": "percent_off", "params": {"percent": "10"}, **told}
    coupons = {"code": "spring", "name": "Spring", **told}
    programme = programme_of(hub)
    with write(hub.engine) as connection:
        document = {**rules_of(hub, 1), "promotions": [ten], "coupons": [coupons]}
        draft_rules(connection, programme, document, author="test", now=NOON)

    for path in ("promotions/", "promotions/ten", "parts/coupons/", "parts/coupons/of/spring"):
        assert "Ten" in (page := owner.page(f"{HERE}/{path}")) or "Spring" in page
    assert said.replace(" ", "\N{NO-BREAK SPACE}") in owner.page(f"{HERE}/promotions/")
    assert said in owner.page(f"{HERE}/versions/2")


def log_in(page):
    page.goto("/admin/login")
    page.fill("[name=login]", "owner")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/admin/p/demo/")


def log_out(page):
    page.goto("/admin/")
    page.get_by_text("Log out").click()
    page.wait_for_url("**/admin/login*")


@pytest.fixture
def windows(app):
    """Two of one browser, the owner logged in."""
    with (
        served(app) as base,
        chromium() as browser,
        visit(browser, base, locale="en", width=1440) as (page, _),
    ):
        log_in(page)
        yield page, page.context.new_page()


def test_in_a_browser_what_was_typed_outlives_the_session_and_a_hub_that_is_away(windows, hub):
    page, elsewhere = windows
    new = f"{HERE}/promotions/new"
    page.goto(new)
    page.fill("[name=name]", "Typed for an hour")
    page.fill("[name='params.percent']", "10")
    add, save = page.locator("button[data-act]").first, page.get_by_text("Save the draft")
    alert = page.get_by_role("alert")

    page.route(f"**{new}", lambda route: route.abort())
    for button in (add, save):
        button.click()
        expect(alert).to_contain_text("The hub does not take this form now")
    page.unroute(f"**{new}")
    log_out(elsewhere)
    for button in (add, save):
        button.click()
        expect(alert).to_contain_text("Your session has ended")
        expect(page.locator("[name=name]")).to_have_value("Typed for an hour")

    log_in(elsewhere)
    add.click()
    expect(page.locator("[name='when.0.field']")).to_be_visible()
    expect(alert).to_have_count(0)
    page.locator("button[value='drop:when.0']").click()
    save.click()
    page.wait_for_url("**/promotions/")
    expect(page.locator("main")).to_contain_text("Typed for an hour")
    (kept,) = rules_of(hub, 2)["promotions"]
    assert (kept["name"], kept["params"]["percent"]) == ("Typed for an hour", "10")


def test_in_a_browser_a_letter_outlives_the_session_too(windows):
    page, elsewhere = windows
    page.goto("/admin/p/demo/messages/welcome/email/en")
    page.fill("[name=subject]", "Typed for an hour")
    save = page.get_by_role("button", name="Save")

    log_out(elsewhere)
    save.click()
    expect(page.get_by_role("alert")).to_contain_text("Your session has ended")
    log_in(elsewhere)
    save.click()
    expect(page.locator("main")).to_contain_text("It is in force from now on.")
    expect(page.locator("[name=subject]")).to_have_value("Typed for an hour")
