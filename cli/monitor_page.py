"""One monitor as a page of text: what it is, how it is, and its latest checks. Pure."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from cli.showing import ago, health_text, plain
from shared.checks.vocabulary import Phase

# JSON of the database comes with its keys in an order of its own.
_PHASES = {phase.value: place for place, phase in enumerate(Phase)}


def monitor_lines(monitor: dict[str, Any], checks: Sequence[dict[str, Any]]) -> list[Text]:
    """The page's lines."""
    config = monitor["config"]
    port = f":{monitor['port']}" if monitor["port"] else ""
    security = config.get("security") or ("tls" if config.get("tls") else "none")
    lines = [
        Text.assemble(plain(monitor["name"]), "  ", health_text(monitor["health"])),
        _field("public id", monitor["publicId"]),
        _field("server", f"{config.get('protocol', 'imap')} {monitor['hostname']}{port}, security {security}"),
        _field("user", str(config.get("user") or "none: it ends after the capabilities")),
        _field("checked", f"every {monitor['checkInterval']:g} min, {monitor['status']}"),
        _field("last", ago(monitor["lastCheckedAt"])),
    ]
    if monitor["healthSince"]:
        lines.append(_field("since", f"{monitor['healthSince']} ({ago(monitor['healthSince'])})"))
    lines += [_field("note", warning["text"]) for warning in monitor.get("warnings", ())]
    lines.append(Text(""))
    if not checks:
        lines.append(Text("No checks yet."))
    return lines + [line for check in checks for line in check_lines(check)]


def check_lines(check: dict[str, Any]) -> list[Text]:
    """What became of one check."""
    passed = check["status"] == "success"
    diagnostics = check["diagnostics"]
    verdict = Text("ok" if passed else str(diagnostics["outcomeClass"]), style="green" if passed else "red")
    withheld = " (login held back)" if diagnostics.get("withheld") else ""
    head = f"{check['checkedAt']}  {check['timingImapPop']:.0f} ms  {check['locationCode']}  "
    lines = [Text.assemble(plain(head), verdict, withheld)]
    phases = diagnostics.get("phasesMs") or {}
    if phases:
        in_order = sorted(phases.items(), key=lambda each: _PHASES.get(each[0], len(_PHASES)))
        lines.append(plain("    " + "  ".join(f"{phase} {ms:.1f}" for phase, ms in in_order) + "  (ms)"))
    for label, said in (
        ("", check["errorMessage"] or check["warningMessage"]),
        ("the server said: ", diagnostics.get("serverWords")),
        ("hint: ", diagnostics.get("hint")),
    ):
        if said and not (passed and label):
            lines.append(plain(f"    {label}{said}"))
    return lines


def _field(label: str, value: str) -> Text:
    return Text.assemble((f"  {label:<10}", "dim"), plain(value))
