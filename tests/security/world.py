"""Two programmes with something to steal in each, and everybody who might try."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Engine

from hub import uploads
from hub.app import create_app
from hub.deliveries import list_deliveries
from hub.installations import create_installation
from hub.registry import registry_of
from hub.till import Till
from hub.till_words import Sale
from hub.wiring import Hub
from loyalty_core.domain.staff import Grant, Role
from loyalty_core.service import certificates, coupons, safety
from loyalty_core.service.admins import create_admin, find_admin, list_admins
from loyalty_core.service.api_keys import SCOPES, WIRE, list_keys, revoke_key
from loyalty_core.service.certificate_views import LOT
from loyalty_core.service.notes import note_id, write_note
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.shops import NewShop, create_shop
from loyalty_core.service.staff import INVITATION, invite, list_people, set_post
from loyalty_core.store.admins import Admin
from loyalty_core.store.database import read, write
from loyalty_core.store.ids import to_wire
from loyalty_kit.checkout import BasketLine
from tests.hub.api.bodies import a_basket, a_purchase
from tests.hub.api.client import Caller, new_key, new_programme
from tests.hub.web.conftest import Visitor, hashed_password
from tests.support.clock import NOON
from tests.support.hub import make_hub
from tests.support.shopfloor import SETTINGS, Remote, signed, tablo


@dataclass(frozen=True)
class World:
    """`names` are what addresses of the programme `demo` are made of."""

    hub: Hub
    all_scopes: Caller
    by_scope: dict[str, Caller]
    elsewhere: Caller
    stranger: Caller
    revoked: Caller
    names: dict[str, str]
    secrets: tuple[str, ...]

    @property
    def app(self):
        return self.all_scopes.app

    def nobody(self) -> Visitor:
        return Visitor(self.app.test_client(), "en")

    def owner(self, *, epoch: int = 0) -> Visitor:
        return self.person("owner", epoch=epoch)

    def person(self, login: str, *, epoch: int = 0) -> Visitor:
        """With the cookie that a login gives, but without the time that a password takes."""
        someone = self.nobody()
        with write(self.hub.engine) as connection:
            admin = find_admin(connection, login)
            number = self._session(connection, admin)
        with someone.client.session_transaction("/admin/login") as session:
            session.update(_user_id=f"{to_wire(safety.SESSION, number)}.{epoch}", _fresh=True)
            session.permanent = True
        keep_cookie(someone)
        return someone

    def _session(self, connection: Connection, admin: Admin) -> int:
        """The one that is open, or a new one: visits alone change no row."""
        for one in safety.list_sessions(connection, admin.id, NOON):
            return one.id
        return safety.open_session(connection, admin, browser="", address="", now=NOON)


def steal(owner: Visitor, thief: Visitor) -> None:
    """Copy the session's cookie."""
    cookie = owner.client.get_cookie("loyalty_hub", path="/admin")
    assert cookie is not None
    thief.client.set_cookie("loyalty_hub", cookie.value, path="/admin")


def keep_cookie(someone: Visitor) -> None:
    """As a browser does that pays no heed to how long a cookie may live."""
    steal(someone, someone)


def make_world(engine: Engine) -> World:
    """`elsewhere` is bound to the shop `south`, `stranger` is of the programme `other`."""
    hub = _hub(engine)
    app = create_app(hub)
    demo, other = new_programme(hub, "demo"), new_programme(hub, "other")
    with write(hub.engine) as connection:
        create_admin(connection, login="owner", password_hash=hashed_password(), now=NOON)
        create_shop(connection, demo, NewShop("south"), now=NOON)
        for role in set(Role) - {Role.OWNER}:
            _add_person(connection, role.value, demo, Grant(role))
        _add_person(connection, "neighbour", other, Grant(Role.OWNER))
        _add_person(connection, "one-more", demo, Grant(Role.VIEWER))
        invite(connection, demo, "guest", Grant(Role.VIEWER), author="test", now=NOON)
    revoked = new_key(hub, demo, name="revoked")
    with write(hub.engine) as connection:
        revoke_key(connection, demo, revoked.id, now=NOON)
        for admin in list_admins(connection):
            safety.open_session(connection, admin, browser="", address="", now=NOON)
    everything = Caller(app, new_key(hub, demo).key)
    return World(
        hub=hub,
        all_scopes=everything,
        by_scope={s: Caller(app, new_key(hub, demo, scopes=[s], name=s).key) for s in SCOPES},
        elsewhere=Caller(app, new_key(hub, demo, shops=["south"], name="south").key),
        stranger=Caller(app, new_key(hub, other).key),
        revoked=Caller(app, revoked.key),
        names=_things(hub, everything, demo),
        secrets=(SETTINGS["token"], SETTINGS["webhook_secret"]),
    )


def world_again(world: World, engine: Engine) -> World:
    """The same on a copy of its database."""
    hub = _hub(engine)
    app = create_app(hub)

    def again(caller: Caller) -> Caller:
        return Caller(app, caller.key)

    return replace(
        world,
        hub=hub,
        all_scopes=again(world.all_scopes),
        by_scope={scope: again(caller) for scope, caller in world.by_scope.items()},
        elsewhere=again(world.elsewhere),
        stranger=again(world.stranger),
        revoked=again(world.revoked),
    )


def _hub(engine: Engine) -> Hub:
    return make_hub(engine, registry=registry_of([tablo(Remote())]), quote_deadline_ms=20_000)


def _add_person(connection, login: str, programme_id: int, grant: Grant) -> None:
    create_admin(connection, login=login, password_hash=hashed_password(), now=NOON, grant=None)
    set_post(connection, login, programme_id, grant, author="test", now=NOON)


def _things(hub: Hub, caller: Caller, programme_id: int) -> dict[str, str]:
    bought = caller.post("/purchases", a_purchase(shop="main")).json
    second = caller.post("/members", {"phone": "+79161234568"}).json
    held = caller.post("/holds", a_basket(cart="c-1", shop="main")).json
    rules = caller.get("/programmes/demo/rules").json
    rules["coupons"] = [{"code": "spring", "name": "Spring", "price": "1.00"}]
    rules["certificates"] = [{"code": "gift", "name": "Gift", "top_up": True}]
    rules["personal_lists"] = [{"code": "own", "name": "Own"}]
    rules["rewards"] = {"forms": [{"code": "points", "name": "Points"}], "default": "points"}
    rules["clubs"] = [{"code": "tea", "name": "Tea"}]
    rules["segments"] = [
        {"code": "regulars", "name": "Regulars", "when": {"field": "member.age", "is": "is_known"}}
    ]
    rules["club_events"] = [
        {"code": "tasting", "name": "Tasting", "starts_at": "2026-05-01T12:00:00Z", "places": 9}
    ]
    rules["reward_catalogue"] = [
        {"code": "mug", "name": "Mug", "kind": "gift", "price": "1.00", "partner": "bakery"}
    ]
    rules["cards"] = {}
    rules["promotions"] = [
        {"id": "weekend", "name": "Weekend", "type": "percent_off", "params": {"percent": "1"}}
    ]
    draft = caller.put("/programmes/demo/rules", rules).json["draft"]
    assert caller.post("/programmes/demo/rules/publish", {"draft": draft}).status_code == 200
    waiting = caller.put("/programmes/demo/rules", {**rules, "earning": {"percent": "6"}})
    lot = {"lot": "lot", "series": "spring", "count": 1}
    (coupon,) = caller.post("/coupons/lots", lot).json["codes"]
    assert caller.put("/partners/bakery", {"shops": ["main"]}).status_code == 200
    once = {"Idempotency-Key": "k-0"}
    assert caller.post("/rewards/mug/stock", {"left": 9}, headers=once).status_code == 200
    rewards = f"/members/{bought['member']}/rewards"
    ordered = caller.post(rewards, {"reward": "mug"}, headers=once).json["order"]
    assert caller.post(f"/members/{bought['member']}/card").status_code == 201
    gifts = {"lot": "gifts", "series": "gift", "count": 1, "nominal": "100.00", "loaded": True}
    (gift,) = caller.post("/certificates/lots", gifts).json["codes"]
    shown = caller.post("/certificates/check", {"code": gift}).json
    with write(hub.engine) as connection:
        note = write_note(
            connection, programme_id, bought["member"], "Asks for tea", author="test", now=NOON
        )
        (coupon_lot,) = coupons.list_lots(connection, programme_id)
        (certificate_lot,) = certificates.list_lots(connection, programme_id)
    shop = create_installation(
        hub, programme_id=programme_id, connector="tablo", name="Tea shop", settings=SETTINGS
    )
    body = b'{"no": "1", "hint": [["order", "1"]]}'
    path = f"/hooks/{shop.id}/events"
    assert caller.app.test_client().post(path, data=body, headers=signed(body)).status_code == 200
    (delivery,) = list_deliveries(hub, installation_id=shop.id, limit=1).items
    with read(hub.engine) as connection:
        (invited,) = list_people(connection, programme_id, NOON).invitations
        key = next(one for one in list_keys(connection, programme_id) if one.name == "south")
    return {
        "promotion": "weekend",
        "part": "segments",
        "entry": "regulars",
        "ordered_part": "lanes",
        "ordered_entry": "main",
        "int(max=2147483647):version": str(waiting.json["draft"]),
        "login": "one-more",
        "token": "nobody-has-it",
        "invitation_id": to_wire(INVITATION, invited.id),
        "key_id": to_wire(WIRE, key.id),
        "code": "demo",
        "programme": "demo",
        "shop": "main",
        "connector": "tablo",
        "channel": "sms",
        "coupon": coupon,
        "coupon_lot": to_wire(coupons.LOT, coupon_lot.id),
        "certificate_lot": to_wire(LOT, certificate_lot.id),
        **{f"{kind}_file": _checked(hub, programme_id, kind) for kind in uploads.KINDS},
        "note": note_id(note),
        "purchase": bought["id"],
        "certificate": gift,
        "certificate_id": shown["id"],
        "own_list": "own",
        "club": "tea",
        "event": "tasting",
        "reward": "mug",
        "order": ordered["id"],
        "order_code": ordered["code"],
        "partner": "bakery",
        "confirmation_id": "cf_1",
        "letter": "welcome",
        "letter_channel": "email",
        "letter_locale": "ru",
        "member_id": bought["member"],
        "second": second["id"],
        "purchase_id": bought["id"],
        "hold_id": held["id"],
        "installation_id": shop.id,
        "installation": shop.id,
        "connection_id": shop.id,
        "seen_in": shop.id,
        "delivery_id": delivery.id,
        "till_receipt": _sold(hub, programme_id),
        "session_id": "se_1",
        "tongue": "en",
        "page": "members",
        "picture": "en-members.png",
        "name": "events",
    }


def _checked(hub: Hub, programme_id: int, kind: str) -> str:
    """A file of this list that waits for somebody to have it taken."""
    series = {uploads.COUPONS: "spring", uploads.CERTIFICATES: "gift"}.get(kind, "")
    asked = uploads.Asked(kind, "list.csv", {"lot": "brought", "series": series}, "admin:owner")
    text = b"code;sku;name;phone;points;receipt;bought_at;paid\nOLD-1;s;;;;;;\n"
    assert uploads.put(hub, programme_id, asked, io.BytesIO(text))
    row = uploads.claim(hub, programme_id)
    assert row is not None
    uploads.work_off(hub, row)
    return to_wire("up", row.id)


def _sold(hub: Hub, programme_id: int) -> str:
    """A receipt of the hub's own till."""
    with read(hub.engine) as connection:
        programme = get_programme(connection, "demo")
        owner = find_admin(connection, "owner")
    assert programme.id == programme_id
    till = Till(hub, programme, owner, Grant(Role.OWNER), training=False, now=NOON)
    sale = Sale("e" * 32, "main", (BasketLine("1", 1000, 100_00),))
    return till.sell(sale).purchase["id"]
