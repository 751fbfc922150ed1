"""R36: events of clubs, whose places run out, for those alone who may come.

The clock stands at noon in UTC of Saturday, 14 March 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from hub.app import create_app
from loyalty_core.store.database import make_engine, read, write
from loyalty_core.store.tables import event_guests, event_places
from tests.hub.api.bodies import ANNA
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.hub.api.test_requirement_rows import Scene
from tests.hub.api.test_rows_clubs import FRIENDS, IN_WINE, WINE
from tests.hub.api.test_rows_conditions import when
from tests.hub.api.test_rows_kinds import BORIS, errors_of, join
from tests.support.hub import make_hub

TASTING = {
    "code": "Tasting",
    "name": "Дегустация",
    "starts_at": "2026-03-20T19:00:00+03:00",
    "places": 2,
    "when": IN_WINE,
}
CLARA, DARIA = "+79162223344", "+79162223355"
COMERS = 32


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


def club(scene: Scene, *phones: str, **event: Any) -> list[str]:
    """A tasting of the wine club, and these members of it."""
    scene.publish(clubs=[WINE], club_events=[TASTING | event])
    numbers = [join(scene, phone) for phone in phones]
    for one in numbers:
        scene.shop.post(f"/members/{one}/clubs", {"club": "wine"})
    return numbers


def take(scene: Scene, member: str, code: str = "tasting") -> Any:
    return scene.shop.post(f"/members/{member}/events/{code}")


def seen(scene: Scene, member: str) -> list[tuple[int, bool]]:
    events = scene.shop.get(f"/members/{member}/offers").get_json()["events"]
    return [(one["left"], one["mine"]) for one in events]


def test_r36_places_run_out_and_are_seen_by_members_alone(scene):
    """Two places: the third who comes finds none, until one is given back."""
    anna, boris, clara = club(scene, ANNA, BORIS, CLARA)
    stranger = join(scene, DARIA)
    assert seen(scene, anna) == [(2, False)]
    assert seen(scene, stranger) == []

    first = take(scene, anna)
    assert first.status_code == 201
    assert first.get_json() == {
        "code": "Tasting",
        "name": "Дегустация",
        "starts_at": "2026-03-20T19:00:00+03:00",
        "places": 2,
        "left": 1,
        "mine": True,
    }
    again = take(scene, anna, "TASTING")
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert take(scene, boris).status_code == 201
    assert code_of(take(scene, clara)) == (409, "no_places")
    assert code_of(take(scene, stranger)) == (404, "event_not_found")
    assert [seen(scene, one) for one in (anna, clara)] == [[(0, True)], []]

    for _ in range(2):
        assert scene.shop.delete(f"/members/{boris}/events/tasting").status_code == 204
    assert seen(scene, clara) == [(1, False)]
    assert take(scene, clara).status_code == 201


def test_r36_an_event_is_closed_when_it_begins_and_to_who_has_left(scene):
    anna, boris = club(scene, ANNA, BORIS)
    scene.shop.delete(f"/members/{boris}/clubs/wine")
    assert code_of(take(scene, boris)) == (404, "event_not_found")
    scene.clock.advance(days=6, hours=4)

    assert seen(scene, anna) == []
    assert code_of(take(scene, anna)) == (404, "event_not_found")


def test_r36_fewer_places_than_are_taken_leave_the_guests_theirs(scene):
    anna, boris, clara = club(scene, ANNA, BORIS, CLARA)
    take(scene, anna)
    take(scene, boris)
    scene.publish(club_events=[TASTING | {"places": 1}])
    assert [seen(scene, one) for one in (anna, clara)] == [[(0, True)], []]
    scene.shop.delete(f"/members/{anna}/events/tasting")
    assert code_of(take(scene, clara)) == (409, "no_places")
    scene.publish(club_events=[TASTING | {"places": 3}])
    assert take(scene, clara).status_code == 201


def test_r36_places_move_with_a_merge_and_end_with_an_erasure(scene, engine):
    """Where both had a place, one is free again."""
    anna, boris, clara = club(scene, ANNA, BORIS, CLARA)
    take(scene, anna)
    take(scene, boris)
    scene.shop.post(f"/members/{anna}/merge", {"from": boris})
    assert seen(scene, anna) == [(1, True)]
    take(scene, clara)
    scene.shop.post(f"/members/{anna}/merge", {"from": clara})
    assert seen(scene, anna) == [(1, True)]
    (told,) = scene.shop.get(f"/members/{anna}/export").get_json()["events"]
    assert told == {"event": "tasting", "at": scene.clock.now().isoformat()}

    scene.shop.delete(f"/members/{anna}")
    with read(engine) as connection:
        assert connection.execute(select(event_guests)).all() == []
        assert connection.scalar(select(event_places.c.taken)) == 0
    with pytest.raises(IntegrityError), write(engine) as connection:
        connection.execute(update(event_places).values(taken=3))


def test_r36_a_place_of_who_was_merged_is_the_survivors(scene):
    anna, boris = club(scene, ANNA, BORIS)
    take(scene, boris)
    scene.shop.post(f"/members/{anna}/merge", {"from": boris})

    assert seen(scene, anna) == [(1, True)]
    assert take(scene, boris).status_code == 200


@pytest.fixture
def wide(postgres_engine) -> Iterator[Engine]:
    """A connection for each who comes."""
    url = postgres_engine.url.render_as_string(hide_password=False)
    engine = make_engine(url, pool_size=COMERS)
    yield engine
    engine.dispose()


def test_r36_ten_places_go_to_ten_of_32_who_come_at_once(wide, clock, tmp_path):
    hub = make_hub(wide, clock=clock, data_dir=tmp_path)
    shop = Caller(create_app(hub), new_key(hub, new_programme(hub, "shop")).key)
    scene = Scene(shop, clock)
    phones = [f"+791655505{number:02}" for number in range(COMERS)]
    numbers = club(scene, *phones, places=10)
    gate = Barrier(COMERS)

    def come(member: str) -> int:
        gate.wait(timeout=60)
        return int(take(scene, member).status_code)

    with ThreadPoolExecutor(COMERS) as pool:
        told = list(pool.map(come, numbers))
        came = [one for one, status in zip(numbers, told, strict=True) if status == 201]
        again = list(pool.map(come, came * 3 + came[:2]))

    assert sorted(told) == [201] * 10 + [409] * 22
    assert again == [200] * COMERS
    with read(wide) as connection:
        assert connection.scalar(select(event_places.c.taken)) == 10
        assert len(connection.execute(select(event_guests)).all()) == 10


def test_r36_bad_events_are_refused(scene):
    club(scene, ANNA)
    assert code_of(take(scene, "m_1")) == (404, "member_not_found")
    assert code_of(scene.shop.delete("/members/m_1/events/tasting")) == (404, "member_not_found")
    basket = when("basket.amount", "at_least", "1.00")
    assert errors_of(scene, club_events=[TASTING | {"when": basket}, TASTING | {"places": 0}]) == {
        "club_events.0.when.field": ["is not about members"],
        "club_events.1.places": ["must be from 1 to 1000000"],
    }
    assert errors_of(scene, clubs=[FRIENDS], club_events=[TASTING, TASTING]) == {
        "club_events.0.code": ["must not repeat"],
        "club_events.1.code": ["must not repeat"],
        "club_events.0.when.value": ["not in this document"],
        "club_events.1.when.value": ["not in this document"],
    }
