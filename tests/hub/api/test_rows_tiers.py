"""Rows of `docs/requirements.md` about tiers, asked of the API as a shop would.

The programme `shop` earns 5 percent of what is paid in whole points, rounded down; its days
are Moscow's, and the tests begin on 14 March 2026 at 15:00 there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from hub.jobs.scheduler import look_after
from hub.outbox.dispatch import send_batch
from loyalty_core.service.rate_tiers import rate_some
from loyalty_core.store.database import transact
from loyalty_core.store.tables import outbox
from tests.hub.api.bodies import ANNA, a_line, a_purchase, a_refund
from tests.hub.api.test_requirement_rows import ANNA_AT_TILL, Scene, promotion

MOSCOW = ZoneInfo("Europe/Moscow")
BORIS = "+79167654321"


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


def tier(code: str, earn: str | None = None, **said: Any) -> dict[str, Any]:
    return {"code": code, "name": code.title(), "earn_percent": earn, **said}


SILVER = tier("silver", "7", spend_from="1000.00")
GOLD = tier("gold", "10", spend_from="3000.00", spend_limit_percent="50")
MONTH = {"window": "month"}


def moscow(day: str, time: str = "00:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=MOSCOW).astimezone(UTC)


def card(scene: Scene, phone: str = ANNA) -> Any:
    found = scene.shop.get(f"/members?phone={phone.replace('+', '%2B')}")
    return found.get_json()["items"][0]


def stands(scene: Scene) -> tuple[str | None, str | None, str | None]:
    """Anna's tier, the day on which it falls, and the tier after that."""
    held = card(scene)["tier"]
    if held is None:
        return None, None, None
    until = held["until"]
    if until is not None:
        local = datetime.fromisoformat(until).astimezone(MOSCOW)
        assert (local.hour, local.minute) == (0, 0)
        until = local.date().isoformat()
    return held["code"], until, held["then"] and held["then"]["code"]


def quoted(scene: Scene) -> str | None:
    """The tier that a till sees."""
    held = scene.priced(a_line(), member=ANNA_AT_TILL)["member"]["tier"]
    return held and held["code"]


def buys(scene: Scene, amount: str, name: str, **said: Any) -> Any:
    return scene.bought(a_line(amount=amount, paid=amount), external_id=name, **said)


def notices(hub, kind: str) -> list[dict[str, Any]]:
    with hub.engine.connect() as connection:
        rows = connection.execute(
            select(outbox.c.payload).where(outbox.c.kind == kind).order_by(outbox.c.id)
        )
        return [{key: row[0][key] for key in row[0] if key != "member"} for row in rows]


# --- R5 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tiering", "earned"),
    [
        pytest.param({}, "50.00", id="from the next receipt on, as it always was"),
        pytest.param({"counts": "this_receipt"}, "100.00", id="by this receipt"),
        pytest.param(
            {"counts": "this_receipt", "window": "days", "days": 30},
            "100.00",
            id="by this receipt, counted in a window",
        ),
    ],
)
def test_r5_whether_the_receipt_that_crosses_the_threshold_earns_by_it(scene, tiering, earned):
    """800 before, gold from 1800: a receipt of 1000 crosses, and the quote says the same."""
    scene.publish(tiers=[tier("gold", "10", spend_from="1800.00")], tiering=tiering)
    buys(scene, "800.00", "p-1")
    scene.clock.advance(days=1)

    quote = scene.priced(a_line(), member=ANNA_AT_TILL)
    told = buys(scene, "1000.00", "p-2")

    assert quote["points"]["earn"] == earned
    assert quote["member"]["tier"] is None
    assert told["points"]["earned"] == earned
    assert quoted(scene) == "gold"


def test_r5_a_hold_promises_what_the_receipt_that_crosses_earns(scene):
    scene.publish(
        tiers=[tier("gold", "10", spend_from="1000.00")], tiering={"counts": "this_receipt"}
    )
    scene.shop.post("/members", {"phone": ANNA})
    held = scene.shop.post(
        "/holds", {"lines": [a_line()], "cart": "c-1", "member": ANNA_AT_TILL}
    ).get_json()

    told = scene.bought(a_line(paid="1000.00"), hold=held["id"])

    assert held["quote"]["points"]["earn"] == told["points"]["earned"] == "100.00"


def test_r5_discounts_of_the_receipt_that_crosses_are_those_of_the_tier_before(scene):
    when = {"field": "member.tier", "is": "is", "value": "gold"}
    scene.publish(
        tiers=[tier("gold", "10", spend_from="1000.00")],
        tiering={"counts": "this_receipt"},
        promotions=[{**promotion("sale", "percent_off", percent="50"), "when": when}],
    )
    scene.shop.post("/members", {"phone": ANNA})

    assert scene.priced(a_line(), member=ANNA_AT_TILL)["totals"]["discount"] == "0.00"


def test_r5_a_late_receipt_earns_by_what_counted_before_it(scene):
    """900 today, then 500 of yesterday comes: by its own time it crosses nothing."""
    scene.publish(
        tiers=[tier("gold", "10", spend_from="1000.00")], tiering={"counts": "this_receipt"}
    )
    scene.clock.advance(days=1)
    buys(scene, "900.00", "p-1")
    late = a_purchase(external_id="p-2", lines=[a_line(amount="500.00", paid="500.00")])

    told = scene.shop.post("/purchases", late).get_json()

    assert told["points"]["earned"] == "25.00"
    assert quoted(scene) == "gold"


def test_r5_points_promised_to_the_tier_are_earned_by_the_receipt_that_reaches_it(scene):
    """Base 50 and double points for gold; a discount for gold would not be given yet."""
    when = {"field": "member.tier", "is": "is", "value": "gold"}
    double = {**promotion("double", "earn_multiplier", factor="2"), "when": when}
    scene.publish(
        tiers=[tier("gold", spend_from="1000.00")],
        tiering={"counts": "this_receipt"},
        promotions=[double],
    )
    scene.shop.post("/members", {"phone": ANNA})

    quote = scene.priced(a_line(), member=ANNA_AT_TILL)
    told = buys(scene, "1000.00", "p-1")

    assert quote["points"]["earn"] == told["points"]["earned"] == "100.00"


@pytest.mark.parametrize("by", ["points", "actions"])
def test_r5_by_this_receipt_is_refused_where_a_receipt_cannot_tell(scene, by):
    rules = scene.shop.get("/programmes/shop/rules").get_json()
    rules["tiering"] = {"by": by, "counts": "this_receipt"}

    told = scene.shop.post("/programmes/shop/rules/check", rules).get_json()

    assert "this_receipt" in told["errors"]["tiering.counts"][0]


# --- R30 ------------------------------------------------------------------------------------


def test_r30_by_spend_with_what_is_missing_to_the_next(scene):
    scene.publish(tiers=[SILVER, GOLD])
    scene.shop.post("/members", {"phone": ANNA})
    missing = [card(scene)["next_tier"]]
    for name in ("p-1", "p-2", "p-3"):
        buys(scene, "1000.00", name)
        scene.clock.advance(hours=1)
        missing.append(card(scene)["next_tier"])

    assert missing == [
        {"code": "silver", "name": "Silver", "by": "spent", "missing": "1000.00"},
        {"code": "gold", "name": "Gold", "by": "spent", "missing": "2000.00"},
        {"code": "gold", "name": "Gold", "by": "spent", "missing": "1000.00"},
        None,
    ]


def test_r30_by_points_earned_net_of_what_was_taken_back(scene):
    """5 percent of 1000 are 50 points; half of the goods come back, and 25 points with them."""
    scene.publish(tiers=[tier("silver", points_from="50.00")], tiering={"by": "points"})
    buys(scene, "1000.00", "p-1")
    reached = card(scene)
    back = [{"id": "1", "quantity": "0.5", "paid_back": "500.00"}]
    now = scene.clock.now().isoformat()
    scene.shop.post("/refunds", a_refund(amount="500.00", lines=back, occurred_at=now))

    assert reached["tier"]["code"] == "silver"
    assert card(scene)["tier"] is None
    assert card(scene)["next_tier"]["missing"] == "25.00"


def test_r30_points_of_a_return_that_were_spent_meanwhile_do_not_keep_the_tier(scene):
    """What cannot be taken back is forgiven to the balance, and not to the tier."""
    scene.publish(tiers=[tier("silver", points_from="50.00")], tiering={"by": "points"})
    buys(scene, "1000.00", "p-1")
    scene.clock.advance(hours=1)
    spent = a_line(amount="100.00", spend="50.00", paid="50.00")
    buys_with = scene.bought(spent, external_id="p-2", points_spent="50.00")
    assert buys_with["points"]["spent"] == "50.00"

    now = scene.clock.now().isoformat()
    scene.shop.post("/refunds", a_refund(occurred_at=now))

    assert card(scene)["next_tier"]["missing"] == "48.00"


def test_r30_by_purchases(scene):
    scene.publish(tiers=[tier("often", count_from=2)], tiering={"by": "purchases"})
    buys(scene, "10.00", "p-1")
    before = card(scene)
    buys(scene, "10.00", "p-2")

    assert (before["tier"], before["next_tier"]["missing"]) == (None, "1")
    assert card(scene)["tier"]["code"] == "often"


def test_r30_by_other_actions(scene):
    scene.publish(
        tiers=[tier("fan", count_from=2)],
        tiering={"by": "actions", "actions": ["review", "referral"]},
    )
    scene.shop.post("/members", {"phone": ANNA})
    for number, kind in enumerate(("review", "visit", "review", "referral")):
        event = {
            "kind": kind,
            "external_id": f"e-{number // 2}",
            "occurred_at": scene.clock.now().isoformat(),
            "member": {"phone": ANNA},
        }
        assert scene.shop.post("/events", event).status_code in (200, 201)
        scene.clock.advance(hours=1)
        told = card(scene)
        assert (told["tier"] or {}).get("code") == ("fan" if number > 1 else None)

    assert quoted(scene) == "fan"


def test_r30_everything_returned_leaves_the_lowest_tier(scene):
    scene.publish(tiers=[tier("start", spend_from="0.00"), SILVER], tiering=MONTH)
    buys(scene, "1000.00", "p-1")
    reached = quoted(scene)
    scene.shop.post("/refunds", a_refund())

    assert (reached, quoted(scene)) == ("silver", "start")
    assert stands(scene) == ("start", None, None)


def test_r30_a_new_member_begins_on_the_step_that_asks_for_nothing(scene):
    scene.publish(tiers=[tier("start", "20", spend_from="0.00"), SILVER])
    told = buys(scene, "100.00", "p-1")

    assert told["points"]["earned"] == "20.00"
    assert quoted(scene) == "start"


# --- R31 ------------------------------------------------------------------------------------


def test_r31_over_1000_in_a_month_gives_the_tier_to_the_end_of_the_next(scene):
    """The till sees the fall at midnight in Moscow, though no job has run."""
    scene.publish(tiers=[SILVER, GOLD], tiering=MONTH)
    buys(scene, "1000.00", "p-1")
    at_once = stands(scene)
    scene.clock.set(moscow("2026-04-30", "23:59"))
    last = quoted(scene)
    scene.clock.set(moscow("2026-05-01"))

    assert at_once == ("silver", "2026-05-01", None)
    assert (last, quoted(scene), stands(scene)[0]) == ("silver", None, None)


def test_r31_a_rolling_window_of_30_days(scene):
    """14 March and the 29 days after it; the 500 of 1 April are not enough alone."""
    scene.publish(tiers=[SILVER], tiering={"window": "days", "days": 30})
    buys(scene, "600.00", "p-1")
    scene.clock.set(moscow("2026-04-01", "10:00"))
    buys(scene, "500.00", "p-2")
    reached = stands(scene)
    keep = card(scene)["tier"]["keep"]
    scene.clock.set(moscow("2026-04-13"))

    assert reached == ("silver", "2026-04-13", None)
    assert keep == "500.00"
    assert quoted(scene) is None


def test_r31_a_receipt_after_the_fall_is_rated_below_and_one_before_it_above(scene):
    """Both come late, after the job has booked the fall; each by the tier of its own time."""
    scene.publish(tiers=[SILVER], tiering=MONTH)
    buys(scene, "1000.00", "p-1")
    scene.clock.set(moscow("2026-05-02"))
    told = [
        scene.shop.post(
            "/purchases",
            a_purchase(
                external_id=name, occurred_at=at, lines=[a_line(amount="100.00", paid="100.00")]
            ),
        ).get_json()["points"]["earned"]
        for name, at in (
            ("p-2", "2026-04-30T23:59:59+03:00"),
            ("p-3", "2026-05-01T00:00:00+03:00"),
        )
    ]

    assert told == ["7.00", "5.00"]


def test_r31_a_late_receipt_gives_the_tier_from_when_the_history_reached_it(scene):
    """500 of 20 March, and 500 of 16 March that come late: silver begins with the former."""
    scene.publish(tiers=[SILVER], tiering={"window": "days", "days": 30})
    told = []
    scene.clock.set(moscow("2026-03-25"))
    for day, amount in (("20", "500.00"), ("16", "500.00"), ("18", "100.00"), ("22", "100.00")):
        late = a_purchase(
            external_id=f"of-{day}",
            occurred_at=f"2026-03-{day}T12:00:00+03:00",
            lines=[a_line(amount=amount, paid=amount)],
        )
        told.append(scene.shop.post("/purchases", late).get_json()["points"]["earned"])

    assert told == ["25.00", "25.00", "5.00", "7.00"]


def test_r31_grace_and_a_warning_before_the_fall(scene, hub):
    """Grace to 8 May; the warning comes three days before, once."""
    scene.publish(tiers=[SILVER], tiering={**MONTH, "grace_days": 7, "warn_days": 3})
    buys(scene, "1000.00", "p-1")
    scene.clock.set(moscow("2026-05-04", "23:59"))
    look_after(hub)
    early = card(scene)["tier"]["warning"], notices(hub, "tier_ending")
    scene.clock.set(moscow("2026-05-05"))
    for _ in range(2):
        look_after(hub)
    warned = card(scene)["tier"]["warning"], notices(hub, "tier_ending")
    scene.clock.set(moscow("2026-05-08"))
    look_after(hub)

    fall = {"tier": "silver", "until": "2026-05-07T21:00:00+00:00", "then": None}
    assert early == (False, [])
    assert warned == (True, [fall])
    assert notices(hub, "tier_ending") == [fall]
    assert notices(hub, "tier_changed") == [
        {"was": None, "now": "silver"},
        {"was": "silver", "now": None},
    ]


def test_r31_a_fall_that_was_put_off_is_warned_of_anew(scene, hub):
    scene.publish(tiers=[SILVER], tiering={**MONTH, "warn_days": 3})
    buys(scene, "1000.00", "p-1")
    scene.clock.set(moscow("2026-04-28"))
    look_after(hub)
    buys(scene, "1000.00", "p-2")
    for day in ("2026-04-30", "2026-05-28", "2026-05-29"):
        scene.clock.set(moscow(day))
        look_after(hub)

    untils = [one["until"] for one in notices(hub, "tier_ending")]
    assert untils == ["2026-04-30T21:00:00+00:00", "2026-05-31T21:00:00+00:00"]


def test_r31_a_purchase_within_the_grace_cancels_the_fall(scene):
    scene.publish(tiers=[SILVER], tiering={**MONTH, "grace_days": 7})
    buys(scene, "1000.00", "p-1")
    scene.clock.set(moscow("2026-05-03"))
    keep = card(scene)["tier"]["keep"]
    buys(scene, "1000.00", "p-2")

    assert keep == "1000.00"
    assert stands(scene) == ("silver", "2026-07-08", None)


@pytest.mark.parametrize(
    ("downgrade", "seen"),
    [
        pytest.param("reached", ["gold", None, None], id="to what was reached"),
        pytest.param("one_step", ["gold", "silver", None], id="a step a month"),
        pytest.param("never", ["gold", "gold", "gold"], id="never by time"),
    ],
)
def test_r31_how_members_fall(scene, hub, downgrade, seen):
    scene.publish(tiers=[SILVER, GOLD], tiering={**MONTH, "downgrade": downgrade})
    buys(scene, "3000.00", "p-1")
    found = []
    for day in ("2026-04-30", "2026-05-01", "2026-06-01"):
        scene.clock.set(moscow(day))
        found.append(quoted(scene))
        look_after(hub)
        assert quoted(scene) == found[-1]

    assert found == seen


def test_r31_never_by_time_still_gives_back_what_a_return_brought(scene):
    scene.publish(tiers=[SILVER], tiering={**MONTH, "downgrade": "never"})
    buys(scene, "1000.00", "p-1")
    scene.clock.set(moscow("2026-09-01"))
    kept = quoted(scene)
    scene.shop.post("/refunds", a_refund(occurred_at=scene.clock.now().isoformat()))

    assert (kept, quoted(scene)) == ("silver", None)


def test_r31_two_falls_while_nobody_worked_are_seen_at_their_time(scene, hub):
    """Quotes do not wait for the job; it books one fall after the other when it comes back."""
    scene.publish(tiers=[SILVER, GOLD], tiering={"window": "days", "days": 30})
    buys(scene, "2000.00", "p-1")
    scene.clock.set(moscow("2026-03-20"))
    buys(scene, "1000.00", "p-2")
    seen = []
    for day in ("2026-04-12", "2026-04-13", "2026-04-19"):
        scene.clock.set(moscow(day))
        seen.append((quoted(scene), stands(scene)[0]))
    look_after(hub)

    assert seen == [("gold", "gold"), ("silver", "silver"), (None, None)]
    assert quoted(scene) is None
    assert notices(hub, "tier_changed")[-1] == {"was": "gold", "now": None}


SALES = {
    "1": ("2026-04-03T12:00:00+03:00", "600.00"),
    "2": ("2026-04-28T12:00:00+03:00", "700.00"),
    "3": ("2026-05-02T12:00:00+03:00", "100.00"),
}


@pytest.mark.parametrize("order", list(permutations([*SALES, "back"])), ids="-".join)
def test_r31_the_order_of_arrival_means_nothing(scene, order):
    """April comes to 1100 after 200 of the second came back: silver to the end of May."""
    scene.publish(tiers=[SILVER, GOLD], tiering={**MONTH, "warn_days": 0})
    scene.clock.set(moscow("2026-05-20"))
    for name in order:
        if name == "back":
            back = [{"id": "1", "quantity": "0.2", "paid_back": "200.00"}]
            at = "2026-05-04T12:00:00+03:00"
            body = a_refund(purchase="2", amount="200.00", lines=back, occurred_at=at)
            assert scene.shop.post("/refunds", body).status_code in (201, 202)
            continue
        at, paid = SALES[name]
        body = a_purchase(external_id=name, occurred_at=at, lines=[a_line(amount=paid, paid=paid)])
        assert scene.shop.post("/purchases", body).status_code == 201
        scene.clock.advance(hours=1)

    assert stands(scene) == ("silver", "2026-06-01", None)
    assert card(scene)["tier"]["keep"] == "900.00"
    assert card(scene)["next_tier"]["missing"] == "2900.00"
    assert quoted(scene) == "silver"


# --- what else changes a history ------------------------------------------------------------


def revised(scene: Scene, revision: int, **said: Any) -> None:
    body = a_purchase(revision=revision, **said)
    answer = scene.shop.post("/purchases", body)
    assert answer.status_code in (200, 201), answer.get_json()


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        pytest.param({"status": "cancelled"}, None, id="cancelled"),
        pytest.param({"occurred_at": "2026-01-31T12:00:00+03:00"}, None, id="of January now"),
        pytest.param({"customer": {"phone": BORIS}}, None, id="somebody else's now"),
        pytest.param({"occurred_at": "2026-02-28T12:00:00+03:00"}, "2026-04-01", id="of February"),
    ],
)
def test_r31_a_revision_leaves_the_tier_that_the_history_gives(scene, changes, left):
    scene.publish(tiers=[SILVER], tiering=MONTH)
    revised(scene, 1)
    reached = stands(scene)
    revised(scene, 2, **changes)

    assert reached == ("silver", "2026-05-01", None)
    assert stands(scene)[1] == left


def test_r31_a_refund_that_is_withdrawn_gives_the_tier_again(scene):
    scene.publish(tiers=[SILVER], tiering=MONTH)
    back = a_refund()
    del back["purchase"]
    seen = []
    for revision, refunds in enumerate(([], [back], []), 1):
        revised(scene, revision, refunds=refunds)
        seen.append(stands(scene)[0])

    assert seen == ["silver", None, "silver"]


def test_r31_two_members_made_one_have_the_tier_of_both_histories(scene):
    scene.publish(tiers=[SILVER], tiering=MONTH)
    buys(scene, "600.00", "p-1")
    scene.clock.set(moscow("2026-04-02"))
    buys(scene, "400.00", "p-2", customer={"phone": BORIS})
    buys(scene, "600.00", "p-3", customer={"phone": BORIS})
    anna, boris = card(scene)["id"], card(scene, BORIS)["id"]
    before = stands(scene)
    scene.shop.post(f"/members/{anna}/merge", {"from": boris})

    assert before == (None, None, None)
    assert stands(scene) == ("silver", "2026-06-01", None)


def test_r31_the_history_of_an_alias_counts_on(scene):
    """A refund of what the member bought who went up in this one takes the tier back."""
    scene.publish(tiers=[SILVER], tiering=MONTH)
    buys(scene, "500.00", "p-2")
    scene.bought(
        a_line(amount="500.00", paid="500.00"), external_id="p-1", customer={"phone": BORIS}
    )
    anna, boris = card(scene)["id"], card(scene, BORIS)["id"]
    scene.shop.post(f"/members/{anna}/merge", {"from": boris})
    scene.clock.advance(hours=1)
    merged = stands(scene)[0]
    back = [{"id": "1", "quantity": "1", "paid_back": "500.00"}]
    now = scene.clock.now().isoformat()
    scene.shop.post("/refunds", a_refund(amount="500.00", lines=back, occurred_at=now))

    assert (merged, stands(scene)[0]) == ("silver", None)


def test_r31_an_erased_member_is_looked_at_no_more(scene, hub):
    scene.publish(tiers=[SILVER], tiering=MONTH)
    buys(scene, "1000.00", "p-1")
    erased = scene.shop.delete(f"/members/{card(scene)['id']}")
    assert erased.status_code == 200, erased.get_json()
    scene.clock.set(moscow("2026-05-02"))
    look_after(hub)

    assert notices(hub, "tier_changed") == [{"was": None, "now": "silver"}]
    assert notices(hub, "tier_ending") == []


def test_r31_an_export_tells_the_tiers_that_were(scene):
    scene.publish(tiers=[SILVER], tiering=MONTH)
    buys(scene, "1000.00", "p-1")
    told = scene.shop.get(f"/members/{card(scene)['id']}/export").get_json()["tiers"]

    assert [one["tier"] for one in told] == ["silver"]


# --- a changed ladder -----------------------------------------------------------------------


def test_a_changed_ladder_rates_members_by_the_job(scene, hub):
    buys(scene, "1000.00", "p-1")
    scene.publish(tiers=[SILVER], tiering=MONTH)
    before = quoted(scene)
    look_after(hub)

    assert before is None
    assert stands(scene) == ("silver", "2026-05-01", None)


def test_rating_that_was_cut_off_goes_on_where_it_was(scene, hub, programme_id):
    phones = [f"+7916000000{number}" for number in range(3)]
    for phone in phones:
        buys(scene, "1000.00", phone, customer={"phone": phone})
    scene.publish(tiers=[SILVER])
    seen = []
    for _ in phones:
        some = partial(
            rate_some, plans=hub.plans, programme_id=programme_id, now=scene.clock.now(), limit=1
        )
        assert transact(hub.engine, some) == 1
        seen.append([bool(card(scene, phone)["tier"]) for phone in phones])
    look_after(hub)

    assert seen == [[True, False, False], [True, True, False], [True, True, True]]
    assert len(notices(hub, "tier_changed")) == 3


def test_back_to_all_spend_nothing_falls_by_time_any_more(scene, hub):
    scene.publish(tiers=[SILVER], tiering=MONTH)
    buys(scene, "1000.00", "p-1")
    scene.publish(tiering={"window": "lifetime"})
    look_after(hub)
    scene.clock.set(moscow("2026-06-01"))
    look_after(hub)

    assert stands(scene) == ("silver", None, None)
    assert quoted(scene) == "silver"


def test_news_of_tiers_does_not_pile_up(scene, hub, programme_id):
    scene.publish(tiers=[SILVER])
    buys(scene, "1000.00", "p-1")
    while send_batch(hub, programme_id):
        pass
    with hub.engine.connect() as connection:
        states = set(connection.scalars(select(outbox.c.state)))

    assert states == {"done"}
