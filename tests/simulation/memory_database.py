"""Postgres as far as the services notice: transactions that see what is committed, row locks, sessions that are lost.

Each SQL statement of the services has a twin, a Python function over these tables, found by the statement's own text:
what asyncpg would be given is what comes here, so every line of the stores runs as it is. A statement without a twin
is an error. The twins stand in `statements_of_*`; what is broken, and when, is for `Troubles`.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Protocol

import asyncpg

Row = dict[str, Any]
Key = Any
Twin = Callable[..., Any]

LOCK_TIMEOUT_SECONDS = 8.0

TWINS: dict[str, Twin] = {}

# How a session plans and how long it waits is nothing to these tables.
_SETTINGS = "SELECT set_config("


def twin(*statements: str) -> Callable[[Twin], Twin]:
    """This function does what these statements do; it is called with the transaction and the statement's arguments."""

    def remember(function: Twin) -> Twin:
        TWINS.update(dict.fromkeys(statements, function))
        return function

    return remember


class Blocked(Exception):
    """Somebody else holds the row."""

    def __init__(self, owner: "Transaction") -> None:
        self.owner = owner


class Troubles(Protocol):
    """What may go wrong between a service and its database."""

    async def before_statement(self, session: "Session") -> None: ...

    async def at_commit(self, session: "Session", commit: Callable[[], None]) -> None: ...


class Database:
    """Tables as dicts of rows by primary key. Rows are never changed, only replaced.

    Args:
        clock_ms: what `clock_ms()` answers.
    """

    def __init__(self, clock_ms: Callable[[], int], troubles: Troubles) -> None:
        self.clock_ms = clock_ms
        self.troubles = troubles
        self.tables: defaultdict[str, dict[Key, Row]] = defaultdict(dict)
        self.owners: dict[Key, Transaction] = {}
        self.sharers: defaultdict[Key, set[Transaction]] = defaultdict(set)
        self.session_locks: dict[Key, Session] = {}
        self.listeners: defaultdict[str, list[tuple[Session, Callable[..., None]]]] = defaultdict(list)
        self.committed: Callable[[Transaction], None] = lambda _: None
        self._last_id = 0

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id


class Transaction:
    """What one has written and not committed, over what is committed."""

    def __init__(self, session: "Session") -> None:
        self.session = session
        self.database = session.database
        self.over = asyncio.Event()
        self.waits_for: Transaction | None = None
        self.notes: list[tuple[str, str]] = []
        self.epoch: int | None = None
        self.written: dict[str, dict[Key, Row | None]] = {}
        self.before: dict[str, dict[Key, Row | None]] = {}  # what it replaced, once it is committed
        self._undo: list[tuple[str, Key, Row | None, bool]] = []
        self._held: list[Key] = []

    # Reading

    def get(self, table: str, key: Key) -> Row | None:
        written = self.written.get(table)
        if written is not None and key in written:
            return written[key]
        return self.database.tables[table].get(key)

    def rows(self, table: str) -> list[Row]:
        """All of a table."""
        written = self.written.get(table)
        if not written:
            return list(self.database.tables[table].values())
        kept = [row for key, row in self.database.tables[table].items() if key not in written]
        return kept + [row for row in written.values() if row is not None]

    @property
    def now_ms(self) -> int:
        return self.database.clock_ms()

    # Writing

    def put(self, table: str, key: Key, row: Row | None) -> None:
        """Insert, replace or (None) delete. Raises Blocked while another transaction holds the row."""
        self.lock((table, key))
        written = self.written.setdefault(table, {})
        self._undo.append((table, key, written.get(key), key in written))
        written[key] = row

    def change(self, table: str, key: Key, **changes: Any) -> Row:
        row = self.get(table, key)
        assert row is not None
        changed = {**row, **changes}
        self.put(table, key, changed)
        return changed

    def lock(self, key: Key) -> None:
        """FOR UPDATE, or an advisory lock. Raises Blocked."""
        owner = self.database.owners.get(key)
        if owner is self:
            return
        if owner is not None:
            raise Blocked(owner)
        for sharer in self.database.sharers.get(key, ()):
            if sharer is not self:
                raise Blocked(sharer)
        self.database.owners[key] = self
        self._held.append(key)

    def share(self, key: Key) -> None:
        """FOR KEY SHARE. Raises Blocked."""
        owner = self.database.owners.get(key)
        if owner is not None and owner is not self:
            raise Blocked(owner)
        self.database.sharers[key].add(self)

    def is_locked(self, key: Key) -> bool:
        """Whether SKIP LOCKED would skip it."""
        return self.database.owners.get(key, self) is not self

    # Ending

    def mark(self) -> int:
        return len(self._undo)

    def undo_to(self, mark: int) -> None:
        while len(self._undo) > mark:
            table, key, row, was_there = self._undo.pop()
            if was_there:
                self.written[table][key] = row
            else:
                del self.written[table][key]

    def commit(self) -> None:
        if self.over.is_set():
            return
        for table, written in self.written.items():
            rows = self.database.tables[table]
            self.before[table] = {key: rows.get(key) for key in written}
            for key, row in written.items():
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row
        self._end()
        self.database.committed(self)
        for channel, payload in self.notes:
            for session, callback in self.database.listeners[channel]:
                if not session.lost:
                    asyncio.get_running_loop().call_soon(callback, session, 0, channel, payload)

    def roll_back(self) -> None:
        if not self.over.is_set():
            self.undo_to(0)
            self._end()

    def _end(self) -> None:
        for key in self._held:
            self.database.owners.pop(key, None)
        for sharers in self.database.sharers.values():
            sharers.discard(self)
        self.over.set()


class Session:
    """A connection: of a pool, or one of its own."""

    def __init__(self, database: Database, process: str) -> None:
        self.database = database
        self.process = process
        self.lost = False
        self.open: Transaction | None = None

    def lose(self) -> None:
        """The server ends it: what was not committed is undone, its locks are free."""
        self.lost = True
        if self.open is not None:
            self.open.roll_back()
            self.open = None
        for key in [key for key, holder in self.database.session_locks.items() if holder is self]:
            del self.database.session_locks[key]

    # As asyncpg has it

    async def fetch(self, statement: str, *args: Any, timeout: float | None = None) -> list[Row]:
        found: list[Row] = await self._run(statement, args)
        return found

    async def fetchrow(self, statement: str, *args: Any, timeout: float | None = None) -> Row | None:
        rows = await self._run(statement, args)
        return rows[0] if rows else None

    async def fetchval(self, statement: str, *args: Any, timeout: float | None = None) -> Any:
        rows = await self._run(statement, args)
        return next(iter(rows[0].values())) if rows else None

    async def execute(self, statement: str, *args: Any, timeout: float | None = None) -> str:
        answer = await self._run(statement, args)
        return f"OK {answer if isinstance(answer, int) else len(answer or ())}"

    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None:
        await self.database.troubles.before_statement(self)
        self.database.listeners[channel].append((self, callback))

    async def set_type_codec(self, *_: Any, **__: Any) -> None:
        return None

    def terminate(self) -> None:
        self.lose()

    async def close(self) -> None:
        self.lose()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        if self.open is not None:
            outer, mark = self.open, self.open.mark()
            try:
                yield
            except BaseException:
                if not outer.over.is_set():
                    outer.undo_to(mark)
                raise
            return
        self._require()
        ours = self.open = Transaction(self)
        try:
            yield
            self._require()
            await self.database.troubles.at_commit(self, ours.commit)
        finally:
            ours.roll_back()
            if self.open is ours:
                self.open = None

    def _require(self) -> None:
        if self.lost:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    async def _run(self, statement: str, args: tuple[Any, ...]) -> Any:
        await self.database.troubles.before_statement(self)
        self._require()
        if self.open is not None:
            return await self._run_within(self.open, statement, args)
        alone = self.open = Transaction(self)
        try:
            answer = await self._run_within(alone, statement, args)
            alone.commit()
            return answer
        finally:
            alone.roll_back()
            if self.open is alone:
                self.open = None

    async def _run_within(self, transaction: Transaction, statement: str, args: tuple[Any, ...]) -> Any:
        function = TWINS.get(statement)
        if function is None and statement.lstrip().startswith(_SETTINGS):
            return []
        if function is None:
            raise NotImplementedError(f"no twin of this statement: {statement}")
        while True:
            mark = transaction.mark()
            try:
                return function(transaction, *args)
            except Blocked as blocked:
                transaction.undo_to(mark)
                await self._wait(transaction, blocked.owner)
            self._require()

    async def _wait(self, transaction: Transaction, owner: Transaction) -> None:
        if any(each is transaction for each in _chain(owner)):
            raise asyncpg.DeadlockDetectedError("deadlock detected")
        transaction.waits_for = owner
        try:
            async with asyncio.timeout(LOCK_TIMEOUT_SECONDS):
                await owner.over.wait()
        except TimeoutError:
            raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout") from None
        finally:
            transaction.waits_for = None


class Pool:
    """As many connections as are asked for."""

    def __init__(self, connect: Callable[[], Session]) -> None:
        self._connect = connect

    @contextlib.asynccontextmanager
    async def acquire(self, *, timeout: float | None = None) -> AsyncIterator[Session]:
        session = self._connect()
        try:
            yield session
        finally:
            session.lose()

    async def fetch(self, statement: str, *args: Any, timeout: float | None = None) -> list[Row]:
        async with self.acquire() as session:
            return await session.fetch(statement, *args)


def _chain(transaction: Transaction | None) -> Iterator[Transaction]:
    while transaction is not None:
        yield transaction
        transaction = transaction.waits_for
