"""Follows the links of the OpenAPI document: makes things, then asks for what can be done with them, in any order."""

import copy
import time
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings

from services.api_gateway.openapi import openapi_document
from tests.fuzz.api.asking import Findings, judge
from tests.fuzz.api.gateway import RunningGateway

_SECONDS = 30
# What is made, and what its links lead to. People are made by people alone, and the holder of a token is none.
_MAKERS = frozenset(
    {"createMonitor", "createCustomer", "createTag", "createMaintenanceWindow", "createNotificationChannel"}
)


def follow_links(gateway: RunningGateway, *, stories: int, steps: int) -> Findings:
    """So many stories of so many steps each."""
    findings = Findings()
    began = time.monotonic()
    document = copy.deepcopy(openapi_document())
    made = [
        answer
        for methods in document["paths"].values()
        for each in methods.values()
        if each["operationId"] in _MAKERS
        for answer in [each["responses"]["201"]]
    ]
    wanted = _MAKERS | {name for answer in made for name in answer["links"]}
    schema = schemathesis.openapi.from_dict(document).include(operation_id=sorted(wanted))

    class Story(schema.as_state_machine()):  # type: ignore[misc]
        """One order of things."""

        def before_call(self, case: Any) -> None:
            # A number it has found by itself is put into a header as it is, which no client would send.
            case.headers = {name: str(value) for name, value in (case.headers or {}).items()}

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {gateway.token}"}
            return {"base_url": gateway.address, "headers": headers, "timeout": _SECONDS}

        def validate_response(self, response: Any, case: Any, additional_checks: Any = None, **more: Any) -> None:
            name = case.operation.definition.raw["operationId"]
            judge(findings, name, case, response, additional_checks=additional_checks, transport_kwargs=more or None)

    Story.run(
        settings=settings(
            max_examples=stories,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
    )
    findings.operations = len(wanted)
    findings.seconds = time.monotonic() - began
    return findings
