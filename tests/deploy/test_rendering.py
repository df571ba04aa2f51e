"""The files of image, compose and chart, read by the programs that will read them; by `make check-deploy`."""

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.check import render
from tests.deploy import custom_resources
from tests.deploy.known_settings import unknown

pytestmark = pytest.mark.manifests

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy/compose.yaml"
KUBERNETES = ("1.34.0", "1.37.0")
KEDA = ("--set", "autoscaling.keda.enabled=true,autoscaling.keda.prometheusAddress=http://prometheus.monitoring:9090")
VARIANTS: dict[str, tuple[str, ...]] = {
    "defaults": (),
    "scaled by KEDA": KEDA,
    "watched": ("--set", "monitoring.podMonitor=true,monitoring.prometheusRule=true"),
    "bare": (
        "--set",
        "autoscaling.enabled=false,networkPolicy.enabled=false,podDisruptionBudget.enabled=false,"
        "migrate.enabled=false,brokerApply.enabled=false",
    ),
    "everything named": (*KEDA, "--values", str(ROOT / "tests/deploy/every-value.yaml")),
}


def ran(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, cwd=ROOT, **options)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer


def compose(*arguments: str) -> dict[str, Any]:
    """The file as Compose understands it."""
    command = (render.program("docker-compose"), "--file", str(COMPOSE), *arguments, "config", "--format", "json")
    answer: dict[str, Any] = json.loads(ran(*command).stdout)
    return answer


def test_hadolint_finds_nothing() -> None:
    ran(render.program("hadolint"), "--failure-threshold", "style", "deploy/Dockerfile")


@pytest.mark.parametrize("arguments", [(), ("--env-file", "deploy/demo.env"), ("--profile", "tools")])
def test_compose_takes_the_file_without_any_setting(arguments: tuple[str, ...]) -> None:
    services = compose(*arguments)["services"]
    assert ("practice" in services) == ("deploy/demo.env" in arguments)
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", name


def test_helm_lints_strictly() -> None:
    ran(render.program("helm"), "lint", "--strict", str(render.CHART))


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_kubernetes_takes_what_is_rendered(variant: str, version: str) -> None:
    from kubernetes_validate import validate  # installed by make check-deploy

    documents = render.render(*VARIANTS[variant])
    assert documents
    for document in documents:
        if custom_resources.is_custom(document):
            custom_resources.require_valid(document)
        else:
            validate(document, version, strict=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_setting_that_is_rendered_is_one_of_its_service(variant: str) -> None:
    for document in render.render(*VARIANTS[variant]):
        if document["kind"] == "Deployment":
            (container,) = document["spec"]["template"]["spec"]["containers"]
            assert unknown(container["args"], [each["name"] for each in container["env"]]) == [], document["metadata"]


def of(kind: str, part: str, *options: str) -> dict[str, Any]:
    """The one object of this kind and part that is rendered."""
    (found,) = [
        each
        for each in render.render(*options)
        if each["kind"] == kind and each["metadata"]["labels"]["app.kubernetes.io/component"] == part
    ]
    return found


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ((), None),
        (("--set", "publicUrl=https://watch.example.com"), "https://watch.example.com"),
        (("--set", "apiGateway.ingress.enabled=true,apiGateway.ingress.host=in.example.com"), "http://in.example.com"),
        (
            (
                "--set",
                "apiGateway.ingress.enabled=true,apiGateway.ingress.host=in.example.com,apiGateway.ingress.tlsSecret=t",
            ),
            "https://in.example.com",
        ),
    ],
)
def test_gateway_and_notifier_know_where_people_reach_it(options: tuple[str, ...], address: str | None) -> None:
    for part in ("api-gateway", "notifier"):
        (container,) = of("Deployment", part, *options)["spec"]["template"]["spec"]["containers"]
        assert {each["name"]: each["value"] for each in container["env"]}.get("MAILPROBE_PUBLIC_URL") == address, part


@pytest.mark.parametrize("asks", [False, True])
def test_the_gateway_reaches_the_internet_only_where_it_is_to_ask_there(asks: bool) -> None:
    policy = of("NetworkPolicy", "api-gateway", "--set", f"apiGateway.discovery.fetch={str(asks).lower()}")
    blocks = [rule for rule in policy["spec"]["egress"] if any("ipBlock" in each for each in rule["to"])]
    assert [[each["port"] for each in rule["ports"]] for rule in blocks] == ([[443, 80]] if asks else [])


def test_what_is_wrong_is_noticed() -> None:
    from kubernetes_validate import ValidationError, validate

    documents = render.render(*KEDA)
    deployment = copy.deepcopy(next(each for each in documents if each["kind"] == "Deployment"))
    deployment["spec"]["template"]["spec"]["terminationGraceSeconds"] = 3
    with pytest.raises(ValidationError):
        validate(deployment, KUBERNETES[0], strict=True)
    scaled = copy.deepcopy(next(each for each in documents if each["kind"] == "ScaledObject"))
    scaled["spec"]["triggers"][0]["metadata"]["treshold"] = "1"
    with pytest.raises(jsonschema.ValidationError):
        custom_resources.require_valid(scaled)


@pytest.mark.parametrize(
    "wrong",
    [
        "worker.terminationGracePeriodSeconds=30",
        "worker.replicas=1",
        "locations[0].code=EU FRA",
        "locations[0].protocols={smtp}",
        "apiGatway.replicas=3",
        "image.pullPolicy=sometimes",
        "worker.extraPorts={70000}",
        "scheduler.extraEnv.PASSWORD=x",
        "backup.enabled=true",
        "backup.schedule=at night",
    ],
)
def test_wrong_values_are_refused(wrong: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        render.render("--set", wrong)
    assert "values" in refused.value.stderr
    assert "don't meet the specifications of the schema" in refused.value.stderr


def test_the_default_values_are_what_the_schema_describes() -> None:
    schema = json.loads((render.CHART / "values.schema.json").read_text())
    values = yaml.safe_load((render.CHART / "values.yaml").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(values)

    def undescribed(values: dict[str, Any], schema_part: dict[str, Any], where: str) -> list[str]:
        """Keys the schema has and values.yaml does not show."""
        part = schema["$defs"][schema_part["$ref"].rpartition("/")[2]] if "$ref" in schema_part else schema_part
        found = []
        for key, inner in part.get("properties", {}).items():
            if key not in values:
                found.append(f"{where}{key}")
            elif isinstance(values[key], dict):
                found += undescribed(values[key], inner, f"{where}{key}.")
        return found

    hidden = {"global", "migrate.vhost"}  # helm's own; shared by two parts of which one has a vhost
    assert {key for key in undescribed(values, schema, "") if ".resources." not in key} == hidden


def test_kustomize_and_rules_are_what_the_chart_renders() -> None:
    wanted = render.rendered_files()
    there = {*render.KUSTOMIZE.rglob("*.yaml"), *(render.CHART / "rules").glob("*.rules.yaml")}
    assert there == set(wanted), "run `make manifests`"
    stale = [str(path.relative_to(ROOT)) for path, text in wanted.items() if path.read_text() != text]
    assert not stale, "run `make manifests`"


@pytest.mark.parametrize("folder", ["setup", "services"])
def test_kustomize_builds(folder: str) -> None:
    built = ran(render.program("kubectl"), "kustomize", str(render.KUSTOMIZE / folder)).stdout
    kinds = {document["kind"] for document in yaml.safe_load_all(built)}
    assert kinds == {"Job"} if folder == "setup" else "Deployment" in kinds


@pytest.mark.parametrize("options", [(), ("--set", "backup.enabled=true,backup.claim=backups")])
def test_the_notes_name_every_secret_that_is_mounted(options: tuple[str, ...]) -> None:
    command = (
        render.program("helm"),
        "install",
        "mailprobe",
        str(render.CHART),
        "--dry-run=client",
        "--namespace",
        "x",
        *options,
    )
    said = ran(*command).stdout.partition("NOTES:")[2]
    mounted = {
        volume["secret"]["secretName"]
        for document in render.render(*options)
        if document["kind"] in ("Deployment", "Job", "CronJob")
        for volume in document["spec"].get("jobTemplate", document)["spec"]["template"]["spec"]["volumes"]
        if "secret" in volume
    }
    assert mounted
    assert {name for name in mounted if name not in said} == set()
