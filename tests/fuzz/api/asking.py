"""Asks each operation for what its description allows, and for what it does not, and holds every answer against it.

Schemathesis makes the requests and all its checks judge the answers. Half of the requests name things that are there.
"""

import contextlib
import copy
import itertools
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from services.api_gateway.openapi import openapi_document
from tests.fuzz.api.gateway import RunningGateway

# Nobody is there to check or to tell in these tests; that is said with these.
_NOBODY_THERE = frozenset({503, 504})
_WAITING_FOR_OTHERS = frozenset({"testMonitor", "triggerCheck", "testNotificationChannel"})
# An answer that has no end, and the end of every session: asked for elsewhere.
_LEFT_OUT = frozenset({"streamEvents"})
# Schemathesis' name for a request refused although its description allows it. Rules between fields, and names that
# have to be known, are not to be said in a schema: there, an error that names the field is what is wanted.
_REFUSED = "RejectedPositiveData"
# And for one that was not refused although its description forbids it.
_TAKEN = "AcceptedNegativeData"
_SECONDS = 30


@dataclass(slots=True)
class Findings:
    """What came of all the requests."""

    examples: int = 0
    operations: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: dict[tuple[str, str], str] = field(default_factory=dict)

    def in_words(self) -> str:
        """One line of figures."""
        told = ", ".join(f"{count:,} × {status}" for status, count in sorted(self.statuses.items()))
        return (
            f"api: {self.operations} operations, {self.examples:,} examples in {self.seconds:.0f} s, "
            f"{len(self.wrong)} findings ({told})"
        )


def ask_everything(
    gateway: RunningGateway, *, examples: int, first: int = 0, part: int = 0, parts: int = 1
) -> Findings:
    """So many requests of each operation of this part, in four ways; the same for the same `first`."""
    findings = Findings()
    began = time.monotonic()
    schema = schemathesis.openapi.from_dict(copy.deepcopy(openapi_document()))
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {gateway.token}"
        results: Any = schema.get_all_operations()
        for result in itertools.islice(results, part, None, parts):
            operation = result.ok()
            name = operation.definition.raw["operationId"]
            if name in _LEFT_OUT:
                continue
            findings.operations += 1
            there = _there(session, gateway.address, operation.path)
            ways = [
                (mode, known)
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
                for known in ([{}, there] if there else [{}])
            ]
            for mode, known in ways:
                strategy = operation.as_strategy(generation_mode=mode, path_parameters=known or None)
                _ask(findings, gateway, session, name, strategy, examples=-(-examples // len(ways)), first=first)
    findings.seconds = time.monotonic() - began
    return findings


def _ask(
    findings: Findings,
    gateway: RunningGateway,
    session: requests.Session,
    name: str,
    strategy: Any,
    *,
    examples: int,
    first: int,
) -> None:
    @seed(first)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def asked(case: Any) -> None:
        response = case.call(base_url=gateway.address, session=session, timeout=_SECONDS)
        judge(findings, name, case, response)

    # Where anything would be allowed, there is nothing else to ask for.
    with contextlib.suppress(Unsatisfiable):
        asked()


def judge(findings: Findings, name: str, case: Any, response: Any, **more: Any) -> None:
    """Hold an answer against the description, and note what does not fit."""
    findings.examples += 1
    findings.statuses[response.status_code] += 1
    try:
        case.validate_response(response, **more)
    except* Exception as group:
        for problem in _each(group):
            kind = type(problem).__name__
            if not _is_meant(kind, name, response):
                said = f"{problem}\n{case.as_curl_command()}\n{response.text[:500]}"
                # It may hold half of a surrogate pair, which no terminal takes.
                findings.wrong.setdefault((name, kind), said.encode("utf-8", "backslashreplace").decode())


def _each(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _each(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def _is_meant(kind: str, name: str, response: Any) -> bool:
    if kind == "ServerError":
        return name in _WAITING_FOR_OTHERS and response.status_code in _NOBODY_THERE
    if kind == _REFUSED:
        return response.status_code in (400, 409, 412, 422) and bool(_faults(response))
    if kind == _TAKEN:
        # Conditions and sizes are judged before a body is looked at; each part of a batch is answered for by itself.
        return response.status_code in (412, 413) or (name == "changeMonitors" and response.json()["failed"] > 0)
    return False


def _faults(response: Any) -> list[Mapping[str, str]]:
    body: Mapping[str, Any] = response.json()
    return list(body.get("errors", ()))


def _there(session: requests.Session, address: str, path: str) -> dict[str, Any]:
    """Names of something that is there, for the parameters of a path; none where nobody knows of any."""
    if "{" not in path:
        return {}
    start, _, rest = path.partition("/{")
    name = rest.partition("}")[0]
    if name == "packageType":
        return {name: "standard"}
    listed = session.get(f"{address}{start}", timeout=_SECONDS).json()
    items = listed.get("items", ()) if isinstance(listed, dict) else listed
    return {name: items[0]["publicId"]} if items else {}
