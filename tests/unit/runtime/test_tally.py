"""Counted as prometheus-client's own histogram counts, and shown as that shows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from shared.runtime.tally import Tally

BUCKETS = (0.01, 0.5, 1.0, 60.0)


def shown(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if "_created" not in line]


@given(st.lists(st.tuples(st.sampled_from(["imap", "pop3"]), st.sampled_from([*BUCKETS, 0.0, 0.3, 99.0]))))
def test_it_shows_what_the_library_s_own_would(seen: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = Tally("took_seconds", "How long", ["protocol"], buckets=BUCKETS, registry=ours)
    histogram = Histogram("took_seconds", "How long", ["protocol"], buckets=BUCKETS, registry=theirs)
    for protocol, amount in seen:
        tally.labels(protocol).observe(amount)
        histogram.labels(protocol).observe(amount)
    assert shown(ours) == shown(theirs)


def test_without_labels_it_is_shown_before_anything_was_counted() -> None:
    registry = CollectorRegistry()
    tally = Tally("lag_seconds", "How late", buckets=BUCKETS, registry=registry)
    assert registry.get_sample_value("lag_seconds_count") == 0
    tally.observe(0.5)
    assert registry.get_sample_value("lag_seconds_bucket", {"le": "0.5"}) == 1
    assert registry.get_sample_value("lag_seconds_bucket", {"le": "0.01"}) == 0
    assert registry.get_sample_value("lag_seconds_sum") == 0.5


def test_a_name_is_given_once() -> None:
    registry = CollectorRegistry()
    Tally("lag_seconds", "How late", buckets=BUCKETS, registry=registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Tally("lag_seconds", "How late", buckets=BUCKETS, registry=registry)


def test_as_many_labels_as_it_has() -> None:
    with pytest.raises(ValueError, match="1 labels, not 2"):
        Tally("took_seconds", "How long", ["protocol"], buckets=BUCKETS).labels("imap", "ok")
