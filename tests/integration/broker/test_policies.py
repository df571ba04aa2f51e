"""Policies on a real broker: applied, verified, and what an operator is told when they are not there."""

import asyncio

import pytest

from shared.broker.policies import ManagementFailed, apply, verify, vhost_of
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.topology import core_topology
from tests.support.servers.rabbitmq import GivenRabbit


async def test_a_broker_without_policies_is_told_which_are_missing(rabbitmq: GivenRabbit, amqp_vhost: str) -> None:
    for policy in await rabbitmq.api("GET", f"policies/{amqp_vhost}"):
        await rabbitmq.api("DELETE", f"policies/{amqp_vhost}/{policy['name']}")
    faults = await verify(rabbitmq.management_url, vhost=amqp_vhost)
    assert len(faults) == 6
    assert all("is missing; `mailprobe broker apply` sets it" in fault for fault in faults)
    assert any("mailprobe-checks" in fault for fault in faults)


async def test_applied_policies_verify_and_may_be_applied_again(rabbitmq: GivenRabbit, amqp_vhost: str) -> None:
    applied = await apply(rabbitmq.management_url, vhost=amqp_vhost)
    assert "mailprobe-results" in applied
    assert await apply(rabbitmq.management_url, vhost=amqp_vhost) == applied
    assert await verify(rabbitmq.management_url, vhost=amqp_vhost) == []


async def test_applying_makes_a_vhost_that_is_not_there(rabbitmq: GivenRabbit, amqp_vhost: str) -> None:
    other = f"{amqp_vhost}/other"
    try:
        [fault] = await verify(rabbitmq.management_url, vhost=other)
        assert f"the vhost {other} does not exist" in fault
        await apply(rabbitmq.management_url, vhost=other)
        assert await verify(rabbitmq.management_url, vhost=other) == []
        broker = RabbitBroker(rabbitmq.amqp_url(other), service="test", instance="test@here:0")
        await broker.open(timeout_seconds=60)
        assert vhost_of(rabbitmq.amqp_url(other)) == other
        await broker.close()
    finally:
        await rabbitmq.api("DELETE", f"vhosts/{amqp_vhost}%2Fother")


async def test_a_changed_policy_is_noticed_but_a_limit_of_the_operators_own_is_not(
    rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    await apply(rabbitmq.management_url, vhost=amqp_vhost)
    policy = await rabbitmq.api("GET", f"policies/{amqp_vhost}/mailprobe-checks")
    policy["definition"] |= {"max-length": 7, "delivery-limit": 3}
    await rabbitmq.api("PUT", f"policies/{amqp_vhost}/mailprobe-checks", policy)
    assert await verify(rabbitmq.management_url, vhost=amqp_vhost) == [
        "the policy mailprobe-checks sets delivery-limit to 3, ours is 5"
    ]


async def test_a_policy_that_outranks_ours_is_named(rabbitmq: GivenRabbit, amqp_vhost: str, amqp_url: str) -> None:
    await apply(rabbitmq.management_url, vhost=amqp_vhost)
    await rabbitmq.api(
        "PUT",
        f"policies/{amqp_vhost}/house-rule",
        {"pattern": ".*", "apply-to": "queues", "priority": 99, "definition": {"max-length": 10}},
    )
    broker = RabbitBroker(amqp_url, service="test", instance="test@here:0")
    await broker.open(timeout_seconds=60)
    await broker.declare(core_topology())
    await broker.close()
    wanted = "the queue mailprobe.results is governed by the policy house-rule, not by mailprobe-results"
    async with asyncio.timeout(60):
        while True:  # what governs a queue is known to the management API with its first statistics
            if wanted in await verify(rabbitmq.management_url, vhost=amqp_vhost):
                break
            await asyncio.sleep(0.2)


async def test_a_queue_of_the_wrong_kind_is_named(rabbitmq: GivenRabbit, amqp_vhost: str) -> None:
    await apply(rabbitmq.management_url, vhost=amqp_vhost)
    await rabbitmq.api("PUT", f"queues/{amqp_vhost}/mailprobe.results", {"durable": True})
    [fault] = await verify(rabbitmq.management_url, vhost=amqp_vhost)
    assert fault.startswith("the queue mailprobe.results is a classic queue")


async def test_a_refused_password_is_said_without_quoting_it(rabbitmq: GivenRabbit, amqp_vhost: str) -> None:
    host = rabbitmq.management_url.rpartition("@")[2]
    with pytest.raises(ManagementFailed, match="does not know this user or password") as raised:
        await verify(f"http://mailprobe:wr0ng@{host}", vhost=amqp_vhost)
    assert "wr0ng" not in str(raised.value)


async def test_an_address_where_nobody_listens_is_said() -> None:
    with pytest.raises(ManagementFailed, match=r"cannot reach RabbitMQ's management at http://127\.0\.0\.1:1"):
        await verify("http://mailprobe:secret@127.0.0.1:1", vhost="/")
