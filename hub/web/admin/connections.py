"""Connections: choose a connector, fill its form, test it, watch its deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from werkzeug.exceptions import BadRequest, NotFound

from hub.deliveries import DeliveryView, list_deliveries
from hub.installations import (
    NAME_TAKEN,
    InstallationView,
    check_installation,
    create_installation,
    get_installation,
    list_installations,
    set_state,
    show_balances,
    update_settings,
)
from hub.outbox.coupons import series_of
from hub.registry import ConnectorUnavailable, EntryState
from hub.web.admin import words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext, language
from hub.web.admin.setting_forms import Errors, as_texts, draw, read_form, said, shown
from loyalty_core.domain.errors import InvalidInput
from loyalty_kit.errors import ConnectorError
from loyalty_kit.manifest import Capability, Manifest
from loyalty_kit.settings import secret_names

_LAST = 10
_NAME = "_name"
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})

pages = Blueprint("connections", __name__, url_prefix="/connections")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a test found; no code means that it works."""

    code: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A connector that can be chosen, in the person's language.

    `carries_messages`: it brings letters to members, and no sales.
    """

    code: str
    title: str
    summary: str
    capabilities: list[str]
    carries_messages: bool


@pages.get("/")
def index() -> ResponseReturnValue:
    titles = {code: _title(one.manifest) for code, one in the_hub().registry.ready().items()}
    return render_template(
        "admin/connections.html",
        installations=list_installations(the_hub(), the_programme().id),
        titles=titles,
        words=words,
    )


@pages.get("/new")
def choose() -> ResponseReturnValue:
    """Which connector; those that cannot be used are listed with the reason."""
    entries = the_hub().registry.entries
    others = [entry for entry in entries if entry.state is not EntryState.READY]
    return render_template("admin/connection_choose.html", ready=offers(), others=others)


def offers() -> list[Offer]:
    """The connectors that can be used."""
    return [_offer(connector.manifest) for connector in the_hub().registry.ready().values()]


def _offer(manifest: Manifest) -> Offer:
    carries_messages = Capability.MESSAGE in manifest.capabilities
    known = words.CAPABILITY | (words.GATEWAY_CAPABILITY if carries_messages else {})
    capabilities = [
        str(known[code]) for code in Capability if code in manifest.capabilities and known[code]
    ]
    summary = said(manifest.summary, language())
    return Offer(manifest.code, _title(manifest), summary, capabilities, carries_messages)


@pages.route("/new/<connector>", methods=["GET", "POST"])
def new(connector: str) -> ResponseReturnValue:
    manifest = _manifest(connector)
    form = Form(gettext("Connect %(connector)s", connector=_title(manifest)), _title(manifest))
    if request.method == "GET":
        return _form_page(manifest, form)
    form = form.typed_again(manifest)
    try:
        made = create_installation(
            the_hub(),
            programme_id=the_programme().id,
            connector=connector,
            name=form.name,
            settings=form.values,
            author=author(),
        )
    except (ValidationError, InvalidInput) as error:
        return _form_page(manifest, replace(form, errors=_by_field(error)))
    if in_first_run():
        flash(
            gettext("Saved. Its test and its address for webhooks are on its own page."), "success"
        )
        return redirect(url_for("admin.first_run.attempt"))
    return _saved(made)


@pages.route("/<installation_id>/settings", methods=["GET", "POST"])
def edit(installation_id: str) -> ResponseReturnValue:
    """Change settings; a secret that is left empty stays as it is."""
    one = own_connection(installation_id)
    manifest = _manifest(one.connector)
    title = gettext("Settings of %(connection)s", connection=one.name)
    form = Form(title, one.name, values=as_texts(one.settings), installation=one)
    if request.method == "GET":
        return _form_page(manifest, form)
    form = form.typed_again(manifest)
    try:
        changed = update_settings(the_hub(), one.id, form.values, name=form.name, author=author())
    except (ValidationError, InvalidInput) as error:
        return _form_page(manifest, replace(form, errors=_by_field(error)))
    return _saved(changed)


@dataclass(frozen=True, slots=True)
class Form:
    """A connection's form: what stands in it, and what is wrong with that."""

    title: str
    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Errors = field(default_factory=dict)
    installation: InstallationView | None = None

    def typed_again(self, manifest: Manifest) -> Form:
        """The same form as the person sent it."""
        values = read_form(manifest.settings_schema, request.form)
        return replace(self, name=request.form.get(_NAME, "").strip(), values=values)


def _form_page(manifest: Manifest, form: Form) -> ResponseReturnValue:
    one, schema = form.installation, manifest.settings_schema
    secrets = secret_names(schema) if one else frozenset()
    page = render_template(
        "admin/connection_form.html",
        form=form,
        pairs=None if one or Capability.COMPANION not in manifest.capabilities else manifest.code,
        back=url_for(".show", installation_id=one.id) if one else way_back(),
        back_title=one.name if one else gettext("Connect a shop"),
        first_run=in_first_run(),
        name_errors=[_name_trouble(text) for text in form.errors.get("name", ())],
        fields=draw(
            schema,
            form.values,
            errors=form.errors,
            language=language(),
            stored=frozenset(name for name in secrets if one and one.settings.get(name)),
        ),
    )
    return page, 422 if form.errors else 200


def in_first_run() -> bool:
    """Whether the wizard of the first run leads here, and is to be come back to."""
    return "first_run" in request.args


def way_back() -> str:
    """Where a connector was chosen."""
    return url_for("admin.first_run.connect" if in_first_run() else "admin.connections.choose")


def _name_trouble(text: str) -> str:
    return (
        gettext("There is a connection of this name.")
        if text == NAME_TAKEN
        else gettext("Give it a name.")
    )


def _saved(one: InstallationView) -> ResponseReturnValue:
    flash(gettext("Saved. Now test the connection."), "success")
    return redirect(url_for(".show", installation_id=one.id))


@pages.get("/<installation_id>")
def show(installation_id: str) -> ResponseReturnValue:
    return _show_page(own_connection(installation_id), None)


def _show_page(one: InstallationView, checked: Checked | None) -> ResponseReturnValue:
    base = the_hub().config.public_url or request.host_url
    manifest = _manifest_or_none(one.connector)
    return render_template(
        "admin/connection.html",
        one=one,
        connector_title=_title(manifest) if manifest else one.connector,
        hooks=[(name, base.rstrip("/") + path) for name, path in one.hooks.items()],
        local=urlsplit(base).hostname in _HERE,
        settings=shown(manifest.settings_schema, one.settings, language()) if manifest else [],
        pairs=manifest is not None and Capability.COMPANION in manifest.capabilities,
        testable=manifest is not None and Capability.CHECK in manifest.capabilities,
        checked=checked,
        deliveries=_last(one),
        series=series_of(the_hub(), one.programme_id) if one.makes_coupons else [],
        words=words,
    )


@pages.get("/<installation_id>/last-deliveries")
def last_deliveries(installation_id: str) -> ResponseReturnValue:
    """The fragment that the page asks for again and again."""
    deliveries = _last(own_connection(installation_id))
    return render_template("admin/deliveries_last.html", deliveries=deliveries, words=words)


@pages.post("/<installation_id>/check")
def check(installation_id: str) -> ResponseReturnValue:
    """Call the shop now; the answer is a fragment, or the page where there is no script."""
    one = own_connection(installation_id)
    try:
        check_installation(the_hub(), one.id)
        checked = Checked()
    except ConnectorError as error:
        checked = Checked(error.code, str(error))
    if "HX-Request" in request.headers:
        return render_template("admin/connection_check.html", checked=checked, words=words)
    return _show_page(own_connection(installation_id), checked)


@pages.post("/<installation_id>/state")
def change_state(installation_id: str) -> ResponseReturnValue:
    wanted = request.form.get("state")
    if wanted not in ("active", "paused"):
        raise BadRequest
    one = own_connection(installation_id)
    set_state(the_hub(), one.id, wanted, author=author())
    paused = gettext("Paused. What the shop sends is kept and booked after you resume.")
    flash(paused if wanted == "paused" else gettext("Resumed."), "success")
    return redirect(url_for(".show", installation_id=one.id))


@pages.post("/<installation_id>/balances")
def change_balances(installation_id: str) -> ResponseReturnValue:
    """Show members their balances in this shop, or stop that."""
    wanted = request.form.get("balances")
    if wanted not in ("on", "off"):
        raise BadRequest
    one = own_connection(installation_id)
    show_balances(the_hub(), one.id, wanted == "on", author=author())
    shown_now = gettext("The shop is being told of the balances of all its members.")
    hidden = gettext("The shop is told of no balances any more. What it shows already stays.")
    flash(shown_now if wanted == "on" else hidden, "success")
    return redirect(url_for(".show", installation_id=one.id))


def own_connection(installation_id: str) -> InstallationView:
    """Raises: NotFound for one of another programme too."""
    one = get_installation(the_hub(), installation_id)
    if one.programme_id != the_programme().id:
        raise NotFound
    return one


def _last(one: InstallationView) -> list[DeliveryView]:
    return list_deliveries(the_hub(), installation_id=one.id, limit=_LAST).items


def _manifest(code: str) -> Manifest:
    manifest = _manifest_or_none(code)
    if manifest is None:
        raise NotFound
    return manifest


def _manifest_or_none(code: str) -> Manifest | None:
    try:
        return the_hub().registry.get(code).manifest
    except ConnectorUnavailable:
        return None


def _title(manifest: Manifest) -> str:
    return said(manifest.title, language()) or manifest.code


def _by_field(error: ValidationError | InvalidInput) -> Errors:
    """Messages, each list by the name of its field."""
    messages = error.errors if isinstance(error, InvalidInput) else error.messages_dict
    return {str(name): [str(text) for text in texts] for name, texts in messages.items()}
