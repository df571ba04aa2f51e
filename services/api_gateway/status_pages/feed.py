"""Incidents of a page as an Atom feed (RFC 4287). Pure."""

from datetime import datetime
from html import escape
from uuid import UUID

from services.api_gateway.status_pages.standing import Incident, Standing
from services.api_gateway.status_pages.wording import names_of, time_text, updates_of


def feed(shown: Standing, *, address: str) -> str:
    """The feed; `address`: where people see the page."""
    entries = "".join(_entry(each, address) for each in shown.incidents)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<id>{UUID(shown.id).urn}</id><title>{escape(shown.title)}: incidents</title>"
        f"<author><name>{escape(shown.title)}</name></author><updated>{_time(shown.updated_at)}</updated>"
        f'<link rel="alternate" type="text/html" href="{escape(address)}"/>'
        f'<link rel="self" type="application/atom+xml" href="{escape(address)}/history.atom"/>{entries}</feed>\n'
    )


def _entry(incident: Incident, address: str) -> str:
    updates = updates_of(incident)
    said = [f"{time_text(at)}: {body}" for _, at, body in updates]
    content = "\n".join([*said, *incident.messages])
    return (
        f"<entry><id>{UUID(incident.id).urn}</id>"
        f"<title>{escape(f'{incident.title}: {names_of(incident.components)}')}</title>"
        f"<published>{_time(incident.opened_at)}</published><updated>{_time(updates[0][1])}</updated>"
        f'<link rel="alternate" type="text/html" href="{escape(address)}"/>'
        f'<content type="text">{escape(content)}</content></entry>'
    )


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
