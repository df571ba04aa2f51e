"""Nagios' services that check mail servers, as monitors; its contacts, as channels. Pure but for reading the files."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.importing.carried import Carried, interval_minutes
from cli.importing.nagios_objects import Objects, group_members, hosts_of, listed, read_objects
from cli.importing.plugin_options import Server, mail_server, program_of

_MACRO = re.compile(r"\$([A-Z_][A-Z0-9_]*)\$")
_DEFAULT_INTERVAL = "5"


def from_nagios(paths: list[Path]) -> Carried:
    """Everything that can be carried over; raises Failed."""
    objects = read_objects(paths)
    carried = Carried(manager="nagios", notes=objects.notes)
    hosts = objects.named("host")
    commands = objects.named("command")
    groups = group_members(objects, hosts)
    told: dict[str, int] = {}
    for service in objects.real("service"):
        names = hosts_of(service, objects, hosts)
        if not names:
            carried.notes.append(f"the service {service.get('service_description', '?')} is for no host")
        for name in names:
            if name not in hosts:
                carried.notes.append(f"the host {name} of {service.get('service_description', '?')} is not described")
                continue
            if _carry(carried, objects, service, {**hosts[name], "host_name": name}, commands, groups):
                for contact in _contacts(objects, service, hosts[name]):
                    told[contact] = told.get(contact, 0) + 1
    _carry_contacts(carried, objects, told)
    carried.notes[:0] = _of_dependants(objects)
    return carried


def _carry(
    carried: Carried,
    objects: Objects,
    service: Mapping[str, str],
    host: Mapping[str, str],
    commands: Mapping[str, Mapping[str, str]],
    groups: Mapping[str, list[str]],
) -> bool:
    label = f"{host['host_name']}/{service.get('service_description', '?')}"
    name, *arguments = (part.replace("\\!", "!") for part in re.split(r"(?<!\\)!", service.get("check_command", "")))
    command = commands.get(name)
    # A command of the plugin's own name may be described in a file that we were not given.
    line = command.get("command_line", "") if command is not None else f"{name} -H $HOSTADDRESS$"
    macros = _macros(objects, service, host, arguments)
    server = mail_server(_filled(line, macros))
    if server is None:
        carried.passed_over[program_of(_filled(line, macros)) or name or "no command"] += 1
        return False
    if command is None:
        carried.notes.append(f"{label}: the command {name} is not described; taken as the plugin of that name")
    if unknown := sorted({found for found in _MACRO.findall(line) if found not in macros}):
        carried.notes.append(f"{label}: ${unknown[0]}$ is not known, so it is left empty")
    carried.monitors.append(_monitor(carried, objects, service, host, server, label, groups))
    return True


def _monitor(
    carried: Carried,
    objects: Objects,
    service: Mapping[str, str],
    host: Mapping[str, str],
    server: Server,
    label: str,
    groups: Mapping[str, list[str]],
) -> dict[str, Any]:
    seconds = _number(service.get("check_interval") or service.get("normal_check_interval") or _DEFAULT_INTERVAL)
    minutes = interval_minutes(seconds * objects.interval_seconds, pop3=server.protocol == "pop3")
    if minutes * 60 > seconds * objects.interval_seconds:
        carried.notes.append(f"{label}: checked every {minutes:g} minutes, less often than before")
    monitor: dict[str, Any] = {
        "key": label[:200],
        "name": f"{host['host_name']} {service.get('service_description', '')}".strip()[:255],
        "hostname": server.host or host.get("address") or host["host_name"],
        "protocol": server.protocol,
        "security": server.security,
        "checkInterval": minutes,
    }
    optional = {
        "port": server.port,
        "user": server.user,
        "mailbox": server.mailbox,
        "servername": server.servername,
        "timeoutSeconds": server.timeout_seconds,
        "warningMs": server.warning_ms,
        "certificateWarningDays": server.certificate_days,
    }
    monitor |= {field: value for field, value in optional.items() if value is not None}
    if server.user is not None and server.password:
        monitor["password"] = carried.secret(f"PASSWORD_{label}", server.password)
    elif server.user is not None:
        carried.notes.append(f"{label}: no password is given to the plugin; it may read one from a file")
    if server.user is None:
        carried.notes.append("where no user is given, checks end after the server's greeting and capabilities")
    if server.expects:
        carried.notes.append(f"{label}: what it expects in the answer is not looked for")
    if service.get("active_checks_enabled") == "0":
        monitor["status"] = "disabled"
    elif service.get("notifications_enabled") == "0":
        monitor["status"] = "maintenance"
    if service.get("check_period", "24x7").lower() not in ("24x7", "24x7_sans_holidays"):
        carried.notes.append(f"{label}: checked around the clock, not only in {service['check_period']}")
    if "event_handler" in service:
        carried.notes.append(f"{label}: its event handler {service['event_handler']} is not run")
    tags = [
        *listed(service.get("servicegroups", "")),
        *(name for name, who in groups.items() if host["host_name"] in who),
    ]
    if tags:
        monitor["tags"] = [tag[:50] for tag in dict.fromkeys(tags)]
    return monitor


def _macros(
    objects: Objects, service: Mapping[str, str], host: Mapping[str, str], arguments: list[str]
) -> dict[str, str]:
    known = {
        **objects.users,
        "HOSTNAME": host["host_name"],
        "HOSTALIAS": host.get("alias", host["host_name"]),
        "HOSTADDRESS": host.get("address", host["host_name"]),
        "SERVICEDESC": service.get("service_description", ""),
        **{f"ARG{number}": "" for number in range(1, 33)},
        **{f"_HOST{name[1:]}": value for name, value in host.items() if name.startswith("_")},
        **{f"_SERVICE{name[1:]}": value for name, value in service.items() if name.startswith("_")},
    }
    for number, argument in enumerate(arguments, 1):
        known[f"ARG{number}"] = _filled(argument, known)
    return known


def _filled(text: str, macros: Mapping[str, str]) -> str:
    return _MACRO.sub(lambda found: macros.get(found.group(1), ""), text).replace("$$", "$")


def _number(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return float(_DEFAULT_INTERVAL)


def _contacts(objects: Objects, service: Mapping[str, str], host: Mapping[str, str]) -> list[str]:
    """Who is told: the service's contacts, else the host's."""
    groups = objects.named("contactgroup")
    for told in (service, host):
        names = listed(told.get("contacts", ""))
        for group in listed(told.get("contact_groups", "")):
            names += listed(groups.get(group, {}).get("members", ""))
            names += [
                name
                for name, contact in objects.named("contact").items()
                if group in listed(contact.get("contactgroups", ""))
            ]
        if names:
            return list(dict.fromkeys(names))
    return []


def _carry_contacts(carried: Carried, objects: Objects, told: Mapping[str, int]) -> None:
    contacts = objects.named("contact")
    for name, count in told.items():
        contact = contacts.get(name, {})
        email = contact.get("email", "")
        if "@" not in email:
            carried.notes.append(f"the contact {name} has no e-mail address, so it becomes no channel")
            continue
        channel = {"key": name[:200], "name": contact.get("alias", name)[:255], "type": "email"}
        carried.channels.append({**channel, "config": {"email": email}})
        if count < len(carried.monitors):
            carried.notes.append(
                f"the channel {name} is told of everything; before, of {count} of {len(carried.monitors)} services"
            )
        if contact.get("service_notification_period", "24x7").lower() != "24x7":
            carried.notes.append(f"the channel {name} is told around the clock")


def _of_dependants(objects: Objects) -> list[str]:
    kinds = ("servicedependency", "serviceescalation", "hostdependency", "hostescalation")
    return [f"{len(objects.defined[kind])} of {kind} are left out" for kind in kinds if objects.defined.get(kind)]
