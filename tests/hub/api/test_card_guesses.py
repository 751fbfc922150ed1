"""Numbers of cards cannot be found by trying: wrong ones are counted, and nobody's sale stops."""

from __future__ import annotations

import pytest

from hub.app import create_app
from tests.hub.api.bodies import ANNA, a_basket, a_line
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.hub.api.test_requirement_rows import Scene
from tests.support.hub import make_hub

CARD = "2200 0042"
BORIS = "+79161234568"


@pytest.fixture
def scene(engine, clock, tmp_path):
    """One wrong card an hour for a cart, 100 for a key; Anna has a card, Boris has none."""
    hub = make_hub(
        engine, clock=clock, data_dir=tmp_path / "few", quote_deadline_ms=20_000, coupon_guesses=1
    )
    caller = Caller(create_app(hub), new_key(hub, new_programme(hub, "shop")).key)
    for who in ({"phone": ANNA, "card": CARD}, {"phone": BORIS}):
        assert caller.post("/members", who).status_code == 201
    return Scene(caller, clock)


def who(scene, card, **told):
    """The member of a quote, None for nobody."""
    names = {"card": card, **told.pop("beside", {})}
    quote = scene.priced(a_line(), member=names, **{"channel": "online", **told})
    assert not quote["degraded"]
    return None if quote["member"] is None else quote["member"]["id"]


def use_up(scene):
    """What strangers have by this key: carts are made anew, and count apart."""
    for number in range(101):
        assert who(scene, f"9{number:05}", cart=f"cart-{number}") is None


def test_a_guesser_runs_out_and_a_right_card_looks_wrong_then_and_the_sale_goes_on(scene):
    anna = who(scene, CARD)
    assert anna is not None
    use_up(scene)

    right = scene.priced(a_line(), channel="online", cart="x", member={"card": CARD})
    wrong = scene.priced(a_line(), channel="online", cart="x", member={"card": "1"})
    own = {"id", "valid_until"}
    assert {k: right[k] for k in right.keys() - own} == {k: wrong[k] for k in wrong.keys() - own}
    assert right["totals"]["payable"] == "1000.00"
    held = scene.shop.post("/holds", a_basket(channel="online", cart="x", member={"card": CARD}))
    assert (held.status_code, held.get_json()["quote"]["member"]) == (201, None)

    assert who(scene, CARD, beside={"verified": True}) == anna, "somebody vouches"
    assert who(scene, CARD, channel="pos") == anna, "whoever stands at a till"
    assert who(scene, None, beside={"phone": BORIS}) is not None, "no card"
    scene.clock.advance(hours=1)
    assert who(scene, CARD) == anna


def test_a_till_that_mistypes_counts_for_the_cart_alone(scene):
    anna = who(scene, CARD, channel="pos", cart="a")
    for _ in range(2):
        assert who(scene, "1", channel="pos", cart="a") is None
    for _ in range(200):
        assert who(scene, "1", channel="pos") is None

    assert who(scene, CARD, channel="pos", cart="a") is None
    assert who(scene, CARD, channel="pos", cart="b") == anna
    assert who(scene, CARD, channel="online", cart="c") == anna


def test_right_cards_use_nothing_up(scene):
    for _ in range(200):
        assert who(scene, CARD, cart="a") is not None


def test_a_name_of_the_guessers_own_beside_the_card_hides_no_guess(scene):
    """A wrong card finds the guesser, a right one its owner."""
    boris = who(scene, None, beside={"phone": BORIS})
    for number in range(2):
        assert who(scene, f"9{number}", cart="a", beside={"phone": BORIS}) == boris

    assert who(scene, CARD, cart="a", beside={"phone": BORIS}) == boris


def test_a_hold_is_a_guess_too_and_its_answer_given_again_is_none(scene):
    basket = a_basket(channel="online", cart="a", member={"card": "1"})
    for key in ("k-1", "k-1", "k-1"):
        held = scene.shop.post("/holds", basket, headers={"Idempotency-Key": key})
        assert held.status_code == 201
    assert who(scene, CARD, cart="a") is not None, "one guess"

    scene.shop.post("/holds", basket, headers={"Idempotency-Key": "k-2"})
    assert who(scene, CARD, cart="a") is None


def test_a_wrong_name_of_a_basket_is_still_told(scene):
    answer = scene.shop.post("/quotes", a_basket(member={"card": "1", "phone": "12"}))
    assert code_of(answer)[0] == 422
