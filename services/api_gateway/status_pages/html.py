"""A page as HTML that needs no script and asks nobody for anything. Pure; every text of others is escaped here."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import groupby

from services.api_gateway.status_pages.discretion import readable
from services.api_gateway.status_pages.standing import Component, DayLook, DayShown, Incident, Standing, State, Work
from services.api_gateway.status_pages.view_store import DAYS, INCIDENT_DAYS
from services.api_gateway.status_pages.wording import (
    GLYPHS,
    STATES,
    date_text,
    description,
    length_text,
    names_of,
    percent,
    time_text,
)

_STEP = 6
_BAR = 4
_LOST = frozenset({DayLook.DEGRADED, DayLook.PARTIAL, DayLook.DOWN})


def page(shown: Standing, *, style: str, feed: str) -> str:
    """The whole page. `feed`: the address of its Atom feed."""
    title = f"{shown.title}: {description(shown)}"
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">',
            f'<link rel="alternate" type="application/atom+xml" title="Incidents" href="{escape(feed)}">',
            f"<title>{escape(title)}</title><style>{style}</style></head><body>",
            f"<header><h1>{_bdi(shown.title)}</h1>{_text(shown.text)}</header><main>",
            f'<p class="overall {shown.state}">{_glyph(shown.state)} {escape(description(shown))}</p>',
            *_open_incidents(shown.incidents),
            *_open_work(shown.work),
            *_lines(shown),
            *_planned(shown.work),
            *_past(shown.incidents),
            f'</main><footer><p>All times are UTC. <a href="{escape(feed)}">Incidents as a feed</a></p></footer>',
            "</body></html>",
        )
    )


def _lines(shown: Standing) -> Iterator[str]:
    yield '<section aria-labelledby="lines"><h2 id="lines">Current state</h2>'
    if shown.components:
        yield f'<ul class="components">{"".join(_component(each, shown.today) for each in shown.components)}</ul>'
    else:
        yield "<p>Nothing is shown here yet.</p>"
    yield "</section>"


def _component(component: Component, today: datetime, *, heading: str = "h3") -> str:
    head = (
        f'<div class="line"><{heading} class="name">{_bdi(component.name)}</{heading}>'
        f'<span class="state {component.state}">{_glyph(component.state)} {STATES[component.state]}</span></div>'
    )
    if component.members:
        members = "".join(_component(each, today, heading="h4") for each in component.members)
        return f'<li>{head}<ul class="members">{members}</ul></li>'
    return f"<li>{head}{_bars(component, today)}</li>"


def _bars(component: Component, today: datetime) -> str:
    known = "nothing known yet" if component.uptime is None else f"{percent(component.uptime)} available"
    lost = [day for day in component.days if day.look in _LOST]
    label = f"The last {DAYS} days: {known}, {len(lost)} {'day' if len(lost) == 1 else 'days'} with disturbances"
    return (
        f'<svg class="days" role="img" aria-label="{escape(label)}" preserveAspectRatio="none" '
        f'viewBox="0 0 {DAYS * _STEP - _STEP + _BAR} 24">{"".join(_runs(component.days, today))}</svg>'
        f'<p class="scale"><span>{DAYS} days ago</span><span>{known}</span><span>today</span></p>'
    )


def _runs(days: Sequence[DayShown], today: datetime) -> Iterator[str]:
    """One stroke for as many days as look alike, dashed into bars; those with disturbances each for itself."""
    for look, run in groupby(enumerate(days), key=lambda each: each[1].look):
        found = list(run)
        if look not in _LOST:
            yield f'<path class="{look}" d="{_stroke(found[0][0], len(found))}"/>'
            continue
        for place, day in found:
            date = date_text(today - timedelta(days=DAYS - 1 - place))
            says = (
                f"{date}: degraded" if day.look is DayLook.DEGRADED else f"{date}: {percent(day.uptime or 0)} available"
            )
            yield f'<path class="{look}" d="{_stroke(place, 1)}"><title>{says}</title></path>'


def _stroke(first: int, count: int) -> str:
    return f"M{first * _STEP} 12h{count * _STEP - _STEP + _BAR}"


def _open_incidents(incidents: Iterable[Incident]) -> Iterator[str]:
    found = [each for each in incidents if each.resolved_at is None]
    if found:
        yield '<section aria-labelledby="open"><h2 id="open">Open incidents</h2>'
        yield from (_incident(each) for each in found)
        yield "</section>"


def _past(incidents: Sequence[Incident]) -> Iterator[str]:
    found = [each for each in incidents if each.resolved_at is not None]
    yield f'<section aria-labelledby="past"><h2 id="past">Incidents of the last {INCIDENT_DAYS} days</h2>'
    yield from (_incident(each) for each in found)
    if not found:
        yield "<p>None that are over.</p>" if incidents else "<p>None.</p>"
    yield "</section>"


def _incident(incident: Incident) -> str:
    when = f"Since {_time(incident.started_at)}."
    if incident.resolved_at is not None:
        lasted = length_text(incident.resolved_at - incident.started_at)
        when = f"From {_time(incident.started_at)} until {_time(incident.resolved_at)}, {lasted}."
    elif incident.acknowledged_at is not None:
        when += f" Somebody has been looking after it since {_time(incident.acknowledged_at)}."
    said = "".join(f"<p><q>{_bdi(message)}</q></p>" for message in incident.messages)
    return (
        f'<article class="card"><h3>{escape(incident.title)}: {_bdi(names_of(incident.components))}</h3>'
        f"{said}<p>{when}</p></article>"
    )


def _open_work(work: Iterable[Work]) -> Iterator[str]:
    found = [each for each in work if each.is_open]
    if found:
        yield '<section aria-labelledby="work"><h2 id="work">Maintenance under way</h2>'
        yield from (_work(each) for each in found)
        yield "</section>"


def _planned(work: Iterable[Work]) -> Iterator[str]:
    found = [each for each in work if not each.is_open]
    yield '<section aria-labelledby="planned"><h2 id="planned">Planned maintenance</h2>'
    yield from (_work(each) for each in found)
    yield "</section>" if found else "<p>None.</p></section>"


def _work(work: Work) -> str:
    return (
        f'<article class="card"><h3>{_bdi(work.name)}</h3><p>From {_time(work.starts_at)} until '
        f'{_time(work.ends_at)}.</p><p class="soft">{_bdi(names_of(work.components))}</p></article>'
    )


def _text(text: str | None) -> str:
    if not text:
        return ""
    lines = "\n".join(_bdi(line) for line in _read_lines(text))
    return f'<p class="text">{lines}</p>'


def _read_lines(text: str) -> list[str]:
    return [readable(line.replace("\t", " "), longest=len(line)) for line in text.splitlines()]


def _glyph(state: State) -> str:
    return f'<span aria-hidden="true">{GLYPHS[state]}</span>'


def _time(moment: datetime) -> str:
    return f'<time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{time_text(moment)}</time>'


def _bdi(text: str) -> str:
    """A text of others; whatever its direction, that of what stands around it stays."""
    return f"<bdi>{escape(text)}</bdi>"
