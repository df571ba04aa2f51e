"""Every operation, asked for by everybody: who may, who may not, and nothing of anybody else in any answer.

Generated from the OpenAPI document: an operation without a row in `table` fails. Whoever is refused must have changed
nothing, and a stranger never changes anything, whatever they were answered.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from services.api_gateway.openapi import openapi_document
from shared.database.pool import connect
from tests.integration.api_gateway.conftest import Answer, World
from tests.integration.api_gateway.grid.askers import Asker, askers
from tests.integration.api_gateway.grid.asks import ASKS, PLACES, Ask, Things
from tests.integration.api_gateway.grid.ground import Ground, Watch, changes, planted
from tests.integration.api_gateway.grid.planting import SHARED_TABLES, SHARED_WITHOUT_CUSTOMER
from tests.integration.api_gateway.grid.table import expectations
from tests.integration.api_gateway.grid.tenants import BESIDE, FOREIGN, INNER, OWN, SHARED, Tenant
from tests.integration.api_gateway.grid.things import Maker

_WORDS = frozenset({OWN, BESIDE, INNER, SHARED, FOREIGN})


_LISTENING_SECONDS = 0.1
# Somebody from elsewhere is kept elsewhere.
_ABOUT_ONESELF = frozenset({"changeOwnAccount", "signOut"})
_KEPT_AT_HOME = frozenset({"users", "user_sessions", "audit_log"})


@dataclass(frozen=True, slots=True)
class Row:
    """One way to call one operation, and what is expected of it by asker. `streams`: its answer has no end."""

    name: str
    method: str
    path: str
    ask: Ask
    expected: Mapping[str, int]
    streams: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it names, that of the address first."""
        return (*((self.place,) if self.place else ()), *self.ask.names)

    @property
    def place(self) -> str | None:
        """The kind of thing its address names."""
        if "{" not in self.path:
            return None
        return self.ask.instead or next(kind for start, kind in PLACES.items() if self.path.startswith(start))

    def address(self, things: Things) -> str:
        """Its path and query, with the names of these things."""
        path = self.path
        if self.place:
            thing = things[self.place]
            for name, value in (
                ("publicId", "publicId"),
                ("packageType", "publicId"),
                ("slug", "publicId"),
                ("id", "id"),
            ):
                path = path.replace(f"{{{name}}}", str(thing[value]))
        query = self.ask.query.format_map({kind: thing["publicId"] for kind, thing in things.items()})
        return f"{path}?{query}" if query else path


def rows() -> list[Row]:
    """The table, joined with the document it has to cover."""
    operations = {
        described["operationId"]: (method.upper(), path, "text/event-stream" in str(described["responses"]))
        for path, methods in openapi_document()["paths"].items()
        for method, described in methods.items()
    }
    expected = expectations()
    covered = {name.partition("?")[0] for name in expected}
    assert covered == set(operations), f"rows and operations differ by {covered ^ set(operations)}"
    assert set(ASKS) <= set(expected), f"asked, but not expected: {set(ASKS) - set(expected)}"
    found = []
    for name, cells in expected.items():
        method, path, streams = operations[name.partition("?")[0]]
        found.append(Row(name, method, path, ASKS.get(name, Ask()), cells, streams))
    return found


async def _beginning(asker: Asker, address: str) -> Answer:
    """What comes in the first moment of an answer that goes on for as long as somebody listens."""
    token = {"Authorization": f"Bearer {asker.api.token}"} if asker.api.token else {}
    response = await asker.api.client.get(address, headers={**token, **asker.headers})
    heard = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LISTENING_SECONDS):
            async for piece in response.content.iter_any():
                heard += piece
    response.close()
    return Answer(response.status, response.headers, heard.decode())


class Grid:
    """Asks one cell after another, and notes what is wrong."""

    def __init__(self, makers: Mapping[str, Maker], watch: Watch, ground: Ground) -> None:
        self._makers = makers
        self._watch = watch
        self._ground = ground
        self.cells = 0
        self.wrong: list[str] = []
        self.leaks: list[str] = []

    async def ask(self, row: Row, everybody: list[Asker]) -> None:
        """All the cells of a row: whoever is to be refused, then the others, one organization after the other."""
        standing: dict[str, dict[str, Any]] = {}
        asking = [asker for asker in everybody if asker.name in row.expected]
        for asker in asking:
            if row.expected[asker.name] >= 400:
                await self._refused(row, asker, standing)
        for organization_id in (1, 2):
            cells = [
                (asker, await self._things(row, asker, standing, anew=row.method != "GET"))
                for asker in asking
                if row.expected[asker.name] < 400 and asker.home.organization_id == organization_id
            ]
            before = await self._watch.digest()
            for asker, things in cells:
                await self._asked(row, asker, things)
            other = 3 - organization_id
            theirs = {key for key in changes(before, await self._watch.digest()) if key[1] == other}
            if row.name in _ABOUT_ONESELF:
                theirs = {key for key in theirs if key[0] not in _KEPT_AT_HOME}
            if theirs:
                self.leaks.append(f"{row.name} in organization {organization_id} changed another one's {theirs}")

    async def _refused(self, row: Row, asker: Asker, standing: dict[str, dict[str, Any]]) -> None:
        things = await self._things(row, asker, standing, anew=False)
        before = await self._watch.digest()
        await self._asked(row, asker, things)
        changed = changes(before, await self._watch.digest())
        if changed:
            self.leaks.append(f"{row.name} by {asker.name}: changed {changed}, though it is none of theirs")

    async def _asked(self, row: Row, asker: Asker, things: Things) -> None:
        body = None if row.ask.body is None else row.ask.body(things)
        address = row.address(things)
        if asker.abroad and "organizationId=" not in address:
            address += f"{'&' if '?' in address else '?'}organizationId={asker.home.organization_id}"
        if row.streams and row.expected[asker.name] < 400:
            answer = await _beginning(asker, address)
        else:
            answer = await asker.api.call(row.method, address, body=body, headers=asker.headers)
        self.cells += 1
        self._judge(row, asker, answer, things)

    async def _things(
        self, row: Row, asker: Asker, standing: dict[str, dict[str, Any]], *, anew: bool
    ) -> dict[str, dict[str, Any]]:
        return {kind: await self._thing(kind, asker, standing, anew=anew) for kind in row.kinds}

    async def _thing(
        self, kind: str, asker: Asker, standing: dict[str, dict[str, Any]], *, anew: bool
    ) -> dict[str, Any]:
        if kind.startswith("mine "):
            return await self._makers[asker.home.word].made(kind.removeprefix("mine "))
        maker = self._makers[OWN]
        if asker.late:
            return await maker.gone(kind)
        if anew:
            return await maker.made(kind)
        if kind not in standing:
            standing[kind] = await maker.made(kind)
        return standing[kind]

    def _judge(self, row: Row, asker: Asker, answer: Answer, things: Things) -> None:
        expected = row.expected[asker.name]
        status = answer.body["results"][0]["status"] if row.ask.each and answer.status == 200 else answer.status
        if status != expected:
            self.wrong.append(f"{row.name} by {asker.name}: {status} for {expected}: {answer.text[:200]}")
        said = f"{json.dumps(dict(answer.headers))} {answer.text}".lower()
        named = json.dumps(things, default=str)
        if row.name == "listOrganizations":
            return  # for those alone who look after all of them
        hidden = _WORDS - asker.sees
        hidden |= {
            public_id
            for tenant in self._ground.tenants
            if tenant.word not in asker.sees
            for public_id in tenant.public_ids()
            if public_id not in named and not _is_shared(tenant, public_id, asker)
        }
        self.leaks += [f"{row.name} by {asker.name}: {found} in the answer" for found in hidden if found in said]


def _is_shared(tenant: Tenant, public_id: str, asker: Asker) -> bool:
    """Whether it is the id of something that all customers of the asker's organization see."""
    shared = {
        str(tenant.rows[table].get("public_id"))
        for table in (*SHARED_TABLES, *SHARED_WITHOUT_CUSTOMER)
        if table in tenant.rows and (table in SHARED_TABLES or tenant.customer_id is None)
    }
    return tenant.shared_word in asker.sees and public_id in shared


async def test_everybody_gets_what_is_theirs_and_nothing_else(world: World, figures: Callable[[str], None]) -> None:
    wanted = rows()
    await world.location("zqlocation")
    ground = await planted(world.dsn)
    api = await world.another_gateway(rate_limit_anonymous=10**6, rate_limit_token=10**6)
    everybody = await askers(world, api, ground)
    assert {asker.name for asker in everybody} == {name for row in wanted for name in row.expected}
    makers = {
        tenant.word: Maker(world, tenant, api.by(await world.token(organization_id=tenant.organization_id)))
        for tenant in (ground.own, ground.beside, ground.foreign)
    }
    looking = await connect(world.dsn, role="mailprobe_backup", application_name="watch")
    try:
        grid = Grid(makers, Watch(looking, ground.tables), ground)
        for row in wanted:
            await grid.ask(row, everybody)
    finally:
        await looking.close()
    operations = len({(row.method, row.path) for row in wanted})
    figures(
        f"grid: {operations} operations × {len(everybody)} principals = {grid.cells} cells, {len(grid.leaks)} leaks"
    )
    assert grid.leaks == [], "\n".join(grid.leaks)
    assert grid.wrong == [], "\n".join(grid.wrong)


def test_a_word_of_somebody_elses_would_be_noticed() -> None:
    """The eye of the grid itself."""
    assert all(one not in other for one, other in product(_WORDS, _WORDS) if one != other)
