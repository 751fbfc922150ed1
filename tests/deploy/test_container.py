"""The container and compose files, by their text: no engine for containers builds them here."""

import os
import re
import subprocess

import pytest
import yaml

from hub.cli import WORDS
from tests.deploy.conftest import DEPLOY, ROOT
from tests.deploy.known import KNOWN, is_setting, settings_in

CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
COMPOSE_TEXT = (DEPLOY / "compose.yml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
SERVICES = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "scheduler")
PINNED = re.compile(r"[a-z0-9./-]+:\d+\.\d+(\.\d+)?(-[a-z0-9-]+)?")


def instructions():
    """(word, rest) of each instruction; continued lines are joined."""
    text = re.sub(r"\\\n\s*", "", CONTAINERFILE)
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def told(word):
    return [rest for name, rest in instructions() if name == word]


def test_each_instruction_is_one():
    known = {"FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "EXPOSE", "ENTRYPOINT", "CMD"}

    assert {word for word, _ in instructions()} <= known


def test_everything_that_is_copied_is_there_or_made_by_make_wheel(wheel):
    copied = [rest for rest in told("COPY") if not rest.startswith("--from=")]
    assert len(copied) == 2
    kept = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert kept[0] == "*"
    for rest in copied:
        source = rest.split()[0]
        found = (ROOT / source).exists() or (
            source.startswith("dist/") and wheel.match(source.removeprefix("dist/"))
        )
        assert found, source
        assert any(line.startswith(f"!{source.partition('loyalty_hub-')[0]}") for line in kept)


def test_images_are_pinned_by_tag():
    images = [rest.split()[0] for rest in told("FROM")]
    images += [service["image"] for service in SERVICES.values()]

    assert len(images) == 8
    for image in images:
        assert PINNED.fullmatch(image), image


def test_the_images_python_is_the_one_that_the_locks_were_made_for():
    (version,) = {re.search(r"python:(\d+\.\d+)", rest)[1] for rest in told("FROM")}

    assert f"Python :: {version}" in (ROOT / "setup.cfg").read_text(encoding="utf-8")


def test_backups_are_made_by_a_program_of_the_servers_version():
    (client,) = re.findall(r"postgresql-client-(\d+)", CONTAINERFILE)

    assert SERVICES["postgres"]["image"].startswith(f"postgres:{client}.")


def test_the_image_runs_as_nobody_in_particular_and_holds_no_secret():
    assert told("USER") == ["10001:10001"]
    for name, value in settings_in(" ".join(told("ENV"))):
        assert is_setting(name), name
        assert not re.search(r"KEYS|PASSWORD|_URL", name), (name, value)


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_closed_in(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "10001:10001"
    assert any(place.startswith("/tmp:") for place in service["tmpfs"])
    (word,) = service["command"]
    assert word in WORDS
    for setting in service["environment"]:
        assert is_setting(setting), setting


@pytest.mark.parametrize("name", ["web", "worker", "scheduler", "postgres", "redis"])
def test_what_runs_on_is_asked_whether_it_is_well(name):
    check = SERVICES[name]["healthcheck"]

    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= check.keys()


def test_what_a_check_asks_is_where_the_hub_listens():
    metrics_port = SERVICES["worker"]["environment"]["HUB_METRICS_PORT"]

    assert "127.0.0.1:8080/readyz" in SERVICES["web"]["healthcheck"]["test"][-1]
    assert SERVICES["web"]["ports"] == ["127.0.0.1:8080:8080"]
    for name in ("worker", "scheduler"):
        assert f":{metrics_port}/metrics" in SERVICES[name]["healthcheck"]["test"][-1]


def test_nothing_starts_before_the_schema_is_there():
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["migrate"]["restart"] == "no"
    for name in ("web", "worker", "scheduler"):
        wanted = SERVICES[name]["depends_on"]["migrate"]["condition"]
        assert wanted == "service_completed_successfully"


def test_secrets_are_files_and_each_is_declared():
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == COMPOSE["secrets"].keys()
    for name in OURS:
        for setting, value in SERVICES[name]["environment"].items():
            if "/run/secrets/" in str(value):
                assert setting.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in SERVICES[name]["secrets"]
            assert not re.search(r"(KEYS|PASSWORD|DATABASE_URL|REDIS_URL)$", setting), setting
    assert "PASSWORD:" not in COMPOSE_TEXT


def test_each_command_of_the_page_is_given_what_the_file_insists_on(tmp_path):
    """Compose reads the whole file at each call, and ends where such a variable is not set."""
    (wanted,) = set(re.findall(r"\$\{([A-Z_]+):\?", COMPOSE_TEXT))
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    walk = page.partition("### With containers")[2].partition("```sh\n")[2].partition("```")[0]
    lines = [line for line in walk.splitlines() if line.startswith(("docker ", "export ", wanted))]
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "asked with ${wanted}"\n', encoding="utf-8")
    docker.chmod(0o755)

    done = subprocess.run(
        ["sh", "-c", "\n".join(lines)], env={"PATH": f"{tmp_path}:{os.defpath}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    told = done.stdout.splitlines()
    assert len(told) == walk.count("docker compose ")
    assert set(told) == {"asked with https://hub.example.ru"}


def test_the_names_of_settings_are_really_read_from_the_hub():
    assert {"HUB_DATABASE_URL", "HUB_SECRET_KEYS", "HUB_METRICS_PORT"} <= KNOWN
    assert not is_setting("HUB_NO_SUCH_THING")
