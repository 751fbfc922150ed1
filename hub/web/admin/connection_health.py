"""The health of a connection: what the hub knows at once, the shop's side when it has answered."""

from __future__ import annotations

import json

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.connections import advice, shop
from hub.connections.counters import counters_of
from hub.connections.diagnostics import diagnostics
from hub.connections.health import Health, health_of, what_to_do
from hub.connections.shop import ShopSide
from hub.installations import installation_row
from hub.web.admin import words
from hub.web.admin.authors import author
from hub.web.admin.connections import own_connection, pages
from hub.web.admin.context import the_hub
from hub.web.admin.languages import gettext, language
from loyalty_core.domain.errors import NotAvailable
from loyalty_kit.errors import ConnectorError

__all__ = ["pages"]  # those of connections, with the routes of this module


@pages.get("/<installation_id>/health", endpoint="health")
def show(installation_id: str) -> ResponseReturnValue:
    """With `shop` in the query the shop is asked before the page is shown: without a script."""
    health = health_of(the_hub(), own_connection(installation_id))
    asked = "shop" in request.args
    side = shop.look(the_hub(), installation_row(the_hub(), health.view.id)) if asked else None
    return render_template("admin/connection_health.html", **_shown(health, side))


@pages.get("/<installation_id>/health/shop", endpoint="shop_side")
def shop_side(installation_id: str) -> ResponseReturnValue:
    """The fragment that the page asks for: what is to be done, and the shop's side."""
    health = health_of(the_hub(), own_connection(installation_id))
    side = shop.look(the_hub(), installation_row(the_hub(), health.view.id))
    return render_template("admin/connection_shop.html", **_shown(health, side))


def _shown(health: Health, side: ShopSide | None) -> dict[str, object]:
    return {
        "one": health.view,
        "health": health,
        "counters": counters_of(the_hub(), health.view),
        "side": side,
        "advice": [(code, advice.sentence(code, language())) for code in what_to_do(health, side)],
        "words": words,
    }


@pages.post("/<installation_id>/health/webhooks", endpoint="mend_webhooks")
def mend(installation_id: str) -> ResponseReturnValue:
    """Make the shop's webhooks as they should be."""
    one = own_connection(installation_id)
    try:
        shop.mend(the_hub(), installation_row(the_hub(), one.id), author=author())
    except ConnectorError as error:
        told = f"{words.trouble(error.code)}: {error}"
        flash(gettext("The webhooks were not mended. %(reason)s", reason=told), "danger")
    except NotAvailable:
        flash(gettext("This connector cannot mend the shop's webhooks."), "danger")
    else:
        flash(gettext("The shop's webhooks are there and on."), "success")
    return redirect(url_for(".health", installation_id=one.id))


@pages.get("/<installation_id>/health/diagnostics", endpoint="diagnostics")
def download(installation_id: str) -> ResponseReturnValue:
    """A file for whoever helps."""
    health = health_of(the_hub(), own_connection(installation_id))
    side = shop.look(the_hub(), installation_row(the_hub(), health.view.id))
    told = diagnostics(the_hub(), health, side)
    answer = Response(json.dumps(told, ensure_ascii=False, indent=2), mimetype="application/json")
    name = f"connection-{health.view.connector}-{health.looked_at:%Y-%m-%d}.json"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
