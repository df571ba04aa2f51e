"""Whether a process can work with the broker, for its `/readyz`: that it answers, and where asked for, its policies."""

from collections.abc import Awaitable, Callable

from shared.broker.policies import ManagementFailed, verify, vhost_of
from shared.broker.seam import Broker

# None: fine. A text says what is wrong.
BrokerCheck = Callable[[], Awaitable[str | None]]


def broker_checks(broker: Broker, *, amqp_url: str, policies_url: str | None) -> dict[str, BrokerCheck]:
    """The checks by name.

    Args:
        policies_url: RabbitMQ's management address, where its policies are to be looked at as well.
    """

    async def answers() -> str | None:
        return None if await broker.healthy() else "cannot reach RabbitMQ, or it takes no messages"

    if policies_url is None:
        return {"broker": answers}

    async def policies() -> str | None:
        try:
            return "; ".join(await verify(policies_url, vhost=vhost_of(amqp_url))) or None
        except ManagementFailed as error:
            return str(error)

    return {"broker": answers, "policies": policies}
