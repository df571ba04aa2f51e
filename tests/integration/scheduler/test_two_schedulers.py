"""Two schedulers as processes over RabbitMQ: one is killed, one is frozen, and no slot is lost or made twice."""

import random
from pathlib import Path

from tests.soak.two_schedulers import run


async def test_the_stand_by_takes_over_from_one_that_is_killed_or_frozen(
    database_dsn: str, amqp_url: str, tmp_path: Path
) -> None:
    figures = await run(
        tmp_path, dsn=database_dsn, amqp_url=amqp_url, least_faults=2, between_faults=6, rng=random.Random(1)
    )
    assert (figures.kills, figures.freezes) == (1, 1)
    assert figures.epochs >= 3
    assert figures.kept is not None
    assert figures.kept.results > 0
