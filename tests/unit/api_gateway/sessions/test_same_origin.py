"""Which requests a page of ours may have sent, and whether they came by https."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from services.api_gateway.client_address import came_by_https
from services.api_gateway.problems import Problem
from services.api_gateway.sessions.same_origin import require_same_origin

PUBLIC = "https://mailprobe.example.com"
TRUSTED = (ip_network("10.0.0.0/8"),)


def _request(headers: Mapping[str, str], *, peer: str = "192.0.2.1") -> web.Request:
    class Transport:
        def get_extra_info(self, name: str, default: Any = None) -> Any:
            return (peer, 1234) if name == "peername" else default

    return make_mocked_request("POST", "/", headers={"Host": "mail.example:8080", **headers}, transport=Transport())


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "http://mail.example:8080"},
        {"Origin": "HTTP://MAIL.EXAMPLE:8080"},
        {"Origin": PUBLIC},
    ],
)
def test_our_own_page_is_let_through(headers: Mapping[str, str]) -> None:
    require_same_origin(_request(headers), public_url=f"{PUBLIC}/", secure=False)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": PUBLIC},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "same-origin, cross-site"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://mail.example"},
        {"Origin": "http://mail.example:8080.evil.example"},
        {"Origin": "http://mail.example:8080@evil.example"},
        {"Origin": "http://evil.example/mail.example:8080"},
        {"Origin": "http://mailprobe.example.com"},
        {"Origin": "https://mailprobe.example.com:8443"},
        {"Origin": "https://[::1"},
        {"Origin": "http://", "Host": ""},
        {"Referer": f"{PUBLIC}/"},
    ],
)
def test_another_page_is_refused(headers: Mapping[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        require_same_origin(_request(headers), public_url=PUBLIC, secure=False)
    assert refused.value.status == 403


def test_over_https_a_page_of_our_name_that_came_in_clear_is_anybodys() -> None:
    require_same_origin(_request({"Origin": "https://mail.example:8080"}), public_url=None, secure=True)
    with pytest.raises(Problem):
        require_same_origin(_request({"Origin": "http://mail.example:8080"}), public_url=None, secure=True)


@pytest.mark.parametrize("secure", [False, True])
def test_what_is_no_browser_says_nothing_and_is_told_what_to_say(secure: bool) -> None:
    require_same_origin(_request({}), public_url=None, secure=False, unless_silent=True)
    with pytest.raises(Problem) as refused:
        require_same_origin(_request({}), public_url=None, secure=secure)
    told = re.search("`Origin: (.+?)`", str(refused.value.detail))
    assert told is not None
    require_same_origin(_request({"Origin": told[1]}), public_url=None, secure=secure)


@pytest.mark.parametrize(
    ("peer", "said", "secure"),
    [
        ("10.0.0.1", "https", True),
        ("10.0.0.1", "HTTPS ", True),
        ("10.0.0.1", "http", False),
        ("10.0.0.1", "http, https", True),
        ("10.0.0.1", "https, http", False),
        ("192.0.2.1", "https", False),
    ],
)
def test_https_is_believed_of_a_trusted_proxy_alone(peer: str, said: str, secure: bool) -> None:
    assert came_by_https(_request({"X-Forwarded-Proto": said}, peer=peer), TRUSTED) is secure
