"""Whose order is it: accounts, guests by phone, then by e-mail."""

from __future__ import annotations

from hub.installations import update_settings
from loyalty_core.service.members import NewMember, enrol_member, search_members
from loyalty_core.service.source import Source
from loyalty_core.store.database import read, write
from tests.support.woo import IVAN, MARIA, Bought, recorded_order

GUEST = "guest_order_created__1__order_created"
"""Order 20 of a guest: a mug for 1658.33 + 331.67 = 1990.00; 5 % = 99.50 -> 99.00 points.
Phone 89000000002, e-mail guest.maria@example.com, no account."""
E_MAIL = "guest.maria@example.com"
OTHER_E_MAIL = "someone.else@example.com"


def enrol(woo, **names):
    source = Source(woo.programme_id, "key:till")
    with write(woo.hub.engine) as connection:
        enrol_member(connection, woo.hub.plans, source, NewMember(**names), now=woo.clock.now())


def billing(name, **changes):
    return {**recorded_order(name)["billing"], **changes}


def test_a_guest_is_enrolled_and_known_again_by_phone_and_by_e_mail(woo):
    woo.happens(GUEST)
    assert woo.bought(20) == Bought("paid", "1990.00", earned="99.00")
    assert woo.balance(phone=MARIA) == "99.00"
    assert woo.balance(email=E_MAIL) == "99.00"

    # The same guest, now without a phone and in capitals: 5000.00 of goods, 250.00 points.
    classic = "classic_checkout_guest_cod__1__order_created"
    woo.happens(classic, billing=billing(classic, phone="", email="Guest.Maria@Example.com"))
    assert woo.balance(phone=MARIA) == "349.00"

    # And with the phone written another way, and another e-mail: a set for 5000.00 again.
    paid = "order_created_paid_at_once__1__order_created"
    other = billing(paid, phone="+7 (900) 000-00-02", email=OTHER_E_MAIL)
    woo.happens(paid, customer_id=0, billing=other)
    assert woo.balance(phone=MARIA) == "599.00"


def test_a_guest_with_a_members_phone_earns_for_the_member(woo):
    enrol(woo, phone=MARIA)

    woo.happens(GUEST)

    assert woo.balance(phone=MARIA) == "99.00"
    # Whoever typed the phone is not proved, so their e-mail does not become the member's.
    assert woo.balance(email=E_MAIL) is None


def test_a_guest_with_a_members_e_mail_earns_for_the_member(woo):
    enrol(woo, email=E_MAIL)

    woo.happens(GUEST)

    assert woo.balance(email=E_MAIL) == "99.00"
    assert woo.balance(phone=MARIA) is None


def test_the_phone_of_one_member_and_the_e_mail_of_another_mean_the_phones(woo):
    enrol(woo, phone=MARIA)
    enrol(woo, email=E_MAIL)

    woo.happens(GUEST)

    assert woo.balance(phone=MARIA) == "99.00"
    assert woo.balance(email=E_MAIL) == "0.00"


def test_a_phone_is_one_member_however_it_is_typed(woo):
    """Order 22 of the account, then two guests who type its phone: 104.00 + 250.00 + 250.00."""
    woo.sells("three_updates_before_queue_run__1__order_updated")
    typed = {
        "order_created_paid_at_once__1__order_created": "8 900 000 00 01",
        "classic_checkout_guest_cod__1__order_created": "9000000001",
    }
    for name, phone in typed.items():
        woo.sells(name, customer_id=0, billing=billing(name, phone=phone, email=""))
    woo.receive("three_updates_before_queue_run__1__order_updated", *typed)
    woo.work()

    assert woo.balance(phone=IVAN) == "604.00"


def test_an_order_moved_to_an_account_moves_its_points(woo):
    """A guest registers, and WooCommerce hangs the old order on the new account."""
    woo.happens(GUEST)
    woo.happens("three_updates_before_queue_run__1__order_updated")

    ivans = recorded_order("three_updates_before_queue_run__1__order_updated")["billing"]
    woo.shop.change_order(20, customer_id=2, billing=ivans)
    woo.deliver("order.updated", 20)
    woo.work()

    assert woo.balance(phone=MARIA) == "0.00"
    assert woo.balance(phone=IVAN) == "203.00"
    assert woo.purchase(20)["points"]["earned"] == "99.00"


def test_an_order_whose_personal_data_the_shop_removed_stays_with_its_member(woo):
    woo.happens(GUEST)

    # As WooCommerce 10.5.2 leaves it, by a wish to be erased or after the time that the owner set.
    gone = billing(
        GUEST, first_name="[deleted]", last_name="[deleted]", phone="00000000000",
        email="deleted@site.invalid",
    )  # fmt: skip
    note = {"id": 900, "key": "_anonymized", "value": "yes"}
    woo.shop.change_order(20, customer_id=0, billing=gone, meta_data=[note])
    woo.deliver("order.updated", 20)
    woo.work()

    assert woo.bought(20) == Bought("paid", "1990.00", earned="99.00")
    assert woo.balance(phone=MARIA) == "99.00"
    assert woo.balance(email="deleted@site.invalid") is None


def test_an_order_of_nobody_is_kept_and_moves_no_points(woo):
    woo.happens(GUEST, billing=billing(GUEST, phone="", email=""))

    assert woo.bought(20) == Bought("paid", "1990.00")
    assert woo.purchase(20)["member"] is None


def test_an_account_fills_in_its_member_where_the_owner_wants_it(woo):
    order, account = (
        "three_updates_before_queue_run__1__order_updated",
        "customer_updated__1__customer_updated",
    )
    woo.happens(order, billing=billing(order, first_name="", last_name=""))
    woo.receive(account)
    woo.work()
    assert woo.states() == ["done", "dropped"]

    update_settings(woo.hub, woo.installation.id, {"customers": "true"})
    woo.receive(
        "customer_created__1__customer_created", "order_paid_processing__2__customer_updated"
    )
    woo.work()

    with read(woo.hub.engine) as connection:
        (ivan,) = search_members(
            connection, woo.hub.plans, woo.programme_id, "", now=woo.clock.now()
        ).items
    # Accounts enrol nobody: 3 is of somebody who has bought nothing.
    assert ivan.name == "Иван Петров"
    assert [one.result["customers"] for one in woo.deliveries()[2:]] == [
        [{"what": "unknown", "member": None}],
        [{"what": "filled", "member": ivan.id}],
    ]
