"""Webhooks: JSON, signed both as the documented API signs and as Standard Webhooks do, with the same secret.

The body of a message is the same at every try; headers tell the try and its time.
"""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from services.notifier.content import Content, Incident, iso
from services.notifier.persistence import SendOutcome
from services.notifier.senders.http import OutboundHttp
from services.notifier.senders.seam import Attempt
from services.notifier.vocabulary import Event
from shared.notifications.channel_models import ChannelConfig, WebhookConfig

_EVENTS = {
    Event.OPENED: "incident.created",
    Event.UPDATE: "incident.updated",
    Event.REMINDER: "incident.reminder",
    Event.RESOLVED: "incident.resolved",
    Event.FLAPPING: "incident.flapping",
    Event.SETTLED: "incident.settled",
    Event.CERTIFICATE: "certificate.expiring",
    Event.NEVER_PASSED: "monitors.never_passed",
    Event.DIGEST: "digest",
    Event.TEST: "test",
}
# Many receivers take no more than a megabyte; of what is left out the ids are there.
_MOST_OUTAGES = 500
_BASE64_SECRET = "whsec_"


class WebhookSender:
    """Sends to `webhook` channels."""

    def __init__(self, http: OutboundHttp) -> None:
        self._http = http

    async def send(self, config: ChannelConfig, content: Content, attempt: Attempt) -> SendOutcome:
        assert isinstance(config, WebhookConfig)  # noqa: S101 - the table of senders says so
        body = webhook_body(content)
        own = config.headers or {}
        secrets = [each for each in (config.secret, config.previousSecret, *own.values()) if each]
        return await self._http.request(
            config.method,
            config.url,
            headers={**own, **webhook_headers(config, content, attempt, body)},
            body=body,
            expected=frozenset(config.expectedStatusCodes) if config.expectedStatusCodes else None,
            secrets=secrets,
        )


def webhook_headers(config: WebhookConfig, content: Content, attempt: Attempt, body: bytes) -> dict[str, str]:
    """All headers of ours; those that sign only where there is a secret."""
    seconds = str(attempt.at_ms // 1000)
    headers = {
        "Content-Type": "application/json",
        "X-Webhook-Event": "recovery" if content.good_news and content.event is not Event.TEST else "alert",
        "X-Webhook-Timestamp": iso(attempt.at_ms),
        "X-Webhook-Attempt": str(attempt.number),
        "webhook-id": str(attempt.public_id),
        "webhook-timestamp": seconds,
    }
    if config.secret is None:
        return headers
    signed = f"{attempt.public_id}.{seconds}.".encode() + body
    signatures = [_standard(secret, signed) for secret in (config.secret, config.previousSecret) if secret]
    return {
        **headers,
        "X-Webhook-Signature": hmac.new(config.secret.encode(), body, hashlib.sha256).hexdigest(),
        "X-Webhook-Signature-Algorithm": "sha256",
        "webhook-signature": " ".join(signatures),
    }


def webhook_body(content: Content) -> bytes:
    """The message as JSON. `incident`, `monitor` and `customer` are those of the first incident."""
    first = content.incidents[0] if content.incidents else None
    described: dict[str, Any] = {
        "event": _EVENTS[content.event],
        "type": _EVENTS[content.event],
        "id": str(content.public_id),
        "timestamp": iso(content.at),
        "title": content.title,
        "text": content.text,
        "link": content.link,
        "incident": _incident(first) if first else None,
        "monitor": _monitor(first) if first else None,
        "customer": {"id": first.customer_id, "name": first.customer_name} if first else None,
        "outages": [
            {"event": _EVENTS[part.event], "key": part.key, "host": part.host, "layer": part.layer, "title": part.title}
            for part in content.parts[:_MOST_OUTAGES]
        ],
        "outageCount": len(content.parts),
        "incidents": [{**_incident(each), "monitor": _monitor(each)} for each in content.incidents],
        "incidentIds": [str(known) for known in content.incident_ids],
        "certificate": content.certificate.model_dump(mode="json") if content.certificate else None,
    }
    return json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()


def _incident(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "publicId": str(incident.public_id),
        "type": "down",
        "status": "open" if incident.resolved_at is None else "resolved",
        "started_at": iso(incident.started_at),
        "opened_at": iso(incident.opened_at),
        "resolved_at": iso(incident.resolved_at) if incident.resolved_at is not None else None,
        "error_message": incident.message,
        "cause": incident.kind,
        "phase": incident.phase,
        "server_words": incident.server_words,
        "hint": incident.hint,
    }


def _monitor(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.monitor_id,
        "publicId": str(incident.monitor_public_id),
        "name": incident.monitor_name,
        "hostname": incident.host,
        "protocol": incident.protocol,
        "user": incident.user_name,
    }


def _standard(secret: str, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    """A secret in Standard Webhooks' own form is base64; any other one is taken as it stands."""
    if secret.startswith(_BASE64_SECRET):
        encoded = secret.removeprefix(_BASE64_SECRET)
        try:
            return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True) or secret.encode()
        except binascii.Error:
            pass
    return secret.encode()
