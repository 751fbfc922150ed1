"""`migrate` and `doctor`."""

from __future__ import annotations

import sys

import click

from hub.cli.output import json_option, print_json
from hub.cli.place import bare_hub
from hub.doctor import Finding, diagnose
from loyalty_core.store import migrate as schema

_MARKS = {"ok": "ok  ", "warning": "look", "failed": "FAIL"}


@click.command()
@click.option("--dry-run", is_flag=True, help="Print the SQL, and change nothing.")
def migrate(dry_run: bool) -> None:
    """Bring the database to this version's schema.  Harmless when it is there already.

    On PostgreSQL it may run beside traffic: it waits for a busy table for a moment only, and
    tries again.
    """
    hub = bare_hub()
    if dry_run:
        click.echo(schema.statements(hub.engine), nl=False)
        return
    if not schema.pending(hub.engine):
        click.echo("The database is at the newest schema.")
        return
    schema.upgrade(hub.engine)
    click.echo("The database was brought to the newest schema.")


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Look at everything the hub stands on and say what to do about what is wrong.

    Exits with 1 if something failed; what only deserves a look does not count.
    """
    findings = diagnose(bare_hub())
    healthy = all(finding.state != "failed" for finding in findings)
    if as_json:
        print_json({"healthy": healthy, "checks": [_as_dict(finding) for finding in findings]})
    else:
        for finding in findings:
            click.echo(f"{_MARKS[finding.state]}  {finding.name}: {finding.text}")
            if finding.remedy:
                click.echo(f"      {finding.remedy}")
    if not healthy:
        sys.exit(1)


def _as_dict(finding: Finding) -> dict[str, str | None]:
    return {
        "name": finding.name,
        "state": finding.state,
        "text": finding.text,
        "remedy": finding.remedy,
    }
