"""Where the time goes: profiles of processor time of the code that the benches run."""

from __future__ import annotations

import cProfile
import io
import json
import pstats
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bench.backfill import book, old_shop_hub
from bench.ground import Ground
from bench.inbox import Inbox
from bench.ingest import make_shop, write_bodies
from bench.measure import BenchFailed
from bench.members import phone_of
from bench.old_shop import shop_of
from bench.posting import BATCH, Poster
from bench.processes import ROOT
from bench.quote import PATH, basket
from bench.worker import fill_back
from hub.app import create_app

FOLDER = Path(__file__).with_name("profiles")
OURS = ("hub", "connectors", "loyalty_core", "loyalty_kit")
TOP = 40
_WARM = 20
_CALLS, _QUICK_CALLS = 1000, 50
_STRIDE = 7919
_LIBRARY = "standard library"
_BUILTINS = "built in, of any module"

Work = Callable[[], None]
Prepare = Callable[[int], Work]
"""Gets so many pieces of work ready; doing them is what is profiled."""


def write_profiles(ground: Ground) -> None:
    """`profiles/<bench>.txt` for each bench asked for; only told with `--no-write` or quick."""
    makers: dict[str, Callable[[Ground], Prepare]] = {
        "quote": _quotes,
        "ingest": _deliveries,
        "posting": _postings,
        "inbox": _receipts,
        "backfill": _documents,
    }
    count = _QUICK_CALLS if ground.options.quick else _CALLS
    for bench in ground.options.benches:
        text = profile(makers[bench](ground), count)
        ground.tell(f"\n{bench}\n{text}")
        if ground.options.write:
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / f"{bench}.txt").write_text(text, "utf-8")


def profile(prepare: Prepare, count: int) -> str:
    """Do it so often, and say what took the processor: in this thread, and in pools of threads."""
    prepare(_WARM)()
    work, watch = prepare(count), _Watch()
    with mock.patch.object(ThreadPoolExecutor, "submit", watch.submit()):
        watch.run(work)
    stats = pstats.Stats(*watch.profiles.values(), stream=io.StringIO())
    return "\n".join(_page(stats.stats, count)) + "\n"  # type: ignore[attr-defined]


@dataclass(slots=True)
class _Watch:
    """A profile for each thread, by its own processor time, so that waiting counts nowhere."""

    profiles: dict[int, cProfile.Profile] = field(default_factory=dict)

    def run(self, work: Callable[..., Any], *args: Any, **named: Any) -> Any:
        thread = threading.get_ident()
        profiler = self.profiles.setdefault(thread, cProfile.Profile(time.thread_time))
        profiler.enable()
        try:
            return work(*args, **named)
        finally:
            profiler.disable()

    def submit(self) -> Callable[..., Future[Any]]:
        """`ThreadPoolExecutor.submit`, watched."""
        original = ThreadPoolExecutor.submit

        def submit(pool: ThreadPoolExecutor, *args: Any, **named: Any) -> Future[Any]:
            return original(pool, self.run, *args, **named)

        return submit


def _page(stats: dict[tuple[str, int, str], Any], count: int) -> Iterator[str]:
    total = sum(numbers[2] for numbers in stats.values())
    yield f"{count} times, {1e6 * total / count:.0f} us of processor time each under the profiler."
    yield "Shares of the whole, in per cent.  What child processes do is not in it."
    yield ""
    yield "By package, its own time:"
    for package, own in sorted(_by_package(stats).items(), key=lambda item: -item[1]):
        if own >= total / 200:
            yield f"  {100 * own / total:5.1f}  {package}"
    yield ""
    yield "Our functions, with all that they call; beside it their own time; calls each:"
    ours = [(key, numbers) for key, numbers in stats.items() if _package(key) in OURS]
    for key, (_, calls, own, whole, _) in sorted(ours, key=lambda item: -item[1][3])[:TOP]:
        shares = f"{100 * whole / total:5.1f}  {100 * own / total:5.1f}"
        yield f"  {shares}  {calls / count:6.1f}  {_within_tree(key[0])}:{key[2]}"


def _by_package(stats: dict[tuple[str, int, str], Any]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for key, numbers in stats.items():
        found[_package(key)] += numbers[2]
    return found


def _package(key: tuple[str, int, str]) -> str:
    file = key[0]
    if file == "~" or file.startswith("<"):
        return _BUILTINS
    parts = Path(file).parts
    if "site-packages" in parts:
        return Path(parts[parts.index("site-packages") + 1]).stem
    return Path(_within_tree(file)).parts[0] if file.startswith(str(ROOT)) else _LIBRARY


def _within_tree(file: str) -> str:
    path = Path(file)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


# --- the work -------------------------------------------------------------------------------


def _quotes(ground: Ground) -> Prepare:
    place = ground.own("quotes")
    app, members = create_app(place.hub()), len(place.programme.members)
    headers = {"Authorization": f"Bearer {place.programme.key}"}

    def prepare(count: int) -> Work:
        bodies = [basket(phone_of(number * _STRIDE % members)) for number in range(count)]
        return _calls(app, [_environ(PATH, json.dumps(body).encode(), headers) for body in bodies])

    return prepare


def _deliveries(ground: Ground) -> Prepare:
    place = ground.own("ingest")
    shop, app = make_shop(place), create_app(place.hub())
    bodies = place.folder / "deliveries"
    write_bodies(bodies, _CALLS + _WARM)
    lines = iter(bodies.read_text("ascii").splitlines())

    def environ() -> dict[str, Any]:
        signature, _, body = next(lines).partition("\t")
        headers = {
            "X-WC-Webhook-Source": "https://shop.example/",
            "X-WC-Webhook-Topic": "order.updated",
            "X-WC-Webhook-Resource": "order",
            "X-WC-Webhook-Event": "updated",
            "X-WC-Webhook-ID": "2",
            "X-WC-Webhook-Signature": signature,
            "X-WC-Webhook-Delivery-ID": signature,
        }
        return _environ(shop.hooks["events"], body.encode("ascii"), headers)

    return lambda count: _calls(app, [environ() for _ in range(count)])


def _postings(ground: Ground) -> Prepare:
    poster = Poster(ground.own("posting"))

    def prepare(count: int) -> Work:
        def work() -> None:
            for _ in range(max(1, count // BATCH)):
                poster.post_batch()

        return work

    return prepare


def _receipts(ground: Ground) -> Prepare:
    box = Inbox(ground.own("inbox"))

    def prepare(count: int) -> Work:
        box.fill(count)
        return box.book

    return prepare


def _documents(ground: Ground) -> Prepare:
    place = ground.own("backfill")
    members = len(place.programme.members)
    fill = partial(fill_back, old_shop_hub(place), place.programme.id)

    def prepare(count: int) -> Work:
        def work() -> None:
            with shop_of(count, members) as address:
                book(place, address, fill)

        return work

    return prepare


def _environ(path: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    builder = EnvironBuilder(
        path, method="POST", data=body, content_type="application/json", headers=Headers(headers)
    )
    return builder.get_environ()


def _calls(app: Any, environs: Sequence[dict[str, Any]]) -> Work:
    def work() -> None:
        for environ in environs:
            told, status, _ = run_wsgi_app(app, environ, buffered=True)
            if not status.startswith("200"):
                raise BenchFailed(f"{status} {b''.join(told)[:200]!r}")

    return work
