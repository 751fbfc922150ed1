"""The file of a backup: a tar that ordinary programs open.

    manifest.json   what it holds, when and by whom it was made
    database        an SQLite file, or pg_dump's custom format
    secret.keys     only where somebody asked for it
    SHA256SUMS      of all of them; the last, so a file that was cut off has none

`tar xf` and `sha256sum -c SHA256SUMS` say the same as the hub does.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from hub.durable import sync_folder, take_place

FORMAT = 1
MANIFEST, DATABASE, KEYS, SUMS = "manifest.json", "database", "secret.keys", "SHA256SUMS"
_PART = 1024 * 1024
_MOST_SMALL = 10 * _PART

Progress = Callable[[int, int], None]
"""Told how many bytes are done, and of about how many."""


class BackupRefused(Exception):
    """A backup cannot be made or put back; the text says why and what to do."""


class Damaged(BackupRefused):
    """The file is not a whole backup: cut off, changed, or something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`schema`: the revision of the schema.  `kind`: sqlite or postgresql.  `rows` by table."""

    hub_version: str
    schema: str | None
    kind: str
    server: str
    made_at: str
    rows: Mapping[str, int]
    with_keys: bool
    format: int = FORMAT


def write_archive(
    place: Path, room: Path, manifest: Manifest, files: Mapping[str, Path], *, replace: bool
) -> None:
    """Write it in the `room` beside its place, then give it its name: never half a file.

    Raises: BackupRefused (there is one already, and it is not to be replaced).
    """
    own = room / "archive"
    with open(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
        _fill(raw, manifest, files)
        raw.flush()
        os.fsync(raw.fileno())
    if replace:
        take_place(own, place)
    else:
        _give_free_name(own, place)


def read_manifest(place: Path) -> Manifest:
    """What a backup says of itself; its sums are not checked.  Raises: Damaged."""
    with _opened(place) as tar:
        return _manifest(_small(tar, MANIFEST))


def unpack(place: Path, folder: Path, progress: Progress) -> Manifest:
    """Put its files into a folder, each proved by its sum.

    Raises: Damaged.
    """
    total = place.stat().st_size if place.exists() else 0
    with _opened(place) as tar:
        manifest = _manifest(_small(tar, MANIFEST))
        told = _sums(_small(tar, SUMS))
        expected = {MANIFEST, DATABASE} | ({KEYS} if manifest.with_keys else set())
        if set(told) != expected:
            raise Damaged(f"{place} does not hold what a backup holds.")
        for name in sorted(expected):
            if (
                _copy_out(tar, name, folder / name, lambda done: progress(done, total))
                != told[name]
            ):
                raise Damaged(f"{place} is damaged: {name} is not what was written.")
    return manifest


def check_free(place: Path, *, replace: bool) -> None:
    """Better now than after the work.  Raises: BackupRefused."""
    if place.exists() and not replace:
        raise BackupRefused(f"{place} exists already.  Choose another name, or add --force.")
    if not place.parent.is_dir():
        raise BackupRefused(f"There is no folder {place.parent}.")


def made_now(now: datetime) -> str:
    return now.isoformat(timespec="seconds")


def _fill(raw: BinaryIO, manifest: Manifest, files: Mapping[str, Path]) -> None:
    told = json.dumps(asdict(manifest), indent=2, sort_keys=True).encode()
    sums = {MANIFEST: hashlib.sha256(told).hexdigest()}
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, MANIFEST, io.BytesIO(told), len(told))
        for name, path in files.items():
            with path.open("rb") as file:
                sums[name] = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                _add(tar, name, file, path.stat().st_size)
        lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
        _add(tar, SUMS, io.BytesIO(lines), len(lines))


def _add(tar: tarfile.TarFile, name: str, content: Any, size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    tar.addfile(entry, content)


def _give_free_name(own: Path, place: Path) -> None:
    try:
        os.link(own, place)
    except FileExistsError:
        raise BackupRefused(f"{place} came into being meanwhile; it is left alone.") from None
    sync_folder(place.parent)


class _opened:  # noqa: N801 - reads like `open`
    """The tar, whose every fault is told as a damaged backup."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def __enter__(self) -> tarfile.TarFile:
        try:
            self._tar = tarfile.open(self._place, "r:")
        except FileNotFoundError:
            raise BackupRefused(f"There is no file {self._place}.") from None
        except (tarfile.TarError, OSError, EOFError) as error:
            raise Damaged(f"{self._place} is not a backup, or is damaged.") from error
        return self._tar

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._tar.close()
        if isinstance(error, tarfile.TarError | EOFError | ValueError | KeyError | TypeError):
            raise Damaged(f"{self._place} is damaged, or was cut off.") from error


def _manifest(told: bytes) -> Manifest:
    said = json.loads(told)
    if said.get("format") != FORMAT:
        raise BackupRefused("It was made by another version of the hub, in a form of its own.")
    return Manifest(**said)


def _sums(told: bytes) -> dict[str, str]:
    lines = (line.split("  ", 1) for line in told.decode("ascii").splitlines())
    return {name: digest for digest, name in lines}


def _small(tar: tarfile.TarFile, name: str) -> bytes:
    entry = tar.getmember(name)
    file = tar.extractfile(entry)
    if file is None or entry.size > _MOST_SMALL:
        raise ValueError(name)
    return file.read()


def _copy_out(tar: tarfile.TarFile, name: str, to: Path, progress: Callable[[int], None]) -> str:
    file, digest, done = tar.extractfile(tar.getmember(name)), hashlib.sha256(), 0
    if file is None:
        raise ValueError(name)
    with open(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        while part := file.read(_PART):
            digest.update(part)
            out.write(part)
            done += len(part)
            progress(done)
    return digest.hexdigest()
