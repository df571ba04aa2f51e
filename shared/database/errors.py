"""What can go wrong with the database, in our words; asyncpg's exceptions stop here."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg


class DatabaseError(Exception):
    """Something about the database; the message is fit for a log."""


class DatabaseUnavailable(DatabaseError):
    """The database cannot be reached, is going down, read-only or out of resources: the same call may work later."""


class DatabaseRejected(DatabaseError):
    """The database refuses this very data (SQLSTATE class 22 or 23): the same call never works."""

    def __init__(self, message: str, *, constraint: str | None = None) -> None:
        super().__init__(message)
        self.constraint = constraint


class DatabaseConflict(DatabaseError):
    """Two transactions were in each other's way (deadlock, serialization, lock time-out): try again at once."""


_LATER = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # A connection the server has just ended, between its last words and its end: whoever was frozen wakes up to that.
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.PostgresSystemError,
    OSError,
    asyncio.TimeoutError,
)
_CONFLICT = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
_REJECTED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise our own errors in place of asyncpg's within this block."""
    try:
        yield
    except _CONFLICT as error:
        raise DatabaseConflict(str(error)) from error
    except _REJECTED as error:
        # Client-side asyncpg.DataError derives from InterfaceError as well; it too is about this very data.
        raise DatabaseRejected(str(error), constraint=getattr(error, "constraint_name", None)) from error
    except _LATER as error:
        raise DatabaseUnavailable(_in_words(error)) from error


def _in_words(error: BaseException) -> str:
    match error:
        case TimeoutError():
            return "no answer in time"
        case socket.gaierror():
            return str(error.strerror)
        case OSError(errno=int(number)):
            return os.strerror(number)
        case asyncpg.PostgresError():
            return str(error)  # the server's own words
    return f"{type(error).__name__}: {error}"
