"""Connectors, found by entry point and never by import.

A connector runs with all the hub's rights, so one that merely lies installed is not even
imported: `HUB_CONNECTORS_ENABLED` names those to load; not set, it is those that came with the
hub itself.  One that cannot be used is listed with its reason, and the hub starts without it.
"""

from __future__ import annotations

import pickle
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points

import structlog

from loyalty_kit import KIT_VERSION
from loyalty_kit.ports import Connector, Translated

log = structlog.get_logger(__name__)

GROUP = "loyalty_hub.connectors"
OWN_DISTRIBUTION = "loyalty-hub"


class EntryState(StrEnum):
    READY = "ready"
    DISABLED = "disabled"
    FAULTY = "faulty"


@dataclass(frozen=True, slots=True)
class Entry:
    """One connector that is installed; `connector` is there only when it is ready."""

    code: str
    state: EntryState
    distribution: str
    version: str
    connector: Connector | None = None
    reason: str | None = None


class ConnectorUnavailable(LookupError):
    """No ready connector has this code; the text says why."""

    code = "connector_unavailable"


@dataclass(frozen=True, slots=True)
class Registry:
    entries: tuple[Entry, ...]

    def get(self, code: str) -> Connector:
        """Raises: ConnectorUnavailable."""
        found = [entry for entry in self.entries if entry.code == code]
        for entry in found:
            if entry.connector is not None:
                return entry.connector
        reason = found[0].reason if found else "no installed package offers it"
        raise ConnectorUnavailable(f"Connector {code!r} is not available: {reason}.")

    def ready(self) -> Mapping[str, Connector]:
        return {e.code: e.connector for e in self.entries if e.connector is not None}


def registry_of(connectors: Iterable[Connector]) -> Registry:
    """A registry of connectors that are at hand already: the tests' way in."""
    return Registry(
        tuple(
            Entry(c.manifest.code, EntryState.READY, "given", KIT_VERSION, connector=c)
            for c in connectors
        )
    )


def load_registry(
    enabled: Iterable[str] | None, points: Iterable[EntryPoint] | None = None
) -> Registry:
    """Load what is enabled; codes that are enabled but nowhere installed are listed too."""
    found = sorted(
        entry_points(group=GROUP) if points is None else points,
        key=lambda point: (point.name, not _is_own(point)),
    )
    wanted = None if enabled is None else frozenset(enabled)
    chosen = [point for point in found if _is_enabled(point, wanted)]
    counts = Counter(point.name for point in chosen)
    entries = [
        _load(point, _clash(point, counts)) if point in chosen else _disabled(point)
        for point in found
    ]
    missing = sorted((wanted or frozenset()) - {point.name for point in found})
    entries += [
        Entry(code, EntryState.FAULTY, "", "", reason="enabled, but no installed package offers it")
        for code in missing
    ]
    for entry in entries:
        if entry.state is EntryState.FAULTY:
            log.error("connector_faulty", connector=entry.code, reason=entry.reason)
    return Registry(tuple(entries))


def _is_own(point: EntryPoint) -> bool:
    return _distribution(point)[0] == OWN_DISTRIBUTION


def _distribution(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("", "")


def _is_enabled(point: EntryPoint, wanted: frozenset[str] | None) -> bool:
    return _is_own(point) if wanted is None else point.name in wanted


def _disabled(point: EntryPoint) -> Entry:
    reason = "installed, but not named in HUB_CONNECTORS_ENABLED"
    return Entry(point.name, EntryState.DISABLED, *_distribution(point), reason=reason)


def _clash(point: EntryPoint, counts: Counter[str]) -> str | None:
    """Our own keeps its name; of strangers with one name, none is trusted."""
    if counts[point.name] == 1 or _is_own(point):
        return None
    return "two packages offer a connector of this name"


def _load(point: EntryPoint, clash: str | None) -> Entry:
    about = _distribution(point)
    if clash:
        return Entry(point.name, EntryState.FAULTY, *about, reason=clash)
    try:
        value = point.load()
    except Exception as error:  # another's module: it may raise anything
        log.error("connector_import_failed", connector=point.name, exc_info=error)
        reason = f"fails at import: {type(error).__name__}: {error}"
        return Entry(point.name, EntryState.FAULTY, *about, reason=reason)
    fault = _fault(point.name, value)
    if fault or not isinstance(value, Connector):
        return Entry(point.name, EntryState.FAULTY, *about, reason=fault)
    return Entry(point.name, EntryState.READY, *about, connector=value)


def _fault(name: str, value: object) -> str | None:
    if not isinstance(value, Connector):
        return f"the entry point holds no Connector but {type(value).__name__}"
    manifest = value.manifest
    if manifest.code != name:
        return f"the entry point {name!r} holds connector {manifest.code!r}"
    if not fits(KIT_VERSION, manifest.kit):
        return f"needs the kit {manifest.kit}; this hub has {KIT_VERSION}"
    untrue = value.implemented() ^ manifest.capabilities
    if untrue:
        return f"declares other capabilities than it has: {', '.join(sorted(untrue))}"
    return _nameless(value)


def translators(connector: Connector) -> dict[str, Callable[..., Translated]]:
    """What gives meaning to what comes from the connector's vendor, by the name of its way in."""
    found: dict[str, Callable[..., Translated]] = {
        hook.name: hook.translate for hook in connector.webhooks
    }
    if connector.fetch is not None:
        found["fetch"] = connector.fetch.translate
    return found


def _nameless(connector: Connector) -> str | None:
    """Translators run in another process, which finds them by name."""
    for name, translate in translators(connector).items():
        try:
            pickle.dumps(translate)
        except (pickle.PicklingError, AttributeError, TypeError):
            return f"the translator of {name!r} is no function or method of a module's own name"
    return None


_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)\s*")


def fits(version: str, wanted: str) -> bool:
    """Whether a version is in a range like ">=1.0,<2"; a range that cannot be read fits none."""
    clauses = [_CLAUSE.fullmatch(clause) for clause in wanted.split(",")]
    return all(match is not None and _holds(version, *match.groups()) for match in clauses)


def _holds(version: str, operator: str, bound: str) -> bool:
    have, other = _numbers(version), _numbers(bound)
    width = max(len(have), len(other))
    have += (0,) * (width - len(have))
    other += (0,) * (width - len(other))
    return {
        ">=": have >= other,
        "<=": have <= other,
        "==": have == other,
        "!=": have != other,
        ">": have > other,
        "<": have < other,
    }[operator]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
