"""What people leave behind and ran out long ago: sessions, browsers, links, removed windows. Of all organizations."""

from shared.database.pool import Pool, transaction

_FORGET = "SELECT forget_past_of_people($1, $2)"


async def forget_past_of_people(pool: Pool, *, history_days: int, most: int) -> int:
    """Delete at most so many of each kind; answers how many went."""
    async with transaction(pool) as connection:
        return int(await connection.fetchval(_FORGET, history_days, most))
