"""The composition root: the only module that chooses the real parts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, make_url

from hub.clock import Clock, SystemClock
from hub.config import Config, ConfigError
from hub.ingest.sealed import Cells
from hub.metrics import Metrics
from hub.pace import RedisCount
from hub.queue import Bell, make_bell
from hub.registry import Registry, load_registry
from hub.vault import Vault, open_vault
from loyalty_core.service.plans import PlanCache
from loyalty_core.store.database import make_engine


@dataclass(frozen=True, slots=True)
class Hub:
    """The parts of one running hub; tests put in their own where the world would differ."""

    config: Config
    engine: Engine
    clock: Clock
    registry: Registry
    vault: Vault
    bell: Bell
    plans: PlanCache
    metrics: Metrics
    cells: Cells
    pace: RedisCount | None
    """Counts calls to vendors for all processes; None: without Redis one of them works."""


def build_hub(
    config: Config,
    *,
    clock: Clock | None = None,
    engine: Engine | None = None,
    registry: Registry | None = None,
    cells: Cells | None = None,
) -> Hub:
    """Put the parts together; nothing is asked of the network yet.

    Raises: ConfigError (the data folder or the file of keys cannot be used).
    """
    prepare_data_dir(config)
    engine = engine or make_engine(config.database_url)
    metrics = Metrics()
    metrics.watch_pool(engine)
    return Hub(
        config=config,
        engine=engine,
        clock=clock or SystemClock(),
        registry=registry or load_registry(config.connectors_enabled),
        vault=open_vault(config),
        bell=make_bell(config.redis_url),
        plans=PlanCache(),
        metrics=metrics,
        cells=cells or Cells(),
        pace=None if config.redis_url is None else RedisCount(config.redis_url),
    )


def prepare_data_dir(config: Config) -> None:
    """Make the folders that the data needs: readable by this account alone.

    Raises: ConfigError.
    """
    folders = {config.data_dir: "HUB_DATA_DIR"}
    url = make_url(config.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        folders.setdefault(Path(url.database).absolute().parent, "HUB_DATABASE_URL")
    for folder, setting in folders.items():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            told = f"The folder {folder} cannot be made: {error.strerror}."
            raise ConfigError({setting: [told]}) from error
