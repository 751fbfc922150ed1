"""`python -m tests.torture`: see the package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from hub.cli.output import print_json, progress_bar
from tests.support.servers import NotStarted
from tests.torture.run import Report, Wanted, torture
from tests.torture.stage import Plan


@click.command()
@click.option("--seed", default=1, show_default=True, help="The same seed, the same stream.")
@click.option("--deliveries", default=20_000, show_default=True, help="Calls to be sent.")
@click.option("--kills", default=200, show_default=True, help="Harms done meanwhile.")
@click.option("--partitions", default=0, help="Partitions of the ledger; 0: none.")
@click.option("--disk-mb", default=768, show_default=True, help="Size of the database's disk.")
@click.option("--logs", type=click.Path(path_type=Path), help="Leave all logs in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a text for people.")
def main(seed: int, deliveries: int, kills: int, as_json: bool, **plan: Any) -> None:
    """Kill the hub while it works, then count everything; exits with 1 if anything is wrong."""
    wanted = Wanted(seed, deliveries, kills, plan=Plan(**plan))
    try:
        with progress_bar("Torturing", "call") as move:
            report = torture(wanted, move)
    except NotStarted as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json(report.as_document())
    else:
        _tell(report)
    sys.exit(1 if report.findings else 0)


def _tell(report: Report) -> None:
    for name, value in report.as_document().items():
        if name != "findings":
            click.echo(f"{name.ljust(20)}  {value}")
    for finding in report.findings:
        click.echo(f"WRONG: {finding}")
    if not report.findings:
        click.echo("Acknowledged is booked, once; the books equal the model.")


if __name__ == "__main__":
    main()
