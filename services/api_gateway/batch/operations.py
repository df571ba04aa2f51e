"""The operation that changes many monitors."""

from services.api_gateway.batch import handlers
from services.api_gateway.batch.models import Batch, BatchAnswer
from services.api_gateway.operation import NOT_ALLOWED, Operation

BATCH_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="POST",
        path=handlers.PATH,
        name="changeMonitors",
        summary="Make, change and remove up to 500 monitors; each is answered for by itself.",
        handler=handlers.change_many,
        body=Batch,
        body_cap=handlers.BODY_CAP_BYTES,
        dry_run=True,
        answers={200: BatchAnswer},
        problems={
            400: "The batch cannot be read; what is wrong with an item stands in its result.",
            403: NOT_ALLOWED,
            413: "The body has more than 4 MiB.",
        },
    ),
)
