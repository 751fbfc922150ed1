"""`rules`: the rule set of a programme, one document with versions."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import click
from sqlalchemy import Connection

from hub.cli.options import VERSION
from hub.cli.output import json_option, print_json, print_row, print_rows
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.cli.simulation import simulate
from hub.clock import SystemClock
from loyalty_core.domain.rules import rules_schema
from loyalty_core.domain.templates import templates, with_template
from loyalty_core.service.programmes import (
    check_rules,
    draft_rules,
    get_rules,
    list_rules_versions,
    publish_rules,
    take_back_rules,
)
from loyalty_core.service.rule_words import compare_rules
from loyalty_core.store.database import read, transact
from loyalty_kit.json_text import read_json

AUTHOR = "command line"


def _named(_context: click.Context, _option: click.Parameter, name: str | None) -> str:
    return f"{AUTHOR}: {name.strip()}" if name and name.strip() else AUTHOR


author_option = click.option(
    "--author",
    metavar="NAME",
    callback=_named,
    help="Who does it, for the log of versions; asked of two where rules need a second person.",
)


@click.group()
def rules() -> None:
    """The rules of a programme: one document with versions."""


@rules.command()
@programme_option
@click.option("--version", type=VERSION, help="Left out, the one in force.")
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
                "published_by": each.published_by,
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
@click.argument("file", type=click.File(encoding="utf-8"))
@programme_option
@author_option
@json_option
def draft(file: IO[str], code: str | None, author: str, as_json: bool) -> None:
    """Keep the document in FILE as a draft; nothing changes until it is published."""
    document = _document(file)
    hub = open_hub()
    programme = chosen_programme(hub, code)
    now = hub.clock.now()
    number = transact(
        hub.engine,
        lambda connection: draft_rules(connection, programme.id, document, author=author, now=now),
    )
    print_row({"programme": programme.code, "draft": number}, as_json)


@rules.command()
@programme_option
@click.option("--from", "was", type=VERSION, help="Left out, the version in force.")
@click.option("--to", "now", type=VERSION, help="Left out, the newest, draft or not.")
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
@json_option
def diff(code: str | None, was: int | None, now: int | None, language: str, as_json: bool) -> None:
    """Say in words what differs between two versions or drafts."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        found = compare_rules(connection, programme.id, was, now, locale=language)
    if as_json:
        changes = [asdict(change) for change in found.changes]
        print_json({"from": found.was, "to": found.now, "changes": changes})
        return
    for change in found.changes:
        click.echo(change.text)
    if not found.changes:
        click.echo(f"Versions {found.was} and {found.now} mean the same.", err=True)


@rules.command()
@click.argument("file", type=click.File(encoding="utf-8"), required=False)
@programme_option
@click.option("--version", type=VERSION, help="A draft that is there already.")
@author_option
@json_option
def publish(
    file: IO[str] | None, code: str | None, version: int | None, author: str, as_json: bool
) -> None:
    """Put the document in FILE, or the draft --version, in force from now on."""
    if (file is None) == (version is None):
        raise click.UsageError("Give either a FILE or a --version.")
    document = {} if file is None else _document(file)
    hub = open_hub()
    programme = chosen_programme(hub, code)
    now = hub.clock.now()

    def work(connection: Connection) -> int:
        wanted = version or draft_rules(connection, programme.id, document, author=author, now=now)
        return publish_rules(connection, programme.id, wanted, author=author, now=now)

    print_row({"programme": programme.code, "version": transact(hub.engine, work)}, as_json)


@rules.command("take-back")
@click.argument("version", type=VERSION)
@programme_option
@author_option
@json_option
def take_back(version: int, code: str | None, author: str, as_json: bool) -> None:
    """Put what an older VERSION says in force again, as a new version."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    now = hub.clock.now()
    taken = transact(
        hub.engine,
        lambda connection: take_back_rules(
            connection, programme.id, version, author=author, now=now
        ),
    )
    came = "version" if taken.in_force else "draft"
    print_row({"programme": programme.code, came: taken.version}, as_json)
    if not taken.in_force:
        click.echo("It needs a second person: let somebody else publish the draft.", err=True)


@rules.command()
def schema() -> None:
    """Print the JSON Schema of the document."""
    print_json(rules_schema())


@rules.command("templates")
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
@json_option
def list_templates(language: str, as_json: bool) -> None:
    """List ready promotions and calendars; `rules template` puts one into a document."""
    rows = [
        {"code": one.code, "title": one.title[language], "about": one.about[language]}
        for one in templates(SystemClock().now().date())
    ]
    print_rows(rows, as_json, none="No templates.")


@rules.command()
@click.argument("code")
@click.option(
    "--into",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A document, as `rules show` prints it; it is written anew with the template in it.",
)
@click.option("--json", is_flag=True, expose_value=False, help="It is JSON in any case.")
def template(code: str, file: Path | None) -> None:
    """Print the template CODE, or put it into a document; its promotion is switched off."""
    found = {one.code: one for one in templates(SystemClock().now().date())}.get(code)
    if found is None:
        raise click.ClickException(f"No template {code}; `loyalty-hub rules templates` lists them.")
    if file is None:
        print_json(found.part)
        return
    with file.open(encoding="utf-8") as opened:
        document = with_template(_document(opened), found)
    errors = check_rules(document)
    if errors:
        path, messages = next(iter(errors.items()))
        raise click.ClickException(f"Nothing written: {path or 'document'}: {' '.join(messages)}")
    written = file.with_name(f".{file.name}.part")
    written.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    written.replace(file)
    click.echo(f"{file}: {code} is in it. Fill it in, then switch it on with enabled.", err=True)


rules.add_command(simulate)


def _document(file: IO[str]) -> dict[str, Any]:
    try:
        document = read_json(file.read().encode())
    except ValueError as error:
        raise click.ClickException(f"{file.name} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise click.ClickException(f"{file.name} holds no JSON object.")
    return document
