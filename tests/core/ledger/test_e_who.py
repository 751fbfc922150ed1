"""`ledger.md` E: who it is."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from loyalty_core.domain.consents import Statement, Subject
from loyalty_core.domain.errors import CodeRequired, MemberExists, PhoneImpossible
from loyalty_core.service.consent_texts import publish_text
from loyalty_core.service.consents import record_consents
from loyalty_core.service.members import MemberCard, NewMember, enrol_member, update_member
from loyalty_core.store.ids import to_wire
from loyalty_kit.events import Customer, ExternalId
from tests.support.ledger import ANNA, BORIS, VERA, Figures, Shop, open_programme, rules

BONUS = ExternalId("bonus-club", "b-77")


def enrol(shop: Shop, **names: Any) -> MemberCard:
    return shop.do(
        lambda connection: enrol_member(
            connection, shop.plans, shop.told_by(), NewMember(**names), now=shop.now
        )
    )


def whose(shop: Shop, external_id: str, **said: Any) -> str | None:
    return shop.buy(external_id, 10_00, by=None, customer=Customer(**said)).member


def conflicts(shop: Shop) -> list[tuple[int, int, str]]:
    return [
        (row["member_id"], row["other_member_id"], row["kind"])
        for row in shop.snapshot()["identity_conflicts"]
    ]


# --- 27: precedence -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("id", "external"),
        ("external", "card"),
        ("card", "phone"),
        ("phone", "email"),
        ("id", "email"),
    ],
)
def test_ledger_27_the_first_that_is_known_wins(shop: Shop, first: str, second: str):
    names: dict[str, Any] = {
        "external": BONUS,
        "card": "2000 0001",
        "phone": ANNA,
        "email": "a@example.com",
    }
    winner = enrol(shop, **({first: names[first]} if first != "id" else {"phone": VERA}))
    loser = enrol(shop, **{second: names[second]})
    names["id"] = winner.id

    assert whose(shop, "P1", **{first: names[first], second: names[second]}) == winner.id
    ((one, other, kind),) = conflicts(shop)
    assert (to_wire("m", one), to_wire("m", other), kind) == (winner.id, loser.id, second)


def test_ledger_27_a_conflict_attaches_nothing(shop: Shop):
    anna = enrol(shop, card="2000 0001")
    enrol(shop, phone=BORIS)
    said = {"card": "2000-0001", "phone": BORIS, "verified": True}
    assert whose(shop, "P1", **said) == anna.id
    assert whose(shop, "P2", phone=BORIS) != anna.id

    assert whose(shop, "P3", **said) == anna.id
    assert len(conflicts(shop)) == 1


def test_ledger_27_the_unknown_falls_to_the_next_name(shop: Shop):
    anna = enrol(shop, phone=ANNA)

    assert whose(shop, "P1", id="m_zzz", card="9999", phone=ANNA) == anna.id


def test_ledger_27_what_the_cashier_vouches_for_is_attached(shop: Shop):
    anna = enrol(shop, phone=ANNA)
    assert whose(shop, "P1", phone=ANNA, card="2000 0001") == anna.id

    assert whose(shop, "P2", card="20000001") == anna.id


def test_ledger_27_a_member_may_have_several_ids_in_one_system(shop: Shop):
    anna = enrol(shop, phone=ANNA)
    for number in ("b-1", "b-2"):
        said = {"external": ExternalId("bonus-club", number), "phone": ANNA}
        assert whose(shop, f"P-{number}", **said) == anna.id

    assert whose(shop, "P3", external=ExternalId("bonus-club", "b-1")) == anna.id
    assert whose(shop, "P4", external=ExternalId("bonus-club", "b-2")) == anna.id


def test_ledger_27_a_phone_shared_by_a_family_is_one_member(shop: Shop):
    first = whose(shop, "P1", phone="8 (916) 123-45-01", first_name="Анна")
    second = whose(shop, "P2", phone="+7 916 123 45 01", first_name="Пётр")

    assert first == second
    assert shop.figures(ANNA) == Figures(available=2_00)


@pytest.mark.parametrize("kind", ["phone", "email"])
def test_ledger_27_a_changed_name_moves_only_if_it_is_free(shop: Shop, kind: str):
    mine, taken, free = {
        "phone": (ANNA, BORIS, VERA),
        "email": ("a@example.com", "b@example.com", "c@example.com"),
    }[kind]
    anna = enrol(shop, **{kind: mine})
    boris = enrol(shop, **{kind: taken})

    def change(value: str) -> MemberCard:
        return shop.do(
            lambda connection: update_member(
                connection, shop.plans, shop.told_by(), anna.id, {kind: value}, now=shop.now
            )
        )

    with pytest.raises(MemberExists) as caught:
        change(taken)
    assert caught.value.facts == {"id": boris.id}
    assert getattr(change(free), kind) == free
    assert whose(shop, "P1", **{kind: free}) == anna.id
    assert whose(shop, "P2", **{kind: mine}) != anna.id


def test_ledger_27_external_ids_without_a_system_are_the_sources_own(shop: Shop):
    said = Customer(external=ExternalId(None, "15"))
    one = shop.buy("P1", 10_00, by=None, customer=said, source="installation:1").member
    two = shop.buy("P1", 10_00, by=None, customer=said, source="installation:2").member

    assert None not in (one, two)
    assert one != two


def test_ledger_27_an_impossible_phone_is_refused(shop: Shop):
    before = shop.snapshot()
    with pytest.raises(PhoneImpossible):
        whose(shop, "P1", phone="12")
    assert shop.snapshot() == before


# --- 28: only typed in ----------------------------------------------------------------------


def test_ledger_28_who_was_only_typed_in_earns_and_sees_nothing(shop: Shop):
    enrol(shop, phone=ANNA, first_name="Анна")
    shop.buy("P1", 100_00, channel="online", by=None, customer=Customer(phone=ANNA))
    assert shop.figures() == Figures(available=10_00)

    typed = Customer(phone=ANNA, verified=False)
    quote = shop.quote(50_00, member=typed, channel="online", spend="max")
    assert quote.member is not None
    assert (quote.member.verified, quote.member.name, quote.member.balance) == (False, None, None)
    assert quote.member.balances == ()
    assert quote.points.earn == 5_00
    assert (quote.points.spend, quote.points.code_required) == (0, True)


def test_ledger_28_spending_needs_a_code(shop: Shop):
    shop.buy("P1", 100_00)
    with pytest.raises(CodeRequired):
        shop.hold(50_00, cart="c", spend=5_00, member=Customer(phone=ANNA), channel="online")


def test_ledger_28_tills_count_as_verified_by_the_cashier(shop: Shop):
    enrol(shop, phone=ANNA, first_name="Анна")
    shop.buy("P1", 100_00)
    quote = shop.quote(50_00, member=Customer(phone=ANNA), channel="pos", spend="max")

    assert quote.member is not None
    assert (quote.member.verified, quote.member.name) == (True, "Анна")
    assert quote.points.spend == 10_00


def test_ledger_28_without_a_channel_nobody_vouches(shop: Shop):
    shop.buy("P1", 100_00)
    quote = shop.quote(50_00, member=Customer(phone=ANNA), spend="max")

    assert (quote.points.spend, quote.points.code_required) == (0, True)


def test_ledger_28_unless_the_programme_says_otherwise(engine: Engine):
    shop = open_programme(engine, rules(trust_pos=False))
    shop.buy("P1", 100_00)
    quote = shop.quote(50_00, member=Customer(phone=ANNA), channel="pos", spend="max")

    assert quote.member is not None
    assert not quote.member.verified
    assert quote.points.spend == 0


def test_ledger_28_a_spend_reported_without_hold_or_code_is_booked_and_flagged(shop: Shop):
    shop.buy("P1", 100_00)
    typed = Customer(phone=ANNA)
    receipt = shop.buy("P2", 50_00, spent=5_00, by=None, customer=typed, channel="online")

    assert receipt.points["spent"] == 5_00
    assert receipt.flags == ("spend_without_hold",)


def test_ledger_28_a_typed_name_is_not_proved_and_attaches_nothing(shop: Shop):
    anna = enrol(shop, phone=ANNA)
    typed = Customer(phone=ANNA, card="2000 0001")
    shop.buy("P1", 10_00, by=None, customer=typed, channel="online")

    assert whose(shop, "P2", card="2000 0001") is None
    assert shop.figures(ANNA) == Figures(available=1_00)
    assert anna.cards == ()


# --- 29: enrolment on purchase --------------------------------------------------------------


def test_ledger_29_a_purchase_enrols_unconfirmed_and_without_consent(shop: Shop):
    customer = Customer(
        phone=ANNA, email="a@example.com", first_name="Анна", last_name="К.", card="2000 0001"
    )
    receipt = shop.buy("P1", 100_00, by=None, customer=customer)
    card = shop.card()

    assert card.id == receipt.member
    assert card.state == "unconfirmed"
    assert card.consents == {}
    assert (card.phone, card.email, card.name) == (ANNA, "a@example.com", "Анна К.")


def test_ledger_29_a_programme_may_switch_that_off(engine: Engine):
    shop = open_programme(engine, rules(enrol_on_purchase=False))
    receipt = shop.buy("P1", 100_00)

    assert (receipt.status, receipt.member, receipt.points["earned"]) == ("booked", None, 0)
    assert shop.snapshot()["members"] == []


@pytest.mark.parametrize("said", [{"card": "2000 0001"}, {"id": "m_zzz"}, {}])
def test_ledger_29_nobody_is_enrolled_without_a_way_to_know_them(shop: Shop, said: dict):
    assert whose(shop, "P1", **said) is None
    assert shop.snapshot()["members"] == []


def test_ledger_29_a_refund_enrols_nobody(shop: Shop):
    shop.bring_back("R1", 10_00, purchase="P1", customer=Customer(phone=ANNA))
    assert shop.snapshot()["members"] == []


def test_ledger_29_consent_makes_the_member_active(shop: Shop):
    shop.buy("P1", 100_00)
    no = Statement(Subject("advertising", "sms"), given=False)
    yes = Statement(Subject("processing"), True, "paper", None, 1, place="shop")
    shop.do(lambda c: publish_text(c, shop.programme_id, "processing", {"ru": "Да"}, **by(shop)))

    said = [(no, "unconfirmed"), (yes, "active")]
    for statement, state in said:
        shop.do(
            lambda c, one=statement: record_consents(
                c, shop.told_by(), shop.wire(ANNA), [one], now=shop.now
            )
        )
        assert shop.card().state == state


def by(shop: Shop) -> dict:
    return {"since": None, "author": "owner", "now": shop.now}
