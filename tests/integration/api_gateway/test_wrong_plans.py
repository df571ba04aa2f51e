"""Whatever is sent about windows, tags and channels: a documented answer, never 500."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WINDOWS = "/api/maintenance-windows"
CHANNELS = "/api/notification-channels"
CONFIG = {"url": "https://example.com/", "secret": "s"}
GOODS: dict[str, dict[str, Any]] = {
    WINDOWS: {
        "name": "w",
        "startTime": "2026-07-10T22:00:00.000Z",
        "endTime": "2026-07-11T01:00:00.000Z",
        "customerId": 10,
        "isRecurring": True,
        "recurrencePattern": {"frequency": "monthly", "dayOfMonth": 31, "endRecurrenceDate": "2099-12-31"},
        "timeZone": "Europe/Berlin",
    },
    CHANNELS: {"type": "webhook", "name": "c", "config": CONFIG},
    f"{CHANNELS}/test": {"type": "webhook", "config": CONFIG},
    "/api/tags": {"name": "t", "color": "red"},
    "/api/monitor-tags": {"monitorType": "imap_pop", "monitorId": 1, "tagId": 1},
}
MORE = [
    *("imapPopMonitorId", "targets", "tagIds", "description", "isActive", "websiteId", "tags", "occurrence"),
    *(
        "priority",
        "delaySeconds",
        "conditions",
        "fallbackChannelId",
        "channelId",
        "allowedPackageTypes",
        "{x}",
        "a/b~c",
    ),
]
INNER = [
    *("frequency", "interval", "daysOfWeek", "dayOfMonth", "endRecurrenceDate", "type", "id", "minIncidentDuration"),
    *("url", "secret", "headers", "email", "recipients", "method", "hasSecret", "topic", "labels"),
]
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(["weekly", "monthly", "email", "ntfy", "imap_pop", "UTC", "2026-12-31", "{field}", "{0}", "{}"])
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "https://[::1]:99999/", "a@b.c"])
)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(INNER) | st.text(max_size=4), inner),
    max_leaves=8,
)


def bodies(path: str) -> list[Any]:
    found: list[Any] = []
    fields = st.sampled_from([*GOODS[path], *MORE])

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(st.dictionaries(fields, _JSON, max_size=4))
    def collect(changes: Any) -> None:
        found.append({**GOODS[path], **changes})

    collect()
    return found


@pytest.mark.parametrize("path", list(GOODS))
async def test_no_body_ends_in_500(world: Any, path: str) -> None:
    unlimited = await world.another_gateway(rate_limit_token=100_000)
    made = None
    if path in (WINDOWS, CHANNELS):
        made = (await unlimited.post(path, GOODS[path])).body
    for body in bodies(path):
        if path.endswith("/test"):
            body["dryRun"] = True
        raw = json.dumps(body).encode("utf-8", "surrogatepass")
        answer = await unlimited.call("POST", path, raw=raw)
        assert answer.status in (200, 201, 400, 404, 409), (answer.status, raw)
        if made is not None:
            answer = await unlimited.call("PATCH", f"{path}/{made['id']}", raw=raw)
            assert answer.status in (200, 400, 404), (answer.status, raw)
        if path == "/api/monitor-tags":
            answer = await unlimited.call("DELETE", path, raw=raw)
            assert answer.status in (204, 400, 404), (answer.status, raw)
    for path_of_list in (WINDOWS, CHANNELS, "/api/tags"):
        assert (await unlimited.get(path_of_list)).status == 200


@pytest.mark.parametrize("path", [WINDOWS, CHANNELS, "/api/tags"])
@pytest.mark.parametrize("name", ["0", "-1", "01", "9007199254740992", "x" * 300, "%00", "1%20", "١", "null"])
async def test_what_names_nothing_is_told(api: Any, path: str, name: str) -> None:
    for method in ("DELETE", *(() if path == "/api/tags" else ("GET", "PATCH"))):
        answer = await api.call(method, f"{path}/{name}", body={} if method == "PATCH" else None)
        assert answer.status in (400, 404), (method, name)
