"""Logs: one rich line per unit of work, JSON unless a terminal reads along; never a secret.

Services write through `structlog.get_logger()`; libraries that use the standard library's logging come out in the
same form. What a line says is for those who write it. A field `each` is a list of fields: there is a line for each of
them, which begin with what the others say, and all are written in one go.
"""

import json
import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import Processor

from shared.runtime.identity import instance_name

Format = Literal["auto", "json", "console"]

REFUSED = "[refused: a secret's name]"
_SECRET_WORDS = frozenset({"password", "passphrase", "sealed", "token", "secret", "authorization", "cookie"})
EACH = "each"
_HARMLESS_ENDINGS = frozenset({"id", "ids", "hint", "count", "set"})

# What each line begins with, so that lines can be read one below the other.
_FIRST = ("timestamp", "level", "instance", "event")

# What can hold no names. Most values are of these, and asking whether they are mappings costs more than all the rest.
_PLAIN = (str, int, float, type(None))

# Made once: `json.dumps` makes one for each line.
_JSON = json.JSONEncoder(default=str)

# Their debug lines print traffic, passwords included; aiormq's warnings repeat what our own lines say.
_QUIET_LIBRARIES = {
    "aioimaplib": logging.CRITICAL,
    "aio_pika": logging.ERROR,
    "aiormq": logging.CRITICAL,
    "aiohttp.access": logging.WARNING,
    "asyncio": logging.WARNING,
}


def configure(
    service: str,
    *,
    format: Format = "auto",  # noqa: A002 - the setting's own word
    level: str = "info",
    stream: TextIO | None = None,
    for_good: bool = False,
) -> None:
    """Send this process's logs to `stream` (stderr), each line with service and instance.

    Args:
        for_good: loggers may keep what is set here, which makes a line a third cheaper; nobody may set it again.
    """
    out = stream or sys.stderr
    as_json = format == "json" or (format == "auto" and not out.isatty())
    at_level = logging.getLevelNamesMapping()[level.upper()]
    ours: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _names(service),
    ]
    last: list[Processor] = [refuse_secrets, *_rendering(as_json, colors=not as_json and out.isatty())]
    structlog.configure(
        processors=[*ours, *last],
        wrapper_class=structlog.make_filtering_bound_logger(at_level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=for_good,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*ours, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(at_level)
    for name, quiet_level in _QUIET_LIBRARIES.items():
        logging.getLogger(name).setLevel(max(quiet_level, at_level))


def refuse_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last look before a line is written: a value under a secret's name does not pass."""
    of_each: Sequence[MutableMapping[str, Any]] | None = event.pop(EACH, None)
    passed: MutableMapping[str, Any] = {
        key: REFUSED if _is_secret(key) else value if isinstance(value, _PLAIN) else _without_secrets(value)
        for key, value in event.items()
    }
    if of_each is not None:
        passed[EACH] = [refuse_secrets(_logger, _method, fields) for fields in of_each]
    return passed


def _without_secrets(value: object, depth: int = 0) -> object:
    if isinstance(value, Mapping) and depth < 4:
        return {
            key: REFUSED if _is_secret(str(key)) else _without_secrets(inner, depth + 1) for key, inner in value.items()
        }
    return value


@lru_cache(maxsize=1024)  # the names are few, the lines many
def _is_secret(key: str) -> bool:
    words = key.lower().replace("-", "_").split("_")
    return not _SECRET_WORDS.isdisjoint(words) and words[-1] not in _HARMLESS_ENDINGS


def _names(service: str) -> Processor:
    instance = instance_name(service)

    def add(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("service", service)
        event.setdefault("instance", instance)
        return event

    return add


def _as_json(event: MutableMapping[str, Any], **_: object) -> str:
    of_each = event.pop(EACH, None)
    if of_each is None:
        return _JSON.encode(event)
    beginning = _JSON.encode(event)[:-1]
    return "\n".join(f"{beginning}, {_JSON.encode(fields)[1:]}" for fields in of_each)


def _line_for_each(render: Callable[..., str]) -> Processor:
    """A renderer of single lines, asked for each."""

    def rendered(logger: object, method: str, event: MutableMapping[str, Any]) -> str:
        of_each = event.pop(EACH, None)
        if of_each is None:
            return render(logger, method, event)
        return "\n".join(render(logger, method, {**event, **fields}) for fields in of_each)

    return rendered


def _in_order(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**{key: event[key] for key in _FIRST if key in event}, **event}


def _without_service(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For a terminal's narrow lines: the instance begins with it."""
    event.pop("service", None)
    return event


def _rendering(as_json: bool, *, colors: bool) -> list[Processor]:
    if not as_json:
        plain = structlog.dev.plain_traceback  # a rich one would print local variables, passwords among them
        return [
            _without_service,
            _line_for_each(structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain, sort_keys=False)),
        ]
    without_locals = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
    return [
        structlog.processors.ExceptionRenderer(without_locals),
        _in_order,
        structlog.processors.JSONRenderer(_as_json),
    ]
