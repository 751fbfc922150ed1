"""What belongs on the shop's own side: the file, and the code by which it pairs."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from hub.installations import InstallationView, get_installation
from hub.pairing import offer_code
from hub.registry import ConnectorUnavailable
from hub.web.admin.connections import in_first_run
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext, language
from hub.web.admin.setting_forms import said
from loyalty_kit.ports import Connector

_HERE = frozenset({"127.0.0.1", "localhost", "::1"})

pages = Blueprint("companions", __name__, url_prefix="/companions")


@pages.get("/<connector>/file")
def download(connector: str) -> ResponseReturnValue:
    companion = _connector(connector).companion
    if companion is None:
        raise NotFound
    name, content = companion.build()
    answer = Response(content, mimetype="application/zip")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


@pages.post("/<connector>/code")
def offer(connector: str) -> ResponseReturnValue:
    """A code, shown this once: for a new connection, or for the one of the form."""
    found, one = _connector(connector), _known(connector)
    if found.companion is None:
        raise NotFound
    hub = the_hub()
    offered = offer_code(
        hub, programme_id=the_programme().id, connector=connector, installation=one
    )
    base = hub.config.public_url or request.host_url
    return render_template(
        "admin/pairing.html",
        offered=offered,
        address=base.rstrip("/"),
        local=urlsplit(base).hostname in _HERE,
        connector_title=said(found.manifest.title, language()),
        back=url_for("admin.connections.show", installation_id=one.id)
        if one
        else url_for(
            "admin.connections.new",
            connector=connector,
            first_run="yes" if in_first_run() else None,
        ),
        back_title=one.name if one else gettext("Connect a shop"),
        first_run=in_first_run(),
    )


def _connector(code: str) -> Connector:
    try:
        return the_hub().registry.get(code)
    except ConnectorUnavailable:
        raise NotFound from None


def _known(connector: str) -> InstallationView | None:
    number = request.form.get("installation")
    if not number:
        return None
    one = get_installation(the_hub(), number)
    if (one.programme_id, one.connector) != (the_programme().id, connector):
        raise NotFound
    return one
