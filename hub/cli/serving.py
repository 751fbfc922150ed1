"""`run`, `web`, `worker`, `scheduler`: the hub at work, in one process or in several."""

from __future__ import annotations

import signal
import socket
import sys
import threading

import click

from hub import logs
from hub.cli.output import progress_bar
from hub.cli.place import bare_hub, open_hub
from hub.config import Config
from hub.demo.door import DemoFailed
from hub.demo.first_start import FirstStart, prepare
from hub.jobs import run_scheduler, run_worker
from hub.serving import serve, serve_web
from hub.wiring import Hub
from loyalty_core.store import migrate

_EVERY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # nosec B104 # noqa: S104 - told, not bound


@click.command()
def run() -> None:
    """Start the hub: web, worker and scheduler together.  Ctrl-C stops it.

    The database is brought to the newest schema.  An empty one gets an account for the console
    and, unless HUB_DEMO=0, a demo programme; password and API key are printed once.
    """
    hub = bare_hub()
    _check_address(hub.config)
    try:
        first = _prepared(hub)
    except KeyboardInterrupt:
        click.echo("\nStopped.  The next start goes on from here.", err=True)
        return
    logs.configure(hub.config)
    serve(hub, on_ready=lambda: _tell(hub.config, first))


@click.command()
def web() -> None:
    """Serve the web alone; `worker` and `scheduler` run beside it, on any machine."""
    hub = open_hub()
    _check_address(hub.config)
    if hub.config.redis_url is None:
        click.echo(
            "HUB_REDIS_URL is not set, so nobody works on deliveries here: "
            "`loyalty-hub run` does all in one process.",
            err=True,
        )
    logs.configure(hub.config)
    serve_web(hub, on_ready=lambda: click.echo(f"The hub listens at {_address(hub.config)}"))


@click.command()
def worker() -> None:
    """Work on what is due, whenever the bell in Redis rings.  Start as many as are wanted."""
    hub = open_hub()
    if hub.config.redis_url is None:
        raise click.ClickException(
            "A worker of its own needs HUB_REDIS_URL; "
            "without Redis `loyalty-hub run` has one inside."
        )
    logs.configure(hub.config)
    _serve_metrics(hub)
    run_worker(hub)


@click.command()
def scheduler() -> None:
    """Ring for what is due, expire and activate points.  Of several, one leads at a time."""
    hub = open_hub()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logs.configure(hub.config)
    _serve_metrics(hub)
    run_scheduler(hub, stop)


def _serve_metrics(hub: Hub) -> None:
    """Raises: click.ClickException."""
    if hub.config.metrics_port is None:
        return
    try:
        hub.metrics.serve(hub.config.host, hub.config.metrics_port)
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen at port {hub.config.metrics_port}: {error.strerror or error}.  "
            "HUB_METRICS_PORT chooses another; each process needs its own."
        ) from error


def _prepared(hub: Hub) -> FirstStart:
    if migrate.pending(hub.engine):
        migrate.upgrade(hub.engine)
    try:
        with progress_bar("Making the demo programme", "receipt") as progress:
            return prepare(hub, progress)
    except DemoFailed as error:
        raise click.ClickException(f"{error}  HUB_DEMO=0 starts without it.") from error


def _check_address(config: Config) -> None:
    """Better now than after a password was made that nobody would be told.

    Raises: click.ClickException.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((config.host, config.port))
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen at {config.host}:{config.port}: {error.strerror or error}.  "
            "Is it running already?  HUB_PORT and HUB_HOST choose another address."
        ) from error


def _tell(config: Config, first: FirstStart) -> None:
    """Once, when the address is listened on."""
    click.echo(f"\nThe hub is running:  {_address(config)}")
    if first.password is not None:
        click.echo(f"Console login:       {first.login}")
        click.echo(f"One-time password:   {first.password}")
    else:
        click.echo(f"Console login:       {first.login}")
        click.echo(f"Forgot the password? loyalty-hub admin reset-password {first.login}")
    if first.key is not None:
        click.echo(f"API key of demo:     {first.key}")
    click.echo("Ctrl-C stops it.\n")
    sys.stdout.flush()


def _address(config: Config) -> str:
    host = _EVERY_ADDRESS.get(config.host, config.host)
    shown = f"[{host}]" if ":" in host else host
    return config.public_url or f"http://{shown}:{config.port}"
