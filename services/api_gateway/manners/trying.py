"""`?dryRun=true`: everything is judged, nothing is kept."""

from http import HTTPStatus

from aiohttp import web

from services.api_gateway.problems import Fault, Problem

PARAMETER = "dryRun"
DRY_RUN_HEADER = "Dry-Run"

_SAID = {"true": True, "1": True, "false": False, "0": False}


def wants_dry_run(request: web.Request, *, possible: bool) -> bool:
    """Whether nothing shall be kept; raises Problem 400 also where that cannot be had: nobody asks it in jest."""
    given = request.query.getall(PARAMETER, [])
    if not given:
        return False
    wanted = _SAID.get(given[0]) if len(given) == 1 else None
    if wanted is None:
        raise _wrong(f"{PARAMETER} must be true or false, once")
    if wanted and not possible:
        raise _wrong(f"{PARAMETER} is not possible here: this would be done for real; leave it out to do so")
    return wanted


def _wrong(why: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, why, faults=[Fault(pointer=f"/{PARAMETER}", detail=why)])
