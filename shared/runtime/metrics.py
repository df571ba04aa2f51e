"""The metrics every process shows on its admin port, on one registry; each is counted where the thing happens."""

from functools import lru_cache
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)

from shared.runtime.tally import Tally

M = TypeVar("M", Counter, Gauge, Tally)

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)


@lru_cache(maxsize=1024)
def of(metric: M, *values: str) -> M:
    """The part of a metric with these labels. Remembered, since finding it costs more than counting."""
    return metric.labels(*values)


_CHECK_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
_LAG_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)

CHECKS = Counter("mailprobe_checks", "Checks made, by how they ended", ["protocol", "kind"], registry=REGISTRY)
CHECK_DURATION = Tally(
    "mailprobe_check_duration_seconds",
    "How long whole checks took",
    ["protocol"],
    buckets=_CHECK_BUCKETS,
    registry=REGISTRY,
)
PHASE_DURATION = Tally(
    "mailprobe_phase_duration_seconds",
    "How long the phases of checks took",
    ["phase"],
    buckets=_CHECK_BUCKETS,
    registry=REGISTRY,
)
SCHEDULE_LAG = Tally(
    "mailprobe_schedule_lag_seconds",
    "From when a slot was due until its job was published",
    buckets=_LAG_BUCKETS,
    registry=REGISTRY,
)
QUEUE_WAIT = Tally(
    "mailprobe_queue_wait_seconds",
    "From when a check was to start until a worker began it",
    ["protocol"],
    buckets=_LAG_BUCKETS,
    registry=REGISTRY,
)
RESULT_STORE_DELAY = Tally(
    "mailprobe_result_store_delay_seconds",
    "From the end of a check until its result was committed",
    buckets=_LAG_BUCKETS,
    registry=REGISTRY,
)
CHECKS_DISPATCHED = Counter(
    "mailprobe_checks_dispatched", "Jobs published and confirmed", ["protocol"], registry=REGISTRY
)
CHECKS_RECORDED = Counter("mailprobe_checks_recorded", "Results newly recorded", registry=REGISTRY)
CHECKS_DUPLICATE = Counter("mailprobe_checks_duplicate", "Results that were already recorded", registry=REGISTRY)
CHECKS_MISSED = Counter(
    "mailprobe_checks_missed", "Slots and requests that ended without a result", ["reason"], registry=REGISTRY
)
CHECKS_STALE = Counter(
    "mailprobe_checks_stale", "Jobs that reached a worker past their time", ["protocol"], registry=REGISTRY
)
CANARIES_SENT = Counter(
    "mailprobe_canaries_sent",
    "Canaries published, by what the broker said",
    ["location", "protocol", "outcome"],
    registry=REGISTRY,
)
CANARY_AGE = Gauge(
    "mailprobe_canary_age_seconds",
    "Since the newest canary that passed was stored",
    ["location", "protocol"],
    registry=REGISTRY,
)
WORKER_IN_FLIGHT = Gauge("mailprobe_worker_in_flight", "Checks under way", ["protocol"], registry=REGISTRY)
WORKER_CAPACITY = Gauge("mailprobe_worker_capacity", "Checks allowed at once", ["protocol"], registry=REGISTRY)
REQUIRED_CONCURRENCY = Gauge(
    "mailprobe_required_concurrency",
    "Checks at once that the schedule asks for; of the leading scheduler only",
    ["protocol", "location"],
    registry=REGISTRY,
)
EVENT_LOOP_LAG = Gauge("mailprobe_event_loop_lag_seconds", "How late the event loop woke up last", registry=REGISTRY)
INCIDENTS_OPEN = Gauge("mailprobe_incidents_open", "Confirmed outages that are not over", registry=REGISTRY)
NOTIFICATIONS = Counter(
    "mailprobe_notifications", "Tries to tell somebody, by how they ended", ["channel", "outcome"], registry=REGISTRY
)
NOTIFIER_FAULTS = Counter(
    "mailprobe_notifier_faults",
    "Mistakes of the notifier's own: what it could not plan, put into words or begin to send, and tries again",
    registry=REGISTRY,
)
OUTBOX_PENDING = Gauge("mailprobe_outbox_pending", "Happenings not planned for anybody yet", registry=REGISTRY)
RESULTS_OUT_OF_PLACE = Gauge(
    "mailprobe_results_out_of_place",
    "Results that lie in no day's partition; of the leading scheduler only",
    registry=REGISTRY,
)
RESULTS_OVERDUE_DAYS = Gauge(
    "mailprobe_results_overdue_days",
    "By how many days results are older than they are kept; of the leading scheduler only",
    registry=REGISTRY,
)

REQUESTS_REFUSED = Counter(
    "mailprobe_requests_refused", "Requests refused because too many were worked on at once", registry=REGISTRY
)
