"""Bad input gets a clear answer naming every wrong field: 400, 404, 405, 413, 415, never 500, and nothing is kept."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MONITORS = "/api/imap-pop-monitors"
GOOD = {"customerId": 10, "name": "n", "hostname": "mail.example.com"}


async def test_every_wrong_field_is_named_at_once(api: Any) -> None:
    answer = await api.post(
        MONITORS,
        {
            "customerId": "x",
            "hostname": "https://mail.example.com/imap",
            "port": 70000,
            "status": "off",
            "checkInterval": "30",
            "timeoutSeconds": True,
            "allowedCheckCountryCodes": ["DE", "Germany"],
            "colour": "red",
            "imapPopConfig": {
                "protocol": "smtp",
                "user": "a\r\nb",
                "tls": True,
                "security": "none",
                "tlsOptions": {"rejectUnauthorized": "no"},
            },
        },
    )
    assert answer.status == 400
    assert sorted(answer.pointers) == sorted(
        [
            "/customerId",
            "/name",
            "/hostname",
            "/port",
            "/status",
            "/checkInterval",
            "/timeoutSeconds",
            "/allowedCheckCountryCodes/1",
            "/colour",
            "/imapPopConfig/protocol",
            "/imapPopConfig/user",
            "/imapPopConfig/security",
            "/imapPopConfig/tlsOptions/rejectUnauthorized",
        ]
    )
    texts = [error["detail"] for error in answer.body["errors"]]
    assert "hostname must be a valid hostname (no protocol, no path)" in texts
    assert "name is required" in texts


async def test_an_error_has_the_documented_members_and_those_of_rfc_9457(api: Any) -> None:
    answer = await api.call("POST", MONITORS, body={**GOOD, "hostname": "a b"}, headers={"X-Request-Id": "abc-1"})
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.body == {
        "statusCode": 400,
        "statusMessage": "Bad Request",
        "message": "hostname must be a valid hostname (no protocol, no path)",
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "hostname must be a valid hostname (no protocol, no path)",
        "instance": "urn:mailprobe:request:abc-1",
        "errors": [
            {"pointer": "/hostname", "detail": "hostname must be a valid hostname (no protocol, no path)"},
        ],
    }


async def test_times_that_do_not_fit_together_are_named(api: Any) -> None:
    for body, pointers in (
        ({"checkInterval": 0.5, "timeoutSeconds": 31}, ["/timeoutSeconds"]),
        ({"checkInterval": 4.5, "imapPopConfig": {"protocol": "pop3"}}, ["/checkInterval"]),
        ({"checkInterval": 0.75}, ["/checkInterval"]),
        ({"checkInterval": 0}, ["/checkInterval"]),
        ({"checkInterval": 1441}, ["/checkInterval"]),
        ({"timeoutSeconds": 61, "name": ""}, ["/timeoutSeconds", "/name"]),
    ):
        answer = await api.post(MONITORS, {**GOOD, **body})
        assert (answer.status, sorted(answer.pointers)) == (400, sorted(pointers)), body


async def test_the_floor_for_pop3_is_a_setting(world: Any) -> None:
    lower = await world.another_gateway(pop3_interval_floor_minutes=1.0, check_interval_floor_minutes=1.0)
    pop3 = {**GOOD, "checkInterval": 1, "imapPopConfig": {"protocol": "pop3"}}
    assert (await world.api.post(MONITORS, pop3)).status == 400
    assert (await lower.post(MONITORS, pop3)).status == 201
    assert (await lower.post(MONITORS, {**GOOD, "checkInterval": 0.5})).pointers == ["/checkInterval"]


async def test_two_names_of_the_config_must_agree(api: Any) -> None:
    config = {"protocol": "imap", "user": "u"}
    same = await api.post(MONITORS, {**GOOD, "config": config, "imapPopConfig": config})
    assert same.status == 201
    differing = await api.post(MONITORS, {**GOOD, "config": {}, "imapPopConfig": config})
    assert (differing.status, differing.pointers) == (400, ["/config"])


async def test_wrong_fields_are_named_under_the_name_that_was_sent(api: Any) -> None:
    answer = await api.post(MONITORS, {**GOOD, "config": {"protocol": 5}})
    assert answer.pointers == ["/config/protocol"]


async def test_a_config_beyond_its_size_is_refused(api: Any) -> None:
    answer = await api.post(MONITORS, {**GOOD, "imapPopConfig": {"note": "x" * 16_384}})
    assert (answer.status, answer.pointers) == (400, ["/imapPopConfig"])


async def test_bodies_that_are_no_clear_json_are_refused(api: Any) -> None:
    start = b'{"customerId": 10, "hostname": "h", "name": '
    for raw in (
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{",
        b"{}x",
        start + b"NaN}",
        start + b"Infinity}",
        start + b'1, "port": -Infinity}',
        start + b'"a", "name": "b"}',
        start + b'"a\\u0000b"}',
        start + b'"\\ud800"}',
        start + b'"\xff"}',
        start + b"1e400}",
        start + b"9" * 5000 + b"}",
        start + b'"a", "port": 99999999999999999999}',
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        start + b'"a", "imapPopConfig": ' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"}",
        start + b'"a", "imapPopConfig": {"\\u0000": 1}}',
        start + b'"a", "imapPopConfig": {"x": 1e999}}',
        '{"name": "ü"}'.encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    ):
        answer = await api.call("POST", MONITORS, raw=raw)
        assert answer.status == 400, raw[:60]
        assert answer.body["errors"], raw[:60]
    assert (await api.get(MONITORS)).body["total"] == 0


async def test_too_large_a_body_is_413(api: Any) -> None:
    for size in (64 * 1024 + 1, 300_000):
        answer = await api.call("POST", MONITORS, raw=b" " * size)
        assert (answer.status, answer.body["statusCode"]) == (413, 413)


async def test_a_body_of_just_the_size_allowed_is_read(api: Any) -> None:
    body = json.dumps(GOOD).encode()
    assert (await api.call("POST", MONITORS, raw=body + b" " * (64 * 1024 - len(body)))).status == 201


async def test_other_content_types_and_codings_are_415(api: Any) -> None:
    body = json.dumps(GOOD).encode()
    for headers in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "nonsense"},
        {"Content-Encoding": "br"},
        {"Content-Encoding": "nonsense, gzip"},
    ):
        assert (await api.call("POST", MONITORS, raw=body, headers=headers)).status == 415, headers
    for raw in (gzip.compress(body), b"\x1f\x8bnot gzip at all", gzip.compress(b" " * 50_000_000)):
        answer = await api.call("POST", MONITORS, raw=raw, headers={"Content-Encoding": "gzip"})
        assert answer.status == 415


async def test_a_body_that_does_not_arrive_is_408(api: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("services.api_gateway.reading.BODY_DEADLINE_SECONDS", 0.05)
    answered = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await answered.wait()

    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    async with api.client.post(MONITORS, data=slow(), headers=headers) as response:
        assert response.status == 408
        assert (await response.json(content_type="application/problem+json"))["status"] == 408
        answered.set()


async def test_unknown_addresses_are_404_and_wrong_methods_405(api: Any) -> None:
    for path in ("/api", "/api/imap-pop-monitors/", "/api/nothing", "/api/customers/a/b/c"):
        answer = await api.get(path)
        assert (answer.status, answer.body["message"]) == (404, "Not Found"), path
    answer = await api.call("PUT", MONITORS, body={})
    assert (answer.status, answer.body["statusMessage"]) == (405, "Method Not Allowed")
    assert set(answer.headers["Allow"].split(",")) >= {"GET", "POST"}


async def test_item_addresses_take_the_public_uuid_only(api: Any) -> None:
    made = await api.created()
    for identifier in (made["id"], "x", made["publicId"].replace("-", ""), "%00", "%ff"):
        for method, ending in (
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("POST", "/trigger-check"),
            ("GET", "/check-history"),
        ):
            body = {} if method == "PATCH" else None
            answer = await api.call(method, f"{MONITORS}/{identifier}{ending}", body=body)
            assert answer.status == 400, (method, identifier)
            assert answer.body["message"] == "IMAP/POP monitor public ID (UUID) required"


async def test_unknown_monitors_are_not_found(api: Any) -> None:
    unknown = f"{MONITORS}/22222222-2222-4222-8222-222222222222"
    for method, path in (
        ("GET", unknown),
        ("PATCH", unknown),
        ("DELETE", unknown),
        ("POST", f"{unknown}/trigger-check"),
        ("GET", f"{unknown}/check-history"),
    ):
        answer = await api.call(method, path, body={} if method == "PATCH" else None)
        assert (answer.status, answer.body["message"]) == (404, "IMAP/POP monitor not found")


async def test_wrong_queries_are_named(api: Any) -> None:
    for query, pointer in (
        ("page=0", "/page"),
        ("page=x", "/page"),
        ("page=99999999999999999999", "/page"),
        ("perPage=201", "/perPage"),
        ("status=off", "/status"),
        ("health=fine", "/health"),
        ("sort=password", "/sort"),
        ("customerId=x", "/customerId"),
        ("search=%00", "/search"),
        ("page=1&page=2", "/page"),
        ("organizationId=true", "/organizationId"),
    ):
        answer = await api.get(f"{MONITORS}?{query}")
        assert (answer.status, answer.pointers) == (400, [pointer]), query
    assert (await api.get(f"{MONITORS}?search=%ff&utm_source=x")).status == 200


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(["tls", "imap", "pop3", "active", "********", "mail.example.com", "{field}", "{0}", "~/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    [
        *("customerId", "name", "hostname", "port", "status", "checkInterval", "timeoutSeconds", "imapPopConfig"),
        *("config", "allowedCheckCountryCodes", "notificationEmail", "notificationPhoneNumber", "id", "health"),
        *("{x}", "a/b~c"),
    ]
)
_CONFIG_FIELDS = st.sampled_from(
    [
        *("protocol", "user", "password", "tls", "tlsOptions", "security", "mailbox", "auth", "ipFamily", "warningMs"),
        *("certificateWarningDays", "authorizationId", "passwordSet", "x"),
    ]
)
_BODIES = st.dictionaries(_FIELDS, _JSON, max_size=5).map(lambda body: {**GOOD, **body}) | st.dictionaries(
    _CONFIG_FIELDS, _JSON, max_size=4
).map(lambda config: {**GOOD, "imapPopConfig": config})


async def test_no_body_at_all_ends_in_500(api: Any) -> None:
    made = await api.created()
    bodies: list[Any] = []

    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(_BODIES)
    def collect(body: Any) -> None:
        bodies.append(body)

    collect()
    for body in bodies:
        raw = json.dumps(body).encode("utf-8", "surrogatepass")
        answer = await api.call("POST", MONITORS, raw=raw)
        assert answer.status in (201, 400, 404), (answer.status, raw)
        answer = await api.call("PATCH", f"{MONITORS}/{made['publicId']}", raw=raw)
        assert answer.status in (200, 400, 404), (answer.status, raw)


async def test_values_that_cannot_be_kept_are_named_with_everything_else_that_is_wrong(api: Any) -> None:
    raw = (
        b'{"name": "a\\u0000b", "port": 0, "checkInterval": NaN, "timeoutSeconds": 99999999999999999999,'
        b' "imapPopConfig": {"user": "\\ud800", "tls": "yes", "x": [1e999]}, "colour": 1}'
    )
    answer = await api.call("POST", MONITORS, raw=raw)
    assert answer.status == 400
    assert sorted(answer.pointers) == [
        "/checkInterval",
        "/colour",
        "/customerId",
        "/hostname",
        "/imapPopConfig/tls",
        "/imapPopConfig/user",
        "/imapPopConfig/x/0",
        "/name",
        "/port",
        "/timeoutSeconds",
    ]
    made = await api.created()
    patched = await api.call("PATCH", f"{MONITORS}/{made['publicId']}", raw=b'{"name": "\\u0000", "port": 1e99}')
    assert sorted(patched.pointers) == ["/name", "/port"]
    customer = await api.call("POST", "/api/customers", raw=b'{"customFields": {"a": "\\ud800"}, "email": 1e99}')
    assert sorted(customer.pointers) == ["/customFields/a", "/email", "/name"]


async def test_an_answer_about_wrong_fields_has_an_end(api: Any) -> None:
    raw = json.dumps({**GOOD, **{str(number): 1 for number in range(5_000)}}).encode()
    answer = await api.call("POST", MONITORS, raw=raw)
    assert answer.status == 400
    assert answer.body["errors"][-1] == {"pointer": "", "detail": "and 4700 more"}
    assert len(answer.body["errors"]) == 301


async def test_control_characters_have_no_place_in_what_people_read(api: Any) -> None:
    for field, value in (
        ("name", "a\u0085b"),
        ("name", "a\u2028b"),
        ("notificationEmail", "a@b\u0001"),
        ("notificationPhoneNumber", "\u0007"),
        ("notificationPhoneNumber", "   "),
    ):
        answer = await api.post(MONITORS, {**GOOD, field: value})
        assert (answer.status, answer.pointers) == (400, [f"/{field}"]), (field, value)
