"""The queries of our Grafana dashboards."""

import json
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "deploy/grafana"
DASHBOARDS = sorted(FOLDER.glob("*.json"))


def queries(path: Path, *, interval: str = "1m") -> list[str]:
    """Every query of a dashboard, Grafana's own variable filled in."""
    panels = json.loads(path.read_text())["panels"]
    return [target["expr"].replace("$__rate_interval", interval) for panel in panels for target in panel["targets"]]
