"""The command line, `loyalty-hub`: parse, call one service, print.

Each group of words is a module of its own, imported when it is asked for, so that a start does
not pay for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

from hub.cli.faults import EXPECTED, told

WORDS: Mapping[str, str] = {
    "run": "serving:run",
    "web": "serving:web",
    "worker": "serving:worker",
    "scheduler": "serving:scheduler",
    "migrate": "database:migrate",
    "doctor": "database:doctor",
    "backup": "backup:backup",
    "restore": "backup:restore_command",
    "admin": "admin:admin",
    "programmes": "programmes:programmes",
    "shops": "shops:shops",
    "rules": "rules:rules",
    "members": "members:members",
    "coupons": "coupons:coupons",
    "partners": "partners:partners",
    "certificates": "certificates:certificates",
    "import": "imports:imports",
    "export": "export:export",
    "tiers": "tiers:tiers",
    "keys": "keys:keys",
    "installations": "installations:installations",
    "deliveries": "deliveries:deliveries",
    "ledger": "ledger:ledger",
    "connectors": "connectors:connectors",
    "secrets": "vault:secrets",
    "openapi": "openapi:openapi",
}


class LazyWords(click.Group):
    """Finds a word's command when it is used, and turns expected errors into one clear line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(WORDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in WORDS:
            return None
        module, _, name = WORDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"hub.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # Whoever read along has enough; click ends quietly.
        except EXPECTED as error:
            raise click.ClickException(told(error)) from error


@click.group(cls=LazyWords, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="loyalty-hub", prog_name="loyalty-hub")
def main() -> None:
    """One loyalty programme for shops and tills of different vendors.

    `loyalty-hub run` starts all of it in one process.  Settings come from the environment
    (HUB_PORT, HUB_DATA_DIR, HUB_DATABASE_URL, ...); docs/operate.md lists them.
    """
