"""What a worker would refuse to connect to is told when a monitor or a channel is described, or refused at once."""

from typing import Any

from tests.support.forbidden_targets import ADDRESSES, OWN_NAMES, SPELLINGS

MONITORS = "/api/imap-pop-monitors"
CHANNELS = "/api/notification-channels"
GOOD = {"customerId": 10, "name": "n"}


async def test_forbidden_addresses_are_told_and_other_spellings_of_them_refused(world: Any, figures: Any) -> None:
    api = await world.another_gateway(rate_limit_token=1_000_000)
    for address in (*ADDRESSES, *OWN_NAMES):
        tried = await api.post(f"{MONITORS}?dryRun=true", {**GOOD, "hostname": address})
        assert (tried.status, [each["code"] for each in tried.body["warnings"]]) == (200, ["blocked_target"]), address
    for spelling in SPELLINGS:
        refused = await api.post(f"{MONITORS}?dryRun=true", {**GOOD, "hostname": spelling})
        assert (refused.status, refused.pointers) == (400, ["/hostname"]), spelling
    told, refused_count = len(ADDRESSES) + len(OWN_NAMES), len(SPELLINGS)
    figures(f"forbidden targets at the gateway: {told} told of, {refused_count} spellings refused")


async def test_messages_are_no_way_there_either(world: Any) -> None:
    api = await world.another_gateway(rate_limit_token=1_000_000)
    for address in (*ADDRESSES, *OWN_NAMES):
        url = f"https://[{address}]:8443/" if ":" in address else f"https://{address}/"
        body = {"type": "webhook", "name": "c", "config": {"url": url}}
        tried = await api.post(f"{CHANNELS}?dryRun=true", body)
        told = [each["code"] for each in tried.body.get("warnings", [])]
        assert (tried.status, told) == (200, ["blocked_target"]) or tried.status == 400, (address, tried.text)
    for spelling in (each for each in SPELLINGS if "//" not in each):  # there the host would be "http"
        body = {"type": "webhook", "name": "c", "config": {"url": f"https://{spelling}/"}}
        tried = await api.post(f"{CHANNELS}?dryRun=true", body)
        warned = tried.status == 200 and tried.body["warnings"]
        assert tried.status == 400 or warned, (spelling, tried.text)
