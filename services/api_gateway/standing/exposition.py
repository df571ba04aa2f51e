"""Monitors as metrics, in Prometheus' text format. Pure.

Series are labelled by a monitor's public id alone, so that a new name breaks none; names stand on `mailbox_info`, to
be joined: `mailbox_up * on (monitor) group_left (name) mailbox_info`.
"""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from services.api_gateway.standing.standing_store import Subject

CONTENT_TYPE = "text/plain"
PARAMETERS = {"version": "0.0.4", "charset": "utf-8"}
_MONITOR = ["monitor"]


class _Subjects:
    """What a registry asks for its metrics."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self._subjects = subjects

    def collect(self) -> Iterable[Metric]:
        """Each family with a sample of every monitor that has such a value; a paused one has but its name."""
        info = InfoMetricFamily("mailbox", "What a monitor is called and where its mailbox is", labels=_MONITOR)
        up = GaugeMetricFamily("mailbox_up", "Whether a mailbox is well (1) or down (0)", labels=_MONITOR)
        degraded = GaugeMetricFamily("mailbox_degraded", "Whether a mailbox works, but not well", labels=_MONITOR)
        incident = GaugeMetricFamily("mailbox_incident_open", "Whether its outage is confirmed", labels=_MONITOR)
        response = GaugeMetricFamily(
            "mailbox_response_seconds", "How long the newest check took, from look-up to logout", labels=_MONITOR
        )
        checked = GaugeMetricFamily(
            "mailbox_last_check_timestamp_seconds", "When the newest check began", labels=_MONITOR
        )
        certificate = GaugeMetricFamily(
            "mailbox_certificate_not_after_timestamp_seconds",
            "Until when the certificate is good that the server showed last",
            labels=_MONITOR,
        )
        for each in self._subjects:
            name = [str(each.public_id)]
            info.add_metric(name, _described(each))
            if each.status == "disabled":
                continue
            if each.health != "unknown":
                up.add_metric(name, float(each.health != "down"))
                degraded.add_metric(name, float(each.health == "degraded"))
            incident.add_metric(name, float(each.has_incident))
            if each.total_ms is not None:
                response.add_metric(name, each.total_ms / 1000)
            if each.last_checked_at is not None:
                checked.add_metric(name, each.last_checked_at / 1000)
            if each.not_after_ms is not None:
                certificate.add_metric(name, each.not_after_ms / 1000)
        return (info, up, degraded, incident, response, checked, certificate)


def exposition(subjects: Sequence[Subject]) -> bytes:
    """The whole text. Ten thousand monitors take a second or two, so that it is better written in a thread."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Subjects(subjects))
    return generate_latest(registry)


def _described(subject: Subject) -> dict[str, str]:
    return {
        "name": subject.name,
        "hostname": subject.hostname,
        "protocol": subject.protocol,
        "customer": subject.customer_name,
        "status": subject.status,
    }
