"""Logins of the services: each may act as the one role its service acts as, and owns nothing.

The owner, whom migrations run as, makes them; services that are given only such a login cannot change a table, read
another role's, or pass by row-level security. Passwords reach the server as verifiers: its logs may keep statements.
"""

import hashlib
import hmac
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from shared.database.errors import DatabaseRejected, translated_errors
from shared.database.pool import GATEWAY_ROLE, NOTIFIER_ROLE, PIPELINE_ROLE, Connection, connect

ROLE_OF_SERVICE: Mapping[str, str] = {
    "api_gateway": GATEWAY_ROLE,
    "scheduler": PIPELINE_ROLE,
    "result_recorder": PIPELINE_ROLE,
    "notifier": NOTIFIER_ROLE,
}
# However many gateways run and whatever they are asked: half of the connections are the pipeline's.
_MOST_OF_GATEWAYS = """
SELECT greatest(20, current_setting('max_connections')::int / 2
                    - current_setting('superuser_reserved_connections')::int)
"""
_NO_LIMIT = -1

_ITERATIONS = 4096
_LOCK_KEY = "mailprobe.logins"


async def make_logins(dsn: str, addresses: Mapping[str, str]) -> list[str]:
    """Make the login each address names, with its password, a member of its service's role; answers with their names.

    Args:
        dsn: of the owner, who has CREATEROLE. addresses: by service.
    Raises:
        DatabaseUnavailable, DatabaseRejected; KeyError for a service that has no role.
    """
    names = []
    connection = await connect(dsn, role=None, application_name="mailprobe logins")
    try:
        with translated_errors():
            owner, database = await connection.fetchrow("SELECT current_user, current_database()")
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", _LOCK_KEY)
                for service, address in addresses.items():
                    name, password = _login(service, address, owner)
                    role = ROLE_OF_SERVICE[service]
                    most = await connection.fetchval(_MOST_OF_GATEWAYS) if role == GATEWAY_ROLE else _NO_LIMIT
                    await _make(connection, name, password, role=role, database=database, most_connections=most)
                    names.append(name)
    finally:
        await connection.close(timeout=5)
    return names


def _login(service: str, address: str, owner: str) -> tuple[str, str]:
    parts = urlsplit(address)
    if not parts.username or not parts.password:
        raise DatabaseRejected(f"the address of {service} names no user with a password")
    name = unquote(parts.username)
    if name == owner:
        raise DatabaseRejected(f"the address of {service} names {owner}, who owns the tables")
    return name, unquote(parts.password)


async def _make(
    connection: Connection, name: str, password: str, *, role: str, database: str, most_connections: int
) -> None:
    there = await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name)
    verb = "ALTER" if there else "CREATE"
    # Statements about roles take no parameters; format() quotes what stands in them.
    statements = await connection.fetchrow(
        "SELECT format($1 || ' ROLE %I LOGIN PASSWORD %L CONNECTION LIMIT %s', $2::text, $3::text, $6::int),"
        " format('GRANT %I TO %I', $4::text, $2),"
        " format('GRANT CONNECT ON DATABASE %I TO %I', $5::text, $2)",
        verb,
        name,
        _verifier(password),
        role,
        database,
        most_connections,
    )
    for statement in statements:
        await connection.execute(statement)


def _verifier(password: str) -> str:
    """What Postgres keeps instead of a password (SCRAM-SHA-256, RFC 5802 and 7677)."""
    salt = secrets.token_bytes(16)
    prepared = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", prepared, salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt_text}${stored_text}:{server_text}"
