"""Rows of `docs/requirements.md` on what members are told, asked of the API as a shop would.

The clock stands at 15:00 of 14 March 2026 in Moscow, outside the quiet hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select

from hub.installations import create_installation, set_state
from hub.jobs.scheduler import look_after
from hub.outbox.dispatch import send_batch
from loyalty_core.service.day_letters import tell_days
from loyalty_core.store.database import read, transact
from loyalty_core.store.tables import outbox, sent_messages
from loyalty_kit.testing.remote import Remote
from tests.connectors.email.test_conformance import form as mail_form
from tests.hub.api.bodies import ANNA, a_line, a_purchase
from tests.hub.api.test_requirement_rows import Scene
from tests.stand_ins.gateways import SmsRu
from tests.stand_ins.mail import MailServer, mail_server
from tests.support.consents import HUB, no, publish_all, said, stands, yes
from tests.support.hub import make_hub

BORIS = "+79161234568"
SILVER = {"code": "silver", "name": "Серебро", "spend_from": "1000.00"}


@pytest.fixture
def hub(engine, clock, tmp_path):
    return make_hub(
        engine,
        clock=clock,
        data_dir=tmp_path / "data",
        quote_deadline_ms=20_000,
        public_url=HUB,
    )


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


@pytest.fixture
def gateway() -> Iterator[Remote]:
    with Remote(SmsRu.accepts) as remote:
        yield remote


@pytest.fixture
def sms(hub, programme_id, gateway) -> str:
    settings = SmsRu.form(gateway.base_url)
    return create_installation(
        hub, programme_id=programme_id, connector="smsru", name="sms", settings=settings
    ).id


@pytest.fixture
def post() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def mail(hub, programme_id, post) -> str:
    settings = mail_form(post.base_url)
    return create_installation(
        hub, programme_id=programme_id, connector="email", name="mail", settings=settings
    ).id


@pytest.fixture
def told(hub, programme_id, gateway, sms):
    """What members were told by SMS since the last time: (phone, text)."""
    seen = 0

    def new() -> list[tuple[str, str]]:
        nonlocal seen
        while send_batch(hub, programme_id):
            pass
        calls = [one for one in gateway.asked if one.path == "/sms/send"]
        forms = [parse_qs(one.body.decode()) for one in calls[seen:]]
        seen = len(calls)
        return [("+" + form["to"][0], form["msg"][0]) for form in forms]

    return new


def switch_on(shop, *kinds: str, **said: Any) -> None:
    for kind in kinds:
        answer = shop.put(f"/messages/kinds/{kind}", {"on": True, **said})
        assert answer.status_code == 200, answer.get_json()


def says(shop, kind: str, text: str, locale: str = "ru") -> None:
    answer = shop.put(f"/messages/kinds/{kind}/sms/{locale}", {"text": text})
    assert answer.status_code == 200, answer.get_json()


def join(shop, phone: str = ANNA, **said: Any) -> str:
    answer = shop.post("/members", {"phone": phone, **said})
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()["id"]


def bought(scene: Scene, number: str = "p-1", paid: str = "1000.00", **said: Any) -> Any:
    return scene.bought(a_line(amount=paid, paid=paid), external_id=number, **said)


def letters(hub) -> list[tuple[str, str | None]]:
    """Kind and reason of what the outbox was given to tell members, the oldest first."""
    table = outbox
    query = select(table.c.payload, table.c.error_code).where(table.c.kind == "message")
    with read(hub.engine) as connection:
        found = connection.execute(query.order_by(table.c.id)).all()
    return [(row.payload["letter"], row.error_code) for row in found]


# --- switched on and off --------------------------------------------------------------------


def test_all_letters_are_off_until_the_owner_switches_them_on(scene, shop, hub, told):
    shown = shop.get("/messages/kinds").get_json()["items"]
    join(shop)
    bought(scene)
    look_after(hub)

    assert [(one["kind"], one["on"], one["class"]) for one in shown] == [
        ("welcome", False, "service"),
        ("points_earned", False, "service"),
        ("points_expire", False, "advertising"),
        ("birthday", False, "advertising"),
        ("tier_up", False, "service"),
        ("tier_warning", False, "advertising"),
    ]
    assert told() == []
    assert letters(hub) == []


def test_a_letter_that_is_switched_off_goes_no_more_queued_or_not(scene, shop, told):
    switch_on(shop, "points_earned")
    join(shop)
    bought(scene)
    assert len(told()) == 1

    bought(scene, "p-2")
    shop.put("/messages/kinds/points_earned", {"on": False})
    bought(scene, "p-3")

    assert told() == []


def test_the_class_of_a_letter_is_asked_as_it_goes_out(scene, shop, hub, told):
    """Who agreed to nothing was written to as service, which it is no more."""
    publish_all(shop)
    switch_on(shop, "points_earned", "welcome")
    says(shop, "points_earned", "+{{ points }}")
    says(shop, "welcome", "Привет")
    join(shop)
    bought(scene)
    switch_on(shop, "points_earned", **{"class": "advertising"})
    assert [text for _, text in told()] == ["Привет"]
    assert letters(hub)[-1] == ("points_earned", "no_consent")

    bought(scene, "p-2")
    switch_on(shop, "points_earned", **{"class": "service"})
    assert [text for _, text in told()] == ["+50"]


@pytest.mark.parametrize(
    ("kind", "said", "errors"),
    [
        ("birthday", {"class": "service"}, {"class": ["Is advertising by law."]}),
        ("welcome", {"days_before": 3}, {"days_before": ["This kind has no day."]}),
        ("birthday", {"days_before": 31}, {"days_before": ["Must be from 0 to 30."]}),
        ("birthday", {"days_before": -1}, {"days_before": ["Must be from 0 to 60."]}),
        ("birthday", {"class": "gossip"}, {"class": ["Must be one of: service, advertising."]}),
        ("birthday", {"price": "1"}, {"price": ["Unknown field."]}),
    ],
)
def test_what_a_kind_of_letters_may_not_be(shop, kind, said, errors):
    answer = shop.put(f"/messages/kinds/{kind}", {"on": True, **said})

    assert answer.status_code == 422
    assert answer.get_json()["errors"] == errors
    assert not any(one["on"] for one in shop.get("/messages/kinds").get_json()["items"])


def test_texts_that_are_put_at_once_are_all_taken_each_as_a_version(shop, at_once):
    def put(number: int) -> tuple[int, int]:
        answer = shop.put("/messages/kinds/welcome/sms/ru", {"text": f"Привет, {number}"})
        return answer.status_code, answer.get_json()["version"]

    assert sorted(at_once(put)) == [(200, 1 + number) for number in range(32)]


# --- what has happened ----------------------------------------------------------------------


def test_r15_who_joins_is_welcomed_once(shop, told):
    switch_on(shop, "welcome")
    says(shop, "welcome", "{{ first_name }}: {{ balance }} в {{ programme }}")
    join(shop, first_name="Анна")

    assert told() == [(ANNA, "Анна: 0 в shop")]
    shop.patch(f"/members/{join(shop, BORIS)}", {"city": "Омск"})
    assert [phone for phone, _ in told()] == [BORIS]


def test_r15_a_purchase_is_told_of_once_with_the_balance(scene, shop, told):
    switch_on(shop, "points_earned")
    says(shop, "points_earned", "+{{ points }} = {{ balance }}")
    join(shop)
    bought(scene)
    bought(scene, paid="1200.00", revision=2)
    bought(scene, "p-2", "500.00")

    assert told() == [(ANNA, "+50 = 85"), (ANNA, "+25 = 85")]


def test_r15_points_that_wait_are_told_as_pending(scene, shop, told):
    scene.publish_points(activation_days=14)
    switch_on(shop, "points_earned")
    says(shop, "points_earned", "{{ balance }} и {{ pending }}")
    join(shop)
    bought(scene)

    assert told() == [(ANNA, "0 и 50")]


def test_what_earned_nothing_or_is_old_news_is_not_told(scene, shop, hub, told):
    switch_on(shop, "points_earned")
    join(shop)
    bought(scene, paid="1.00")
    old = a_purchase(external_id="p-2", occurred_at="2026-03-11T12:00:00+03:00")
    assert shop.post("/purchases", old).status_code == 201

    assert told() == []
    assert letters(hub) == []


def test_who_was_enrolled_by_a_receipt_alone_is_told_nothing(scene, shop, hub, told):
    switch_on(shop, "points_earned", "welcome", "tier_up")
    bought(scene)

    assert told() == []
    assert letters(hub) == [("points_earned", "unconfirmed")]


def test_a_rise_is_told_and_a_fall_is_not(scene, shop, told):
    scene.publish(tiers=[SILVER])
    switch_on(shop, "tier_up")
    says(shop, "tier_up", "{{ was }} > {{ tier }}")
    join(shop)
    bought(scene)
    assert told() == [(ANNA, " > Серебро")]

    bought(scene, revision=2, status="cancelled")
    assert told() == []


def test_a_fall_that_is_near_is_told_once_unless_it_was_put_off(scene, shop, hub, told):
    scene.publish(tiers=[SILVER], tiering={"window": "month", "warn_days": 3})
    switch_on(shop, "tier_warning", **{"class": "service"})
    says(shop, "tier_warning", "{{ tier }} по {{ until }}, нужно {{ keep }}")
    join(shop)
    join(shop, BORIS)
    bought(scene)
    bought(scene, "p-2", customer={"phone": BORIS})
    scene.clock.set(datetime(2026, 4, 28, 12, tzinfo=UTC))
    for _ in range(2):
        look_after(hub)
    bought(scene, "p-3", customer={"phone": BORIS})

    assert told() == [(ANNA, "Серебро по 30.04.2026, нужно 1000")]
    assert letters(hub)[-1] == ("tier_warning", "not_so_any_more")


# --- what has its day -----------------------------------------------------------------------


def test_r14_points_are_told_of_seven_days_before_they_end_and_once(scene, shop, hub, told):
    scene.publish_points(life_days=30)
    switch_on(shop, "points_expire", **{"class": "service"})
    says(shop, "points_expire", "{{ points }} по {{ expires_on }}")
    join(shop)
    bought(scene)
    bought(scene, "p-2", "500.00")
    # Bought on 14 March: to the end of 13 April.
    scene.clock.set(datetime(2026, 4, 5, 12, tzinfo=UTC))
    look_after(hub)
    early = told()
    for day in (6, 7, 12):
        scene.clock.set(datetime(2026, 4, day, 12, tzinfo=UTC))
        look_after(hub)
        look_after(hub)
        if day == 6:
            assert told() == [(ANNA, "75 по 13.04.2026")]

    assert early == []
    assert told() == []


def test_r14_what_was_spent_meanwhile_is_not_told(scene, shop, hub, told, clock):
    scene.publish_points(life_days=30)
    switch_on(shop, "points_expire", **{"class": "service"})
    says(shop, "points_expire", "{{ points }}")
    join(shop)
    join(shop, BORIS)
    bought(scene)
    bought(scene, "p-2", customer={"phone": BORIS})
    scene.clock.set(datetime(2026, 4, 6, 3, tzinfo=UTC))
    look_after(hub)
    spent = a_line(amount="1000.00", spend="50.00", paid="950.00")
    scene.bought(spent, external_id="p-3", points_spent="50.00", customer={"phone": BORIS})
    assert told() == []
    scene.clock.set(datetime(2026, 4, 6, 6, tzinfo=UTC))

    assert told() == [(ANNA, "50")]


def test_r14_a_hub_that_was_down_leaves_nobody_out(scene, shop, hub, told):
    scene.publish_points(life_days=30)
    switch_on(shop, "points_expire", days_before=3, **{"class": "service"})
    join(shop)
    bought(scene)
    scene.clock.set(datetime(2026, 3, 20, 12, tzinfo=UTC))
    look_after(hub)
    scene.clock.set(datetime(2026, 4, 12, 12, tzinfo=UTC))
    look_after(hub)

    assert [phone for phone, _ in told()] == [ANNA]


def test_r14_jobs_at_once_tell_each_lot_once(scene, shop, hub, engine, told):
    scene.publish_points(life_days=3)
    switch_on(shop, "points_expire", **{"class": "service"})
    for number in range(20):
        phone = f"+791600000{number:02}"
        join(shop, phone)
        bought(scene, f"p-{number}", customer={"phone": phone})
    scene.clock.advance(minutes=1)

    def tell(_: int) -> int:
        return transact(
            engine,
            lambda connection: tell_days(connection, hub.plans, now=scene.clock.now(), limit=7),
        )

    with ThreadPoolExecutor(4 if engine.dialect.name == "sqlite" else 32) as pool:
        done = list(pool.map(tell, range(32)))

    assert sum(done) == 20
    assert sorted(phone for phone, _ in told()) == [f"+791600000{n:02}" for n in range(20)]


@pytest.mark.parametrize(
    ("born", "today", "days", "greeted"),
    [
        pytest.param("1990-03-15", "2026-03-15", 0, True, id="on the day"),
        pytest.param("1990-03-15", "2026-03-14", 0, False, id="not the day before"),
        pytest.param("1990-03-15", "2026-03-14", 1, True, id="unless it is asked for"),
        pytest.param("1992-02-29", "2027-02-28", 0, True, id="29 February in other years"),
        pytest.param("1992-02-29", "2028-02-28", 0, False, id="not before it in a leap year"),
        pytest.param("1992-02-29", "2028-02-29", 0, True, id="on it in a leap year"),
    ],
)
def test_a_birthday_is_told_on_its_day(scene, shop, hub, born, today, days, greeted):
    join(shop, birth_date=born)
    scene.clock.set(datetime.fromisoformat(f"{today}T12:00:00+03:00").astimezone(UTC))
    switch_on(shop, "birthday", days_before=days)
    look_after(hub)

    assert letters(hub) == ([("birthday", None)] if greeted else [])


def test_a_birthday_is_told_once_a_year(scene, shop, hub):
    switch_on(shop, "birthday")
    join(shop, birth_date="1990-03-15")
    seen = []
    for day in ("2026-03-15", "2026-03-16", "2027-03-14", "2027-03-15"):
        for hour in (1, 12):
            scene.clock.set(datetime.fromisoformat(f"{day}T{hour:02}:00:00+03:00").astimezone(UTC))
            look_after(hub)
        seen.append(len(letters(hub)))

    assert seen == [1, 1, 1, 2]


# --- consents -------------------------------------------------------------------------------


def test_advertising_goes_to_those_who_agreed_and_service_to_all(scene, shop, hub, told):
    publish_all(shop)
    switch_on(shop, "birthday", "welcome")
    says(shop, "birthday", "С днём рождения")
    says(shop, "welcome", "Привет")
    anna, _ = (join(shop, phone, birth_date="1990-03-14") for phone in (ANNA, BORIS))
    said(shop, anna, yes("processing"), yes(channel="sms"))
    look_after(hub)

    assert sorted(told()) == [
        (ANNA, "Привет"),
        (ANNA, "С днём рождения"),
        (BORIS, "Привет"),
    ]
    assert letters(hub)[-1] == ("birthday", "no_consent")


def test_who_says_no_is_not_sent_what_is_queued(scene, shop, hub, told):
    publish_all(shop)
    switch_on(shop, "birthday")
    anna = join(shop, birth_date="1990-03-14")
    said(shop, anna, yes("processing"), yes(channel="sms"))
    look_after(hub)
    said(shop, anna, no(channel="sms"))

    assert told() == []
    assert letters(hub) == [("birthday", "opted_out")]


def test_without_a_yes_for_one_channel_the_next_is_tried(shop, hub, told, mail, post):
    publish_all(shop)
    switch_on(shop, "birthday")
    says(shop, "birthday", "С днём рождения")
    anna = join(shop, email="anna@example.com", birth_date="1990-03-14")
    said(shop, anna, yes("processing"), yes(channel="sms"), no(channel="email"))
    look_after(hub)

    assert told() == [(ANNA, "С днём рождения")]
    assert post.mails == []


def test_the_first_yes_of_who_was_enrolled_by_a_receipt_is_welcomed(scene, shop, hub, told):
    publish_all(shop)
    switch_on(shop, "welcome")
    says(shop, "welcome", "Привет")
    anna = bought(scene)["member"]
    before = told()
    for _ in range(2):
        said(shop, anna, yes("processing"))

    assert before == []
    assert told() == [(ANNA, "Привет")]


def test_an_advertising_mail_carries_the_way_out_and_it_works(shop, hub, told, mail, post, app):
    publish_all(shop)
    switch_on(shop, "birthday", "welcome")
    anna = join(shop, email="anna@example.com", birth_date="1990-03-14")
    said(shop, anna, yes("processing"), yes(channel="email"))
    look_after(hub)
    told()
    greeting, birthday = post.mails
    link = str(birthday["List-Unsubscribe"]).strip("<>")
    text = birthday.get_body(("plain",)).get_content()
    html = birthday.get_body(("html",)).get_content()
    answer = app.test_client().post(link.removeprefix(HUB), data={"List-Unsubscribe": "One-Click"})

    assert greeting["List-Unsubscribe"] is None
    assert "Отказаться" not in greeting.get_body(("html",)).get_content()
    assert link.startswith(f"{HUB}/c/")
    assert f"Отказаться от рассылки: {link}" in text
    assert f'href="{link}"' in html
    assert answer.status_code == 200
    assert stands(shop, anna)["email"] is False


# --- to whom, and how -----------------------------------------------------------------------


def test_a_letter_goes_by_the_members_own_channel_and_language(shop, hub, told, mail, post):
    switch_on(shop, "welcome")
    both = {"email": "anna@example.com", "first_name": "Anna"}
    join(shop, **both)
    by_mail = told()
    join(
        shop,
        BORIS,
        email="boris@example.com",
        preferred_channel="sms",
        locale="en",
    )

    assert by_mail == []
    assert [letter["To"] for letter in post.mails] == ["anna@example.com"]
    assert post.mails[0]["Subject"] == "Добро пожаловать в программу «shop»"
    assert told() == [(BORIS, "You have joined shop. Points: 0")]


def test_who_has_no_address_is_passed_over(shop, hub, told):
    switch_on(shop, "welcome")
    shop.post("/members", {"card": "777001"})

    assert told() == []
    assert letters(hub) == [("welcome", "no_way")]


def test_a_letter_waits_for_the_end_of_the_quiet_hours_and_is_filled_in_then(
    scene, shop, hub, told
):
    switch_on(shop, "points_earned")
    says(shop, "points_earned", "{{ balance }}")
    join(shop)
    scene.clock.set(datetime(2026, 3, 14, 19, tzinfo=UTC))
    bought(scene)
    assert told() == []
    bought(scene, "p-2")
    scene.clock.set(datetime(2026, 3, 15, 6, tzinfo=UTC))

    assert told() == [(ANNA, "100"), (ANNA, "100")]


def test_a_letter_waits_while_its_connection_is_paused(shop, hub, told, sms):
    switch_on(shop, "welcome")
    says(shop, "welcome", "Привет")
    set_state(hub, sms, "paused")
    join(shop)
    shop.post("/members", {"card": "777001"})
    assert told() == []
    assert letters(hub) == [("welcome", "paused"), ("welcome", "no_way")]

    hub.clock.advance(hours=20)
    assert told() == []
    set_state(hub, sms, "active")
    assert told() == [(ANNA, "Привет")]
    (kept,) = shop.get("/messages").get_json()["items"]
    assert kept["state"] == "sent"


def test_a_letter_that_a_pause_outlived_is_passed_over_and_listed_with_the_reason(
    shop, hub, told, sms
):
    """A welcome is news for three days."""
    switch_on(shop, "welcome")
    set_state(hub, sms, "paused")
    join(shop)
    told()
    hub.clock.advance(days=3)

    assert told() == []
    assert letters(hub) == [("welcome", "paused")]
    set_state(hub, sms, "active")
    assert told() == []
    (kept,) = shop.get("/messages").get_json()["items"]
    assert (kept["kind"], kept["state"], kept["reason"]) == ("welcome", "failed", "paused")


def test_while_one_connection_is_paused_letters_go_by_another(shop, hub, told, sms, mail, post):
    switch_on(shop, "welcome")
    set_state(hub, mail, "paused")
    join(shop, email="anna@example.com")
    shop.post("/members", {"email": "vera@example.com"})

    assert [phone for phone, _ in told()] == [ANNA]
    assert letters(hub) == [("welcome", None), ("welcome", "paused")]
    set_state(hub, mail, "active")
    told()
    assert [letter["To"] for letter in post.mails] == ["vera@example.com"]


def test_who_was_known_twice_is_told_once(scene, shop, hub, told):
    """Welcome, birthday and points that end: each was written to both."""
    publish_all(shop)
    scene.publish_points(life_days=7)
    switch_on(shop, "welcome", "birthday", "points_expire")
    says(shop, "birthday", "С днём рождения")
    says(shop, "welcome", "Привет")
    says(shop, "points_expire", "{{ points }}")
    numbers = [join(shop, phone, birth_date="1990-03-14") for phone in (ANNA, BORIS)]
    for place, number in enumerate(numbers):
        said(shop, number, yes("processing"), yes(channel="sms"))
        bought(scene, f"p-{place}", customer={"phone": (ANNA, BORIS)[place]})
    scene.clock.advance(minutes=1)
    look_after(hub)
    look_after(hub)
    anna, boris = numbers
    assert shop.post(f"/members/{anna}/merge", {"from": boris}).status_code == 200

    assert sorted(text for _, text in told()) == ["100", "Привет", "С днём рождения"]


def test_what_one_record_was_told_is_not_told_to_the_other(shop, hub, told):
    """Boris's record was greeted; Anna's letters wait for the morning."""
    publish_all(shop)
    switch_on(shop, "welcome")
    boris = join(shop, BORIS)
    assert len(told()) == 1
    anna = join(shop)
    assert shop.post(f"/members/{anna}/merge", {"from": boris}).status_code == 200

    assert told() == []


# --- what became of it ----------------------------------------------------------------------


def test_what_became_of_messages_is_listed_in_pages(shop, hub, told, engine):
    switch_on(shop, "welcome")
    for number in range(3):
        join(shop, f"+7916123450{number}")
    told()
    first = shop.get("/messages?limit=2").get_json()
    rest = shop.get(f"/messages?limit=2&cursor={first['next_cursor']}").get_json()
    items = [*first["items"], *rest["items"]]

    assert [one["kind"] for one in items] == ["welcome"] * 3
    assert {one["state"] for one in items} == {"sent"}
    assert {one["reference"] for one in items} == {"000000-10000000"}
    assert (len(first["items"]), rest["next_cursor"]) == (2, None)
    assert [one["id"] for one in items] == sorted((one["id"] for one in items), reverse=True)
    with read(engine) as connection:
        kept = str(connection.execute(select(sent_messages)).all())
    assert "7916123" not in kept


@pytest.mark.parametrize(
    ("query", "expected"),
    [("cursor=x", "cursor"), ("state=lost", "state"), ("limit=0", "limit"), ("text=a", "text")],
)
def test_a_list_of_messages_is_asked_for_rightly(shop, query, expected):
    answer = shop.get(f"/messages?{query}")

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [expected]


def test_x14_export_merge_and_erasure_reach_messages(shop, hub, told, engine):
    switch_on(shop, "welcome")
    anna, boris = join(shop), join(shop, BORIS)
    told()
    assert shop.post(f"/members/{anna}/merge", {"from": boris}).status_code == 200
    found = shop.get(f"/messages?member={anna}").get_json()["items"]
    export = shop.get(f"/members/{anna}/export").get_json()["sent_messages"]
    shop.delete(f"/members/{anna}")

    assert len(found) == 2
    assert [(one["kind"], one["state"]) for one in export] == [("welcome", "sent")] * 2
    with read(engine) as connection:
        kept = connection.execute(select(sent_messages)).all()
    assert [(row.member_id, row.reference) for row in kept] == [(None, None)] * 2
    assert {row.cost_minor for row in kept} == {350}


def test_what_is_kept_of_messages_goes_after_its_time(shop, hub, told, clock, engine):
    # Ids rise with the latest time that a process has seen: later than any other test here.
    clock.set(datetime(2030, 1, 1, 12, tzinfo=UTC))
    switch_on(shop, "welcome")
    join(shop)
    told()
    clock.advance(days=399)
    look_after(hub)
    before = len(shop.get("/messages").get_json()["items"])
    clock.advance(days=2)
    look_after(hub)

    assert (before, shop.get("/messages").get_json()["items"]) == (1, [])
