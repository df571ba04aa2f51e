"""The operation that tells how mailprobe itself is doing."""

from services.api_gateway.operation import Operation
from services.api_gateway.system import handlers
from services.api_gateway.system.models import SystemState

SYSTEM_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="systemState",
        summary="How mailprobe itself is doing: lag, queues, backlogs and what is kept.",
        handler=handlers.show_system,
        answers={200: SystemState},
        problems={
            403: "It takes a person with a global role; or, while there is one organization alone, its admin who is "
            "limited to no customer."
        },
    ),
)
