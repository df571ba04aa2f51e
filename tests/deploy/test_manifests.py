"""What every rendered manifest has to have: security, probes, time to end, budgets, and who may reach whom."""

import ipaddress
from typing import Any

import pytest
import yaml

from services.api_gateway.http_server import GOODBYE_SECONDS
from shared.probing.job_handling.worker import DRAIN_ANSWERS_SECONDS, DRAIN_CHECKS_SECONDS, DRAIN_LAST_SECONDS
from tests.deploy.containers import ROOT, image, manifests, of_compose, of_manifest
from tests.deploy.known_settings import SETTINGS, unknown

ALL = list(manifests())
DEPLOYMENTS = {
    each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in ALL if each["kind"] == "Deployment"
}
POLICIES = {
    each["metadata"]["labels"]["app.kubernetes.io/component"]: each["spec"]
    for each in ALL
    if each["kind"] == "NetworkPolicy"
}
SERVICES = {"api-gateway", "scheduler", "result-recorder", "notifier", "imap-worker", "pop3-worker"}
ON_THE_INTERNET = ipaddress.ip_address("203.0.113.7")


def pods() -> list[Any]:
    found = []
    for each in ALL:
        if each["kind"] in ("Deployment", "Job", "CronJob"):
            spec = each["spec"].get("jobTemplate", each)["spec"]
            found.append(pytest.param(spec["template"], id=f"{each['kind']} {each['metadata']['name']}"))
    return found


def test_every_service_is_deployed() -> None:
    assert set(DEPLOYMENTS) == SERVICES
    served = {tuple(of_manifest(each).command) for each in DEPLOYMENTS.values()}
    assert served == {("mailprobe", "serve", name.replace("-", "_")) for name in SERVICES}


@pytest.mark.parametrize("pod", pods())
def test_every_pod_keeps_to_restricted_pod_security(pod: dict[str, Any]) -> None:
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(spec)
    security = spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert f"{security['runAsUser']}:{security['runAsGroup']}" == image().user
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]) == {"requests", "limits"}
    assert all(set(volume) - {"name"} <= {"secret", "emptyDir", "configMap"} for volume in spec["volumes"])


@pytest.mark.parametrize("part", sorted(SERVICES))
def test_probes_ask_what_is_served_and_being_alive_needs_no_back_end(part: str) -> None:
    container = of_manifest(DEPLOYMENTS[part])
    admin_port = int(container.environment["MAILPROBE_ADMIN_PORT"])
    assert container.probes == {"livenessProbe": ("/livez", admin_port), "readinessProbe": ("/readyz", admin_port)}
    assert container.environment["MAILPROBE_ADMIN_HOST"] == "0.0.0.0"


def test_there_is_time_to_end_in_order() -> None:
    longest = {
        "imap-worker": DRAIN_CHECKS_SECONDS + DRAIN_ANSWERS_SECONDS + DRAIN_LAST_SECONDS,
        "pop3-worker": DRAIN_CHECKS_SECONDS + DRAIN_ANSWERS_SECONDS + DRAIN_LAST_SECONDS,
        "api-gateway": GOODBYE_SECONDS,
    }
    for part, seconds in longest.items():
        assert of_manifest(DEPLOYMENTS[part]).grace_seconds > seconds, part


@pytest.mark.parametrize("part", sorted(SERVICES))
def test_every_service_is_spread_and_never_taken_down_at_once(part: str) -> None:
    deployment = DEPLOYMENTS[part]
    labels = deployment["spec"]["selector"]["matchLabels"]
    assert labels.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    budgets = [each for each in ALL if each["kind"] == "PodDisruptionBudget"]
    assert [each["spec"]["selector"]["matchLabels"] for each in budgets].count(labels) == 1
    scalers = [each for each in ALL if each["kind"] == "HorizontalPodAutoscaler"]
    fewest = [
        each["spec"]["minReplicas"] for each in scalers if each["metadata"]["name"] == deployment["metadata"]["name"]
    ]
    assert fewest == [2] if "replicas" not in deployment["spec"] else deployment["spec"]["replicas"] == 2


def test_each_has_the_secrets_of_its_own_and_no_others() -> None:
    holders = {
        part: {name for name in of_manifest(each).environment if name.endswith("_FILE")}
        for part, each in DEPLOYMENTS.items()
    }
    who = {name: {part for part, names in holders.items() if name in names} for name in set().union(*holders.values())}
    workers = {"imap-worker", "pop3-worker"}
    assert who == {
        "MAILPROBE_DATABASE_URL_FILE": SERVICES - workers,
        "MAILPROBE_AMQP_URL_FILE": SERVICES - {"notifier"},
        "MAILPROBE_MANAGEMENT_URL_FILE": {"scheduler", "result-recorder"},
        "MAILPROBE_PRIVATE_KEYS_FILE": workers,
        "MAILPROBE_PUBLIC_KEYS_FILE": {"api-gateway"},
        "MAILPROBE_CHANNEL_PUBLIC_KEYS_FILE": {"api-gateway"},
        "MAILPROBE_CHANNEL_PRIVATE_KEYS_FILE": {"notifier"},
    }
    mounted = {part: set(of_manifest(each).mounts.values()) for part, each in DEPLOYMENTS.items()}
    assert all(len(secrets) == 1 for secrets in mounted.values())
    assert len(set().union(*mounted.values())) == len(DEPLOYMENTS), "two parts share a Secret"
    assert "operator" not in set().union(*mounted.values())


def reachable(part: str, *, inside: bool) -> set[int]:
    """Ports a pod may connect to: of any pod of the cluster, or of an address on the internet."""
    policy = POLICIES[part]
    assert "Egress" in policy["policyTypes"]
    ports: set[int] = set()
    for rule in policy["egress"]:
        blocks = [ipaddress.ip_network(each["ipBlock"]["cidr"]) for each in rule["to"] if "ipBlock" in each]
        names_pods = any("namespaceSelector" in each for each in rule["to"])
        if (inside and names_pods) or (not inside and any(ON_THE_INTERNET in block for block in blocks)):
            ports |= {each["port"] for each in rule["ports"]}
    return ports


def test_each_reaches_what_it_works_with_and_nothing_else() -> None:
    dns, database, broker, management = 53, 5432, 5672, 15672
    mail, telling = {143, 993, 110, 995}, {443, 25, 465, 587}
    inside = {part: reachable(part, inside=True) for part in POLICIES}
    assert inside == {
        "api-gateway": {dns, database, broker},
        "scheduler": {dns, database, broker, management},
        "result-recorder": {dns, database, broker, management},
        "notifier": {dns, database},
        "imap-worker": {dns, broker},
        "pop3-worker": {dns, broker},
        "migrate": {dns, database},
        "token": {dns, database},
        "set-up-link": {dns, database},
        "broker-apply": {dns, management},
    }
    outside = {part: ports for part in POLICIES if (ports := reachable(part, inside=False))}
    assert outside == {"imap-worker": mail, "pop3-worker": mail, "notifier": telling}


def test_no_policy_leads_to_a_clouds_metadata() -> None:
    for policy in POLICIES.values():
        for rule in policy["egress"]:
            for block in (each["ipBlock"] for each in rule["to"] if "ipBlock" in each):
                network = ipaddress.ip_network(block["cidr"])
                if network.version == 4:
                    excepted = [ipaddress.ip_network(each) for each in block["except"]]
                    assert any(ipaddress.ip_address("169.254.169.254") in each for each in excepted)


def test_only_the_gateway_is_reached_by_clients() -> None:
    entered = {
        part: {each["port"] for rule in policy["ingress"] for each in rule["ports"]}
        for part, policy in POLICIES.items()
    }
    assert entered.pop("api-gateway") == {8080, 9100}
    assert {part: ports for part, ports in entered.items() if ports - {9100}} == {}
    assert {part for part, ports in entered.items() if not ports} == {"migrate", "token", "set-up-link", "broker-apply"}


def test_compose_keeps_each_on_the_networks_of_its_work() -> None:
    document = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    networks = {name: set(service.get("networks", ())) for name, service in document["services"].items()}
    assert networks["imap_worker"] == networks["pop3_worker"] == {"broker", "mail"}
    assert networks["scheduler"] == networks["result_recorder"] == {"database", "broker"}
    assert networks["notifier"] == {"database", "people"}
    assert networks["postgres"] == {"database"}
    assert document["networks"]["database"] == document["networks"]["broker"] == {"internal": True}
    for name, service in document["services"].items():
        if "build" in service:
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
    grace = {name: service.get("stop_grace_period") for name, service in document["services"].items()}
    assert grace["imap_worker"] == grace["pop3_worker"] == grace["api_gateway"] == "90s"


def test_every_setting_that_is_named_is_one_of_its_service() -> None:
    containers = [*map(of_manifest, DEPLOYMENTS.values()), *of_compose().values()]
    serving = [each for each in containers if each.command[-1] in SETTINGS]
    assert len(serving) == 2 * len(SERVICES) + 1
    of_the_image = set(image().environment)
    for each in serving:
        assert unknown(each.command, set(each.environment) - of_the_image) == [], each.name
    assert unknown(["serve", "scheduler"], ["MAILPROBE_PRIVATE_KEYS", "MAILPROBE_PORTS"]) != []
