"""R68: the electronic card, asked of the API as an app and a till would.

The clock stands at noon in UTC of Saturday, 14 March 2026.
"""

from __future__ import annotations

import re
import struct
import zlib
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from hub.app import create_app
from hub.vault import rotate
from loyalty_core.domain.card_numbers import check_digit
from loyalty_core.service.enter_member import enter_member
from loyalty_core.service.members import NewMember
from loyalty_core.service.source import Source
from loyalty_core.store.database import read, transact, write
from loyalty_core.store.tables import cards, identities
from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.hub.api.test_requirement_rows import Scene
from tests.hub.api.test_rows_kinds import BORIS, errors_of, join
from tests.support.hub import make_hub

SERIES = {"prefix": "29"}


@pytest.fixture
def scene(shop, clock) -> Scene:
    scene = Scene(shop, clock)
    scene.publish(cards=SERIES)
    return scene


def issue(scene: Scene, member: str) -> dict[str, str]:
    answer = scene.shop.post(f"/members/{member}/card")
    assert answer.status_code in (200, 201), answer.get_json()
    told: dict[str, str] = answer.get_json()
    return told


def shown(scene: Scene, member: str) -> dict[str, str]:
    told: dict[str, str] = scene.shop.get(f"/members/{member}/card").get_json()
    return told


def seen_at_till(scene: Scene, **said: Any) -> str | None:
    """Whom a till that scans this finds."""
    answer = scene.priced(a_line(), channel="pos", member=said)
    return None if answer["member"] is None else answer["member"]["id"]


# --- the number -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digits", "last"),
    [
        pytest.param("400638133393", "1", id="a pen of the GS1 handbook"),
        pytest.param("290000000001", "8", id="by hand: 2 + 27 + 3, and 8 to forty"),
        pytest.param("200000000000", "8", id="by hand: 2, and 8 to ten"),
    ],
)
def test_r68_the_check_digit_is_that_of_ean_13(digits, last):
    assert check_digit(digits) == last


def test_r68_a_card_is_issued_once_and_the_till_knows_it(scene):
    anna = join(scene)
    assert code_of(scene.shop.get(f"/members/{anna}/card")) == (404, "card_not_found")

    first = scene.shop.post(f"/members/{anna}/card")
    again = scene.shop.post(f"/members/{anna}/card")

    assert (first.status_code, again.status_code) == (201, 200)
    number = first.get_json()["number"]
    assert again.get_json()["number"] == shown(scene, anna)["number"] == number
    assert (len(number), number[:2], number[-1]) == (13, "29", check_digit(number[:-1]))
    assert seen_at_till(scene, card=number) == anna
    bought = scene.shop.post("/purchases", a_purchase(customer={"card": number})).get_json()
    assert (bought["member"], bought["points"]["earned"]) == (anna, "50.00")
    assert scene.shop.get(f"/members/{anna}").get_json()["cards"] == [number]


def test_r68_a_card_comes_with_joining_where_the_rules_say_so(scene):
    scene.publish(cards=SERIES | {"on_enrolment": True})
    anna = join(scene)
    assert shown(scene, anna)["number"].startswith("29")
    assert scene.shop.post(f"/members/{anna}/card").status_code == 200


def test_r68_without_a_series_there_are_no_cards(shop, clock):
    scene = Scene(shop, clock)
    anna = join(scene)
    assert code_of(scene.shop.post(f"/members/{anna}/card")) == (422, "not_available")
    assert code_of(scene.shop.post("/members/m_1/card")) == (404, "member_not_found")
    assert errors_of(scene, cards={"prefix": "46"}) == {"cards.prefix": ["must match 2[0-9]{1,2}"]}


def test_r68_of_32_calls_at_once_one_issues(scene, engine, at_once):
    anna = join(scene)
    statuses = at_once(lambda _: scene.shop.post(f"/members/{anna}/card").status_code)

    assert sorted(statuses) == [200] * 31 + [201]
    with read(engine) as connection:
        (card,) = connection.execute(select(cards)).mappings().all()
    second = {**card, "number": "2900000000018"}
    with pytest.raises(IntegrityError), write(engine) as connection:
        connection.execute(insert(cards).values(second))
    with pytest.raises(IntegrityError), write(engine) as connection:
        connection.execute(insert(cards).values({**card, "ended_at": card["issued_at"]}))


def test_r68_a_card_that_was_taken_away_is_dead_at_once_and_for_good(scene):
    """A new one is another; the old number is nobody's, and nobody can be given it."""
    anna, boris = join(scene), join(scene, BORIS)
    old = issue(scene, anna)["number"]
    for _ in range(2):
        assert scene.shop.delete(f"/members/{anna}/card").status_code == 204
    assert code_of(scene.shop.get(f"/members/{anna}/card")) == (404, "card_not_found")
    assert seen_at_till(scene, card=old) is None
    new = issue(scene, anna)["number"]
    assert new != old

    assert seen_at_till(scene, card=new) == anna
    both = {"phone": BORIS, "card": old, "verified": True}
    assert scene.bought(a_line(paid="1000.00"), customer=both)["member"] == boris
    assert seen_at_till(scene, card=old) is None
    for refused in (
        scene.shop.patch(f"/members/{boris}", {"card": old}),
        scene.shop.post("/members", {"card": old}),
    ):
        assert code_of(refused) == (422, "validation_failed")
        assert refused.get_json()["errors"] == {"card": ["This card was taken away."]}
    assert scene.shop.patch(f"/members/{anna}", {"card": None}).status_code == 200
    assert code_of(scene.shop.get(f"/members/{anna}/card")) == (404, "card_not_found")


def test_r68_a_merge_keeps_both_numbers_and_one_card(scene, engine):
    anna, boris = join(scene), join(scene, BORIS)
    first, second = issue(scene, anna)["number"], issue(scene, boris)["number"]

    assert scene.shop.post(f"/members/{anna}/merge", {"from": boris}).status_code == 200

    assert shown(scene, anna)["number"] == shown(scene, boris)["number"] == first
    assert [seen_at_till(scene, card=one) for one in (first, second)] == [anna, anna]
    told = scene.shop.get(f"/members/{anna}/export").get_json()["cards"]
    assert [(one["number"], one["ended_at"] is None) for one in told] == [
        (first, True),
        (second, False),
    ]
    assert scene.shop.delete(f"/members/{anna}").status_code == 200
    with read(engine) as connection:
        assert connection.execute(select(cards)).all() == []
        assert connection.execute(select(identities)).all() == []
    vera = join(scene)
    for number in (first, second):
        refused = scene.shop.patch(f"/members/{vera}", {"card": number})
        assert refused.get_json()["errors"] == {"card": ["This card was taken away."]}


def test_r68_taking_the_card_away_ends_all_own_numbers_for_good(scene, hub, programme_id):
    anna, boris = join(scene), join(scene, BORIS)
    first, second = issue(scene, anna)["number"], issue(scene, boris)["number"]
    assert scene.shop.post(f"/members/{anna}/merge", {"from": boris}).status_code == 200

    assert scene.shop.delete(f"/members/{anna}/card").status_code == 204
    assert [seen_at_till(scene, card=one) for one in (first, second)] == [None, None]
    entered = transact(
        hub.engine,
        lambda c: enter_member(
            c,
            hub.plans,
            Source(programme_id, "till"),
            NewMember(phone=ANNA, card=second),
            now=hub.clock.now(),
        ),
    )
    assert (entered.id, entered.cards) == (anna, ())
    assert seen_at_till(scene, card=second) is None


def test_r68_a_card_of_who_was_merged_goes_to_the_survivor(scene):
    anna, boris = join(scene), join(scene, BORIS)
    number = issue(scene, boris)["number"]
    scene.shop.post(f"/members/{anna}/merge", {"from": boris})

    assert shown(scene, anna)["number"] == number
    assert scene.shop.post(f"/members/{anna}/card").status_code == 200


# --- the code -------------------------------------------------------------------------------


def test_r68_the_code_of_the_qr_names_the_member_for_two_minutes(scene):
    anna = join(scene)
    issue(scene, anna)
    code = shown(scene, anna)["code"]

    assert seen_at_till(scene, code=code) == anna
    assert seen_at_till(scene, code=f" {code.lower()} ") == anna
    scene.clock.advance(seconds=119)
    assert seen_at_till(scene, code=code) == anna
    held = scene.shop.post("/holds", a_basket(cart="c-1", channel="pos", member={"code": code}))
    assert held.get_json()["quote"]["member"]["id"] == anna
    scene.clock.advance(seconds=1)
    assert seen_at_till(scene, code=code) is None
    assert shown(scene, anna)["code"] != code


def test_r68_a_code_that_is_not_good_names_nobody_and_other_names_count(scene):
    anna, boris = join(scene), join(scene, BORIS)
    issue(scene, anna)
    code = shown(scene, anna)["code"]
    wire, ends, mark = code.split("-")
    other = boris.removeprefix("m_").upper()
    for wrong in (
        f"{other}-{ends}-{mark}",
        f"{wire}-{int(ends) + 60}-{mark}",
        f"{wire}-{ends}-{'A' * 16}",
        f"{wire}-{ends}",
        f"{wire}-{'9' * 40}-{mark}",
        "",
        "-",
        "карта",
    ):
        assert seen_at_till(scene, code=wrong or "-") is None
    assert seen_at_till(scene, code="nonsense", phone=BORIS) == boris
    assert seen_at_till(scene, code=code, phone=BORIS) == anna
    assert seen_at_till(scene, id=boris, code=code) == boris


def test_r68_a_code_is_good_in_each_process_while_the_keys_are_changed(engine, clock, tmp_path):
    """Made by one that knows the new key already, shown to one that does not, and the reverse."""
    folder = tmp_path / "keys"
    first, second = (
        make_hub(engine, clock=clock, data_dir=folder, secret_keys=(), quote_deadline_ms=20_000)
        for _ in range(2)
    )
    key = new_key(first, new_programme(first, "shop")).key
    one, other = (Scene(Caller(create_app(hub), key), clock) for hub in (first, second))
    one.publish(cards=SERIES)
    anna = join(one)
    issue(one, anna)
    rotate(second)

    assert seen_at_till(other, code=shown(one, anna)["code"]) == anna
    assert seen_at_till(one, code=shown(other, anna)["code"]) == anna


def test_r68_a_code_ends_with_its_card(scene):
    """A new card has codes of its own; what was bought before is told with the old one."""
    anna = join(scene)
    issue(scene, anna)
    code = shown(scene, anna)["code"]
    before = a_purchase(
        external_id="p-0", occurred_at=scene.clock.now().isoformat(), customer={"code": code}
    )
    scene.clock.advance(seconds=30)
    assert seen_at_till(scene, code=code) == anna

    scene.shop.delete(f"/members/{anna}/card")
    scene.clock.advance(seconds=1)
    assert seen_at_till(scene, code=code) is None
    issue(scene, anna)
    assert seen_at_till(scene, code=code) is None
    assert scene.bought(a_line(paid="1000.00"), customer={"code": code})["member"] is None
    hold = scene.shop.post("/holds", a_basket(member={"code": code}, cart="c-1")).get_json()
    assert hold["quote"]["member"] is None
    event = {"kind": "visit", "external_id": "v-1", "member": {"code": code}}
    told = scene.shop.post("/events", event | {"occurred_at": scene.clock.now().isoformat()})
    assert told.get_json()["member"] is None
    assert scene.shop.post("/purchases", before).get_json()["member"] == anna
    assert seen_at_till(scene, code=shown(scene, anna)["code"]) == anna


def test_r68_a_code_of_one_programme_is_nothing_in_another(scene, stranger):
    anna = join(scene)
    issue(scene, anna)
    code = shown(scene, anna)["code"]
    told = stranger.post("/quotes", a_basket(channel="pos", member={"code": code}))
    assert told.get_json()["member"] is None


def test_r68_a_receipt_with_a_code_is_the_same_whenever_it_is_told(scene):
    """The till scanned the code, sold, and was off the net for a day."""
    anna = join(scene)
    issue(scene, anna)
    code = shown(scene, anna)["code"]
    sold_at = scene.clock.now() + timedelta(minutes=10)
    receipt = a_purchase(customer={"code": code}, occurred_at=sold_at.isoformat())
    late = a_purchase(
        external_id="p-2",
        customer={"code": code},
        occurred_at=(sold_at + timedelta(minutes=8)).isoformat(),
    )
    scene.clock.advance(hours=24)

    first = scene.shop.post("/purchases", receipt)
    scene.clock.advance(hours=24)
    again = scene.shop.post("/purchases", receipt)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json()["member"] == again.get_json()["member"] == anna
    assert scene.shop.post("/purchases", late).get_json()["member"] is None


# --- pictures -------------------------------------------------------------------------------

LEFT_A = [
    "0001101",
    "0011001",
    "0010011",
    "0111101",
    "0100011",
    "0110001",
    "0101111",
    "0111011",
    "0110111",
    "0001011",
]
"""The ten digits of set A (GS1 General Specifications, EAN-13): seven modules each."""
RIGHT = ["".join("10"[int(bit)] for bit in one) for one in LEFT_A]
LEFT_B = [one[::-1] for one in RIGHT]
FIRST = [
    "AAAAAA",
    "AABABB",
    "AABBAB",
    "AABBBA",
    "ABAABB",
    "ABBAAB",
    "ABBBAA",
    "ABABAB",
    "ABABBA",
    "ABBABA",
]
"""Which set each of the left six is of tells the first digit."""


def decoded(modules: str) -> str:
    """The number that 95 modules of EAN-13 say, by the tables of the standard."""
    assert len(modules) == 95
    assert (modules[:3], modules[45:50], modules[-3:]) == ("101", "01010", "101")
    left = [modules[3 + 7 * at : 10 + 7 * at] for at in range(6)]
    right = [modules[50 + 7 * at : 57 + 7 * at] for at in range(6)]
    sets = "".join("A" if one in LEFT_A else "B" for one in left)
    digits = [(LEFT_A if one in LEFT_A else LEFT_B).index(one) for one in left]
    digits += [RIGHT.index(one) for one in right]
    return str(FIRST.index(sets)) + "".join(map(str, digits))


def modules_of(svg: bytes) -> str:
    """What a scanner sees that goes through the bars: dark and light, module by module."""
    rects = [
        {name: float(rect.attrib[name].removesuffix("mm")) for name in ("x", "width")}
        for rect in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")  # noqa: S314
        if "black" in rect.attrib["style"]
    ]
    module = min(rect["width"] for rect in rects)
    start = min(rect["x"] for rect in rects)
    row = ["0"] * 95
    for rect in rects:
        first = round((rect["x"] - start) / module)
        for place in range(first, first + round(rect["width"] / module)):
            row[place] = "1"
    return "".join(row)


def test_r68_the_tables_of_this_test_read_a_known_barcode():
    """4006381333931, written out by hand: 4 is told by the sets ABAABB of 006381."""
    known = (
        "101"
        "0001101"
        "0100111"
        "0101111"
        "0111101"
        "0001001"
        "0110011"
        "01010"
        "1000010"
        "1000010"
        "1000010"
        "1110100"
        "1000010"
        "1100110"
        "101"
    )
    assert decoded(known) == "4006381333931"


def test_r68_the_barcode_says_the_number(scene):
    anna = join(scene)
    number = issue(scene, anna)["number"]

    picture = scene.shop.get(f"/members/{anna}/card/barcode")

    assert (picture.status_code, picture.content_type) == (200, "image/svg+xml")
    assert decoded(modules_of(picture.data)) == number


def modules_of_png(png: bytes, scale: int, border: int) -> list[list[int]]:
    """The modules, 1 dark, of a PNG of one bit a pixel (PNG specification, filters 0 and 2)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, size = 8, b"", 0
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            size, depth = struct.unpack(">I", body[:4])[0], body[8]
            assert depth == 1
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    raw, stride = zlib.decompress(data), (size + 7) // 8
    rows: list[bytes] = []
    for place in range(size):
        how, *row = raw[place * (stride + 1) :][: stride + 1]
        assert how in (0, 2)
        above = rows[-1] if how else bytes(stride)
        rows.append(bytes((one + up) % 256 for one, up in zip(row, above, strict=True)))
    inner = range(border * scale, size - border * scale, scale)
    return [[1 - (rows[y][x // 8] >> (7 - x % 8) & 1) for x in inner] for y in inner]


MASKS = (
    lambda y, x: (y + x) % 2,
    lambda y, x: y % 2,
    lambda y, x: x % 3,
    lambda y, x: (y + x) % 3,
    lambda y, x: (y // 2 + x // 3) % 2,
    lambda y, x: y * x % 2 + y * x % 3,
    lambda y, x: (y * x % 2 + y * x % 3) % 2,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2,
)
IN_TWO = {(3, "11"): 34, (3, "10"): 26}
"""Of version 3 at the levels Q and H: so many words of data, of two blocks in turn."""
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def qr_bits(dark: list[list[int]]) -> str:
    """The data of a QR code, in the order of ISO/IEC 18004 (versions 1 to 3)."""
    size = len(dark)
    version, edge = (size - 17) // 4, size - 8
    told = "".join(str(dark[8][x] ^ bit) for x, bit in enumerate((1, 0, 1, 0, 1)))
    level, hidden = told[:2], MASKS[int(told[2:], 2)]

    def is_pattern(y: int, x: int) -> bool:
        finder = (y < 9 and (x < 9 or x >= edge)) or (y >= edge and x < 9)
        middle = 4 * version + 10
        aligned = version > 1 and max(abs(y - middle), abs(x - middle)) <= 2
        return finder or aligned or 6 in (y, x)

    bits, up = "", True
    for right in [*range(size - 1, 6, -2), 5, 3, 1]:
        for y in range(size - 1, -1, -1) if up else range(size):
            for x in (right, right - 1):
                if not is_pattern(y, x):
                    bits += str(dark[y][x] ^ (hidden(y, x) == 0))
        up = not up
    words = [bits[at : at + 8] for at in range(0, len(bits), 8)]
    held = IN_TWO.get((version, level))
    return "".join(words if held is None else words[:held:2] + words[1:held:2])


def read_qr(dark: list[list[int]]) -> str:
    """What the code says: digits alone, or capital letters and digits."""
    bits = qr_bits(dark)
    mode, bits = bits[:4], bits[4:]
    if mode == "0001":
        count, bits = int(bits[:10], 2), bits[10:]
        text = ""
        while len(text) < count:
            digits = min(3, count - len(text))
            width = 3 * digits + 1
            text, bits = text + f"{int(bits[:width], 2):0{digits}}", bits[width:]
        return text
    assert mode == "0010"
    count, bits, text = int(bits[:9], 2), bits[9:], ""
    while len(text) < count:
        two = len(text) + 1 < count
        value, bits = int(bits[: 11 if two else 6], 2), bits[11 if two else 6 :]
        text += (LETTERS[value // 45] if two else "") + LETTERS[value % 45]
    return text


@pytest.mark.parametrize("of", ["code", "number"])
def test_r68_the_qr_code_says_the_code_or_the_number(scene, of):
    """Read here module by module: no reader of QR codes is at hand."""
    anna = join(scene)
    card = issue(scene, anna)
    path = f"/members/{anna}/card/qr?of={of}"

    png = scene.shop.get(f"{path}&format=png")
    svg = scene.shop.get(path)

    assert (png.content_type, svg.content_type) == ("image/png", "image/svg+xml")
    dark = modules_of_png(png.data, scale=8, border=4)
    assert read_qr(dark) == card[of]
    assert drawn(svg.data, len(dark)) == dark


def drawn(svg: bytes, size: int) -> list[list[int]]:
    """The modules that the strokes of a picture cover, in a field of four modules around."""
    (path,) = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}path")  # noqa: S314
    dark = [[0] * size for _ in range(size)]
    x, y = 0.0, 0.0
    for kind, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: ?(-?[\d.]+))?", path.attrib["d"]):
        if kind == "h":
            for place in range(int(float(first))):
                dark[int(y) - 4][int(x) + place - 4] = 1
            x += float(first)
        else:
            start = (0.0, 0.0) if kind == "M" else (x, y)
            x, y = start[0] + float(first), start[1] + float(second)
    return dark


def test_r68_bad_questions_are_refused(scene):
    anna = join(scene)
    issue(scene, anna)
    for query in ("of=name", "format=gif", "size=3"):
        refused = scene.shop.get(f"/members/{anna}/card/qr?{query}")
        assert code_of(refused) == (422, "validation_failed")


def test_r68_numbers_are_not_found_by_trying(scene, stranger):
    """By one key 200 numbers that nobody has may be asked for in an hour, and one more ends it."""
    anna = join(scene)
    number = issue(scene, anna)["number"]
    assert stranger.get(f"/members?card={number}").get_json() == {"items": []}
    guesses = [f"29{count:010}" for count in range(250)]
    own = f"phone={ANNA.replace('+', '%2B')}"
    statuses = [
        scene.shop.get(f"/members?card={one}{check_digit(one)}&{own}").status_code
        for one in guesses
    ]
    assert statuses.count(200) == 201
    assert set(statuses[201:]) == {429}
    assert scene.shop.get(f"/members?card={number}").status_code == 429
    assert scene.shop.get("/members?card=1234").status_code == 200
    assert scene.shop.get(f"/members?phone={ANNA.replace('+', '%2B')}").status_code == 200
