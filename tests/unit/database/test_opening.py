"""What people read of a database: which one it is, and why it cannot be reached; never its password."""

import pytest

from shared.database.errors import DatabaseUnavailable
from shared.database.opening import database_name, open_migrated_pool


@pytest.mark.parametrize(
    ("dsn", "name"),
    [
        ("postgresql://user:se%40cret@db.example:5432/mailprobe", "the database db.example:5432/mailprobe"),
        ("postgresql://user@a:1,b:2/mail", "the database a:1,b:2/mail"),
        ("postgresql:///mailprobe?host=/run/postgresql&password=secret", "the database"),
    ],
)
def test_a_database_is_named_without_its_account(dsn: str, name: str) -> None:
    assert database_name(dsn) == name


async def test_a_refused_connection_is_said_in_words() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"^Connection refused$"):
        async with open_migrated_pool("postgresql://a:b@127.0.0.1:9/c", role="r", application_name="n", max_size=1):
            pass
