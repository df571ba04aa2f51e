"""The reference page: everything of the API on one page that asks nobody else for anything."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

from services.api_gateway.openapi import openapi_document

_OPERATIONS = [
    (method.upper(), path, described)
    for path, methods in openapi_document()["paths"].items()
    for method, described in methods.items()
]


class _Read(HTMLParser):
    """What a browser would find: ids, addresses, tags that were left open, and the text."""

    VOID = frozenset({"meta", "wbr", "br", "link", "img"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids += [named["id"] or ""] if "id" in named else []
        self.addresses += [named[name] or "" for name in ("href", "src", "action") if name in named]
        assert not any(name.startswith("on") or name == "style" for name in named), "the policy would refuse it"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


async def _page(api: Any) -> tuple[Any, _Read]:
    answer = await api.by(None).get("/api/docs")
    assert answer.status == 200
    read = _Read()
    read.feed(answer.text)
    assert read.open == []
    return answer, read


async def test_every_operation_is_there_with_its_answers_and_a_command_to_copy(api: Any) -> None:
    answer, read = await _page(api)
    assert len(read.ids) == len(set(read.ids))
    for method, _, described in _OPERATIONS:
        assert described["operationId"] in read.ids
        article = re.search(rf'<article id="{described["operationId"]}">.*?</article>', answer.text, re.S)
        assert article is not None
        for status in described["responses"]:
            assert f">{status}</b>" in article[0], (described["operationId"], status)
        assert "curl" in article[0]
        assert method == "GET" or f"-X {method} " in article[0]
    assert "imapPopConfig" in "".join(read.text)


async def test_it_loads_nothing_from_anywhere(api: Any) -> None:
    answer, read = await _page(api)
    assert {address for address in read.addresses if not address.startswith("#")} == {"/api/openapi.json"}
    assert {address[1:] for address in read.addresses if address.startswith("#")} <= set(read.ids)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"@import|url\(", answer.text)


async def test_its_style_and_its_script_are_those_the_policy_lets_run(api: Any) -> None:
    answer, _ = await _page(api)
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
