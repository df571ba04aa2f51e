"""What handlers work with, put together once in `app.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from services.api_gateway.audit.refusals import Refusals
from services.api_gateway.discovery.finding import Discovery
from services.api_gateway.events.feeds import Feeds
from services.api_gateway.kept_reads import KeptReads
from services.api_gateway.people.passwords import Passwords
from services.api_gateway.rate_limits import RateLimit
from services.api_gateway.replies import Replies
from services.api_gateway.standing.exposition import Exposition
from services.api_gateway.system.queue_watch import QueueWatch
from shared.broker.seam import Broker
from shared.database.pool import Pool
from shared.probing.address_policy import AddressPolicy
from shared.runtime.admin import ReadinessCheck
from shared.runtime.settings import ApiSettings
from shared.sealing import PublicKeyRing


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything a request may need."""

    pool: Pool
    broker: Broker
    public_keys: PublicKeyRing
    channel_keys: PublicKeyRing  # what channels' secrets are sealed with; the notifier alone opens them
    settings: ApiSettings
    address_policy: AddressPolicy
    discovery: Discovery
    replies: Replies
    feeds: Feeds
    queues: QueueWatch
    schedule: KeptReads[Mapping[str, Any]]
    summaries: KeptReads[Mapping[str, Any]]
    expositions: KeptReads[Exposition]
    passwords: Passwords
    refusals: Refusals
    anonymous_limit: RateLimit
    token_limit: RateLimit
    readiness: Mapping[str, ReadinessCheck]
    openapi: Mapping[str, Any]


RESOURCES = web.AppKey("RESOURCES", Resources)
