"""What a request that finds nobody says."""

from services.notifier.persistence import NotSent
from services.notifier.senders.http import OutboundHttp
from shared.probing.address_policy import LOOPBACK_NETWORKS, AddressPolicy
from tests.support.servers.process import free_ports


async def test_a_receiver_that_is_not_there_is_said_to_be_so_in_plain_words() -> None:
    (port,) = free_ports(1)
    async with OutboundHttp(AddressPolicy.create(LOOPBACK_NETWORKS)) as http:
        outcome = await http.request("POST", f"http://127.0.0.1:{port}/", headers={})
    assert isinstance(outcome, NotSent)
    assert outcome.reason == f"no connection to 127.0.0.1:{port}: Connection refused"
