"""Files on one side, a mailprobe on the other: read both, and plan what lies between."""

from dataclasses import dataclass

from cli.api_client import ApiClient
from cli.configuration.desired import desired
from cli.configuration.fingerprints import Fingerprints
from cli.configuration.matching import matched
from cli.configuration.planning import Plan, planned
from cli.configuration.reading import Configuration
from cli.configuration.server import look


@dataclass(frozen=True, slots=True)
class Wishes:
    """How somebody wants it compared; the options of the commands."""

    prune: bool = False
    take_over: bool = False
    resend: bool = False
    literals: bool = False
    secrets_needed: bool = False


async def compare(
    api: ApiClient, configuration: Configuration, fingerprints: Fingerprints, wishes: Wishes = Wishes()
) -> Plan:
    """The plan; raises WrongConfiguration, Failed."""
    wanted = desired(configuration, allow_literal_secrets=wishes.literals)
    return planned(
        matched(wanted, await look(api), manager=configuration.manager),
        manager=configuration.manager,
        prune=wishes.prune,
        take_over=wishes.take_over,
        resend=wishes.resend,
        fingerprints=fingerprints,
        secrets_needed=wishes.secrets_needed,
    )
