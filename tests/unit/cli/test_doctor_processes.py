"""What a process tells at its admin port, and what the doctor makes of it."""

import time

from aiohttp import web
from aiohttp.test_utils import TestServer

from cli.doctor.finding import Finding, Standing
from cli.doctor.processes import examine_processes
from shared.runtime.admin import AdminServer
from tests.support.servers.process import free_ports


async def examined(application: web.Application) -> Finding:
    async with TestServer(application) as server:
        (found,) = await examine_processes([f"{server.make_url('/')}"])
    return found


def telling(metrics: str) -> web.Application:
    async def ready(_: web.Request) -> web.Response:
        return web.json_response({"status": "ready", "checks": {}})

    async def told(_: web.Request) -> web.Response:
        return web.Response(text=metrics)

    app = web.Application()
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", told)
    return app


async def test_a_process_of_ours_is_ready_and_tells_its_lag() -> None:
    found = await examined(AdminServer("127.0.0.1", 0, {}).application())
    assert found.standing is Standing.WELL
    assert found.said.startswith("ready, its event loop woke ")


async def test_one_that_waits_says_for_what() -> None:
    async def queues() -> str | None:
        return "waiting for the queues of due"

    found = await examined(AdminServer("127.0.0.1", 0, {"queues": queues}).application())
    assert (found.standing, found.said) == (Standing.ILL, "it is not ready: queues: waiting for the queues of due")


async def test_a_loop_that_wakes_late_and_one_that_began_lately_are_told() -> None:
    late = await examined(telling("mailprobe_event_loop_lag_seconds 2.5\n"))
    assert (late.standing, late.said) == (Standing.ILL, "its event loop woke 2.5 s late")
    young = await examined(telling(f"process_start_time_seconds {time.time()}\n"))
    assert young.standing is Standing.WELL
    assert "the log of the one before it says why" in young.said
    old = await examined(telling("process_start_time_seconds 1.5e+09\n"))
    assert old.said == "ready"


async def test_one_that_is_gone_has_its_last_words_in_its_log() -> None:
    (port,) = free_ports(1)
    (found,) = await examine_processes([f"http://127.0.0.1:{port}"])
    assert found.standing is Standing.ILL
    assert found.name == f"process at 127.0.0.1:{port}"
    assert "the last line of its log" in (found.remedy or "")
