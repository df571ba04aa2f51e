"""The text of metrics, held against what Prometheus' own library makes of the same."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from services.api_gateway.standing.exposition import Exposition
from services.api_gateway.standing.standing_store import Subject

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(['a"b', "a\\nb", "a\nb\\"])
_MOMENTS = st.none() | st.integers(0, 4 * 10**12)
SUBJECTS = st.builds(
    Subject,
    public_id=st.uuids().map(str),
    name=_TEXTS,
    hostname=_TEXTS,
    protocol=st.sampled_from(["imap", "pop3"]),
    status=st.sampled_from(["active", "maintenance", "disabled"]),
    customer_name=_TEXTS,
    health=st.sampled_from(["up", "degraded", "down", "unknown"]),
    last_checked_at=_MOMENTS,
    total_ms=st.none() | st.floats(0, 10**9, width=32),
    not_after_ms=_MOMENTS,
    has_incident=st.booleans(),
)


class ByTheLibrary:
    """The same metrics, one object for each sample."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self._subjects = subjects

    def collect(self) -> Iterable[Metric]:
        gauges = {
            name: GaugeMetricFamily(name, said, labels=["monitor"])
            for name, said in (
                ("mailbox_up", "Whether a mailbox is well (1) or down (0)"),
                ("mailbox_degraded", "Whether a mailbox works, but not well"),
                ("mailbox_incident_open", "Whether its outage is confirmed"),
                ("mailbox_response_seconds", "How long the newest check took, from look-up to logout"),
                ("mailbox_last_check_timestamp_seconds", "When the newest check began"),
                (
                    "mailbox_certificate_not_after_timestamp_seconds",
                    "Until when the certificate is good that the server showed last",
                ),
            )
        }
        info = InfoMetricFamily("mailbox", "What a monitor is called and where its mailbox is", labels=["monitor"])
        for each in self._subjects:
            info.add_metric(
                [each.public_id],
                {
                    "name": each.name,
                    "hostname": each.hostname,
                    "protocol": each.protocol,
                    "customer": each.customer_name,
                    "status": each.status,
                },
            )
            if each.status == "disabled":
                continue
            known = each.health != "unknown"
            values = (
                float(each.health != "down") if known else None,
                float(each.health == "degraded") if known else None,
                float(each.has_incident),
                None if each.total_ms is None else each.total_ms / 1000,
                None if each.last_checked_at is None else each.last_checked_at / 1000,
                None if each.not_after_ms is None else each.not_after_ms / 1000,
            )
            for gauge, value in zip(gauges.values(), values, strict=True):
                if value is not None:
                    gauge.add_metric([each.public_id], value)
        return (info, *gauges.values())


def by_the_library(subjects: Sequence[Subject]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ByTheLibrary(subjects))
    return generate_latest(registry)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(SUBJECTS, max_size=4), max_size=4))
def test_in_however_many_slices_it_is_the_text_the_library_writes(slices: list[list[Subject]]) -> None:
    written = Exposition()
    for each in slices:
        written.add(each)
    assert b"".join(written.pieces()) == by_the_library([subject for each in slices for subject in each])


def test_what_is_held_is_a_fraction_of_the_text() -> None:
    written = Exposition()
    for first in range(0, 3_000, 1_000):
        written.add([_ordinary(number) for number in range(first, first + 1_000)])
    whole = sum(map(len, written.pieces()))
    assert written.monitors == 3_000
    assert max(map(len, written.pieces())) < whole / 10
    assert written.held() < whole / 3


def _ordinary(number: int) -> Subject:
    return Subject(
        public_id=str(UUID(int=number * 7919 * 2**90 + number * 104729 * 2**40 + number)),
        name=f"Mailbox {number}",
        hostname=f"mail{number}.example.net",
        protocol="imap",
        status="active",
        customer_name="My mailboxes",
        health="up",
        last_checked_at=1_795_000_000_000 + number * 37,
        total_ms=100 + number / 7,
        not_after_ms=1_800_000_000_000 + number * 1000,
        has_incident=False,
    )
