"""X16: a purchase is registered by the QR code of its fiscal receipt, as an app would do it.

The clock stands at noon in UTC (15:00 in Moscow) of Saturday, 14 March 2026.  The programme
earns 5 percent of what is paid in whole points.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from hub.app import create_app
from hub.installations import create_installation
from hub.jobs.drain import drain
from hub.jobs.scheduler import look_after
from hub.registry import registry_of
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import (
    outbox,
    purchase_fiscal,
    purchases,
    receipt_claims,
    refunds,
)
from loyalty_kit.errors import Retry
from loyalty_kit.ports import Hint
from tests.hub.api.bodies import ANNA, a_line, a_purchase, a_refund
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.hub.api.test_requirement_rows import Scene
from tests.hub.api.test_rows_kinds import BORIS, join
from tests.support.hub import make_hub
from tests.support.shopfloor import SETTINGS, Remote, receipt, tablo

COMERS = 32
SIGN = {"fn": "9999078900000001", "fd": "10318", "fp": "1234567890"}
FIELDS = {"t": "20260314T1430", "s": "1000.00", "fn": SIGN["fn"], "i": SIGN["fd"], "fp": SIGN["fp"]}


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


pytestmark = pytest.mark.usefixtures("clean_books")


def qr(**said: str) -> str:
    return "&".join(f"{name}={value}" for name, value in (FIELDS | {"n": "1"} | said).items())


def register(scene: Scene, member: str, **said: str) -> Any:
    return scene.shop.post(f"/members/{member}/receipts", {"qr": qr(**said)})


def sold(scene: Scene, number: str = "p-1", **said: Any) -> Any:
    """The till reports a receipt of 1000.00 with its fiscal sign, of nobody unless told."""
    body = a_purchase(**{"external_id": number, "customer": None, "fiscal": [SIGN], **said})
    answer = scene.shop.post("/purchases", body)
    assert answer.status_code in (200, 201), answer.get_json()
    return answer.get_json()


def available(scene: Scene, phone: str = ANNA) -> str:
    return scene.balance(phone)["available"]


# --- the shop has reported it ---------------------------------------------------------------


def test_x16_the_shops_own_receipt_becomes_the_members_once(scene):
    anna = join(scene)
    bought = sold(scene)

    first = register(scene, anna)
    again = register(scene, anna)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json()["id"] == bought["id"]
    assert first.get_json()["points"]["earned"] == "50.00"
    assert again.get_json() == first.get_json()
    assert available(scene) == "50.00"
    (kept,) = scene.shop.get(f"/members/{anna}/purchases").get_json()["items"]
    assert (kept["id"], kept["points"]["earned"]) == (bought["id"], "50.00")
    told = scene.shop.post("/purchases", a_purchase(customer=None, fiscal=[SIGN]))
    assert (told.status_code, told.get_json()["member"]) == (200, anna)
    assert available(scene) == "50.00"


def test_x16_what_came_back_meanwhile_earns_nothing_and_what_comes_back_later_is_taken(scene):
    line = {"id": "1", "quantity": "0.4", "paid_back": "400.00"}
    anna = join(scene)
    sold(scene)
    scene.shop.post("/refunds", a_refund(amount="400.00", lines=[line]))

    assert register(scene, anna).status_code == 201
    assert available(scene) == "30.00"
    rest = {"id": "1", "quantity": "0.6", "paid_back": "600.00"}
    scene.shop.post("/refunds", a_refund(external_id="r-2", amount="600.00", lines=[rest]))
    assert available(scene) == "0.00"


def test_x16_a_receipt_of_another_member_is_refused(scene):
    anna, boris = join(scene), join(scene, BORIS)
    sold(scene, customer={"phone": ANNA})
    assert code_of(register(scene, boris)) == (409, "receipt_taken")
    assert register(scene, anna).status_code == 200

    other = SIGN | {"fd": "10319"}
    sold(scene, "p-2", fiscal=[other])
    assert register(scene, boris, i="10319").status_code == 201
    assert code_of(register(scene, anna, i="10319")) == (409, "receipt_taken")
    assert (available(scene), available(scene, BORIS)) == ("50.00", "50.00")


def test_x16_of_32_members_at_once_one_gets_the_receipt(scene, at_once):
    phones = [f"+791655505{number:02}" for number in range(COMERS)]
    numbers = [join(scene, phone) for phone in phones]
    sold(scene)

    statuses = at_once(lambda number: register(scene, numbers[number]).status_code)

    assert sorted(statuses) == [201] + [409] * 31
    assert sorted(available(scene, phone) for phone in phones) == ["0.00"] * 31 + ["50.00"]


def test_x16_one_receipt_registered_and_reported_at_once_is_booked_once(scene, at_once):
    """The till reports it while the buyer scans it, many times each."""
    anna = join(scene)

    def do(number: int) -> int:
        if number % 2:
            return int(register(scene, anna).status_code)
        body = a_purchase(customer=None, fiscal=[SIGN])
        return int(scene.shop.post("/purchases", body).status_code)

    assert set(at_once(do)) <= {200, 201, 202}
    assert available(scene) == "50.00"
    assert register(scene, anna).status_code == 200


def test_x16_a_receipt_seen_by_two_systems_is_one(scene):
    """The second report of one receipt is linked by its sign, and belongs to the same."""
    anna = join(scene)
    sold(scene, "p-1")
    twin = sold(scene, "p-2")
    assert twin["flags"] == ["linked"]

    assert register(scene, anna).get_json()["points"]["earned"] == "50.00"
    assert available(scene) == "50.00"


def test_x16_the_sum_must_be_that_of_the_receipt_points_taken_off_or_not(scene):
    """100 of 1000 were paid with points: tills print 900.00 or 1000.00."""
    anna = join(scene)
    line = a_line(discount="0.00", spend="100.00", paid="900.00")
    for number, total in ((1, "900.00"), (2, "1000.00")):
        sign = SIGN | {"fd": str(number)}
        sold(scene, f"p-{number}", fiscal=[sign], lines=[line])
        wrong = register(scene, anna, i=str(number), s="900.01")
        assert code_of(wrong) == (422, "receipt_differs")
        assert register(scene, anna, i=str(number), s=total).status_code == 201
    sold(scene, "p-3", fiscal=[SIGN])
    other_day = register(scene, anna, t="20260312T1430")
    assert code_of(other_day) == (422, "receipt_differs")
    assert register(scene, anna, t="20260314T0000").status_code == 201


@pytest.mark.parametrize("before", [True, False])
def test_x16_one_of_the_receipts_of_a_split_sale_registers_it(scene, before):
    """300.00 on the one, 700.00 on the other: 1000.00 in all, and no more."""
    anna, boris = join(scene), join(scene, BORIS)
    other = SIGN | {"fd": "10319"}
    if before:
        assert register(scene, anna, s="300.00").status_code == 202
        assert register(scene, boris, i="10319", s="1000.01").status_code == 202
    sold(scene, fiscal=[SIGN, other])
    assert code_of(register(scene, boris, i="10319", s="1000.01"))[1] in (
        ("receipt_differs", "receipt_taken")
    )

    assert register(scene, anna, s="300.00").status_code == (200 if before else 201)
    assert register(scene, anna, i="10319", s="700.00").status_code == 200
    assert available(scene) == "50.00"
    assert code_of(register(scene, boris, i="10319", s="700.00")) == (409, "receipt_taken")


@pytest.mark.parametrize("told", ["0001234567", "1234567"])
@pytest.mark.parametrize("shown", ["0001234567", "1234567"])
def test_x16_zeros_before_a_fiscal_sign_mean_nothing(scene, told, shown):
    """As the till tells it, and as the receipt's code does; a refund names it the other way."""
    anna = join(scene)
    sign = {"fn": SIGN["fn"], "fd": f"00{told}"[-8:], "fp": told}
    sold(scene, fiscal=[sign])
    assert sold(scene, fiscal=[sign])["flags"] == []
    assert sold(scene, "p-2", fiscal=[sign | {"fp": shown}])["flags"] == ["linked"]
    assert register(scene, anna, i=sign["fd"].lstrip("0"), fp=shown).status_code == 201

    back = a_refund(purchase=None, fiscal=sign | {"fp": shown}, amount="1000.00", lines=[])
    assert scene.shop.post("/refunds", back).get_json()["points"]["clawed_back"] == "50.00"


def test_x16_a_sign_that_was_kept_with_zeros_is_found_without_them(scene, hub, engine):
    """As versions before 0019 kept it, in the rows of signs, the document and its hash; they kept
    no shop but what the sender told."""
    anna = join(scene)
    padded = SIGN | {"fd": "0000010318"}
    sold(scene, fiscal=[padded])
    back = a_refund(external_id="r-2", purchase=None, fiscal=SIGN | {"fp": "7"}, lines=[])
    assert scene.shop.post("/refunds", back).status_code == 202
    with write(engine) as connection:
        for table, sign in ((purchases, [padded]), (refunds, {**back["fiscal"], "fp": "007"})):
            kept = connection.execute(select(table.c.id, table.c.document)).one()
            document = {**kept.document, "fiscal": sign, "shop": None}
            changed = update(table).where(table.c.id == kept.id)
            connection.execute(changed.values(document=document, content_hash="of before"))
        connection.execute(update(purchase_fiscal).values(fd=padded["fd"]))

    assert (
        scene.shop.post("/purchases", a_purchase(customer=None, fiscal=[padded])).status_code == 200
    )
    assert scene.shop.post("/refunds", back).status_code == 202
    for _ in range(2):
        look_after(hub)
    assert register(scene, anna).status_code == 201
    sold(scene, "p-2", fiscal=[SIGN | {"fp": "7"}])
    assert scene.shop.post("/refunds", back).status_code == 200
    with read(engine) as connection:
        assert set(connection.scalars(select(purchase_fiscal.c.fd))) == {"10318"}


# --- the shop has not reported it yet -------------------------------------------------------


def test_x16_a_receipt_that_is_not_known_yet_waits_for_the_shop(scene):
    anna, boris = join(scene), join(scene, BORIS)

    first = register(scene, anna)
    assert (first.status_code, first.get_json()["status"]) == (202, "waiting")
    assert (first.get_json()["id"], first.get_json()["member"]) == (None, anna)
    assert register(scene, anna).status_code == 202
    assert code_of(register(scene, boris)) == (409, "receipt_taken")
    assert available(scene) == "0.00"

    bought = sold(scene)

    assert (bought["member"], bought["points"]["earned"]) == (anna, "50.00")
    done = register(scene, anna)
    assert (done.status_code, done.get_json()["id"]) == (200, bought["id"])
    assert available(scene) == "50.00"


def test_x16_what_waits_is_refused_where_the_receipt_is_another_one(scene, engine):
    anna, boris = join(scene), join(scene, BORIS)
    register(scene, anna, s="1.00")
    register(scene, boris, i="10319")

    assert sold(scene)["member"] is None
    other = SIGN | {"fd": "10319"}
    assert sold(scene, "p-2", fiscal=[other], customer={"phone": ANNA})["member"] == anna

    assert code_of(register(scene, anna, s="1.00")) == (422, "receipt_differs")
    assert code_of(register(scene, boris, i="10319")) == (409, "receipt_taken")
    assert register(scene, boris).status_code == 201
    with read(engine) as connection:
        query = select(receipt_claims.c.fd, receipt_claims.c.state)
        states = {row.fd: row.state for row in connection.execute(query)}
    assert states == {"10318": "booked", "10319": "refused"}


def test_x16_what_waits_moves_with_a_merge_and_ends_with_an_erasure(scene, engine):
    anna, boris = join(scene), join(scene, BORIS)
    register(scene, boris)
    register(scene, boris, i="10319")
    assert scene.shop.post(f"/members/{anna}/merge", {"from": boris}).status_code == 200
    assert sold(scene)["member"] == anna
    told = scene.shop.get(f"/members/{anna}/export").get_json()["receipts"]
    assert [(one["fd"], one["sum"], one["state"]) for one in told] == [
        ("10318", "1000.00", "booked"),
        ("10319", "1000.00", "waiting"),
    ]

    assert scene.shop.delete(f"/members/{anna}").status_code == 200
    with read(engine) as connection:
        assert connection.execute(select(receipt_claims)).all() == []
    assert sold(scene, "p-2", fiscal=[SIGN | {"fd": "10319"}])["member"] is None


class _Knows:
    def hint(self, qr: str) -> Hint:
        return Hint("receipt", qr)


def test_x16_a_connection_that_knows_receipts_is_asked(engine, clock, tmp_path):
    """The till reports nothing; the receipt is there an hour later, and then the till tells it."""
    remote = Remote()
    plain = tablo(remote)
    able = replace(plain.manifest, capabilities=plain.manifest.capabilities | {"receipts"})
    connector = replace(plain, manifest=able, receipts=_Knows())
    hub = make_hub(engine, clock=clock, registry=registry_of([connector]), data_dir=tmp_path)
    programme = new_programme(hub, "shop")
    create_installation(
        hub, programme_id=programme, connector="tablo", name="Receipts", settings=SETTINGS
    )
    scene = Scene(Caller(create_app(hub), new_key(hub, programme).key), clock)
    anna = join(scene)
    told = receipt("f-1", "1000.00", fiscal=[SIGN], occurred_at="2026-03-14T14:30:00+03:00")
    told["customer"] = None

    def not_there(hint: Hint) -> None:
        raise Retry("The receipt is not there yet.")

    remote.on_read = not_there
    assert register(scene, anna).status_code == 202
    drain(hub, programme)
    assert (remote.reads, available(scene)) == ([qr()], "0.00")
    remote.on_read = None
    remote.put("receipt", qr(), told)
    clock.advance(hours=1)
    drain(hub, programme)

    assert available(scene) == "50.00"
    assert register(scene, anna).status_code == 200
    assert sold(scene)["flags"] == ["linked"]
    assert available(scene) == "50.00"


def test_x16_points_of_a_registered_receipt_are_told_as_those_of_a_purchase(scene, engine):
    """Once, whether the shop's report or the member's word came first."""
    anna = join(scene)
    switched = scene.shop.put("/messages/kinds/points_earned", {"on": True})
    assert switched.status_code == 200
    bought = sold(scene)["id"]
    for _ in range(2):
        register(scene, anna)
    register(scene, anna, i="10319")
    later = sold(scene, "p-2", fiscal=[SIGN | {"fd": "10319"}])["id"]

    with read(engine) as connection:
        query = select(outbox.c.key, outbox.c.payload).where(outbox.c.kind == "message")
        found = {row.key: row.payload["facts"] for row in connection.execute(query)}
    assert found == {
        f"points_earned:{bought}": {"points": 5000},
        f"points_earned:{later}": {"points": 5000},
    }


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("https://shop.example/r/1", id="an address"),
        pytest.param(qr() + "&n=1", id="a field twice"),
        pytest.param(qr() + "&sn=1", id="a field of no receipt"),
        pytest.param(qr().replace("&n=1", ""), id="a field less"),
        pytest.param(qr(t="20260230T1200"), id="no such day"),
        pytest.param(qr(t="2026-03-14T14:30"), id="time of another form"),
        pytest.param(qr(s="1000"), id="roubles alone"),
        pytest.param(qr(s="1000,00"), id="a comma"),
        pytest.param(qr(s="-1000.00"), id="below zero"),
        pytest.param(qr(fn="12345678901234567"), id="drive too long"),
        pytest.param(qr(fp="12345678901"), id="sign too long"),
        pytest.param(qr(i="١٢٣"), id="digits of another script"),
        pytest.param(qr(fp="0"), id="no sign"),
        pytest.param(qr(n="5"), id="no such kind"),
    ],
)
def test_x16_what_is_no_receipt_is_refused(scene, text):
    anna = join(scene)
    refused = scene.shop.post(f"/members/{anna}/receipts", {"qr": text})
    assert code_of(refused) == (422, "validation_failed")
    assert list(refused.get_json()["errors"]) == ["qr"]


def test_x16_fields_may_stand_in_another_order_with_seconds_and_blanks(scene):
    anna = join(scene)
    sold(scene)
    text = " n=1&fp=1234567890&i=0010318 &fn=9999078900000001&s=1000.00&t=20260314T143015\n"
    assert scene.shop.post(f"/members/{anna}/receipts", {"qr": text}).status_code == 201


@pytest.mark.parametrize("kind", ["2", "3", "4"])
def test_x16_a_return_is_no_sale(scene, kind):
    anna = join(scene)
    sold(scene)
    assert code_of(register(scene, anna, n=kind)) == (422, "receipt_not_sale")
    assert available(scene) == "0.00"


def test_x16_a_receipt_is_registered_within_days_that_are_a_setting(scene):
    scene.publish(policies={"receipt_days": 3})
    anna = join(scene)
    sold(scene)
    scene.clock.advance(days=3, minutes=-31)
    assert register(scene, anna).status_code == 201
    scene.clock.advance(minutes=2)
    late = register(scene, anna)
    assert code_of(late) == (422, "receipt_too_old")
    assert late.get_json()["days"] == "3"
    ahead = (scene.clock.now() + timedelta(days=2)).strftime("%Y%m%dT%H%M")
    assert code_of(register(scene, anna, t=ahead)) == (422, "receipt_differs")


def test_x16_receipts_are_not_found_by_trying(scene):
    """Of 21 codes that are not right, or not known, in an hour the last is one too many; then a
    right one waits too.  Another name of the same member has no tries of its own."""
    anna, boris = join(scene), join(scene, BORIS)
    assert scene.shop.post(f"/members/{anna}/merge", {"from": boris}).status_code == 200
    sold(scene)
    for number in range(1, 11):
        assert register(scene, anna, s=f"{number}.00").status_code == 422
        assert register(scene, anna, i=f"{number}").status_code == 202

    assert register(scene, anna, i="11").status_code == 202

    assert code_of(register(scene, anna)) == (429, "rate_limited")
    assert code_of(register(scene, boris)) == (429, "rate_limited")
    assert code_of(register(scene, anna.replace("_", "_0"))) == (404, "member_not_found")
    scene.clock.advance(hours=1)
    assert register(scene, anna).status_code == 201


def test_x16_a_stranger_registers_nothing_of_ours(scene, stranger):
    anna = join(scene)
    sold(scene)
    refused = stranger.post(f"/members/{anna}/receipts", {"qr": qr()})
    assert code_of(refused) == (404, "member_not_found")
