"""The operation of the reference page."""

from services.api_gateway.operation import Operation
from services.api_gateway.reference import handlers

REFERENCE_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="docs",
        summary="This document as a page to read.",
        anybody=handlers.show_reference,
        answers={200: None},
        media_type="text/html",
    ),
)
