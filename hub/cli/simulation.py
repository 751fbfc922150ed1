"""`rules simulate`: a draft against receipts that are past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from multiprocessing import get_context
from typing import Any

import click

from hub.cli.options import VERSION
from hub.cli.output import json_option, print_json, print_rows, progress_bar
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.simulation import document
from hub.wiring import Hub
from loyalty_core.service.simulate import Question, Simulator, Tally, simulate_rules
from loyalty_core.store.database import look, make_engine
from loyalty_core.store.past_sales import Span

_DAY = click.DateTime(["%Y-%m-%d"])
_SUMS: Mapping[str, str] = {
    "discount": "discounts",
    "points_earned": "points earned",
    "points_worth": "worth of them",
    "given": "given in all",
    "spend": "paid with points",
    "payable": "paid with money",
    "margin": "margin",
}


@click.command()
@programme_option
@click.option("--draft", type=VERSION, required=True, help="A draft, or any version.")
@click.option("--from", "first", type=_DAY, required=True, help="The first day: 2026-03-01.")
@click.option("--to", "last", type=_DAY, required=True, help="The last day.")
@click.option(
    "--against",
    type=VERSION,
    help="A version to compare with.  Left out: the one that stood when each receipt was made.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="That price side by side; of use where there are more cores.",
)
@json_option
def simulate(  # noqa: PLR0913 - each is a word of its own on the command line
    code: str | None,
    draft: int,
    first: datetime,
    last: datetime,
    against: int | None,
    processes: int,
    as_json: bool,
) -> None:
    """Say what a draft would have made of the receipts of a period; nothing is booked."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    question = Question(draft, first.date(), last.date(), against)
    with progress_bar("Pricing again", "receipt") as move, look(hub.engine) as connection:
        simulator = Simulator(connection, programme.id, question)
        with _helpers(hub, programme.id, question, processes) as price_all:
            found = document(simulate_rules(simulator, move, price_all=price_all))
    if as_json:
        print_json(found)
    else:
        _print(found)


@contextmanager
def _helpers(
    hub: Hub, programme_id: int, question: Question, processes: int
) -> Iterator[Callable[[Sequence[Span]], Iterable[Tally]] | None]:
    """What prices spans in so many processes; None where this one is enough."""
    if processes == 1:
        yield None
        return
    url = hub.engine.url.render_as_string(hide_password=False)
    try:
        with ProcessPoolExecutor(
            processes, get_context("spawn"), _begin, (url, programme_id, question)
        ) as pool:
            yield partial(pool.map, _price)
    except BrokenProcessPool:
        raise click.ClickException(
            "One of the processes died before it had done its part, most likely for want of"
            " memory. Nothing was booked; try fewer --processes."
        ) from None


_simulators: list[Simulator] = []
_open = ExitStack()


def _begin(url: str, programme_id: int, question: Question) -> None:
    """In a helper: a look of its own, for as long as it lives."""
    connection = _open.enter_context(look(make_engine(url, pool_size=1)))
    _simulators.append(Simulator(connection, programme_id, question))


def _price(span: Span) -> Tally:
    return _simulators[0].price(span)


def _print(found: Mapping[str, Any]) -> None:
    click.echo(
        f"{found['receipts']} receipts for {found['amount']}, "
        f"{found['receipts_of_members']} of them by members.\n"
    )
    sides = ("was", "now", "difference")
    sums = [
        {"": title, **{side: found[side][name] for side in sides}}
        for name, title in _SUMS.items()
        if found["now"][name] is not None
    ]
    print_rows(sums, False, none="")
    click.echo()
    promotions = [
        {
            "promotion": row["id"],
            "receipts": _pair(row, "receipts"),
            "discount": _pair(row, "discount"),
            "points": _pair(row, "points"),
        }
        for row in found["promotions"]
    ]
    print_rows(promotions, False, none="No promotion applied.")
    click.echo()
    for name, verb in (("winners", "get more"), ("losers", "get less")):
        crowd = found[name]
        click.echo(f"{crowd['members']} members {verb}: {crowd['sum']} in all.")
        for one in crowd["largest"]:
            click.echo(f"  {one['member']}  {one['sum']}")


def _pair(row: Mapping[str, Any], name: str) -> str:
    return f"{row['was'][name]} → {row['now'][name]} ({row['difference'][name]})"
