"""`mailprobe maintenance`: list, plan and end maintenance windows through the API."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.api_client import ApiClient, api_client
from cli.failing import EXIT_USAGE, Failed, finish
from cli.moments import NoMoment, iso, read_length, read_moment
from cli.monitors import AsJson, TokenFile, Url
from cli.output import Format, Output, printed
from cli.showing import plain, print_lines, print_table
from shared.checks.maintenance import DAY_MS, Frequency, known_zones, occurrences, window_from_pattern

_LOOK_AHEAD_MS = 3 * 366 * DAY_MS
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

maintenance = typer.Typer(no_args_is_help=True, help="Times when failures are expected, and nobody is told.")


@maintenance.command("list")
def list_(json: AsJson = False, output: Output = Format.TABLE, url: Url = None, token_file: TokenFile = None) -> None:
    """List maintenance windows."""

    async def found() -> list[dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            return await api.windows()

    items = finish(found())
    if printed(output, items, json=json):
        return
    if not items:
        print_lines("No maintenance is planned; plan some by `mailprobe maintenance add`.")
        return
    rows = [
        (_state(item), plain(item["name"]), _whom(item), *_when(item), _again(item), str(item["id"])) for item in items
    ]
    print_table(("state", "name", "for", "begins", "ends", "again", "id"), rows)


@maintenance.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What is done.", show_default=False)],
    monitor: Annotated[list[str] | None, typer.Option(help="A monitor's number or publicId; may be repeated.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="All that carry this tag; may be repeated.")] = None,
    customer: Annotated[str | None, typer.Option(help="All of this customer; or with --tag, only its own.")] = None,
    begin: Annotated[str, typer.Option("--from", help="Such as 2026-12-31T22:00, or now.")] = "now",
    until: Annotated[str | None, typer.Option(help="Such as 2027-01-01T02:00.")] = None,
    length: Annotated[str | None, typer.Option("--for", help="Instead of --until: 90m, 2h, 1d.")] = None,
    zone: Annotated[str, typer.Option(help="Whose clock is meant, such as Europe/Berlin.")] = "UTC",
    every: Annotated[Frequency | None, typer.Option(help="It comes again.")] = None,
    interval: Annotated[int, typer.Option(min=1, help="Every so many days, weeks or months.")] = 1,
    on: Annotated[str | None, typer.Option(help="Days of a weekly one: mon,thu.")] = None,
    day: Annotated[int | None, typer.Option(min=1, max=31, help="Day of a monthly one.")] = None,
    last_day: Annotated[str | None, typer.Option(help="It comes no more after this date.")] = None,
    description: Annotated[str | None, typer.Option(help="More about it.")] = None,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Plan maintenance: nobody is told of failures meanwhile, and uptime stays as it was."""

    async def added() -> dict[str, Any]:
        body: dict[str, Any] = {"name": name, "description": description, "timeZone": zone}
        body |= _span(begin, until, length, zone)
        pattern = _pattern(every, interval, on, day, last_day)
        if pattern is not None:
            body |= {"isRecurring": True, "recurrencePattern": pattern}
        async with api_client(url=url, token_file=token_file) as api:
            body |= await _selection(api, monitor or [], tag or [], customer)
            return await api.add_window(body)

    window = finish(added())
    if printed(output, window, json=json):
        return
    print_lines(f"Planned {window['name']} as {window['id']}, for {_whom(window)}.", opening(window))


@maintenance.command("show")
def show(
    window: Annotated[str, typer.Argument(help="Its id.", show_default=False)],
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Show a maintenance window."""

    async def found() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            return await api.window(window)

    item = finish(found())
    if not printed(output, item, json=json):
        again = _again(item)
        print_lines(
            f"{item['name']}, for {_whom(item)}: {_state(item)}.",
            *([f"It comes {again}."] if again else []),
            opening(item),
            *([item["description"]] if item["description"] else []),
        )


@maintenance.command("end")
def end(
    windows: Annotated[list[str], typer.Argument(help="Their ids.", show_default=False)],
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """End windows now, and call off what was still to come of them. What was stays in history."""

    async def ended() -> None:
        async with api_client(url=url, token_file=token_file) as api:
            for window in windows:
                try:
                    found = await api.window(window)
                    await api.remove_window(window)
                except Failed as error:
                    raise Failed(f"{window}: {error}", code=error.code) from None
                print_lines(f"{'Ended' if found['isOpen'] else 'Called off'} {found['name']}.")

    finish(ended())


def opening(window: dict[str, Any]) -> str:
    """When a window is open, next or now."""
    begins, ends = _when(window)
    if window["isOpen"]:
        return f"It is open, until {ends}."
    if _state(window) == "over":
        return f"It is over already: it was from {begins} until {ends}."
    return f"It opens at {begins}, until {ends}."


def _span(begin: str, until: str | None, length: str | None, zone: str) -> dict[str, str]:
    if zone not in known_zones():
        raise Failed(f"{zone} is no IANA time zone such as Europe/Berlin", code=EXIT_USAGE)
    if (until is None) == (length is None):
        raise Failed("say when it ends, by either --until or --for", code=EXIT_USAGE)
    now = datetime.now(UTC)
    try:
        start = read_moment(begin, zone, now=now)
        stop = read_moment(until, zone, now=now) if until is not None else start + read_length(length or "")
    except (NoMoment, OverflowError) as error:
        raise Failed(str(error), code=EXIT_USAGE) from None
    return {"startTime": iso(start), "endTime": iso(stop)}


def _pattern(
    every: Frequency | None, interval: int, on: str | None, day: int | None, last_day: str | None
) -> dict[str, Any] | None:
    if every is None:
        if on is not None or day is not None or last_day is not None or interval != 1:
            raise Failed("--interval, --on, --day and --last-day need --every", code=EXIT_USAGE)
        return None
    pattern: dict[str, Any] = {"frequency": every, "interval": interval}
    if on is not None:
        days = [name.strip().lower()[:3] for name in on.split(",")]
        if not set(days) <= set(_DAYS):
            raise Failed(f"{on} is no list of days such as mon,thu", code=EXIT_USAGE)
        pattern["daysOfWeek"] = [_DAYS.index(name) for name in days]
    if day is not None:
        pattern["dayOfMonth"] = day
    if last_day is not None:
        pattern["endRecurrenceDate"] = last_day
    return pattern


async def _selection(api: ApiClient, monitors: list[str], tags: list[str], customer: str | None) -> dict[str, Any]:
    if not monitors and not tags and customer is None:
        raise Failed("say for whom: --monitor, --tag or --customer", code=EXIT_USAGE)
    body: dict[str, Any] = {}
    if monitors:
        body["targets"] = [{"type": "imap_pop", "id": _identifier(name)} for name in monitors]
    if tags:
        found = await api.tags()
        known = {name: each["id"] for each in found for name in (each["publicId"], str(each["id"]))}
        known |= {each["name"]: each["id"] for each in found}
        unknown = [name for name in tags if name not in known]
        if unknown:
            raise Failed(f"there is no tag {unknown[0]}")
        body["tagIds"] = [known[name] for name in tags]
    if customer is not None:
        body["customerId"] = _identifier(customer)
    return body


def _identifier(name: str) -> int | str:
    return int(name) if name.isascii() and name.isdigit() else name


def _state(window: dict[str, Any]) -> str:
    if not window["isActive"]:
        return "off"
    if window["isOpen"]:
        return "open"
    comes = window["occurrence"] or _much_later(window) or window["startTime"] > iso(datetime.now(UTC))
    return "planned" if comes else "over"


def _whom(window: dict[str, Any]) -> str:
    parts = [f"tag {tag['name']}" for tag in window["tags"]]
    if window["targets"]:
        numbers = ", ".join(str(target["id"]) for target in window["targets"][:5])
        more = "…" if len(window["targets"]) > 5 else ""
        parts.append(f"monitor {numbers}{more}")
    return " and ".join(parts) or f"customer {window['customerId']}"


def _when(window: dict[str, Any]) -> tuple[str, str]:
    """Of the time that is open or comes next, else of the first."""
    shown = window["occurrence"] or _much_later(window) or window
    return shown["startTime"], shown["endTime"]


def _much_later(window: dict[str, Any]) -> dict[str, str] | None:
    """The next time of a recurring window; the server has worked out those of the next weeks alone."""
    if window["recurrencePattern"] is None:
        return None
    starts_ms, ends_ms = (
        round(datetime.fromisoformat(window[name]).timestamp() * 1000) for name in ("startTime", "endTime")
    )
    plan = window_from_pattern(
        starts_ms=starts_ms, ends_ms=ends_ms, time_zone=window["timeZone"], pattern=window["recurrencePattern"]
    )
    now_ms = round(datetime.now(UTC).timestamp() * 1000)
    until_ms = max(now_ms, starts_ms) + _LOOK_AHEAD_MS
    begin, end = next(iter(occurrences(plan, from_ms=now_ms, until_ms=until_ms)), (None, None))
    if begin is None or end is None:
        return None
    return {name: iso(datetime.fromtimestamp(at / 1000, UTC)) for name, at in (("startTime", begin), ("endTime", end))}


def _again(window: dict[str, Any]) -> str:
    pattern = window["recurrencePattern"]
    if pattern is None:
        return ""
    every = pattern.get("interval", 1)
    said = str(pattern["frequency"]) if every == 1 else f"{pattern['frequency']}, every {every}"
    if pattern.get("daysOfWeek"):
        said += " on " + ", ".join(_DAYS[number % 7] for number in pattern["daysOfWeek"])
    if pattern.get("dayOfMonth"):
        said += f" on the {pattern['dayOfMonth']}."
    return f"{said} ({window['timeZone']})"
