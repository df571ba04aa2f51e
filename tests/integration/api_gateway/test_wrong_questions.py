"""Whatever is sent about packages, customers and incidents, or asked of the past: a documented answer, never 500."""

import json
from typing import Any
from urllib.parse import quote

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.kept_history import KeptHistory

ONE_AFTER_THE_OTHER = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
_FIELDS = st.sampled_from(
    [
        *(
            "displayName",
            "alertConsecutiveChecks",
            "alertLocationThreshold",
            "checkIntervalMinutes",
            "maxUrls",
            "notes",
        ),
        *("name", "email", "packageType", "customFields", "allowedCheckCountryCodes", "alertLocationThresholdCount"),
        *("text", "minutes", "id", "{x}", "a/b~c"),
    ]
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(["majority", "standard", "de", "{field}", "{}"])
)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner), max_leaves=6
)
_NAMES = st.sampled_from(
    [
        *("range", "date", "startDate", "endDate", "granularity"),
        *("limit", "offset", "includeTotal", "status", "customerId", "organizationId"),
    ]
)
_ASKED = st.one_of(
    st.text(max_size=12),
    st.integers(-(10**20), 10**20).map(str),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.dates().map(str),
    st.sampled_from(
        [
            *(
                "day",
                "week",
                "month",
                "year",
                "raw",
                "hour",
                "open",
                "resolved",
                "1",
                "true",
                "2000-01-01",
                "2100-12-31",
            ),
            *("2026-02-26T12:00:00+23:59", "2100-12-31T23:59:59-23:59", "20260226", "2026-W09-4", "\0", "٣"),
        ]
    ),
)


@pytest_asyncio.fixture
async def addresses(world: Any) -> list[str]:
    """Of a monitor and of an incident it has."""
    monitor = await world.api.created()
    incident = await KeptHistory(world.pipeline).incident(monitor, 1_772_107_200_000, opened_at=1_772_107_200_000)
    return [f"/api/imap-pop-monitors/{monitor['publicId']}/details", f"/api/incidents/{incident['public_id']}"]


@pytest_asyncio.fixture
async def unlimited(world: Any) -> Any:
    return await world.another_gateway(rate_limit_token=1_000_000)


@settings(max_examples=60, deadline=None, suppress_health_check=ONE_AFTER_THE_OTHER)
@given(body=st.dictionaries(_FIELDS, _JSON, max_size=4))
async def test_no_body_ends_in_500(unlimited: Any, addresses: list[str], body: Any) -> None:
    raw = json.dumps(body).encode("utf-8", "surrogatepass")
    for method, path in (
        ("PATCH", "/api/package-configs/pro"),
        ("PATCH", "/api/customers/11111111-1111-4111-8111-111111111111"),
        ("POST", f"{addresses[1]}/notes"),
        ("POST", f"{addresses[1]}/snooze"),
    ):
        answer = await unlimited.call(method, path, raw=raw)
        assert answer.status in (200, 400), (answer.status, path, raw)
    for path in ("/api/package-configs", "/api/customers", addresses[1]):
        assert (await unlimited.get(path)).status == 200


@settings(max_examples=60, deadline=None, suppress_health_check=ONE_AFTER_THE_OTHER)
@given(query=st.dictionaries(_NAMES, _ASKED, max_size=4))
async def test_no_question_ends_in_500(unlimited: Any, addresses: list[str], query: dict[str, str]) -> None:
    text = "&".join(f"{name}={quote(value, errors='surrogatepass')}" for name, value in query.items())
    for path, expected in ((addresses[0], (200, 400)), ("/api/incidents", (200, 400, 404))):
        answer = await unlimited.get(f"{path}?{text}")
        assert answer.status in expected, (answer.status, path, text)


async def test_any_printable_package_type_is_taken_and_no_other(unlimited: Any) -> None:
    for name in (
        "Größe 2",
        "a+b&c=d",
        "%41",
        "100%",
        "'; --",
        '"',
        "٣",
        "x" * 100,
        "null",
        "😀",
        "..x",
    ):
        path = f"/api/package-configs/{quote(name, safe='')}"
        assert (await unlimited.get(path)).status == 404, name
        assert (await unlimited.call("PATCH", path, body={})).body["packageType"] == name
        assert (await unlimited.get(path)).status == 200, name
    for name in ("\0", "\n", " ", "\u2028", "\u200b", "x" * 101):
        path = f"/api/package-configs/{quote(name, safe='')}"
        for method in ("GET", "PATCH"):
            answer = await unlimited.call(method, path, body={} if method == "PATCH" else None)
            assert answer.status == 400, (name, answer.text)
