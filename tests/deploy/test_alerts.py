"""The rules of deploy/prometheus: sound to Prometheus, each alert tried and described, every metric one of ours."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.runtime.metrics import REGISTRY
from tests.support.dashboards import DASHBOARDS, queries

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "deploy/prometheus").glob("*.rules.yaml"))
TESTS = sorted(Path(__file__).parent.glob("prometheus/*.test.yaml"))
RUNBOOK = ROOT / "docs/OPERATIONS.md"


def rules() -> list[dict[str, Any]]:
    return [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def anchors(markdown: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def ran(*command: str | Path) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_prometheus_takes_the_rules(promtool: Path) -> None:
    assert RULES
    ran(promtool, "check", "rules", *RULES)
    ran(promtool, "check", "config", "--syntax-only", ROOT / "deploy/prometheus/prometheus.yml")


def test_each_alert_calls_when_it_has_to_and_not_otherwise(promtool: Path) -> None:
    ran(promtool, "test", "rules", *TESTS)
    tried = [
        case for path in TESTS for test in yaml.safe_load(path.read_text())["tests"] for case in test["alert_rule_test"]
    ]
    calling = {case["alertname"] for case in tried if case.get("exp_alerts")}
    silent = {case["alertname"] for case in tried if not case.get("exp_alerts")}
    names = {alert["alert"] for alert in alerts()}
    assert (calling, silent) == (names, names)


def test_each_alert_has_a_section_in_the_runbook() -> None:
    known = anchors(RUNBOOK.read_text())
    for alert in alerts():
        document, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert (ROOT / document, anchor) == (RUNBOOK, alert["alert"].lower())
        assert anchor in known, f"docs/OPERATIONS.md has no section {alert['alert']}"
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}


def test_every_metric_asked_for_is_one_a_process_shows() -> None:
    shown = {name for family in REGISTRY.collect() for name in _series(family.name, family.type)}
    kept = {rule["record"] for rule in rules() if "record" in rule}
    asked = [rule["expr"] for rule in rules()] + [query for path in DASHBOARDS for query in queries(path)]
    names = {name for expression in asked for name in re.findall(r"\bmailprobe[\w:]+", _without_labels(expression))}
    assert names - shown - kept == set()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_of_a_dashboard_do_not_lie_on_each_other(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in yaml.safe_load(path.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + right, place["y"] + down) for right in range(place["w"]) for down in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def _series(name: str, kind: str) -> list[str]:
    match kind:
        case "counter":
            return [f"{name}_total"]
        case "histogram":
            return [f"{name}_bucket", f"{name}_sum", f"{name}_count"]
    return [name]


def _without_labels(expression: str) -> str:
    return re.sub(r'"[^"]*"', "", expression)
