"""Prometheus' Alertmanager, by its API v2: an alert for each outage, ended by the recovery with the same labels.

Alertmanager takes an alert for over where it is not sent again, so each says until when it stands. Reminders need not
come (somebody takes care of the outage, or wants one alone), and an outage must not seem over for that: only its
recovery ends it, or a year. What has no recovery stands for two days.
"""

import base64
import json
from typing import Any

from services.notifier.content import Content, Part, iso
from services.notifier.persistence import SendOutcome
from services.notifier.senders.http import OutboundHttp
from services.notifier.senders.seam import Attempt
from services.notifier.vocabulary import DAY_MS, GOOD_NEWS, Event
from shared.notifications.channel_models import AlertmanagerConfig, ChannelConfig

_NAMES = {
    Event.CERTIFICATE: "MailprobeCertificateExpiring",
    Event.FLAPPING: "MailprobeFlapping",
    Event.SETTLED: "MailprobeFlapping",
    Event.TEST: "MailprobeTest",
}
_STANDS_MS = 2 * DAY_MS
_OUTAGE_STANDS_MS = 365 * DAY_MS
_OUTAGES = frozenset({Event.OPENED, Event.UPDATE, Event.REMINDER})


class AlertmanagerSender:
    """Sends to `alertmanager` channels."""

    def __init__(self, http: OutboundHttp) -> None:
        self._http = http

    async def send(self, config: ChannelConfig, content: Content, attempt: Attempt) -> SendOutcome:
        assert isinstance(config, AlertmanagerConfig)  # noqa: S101 - the table of senders says so
        headers = {"Content-Type": "application/json"}
        secrets = [each for each in (config.password, config.bearerToken) if each]
        if config.bearerToken:
            headers["Authorization"] = f"Bearer {config.bearerToken}"
        elif config.username:
            told = base64.b64encode(f"{config.username}:{config.password or ''}".encode()).decode()
            headers["Authorization"] = f"Basic {told}"
            secrets.append(told)
        return await self._http.request(
            "POST",
            f"{config.url.rstrip('/')}/api/v2/alerts",
            headers=headers,
            body=json.dumps(alerts(config, content)).encode(),
            secrets=secrets,
        )


def alerts(config: AlertmanagerConfig, content: Content) -> list[dict[str, Any]]:
    """What Alertmanager's `POST /api/v2/alerts` takes."""
    parts = content.parts or (
        Part(event=content.event, key="test", host="mailprobe", layer=None, title=content.title, started_at=None),
    )
    return [_alert(config, content, part) for part in parts]


def _alert(config: AlertmanagerConfig, content: Content, part: Part) -> dict[str, Any]:
    over = part.event in GOOD_NEWS or part.event is Event.TEST
    stands_ms = _OUTAGE_STANDS_MS if part.event in _OUTAGES else _STANDS_MS
    labels = {
        **config.labels,
        "alertname": _NAMES.get(part.event, "MailprobeDown"),
        "host": part.host,
        "outage": part.key,
        "severity": "warning" if part.event in (Event.CERTIFICATE, Event.FLAPPING, Event.SETTLED) else "critical",
    }
    if part.layer:
        labels["layer"] = part.layer
    return {
        "labels": labels,
        "annotations": {
            "summary": part.title,
            "description": content.text if len(content.parts) == 1 else part.title,
        },
        "startsAt": iso(part.started_at if part.started_at is not None else content.at),
        "endsAt": iso(content.at if over else content.at + stands_ms),
        **({"generatorURL": content.link} if content.link else {}),
    }
