"""Services as processes: started, killed at any await, frozen and thawed, each with its own way to database and broker.

Whatever a service asks of the outside goes through `Process.step`, which is where it dies, stands still, waits or is
refused. A dead process does nothing any more: what was left of its tasks is cancelled at its next word.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from tests.simulation.memory_database import Database, Pool, Session

if TYPE_CHECKING:
    from tests.simulation.links import BrokerLink

# As the sessions of the leader are set, and those of a pool.
FROZEN_LEADER_SECONDS = 10.0
FROZEN_SECONDS = 30.0
HEARTBEAT_SECONDS = 20.0


@dataclass(slots=True)
class Rates:
    """How often something goes wrong, at each occasion; `now`: whether anything does at present."""

    now: bool = False
    database_error: float = 0.0
    commit_unknown: float = 0.0
    deadlock: float = 0.0
    slow: float = 0.0
    publish_lost: float = 0.0
    confirm_lost: float = 0.0
    duplicated: float = 0.0
    dropped: float = 0.0
    refused: float = 0.0
    delayed: float = 0.0
    our_fault: float = 0.0
    not_told: float = 0.0


class Chance:
    """Draws of one seed."""

    def __init__(self, seed: int, rates: Rates) -> None:
        self.random = random.Random(seed)
        self.rates = rates

    def strikes(self, rate: float) -> bool:
        return self.rates.now and rate > 0 and self.random.random() < rate

    async def delay(self, rate: float, most_seconds: float) -> None:
        if self.strikes(rate):
            await asyncio.sleep(self.random.random() ** 2 * most_seconds)


class Process:
    """One service at work.

    Args:
        serve: runs it until its `stop` is set. hurry: how long its sessions outlive it when it stands still.
    """

    def __init__(
        self,
        name: str,
        serve: Callable[["Process"], Awaitable[None]],
        *,
        database: Database,
        chance: Chance,
        frozen_seconds: float = FROZEN_SECONDS,
    ) -> None:
        self.name = name
        self.began = asyncio.get_running_loop().time()
        self.database = database
        self.chance = chance
        self.pool = Pool(self.session)
        self.stop = asyncio.Event()
        self.dead = False
        self.doomed = False
        self.dies_in_login: Callable[[], None] | None = None
        self.broke: BaseException | None = None
        self.link: BrokerLink | None = None
        self._serve = serve
        self._sessions: list[Session] = []
        self._frozen_seconds = frozen_seconds
        self._runs = asyncio.Event()
        self._runs.set()
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        try:
            await self._serve(self)
        except asyncio.CancelledError:
            if not self.dead:
                raise
        except BaseException as error:
            if not self.dead:
                self.broke = error

    async def step(self) -> None:
        """Go on, unless dead; stand still while frozen. The doomed die at one of these."""
        while not self._runs.is_set() and not self.dead:
            await self._runs.wait()
        if self.doomed and not self.dead and self.chance.random.random() < 0.15:
            self.kill()
        if self.dead:
            raise asyncio.CancelledError

    def reach_login(self) -> None:
        """A password is on its way, and nobody knows yet what is said to it."""
        if self.dies_in_login is not None and not self.dead:
            self.kill()
            self.dies_in_login()

    def session(self) -> Session:
        session = Session(self.database, self.name)
        if self.dead:
            session.lost = True
        self._sessions = [each for each in self._sessions if not each.lost]
        self._sessions.append(session)
        return session

    def kill(self) -> None:
        """SIGKILL."""
        if self.dead:
            return
        self.dead = True
        self._lose_sessions()
        if self.link is not None:
            self.link.die()
        self._task.cancel()
        self._runs.set()

    def freeze(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT so much later. Whoever waits for its word gives it up meanwhile."""
        if self.dead:
            return
        loop = asyncio.get_running_loop()
        self._runs.clear()
        loop.call_later(seconds, self._runs.set)
        loop.call_later(self._frozen_seconds, lambda: None if self._runs.is_set() else self._lose_sessions())
        loop.call_later(HEARTBEAT_SECONDS, lambda: None if self._runs.is_set() else self._lose_link())

    def _lose_sessions(self) -> None:
        for session in self._sessions:
            session.lose()
        self._sessions.clear()

    def _lose_link(self) -> None:
        if self.link is not None:
            self.link.lose()

    async def ended(self) -> None:
        await asyncio.wait({self._task})


class DatabaseTroubles:
    """What goes wrong between services and their database. `away`: it answers nobody."""

    def __init__(self, chance: Chance, process_of: Callable[[str], Process]) -> None:
        self.away = False
        self._chance = chance
        self._process_of = process_of

    async def before_statement(self, session: Session) -> None:
        process = self._process_of(session.process)
        await process.step()
        rates = self._chance.rates
        if rates.now:
            await self._chance.delay(rates.slow, 3.0)
            self._refuse(session)
            if self._chance.strikes(rates.deadlock):
                if session.open is not None:
                    session.open.roll_back()
                raise asyncpg.DeadlockDetectedError("deadlock detected")
            if self._chance.random.random() < 0.2:
                await asyncio.sleep(0)
        elif self.away:
            self._refuse(session)

    async def at_commit(self, session: Session, commit: Callable[[], None]) -> None:
        process = self._process_of(session.process)
        await process.step()
        self._refuse(session)
        commit()
        if self._chance.strikes(self._chance.rates.commit_unknown):
            session.lose()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        await process.step()

    def _refuse(self, session: Session) -> None:
        if self.away or self._chance.strikes(self._chance.rates.database_error):
            session.lose()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
