"""A shop of django-oscar that prices baskets: run by the Python that has it, not by ours.

Reads a line of JSON with the goods, the offers and the baskets, and answers with the totals;
then a line with `seconds` for each measurement, and answers with how many baskets it priced.
See `bench/oscar.py` for the other side.  Models are imported late: Django must be set up first.
"""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal
from itertools import cycle

import django
import oscar
from django.conf import settings
from oscar import defaults


def configure():
    """In memory: no query waits for a server, a disk or a commit."""
    own = {name: getattr(defaults, name) for name in dir(defaults) if name.isupper()}
    settings.configure(
        **own
        | {
            "DEBUG": False,
            "SECRET_KEY": "bench",
            "SITE_ID": 1,
            "USE_TZ": True,
            "INSTALLED_APPS": oscar.INSTALLED_APPS,
            "OSCAR_DEFAULT_CURRENCY": "RUB",
            "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
            "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            "HAYSTACK_CONNECTIONS": {
                "default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}
            },
        }
    )
    django.setup()


def make_tables():
    """From the models, without the history of its migrations, which ends at the same."""
    from django.apps import apps
    from django.core.management import call_command

    settings.MIGRATION_MODULES = {app.label: None for app in apps.get_app_configs()}
    call_command("migrate", run_syncdb=True, verbosity=0)


def fill(shop):
    """The goods, the offers and the baskets; the ids of the baskets, in their order."""
    from oscar.apps.partner.strategy import Selector
    from oscar.core.loading import get_model

    products = make_products(shop)
    make_offers(shop, products)
    strategy, numbers = Selector().strategy(), []
    for lines in shop["baskets"]:
        basket = get_model("basket", "Basket").objects.create()
        basket.strategy = strategy
        for line in lines:
            basket.add_product(products[line["sku"]], line["quantity"])
        numbers.append(basket.pk)
    return numbers


def make_products(shop):
    from oscar.core.loading import get_model

    category = get_model("catalogue", "Category")
    names = sorted({one["category"] for one in shop["products"]})
    categories = {name: category.add_root(name=name) for name in names}
    kind = get_model("catalogue", "ProductClass").objects.create(name="goods", track_stock=False)
    partner = get_model("partner", "Partner").objects.create(name="bench")
    made = {}
    for one in shop["products"]:
        product = get_model("catalogue", "Product").objects.create(
            title=one["sku"], upc=one["sku"], product_class=kind
        )
        product.categories.add(categories[one["category"]])
        get_model("partner", "StockRecord").objects.create(
            product=product,
            partner=partner,
            partner_sku=one["sku"],
            price_currency="RUB",
            price=Decimal(one["price"]),
        )
        made[one["sku"]] = product
    return made


def make_offers(shop, products):
    """Percent off the goods of a range, once a basket.

    Told "once", it does not try each offer that applied again.  A range that lists its goods
    is looked at faster than one of categories.
    """
    from oscar.core.loading import get_model

    for offer in shop["offers"]:
        goods = get_model("offer", "Range").objects.create(name=offer["id"])
        for sku in offer["skus"]:
            goods.add_product(products[sku])
        get_model("offer", "ConditionalOffer").objects.create(
            name=offer["id"],
            condition=get_model("offer", "Condition").objects.create(
                range=goods, type="Count", value=1
            ),
            benefit=get_model("offer", "Benefit").objects.create(
                range=goods, type="Percentage", value=Decimal(offer["percent"])
            ),
            max_basket_applications=1,
        )


def pricer():
    """What its middleware does for a basket of a buyer who has not logged in."""
    from oscar.apps.offer.applicator import Applicator
    from oscar.apps.partner.strategy import Selector
    from oscar.core.loading import get_model

    baskets, selector = get_model("basket", "Basket").objects, Selector()

    def price(number):
        basket = baskets.get(pk=number)
        basket.strategy = selector.strategy()
        Applicator().apply(basket, None, None)
        return basket

    return price


def total_of(basket):
    return {
        "payable": str(basket.total_incl_tax),
        "discounts": {one["name"]: str(one["discount"]) for one in basket.offer_discounts},
    }


def main():
    shop = json.loads(sys.stdin.readline())
    configure()
    make_tables()
    numbers, price = fill(shop), pricer()
    versions = f"django-oscar {oscar.get_version()}, Django {django.__version__}, SQLite in memory"
    tell({"versions": versions, "totals": [total_of(price(number)) for number in numbers]})
    turns = cycle(numbers)
    for line in sys.stdin:
        seconds, began, count = json.loads(line)["seconds"], time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            total_of(price(next(turns)))
            count += 1
        tell({"baskets": count, "seconds": time.perf_counter() - began})


def tell(what):
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
