"""The words of messages: what is wrong, in the server's words, since when, what to do next, and where to look. Pure."""

import re
from collections.abc import Sequence
from uuid import UUID

from services.notifier.content import (
    MOST_DESCRIBED,
    Certificate,
    Content,
    Incident,
    Newcomer,
    Part,
    is_good_news,
    moment,
    span,
)
from services.notifier.vocabulary import Event

_MOST_LISTED = 20
_LONGEST_TITLE = 200

# What a person reads of a phase.
_PHASES = {
    "dns": "name look-up",
    "connect": "connecting",
    "tls": "TLS",
    "greeting": "greeting",
    "capability": "capabilities",
    "auth": "login",
    "mailbox": "opening the mailbox",
    "logout": "logout",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def of_outage(
    event: Event,
    *,
    public_id: UUID,
    key: str,
    incidents: Sequence[Incident],
    now_ms: int,
    layer: str | None = None,
    joined: int = 0,
    public_url: str | None = None,
) -> Content:
    """A message about one outage: opened, update, reminder, resolved, flapping or settled.

    Args:
        incidents: all it is about, at least one; those without resolved_at are open.
        joined: how many of them were not told of before.
    """
    still_open = [incident for incident in incidents if incident.resolved_at is None]
    good_news = is_good_news(event) and not still_open
    shown = list(incidents) if good_news else still_open or list(incidents)
    started_at = min(incident.started_at for incident in incidents)
    title = plain(_title(event, shown, now_ms=now_ms, started_at=started_at))
    link = incident_link(public_url, shown[0].public_id)
    paragraphs = [
        *_what(event, shown, joined=joined),
        _when(incidents, started_at=started_at, now_ms=now_ms),
        *_next_step(shown, good_news=good_news),
        *_members(shown),
        _where(link, shown[0].public_id),
    ]
    part = Part(event=event, key=key, host=shown[0].host, layer=layer, title=title, started_at=started_at)
    return Content(
        event=event,
        public_id=public_id,
        at=now_ms,
        good_news=good_news,
        title=title,
        paragraphs=tuple(paragraphs),
        link=link,
        parts=(part,),
        incidents=tuple(shown[:MOST_DESCRIBED]),
        incident_ids=tuple(incident.public_id for incident in incidents),
    )


def of_certificate(certificate: Certificate, *, public_id: UUID, now_ms: int, public_url: str | None = None) -> Content:
    """A certificate that ends soon."""
    where = f"{certificate.host}:{certificate.port}"
    days = f"{certificate.days_left} day{'' if certificate.days_left == 1 else 's'}"
    title = plain(f"CERTIFICATE: {where} expires in {days}")
    lines = [f"The certificate of {where} expires in {days}."]
    if certificate.not_after_ms is not None:
        lines.append(f"Its last moment is {moment(certificate.not_after_ms)}.")
    named = [
        f"{name}: {plain(value)}"
        for name, value in (
            ("Subject", certificate.subject),
            ("Issuer", certificate.issuer),
            ("Fingerprint (SHA-256)", certificate.fingerprint),
        )
        if value
    ]
    return Content(
        event=Event.CERTIFICATE,
        public_id=public_id,
        at=now_ms,
        good_news=False,
        title=title,
        paragraphs=(
            " ".join(lines),
            *(["\n".join(named)] if named else []),
            "Next: renew it and have the mail server read it again; once it has expired, logins fail.",
        ),
        link=public_url,
        parts=(
            Part(
                event=Event.CERTIFICATE,
                key=f"certificate {where} {certificate.fingerprint or ''}",
                host=certificate.host,
                layer="tls",
                title=title,
                started_at=now_ms,
            ),
        ),
        certificate=certificate,
    )


def of_newcomers(
    failing: Sequence[Newcomer], *, public_id: UUID, now_ms: int, public_url: str | None = None
) -> Content:
    """Monitors that fail and have never passed, at least one: for whoever made them."""
    first = failing[0]
    one = len(failing) == 1
    what = f"{first.name} ({first.hostname})" if one else f"{len(failing)} monitors"
    lines = [
        f"- {plain(each.name)} ({plain(_mailbox(each.user_name, each.hostname))}, {each.protocol.upper()}): "
        f"{plain(each.message, most=300) or 'no reason is known'}"
        for each in failing[:_MOST_LISTED]
    ]
    if len(failing) > _MOST_LISTED:
        lines.append(f"- and {len(failing) - _MOST_LISTED} more")
    return Content(
        event=Event.NEVER_PASSED,
        public_id=public_id,
        at=now_ms,
        good_news=False,
        title=plain(f"NEVER PASSED YET: {what}"),
        paragraphs=(
            f"{'This monitor has' if one else 'These monitors have'} never passed since being made, so nobody was "
            "alerted but you.",
            "\n".join(lines),
            "Next: put right what the reasons name, and ask for a check. Once a monitor has passed, people are told of "
            "its outages.",
            public_url or "All of it: mailprobe status",
        ),
        link=public_url,
    )


def of_digest(told: Sequence[Content], *, public_id: UUID, now_ms: int, public_url: str | None = None) -> Content:
    """Many messages as one: how many of what, the first of each kind, and everything for programs."""
    bad = [content for content in told if not content.good_news]
    good = [content for content in told if content.good_news]
    ids = tuple(dict.fromkeys(known for content in told for known in content.incident_ids))
    counts = []
    if bad:
        counts.append(f"{len(bad)} alert{'' if len(bad) == 1 else 's'}")
    if good:
        counts.append(f"{len(good)} recover{'y' if len(good) == 1 else 'ies'}")
    title = f"{' and '.join(counts)}, {len(ids)} mailbox{'' if len(ids) == 1 else 'es'} in all"
    if len(told) == 1:  # it came right after many; a number says nothing of it
        title = told[0].title
    lists = []
    for heading, contents in (("Alerts", bad), ("Recoveries", good)):
        if contents:
            lines = [f"- {content.title}" for content in contents[:_MOST_LISTED]]
            if len(contents) > _MOST_LISTED:
                lines.append(f"- and {len(contents) - _MOST_LISTED} more")
            lists.append("\n".join([f"{heading}:", *lines]))
    described = [incident for content in told for incident in content.incidents]
    return Content(
        event=Event.DIGEST,
        public_id=public_id,
        at=now_ms,
        good_news=not bad,
        title=title,
        paragraphs=(
            "So much happened at once that it is told in one message; more of it follows in a minute at the soonest.",
            *lists,
            public_url or "All of it: mailprobe incidents list",
        ),
        link=public_url,
        parts=tuple(part for content in told for part in content.parts),
        incidents=tuple(described[:MOST_DESCRIBED]),
        incident_ids=ids,
    )


def of_test(channel_name: str, *, public_id: UUID, now_ms: int, public_url: str | None = None) -> Content:
    """What somebody asked for to see whether a channel works."""
    return Content(
        event=Event.TEST,
        public_id=public_id,
        at=now_ms,
        good_news=True,
        title=plain(f"TEST: mailprobe reaches the channel {channel_name}"),
        paragraphs=("Somebody tried this channel. Nothing is wrong, and there is nothing to do.",),
        link=public_url,
    )


def incident_link(public_url: str | None, public_id: UUID) -> str | None:
    return f"{public_url.rstrip('/')}/incidents/{public_id}" if public_url else None


def plain(text: str | None, *, most: int = _LONGEST_TITLE) -> str:
    """One line without control characters, cut where it is long: it may hold what servers and strangers wrote."""
    line = _CONTROL.sub(" ", text or "").strip()
    return line if len(line) <= most else line[: most - 1] + "…"


def _title(event: Event, shown: Sequence[Incident], *, now_ms: int, started_at: int) -> str:
    first = shown[0]
    if len(shown) == 1:
        what = f"{first.monitor_name} ({first.host}, {_PHASES.get(first.phase, first.phase)})"
    else:
        what = f"{first.host}: {len(shown)} mailboxes, {_phase_of(shown)} phase"
    match event:
        case Event.OPENED:
            return f"DOWN: {what}" if any(one.resolved_at is None for one in shown) else f"WAS DOWN: {what}"
        case Event.UPDATE:
            return f"DOWN, AND MORE OF IT: {what}"
        case Event.REMINDER:
            return f"STILL DOWN after {span(now_ms - started_at)}: {what}"
        case Event.RESOLVED:
            return f"NO LONGER CHECKED: {what}" if all(map(_was_dropped, shown)) else f"UP AGAIN: {what}"
        case Event.FLAPPING:
            return f"FLAPPING: {what}"
    return f"SETTLED: {what}" if first.resolved_at is not None else f"SETTLED, AND DOWN: {what}"


def _phase_of(shown: Sequence[Incident]) -> str:
    phases = [incident.phase for incident in shown]
    most = max(dict.fromkeys(phases), key=phases.count)
    return _PHASES.get(most, most)


def _what(event: Event, shown: Sequence[Incident], *, joined: int) -> list[str]:
    first = shown[0]
    mailbox = _mailbox(first.user_name, first.host)
    lines = [
        f"Mailbox: {plain(first.monitor_name)} ({plain(mailbox)}, {first.protocol.upper()})"
        if len(shown) == 1
        else f"Host: {plain(first.host)}, {len(shown)} mailboxes",
        f"Phase: {_PHASES.get(first.phase, first.phase) if len(shown) == 1 else _phase_of(shown)}",
    ]
    if len({incident.customer_name for incident in shown}) == 1 and first.customer_name:
        lines.append(f"Customer: {plain(first.customer_name)}")
    if joined and event in (Event.UPDATE, Event.REMINDER):
        lines.append(f"Since the last message {joined} more mailbox{'' if joined == 1 else 'es'} failed.")
    if event is Event.FLAPPING:
        lines.append("It fails and recovers again and again; the next message comes when that ends.")
    reason = [f"What happened: {plain(first.message, most=600)}"]
    if first.server_words:
        reason.append(f"The server's words: {plain(first.server_words, most=600)}")
    return (
        ["\n".join(lines), "\n".join(reason)]
        if event not in (Event.RESOLVED, Event.SETTLED)
        else [
            "\n".join(lines),
            f"What it was: {plain(first.message, most=600)}",
        ]
    )


def _mailbox(user_name: str | None, host: str) -> str:
    return f"{user_name} at {host}" if user_name else host


def _when(incidents: Sequence[Incident], *, started_at: int, now_ms: int) -> str:
    since = f"Since: {moment(started_at)}"
    if any(one.resolved_at is None for one in incidents):
        return f"{since} ({span(now_ms - started_at)} ago)"
    ended_at = max(one.recovered_at or one.resolved_at or now_ms for one in incidents)
    why = {one.resolution for one in incidents if one.resolution not in (None, "recovered")}
    by = f" (the monitor was {' or '.join(sorted(str(each) for each in why))})" if why else ""
    return f"{since}, until {moment(ended_at)}: {span(ended_at - started_at)}{by}"


def _was_dropped(incident: Incident) -> bool:
    """Whether it ended because nobody looks any more, and not because it works."""
    return incident.resolution not in (None, "recovered")


def _next_step(shown: Sequence[Incident], *, good_news: bool) -> list[str]:
    dropped = [incident for incident in shown if _was_dropped(incident)]
    if good_news and dropped:
        which = "it" if len(shown) == 1 else f"{len(dropped)} of {len(shown)} mailboxes"
        return [f"Next: nothing; whether {which} worked again was not seen, for checking was ended before."]
    if good_news:
        return ["Next: nothing; it works again."]
    hint = next((incident.hint for incident in shown if incident.hint), None)
    return [f"Next: {plain(hint, most=600)}" if hint else "Next: look at the mail server's log at that time."]


def _members(shown: Sequence[Incident]) -> list[str]:
    if len(shown) == 1:
        return []
    lines = [
        f"- {plain(one.monitor_name)}{f' ({plain(one.user_name)})' if one.user_name else ''}"
        for one in shown[:_MOST_LISTED]
    ]
    if len(shown) > _MOST_LISTED:
        lines.append(f"- and {len(shown) - _MOST_LISTED} more")
    return ["\n".join(["Mailboxes:", *lines])]


def _where(link: str | None, public_id: UUID) -> str:
    return f"Details: {link}" if link else f"Details: mailprobe incidents show {public_id}"
