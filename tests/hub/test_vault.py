"""Secrets at rest: unreadable in the database, readable after their keys have changed."""

import stat

import pytest
from cryptography.fernet import Fernet

from hub.config import Config, ConfigError
from hub.installations import create_installation, get_installation
from hub.registry import registry_of
from hub.vault import KEYS_FILE, Unreadable, open_vault, rotate
from loyalty_core.store import installations
from loyalty_core.store.database import read
from tests.support.hub import make_hub
from tests.support.shopfloor import SETTINGS, Remote, tablo


def config_in(folder, *keys):
    return Config(data_dir=folder, database_url="sqlite://", secret_keys=keys)


def sealed_settings(hub):
    with read(hub.engine) as connection:
        return [row.settings for row in installations.of_programme(connection, None)]


def test_what_is_sealed_opens_and_does_not_show():
    vault = open_vault(config_in(None, Fernet.generate_key().decode()))

    token = vault.seal({"token": "ключ", "shop": "main"})

    assert b"main" not in token
    assert vault.open(token) == {"token": "ключ", "shop": "main"}


def test_an_old_key_still_reads_and_the_newest_writes():
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    token = open_vault(config_in(None, old)).seal({"a": 1})

    both = open_vault(config_in(None, new, old))
    renewed = both.renew(token)

    assert both.open(token) == {"a": 1}
    assert open_vault(config_in(None, new)).open(renewed) == {"a": 1}


def test_without_its_key_nothing_opens():
    token = open_vault(config_in(None, Fernet.generate_key().decode())).seal({"a": 1})

    with pytest.raises(Unreadable):
        open_vault(config_in(None, Fernet.generate_key().decode())).open(token)


def test_keys_are_made_once_and_for_this_account_alone(tmp_path):
    token = open_vault(config_in(tmp_path)).seal({"a": 1})

    assert open_vault(config_in(tmp_path)).open(token) == {"a": 1}
    assert stat.S_IMODE((tmp_path / KEYS_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEYS_FILE]


def test_an_empty_file_of_keys_is_a_configuration_error(tmp_path):
    (tmp_path / KEYS_FILE).write_text("")

    with pytest.raises(ConfigError, match="HUB_SECRET_KEYS"):
        open_vault(config_in(tmp_path))


def test_derived_keys_differ_by_purpose_and_stay():
    key = Fernet.generate_key().decode()

    one, other = open_vault(config_in(None, key)), open_vault(config_in(None, key))

    assert one.derive("sessions") == other.derive("sessions")
    assert one.derive("sessions") != one.derive("codes")


def test_rotation_renews_every_installation_under_a_fresh_key(engine, tmp_path):
    registry = registry_of([tablo(Remote())])
    hub = make_hub(engine, registry=registry, data_dir=tmp_path, secret_keys=())
    running = make_hub(engine, registry=registry, data_dir=tmp_path, secret_keys=())
    made = [
        create_installation(hub, programme_id=7, connector="tablo", name=name, settings=SETTINGS).id
        for name in ("one", "two")
    ]
    before = sealed_settings(hub)
    old_keys = (tmp_path / KEYS_FILE).read_text().split()
    told = []

    count = rotate(hub, lambda done, total: told.append((done, total)))

    keys = (tmp_path / KEYS_FILE).read_text().split()
    assert count == 2
    assert told == [(1, 2), (2, 2)]
    assert keys[1:] == old_keys
    assert not set(sealed_settings(hub)) & set(before)
    for token in sealed_settings(hub):
        assert b"let-me-in" in Fernet(keys[0]).decrypt(token)
    assert get_installation(hub, made[0]).settings["shop"] == "main"
    assert get_installation(running, made[1]).trouble_code is None
