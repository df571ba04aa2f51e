"""Our policies on a broker that does not load them from a file: apply them, or say what is missing.

Both speak RabbitMQ's management API. The words of `verify` are for an operator, by `mailprobe broker verify` and
`/readyz`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from yarl import URL

from shared.broker.definitions import QueuePolicy, queue_policies
from shared.broker.management import ManagementFailed as ManagementFailed
from shared.broker.management import open_management, path_part
from shared.broker.topology import CHECKS, DEAD_LETTERS_QUEUE, PRESENCE_QUEUE, RESULTS_QUEUE

_QUORUM_QUEUES = (RESULTS_QUEUE, PRESENCE_QUEUE, DEAD_LETTERS_QUEUE)


def vhost_of(amqp_url: str) -> str:
    """The vhost an AMQP URL leads to."""
    path = URL(amqp_url).raw_path.removeprefix("/")
    return unquote(path) or "/"


async def apply(management_url: str, *, vhost: str, policies: Sequence[QueuePolicy] | None = None) -> list[str]:
    """Make the vhost and set our policies in it; what was there under their names is replaced.

    `management_url` is `http://user:password@host:15672`. Returns the names set. Raises ManagementFailed.
    """
    wanted = queue_policies() if policies is None else policies
    async with open_management(management_url) as management:
        if await management.get(f"vhosts/{path_part(vhost)}") is None:
            await management.put(f"vhosts/{path_part(vhost)}", {})
        for policy in wanted:
            await management.put(
                f"policies/{path_part(vhost)}/{path_part(policy.name)}",
                {
                    "pattern": policy.pattern,
                    "apply-to": policy.apply_to,
                    "priority": policy.priority,
                    "definition": dict(policy.definition),
                },
            )
    return [policy.name for policy in wanted]


async def verify(management_url: str, *, vhost: str) -> list[str]:
    """What is missing or different on this broker, one sentence each; empty when all is well.

    Raises ManagementFailed.
    """
    wanted = queue_policies()
    async with open_management(management_url) as management:
        present = await management.get(f"policies/{path_part(vhost)}")
        queues = await management.get(f"queues/{path_part(vhost)}")
    if present is None:
        return [f"the vhost {vhost} does not exist; `mailprobe broker apply` makes it"]
    by_name = {policy["name"]: policy for policy in present}
    faults = [fault for policy in wanted for fault in _policy_faults(policy, by_name.get(policy.name))]
    named = {policy.name for policy in wanted if policy.name in by_name}
    return [*faults, *(fault for queue in queues or () for fault in _queue_faults(queue, wanted, named))]


def _policy_faults(wanted: QueuePolicy, present: Mapping[str, Any] | None) -> list[str]:
    if present is None:
        return [f"the policy {wanted.name} for queues {wanted.pattern} is missing; `mailprobe broker apply` sets it"]
    faults = []
    if present.get("pattern") != wanted.pattern or present.get("apply-to") != wanted.apply_to:
        faults.append(
            f"the policy {wanted.name} is for {present.get('apply-to')} {present.get('pattern')}, "
            f"not for {wanted.apply_to} {wanted.pattern}"
        )
    definition = present.get("definition", {})
    for key, value in wanted.definition.items():
        if key not in definition:
            faults.append(f"the policy {wanted.name} does not set {key} (ours: {value})")
        elif definition[key] != value and not (isinstance(value, int) and _is_own_limit(key, definition[key])):
            faults.append(f"the policy {wanted.name} sets {key} to {definition[key]}, ours is {value}")
    return faults


def _is_own_limit(key: str, value: object) -> bool:
    # How much a queue may hold is the operator's to choose, as long as there is a limit.
    return key in ("max-length", "max-length-bytes") and isinstance(value, int) and value > 0


def _queue_faults(queue: Mapping[str, Any], wanted: Sequence[QueuePolicy], named: set[str]) -> list[str]:
    name = str(queue.get("name", ""))
    faults = []
    policy = next((policy for policy in wanted if policy.covers(name)), None)
    # A policy that is missing has been reported already; here, one that another policy keeps from taking effect.
    if policy is not None and policy.name in named and queue.get("policy", policy.name) != policy.name:
        faults.append(f"the queue {name} is governed by the policy {queue.get('policy')}, not by {policy.name}")
    ours = name.startswith(f"{CHECKS}.") or name in _QUORUM_QUEUES
    if ours and queue.get("type", "quorum") != "quorum":
        faults.append(f"the queue {name} is a {queue.get('type')} queue; delete it, and it is made anew as quorum")
    return faults
