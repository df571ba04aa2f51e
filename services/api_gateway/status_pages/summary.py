"""A page in Statuspage's schema. Pure."""

from collections.abc import Iterator

from services.api_gateway.status_pages.models import (
    ComponentStatus,
    StatusSummary,
    SummaryComponent,
    SummaryIncident,
    SummaryMaintenance,
    SummaryPage,
    SummaryStatus,
    SummaryUpdate,
)
from services.api_gateway.status_pages.standing import Component, Incident, Standing, State, Work
from services.api_gateway.status_pages.wording import INDICATORS, description, names_of, time_text, updates_of

# It has no word for what nothing is known of. That all is well would be the one thing that may not be true.
_STATUSES: dict[State, ComponentStatus] = {
    State.MAJOR: "major_outage",
    State.PARTIAL: "partial_outage",
    State.DEGRADED: "degraded_performance",
    State.UNKNOWN: "degraded_performance",
    State.MAINTENANCE: "under_maintenance",
    State.OPERATIONAL: "operational",
}


def summary(shown: Standing, address: str) -> StatusSummary:
    """The summary of what a page shows; `address`: where people see it."""
    components = list(_components(shown))
    by_id = {each.id: each for each in components}
    return StatusSummary(
        page=SummaryPage(id=shown.id, name=shown.title, url=address, updated_at=shown.updated_at),
        status=SummaryStatus(indicator=INDICATORS[shown.state], description=description(shown)),
        components=components,
        incidents=[
            _incident(shown, each, [by_id[one.id] for one in each.components], address)
            for each in shown.incidents
            if each.resolved_at is None
        ],
        scheduled_maintenances=[
            _work(shown, each, [by_id[one.id] for one in each.components], address) for each in shown.work
        ],
    )


def _components(shown: Standing) -> Iterator[SummaryComponent]:
    position = 0
    for each in shown.components:
        position += 1
        yield _component(shown, each, position, None)
        for member in each.members:
            position += 1
            yield _component(shown, member, position, each.id)


def _component(shown: Standing, component: Component, position: int, group_id: str | None) -> SummaryComponent:
    return SummaryComponent(
        id=component.id,
        page_id=shown.id,
        name=component.name,
        status=_STATUSES[component.state],
        position=position,
        created_at=component.created_at,
        updated_at=component.updated_at,
        group=bool(component.members),
        group_id=group_id,
        components=[member.id for member in component.members] or None,
    )


def _incident(shown: Standing, incident: Incident, affected: list[SummaryComponent], address: str) -> SummaryIncident:
    updates = [
        SummaryUpdate(
            id=f"{incident.id}-{status}",
            incident_id=incident.id,
            status=status,
            body=" ".join([body, *(incident.messages if status == "investigating" else ())]),
            created_at=at,
            updated_at=at,
            display_at=at,
        )
        for status, at, body in updates_of(incident)
    ]
    return SummaryIncident(
        id=incident.id,
        page_id=shown.id,
        name=f"{incident.title}: {names_of(incident.components)}",
        status="investigating" if incident.acknowledged_at is None else "identified",
        impact="critical" if incident.whole_page else "major",
        shortlink=address,
        created_at=incident.opened_at,
        updated_at=updates[0].updated_at,
        started_at=incident.started_at,
        incident_updates=updates,
        components=affected,
    )


def _work(shown: Standing, work: Work, affected: list[SummaryComponent], address: str) -> SummaryMaintenance:
    said = SummaryUpdate(
        id=f"{work.id}-scheduled",
        incident_id=work.id,
        status="scheduled",
        body=f"From {time_text(work.starts_at)} until {time_text(work.ends_at)}.",
        created_at=work.created_at,
        updated_at=work.updated_at,
        display_at=work.created_at,
    )
    return SummaryMaintenance(
        id=work.id,
        page_id=shown.id,
        name=work.name,
        status="in_progress" if work.is_open else "scheduled",
        shortlink=address,
        created_at=work.created_at,
        updated_at=work.updated_at,
        started_at=work.starts_at,
        scheduled_for=work.starts_at,
        scheduled_until=work.ends_at,
        incident_updates=[said],
        components=affected,
    )
