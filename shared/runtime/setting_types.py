"""The kinds of values that settings have: networks, addresses, ports, secrets of a form, and what is wrong with one.

Which setting has which is for `settings`.
"""

import json
import re
import ssl
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode


def _split(value: object) -> object:
    """A comma list from the environment as a tuple; anything else is left to the field's type."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _networks(value: object) -> object:
    """A comma list of networks; `ip_network` says better than pydantic what is wrong with one."""
    parts = _split(value)
    return tuple(ip_network(part) for part in parts) if isinstance(parts, tuple) else parts


def _is_address(value: str) -> str:
    """An address, alone or with a port: `9.9.9.9`, `9.9.9.9:5353`, `2620:fe::fe`, `[2620:fe::fe]:5353`."""
    host, colon, port = value.rpartition(":")
    if colon and port.isdecimal() and (host.startswith("[") or host.count(".") == 3):
        ip_address(host.strip("[]"))
    else:
        ip_address(value.strip("[]"))
    return value


def _is_host_and_port(value: str) -> str:
    """A name or an address, and a port: `mail.example.org:993`, `9.9.9.9:53`, `[2620:fe::fe]:53`."""
    host, _, port = value.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        ip_address(host[1:-1])
    elif not host or not host.isascii() or not set("/@:[] ").isdisjoint(host):
        raise ValueError(f"{value} is no host with a port")
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError(f"{value} has no port of 1 to 65535")
    return value


def _has_scheme(*schemes: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        if value.get_secret_value().partition("://")[0].lower() not in schemes:
            raise ValueError(f"it has to begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    return AfterValidator(check)


def _names_a_host(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0) and parts.path in ("", "/")
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("it has to name a host, and a port where it is not the usual one")
    return value


def _is_webhook_or_mailbox(value: SecretStr) -> SecretStr:
    scheme, _, rest = value.get_secret_value().partition(":")
    if (scheme == "mailto" and re.fullmatch(r"[^\s@<>\"(),:;?]+@[^\s@<>\"(),:;?]+", rest)) or (
        scheme in ("http", "https") and re.fullmatch(r"//[^\s/@]+(/\S*)?", rest)
    ):
        return value
    raise ValueError("it has to begin with https://, or be mailto: and an e-mail address")


def has_certificates(path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        reason = "cannot be read" if isinstance(error, PermissionError) else "holds no certificate in PEM form"
        raise ValueError(f"{path} {reason}") from None


def _is_json_object(value: SecretStr) -> SecretStr:
    try:
        if isinstance(json.loads(value.get_secret_value()), dict):
            return value
    except ValueError:
        pass
    raise ValueError("it is no JSON object")


Network = IPv4Network | IPv6Network
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
Addresses = Annotated[tuple[Annotated[str, AfterValidator(_is_address)], ...], NoDecode, BeforeValidator(_split)]
HostsAndPorts = Annotated[
    tuple[Annotated[str, AfterValidator(_is_host_and_port)], ...], NoDecode, BeforeValidator(_split)
]
DatabaseUrl = Annotated[SecretStr, _has_scheme("postgresql", "postgres")]
AmqpUrl = Annotated[SecretStr, _has_scheme("amqp", "amqps")]
ManagementUrl = Annotated[SecretStr, _has_scheme("http", "https")]
SmtpUrl = Annotated[SecretStr, _has_scheme("smtp", "smtps", "smtp+starttls"), AfterValidator(_names_a_host)]
OperatorsChannel = Annotated[SecretStr, AfterValidator(_is_webhook_or_mailbox)]
KeyRingText = Annotated[SecretStr, AfterValidator(_is_json_object)]
Port = Annotated[int, Field(ge=1, le=65535)]
PortOrOff = Annotated[int, Field(ge=0, le=65535)]
