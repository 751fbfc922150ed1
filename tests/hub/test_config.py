"""Configuration: what a bare environment gives, and every wrong variable named at once."""

import os

import pytest

from hub.config import ConfigError, load_config, unknown_settings
from tests.deploy.known import KNOWN


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    for name in (
        "HUB_DATABASE_URL",
        "HUB_REDIS_URL",
        "HUB_PORT",
        "HUB_HOST",
        "HUB_DEMO",
        "HUB_WEB_WORKERS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path))


def test_a_bare_environment_is_an_embedded_hub(tmp_path):
    config = load_config()

    assert config.database_url == f"sqlite:///{tmp_path}/hub.db"
    assert (config.host, config.port) == ("127.0.0.1", 8080)
    assert config.redis_url is None
    assert config.demo is True
    assert config.allow_private_addresses is False
    assert config.connectors_enabled is None
    assert config.quote_deadline_ms == 300


@pytest.mark.parametrize(("cores", "processes"), [(None, 2), (1, 2), (3, 3), (4, 4), (32, 4)])
def test_the_web_has_a_process_a_core_within_reason(monkeypatch, cores, processes):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert load_config().web_workers == processes

    monkeypatch.setenv("HUB_WEB_WORKERS", "7")
    assert load_config().web_workers == 7


def test_what_is_given_counts(monkeypatch):
    monkeypatch.setenv("HUB_DATABASE_URL", "postgresql://hub@db/hub")
    monkeypatch.setenv("HUB_REDIS_URL", "redis://queue:6379/0")
    monkeypatch.setenv("HUB_DEMO", "0")
    monkeypatch.setenv("HUB_PORT", "9090")
    monkeypatch.setenv("HUB_CONNECTORS_ENABLED", "wordpress, tablo")
    monkeypatch.setenv("HUB_PUBLIC_URL", "https://hub.example.ru")

    config = load_config()

    assert config.database_url == "postgresql://hub@db/hub"
    assert config.redis_url == "redis://queue:6379/0"
    assert config.demo is False
    assert config.port == 9090
    assert config.connectors_enabled == ("wordpress", "tablo")
    assert config.public_https is True


def test_a_value_may_come_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "url").write_text("postgresql://hub:secret@db/hub\n")
    monkeypatch.setenv("HUB_DATABASE_URL_FILE", str(tmp_path / "url"))

    assert load_config().database_url == "postgresql://hub:secret@db/hub"


def test_each_setting_that_is_read_is_known(monkeypatch):
    for name in os.environ:
        if name.startswith("HUB_"):
            monkeypatch.delenv(name)
    for name in KNOWN:
        monkeypatch.setenv(name, "")
        monkeypatch.setenv(f"{name}_FILE", "")
    assert unknown_settings() == []

    monkeypatch.setenv("HUB_POTR", "9090")
    assert unknown_settings() == ["HUB_POTR"]


def test_every_file_that_holds_no_value_is_named(monkeypatch, tmp_path):
    """A file of keys that was not written is no reason to make others."""
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff\x00")
    given = {
        "HUB_SECRET_KEYS_FILE": ("empty", "is empty"),
        "HUB_REDIS_URL_FILE": ("bytes", "no text"),
        "HUB_DATABASE_URL_FILE": ("nowhere", "No such file"),
        "HUB_ADMIN_PASSWORD_FILE": (".", "directory"),
    }
    for name, (file, _) in given.items():
        monkeypatch.setenv(name, str(tmp_path / file))

    with pytest.raises(ConfigError) as told:
        load_config()

    assert told.value.problems.keys() == given.keys()
    for name, (_, why) in given.items():
        assert why in str(told.value.problems[name]), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUB_RATE_LIMIT", "fast"),
        ("HUB_RATE_LIMIT", ""),
        ("HUB_PUBLIC_URL", "http://[::1"),
        ("HUB_REDIS_URL", "redis://[::1"),
    ],
)
def test_what_cannot_be_parsed_is_named_beside_the_others(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("HUB_PORT", "many")

    with pytest.raises(ConfigError) as told:
        load_config()

    assert set(told.value.problems) == {name, "HUB_PORT"}


def test_empty_variables_are_not_given(monkeypatch):
    for name in ("HUB_REDIS_URL", "HUB_PUBLIC_URL", "HUB_ADMIN_PASSWORD", "HUB_SECRET_KEYS"):
        monkeypatch.setenv(name, "")

    config = load_config()

    assert config.redis_url is None
    assert config.public_url is None
    assert config.admin_password is None
    assert config.secret_keys == ()


def test_all_that_is_wrong_is_named_at_once(monkeypatch):
    monkeypatch.setenv("HUB_PORT", "eighty")
    monkeypatch.setenv("HUB_DATABASE_URL", "mysql://db/hub")
    monkeypatch.setenv("HUB_REDIS_URL", "http://queue")
    monkeypatch.setenv("HUB_SECRET_KEYS", "not-a-key")
    monkeypatch.setenv("HUB_SWEEP_S", "600")

    with pytest.raises(ConfigError) as caught:
        load_config()

    assert set(caught.value.problems) == {
        "HUB_PORT",
        "HUB_DATABASE_URL",
        "HUB_REDIS_URL",
        "HUB_SECRET_KEYS",
        "HUB_SWEEP_S",
    }
    assert "postgresql://" in str(caught.value)


def test_a_secret_is_not_repeated_in_the_complaint(monkeypatch):
    monkeypatch.setenv("HUB_ADMIN_PASSWORD", "qwe")
    monkeypatch.setenv("HUB_SECRET_KEYS", "hunter-two")

    with pytest.raises(ConfigError) as caught:
        load_config()

    assert "qwe" not in str(caught.value)
    assert "hunter-two" not in str(caught.value)
