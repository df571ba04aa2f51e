"""What the file asks for, filled up by discovery, beside what is there already: what is to be done about each row.

Pure but for the questions to the API that `fill` asks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

import idna

from cli.api_client import ApiClient, Refused
from cli.failing import Failed
from cli.mailbox_import.rows import Row
from shared.checks.vocabulary import MailProtocol, MonitorStatus, Security

Key = tuple[str, str, MailProtocol]
"""User, host, protocol: what makes a mailbox the same one."""

DEFAULT_INTERVAL = 5.0
_IN_CLEAR_PORTS = frozenset({143, 110})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A monitor to be. advice: what the provider asks of its users. fault: why there can be none."""

    row: Row
    user: str
    host: str
    protocol: MailProtocol
    security: Security
    customer: str | int
    port: int | None = None
    advice: str | None = None
    fault: str | None = None

    @property
    def key(self) -> Key:
        return self.user.lower(), canonical(self.host), self.protocol

    def body(self) -> dict[str, Any]:
        """What creates it."""
        row = self.row
        interval = DEFAULT_INTERVAL if row.interval is None else row.interval
        return {
            "customerId": self.customer,
            "name": row.name or row.address,
            "hostname": self.host,
            "port": self.port,
            "checkInterval": int(interval) if interval.is_integer() else interval,
            "status": MonitorStatus.ACTIVE,
            "imapPopConfig": self.config(),
        }

    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = {
            "protocol": self.protocol,
            "security": self.security,
            "user": self.user,
            "password": self.row.password,
        }
        return config if self.row.mailbox is None else {**config, "mailbox": self.row.mailbox}


class Todo(Enum):
    """What becomes of a row."""

    CREATE = auto()
    RETRY = auto()  # it is there and has never passed: described anew, with its password, and tested
    AWAIT = auto()  # it is there, and its first check is still to come
    CHANGE = auto()
    LEAVE = auto()
    RED = auto()  # it is there, was tested, and did not pass


@dataclass(frozen=True, slots=True)
class Plan:
    """A row, what is there of it, and what to do. differs: fields that the file has otherwise."""

    wanted: Wanted
    todo: Todo
    there: Mapping[str, Any] | None = None
    differs: Mapping[str, Any] = field(default_factory=dict)


def canonical(host: str) -> str:
    """As the API keeps it, where that can be had."""
    name = host.rstrip(".").lower()
    try:
        return name if name.isascii() else idna.encode(name).decode("ascii")
    except idna.IDNAError:
        return name


def plan(wanted: Wanted, there: Mapping[str, Any] | None, *, update: bool) -> Plan:
    """What to do about one row."""
    if there is None:
        return Plan(wanted, Todo.CREATE)
    differs = _differences(wanted, there)
    if there["everPassed"]:
        return Plan(wanted, Todo.CHANGE if differs and update else Todo.LEAVE, there, differs)
    if update:
        return Plan(wanted, Todo.RETRY, there, differs)
    if there["status"] == MonitorStatus.DISABLED:
        return Plan(wanted, Todo.RED, there, differs)
    return Plan(wanted, Todo.AWAIT, there, differs)


def _differences(wanted: Wanted, there: Mapping[str, Any]) -> dict[str, Any]:
    """What the file itself says otherwise; what discovery would say is no reason to change anything."""
    row, config = wanted.row, there["config"]
    said = {
        "name": (row.name, there["name"]),
        "port": (row.port, there["port"]),
        "checkInterval": (row.interval, there["checkInterval"]),
        "customerId": (wanted.customer if row.customer else None, there["customerId"]),
        "security": (row.security, config.get("security") or (Security.TLS if config.get("tls") else Security.NONE)),
        "mailbox": (row.mailbox, config.get("mailbox", "INBOX")),
    }
    return {name: new for name, (new, old) in said.items() if new is not None and new != old}


def patch_of(found: Plan) -> dict[str, Any]:
    """What changes a monitor that works; its password goes along only where what it is bound to changes."""
    differs = dict(found.differs)
    of_config = {name: differs.pop(name) for name in ("security", "mailbox") if name in differs}
    if of_config or "port" in differs:
        kept = {name: value for name, value in (found.there or {})["config"].items() if name not in _GIVEN_OUT}
        if "security" in of_config:
            kept.pop("tls", None)
        password = {"password": found.wanted.row.password} if "security" in of_config or "port" in differs else {}
        differs["imapPopConfig"] = {**kept, **of_config, **password}
    return differs


_GIVEN_OUT = frozenset({"password", "passwordSet"})


class Filling:
    """Fills rows up: customers by number, public id or name, servers by discovery, each domain asked once."""

    def __init__(self, api: ApiClient, customers: Iterable[Mapping[str, Any]], *, customer: str | None, trust: bool):
        self._api = api
        self._customers = list(customers)
        self._default = customer
        self._trust = trust
        self._found: dict[str, Mapping[str, Any]] = {}

    async def fill(self, row: Row) -> Wanted:
        """The monitor this row asks for. Raises Failed where the API does not answer, or a customer is unknown."""
        customer = self._customer(row)
        if row.host is not None:
            protocol = row.protocol or (MailProtocol.POP3 if row.port in (110, 995) else MailProtocol.IMAP)
            usual = Security.STARTTLS if row.port in _IN_CLEAR_PORTS else Security.TLS
            return Wanted(
                row=row,
                user=row.user or row.address,
                host=row.host,
                protocol=protocol,
                security=row.security or usual,
                customer=customer,
                port=row.port,
            )
        try:
            return self._with_server(row, customer, await self._discovered(row))
        except Refused as error:
            if error.status != HTTPStatus.BAD_REQUEST:
                raise
            return replace(self._nowhere(row, customer), fault=str(error))

    def _with_server(self, row: Row, customer: int, found: Mapping[str, Any]) -> Wanted:
        provider = found["provider"] or {}
        candidates = [each for each in found["candidates"] if row.protocol is None or each["protocol"] == row.protocol]
        nowhere = replace(self._nowhere(row, customer), advice=provider.get("advice"))
        if not candidates:
            why = provider.get("advice") or "put its host into the file"
            return replace(nowhere, fault=f"no server was found for {row.domain}: {why}")
        best = candidates[0]
        if best["warning"] and not self._trust:
            said = f"{best['hostname']} was found for {row.domain}, but: {best['warning']} "
            return replace(nowhere, fault=f"{said}Put the host into the file, or say --trust-discovery.")
        same = row.port is None and row.security is None
        return replace(
            nowhere,
            user=row.user or _user(row, best["user"]),
            host=best["hostname"],
            protocol=MailProtocol(best["protocol"]),
            port=row.port or (best["port"] if same else None),
            security=row.security or Security(best["security"]),
        )

    def _nowhere(self, row: Row, customer: int) -> Wanted:
        return Wanted(
            row=row,
            user=row.user or row.address,
            host=f"unknown server of {row.domain}",
            protocol=row.protocol or MailProtocol.IMAP,
            security=row.security or Security.TLS,
            customer=customer,
        )

    async def _discovered(self, row: Row) -> Mapping[str, Any]:
        if row.domain not in self._found:
            self._found[row.domain] = await self._api.discover(row.address)
        found = self._found[row.domain]
        first_local = str(found["address"]).rpartition("@")[0]
        # Said of another mailbox of this domain: whom to log in as follows the same pattern.
        return {
            **found,
            "candidates": [
                {**each, "user": "%LOCAL%" if each["user"] == first_local else "%ADDRESS%"}
                if each["user"] in (first_local, found["address"])
                else each
                for each in found["candidates"]
            ],
        }

    def _customer(self, row: Row) -> int:
        wanted = row.customer or self._default
        if wanted is None:
            if len(self._customers) == 1:
                return int(self._customers[0]["id"])
            raise Failed(f"line {row.line}: there are several customers; say which in the file, or by --customer")
        matching = [
            each
            for each in self._customers
            if wanted in (str(each["id"]), each["publicId"]) or wanted.lower() == str(each["name"]).lower()
        ]
        if len(matching) != 1:
            which = "no customer is" if not matching else "several customers are"
            raise Failed(f"line {row.line}: {which} called {wanted}")
        return int(matching[0]["id"])


def _user(row: Row, pattern: str) -> str:
    return {"%LOCAL%": row.address.rpartition("@")[0], "%ADDRESS%": row.address}.get(pattern, pattern)


def twice(wanted: Iterable[Wanted]) -> list[str]:
    """A sentence for each row that is the same mailbox as one before it."""
    first: dict[Key, int] = {}
    return [
        f"line {each.row.line}: it is the same mailbox as line {line}"
        for each in wanted
        if each.fault is None and (line := first.setdefault(each.key, each.row.line)) != each.row.line
    ]
