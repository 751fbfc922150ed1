"""R21 to R23: points for what is not a purchase, asked of the API as a shop would.

The clock stands at noon in UTC of Saturday, 14 March 2026; the zone of the programme is Moscow's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import jsonschema
import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from loyalty_core.store.database import read, write
from loyalty_core.store.tables import event_products
from tests.hub.api.bodies import ANNA, a_line
from tests.hub.api.client import code_of
from tests.hub.api.test_requirement_rows import RULES, Scene
from tests.hub.api.test_rows_conditions import when
from tests.hub.api.test_rows_kinds import BORIS, VIP, errors_of, join

COMERS = 32
ONCE = {"per": "member", "period": "ever", "of": "uses", "most": "1"}
ONCE_A_DAY = {"per": "member", "period": "day", "of": "uses", "most": "1"}
WELCOME = {
    "id": "welcome",
    "name": "За регистрацию",
    "kind": "registration",
    "points": "100.00",
    "limits": [ONCE],
}
VISIT = {"id": "visit", "name": "За визит", "kind": "visit", "points": "5", "limits": [ONCE_A_DAY]}
REVIEW = {
    "id": "review",
    "name": "За отзыв",
    "kind": "review",
    "points": "50.00",
    "once_per_product": True,
}
QUIZ = {"id": "quiz", "name": "Конкурс", "kind": "contest", "points": "300"}


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


pytestmark = pytest.mark.usefixtures("clean_books")


def told(scene: Scene, kind: str, number: str = "e-1", **said: Any) -> Any:
    """What the shop tells, now, of Anna; the answer."""
    event = {
        "kind": kind,
        "external_id": number,
        "occurred_at": scene.clock.now().isoformat(),
        "member": {"phone": ANNA},
        **said,
    }
    return scene.shop.post("/events", event)


def earned(answer: Any) -> str:
    assert answer.status_code in (200, 201), answer.get_json()
    points: str = answer.get_json()["points"]["earned"]
    return points


def available(scene: Scene, phone: str = ANNA) -> str:
    return scene.balance(phone)["available"]


# --- R21 ------------------------------------------------------------------------------------


def test_r21_a_registration_earns_once_whoever_tells_of_it(scene):
    """The same event again changes nothing; another one of the same kind finds the limit."""
    scene.publish(events=[WELCOME])
    join(scene)

    first = told(scene, "registration")
    assert (first.status_code, first.get_json()["status"]) == (201, "booked")
    assert (earned(first), available(scene)) == ("100.00", "100.00")
    again = told(scene, "registration")
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    other = told(scene, "registration", "e-2")
    assert (earned(other), other.get_json()["flags"]) == ("0.00", ["limit_reached"])
    assert available(scene) == "100.00"


def test_r21_the_ledger_says_what_earned(scene):
    scene.publish(events=[WELCOME])
    member = join(scene)
    event = told(scene, "registration").get_json()["id"]

    (entry,) = scene.shop.get(f"/members/{member}/ledger").get_json()["items"]
    (lot,) = scene.shop.get(f"/members/{member}/lots").get_json()["items"]

    assert (entry["kind"], entry["amount"]) == ("earn", "100.00")
    assert (entry["purchase"], entry["event"]) == (None, event)
    assert (lot["purchase"], lot["event"], lot["left"]) == (None, event, "100.00")
    assert entry["cause"] == {
        "event": "registration",
        "source": "key:till",
        "external_id": "e-1",
        "rule": "event:welcome",
    }
    bought = scene.bought(a_line(paid="1000.00"))["id"]
    newest = scene.shop.get(f"/members/{member}/ledger").get_json()["items"][0]
    assert (newest["purchase"], newest["event"]) == (bought, None)


def test_r21_two_cards_of_one_person_have_one_registration(scene):
    """One has registered, and turns out to be the other; the other is registered by that."""
    scene.publish(events=[WELCOME])
    anna, boris = join(scene), join(scene, BORIS)
    assert earned(told(scene, "registration")) == "100.00"
    merged = scene.shop.post(f"/members/{boris}/merge", {"from": anna})
    assert merged.status_code == 200

    late = told(scene, "registration", "e-2", member={"phone": BORIS})

    assert (earned(late), late.get_json()["flags"]) == ("0.00", ["limit_reached"])
    assert available(scene, BORIS) == "100.00"


def test_r21_a_visit_earns_once_a_day_of_the_programme(scene):
    """From 15:00 in Moscow on: the local midnight is nine hours later, the one in UTC twelve."""
    scene.publish(events=[VISIT])
    join(scene)
    assert earned(told(scene, "visit", "v-1")) == "5.00"
    scene.clock.advance(hours=8, minutes=59)
    assert earned(told(scene, "visit", "v-2")) == "0.00"
    scene.clock.advance(minutes=2)
    assert earned(told(scene, "visit", "v-3")) == "5.00"
    assert earned(told(scene, "visit", "v-4", occurred_at="2026-03-14T20:00:00+03:00")) == "0.00"
    assert available(scene) == "10.00"


def test_r21_of_32_visits_at_once_one_earns(scene, at_once):
    scene.publish(events=[VISIT])
    join(scene)
    given = at_once(lambda number: earned(told(scene, "visit", f"v-{number}")))

    assert sorted(given) == ["0.00"] * 31 + ["5.00"]
    assert available(scene) == "5.00"


def test_r21_the_same_event_32_times_at_once_is_one(scene, at_once):
    scene.publish(events=[QUIZ])
    join(scene)
    statuses = at_once(lambda _: told(scene, "contest").status_code)

    assert sorted(statuses) == [200] * 31 + [201]
    assert available(scene) == "300.00"


def test_r21_a_budget_for_all_holds_under_32_members_at_once(scene, at_once):
    """Each would have 30 points for the mission; there are 100 for all."""
    mission = {
        "id": "steps",
        "name": "Миссия",
        "kind": "mission",
        "points": "30",
        "limits": [{"per": "promotion", "period": "month", "of": "points", "most": "100"}],
    }
    scene.publish(events=[mission])
    phones = [f"+791655505{number:02}" for number in range(COMERS)]
    for phone in phones:
        join(scene, phone)

    def play(number: int) -> str:
        return earned(told(scene, "mission", f"m-{number}", member={"phone": phones[number]}))

    assert sorted(at_once(play)) == ["0.00"] * 28 + ["10.00"] + ["30.00"] * 3


def test_r21_points_of_an_event_have_days_and_a_currency_of_their_own(scene):
    (points,) = scene.shop.get(RULES).get_json()["currencies"]
    mission = {
        "id": "steps",
        "name": "Миссия",
        "kind": "mission",
        "points": "30",
        "currency": "miles",
        "life_days": 10,
        "activation_days": 3,
    }
    scene.publish(currencies=[points, {"code": "miles", "name": "Мили"}], events=[mission])
    member = join(scene)

    answer = told(scene, "mission")

    assert earned(answer) == "0.00"
    (lot,) = scene.shop.get(f"/members/{member}/lots").get_json()["items"]
    assert (lot["currency"], lot["amount"], lot["pending"]) == ("miles", "30.00", True)
    assert datetime.fromisoformat(lot["spendable_from"]) == scene.clock.now() + timedelta(days=3)
    assert lot["expires_at"] == "2026-03-24T21:00:00+00:00"


def test_r21_who_earns_is_a_condition_and_when_a_window(scene):
    party = QUIZ | {
        "starts_at": "2026-03-14T18:00:00+03:00",
        "ends_at": "2026-03-15T00:00:00+03:00",
        "when": when("member.segment", "has_any", ["vip"]),
    }
    scene.publish(segments=[VIP], events=[party])
    join(scene, attributes={"vip": "yes"})
    join(scene, BORIS)
    scene.clock.advance(hours=4)

    assert earned(told(scene, "contest", "c-1")) == "300.00"
    assert earned(told(scene, "contest", "c-2", member={"phone": BORIS})) == "0.00"
    for number, at in (("c-3", "2026-03-14T17:59:59+03:00"), ("c-4", "2026-03-15T00:00:00+03:00")):
        assert earned(told(scene, "contest", number, occurred_at=at)) == "0.00"
    for number, at in (("c-5", "2026-03-14T18:00:00+03:00"), ("c-6", "2026-03-14T23:59:59+03:00")):
        assert earned(told(scene, "contest", number, occurred_at=at)) == "300.00"


def test_r21_points_of_events_bring_forward_where_tiers_go_by_points(scene):
    """100 of a registration and 50 of a review reach 150; taken down, it falls again."""
    scene.publish(
        events=[WELCOME, REVIEW],
        tiers=[{"code": "silver", "name": "Серебро", "points_from": "150.00"}],
        tiering={"by": "points"},
    )
    member = join(scene)

    def tier() -> str | None:
        held = scene.shop.get(f"/members/{member}").get_json()["tier"]
        return held and held["code"]

    told(scene, "registration")
    assert tier() is None
    scene.clock.advance(minutes=1)
    review(scene)
    assert tier() == "silver"
    scene.clock.advance(minutes=1)
    review(scene, state="withdrawn", revision=2)
    assert tier() is None


def test_r21_tiers_by_actions_count_what_is_not_moderated_or_approved(scene):
    scene.publish(
        tiers=[{"code": "fan", "name": "Знаток", "count_from": 1}],
        tiering={"by": "actions", "actions": ["review"]},
    )
    member = join(scene)
    held = []
    for revision, state in enumerate(("pending", "approved", "withdrawn", None), start=1):
        review(scene, state=state, revision=revision)
        held.append(scene.shop.get(f"/members/{member}").get_json()["tier"])
        scene.clock.advance(minutes=1)

    assert [one and one["code"] for one in held] == [None, "fan", None, "fan"]


def test_r21_what_comes_late_is_rated_by_the_rules_of_its_day(scene):
    scene.publish(events=[QUIZ])
    join(scene)
    then = scene.clock.now().isoformat()
    scene.clock.advance(hours=1)
    scene.publish(events=[QUIZ | {"points": "1"}])

    assert earned(told(scene, "contest", "late", occurred_at=then)) == "300.00"
    assert earned(told(scene, "contest", "new")) == "1.00"


def test_r21_nobody_earns_where_nobody_is_known_or_no_rule_is(scene):
    scene.publish(events=[QUIZ])
    stranger = told(scene, "contest", "c-1", member={"phone": BORIS})
    assert (earned(stranger), stranger.get_json()["member"]) == ("0.00", None)
    assert earned(told(scene, "contest", "c-2", member=None)) == "0.00"
    join(scene)
    assert earned(told(scene, "survey", "s-1")) == "0.00"
    known = told(scene, "contest", "c-1", member={"phone": ANNA}, revision=2)
    assert earned(known) == "300.00"


# --- R22 ------------------------------------------------------------------------------------


def review(scene: Scene, number: str = "r-1", **said: Any) -> Any:
    return told(scene, "review", number, **{"product": "TEA-1", "state": "approved", **said})


def test_r22_a_review_earns_after_moderation_and_not_before(scene):
    scene.publish(events=[REVIEW])
    join(scene)

    assert earned(review(scene, state="pending")) == "0.00"
    assert available(scene) == "0.00"
    assert earned(review(scene, state="approved", revision=2)) == "50.00"
    assert available(scene) == "50.00"
    assert earned(review(scene, "r-2", state=None, product="CUP-1")) == "0.00"
    assert earned(review(scene, "r-3", state="rejected", product="PEN-1")) == "0.00"


def test_r22_one_product_is_reviewed_once_by_a_member(scene, engine):
    scene.publish(events=[REVIEW])
    member = join(scene)
    join(scene, BORIS)

    assert earned(review(scene, "r-1")) == "50.00"
    again = review(scene, "r-2", product="tea-1")
    assert (earned(again), again.get_json()["flags"]) == ("0.00", ["limit_reached"])
    assert earned(review(scene, "r-3", product="CUP-1")) == "50.00"
    assert earned(review(scene, "r-4", member={"phone": BORIS})) == "50.00"
    bare = review(scene, "r-5", product=None)
    assert (earned(bare), bare.get_json()["flags"]) == ("0.00", ["product_required"])
    with read(engine) as connection:
        given = connection.execute(select(event_products)).mappings().first()
    with pytest.raises(IntegrityError), write(engine) as connection:
        connection.execute(insert(event_products).values({**given, "happening_id": 1}))
    assert len(scene.shop.get(f"/members/{member}/lots").get_json()["items"]) == 2


def test_r22_of_32_reviews_of_a_product_at_once_one_earns(scene, engine, at_once):
    scene.publish(events=[REVIEW])
    join(scene)

    given = at_once(lambda number: earned(review(scene, f"r-{number}")))

    assert sorted(given) == ["0.00"] * 31 + ["50.00"]
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(event_products)) == 1


@pytest.mark.parametrize("state", ["rejected", "withdrawn", "pending"])
def test_r22_a_review_that_is_taken_down_takes_its_points_along(scene, state):
    """And leaves room for another one of the same product; the books remember all of it."""
    scene.publish(events=[REVIEW])
    member = join(scene)
    review(scene)

    down = review(scene, state=state, revision=2)
    assert down.status_code == 200
    assert down.get_json()["points"]["clawed_back"] == "50.00"
    assert available(scene) == "0.00"
    assert earned(review(scene, "r-2")) == "50.00"
    back = review(scene, revision=3)
    assert (earned(back), back.get_json()["flags"]) == ("0.00", ["limit_reached"])
    review(scene, "r-2", state=state, revision=2)
    assert available(scene) == "0.00"
    review(scene, revision=4, data={"text": "better"})
    assert available(scene) == "0.00"

    kinds = [one["kind"] for one in scene.shop.get(f"/members/{member}/ledger").get_json()["items"]]
    assert kinds == ["claw_back", "earn", "claw_back", "earn"]


def test_r22_a_review_that_stands_again_has_its_points_again(scene):
    scene.publish(events=[REVIEW])
    join(scene)
    review(scene)
    review(scene, state="rejected", revision=2)

    again = review(scene, revision=3)

    assert again.get_json()["points"]["clawed_back"] == "-50.00"
    assert available(scene) == "50.00"


def test_r22_a_review_of_another_product_than_before_is_rated_anew(scene):
    """The first product is free for another review, and the second has had its points."""
    scene.publish(events=[REVIEW])
    join(scene)
    review(scene)
    turned = review(scene, product="CUP-1", revision=2)
    assert (turned.get_json()["points"]["clawed_back"], available(scene)) == ("0.00", "50.00")

    assert earned(review(scene, "r-2", product="CUP-1")) == "0.00"
    assert earned(review(scene, "r-3")) == "50.00"
    review(scene, "r-2", product="PEN-1", revision=2)
    assert available(scene) == "150.00"
    review(scene, "r-2", revision=3)
    assert available(scene) == "100.00"


def test_r22_who_was_two_members_keeps_both_reviews_and_earns_by_no_third(scene):
    scene.publish(events=[REVIEW])
    anna, _ = join(scene), join(scene, BORIS)
    review(scene)
    review(scene, "r-2", member={"phone": BORIS})
    merged = scene.shop.get("/members?phone=%2B" + BORIS[1:]).get_json()["items"][0]["id"]
    assert scene.shop.post(f"/members/{anna}/merge", {"from": merged}).status_code == 200
    assert available(scene) == "100.00"

    review(scene, state="withdrawn", revision=2)
    assert earned(review(scene, "r-3")) == "0.00"
    assert available(scene) == "50.00"
    review(scene, state="approved", revision=3)
    assert available(scene) == "50.00"
    review(scene, "r-2", state="withdrawn", revision=2)
    assert available(scene) == "0.00"
    assert earned(review(scene, "r-4")) == "50.00"


def test_r22_what_was_spent_meanwhile_is_taken_as_a_return_takes_it(scene):
    """30 of the 50 points were spent: 20 are there, and the rest is forgiven."""
    scene.publish(events=[REVIEW])
    member = join(scene)
    review(scene)
    spent = [a_line(amount="100.00", discount="0.00", spend="30.00", paid="70.00")]
    scene.bought(*spent, points_spent="30.00")

    down = review(scene, state="withdrawn", revision=2)

    assert down.get_json()["flags"] == ["points_missing"]
    items = scene.shop.get(f"/members/{member}/ledger").get_json()["items"]
    assert [(one["kind"], one["amount"]) for one in items[:2]] == [
        ("forgive", "27.00"),
        ("claw_back", "50.00"),
    ]
    assert available(scene) == "0.00"


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
def test_r22_the_order_of_arrival_means_nothing(scene, order):
    """Approved, taken down, approved again: whatever comes last by its revision holds."""
    scene.publish(events=[REVIEW])
    join(scene)
    at = scene.clock.now().isoformat()
    states = {1: "approved", 2: "rejected", 3: "approved"}
    for revision in order:
        answer = review(scene, state=states[revision], revision=revision, occurred_at=at)
        assert answer.status_code in (200, 201)

    assert available(scene) == "50.00"
    late = review(scene, state="approved", revision=1, occurred_at=at)
    assert (late.status_code, late.get_json()["status"]) == (200, "superseded")
    changed = review(scene, state="pending", revision=3, occurred_at=at)
    assert code_of(changed) == (409, "event_conflict")


def test_r22_a_review_of_somebody_else_moves_with_its_points(scene):
    scene.publish(events=[REVIEW])
    join(scene)
    join(scene, BORIS)
    review(scene)

    moved = review(scene, member={"phone": BORIS}, revision=2)

    assert moved.get_json()["points"]["earned"] == "50.00"
    assert (available(scene), available(scene, BORIS)) == ("0.00", "50.00")
    assert earned(review(scene, "r-2")) == "50.00"


def test_r22_a_merge_brings_reviews_along_and_an_erasure_ends_them(scene, engine):
    """Both had written of the tea: both earned, and from now on it is one person's one review."""
    scene.publish(events=[REVIEW])
    anna, boris = join(scene), join(scene, BORIS)
    review(scene, "r-1", data={"text": "Вкусный"})
    review(scene, "r-2", member={"phone": BORIS})
    review(scene, "r-3", member={"phone": BORIS}, product="CUP-1")
    assert scene.shop.post(f"/members/{anna}/merge", {"from": boris}).status_code == 200

    assert earned(review(scene, "r-4", product="CUP-1")) == "0.00"
    assert available(scene) == "150.00"
    down = review(
        scene, "r-3", member={"phone": BORIS}, product="CUP-1", state="withdrawn", revision=2
    )
    assert down.get_json()["points"]["clawed_back"] == "50.00"
    assert available(scene) == "100.00"
    actions = scene.shop.get(f"/members/{anna}/export").get_json()["actions"]
    assert {"kind": "review", "product": "tea-1", "state": "approved"}.items() <= actions[0].items()
    assert actions[0]["data"] == {"text": "Вкусный"}

    assert scene.shop.delete(f"/members/{anna}").status_code == 200
    with read(engine) as connection:
        assert connection.execute(select(event_products)).all() == []
    after = review(scene, "r-1", state="withdrawn", revision=2, data={"text": "Вкусный"})
    assert (after.status_code, after.get_json()["member"]) == (200, None)
    assert after.get_json()["points"]["clawed_back"] == "0.00"


# --- R23 ------------------------------------------------------------------------------------


def test_r23_a_contest_is_won_by_rule(scene):
    scene.publish(events=[QUIZ | {"limits": [ONCE]}])
    join(scene)

    assert earned(told(scene, "contest", "spring/1", data={"place": 1})) == "300.00"
    assert earned(told(scene, "contest", "spring/2", data={"place": 2})) == "0.00"


def test_r23_an_award_by_hand_is_one_though_its_member_was_merged_meanwhile(scene):
    anna = join(scene)
    boris = join(scene, BORIS)
    award = {"amount": "500.00", "reason": "contest"}
    key = {"Idempotency-Key": "spring/2"}
    assert scene.shop.post(f"/members/{anna}/adjustments", award, headers=key).status_code == 201
    assert scene.shop.post(f"/members/{boris}/merge", {"from": anna}).status_code == 200

    again = scene.shop.post(f"/members/{boris}/adjustments", award, headers=key)

    assert again.status_code == 201
    assert again.get_json()["balance"]["available"] == "500.00"


def test_r23_a_contest_is_won_by_hand_with_a_reason(scene):
    """Without a reason it is refused; the same key again gives nothing more."""
    member = join(scene)
    path, key = f"/members/{member}/adjustments", {"Idempotency-Key": "spring/1"}
    award = {"amount": "300.00", "reason": "Конкурс «Весна», первое место"}

    bare = scene.shop.post(path, {"amount": "300.00"}, headers=key)
    assert code_of(bare) == (422, "validation_failed")
    assert scene.shop.post(path, award, headers=key).status_code == 201
    assert scene.shop.post(path, award, headers=key).status_code == 201

    assert available(scene) == "300.00"
    (entry,) = scene.shop.get(f"/members/{member}/ledger").get_json()["items"]
    assert entry["kind"] == "adjust"
    assert entry["cause"] == {"reason": award["reason"], "by": "key:till"}


# --- the document ---------------------------------------------------------------------------


def test_r21_rules_of_events_are_checked_and_their_change_is_told(scene):
    shop_limit = {"per": "shop", "period": "day", "of": "uses", "most": "1"}
    money_limit = {"per": "member", "period": "day", "of": "money", "most": "1"}
    window = {"starts_at": "2026-03-15T00:00:00+03:00", "ends_at": "2026-03-14T00:00:00+03:00"}
    wrong = [
        QUIZ | {"kind": "Contest", "points": "0"},
        QUIZ | {"id": "a", "limits": [shop_limit, money_limit], **window},
        QUIZ | {"id": "b", "when": when("basket.amount", "at_least", "1.00")},
    ]
    assert errors_of(scene, events=wrong) == {
        "events.0.kind": ["must match [a-z][a-z0-9_.-]*"],
        "events.0.points": ["must be from 0.01 to 9999999999999.99"],
        "events.1.ends_at": ["must be later than starts_at"],
        "events.1.limits.0.per": ["an event has no shop"],
        "events.1.limits.1.of": ["this type gives no money"],
        "events.2.when.field": ["is not about members"],
    }
    strange = [
        QUIZ | {"currency": "miles"},
        QUIZ | {"when": when("member.segment", "has_any", ["vip"])},
    ]
    assert errors_of(scene, events=strange) == {
        "events.0.id": ["must not repeat"],
        "events.1.id": ["must not repeat"],
        "events.0.currency": ["no such currency"],
        "events.1.when.value": ["not in this document"],
    }
    scene.publish(events=[VISIT, QUIZ])
    rules = scene.shop.get(RULES).get_json()
    rules["events"] = [VISIT | {"points": "7"}, REVIEW]
    jsonschema.validate(rules, scene.shop.get("/rules.schema.json").get_json())
    assert scene.shop.put(RULES, rules).status_code == 201
    changes = scene.shop.get(f"{RULES}/diff").get_json()["changes"]
    assert [(one["path"], one["text"]) for one in changes] == [
        ("events.quiz", "Points for events: removed “Конкурс” (quiz)"),
        ("events.visit.points", "Points for events: “За визит” (visit): Points: 5 → 7"),
        (
            "events.review",
            "Points for events: added “За отзыв” (review): Kind of event: review; Points: 50; "
            "Once for a product and member: yes",
        ),
    ]


def test_r21_an_event_with_odd_fields_is_refused(scene):
    join(scene)
    for field, value in (("state", "published"), ("revision", 0), ("product", 7), ("stars", 5)):
        refused = told(scene, "review", **{field: value})
        assert code_of(refused) == (422, "validation_failed")
        assert list(refused.get_json()["errors"]) == [field]
