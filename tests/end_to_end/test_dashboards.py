"""A real Prometheus scrapes the whole system: rules evaluate, and every query of every dashboard is answered."""

from pathlib import Path

import pytest

from tests.end_to_end.conftest import Whole
from tests.end_to_end.test_life_of_a_check import checked, created, documented_body
from tests.support.dashboards import DASHBOARDS, queries
from tests.support.fleet import SERVICES
from tests.support.servers.fixtures import StartPrometheus
from tests.support.waiting import until

RULES = Path(__file__).parents[2] / "deploy/prometheus/mailprobe.rules.yaml"

# What a system without any fault, and without a channel, has nothing to say of.
NOTHING_TO_SAY = ("mailprobe_checks_missed_total", "mailprobe_checks_stale_total", "mailprobe_notifications_total")


@pytest.mark.timeout(900)
async def test_every_query_of_the_dashboards_is_answered(whole: Whole, start_prometheus: StartPrometheus) -> None:
    prometheus = await start_prometheus(whole.fleet.admin_addresses, [RULES])
    good = await created(whole, documented_body(whole.dovecot.imaps_port))
    bad = await created(whole, documented_body(whole.dovecot.imaps_port, user="nobody"))
    assert (await checked(whole, good))["status"] == "success"
    assert (await checked(whole, bad))["status"] == "failure"
    await whole.api.call("POST", f"/api/imap-pop-monitors/{good}/trigger-check")
    wanted = [query for path in DASHBOARDS for query in queries(path)]
    assert len(wanted) > 20

    async def unanswered() -> list[str] | None:
        empty = [query for query in wanted if not await prometheus.query(query)]
        left = [query for query in empty if not any(metric in query for metric in NOTHING_TO_SAY)]
        return None if left else [*empty, "done"]

    # The first canaries come after half a minute, the first rates with the second sample.
    assert await until("every panel shows something", unanswered, timeout_seconds=240)
    assert await prometheus.faults_of_rules() == []
    up = {each["metric"]["instance"]: each["value"][1] for each in await prometheus.query("up")}
    assert up == dict.fromkeys(SERVICES, "1")
    assert await prometheus.query('ALERTS{alertstate="firing"}') == []
