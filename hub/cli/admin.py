"""`admin`: accounts of the console."""

from __future__ import annotations

import click

from hub.cli.output import json_option, print_row, print_rows
from hub.cli.place import chosen_programme, open_hub
from hub.passwords import hash_password, one_time_password
from loyalty_core.domain.staff import Grant, Role
from loyalty_core.service.admins import create_admin, list_admins, reset_password
from loyalty_core.service.programmes import list_programmes
from loyalty_core.service.safety import drop_second_factor
from loyalty_core.service.staff import posts_of, remove_post, set_post
from loyalty_core.store.audit import COMMAND_LINE
from loyalty_core.store.database import read, transact
from loyalty_core.store.programmes import fold
from loyalty_kit.money import HUNDREDTHS, parse_decimal


@click.group()
def admin() -> None:
    """Accounts of the console."""


@admin.command()
@click.argument("login")
@click.option(
    "--password",
    envvar="HUB_ADMIN_PASSWORD",
    show_envvar=True,
    help="Left out, one is made and printed once.",
)
@json_option
def create(login: str, password: str | None, as_json: bool) -> None:
    """Make an account with this LOGIN."""
    hub = open_hub()
    chosen = password or one_time_password()
    hashed = hash_password(chosen)
    made = transact(
        hub.engine,
        lambda connection: create_admin(
            connection, login=login, password_hash=hashed, now=hub.clock.now()
        ),
    )
    _print_account(made.login, None if password else chosen, as_json)


@admin.command("reset-password")
@click.argument("login")
@click.option("--password", help="Left out, one is made and printed once.")
@json_option
def reset(login: str, password: str | None, as_json: bool) -> None:
    """Give the account another password; its open sessions end."""
    hub = open_hub()
    chosen = password or one_time_password()
    hashed = hash_password(chosen)
    changed = transact(
        hub.engine,
        lambda connection: reset_password(
            connection, login=login, password_hash=hashed, now=hub.clock.now()
        ),
    )
    _print_account(changed.login, None if password else chosen, as_json)


@admin.command("drop-second-factor")
@click.argument("login")
def drop_factor(login: str) -> None:
    """Let the person with this LOGIN in by the password alone, as the phone is lost.

    Open sessions of the account end, as whoever has the phone may be in one.
    """
    hub = open_hub()
    transact(
        hub.engine,
        lambda connection: drop_second_factor(
            connection, login, author=COMMAND_LINE, now=hub.clock.now()
        ),
    )


@admin.command("list")
@json_option
def show(as_json: bool) -> None:
    """List the accounts, and what each is in which programme."""
    hub = open_hub()
    with read(hub.engine) as connection:
        codes = {one.id: one.code for one in list_programmes(connection)}
        rows = [
            {
                "login": account.login,
                "language": account.locale or None,
                "roles": ", ".join(
                    f"{post.grant.role.value} of {codes.get(post.programme_id or 0, 'all')}"
                    for post in posts_of(connection, account.id)
                ),
            }
            for account in list_admins(connection)
        ]
    print_rows(rows, as_json, none="No accounts.  Make one: loyalty-hub admin create LOGIN")


@admin.command()
@click.argument("login")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--programme", "code", help="Code of the programme; left out, all of them.")
@click.option("--day-points", help="Points that the person may give by hand in a day.")
@click.option("--shop", "shops", multiple=True, help="Of a cashier: sells there alone.")
def grant(
    login: str, role: str, code: str | None, day_points: str | None, shops: tuple[str, ...]
) -> None:
    """Make the person with this LOGIN something in a programme, or in all."""
    hub = open_hub()
    programme_id = None if code is None else chosen_programme(hub, code).id
    most = None if day_points is None else _points(day_points)
    given = Grant(Role(role), most, tuple(fold(one) for one in shops) or None)
    transact(
        hub.engine,
        lambda connection: set_post(
            connection, login, programme_id, given, author=COMMAND_LINE, now=hub.clock.now()
        ),
    )


@admin.command()
@click.argument("login")
@click.option("--programme", "code", help="Code of the programme; left out, the role in all.")
def withdraw(login: str, code: str | None) -> None:
    """Take a role from the person with this LOGIN; the account stays."""
    hub = open_hub()
    programme_id = None if code is None else chosen_programme(hub, code).id
    transact(
        hub.engine,
        lambda connection: remove_post(
            connection, login, programme_id, author=COMMAND_LINE, now=hub.clock.now()
        ),
    )


def _points(text: str) -> int:
    try:
        points = parse_decimal(text, HUNDREDTHS)
    except ValueError:
        points = -1
    if points < 0:
        raise click.UsageError("--day-points is a number of points, as 500 or 12.50.")
    return points


def _print_account(login: str, password: str | None, as_json: bool) -> None:
    account = {"login": login}
    if password is not None:
        account["password"] = password
    print_row(account, as_json)
