"""Every setting of the hub, read from the environment once and checked at the start.

Each `HUB_X` may instead be given as `HUB_X_FILE`, the name of a file that holds it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from environs import EnvValidationError, FileAwareEnv
from limits import parse_many
from marshmallow import ValidationError
from marshmallow.validate import OneOf, Range
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

LogFormat = Literal["console", "json"]
Check = Callable[[str], None]


class ConfigError(Exception):
    """The environment cannot be used; one line for each variable, saying what to do."""

    def __init__(self, problems: Mapping[str, Sequence[str]]) -> None:
        self.problems = {name: list(texts) for name, texts in problems.items()}
        super().__init__(
            "\n".join(f"{name}: {' '.join(texts)}" for name, texts in self.problems.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`redis_url` None: the bell is a thread of this process.  `secret_keys` empty: a file of
    the data folder holds them.  `connectors_enabled` None: those of our own distribution.
    `keep_deliveries_days` 0: their bodies are kept for ever.
    """

    data_dir: Path
    database_url: str
    host: str = "127.0.0.1"
    port: int = 8080
    redis_url: str | None = None
    demo: bool = True
    admin_password: str | None = None
    allow_private_addresses: bool = False
    secret_keys: tuple[str, ...] = ()
    public_url: str | None = None
    trusted_proxies: int = 0
    connectors_enabled: tuple[str, ...] | None = None
    quote_deadline_ms: int = 300
    rate_limit: str = "6000/minute"
    coupon_guesses: int = 20
    log_format: LogFormat = "console"
    log_level: str = "INFO"
    sweep_s: int = 20
    pull_s: int = 600
    keep_deliveries_days: int = 90
    web_workers: int = 2
    web_threads: int = 8
    worker_threads: int = 4
    metrics_port: int | None = None

    @property
    def public_https(self) -> bool:
        return bool(self.public_url and self.public_url.startswith("https://"))


def load_config() -> Config:
    """The configuration that the environment asks for.

    Raises: ConfigError, which names every variable that is wrong, not just the first; files that
    cannot be read are told before anything else, as nothing is known of what they hold.
    """
    if files := _useless_files():
        raise ConfigError(files)
    env = FileAwareEnv(eager=False, strip_whitespace=True)
    data_dir = Path(_text(env, "HUB_DATA_DIR") or "var").absolute()
    database_url = env.str(
        "HUB_DATABASE_URL", f"sqlite:///{data_dir / 'hub.db'}", validate=_database_url
    )
    config = Config(
        data_dir=data_dir,
        database_url=database_url,
        host=env.str("HUB_HOST", "127.0.0.1"),
        port=env.int("HUB_PORT", 8080, validate=Range(0, 65535)),
        redis_url=_text(env, "HUB_REDIS_URL", _redis_url),
        demo=env.bool("HUB_DEMO", True),
        admin_password=_text(env, "HUB_ADMIN_PASSWORD", _password),
        allow_private_addresses=env.bool("HUB_ALLOW_PRIVATE_ADDRESSES", False),
        secret_keys=_words(env, "HUB_SECRET_KEYS", _fernet_keys) or (),
        public_url=_text(env, "HUB_PUBLIC_URL", _web_address),
        trusted_proxies=env.int("HUB_TRUSTED_PROXIES", 0, validate=Range(0, 10)),
        connectors_enabled=_words(env, "HUB_CONNECTORS_ENABLED"),
        quote_deadline_ms=env.int("HUB_QUOTE_DEADLINE_MS", 300, validate=Range(1, 60_000)),
        rate_limit=env.str("HUB_RATE_LIMIT", "6000/minute", validate=_rate_limit),
        coupon_guesses=env.int("HUB_COUPON_GUESSES", 20, validate=Range(1, 10_000)),
        log_format=cast(
            LogFormat, env.str("HUB_LOG_FORMAT", "console", validate=OneOf(["console", "json"]))
        ),
        log_level=env.str("HUB_LOG_LEVEL", "INFO", validate=OneOf(_LEVELS)),
        sweep_s=env.int("HUB_SWEEP_S", 20, validate=Range(1, 60)),
        pull_s=env.int("HUB_PULL_S", 600, validate=Range(10, 86_400)),
        keep_deliveries_days=env.int("HUB_KEEP_DELIVERIES_DAYS", 90, validate=Range(0, 36_500)),
        web_workers=env.int("HUB_WEB_WORKERS", _one_a_core(), validate=Range(1, 256)),
        web_threads=env.int("HUB_WEB_THREADS", 8, validate=Range(1, 256)),
        worker_threads=env.int("HUB_WORKER_THREADS", 4, validate=Range(1, 16)),
        metrics_port=env.int("HUB_METRICS_PORT", None, validate=Range(1, 65535)),
    )
    try:
        env.seal()
    except EnvValidationError as error:
        raise ConfigError(cast(Mapping[str, list[str]], error.error_messages)) from None
    return config


def unknown_settings() -> list[str]:
    """Variables of the environment that look like settings and are none: mostly misspelt.

    They stop nothing, as others may have put them there (Kubernetes names services so).
    """
    known = {f"HUB_{field.name.upper()}" for field in fields(Config)}
    return sorted(
        name
        for name in os.environ
        if name.startswith("HUB_") and name not in known and name.removesuffix("_FILE") not in known
    )


def _useless_files() -> dict[str, list[str]]:
    """What is wrong with the files of `HUB_X_FILE`.  An empty one is: whoever names a file of keys
    that was not written must not be given others without a word."""
    wrong: dict[str, list[str]] = {}
    for name, place in os.environ.items():
        if not (name.startswith("HUB_") and name.endswith("_FILE") and place):
            continue
        try:
            if not Path(place).read_text().strip():
                wrong[name] = [f"The file {place} is empty."]
        except OSError as error:
            wrong[name] = [f"The file {place} cannot be read: {error.strerror}."]
        except UnicodeDecodeError:
            wrong[name] = [f"The file {place} is no text."]
    return wrong


_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_SAMPLE_DATABASE = "sqlite:////var/lib/loyalty-hub/hub.db or postgresql://user@host/name"


def _one_a_core() -> int:
    """Processes of the web: more of them than cores answer fewer quotes, since fewer are worked
    out together; and each keeps connections of its own."""
    return min(max(os.cpu_count() or 1, 2), 4)


def _text(env: FileAwareEnv, name: str, check: Check | None = None) -> str | None:
    """A setting that may be missing; empty is missing, as compose files leave them."""
    checks = [] if check is None else [_unless_empty(check)]
    return env.str(name, None, validate=checks) or None


def _words(env: FileAwareEnv, name: str, check: Check | None = None) -> tuple[str, ...] | None:
    """A comma list; None where it is not given, an empty tuple where it is given empty."""
    text = env.str(name, None, validate=[] if check is None else [_unless_empty(check)])
    if text is None:
        return None
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _unless_empty(check: Check) -> Check:
    def checked(value: str) -> None:
        if value:
            check(value)

    return checked


def _database_url(value: str) -> None:
    try:
        backend = make_url(value).get_backend_name()
    except ArgumentError:
        backend = ""
    if backend not in ("sqlite", "postgresql"):
        raise ValidationError(f"Not a database address; write {_SAMPLE_DATABASE}.")


def _redis_url(value: str) -> None:
    if _scheme_and_host(value)[0] not in ("redis", "rediss", "unix"):
        raise ValidationError("Not a Redis address; write redis://host:6379/0.")


def _web_address(value: str) -> None:
    scheme, host = _scheme_and_host(value)
    if scheme not in ("http", "https") or not host:
        raise ValidationError("Not a web address; write https://hub.example.ru.")


def _scheme_and_host(value: str) -> tuple[str, str]:
    """Both empty where it is no address at all."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


def _rate_limit(value: str) -> None:
    try:
        parse_many(value)
    except ValueError:
        raise ValidationError("Not a limit; write 6000/minute.") from None


def _password(value: str) -> None:
    if len(value) < 8:
        raise ValidationError("Too short; give at least 8 characters, or leave it out.")


def _fernet_keys(value: str) -> None:
    for key in value.split(","):
        try:
            Fernet(key.strip())
        except ValueError:
            raise ValidationError(
                "Not Fernet keys; `loyalty-hub secrets make-key` makes one.  The newest is first."
            ) from None
