"""Who may do what at the broker: each service a user of its own, with the rights its work needs and no others.

Rights are three expressions over the names of exchanges and queues (RabbitMQ knows no difference between the two),
and for topic exchanges one more over routing keys. A worker makes nothing: it takes the jobs of its own protocol at
its own location, and publishes results, signs of life, answers to tests, and jobs to its own retry lane. That it may
write to the exchange of answers leads nowhere but to who asked it something: each question has a key of its own, which
is bound as long as somebody waits, and only a reader of that lane has seen. The recorder makes what all share, the
scheduler the queues of the locations, a gateway the queues of its own answers and of what it is told.

The notifier needs no broker. `observer` has no right to any message: it reads policies and the lengths of queues.
`on_call` is for people: sees everything in the console, reads dead letters and sends them back, by hand, by command or
by shovel, and changes limits; makes and deletes nothing, and manages no user. RabbitMQ lets whoever may start a shovel
start one with the broker's own rights in that vhost, so it is less than an administrator and more than an observer.
"""

import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yarl import URL

from shared.broker.management import ManagementFailed, open_management, path_part
from shared.broker.policies import vhost_of
from shared.broker.topology import (
    CHECKS,
    DEAD_LETTERS,
    EVENTS,
    PRESENCE,
    REPLIES,
    RESULTS,
    checks_key,
    checks_queue,
)
from shared.checks.vocabulary import Lane, MailProtocol

NOTHING = "^$"
OBSERVER = "observer"
ON_CALL = "on_call"
SERVICES = ("api_gateway", "scheduler", "result_recorder")


@dataclass(frozen=True, slots=True)
class TopicRights:
    """Which routing keys of a topic exchange may be published to, and bound to."""

    exchange: str
    write: str
    read: str = NOTHING


@dataclass(frozen=True, slots=True)
class Rights:
    """What a user may make (configure), publish or bind to (write), consume or bind from (read)."""

    configure: str = NOTHING
    write: str = NOTHING
    read: str = NOTHING
    topics: tuple[TopicRights, ...] = ()
    tags: str = ""


def rights_of(role: str) -> Rights:
    """The rights of a service, `observer`, `on_call`, or a worker: `api_gateway`, `imap_worker.eu-fra1`.

    Raises:
        ValueError: there is no such role.
    """
    service, _, location = role.partition(".")
    protocol = service.removesuffix("_worker")
    if location and service.endswith("_worker") and protocol in list(MailProtocol):
        return _worker(protocol, location)
    match role:
        case "result_recorder":
            return Rights(
                configure=_one_of(CHECKS, RESULTS, REPLIES, PRESENCE, EVENTS, DEAD_LETTERS),
                write=_one_of(RESULTS, PRESENCE, DEAD_LETTERS, EVENTS),
                read=_one_of(RESULTS, PRESENCE, DEAD_LETTERS),
            )
        case "scheduler":
            queues = rf"^{re.escape(CHECKS)}\..+$"
            return Rights(
                configure=queues,
                # An answer of its own is that a test cannot be made now.
                write=rf"^({re.escape(CHECKS)}(\..+)?|{re.escape(RESULTS)}|{re.escape(REPLIES)})$",
                read=_one_of(CHECKS),
            )
        case "api_gateway":
            replies, events = re.escape(REPLIES), re.escape(EVENTS)
            return Rights(
                configure=rf"^({replies}|{events})\..+$",
                # What it tells the other gateways, it tells to their exchange.
                write=rf"^({replies}\..+|{events}(\..+)?)$",
                read=rf"^({replies}|{events})(\..+)?$",
            )
        case "observer":
            return Rights(tags="management")
        case "on_call":
            return Rights(write=_one_of(CHECKS, RESULTS), read=_one_of(DEAD_LETTERS), tags="monitoring,policymaker")
    raise ValueError(f"{role} is no user of the broker")


def _worker(protocol: str, location: str) -> Rights:
    lanes = [checks_queue(protocol, location, lane) for lane in Lane]
    return Rights(
        write=_one_of(CHECKS, RESULTS, REPLIES, PRESENCE),
        read=_one_of(*lanes),
        topics=(
            TopicRights(CHECKS, write=_one_of(checks_key(protocol, location, Lane.RETRY))),
            TopicRights(RESULTS, write=_one_of(location)),
            TopicRights(PRESENCE, write=_one_of(f"{protocol}.{location}")),
        ),
    )


def _one_of(*names: str) -> str:
    return f"^({'|'.join(re.escape(name) for name in names)})$"


async def apply_users(management_url: str, addresses: Mapping[str, str]) -> list[str]:
    """Make the user that each AMQP address names, with the password it has and the rights of its role.

    Args:
        addresses: by role. Each user gets rights in the vhost of its address only.
    Returns:
        the names of the users. Raises ManagementFailed.
    """
    administrator = URL(management_url).user
    names = []
    async with open_management(management_url) as management:
        for role, address in addresses.items():
            url, rights, vhost = URL(address), rights_of(role), path_part(vhost_of(address))
            if not url.user or not url.password:
                raise ManagementFailed(f"the address of {role} names no user with a password")
            if url.user == administrator:
                raise ManagementFailed(f"the address of {role} names {url.user}, who is the administrator")
            user = path_part(url.user)
            await management.put(f"users/{user}", {"password": url.password, "tags": rights.tags})
            # Topics first: a moment with too few rights is waited out, one with too many is not.
            for topic in rights.topics:
                await management.put(
                    f"topic-permissions/{vhost}/{user}",
                    {"exchange": topic.exchange, "write": topic.write, "read": topic.read},
                )
            await management.put(
                f"permissions/{vhost}/{user}",
                {"configure": rights.configure, "write": rights.write, "read": rights.read},
            )
            names.append(url.user)
    return names


def users_in_definitions(addresses: Mapping[str, str], *, administrator: str) -> dict[str, list[dict[str, Any]]]:
    """The same users as sections of a definitions file, passwords hashed; `administrator` is a management address.

    For a broker of one's own that loads the file at its start: it then makes no default user.
    """
    admin = URL(administrator)
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    vhosts = sorted({vhost_of(address) for address in addresses.values()})
    document: dict[str, list[dict[str, Any]]] = {
        "users": [_user(admin.user or "", admin.password or "", tags="administrator")],
        "permissions": [{"user": admin.user, "vhost": vhost, **everything} for vhost in vhosts],
        "topic_permissions": [],
    }
    for role, address in addresses.items():
        url, rights, vhost = URL(address), rights_of(role), vhost_of(address)
        document["users"].append(_user(url.user or "", url.password or "", tags=rights.tags))
        document["permissions"].append(
            {
                "user": url.user,
                "vhost": vhost,
                "configure": rights.configure,
                "write": rights.write,
                "read": rights.read,
            }
        )
        document["topic_permissions"] += [
            {"user": url.user, "vhost": vhost, "exchange": topic.exchange, "write": topic.write, "read": topic.read}
            for topic in rights.topics
        ]
    return document


def _user(name: str, password: str, *, tags: str) -> dict[str, Any]:
    salt = secrets.token_bytes(4)
    digest = hashlib.sha256(salt + password.encode()).digest()
    return {
        "name": name,
        "password_hash": b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": tags,
        "limits": {},
    }
