"""Connectors by entry point: the usable ones load, each other is listed with its reason."""

import sys
from dataclasses import replace
from importlib.metadata import Distribution, EntryPoint
from types import ModuleType

import pytest

from hub.registry import GROUP, ConnectorUnavailable, EntryState, fits, load_registry
from tests.support.shopfloor import Remote, tablo


class Package(Distribution):
    """An installed package, as importlib.metadata sees one."""

    def __init__(self, name):
        self._name = name

    def read_text(self, filename):
        return f"Name: {self._name}\nVersion: 1.2\n" if filename == "METADATA" else None

    def locate_file(self, path):
        raise NotImplementedError


@pytest.fixture
def offer(monkeypatch):
    """Make an entry point of a package: `offer("tablo", value)`."""
    made = []

    def make(name, value, *, package="loyalty-hub"):
        module = ModuleType(f"offered_{len(made)}")
        module.CONNECTOR = value
        monkeypatch.setitem(sys.modules, module.__name__, module)
        point = EntryPoint(name, f"{module.__name__}:CONNECTOR", GROUP)._for(Package(package))
        made.append(point)
        return point

    return make


def tablo_as(**changes):
    connector = tablo(Remote())
    return replace(connector, manifest=replace(connector.manifest, **changes))


def states(registry):
    return {(entry.code, entry.distribution): str(entry.state) for entry in registry.entries}


def test_our_own_are_enabled_unless_told_otherwise(offer):
    points = [
        offer("tablo", tablo_as()),
        offer("stranger", tablo_as(code="stranger"), package="stranger-connector"),
    ]

    registry = load_registry(None, points)

    assert states(registry) == {
        ("tablo", "loyalty-hub"): "ready",
        ("stranger", "stranger-connector"): "disabled",
    }
    assert set(registry.ready()) == {"tablo"}


def test_only_those_named_are_enabled(offer):
    points = [
        offer("tablo", tablo_as()),
        offer("stranger", tablo_as(code="stranger"), package="stranger-connector"),
    ]

    registry = load_registry(("stranger",), points)

    assert set(registry.ready()) == {"stranger"}


def test_a_disabled_one_is_not_even_imported():
    point = EntryPoint("bomb", "module_that_does_not_exist:X", GROUP)._for(Package("bomb"))

    (entry,) = load_registry(None, [point]).entries

    assert entry.state is EntryState.DISABLED


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param("a text", "no Connector but str", id="not a connector"),
        pytest.param(tablo_as(code="other"), "holds connector 'other'", id="another code"),
        pytest.param(tablo_as(kit=">=2"), "needs the kit >=2", id="another kit"),
        pytest.param(tablo_as(kit="newest"), "needs the kit newest", id="unreadable range"),
        pytest.param(
            tablo_as(capabilities=frozenset()), "declares other capabilities", id="untrue"
        ),
    ],
)
def test_a_faulty_one_is_listed_with_its_reason(offer, value, reason):
    registry = load_registry(None, [offer("tablo", value)])

    (entry,) = registry.entries
    assert entry.state is EntryState.FAULTY
    assert reason in entry.reason
    with pytest.raises(ConnectorUnavailable, match="tablo"):
        registry.get("tablo")


def test_one_that_fails_at_import_does_not_take_the_hub_with_it(offer):
    broken = EntryPoint("broken", "module_that_does_not_exist:X", GROUP)._for(
        Package("loyalty-hub")
    )

    registry = load_registry(None, [broken, offer("tablo", tablo_as())])

    assert states(registry)["broken", "loyalty-hub"] == "faulty"
    assert set(registry.ready()) == {"tablo"}


def test_of_two_with_one_name_ours_stays(offer):
    points = [
        offer("tablo", tablo_as(), package="a-stranger"),
        offer("tablo", tablo_as()),
    ]

    registry = load_registry(("tablo",), points)

    assert states(registry) == {
        ("tablo", "loyalty-hub"): "ready",
        ("tablo", "a-stranger"): "faulty",
    }
    assert registry.get("tablo")


def test_of_two_strangers_with_one_name_neither_is_taken(offer):
    points = [
        offer("tablo", tablo_as(), package="one"),
        offer("tablo", tablo_as(), package="two"),
    ]

    registry = load_registry(("tablo",), points)

    assert set(states(registry).values()) == {"faulty"}


def test_one_that_is_enabled_and_missing_is_listed():
    registry = load_registry(("tablo",), [])

    (entry,) = registry.entries
    assert entry.state is EntryState.FAULTY
    assert "no installed package" in entry.reason


@pytest.mark.parametrize(
    ("version", "wanted", "fit"),
    [
        ("1.0", ">=1.0,<2", True),
        ("1.10", ">=1.9", True),
        ("2", ">=1.0,<2", False),
        ("1.0", "==1", True),
        ("1.0", "!=1", False),
        ("1.0", "", False),
        ("1.0", ">=1,", False),
    ],
)
def test_ranges_of_versions(version, wanted, fit):
    assert fits(version, wanted) is fit
