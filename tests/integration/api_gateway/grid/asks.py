"""How each operation is called in the grid: its query and its body, naming things of somebody's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

Thing = Mapping[str, Any]
# By kind. Those of `mine` are the asker's own, the others the customer OWN's.
Things = Mapping[str, Thing]

# What an address names, by its beginning.
PLACES: Mapping[str, str] = {
    "/api/imap-pop-monitors/{publicId}": "monitor",
    "/api/customers/{publicId}": "customer",
    "/api/incidents/{publicId}": "incident",
    "/api/notification-channels/{id}": "channel",
    "/api/maintenance-windows/{id}": "window",
    "/api/tags/{id}": "tag",
    "/api/package-configs/{packageType}": "package",
    "/api/users/{publicId}": "user",
    "/api/organization/tokens/{id}": "organization token",
    "/api/customer/tokens/{id}": "customer token",
    "/api/sessions/{publicId}": "session",
    "/api/status-pages/{publicId}": "status page",
    "/status/{slug}": "seen status page",
}

_number = count(1)


@dataclass(frozen=True, slots=True)
class Ask:
    """A way to call an operation.

    `names`: the kinds of what it names beside what its address does. `instead`: the kind its address names, where it is
    another one than PLACES says. `each`: it answers for what it names by itself, in `results`.
    """

    names: tuple[str, ...] = ()
    query: str = ""
    body: Callable[[Things], Any] | None = None
    instead: str | None = None
    each: bool = False


def _said(things: Things, kind: str, *, by: str = "publicId") -> Any:
    return things[kind][by]


def monitor(customer: Any, **more: Any) -> dict[str, Any]:
    """The body of a new monitor."""
    name = f"sent-{next(_number)}"
    return {"customerId": customer, "name": name, "hostname": "mail.example.com", "checkInterval": 5, **more}


def channel(**more: Any) -> dict[str, Any]:
    """The body of a new channel."""
    return {"type": "email", "name": f"sent-{next(_number)}", "config": {"email": "ops@example.com"}, **more}


def window(**more: Any) -> dict[str, Any]:
    """The body of a new window."""
    times = {"startTime": "2031-02-26T12:00:00Z", "endTime": "2031-02-26T13:00:00Z"}
    return {"name": f"sent-{next(_number)}", **times, **more}


def status_page(customer: Any, **more: Any) -> dict[str, Any]:
    """The body of a new status page."""
    return {"title": f"sent-{next(_number)}", "customerId": customer, **more}


def person() -> dict[str, Any]:
    """Somebody new."""
    return {"email": f"sent-{next(_number)}@example.com", "name": "sent"}


def _assignment(monitor_id: Any, tag_id: Any) -> dict[str, Any]:
    return {"monitorType": "imap_pop", "monitorId": monitor_id, "tagId": tag_id}


def _batch(method: str, **more: Any) -> dict[str, Any]:
    return {"items": [{"method": method, **more}]}


ASKS: Mapping[str, Ask] = {
    "changeMonitors": Ask(
        ("monitor",),
        body=lambda named: _batch("update", publicId=_said(named, "monitor"), body={"name": "sent"}),
        each=True,
    ),
    "changeMonitors?create": Ask(
        ("customer",), body=lambda named: _batch("create", body=monitor(_said(named, "customer"))), each=True
    ),
    "changeMonitors?delete": Ask(
        ("monitor",), body=lambda named: _batch("delete", publicId=_said(named, "monitor")), each=True
    ),
    "listMonitors?customerId": Ask(("customer",), "customerId={customer}"),
    "listMonitors?organizationId": Ask((), "organizationId=1"),
    "listMonitors?tag": Ask(("tag",), "tag={tag}"),
    "createMonitor": Ask(("customer",), body=lambda named: monitor(_said(named, "customer"))),
    # Nobody is there to check POP3.
    "testMonitor": Ask(
        ("customer",), body=lambda named: monitor(_said(named, "customer"), imapPopConfig={"protocol": "pop3"})
    ),
    "changeMonitor": Ask(body=lambda _: {"name": "sent"}),
    "changeMonitor?status": Ask(body=lambda _: {"status": "maintenance"}),
    "changeMonitor?customerId": Ask(
        ("customer",), body=lambda named: {"customerId": _said(named, "customer", by="id")}, instead="mine monitor"
    ),
    "cancelCustomer": Ask(instead="new customer"),
    "keepCustomer": Ask(instead="new customer"),
    "createCustomer": Ask(body=lambda _: {"name": f"sent-{next(_number)}"}),
    "changeCustomer": Ask(body=lambda _: {"name": "sent"}),
    "listIncidents?customerId": Ask(("customer",), "customerId={customer}"),
    "listIncidents?organizationId": Ask((), "organizationId=1"),
    "noteOnIncident": Ask(body=lambda _: {"text": "sent"}),
    "snoozeIncident": Ask(body=lambda _: {"minutes": 5}),
    "getPackageConfig?theirs": Ask(instead="planted package"),
    "changePackageConfig": Ask(body=lambda _: {"displayName": "sent"}),
    "createTag": Ask(body=lambda _: {"name": f"sent-{next(_number)}"}),
    "changeTag": Ask(body=lambda _: {"color": "red"}),
    "tagMonitor": Ask(("monitor", "tag"), body=lambda named: _assignment(_said(named, "monitor"), _said(named, "tag"))),
    "tagMonitor?tag": Ask(
        ("mine monitor", "tag"),
        body=lambda named: _assignment(_said(named, "mine monitor"), _said(named, "tag", by="id")),
    ),
    "untagMonitor": Ask(
        ("tagged",), body=lambda named: _assignment(_said(named, "tagged"), _said(named, "tagged", by="tagId"))
    ),
    "listMaintenanceWindows?customerId": Ask(("customer",), "customerId={customer}"),
    "listMaintenanceWindows?organizationId": Ask((), "organizationId=1"),
    "createMaintenanceWindow": Ask(("customer",), body=lambda named: window(customerId=_said(named, "customer"))),
    "createMaintenanceWindow?monitor": Ask(
        ("monitor",), body=lambda named: window(imapPopMonitorId=_said(named, "monitor", by="id"))
    ),
    "createMaintenanceWindow?targets": Ask(
        ("monitor",), body=lambda named: window(targets=[{"type": "imap_pop", "id": _said(named, "monitor")}])
    ),
    "createMaintenanceWindow?tags": Ask(("tag",), body=lambda named: window(tagIds=[_said(named, "tag")])),
    "changeMaintenanceWindow": Ask(body=lambda _: {"name": "sent"}),
    "listNotificationChannels?customerId": Ask(("customer",), "customerId={customer}"),
    "listNotificationChannels?organizationId": Ask((), "organizationId=1"),
    "createNotificationChannel": Ask(
        ("customer",), body=lambda named: channel(customerId=_said(named, "customer", by="id"))
    ),
    "createNotificationChannel?default": Ask(body=lambda _: channel()),
    "createNotificationChannel?fallback": Ask(
        ("mine customer", "channel"),
        body=lambda named: channel(
            customerId=_said(named, "mine customer"), fallbackChannelId=_said(named, "channel", by="id")
        ),
    ),
    "testNotificationChannel": Ask(
        ("channel",), body=lambda named: {"channelId": _said(named, "channel"), "dryRun": True}
    ),
    "testNotificationChannel?customerId": Ask(
        ("customer",), body=lambda named: channel(customerId=_said(named, "customer"), dryRun=True)
    ),
    "getNotificationChannel?default": Ask(instead="default channel"),
    "changeNotificationChannel": Ask(body=lambda _: {"name": "sent"}),
    "changeNotificationChannel?default": Ask(body=lambda _: {"name": "sent"}, instead="default channel"),
    # Refused as no address, so that nobody's name servers are asked.
    "discoverMailbox": Ask(body=lambda _: {"address": "nobody"}),
    "changeOrganization": Ask(body=lambda _: {"street": "sent"}),
    "createOrganization": Ask(body=lambda _: {"name": "sent", "admin": person()}),
    "inviteUser": Ask(body=lambda _: {**person(), "role": "user"}),
    "inviteUser?customerIds": Ask(
        ("customer",), body=lambda named: {**person(), "role": "user", "customerIds": [_said(named, "customer")]}
    ),
    "changeUser": Ask(body=lambda _: {"name": "sent"}),
    "createOrganizationToken": Ask(body=lambda _: {"name": "sent", "role": "user"}),
    "listCustomerTokens?customerId": Ask(("customer",), "customerId={customer}"),
    "createCustomerToken": Ask(
        ("customer",), body=lambda named: {"name": "sent", "role": "user", "customerId": _said(named, "customer")}
    ),
    "listAudit?organizationId": Ask((), "organizationId=1"),
    "streamEvents?watch": Ask(("monitor",), "watch={monitor}"),
    "signIn": Ask(body=lambda _: {"email": person()["email"], "password": "a password of nobody's"}),
    "setUp": Ask(body=lambda _: {"token": "nobody's", "password": "a password of nobody's", **person()}),
    "acceptInvitation": Ask(body=lambda _: {"token": "nobody's", "password": "a password of nobody's", "name": "sent"}),
    "listStatusPages?customerId": Ask(("customer",), "customerId={customer}"),
    "listStatusPages?organizationId": Ask((), "organizationId=1"),
    "createStatusPage": Ask(("customer",), body=lambda named: status_page(_said(named, "customer"))),
    "createStatusPage?monitor": Ask(
        ("mine customer", "monitor"),
        body=lambda named: status_page(
            _said(named, "mine customer"), components=[{"monitorId": _said(named, "monitor")}]
        ),
    ),
    "createStatusPage?tag": Ask(
        ("mine customer", "tag"),
        body=lambda named: status_page(_said(named, "mine customer"), components=[{"tagId": _said(named, "tag")}]),
    ),
    "changeStatusPage": Ask(body=lambda _: {"title": "sent"}),
    "changeOwnAccount": Ask(body=lambda _: {"name": "sent"}),
}
