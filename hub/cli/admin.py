"""`admin`: accounts of the console."""

from __future__ import annotations

import click

from hub.cli.output import json_option, print_row, print_rows
from hub.cli.place import open_hub
from hub.passwords import hash_password, one_time_password
from loyalty_core.service.admins import create_admin, list_admins, reset_password
from loyalty_core.store.database import read, transact


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
        lambda connection: reset_password(connection, login=login, password_hash=hashed),
    )
    _print_account(changed.login, None if password else chosen, as_json)


@admin.command("list")
@json_option
def show(as_json: bool) -> None:
    """List the accounts."""
    hub = open_hub()
    with read(hub.engine) as connection:
        rows = [
            {"login": account.login, "language": account.locale or None}
            for account in list_admins(connection)
        ]
    print_rows(rows, as_json, none="No accounts.  Make one: loyalty-hub admin create LOGIN")


def _print_account(login: str, password: str | None, as_json: bool) -> None:
    account = {"login": login}
    if password is not None:
        account["password"] = password
    print_row(account, as_json)
