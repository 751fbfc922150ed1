"""The programme over HTTP: rules by drafts and versions, shops, catalogue."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from tests.hub.api.bodies import a_basket, a_line
from tests.hub.api.client import code_of

RULES = "/programmes/shop/rules"


def test_the_keys_own_programme(shop, stranger):
    assert shop.get("/programmes").get_json() == {
        "items": [
            {
                "code": "shop",
                "name": "shop",
                "currency": "RUB",
                "timezone": "Europe/Moscow",
                "rules_version": 1,
            }
        ]
    }


def test_rules_change_by_draft_check_and_publication(shop):
    rules = shop.get(RULES).get_json()
    wanted = {**rules, "earning": {**rules["earning"], "percent": "10"}}

    assert shop.post(f"{RULES}/check", wanted).get_json() == {"valid": True, "errors": {}}
    drafted = shop.put(RULES, wanted)
    assert (drafted.status_code, drafted.get_json()) == (201, {"draft": 2})
    assert shop.get(RULES).get_json() == rules, "a draft changes nothing"
    assert shop.post("/quotes", a_basket()).get_json()["rules_version"] == 1

    published = shop.post(f"{RULES}/publish", {"draft": 2})

    assert published.get_json() == {"version": 2}
    assert shop.get(RULES).get_json() == wanted
    assert shop.get(f"{RULES}?version=1").get_json() == rules
    quote = shop.post("/quotes", a_basket(member={"phone": "+79161234567"})).get_json()
    assert quote["rules_version"] == 2
    versions = shop.get(f"{RULES}/versions").get_json()["items"]
    assert [(told["version"], told["state"]) for told in versions] == [
        (2, "published"),
        (1, "published"),
    ]
    assert versions[0]["author"] == "key:till"


def test_wrong_rules_are_named_by_path(shop):
    rules = shop.get(RULES).get_json()
    wrong = {**rules, "earning": {**rules["earning"], "percent": "-1"}}

    checked = shop.post(f"{RULES}/check", wrong)
    refused = shop.put(RULES, wrong)

    assert checked.status_code == 200
    assert checked.get_json()["valid"] is False
    assert list(checked.get_json()["errors"]) == ["earning.percent"]
    assert code_of(refused) == (422, "rules_invalid")
    assert list(refused.get_json()["errors"]) == ["earning.percent"]
    assert code_of(shop.put(RULES, [1])) == (422, "validation_failed")
    assert code_of(shop.post(f"{RULES}/publish", {"draft": 9})) == (404, "version_not_found")
    assert code_of(shop.get(f"{RULES}?version=9")) == (404, "version_not_found")
    assert shop.get(f"{RULES}?version=x").status_code == 422


def test_the_published_schema_knows_the_published_rules(app, shop):
    schema = app.test_client().get("/api/v1/rules.schema.json")

    assert schema.status_code == 200
    Draft202012Validator.check_schema(schema.get_json())
    Draft202012Validator(schema.get_json()).validate(shop.get(RULES).get_json())


def test_shops(shop):
    made = shop.post(
        "/programmes/shop/shops",
        {"code": "North", "name": "Север", "timezone": "Asia/Omsk", "vendor": {"till": "7"}},
    )

    assert made.status_code == 201
    assert made.get_json() == {
        "code": "north",
        "name": "Север",
        "timezone": "Asia/Omsk",
        "vendor": {"till": "7"},
    }
    assert shop.post("/quotes", a_basket(shop="north")).status_code == 200
    changed = shop.patch("/programmes/shop/shops/north", {"timezone": None}).get_json()
    assert changed == {**made.get_json(), "timezone": None}
    listed = shop.get("/programmes/shop/shops").get_json()["items"]
    assert [told["code"] for told in listed] == ["main", "north"]
    taken = shop.post("/programmes/shop/shops", {"code": "NORTH"})
    assert taken.get_json()["errors"] == {"code": ["Is taken."]}
    moon = shop.patch("/programmes/shop/shops/north", {"timezone": "Moon/Sea"})
    assert list(moon.get_json()["errors"]) == ["timezone"]
    assert code_of(shop.patch("/programmes/shop/shops/south", {})) == (404, "shop_not_found")


def test_the_catalogue_comes_in_bulk(shop):
    tea = {"code": "tea", "name": "Чай"}
    green = {"code": "green", "name": "Зелёный чай", "parent": "tea"}
    product = {
        "sku": "TEA-1",
        "name": "Сенча",
        "price": "199.00",
        "categories": ["green"],
        "brand": "Gold",
        "attributes": ["new"],
        "class": "general",
    }

    saved = shop.post("/programmes/shop/categories", {"items": [green, tea]})
    assert saved.get_json() == {"saved": 2}
    for _ in range(2):
        told = {"items": [product, {"sku": "CUP", "name": "Чашка"}]}
        assert shop.post("/programmes/shop/products", told).get_json() == {"saved": 2}

    first = shop.get("/programmes/shop/products?limit=1").get_json()
    second = shop.get(f"/programmes/shop/products?limit=1&cursor={first['next_cursor']}").get_json()
    assert first["items"][0]["sku"] == "CUP"
    assert second == {"items": [product], "next_cursor": None}
    assert shop.get("/programmes/shop/categories").get_json() == {"items": [green, tea]}
    wrong = shop.post("/programmes/shop/products", {"items": [{"sku": "X", "price": "-1"}]})
    assert sorted(wrong.get_json()["errors"]) == ["items.0.name", "items.0.price"]
    assert shop.post("/quotes", a_basket(lines=[a_line(sku="TEA-1")])).status_code == 200
