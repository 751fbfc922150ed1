"""Where the benches run: servers, databases, and a hub that prepares what they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from bench.options import Options
from bench.processes import Web
from bench.programme import BenchProgramme, make_programme
from bench.servers import Servers
from hub.clock import SystemClock
from hub.config import Config
from hub.registry import Registry
from hub.wiring import Hub, build_hub
from loyalty_core.store.database import make_engine
from loyalty_core.store.migrate import upgrade

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A migrated database with the measured programme in it."""

    engine: Engine
    url: str
    programme: BenchProgramme
    folder: Path
    redis: str | None

    def hub(self, registry: Registry | None = None) -> Hub:
        """A hub in this process, without Redis: who drains needs no bell."""
        config = Config(data_dir=self.folder, database_url=self.url, demo=False)
        return build_hub(config, engine=self.engine, registry=registry)

    def web(self, options: Options) -> Web:
        return Web(self.url, self.redis, self.folder, options.workers)


def make_place(url: str, folder: Path, redis: str | None, options: Options, tell: Tell) -> Place:
    """Migrate and fill this empty database."""
    engine = make_engine(url)
    upgrade(engine)
    tell(f"{engine.dialect.name}: {options.members} members ...")
    programme = make_programme(engine, options.members, SystemClock().now())
    return Place(engine, url, programme, folder, redis)


def postgres_place(servers: Servers, folder: Path, options: Options, tell: Tell) -> Place:
    """Raises: NotStarted."""
    return make_place(servers.database("bench"), folder, servers.redis, options, tell)


def sqlite_place(folder: Path, options: Options, tell: Tell) -> Place:
    return make_place(f"sqlite:///{folder / 'bench.db'}", folder, None, options, tell)
