"""Mailboxes as a CSV file describes them: read, and every fault named with its line. Pure, but for the bytes given.

Passwords are kept as they stand and shown nowhere: a row's text leaves them out.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.checks.vocabulary import MailProtocol, Security

MOST_BYTES = 32 * 1024 * 1024
MOST_ROWS = 100_000
DELIMITERS = ";,\t"
# What we add to red rows, and do not wonder at when they come back.
REASON = "reason"

# What each column may be called, in small letters and without what stands between words.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "address": ("address", "email", "emailaddress", "mail", "mailaddress", "adresse"),
    "password": ("password", "pass", "passwort", "kennwort"),
    "user": ("user", "username", "login", "benutzer"),
    "host": ("host", "hostname", "server", "mailserver"),
    "port": ("port",),
    "protocol": ("protocol", "type", "protokoll"),
    "security": ("security", "encryption", "tls", "ssl"),
    "customer": ("customer", "customerid", "kunde"),
    "name": ("name",),
    "interval": ("interval", "checkinterval", "minutes"),
    "mailbox": ("mailbox", "folder"),
}
_SECURITY = {
    "tls": Security.TLS,
    "ssl": Security.TLS,
    "ssl/tls": Security.TLS,
    "starttls": Security.STARTTLS,
    "none": Security.NONE,
    "plain": Security.NONE,
}
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")


class Unreadable(Exception):
    """The file as a whole, or lines of it, cannot be used; a line of text for each fault."""


@dataclass(frozen=True, slots=True)
class Row:
    """One mailbox. `cells`: the line as it stood, by the header's own names. None: the file does not say."""

    line: int
    address: str
    password: str = field(repr=False)
    user: str | None = None
    host: str | None = None
    port: int | None = None
    protocol: MailProtocol | None = None
    security: Security | None = None
    customer: str | None = None
    name: str | None = None
    interval: float | None = None
    mailbox: str | None = None
    cells: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2].lower()


@dataclass(frozen=True, slots=True)
class Table:
    """The file's rows, its own header, and the columns nobody asked for."""

    rows: tuple[Row, ...]
    header: tuple[str, ...]
    unused: tuple[str, ...]


def read_table(content: bytes) -> Table:
    """Raises Unreadable, naming every fault."""
    text = _text(content)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = next(lines, [])
        known = _known(header)
        rows: list[Row] = []
        faults: list[str] = []
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if len(rows) + len(faults) >= MOST_ROWS:
                raise Unreadable(f"the file has more than {MOST_ROWS} rows; import it in parts")
            row = _row(lines.line_num, header, cells, known, faults)
            if row is not None:
                rows.append(row)
    except csv.Error as error:
        raise Unreadable(f"line {lines.line_num}: it is no CSV: {error}") from None
    if faults:
        raise Unreadable("\n".join(faults))
    if not rows:
        raise Unreadable("the file names no mailbox")
    unused = tuple(
        name
        for place, name in enumerate(header)
        if place not in known.values() and name.strip().lower() not in ("", REASON)
    )
    return Table(tuple(rows), tuple(header), unused)


def _text(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise Unreadable(f"the file has more than {MOST_BYTES // 2**20} MiB")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("the file is UTF-16; save it as CSV UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(f"line {line}: the file is not UTF-8 text; save it as CSV UTF-8") from None
    if "\0" in text:
        raise Unreadable("the file is no text; save it as CSV UTF-8")
    return text


def _delimiter(text: str) -> str:
    """The one that the header is divided by most often."""
    header = text.lstrip().partition("\n")[0]
    return max(DELIMITERS, key=lambda each: (header.count(each), each == ","))


def _known(header: list[str]) -> dict[str, int]:
    """Where each column stands; raises Unreadable."""
    found: dict[str, int] = {}
    for place, name in enumerate(header):
        plain = re.sub(r"[\s_\-.]", "", name).lower()
        column = next((column for column, names in COLUMNS.items() if plain in names), None)
        if column in found:
            raise Unreadable(f"there are two columns for {column}: {header[found[column]]} and {name}")
        if column is not None:
            found[column] = place
    if missing := [column for column in ("address", "password") if column not in found]:
        raise Unreadable(
            f"the first line has to name the columns, and lacks {' and '.join(missing)}; known are {', '.join(COLUMNS)}"
        )
    return found


def _row(line: int, header: list[str], cells: list[str], known: Mapping[str, int], faults: list[str]) -> Row | None:
    before = len(faults)
    if len(cells) > len(header):
        faults.append(f"line {line}: it has {len(cells)} fields, and the header {len(header)}; put quotes around them")
        return None
    given = {column: cells[place] for column, place in known.items() if place < len(cells)}
    password = given.pop("password", "")
    values = {column: value.strip() for column, value in given.items() if value.strip()}
    address = values.get("address", "")
    if not _ADDRESS.fullmatch(address):
        faults.append(f"line {line}: address has to be an e-mail address")
    if not password:
        faults.append(f"line {line}: there is no password")
    if any(character in password for character in "\r\n"):
        faults.append(f"line {line}: the password holds a line's end")
    row = Row(
        line=line,
        address=address,
        password=password,
        user=values.get("user"),
        host=values.get("host"),
        port=_port(values.get("port"), line, faults),
        protocol=_protocol(values.get("protocol"), line, faults),
        security=_security(values.get("security"), line, faults),
        customer=values.get("customer"),
        name=values.get("name"),
        interval=_interval(values.get("interval"), line, faults),
        mailbox=values.get("mailbox"),
        cells=dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=True)),
    )
    return row if len(faults) == before else None


def _port(text: str | None, line: int, faults: list[str]) -> int | None:
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= 65535:
        return int(text)
    faults.append(f"line {line}: port has to be a number of 1 to 65535")
    return None


def _protocol(text: str | None, line: int, faults: list[str]) -> MailProtocol | None:
    if text is None:
        return None
    plain = {"pop": "pop3", "imap4": "imap"}.get(text.lower(), text.lower())
    if plain in tuple(MailProtocol):
        return MailProtocol(plain)
    faults.append(f"line {line}: protocol has to be imap or pop3")
    return None


def _security(text: str | None, line: int, faults: list[str]) -> Security | None:
    if text is None:
        return None
    if text.lower() in _SECURITY:
        return _SECURITY[text.lower()]
    faults.append(f"line {line}: security has to be tls, starttls or none")
    return None


def _interval(text: str | None, line: int, faults: list[str]) -> float | None:
    if text is None:
        return None
    try:
        minutes = float(text.replace(",", "."))
    except ValueError:
        minutes = 0
    if 0.5 <= minutes <= 1440 and (minutes * 2).is_integer():
        return minutes
    faults.append(f"line {line}: interval has to be minutes, 0.5 to 1440 in halves")
    return None


def red_table(header: Iterable[str], red: Iterable[tuple[Row, str]]) -> str:
    """These rows as CSV again, as they stood, with why they are red: to be put right and imported once more."""
    names = [name for name in header if name.strip().lower() != REASON]
    written = io.StringIO(newline="")
    table = csv.writer(written)
    table.writerow([*names, REASON])
    for row, reason in red:
        table.writerow([*(row.cells.get(name, "") for name in names), reason])
    return written.getvalue()
