"""Secrets at rest: settings of installations, whole, by Fernet with keys that can be changed.

The newest key writes, every key reads.  Keys come from HUB_SECRET_KEYS, or from a file of the
data folder that is made at the first start.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from hub.config import Config, ConfigError
from hub.durable import sync_folder, take_place, write_new
from loyalty_core.store import installations as store
from loyalty_core.store import safety
from loyalty_core.store.database import read, write

if TYPE_CHECKING:
    from hub.wiring import Hub

Progress = Callable[[int, int], None]
"""Told how many are done, and of how many."""
KEYS_FILE = "secret.keys"


class Unreadable(Exception):
    """No key at hand opens it: the keys were lost or changed."""

    code = "secret_unreadable"


class Vault:
    """Encrypts and opens settings.  `keys_file` is read again when a token does not open, so
    a running hub learns of a key that the command line added.
    """

    def __init__(self, keys: tuple[str, ...], keys_file: Path | None = None) -> None:
        self._keys = keys
        self._keys_file = keys_file
        self._fernet = _fernet(keys)

    def seal(self, settings: Mapping[str, Any]) -> bytes:
        return self._fernet.encrypt(json.dumps(settings, ensure_ascii=False).encode())

    def open(self, token: bytes) -> dict[str, Any]:
        """Raises: Unreadable."""
        try:
            plain = self._fernet.decrypt(token)
        except InvalidToken:
            self.reload()
            plain = self._decrypt(token)
        settings: dict[str, Any] = json.loads(plain)
        return settings

    def renew(self, token: bytes) -> bytes:
        """The same settings under the newest key.  Raises: Unreadable."""
        return self._fernet.encrypt(self._decrypt(token))

    def derive(self, purpose: str) -> bytes:
        """A key of its own for each purpose; it changes when a newer key is put first."""
        return self.derive_all(purpose)[0]

    def derive_all(self, purpose: str) -> tuple[bytes, ...]:
        """The same of every key that there is, the newest first: for what was handed out under
        an older one and still counts.
        """
        return tuple(
            hmac.new(key.encode(), purpose.encode(), hashlib.sha256).digest() for key in self._keys
        )

    def each(self, purpose: str) -> Iterable[bytes]:
        """`derive_all` for who looks for the one that fits: before none does, of keys too that were
        added to the file since, for another process may have used them.
        """
        return _Each(self, purpose)

    def reload(self) -> None:
        """Learn of keys that were added to the file since."""
        if self._keys_file is not None:
            self._keys = _read_keys(self._keys_file)
            self._fernet = _fernet(self._keys)

    def _decrypt(self, token: bytes) -> bytes:
        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            raise Unreadable("no key at hand opens these settings") from None


@dataclass(frozen=True, slots=True)
class _Each:
    """Each time that it is gone through, anew: a transaction may be tried again."""

    vault: Vault
    purpose: str

    def __iter__(self) -> Iterator[bytes]:
        known = self.vault.derive_all(self.purpose)
        yield from known
        self.vault.reload()
        yield from (one for one in self.vault.derive_all(self.purpose) if one not in known)


def make_key() -> str:
    return Fernet.generate_key().decode("ascii")


def open_vault(config: Config) -> Vault:
    """Raises: ConfigError (the file of keys cannot be made or read)."""
    if config.secret_keys:
        return Vault(config.secret_keys)
    path = config.data_dir / KEYS_FILE
    try:
        _make_keys_file(path)
        return Vault(_read_keys(path), path)
    except (OSError, ValueError) as error:
        text = f"The file {path} cannot be used ({type(error).__name__}); mend it or set the keys."
        raise ConfigError({"HUB_SECRET_KEYS": [text]}) from error


def rotate(hub: Hub, progress: Progress | None = None) -> int:
    """Write every installation's settings anew under the newest key; how many there were.
    Secrets of second factors too.

    Keys of the data folder's file get a fresh one first, and the older ones go on reading.
    Where HUB_SECRET_KEYS holds them, a person puts a new one before the others and restarts.

    Raises: Unreadable, with what was renewed before it kept.
    """
    if not hub.config.secret_keys:
        path = hub.config.data_dir / KEYS_FILE
        write_keys(path, (make_key(), *_read_keys(path)))
        hub.vault.reload()
    with read(hub.engine) as connection:
        ids = store.all_ids(connection)
        factors = safety.factors(connection)
    for one in factors:
        with write(hub.engine) as connection:
            safety.set_secret(connection, one.admin_id, one.secret, hub.vault.renew(one.secret))
    for done, installation_id in enumerate(ids, start=1):
        with write(hub.engine) as connection:
            row = store.lock(connection, installation_id)
            if row is not None:
                settings = hub.vault.renew(row.settings)
                store.change(connection, installation_id, settings=settings)
        if progress is not None:
            progress(done, len(ids))
    return len(ids)


def write_keys(path: Path, keys: Iterable[str]) -> None:
    """Make these the keys of the file; what they opened is lost with them, so they are on the disk
    before anything is written by them."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    write_new(fresh, "".join(f"{key}\n" for key in keys))
    take_place(fresh, path)


def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _read_keys(path: Path) -> tuple[str, ...]:
    keys = tuple(path.read_text("ascii").split())
    if not keys:
        raise ValueError("no key in it")
    return keys


def _make_keys_file(path: Path) -> None:
    """One of several processes that start at once makes it; the others read what it made."""
    if path.exists():
        return
    own = path.with_name(f"{path.name}.{os.getpid()}")
    write_new(own, make_key() + "\n")
    try:
        os.link(own, path)
        sync_folder(path.parent)
    except FileExistsError:
        pass
    finally:
        own.unlink()
