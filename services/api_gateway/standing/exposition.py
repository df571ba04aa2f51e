"""Monitors as metrics, in Prometheus' text format. Pure.

Series are labelled by a monitor's public id alone, so that a new name breaks none; names stand on `mailbox_info`, to
be joined: `mailbox_up * on (monitor) group_left (name) mailbox_info`.

The format wants all samples of a metric together, while monitors are read some thousands at a time: what is written of
them is held packed, a tenth of its size, until it is their metric's turn. A test holds the text against the library's.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.utils import floatToGoString

from services.api_gateway.standing.standing_store import Subject

CONTENT_TYPE = "text/plain"
PARAMETERS = {"version": "0.0.4", "charset": "utf-8"}

_FASTEST = 1
_WRITTEN = {0.0: "0.0", 1.0: "1.0"}  # half of all values
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


class Exposition:
    """The whole text, put together of pieces and given out in pieces."""

    def __init__(self) -> None:
        self.monitors = 0
        self._written: tuple[list[bytes], ...] = tuple([] for _ in _FAMILIES)

    def add(self, subjects: Sequence[Subject]) -> None:
        """More monitors, after those before. Thousands take some ten milliseconds: better done in a thread."""
        self.monitors += len(subjects)
        for (_, _, lines), written in zip(_FAMILIES, self._written, strict=True):
            written.append(zlib.compress("".join(lines(subjects)).encode(), _FASTEST))

    def held(self) -> int:
        """How many bytes it keeps in memory."""
        return sum(len(piece) for written in self._written for piece in written)

    def pieces(self) -> Iterator[bytes]:
        """The text from its beginning to its end."""
        for (name, said, _), written in zip(_FAMILIES, self._written, strict=True):
            yield f"# HELP {name} {said}\n# TYPE {name} gauge\n".encode()
            yield from map(zlib.decompress, written)


def _described(subjects: Sequence[Subject]) -> Iterator[str]:
    for each in subjects:
        yield (
            f'mailbox_info{{customer="{_escaped(each.customer_name)}",hostname="{_escaped(each.hostname)}",'
            f'monitor="{each.public_id}",name="{_escaped(each.name)}",protocol="{each.protocol}",'
            f'status="{each.status}"}} 1.0\n'
        )


def _escaped(label: str) -> str:
    return label.translate(_ESCAPES)


def _gauge(name: str, value_of: Callable[[Subject], float | None]) -> Callable[[Sequence[Subject]], Iterator[str]]:
    """Writes a sample of each monitor that has such a value; a paused one has but its name."""

    def lines(subjects: Sequence[Subject]) -> Iterator[str]:
        for each in subjects:
            value = None if each.status == "disabled" else value_of(each)
            if value is not None:
                written = _WRITTEN.get(value) or floatToGoString(value)  # type: ignore[no-untyped-call]
                yield f'{name}{{monitor="{each.public_id}"}} {written}\n'

    return lines


def _up(subject: Subject) -> float | None:
    return None if subject.health == "unknown" else float(subject.health != "down")


def _degraded(subject: Subject) -> float | None:
    return None if subject.health == "unknown" else float(subject.health == "degraded")


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


# Name, what it says, and what writes its lines.
_FAMILIES: tuple[tuple[str, str, Callable[[Sequence[Subject]], Iterator[str]]], ...] = (
    ("mailbox_info", "What a monitor is called and where its mailbox is", _described),
    *(
        (name, said, _gauge(name, value_of))
        for name, said, value_of in (
            ("mailbox_up", "Whether a mailbox is well (1) or down (0)", _up),
            ("mailbox_degraded", "Whether a mailbox works, but not well", _degraded),
            ("mailbox_incident_open", "Whether its outage is confirmed", lambda each: float(each.has_incident)),
            (
                "mailbox_response_seconds",
                "How long the newest check took, from look-up to logout",
                lambda each: _seconds(each.total_ms),
            ),
            (
                "mailbox_last_check_timestamp_seconds",
                "When the newest check began",
                lambda each: _seconds(each.last_checked_at),
            ),
            (
                "mailbox_certificate_not_after_timestamp_seconds",
                "Until when the certificate is good that the server showed last",
                lambda each: _seconds(each.not_after_ms),
            ),
        )
    ),
)
