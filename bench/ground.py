"""What the benches stand on: servers, filled databases made when first needed, and remarks."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from bench.measure import BenchFailed, Tell
from bench.members import BYTES_A_MEMBER, BYTES_AN_ENTRY
from bench.options import Options
from bench.processes import Web
from bench.programme import BenchProgramme, Size, make_programme
from bench.servers import Servers
from hub.clock import SystemClock
from hub.config import Config
from hub.registry import Registry
from hub.wiring import Hub, build_hub
from loyalty_core.store.database import make_engine
from loyalty_core.store.migrate import upgrade

ENTRIES_OF_LARGE = 10
_ROOM = 3
"""The disk must have so many times what the rows will need: for sorting and the log."""
_GIB = 2**30
_WORTH_TELLING = _GIB / 10


def as_in_production(folder: Path, url: str, *, allow_private: bool = False) -> Config:
    """The settings of a hub in this process; its limits are out of reach, as those of `Web`.

    `allow_private`: it may call a stand-in on this machine.
    """
    return Config(
        data_dir=folder,
        database_url=url,
        demo=False,
        rate_limit="100000000/minute",
        quote_deadline_ms=60_000,
        log_format="json",
        log_level="WARNING",
        allow_private_addresses=allow_private,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A migrated database with the measured programme in it."""

    engine: Engine
    url: str
    programme: BenchProgramme
    folder: Path
    redis: str | None

    def hub(self, registry: Registry | None = None, *, allow_private: bool = False) -> Hub:
        """A hub in this process, without Redis: who drains needs no bell.

        `allow_private`: it may call a stand-in on this machine.
        """
        config = as_in_production(self.folder, self.url, allow_private=allow_private)
        return build_hub(config, engine=self.engine, registry=registry)

    def web(self, options: Options) -> Web:
        return Web(self.url, self.redis, self.folder, options.workers)


@dataclass(slots=True)
class Ground:
    """`remarks`: what the reader of a number should know beside it, by bench."""

    options: Options
    servers: Servers
    folder: Path
    tell: Tell
    remarks: dict[str, list[str]] = field(default_factory=dict)
    _places: dict[str, Place] = field(default_factory=dict)

    def remark(self, bench: str, text: str) -> None:
        """Tell it, and keep it for the results."""
        self.tell(f"         {text}")
        self.remarks.setdefault(bench, []).append(text)

    def own(self, name: str) -> Place:
        """A database that only this bench and its floors change."""
        return self._postgres(name, Size(self.options.members))

    def small(self) -> Place:
        return self._postgres("small", Size(self.options.small))

    def large(self) -> Place:
        return self._postgres("large", Size(self.options.large, ENTRIES_OF_LARGE))

    def sqlite(self, name: str) -> Place:
        """The same in a file."""
        known = f"{name}-sqlite"
        url = f"sqlite:///{self.folder / known}.db"
        return self._places.get(known) or self._make(known, url, Size(self.options.members))

    def close(self) -> None:
        for place in self._places.values():
            place.engine.dispose()

    def _postgres(self, name: str, size: Size) -> Place:
        if name in self._places:
            return self._places[name]
        needed = _bytes_of(size)
        if needed > _WORTH_TELLING:
            self.tell(f"  {needed / _GIB:.1f} GiB of rows and indexes will be needed")
        _check_disk(self.folder, needed)
        return self._make(name, self.servers.database(name), size)

    def _make(self, name: str, url: str, size: Size) -> Place:
        began, engine = time.perf_counter(), make_engine(url)
        upgrade(engine)
        told = f"{engine.dialect.name}, {name}: {size.members:,} members".replace(",", " ")
        self.tell(f"{told}, {size.members * size.entries:,} entries".replace(",", " "))
        programme = make_programme(engine, size, SystemClock().now(), self.tell)
        self.tell(f"  in {time.perf_counter() - began:.0f} s")
        folder = self.folder / name
        folder.mkdir()
        redis = None if engine.dialect.name == "sqlite" else self.servers.redis
        self._places[name] = Place(engine, url, programme, folder, redis)
        return self._places[name]


def _bytes_of(size: Size) -> int:
    return size.members * (BYTES_A_MEMBER + size.entries * BYTES_AN_ENTRY)


def _check_disk(folder: Path, needed: int) -> None:
    """Raises: BenchFailed where the rows would not find room beside all else."""
    free = shutil.disk_usage(folder).free
    if _ROOM * needed > free:
        raise BenchFailed(f"{_ROOM * needed / _GIB:.0f} GiB are needed, {free / _GIB:.0f} are free")
