"""`rules`: the rule set of a programme, one document with versions."""

from __future__ import annotations

import json
import sys
from typing import IO, Any

import click
from sqlalchemy import Connection

from hub.cli.output import json_option, print_json, print_row, print_rows
from hub.cli.place import chosen_programme, open_hub, programme_option
from loyalty_core.domain.rules import rules_schema
from loyalty_core.service.programmes import (
    check_rules,
    draft_rules,
    get_rules,
    list_rules_versions,
    publish_rules,
)
from loyalty_core.store.database import read, transact

AUTHOR = "command line"


@click.group()
def rules() -> None:
    """The rules of a programme: one document with versions."""


@rules.command()
@programme_option
@click.option("--version", type=click.IntRange(1), help="Left out, the one in force.")
@click.option("--json", is_flag=True, expose_value=False, help="It is JSON in any case.")
def show(code: str | None, version: int | None) -> None:
    """Print a version of the document, as JSON."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        print_json(dict(get_rules(connection, programme.id, version)))


@rules.command()
@programme_option
@json_option
def versions(code: str | None, as_json: bool) -> None:
    """List the versions, drafts too."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        rows = [
            {
                "version": each.version,
                "state": each.state,
                "author": each.author,
                "created_at": each.created_at,
                "published_at": each.published_at,
                "in_force": each.version == programme.rules_version,
            }
            for each in list_rules_versions(connection, programme.id)
        ]
    print_rows(rows, as_json, none="No versions.")


@rules.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@json_option
def check(file: IO[str], as_json: bool) -> None:
    """Say what is wrong with the document in FILE (- for standard input); exits with 1 if any."""
    errors = check_rules(_document(file))
    if as_json:
        print_json({"errors": errors})
    elif not errors:
        click.echo("The document can be published.")
    if errors:
        for path, messages in errors.items():
            click.echo(f"{path or 'document'}: {' '.join(messages)}", err=True)
        sys.exit(1)


@rules.command()
@click.argument("file", type=click.File(encoding="utf-8"), required=False)
@programme_option
@click.option("--version", type=click.IntRange(1), help="A version that is there already.")
@json_option
def publish(file: IO[str] | None, code: str | None, version: int | None, as_json: bool) -> None:
    """Put the document in FILE, or a --version, in force from now on."""
    if (file is None) == (version is None):
        raise click.UsageError("Give either a FILE or a --version.")
    document = {} if file is None else _document(file)
    hub = open_hub()
    programme = chosen_programme(hub, code)
    now = hub.clock.now()

    def work(connection: Connection) -> int:
        wanted = version or draft_rules(connection, programme.id, document, author=AUTHOR, now=now)
        return publish_rules(connection, programme.id, wanted, author=AUTHOR, now=now)

    print_row({"programme": programme.code, "version": transact(hub.engine, work)}, as_json)


@rules.command()
def schema() -> None:
    """Print the JSON Schema of the document."""
    print_json(rules_schema())


def _document(file: IO[str]) -> dict[str, Any]:
    try:
        document = json.load(file)
    except ValueError as error:
        raise click.ClickException(f"{file.name} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise click.ClickException(f"{file.name} holds no JSON object.")
    return document
