"""The operation of discovery."""

from services.api_gateway.discovery import handlers
from services.api_gateway.discovery.models import Discovered, DiscoveryWanted
from services.api_gateway.operation import NOT_ALLOWED, WRONG_FIELDS, Operation

DISCOVERY_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="POST",
        path=handlers.PATH,
        name="discoverMailbox",
        summary="Find the servers of a mailbox from its address: DNS, the domain's autoconfig, known providers, habit.",
        handler=handlers.discover,
        body=DiscoveryWanted,
        answers={200: Discovered},
        outside=True,
        problems={
            400: WRONG_FIELDS,
            403: NOT_ALLOWED,
            429: "Asked too often, or too many addresses are being looked up.",
        },
    ),
)
