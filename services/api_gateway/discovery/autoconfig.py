"""A domain's own settings for mail programs (config-v1.1.xml, as Thunderbird reads it). Pure: bytes to servers.

The file comes from strangers: entities and document types are refused (they could expand without end or name files),
depth and length have an end, and of what it says only what makes a sound server is taken.
"""

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from services.api_gateway.discovery.addresses import MailAddress
from services.api_gateway.hostnames import NotAHostname, canonical_hostname
from shared.checks.vocabulary import MailProtocol, Security

MOST_BYTES = 64 * 1024
_DEEPEST = 20
_MOST_SERVERS = 20
_MOST_TEXT = 500

_SECURITY = {"ssl": Security.TLS, "starttls": Security.STARTTLS, "plain": Security.NONE}
_WANTED = frozenset({"hostname", "port", "sockettype", "username", "authentication"})


class NotAutoconfig(Exception):
    """The bytes are no such file, or one that nobody should read."""


@dataclass(frozen=True, slots=True)
class IncomingServer:
    """A server as the file describes it, for one address. only_oauth: it takes no password."""

    protocol: MailProtocol
    hostname: str
    port: int
    security: Security
    user: str
    only_oauth: bool


@dataclass(slots=True)
class _Entry:
    kind: str
    texts: dict[str, str] = field(default_factory=dict)
    authentications: list[str] = field(default_factory=list)


def read_autoconfig(document: bytes, address: MailAddress) -> list[IncomingServer]:
    """Its IMAP and POP3 servers, in its order. Raises NotAutoconfig."""
    if len(document) > MOST_BYTES:
        raise NotAutoconfig("it is too long")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise NotAutoconfig("it is no XML") from error
    if not reader.is_client_config:
        raise NotAutoconfig("it is XML of another kind")
    found = (_server(entry, address) for entry in reader.entries)
    return [server for server in found if server is not None]


def _refuse(*_: object) -> Any:
    raise NotAutoconfig("it declares a document type or entities")


class _Reader:
    """Collects incomingServer elements below emailProvider."""

    def __init__(self) -> None:
        self.entries: list[_Entry] = []
        self.is_client_config = False
        self._path: list[str] = []
        self._text = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name.lower())
        self._text = ""
        if len(self._path) > _DEEPEST:
            raise NotAutoconfig("it is nested too deeply")
        if len(self._path) == 1:
            self.is_client_config = self._path[0] == "clientconfig"
        if self._path[:2] == ["clientconfig", "emailprovider"] and self._path[2:] == ["incomingserver"]:
            if len(self.entries) >= _MOST_SERVERS:
                raise NotAutoconfig("it names too many servers")
            self.entries.append(_Entry(attributes.get("type", "").lower()))

    def text(self, text: str) -> None:
        if len(self._text) < _MOST_TEXT:
            self._text += text

    def end(self, name: str) -> None:
        if self._path[2:3] == ["incomingserver"] and len(self._path) == 4 and name.lower() in _WANTED:
            entry, value = self.entries[-1], self._text.strip()
            if name.lower() == "authentication":
                entry.authentications.append(value.lower())
            else:
                entry.texts.setdefault(name.lower(), value)
        self._path.pop()


def _server(entry: _Entry, address: MailAddress) -> IncomingServer | None:
    """The server, or None where the file says something that makes no sense."""
    texts = entry.texts
    security = _SECURITY.get(texts.get("sockettype", "").lower())
    if entry.kind not in ("imap", "pop3") or security is None:
        return None
    port = texts.get("port", "")
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535):
        return None
    user = _filled(texts.get("username") or "%EMAILADDRESS%", address)
    try:
        hostname = canonical_hostname(_filled(texts.get("hostname", ""), address))
    except NotAHostname:
        return None
    if not user.isprintable():
        return None
    authentications = entry.authentications
    return IncomingServer(
        protocol=MailProtocol(entry.kind),
        hostname=hostname,
        port=int(port),
        security=security,
        user=user,
        only_oauth=bool(authentications) and all(each == "oauth2" for each in authentications),
    )


def _filled(text: str, address: MailAddress) -> str:
    for placeholder, value in (
        ("%EMAILADDRESS%", address.typed),
        ("%EMAILLOCALPART%", address.local),
        ("%EMAILDOMAIN%", address.domain),
    ):
        text = text.replace(placeholder, value)
    return text
