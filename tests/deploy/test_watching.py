"""Alerts and dashboard: every name they use is one that a running hub tells, and they fire."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from hub.jobs.scheduler import look_after, sweep
from hub.jobs.worker import beat
from loyalty_core.service.api_keys import create_key
from loyalty_core.store.database import write
from tests.deploy.conftest import DEPLOY, ROOT, needed
from tests.support.ingest import Shopfloor
from tests.support.shopfloor import receipt
from tools.check_links import anchors

ALERTS = DEPLOY / "prometheus" / "alerts.yml"
RULES = [
    rule for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"] for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana" / "loyalty-hub.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
NAME = re.compile(r"\bhub_[a-z_]+\b")
QUOTE = {
    "channel": "pos",
    "member": {"phone": "+79161234567", "verified": True},
    "lines": [{"id": "1", "sku": "TEA-1", "quantity": "1", "price": "100.00"}],
}


@pytest.fixture
def told(sqlite_engine, tmp_path):
    """The scrape of a hub that has done a little of everything."""
    (tmp_path / "data" / "backups").mkdir(parents=True)
    shop = Shopfloor(sqlite_engine, data_dir=tmp_path / "data")
    shop.deliver(event=receipt("1"))
    shop.drain()
    sweep(shop.hub)
    beat(shop.hub, "worker")
    with shop.hub.metrics.chore("upkeep"):
        look_after(shop.hub)
    shop.hub.metrics.upkeep("expire_points", 1)
    with write(shop.hub.engine) as connection:
        made = create_key(
            connection, programme_id=shop.programme.id, name="till", scopes=("checkout",),
            shops=None, now=shop.clock.now(),
        )  # fmt: skip
    quoted = shop.web.post(
        "/api/v1/quotes", json=QUOTE, headers={"Authorization": f"Bearer {made.key}"}
    )
    assert quoted.status_code == 200, quoted.text
    return shop.web.get("/metrics").text


def expressions():
    yield from (rule["expr"] for rule in RULES)
    for panel in PANELS:
        yield from (target["expr"] for target in panel["targets"])


def test_every_name_is_told_by_a_running_hub(told):
    families = list(text_string_to_metric_families(told))
    known = {sample.name for family in families for sample in family.samples}
    used = {name for expression in expressions() for name in NAME.findall(expression)}

    assert len(used) > 20
    assert used <= known, used - known


def test_what_is_told_is_shown(told):
    families = {family.name for family in text_string_to_metric_families(told)}
    ours = {name for name in families if name.startswith("hub_") and not name.endswith("_created")}
    shown = " ".join(expressions())

    assert len(ours) > 15
    assert not {name for name in ours if name not in shown}


@pytest.mark.parametrize("label", ["endpoint", "name"])
def test_labels_that_are_asked_for_are_there(told, label):
    asked = {
        value
        for expression in expressions()
        for value in re.findall(rf'\b{label}="([^"]+)"', expression)
    }
    there = {
        sample.labels.get(label)
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }

    assert asked
    assert asked <= there


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_and_where_it_is_told_what_to_do(rule):
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    tokens = MarkdownIt("commonmark").parse((ROOT / page).read_text(encoding="utf-8"))

    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert anchor == rule["alert"].lower()
    assert anchor in anchors(tokens)


def test_promtool_takes_the_rules_and_the_settings():
    promtool = needed("promtool", "prometheus")
    for words in (["check", "rules", str(ALERTS)], ["check", "config", "prometheus.yml"]):
        done = subprocess.run(
            [promtool, *words], cwd=ALERTS.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_should_and_only_then(tmp_path):
    promtool = needed("promtool", "prometheus")
    cases = yaml.safe_load(Path(__file__).with_name("alert_cases.yml").read_text("utf-8"))
    rules = {rule["alert"]: rule for rule in RULES}
    for case in cases["tests"]:
        for expected in case["alert_rule_test"]:
            rule = rules[expected["alertname"]]
            for alert in expected["exp_alerts"]:
                labels = alert.setdefault("exp_labels", {})
                labels["severity"] = rule["labels"]["severity"]
                alert["exp_annotations"]["runbook"] = rule["annotations"]["runbook"]
    written = tmp_path / "cases.yml"
    written.write_text(yaml.safe_dump({**cases, "rule_files": [str(ALERTS)]}), encoding="utf-8")

    done = subprocess.run(
        [promtool, "test", "rules", str(written)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    tried = {one["alertname"] for case in cases["tests"] for one in case["alert_rule_test"]}
    assert tried == rules.keys()


def test_the_dashboard_asks_a_source_that_can_be_chosen():
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    for panel in PANELS:
        for asked in [panel, *panel["targets"]]:
            assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_the_dashboard_is_read_from_above_by_a_person_on_call():
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]

    assert rows == [
        "Is anything wrong?", "Quotes", "Deliveries", "Outbox", "Jobs", "Database and machine",
    ]  # fmt: skip
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    places = [(panel["gridPos"]["y"], panel["gridPos"]["x"]) for panel in DASHBOARD["panels"]]
    assert places == sorted(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)
