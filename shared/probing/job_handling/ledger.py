"""Which jobs this worker has in hand or has answered, so that none is done twice by a delivery repeated.

After a lost connection the broker delivers again what was not acknowledged, often to the very worker that still has
it under way. Such a delivery waits for the answer already in the making instead of asking the mail server again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from uuid import UUID

ANSWERED_KEPT = 20_000


class Settled(Enum):
    """How a job left this worker's hands."""

    ANSWERED = auto()  # its result, or that it is missed, is confirmed by the broker
    HANDED_ON = auto()  # it is in the retry lane, confirmed
    ABANDONED = auto()  # neither; whoever delivered it has to keep it


class Ledger:
    """Remembers the jobs under way and the last `kept` answered ones."""

    def __init__(self, *, kept: int = ANSWERED_KEPT) -> None:
        self._kept = kept
        self._under_way: dict[UUID, asyncio.Future[Settled]] = {}
        self._answered: OrderedDict[UUID, None] = OrderedDict()

    async def once(self, check_id: UUID, settle: Callable[[], Awaitable[Settled]]) -> Settled:
        """Settle a job, unless it is answered already, or is by the one who has it in hand.

        Handed on by that one, it has to be settled here all the same: this delivery may be the very one handed on,
        come back before that one learnt that it left.
        """
        while (under_way := self._under_way.get(check_id)) is not None:
            if await asyncio.shield(under_way) is Settled.ANSWERED:
                return Settled.ANSWERED
        if check_id in self._answered:
            return Settled.ANSWERED
        mine = self._under_way[check_id] = asyncio.get_running_loop().create_future()
        settled = Settled.ABANDONED
        try:
            settled = await settle()
            return settled
        finally:
            del self._under_way[check_id]
            mine.set_result(settled)
            if settled is Settled.ANSWERED:
                self._remember(check_id)

    def _remember(self, check_id: UUID) -> None:
        self._answered[check_id] = None
        if len(self._answered) > self._kept:
            self._answered.popitem(last=False)
