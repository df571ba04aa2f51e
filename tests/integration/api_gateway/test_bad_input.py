"""Hundreds of bad requests, each written by hand: each is refused, its field named, and nothing is kept of it."""

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.bad_input import monitors, others
from tests.support.bad_input.case import Bad
from tests.support.kept_history import KeptHistory

BATCH = f"{monitors.PATH}:batch"
GOOD = json.dumps(monitors.GOOD).encode()
BODIES = (
    *(b"", b"[]", b"null", b"true", b'"text"', b"5", b"{", b"{}x", b"{}{}", b"{'a': 1}", b"{a: 1}", b'{"a": 1,}'),
    *(
        b'{"a": 01}',
        b'{"a": +1}',
        b'{"a": .5}',
        b'{"a": 0x10}',
        b'{"a": 1}\x00',
        b"\x00",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
    ),
    *(
        b'{"name": "a", "name": "b"}',
        b'{"x": {"a": 1, "a": 1}}',
        b'{"a": "\x01"}',
        b'{"a": "\\x41"}',
        b'{"a": "\xc0\x80"}',
    ),
    *(
        b'{"a": "\xed\xa0\x80"}',
        b'{"\\u0000": 1}',
        b'{"\\ud800": 1}',
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    ),
    *('{"name": "ü"}'.encode("utf-16"), '{"name": "ü"}'.encode("latin-1"), b"name=n&hostname=h", b"<monitor/>"),
)


def bad_bodies(path: str, method: str = "POST") -> Iterator[Bad]:
    for body in BODIES:
        yield Bad(method, path, body, "")


def bad_transports(path: str) -> Iterator[Bad]:
    yield Bad("POST", path, b" " * (64 * 1024 + 1), None, 413)
    yield Bad("POST", path, GOOD[:-1] + b" " * (64 * 1024) + b"}", None, 413)
    # A bomb: 50 MB of spaces in 50 KB. Nothing undoes it, so nothing bursts.
    for coding, squeezed in (("gzip", gzip.compress(b" " * 50_000_000)), ("deflate", zlib.compress(b" " * 50_000_000))):
        yield Bad("POST", path, squeezed, None, 415, {"Content-Encoding": coding})
    for coding in ("br", "zstd", "gzip, gzip", "x"):
        yield Bad("POST", path, GOOD, None, 415, {"Content-Encoding": coding})
    for kind in (
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "nonsense",
        "application/json; charset=utf-7",
    ):
        yield Bad("POST", path, GOOD, None, 415, {"Content-Type": kind})


def bad_headers(monitor: str) -> Iterator[Bad]:
    for key in ("", "a b", "ü", "x" * 256, '"', '"a'):
        yield Bad("POST", monitors.PATH, GOOD, "/Idempotency-Key", 400, {"Idempotency-Key": key})
    for condition in ("x", '"a', '"a" "b"', "W/x", ","):
        yield Bad("PATCH", monitor, b"{}", "/If-Match", 400, {"If-Match": condition})
        yield Bad("GET", monitor, None, "/If-None-Match", 400, {"If-None-Match": condition})
    for tried in ("x", "yes", "", "TRUE"):
        yield Bad("POST", f"{monitors.PATH}?dryRun={tried}", GOOD, "/dryRun")


def bad_questions() -> Iterator[Bad]:
    for path, parameters in others.QUESTIONS.items():
        for name, values in parameters.items():
            for value in values:
                yield Bad("GET", f"{path}?{name}={value}", None, f"/{name}")


def of_one_monitor(monitor: str, incident: str) -> Iterator[Bad]:
    yield from monitors.bad_changes(monitor)
    yield from bad_bodies(monitor, "PATCH")
    yield from others.bad_notes(incident)
    yield from bad_headers(monitor)
    for name in ("check-history", "incident-history", "alert-history"):
        for cursor in ("x", "%00", "A" * 201, "=", "A" * 40):
            yield Bad("GET", f"{monitor}/{name}?cursor={cursor}", None, "/cursor")
        for limit in ("0", "-1", "x", "201", "9" * 5000):
            yield Bad("GET", f"{monitor}/{name}?limit={limit}", None, "/limit")


async def refused(api: Any, cases: list[Bad]) -> None:
    """Each of them, told together: one that is wrong shall not hide the others."""
    wrong = []
    for bad in cases:
        answer = await api.call(bad.method, bad.path, raw=bad.raw, headers=bad.headers)
        told = bad.pointer is None or bad.pointer in answer.pointers if answer.status >= 400 else False
        if answer.status != bad.status or not told:
            wrong.append(f"{bad} → {answer.status} {answer.text[:300]}, not {bad.status} naming {bad.pointer}")
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong)


@pytest.fixture
async def unlimited(world: Any) -> Any:
    return await world.another_gateway(rate_limit_token=1_000_000, rate_limit_anonymous=1_000_000)


async def test_every_bad_description_of_a_monitor_is_refused_by_its_field(unlimited: Any, figures: Any) -> None:
    cases = [*monitors.bad_monitors(), *bad_bodies(monitors.PATH), *bad_transports(monitors.PATH)]
    assert len(cases) >= 300
    await refused(unlimited, cases)
    assert (await unlimited.get(monitors.PATH)).body["total"] == 0
    figures(f"bad descriptions of monitors: {len(cases)}, each refused, its field named")


async def test_every_other_bad_body_and_question_is_refused_by_its_field(
    world: Any, unlimited: Any, figures: Any
) -> None:
    made = await unlimited.created()
    incident = await KeptHistory(world.pipeline).incident(made, 1_772_107_200_000, opened_at=1_772_107_200_000)
    cases = [
        *of_one_monitor(f"{monitors.PATH}/{made['publicId']}", f"/api/incidents/{incident['public_id']}"),
        *others.bad_customers(),
        *others.bad_packages(),
        *others.bad_tags(),
        *others.bad_windows(),
        *others.bad_channels(),
        *others.bad_people(),
        *bad_questions(),
    ]
    for path in ("/api/customers", "/api/tags", "/api/maintenance-windows", "/api/notification-channels", BATCH):
        cases += bad_bodies(path)
    # Here so many levels fit into a body.
    for raw in (b"[" * 100_000, b'{"items":' * 100_000, b'{"items": [' + b"[" * 100_000):
        cases.append(Bad("POST", BATCH, raw, ""))
    assert len(cases) >= 300
    await refused(unlimited, cases)
    for path in ("/api/tags", "/api/maintenance-windows", "/api/notification-channels"):
        assert (await unlimited.get(path)).body == [], path
    assert len((await unlimited.get("/api/customers")).body) == 1
    shown = await unlimited.shown(made)
    assert (shown["name"], shown["updatedAt"]) == (made["name"], made["updatedAt"])
    figures(f"other bad bodies and questions: {len(cases)}, each refused, its field named")
