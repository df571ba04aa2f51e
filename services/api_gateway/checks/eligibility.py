"""Where a monitor may be checked from, of the places that are alive. Pure."""

from collections.abc import Collection, Sequence
from http import HTTPStatus

from services.api_gateway.checks.request_store import LiveLocation
from services.api_gateway.problems import Problem, unavailable

NO_ELIGIBLE = "No eligible monitoring locations for the selected allowed countries"
NO_ACTIVE = "No active monitoring locations available"


def eligible(live: Sequence[LiveLocation], countries: Collection[str] | None) -> list[LiveLocation]:
    """The live locations in the allowed countries; all of them where none are named."""
    return [location for location in live if countries is None or location.country_code in countries]


def require_eligible(live: Sequence[LiveLocation], countries: Collection[str] | None) -> list[LiveLocation]:
    """At least one; raises Problem 400 or 503 with the documented texts."""
    if not live:
        raise unavailable(NO_ACTIVE, retry_after_seconds=10)
    found = eligible(live, countries)
    if not found:
        raise Problem(HTTPStatus.BAD_REQUEST, NO_ELIGIBLE)
    return found
