"""The OpenAPI document as HTML: a list of all operations, then each with what it takes, answers and refuses. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from services.api_gateway.reference.schemas import Field, Schemas

_PROBLEM = "application/problem+json"
_ADDRESS = "http://localhost:8080"
_Operation = tuple[str, str, Mapping[str, Any]]


def page(document: Mapping[str, Any], *, style: str, script: str) -> str:
    """The whole page. It refers to nothing outside of itself but the document it is made from."""
    title = f"{document['info']['title']} {document['info']['version']}: the API"
    sections = _sections(document)
    schemas = Schemas(document)
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(title)}</title><style>{style}</style></head><body>",
            f"<header><h1>{escape(title)}</h1><p>{_prose(document['info']['description'])} "
            'The document this page is made from: <a href="/api/openapi.json">openapi.json</a>.</p>',
            _entrances(document),
            "</header>",
            _contents(sections),
            "<main>",
            _problem(document, schemas),
            *(_section(name, operations, schemas, document) for name, operations in sections.items()),
            f"</main><script>{script}</script></body></html>",
        )
    )


def _sections(document: Mapping[str, Any]) -> dict[str, list[_Operation]]:
    """The operations by the first word of their path, in the document's order."""
    found: dict[str, list[_Operation]] = {}
    for path, methods in document["paths"].items():
        name = re.split(r"[/:]", path.removeprefix("/api/").strip("/"))[0]
        found.setdefault(name, []).extend((method.upper(), path, each) for method, each in methods.items())
    return found


def _entrances(document: Mapping[str, Any]) -> str:
    schemes = document["components"].get("securitySchemes", {})
    return "".join(
        f"<p><strong>{escape(name)}</strong>: {_prose(scheme.get('description') or _of_scheme(scheme))}</p>"
        for name, scheme in schemes.items()
    )


def _of_scheme(scheme: Mapping[str, Any]) -> str:
    return f"`Authorization: {scheme.get('scheme', '').title()} {scheme.get('bearerFormat', '')}`"


def _contents(sections: Mapping[str, list[_Operation]]) -> str:
    groups = "".join(
        f"<li><strong>{escape(name)}</strong><ul>{''.join(_line(operation) for operation in operations)}</ul></li>"
        for name, operations in sections.items()
    )
    return (
        f'<nav aria-label="Operations"><details open><summary>All operations</summary><ul>{groups}</ul></details></nav>'
    )


def _line(operation: _Operation) -> str:
    method, path, described = operation
    name = escape(described["operationId"])
    return f'<li><a href="#{name}">{_method(method)} <code>{_path(path)}</code></a> {_prose(described["summary"])}</li>'


def _section(name: str, operations: list[_Operation], schemas: Schemas, document: Mapping[str, Any]) -> str:
    shown = "".join(_operation(operation, schemas, document) for operation in operations)
    return f"<section><h2>{escape(name)}</h2>{shown}</section>"


def _operation(operation: _Operation, schemas: Schemas, document: Mapping[str, Any]) -> str:
    method, path, described = operation
    name = escape(described["operationId"])
    return "".join(
        (
            f'<article id="{name}"><h3>{_method(method)} <code>{_path(path)}</code></h3>',
            f"<p>{_prose(described['summary'])} <small>{name}; {_who(described)}</small></p>",
            _curl(operation, schemas),
            _parameters(described, schemas),
            _body(described, schemas),
            "<h4>Answers</h4>",
            *(
                _answer(status, answer, schemas, document["components"]["headers"])
                for status, answer in described["responses"].items()
            ),
            "</article>",
        )
    )


def _who(described: Mapping[str, Any]) -> str:
    return "with a token or a session" if described.get("security") else "for anybody"


def _curl(operation: _Operation, schemas: Schemas) -> str:
    method, path, described = operation
    for parameter in described.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(_example_of_path(parameter["schema"], schemas)))
    lines = [f"curl {'' if method == 'GET' else f'-X {method} '}'{_ADDRESS}{path}'"]
    if described.get("security"):
        lines.append('-H "Authorization: Bearer $MAILPROBE_TOKEN"')
    body = _json_of(described.get("requestBody"))
    if body is not None:
        example = json.dumps(_sent(body, schemas), indent=2, ensure_ascii=False).replace("'", "'\\''")
        lines += ["-H 'Content-Type: application/json'", f"-d '{example}'"]
    text = escape(" \\\n  ".join(lines))
    return f'<div class="curl"><button type="button" hidden>Copy</button><pre><code>{text}</code></pre></div>'


def _sent(body: Mapping[str, Any], schemas: Schemas) -> Any:
    """What a body needs; where it needs nothing, one thing it may hold."""
    every = schemas.example(body, every=True)
    one = "name" if "name" in every else next(iter(every), None)
    return schemas.example(body) or {name: value for name, value in every.items() if name == one}


def _example_of_path(schema: Mapping[str, Any], schemas: Schemas) -> Any:
    if "pattern" in schema and "[1-9]" in schema["pattern"]:
        return 1
    return schemas.example(schema) if "pattern" not in schema else "standard"


def _json_of(content: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    for media_type, each in (content or {}).get("content", {}).items():
        if media_type.endswith("json"):
            found: Mapping[str, Any] = each["schema"]
            return found
    return None


def _parameters(described: Mapping[str, Any], schemas: Schemas) -> str:
    if not described.get("parameters"):
        return ""
    asked = {
        "type": "object",
        "required": [each["name"] for each in described["parameters"] if each.get("required")],
        "properties": {
            each["name"]: {**each["schema"], "description": _place(each)} for each in described["parameters"]
        },
    }
    return f"<h4>Parameters</h4>{_fields(schemas.fields(asked))}"


def _place(parameter: Mapping[str, Any]) -> str:
    says = parameter.get("description") or parameter["schema"].get("description", "")
    return f"In the {parameter['in']}. {says}".strip()


def _body(described: Mapping[str, Any], schemas: Schemas) -> str:
    body = _json_of(described.get("requestBody"))
    if body is None:
        return ""
    example = json.dumps(schemas.example(body, every=True), indent=2, ensure_ascii=False)
    return (
        f"<h4>Body</h4>{_fields(schemas.fields(body))}"
        f"<details><summary>Example with every field</summary><pre><code>{escape(example)}</code></pre></details>"
    )


def _answer(status: str, answer: Mapping[str, Any], schemas: Schemas, headers: Mapping[str, Any]) -> str:
    number = f'<b class="s{escape(status[0])}">{escape(status)}</b>'
    summary = f"{number} {_prose(answer['description'])}"
    names = ", ".join(f"<code>{escape(name)}</code>" for name in answer.get("headers", {}))
    if _PROBLEM in answer.get("content", {}):
        return f'<p class="answer">{summary} <small><a href="#problem">problem</a>; {names}</small></p>'
    told = "".join(
        f"<li><code>{escape(name)}</code> {_prose(headers.get(name, {}).get('description', ''))}</li>"
        for name in answer.get("headers", {})
    )
    shown = "".join(_content(media_type, each, schemas) for media_type, each in answer.get("content", {}).items())
    return f"<details><summary>{summary}</summary>{shown}<h5>Headers</h5><ul>{told}</ul></details>"


def _problem(document: Mapping[str, Any], schemas: Schemas) -> str:
    """The body that all errors have, and the headers that come with them, once."""
    found = next(
        answer["content"][_PROBLEM]["schema"]
        for methods in document["paths"].values()
        for each in methods.values()
        for answer in each["responses"].values()
        if _PROBLEM in answer.get("content", {})
    )
    headers = "".join(
        f"<li><code>{escape(name)}</code> {_prose(header.get('description', ''))}</li>"
        for name, header in document["components"]["headers"].items()
    )
    return (
        f'<section id="problem"><h2>Errors and headers</h2><p>Every error is <code>{_PROBLEM}</code>.</p>'
        f"{_fields(schemas.fields(found))}<h4>Headers</h4><ul>{headers}</ul></section>"
    )


def _content(media_type: str, content: Mapping[str, Any], schemas: Schemas) -> str:
    schema = content.get("schema", {})
    events = "".join(
        f"<h5>event: {escape(name)}</h5>{_fields(schemas.fields(each))}"
        for name, each in schema.get("x-events", {}).items()
    )
    kind = f"<p><code>{escape(media_type)}</code>: {escape(schemas.kind(schema))}</p>"
    return f"{kind}{_fields(schemas.fields(schema))}{events}"


def _fields(fields: tuple[Field, ...]) -> str:
    return f"<dl>{''.join(_lines_of(fields))}</dl>" if fields else ""


def _lines_of(fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        required = " <em>required</em>" if field.required else ""
        yield f"<dt><code>{escape(field.name)}</code> <span>{escape(field.kind)}</span>{required}</dt><dd>"
        if field.says or field.limits:
            yield f"<p>{_prose(field.says)} <small>{escape('; '.join(field.limits))}</small></p>"
        if field.inner:
            yield f"<details><summary>{len(field.inner)} fields</summary>{_fields(field.inner)}</details>"
        yield "</dd>"


def _method(method: str) -> str:
    return f'<b class="m">{escape(method)}</b>'


def _path(path: str) -> str:
    """A path that may be broken at its slashes."""
    return escape(path).replace("/", "/<wbr>")


def _prose(text: str) -> str:
    """Text with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
