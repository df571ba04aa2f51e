"""The result recorder at work: two queues in, the database out, in any process that has both."""

import asyncio
from collections.abc import Mapping

import structlog

from services.result_recorder import answers, presence
from services.result_recorder.gathering import Gathering
from services.result_recorder.incidents.certificates import ToldCertificates
from services.result_recorder.incidents.upkeep import keep_looking_after_incidents
from services.result_recorder.pulse import keep_pulse
from services.result_recorder.recording import Answer
from services.result_recorder.settling import Settler
from services.result_recorder.sweeping import keep_sweeping
from shared.broker.heralding import Herald
from shared.broker.seam import Broker, BrokerError, BrokerUnavailable, Consumer, Handler, QueueMissing
from shared.broker.topology import PRESENCE_QUEUE, RESULTS_QUEUE, core_topology
from shared.checks.messages import Presence
from shared.database.pool import Pool
from shared.runtime.lifecycle import retrying
from shared.runtime.loop_lag import LoopLag
from shared.runtime.settings import RetentionSettings

# A worker sends up to 200 results a message: enough on its own; a small system sends one.
PREFETCH = 256
MOST_RESULTS = 500
LINGER_SECONDS = 0.05
PATIENT_SECONDS = 0.25
FINISH_SECONDS = 10.0

_log = structlog.get_logger()


async def serve_recorder(
    *,
    pool: Pool,
    broker: Broker,
    stop: asyncio.Event,
    instance: str,
    retention: RetentionSettings | None = None,
) -> None:
    """Record until `stop` is set; then finish what was handed out, and hand back what the database will not take.

    Args:
        pool: acts as the pipeline role. broker: opened.
        retention: how long rows are kept; left out: as long as by default.
    """
    log = _log.bind(instance=instance)
    kept = retention or RetentionSettings.model_construct()
    results: Gathering[Answer] = Gathering(
        read=answers.read_answers,
        prefetch=PREFETCH,
        most=MOST_RESULTS,
        linger_seconds=LINGER_SECONDS,
        patient_seconds=PATIENT_SECONDS,
    )
    present: Gathering[Presence] = Gathering(
        read=presence.read_present,
        prefetch=PREFETCH,
        most=MOST_RESULTS,
        linger_seconds=LINGER_SECONDS,
        patient_seconds=PATIENT_SECONDS,
    )
    certificates = ToldCertificates()
    herald = Herald(broker)
    settlers = (
        Settler(
            results,
            lambda batch: answers.keep_answers(pool, batch, certificates=certificates, herald=herald),
            about=answers.about,
        ),
        Settler(present, lambda batch: presence.keep_present(pool, batch), about=presence.about),
    )

    consumers = await _consumers(broker, {RESULTS_QUEUE: results.handle, PRESENCE_QUEUE: present.handle}, stop)
    if consumers is None:
        return
    log.info("recording")
    async with asyncio.TaskGroup() as group:
        regular = [
            group.create_task(keep_sweeping(pool, stop, herald, kept)),
            group.create_task(keep_looking_after_incidents(pool, stop, herald)),
            group.create_task(herald.run()),
            group.create_task(keep_pulse(pool, broker, stop)),
            group.create_task(LoopLag().run(stop)),
        ]
        settling = [group.create_task(settler.run(stop)) for settler in settlers]
        await stop.wait()
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                for consumer in consumers:
                    await consumer.drain()
                results.drained()
                present.drained()
                await asyncio.gather(*settling)
        except (TimeoutError, BrokerError) as error:
            # Whatever is not acknowledged comes again.
            log.warning("stopped_unfinished", reason=str(error) or "not finished in time")
        finally:
            for task in (*regular, *settling):
                task.cancel()


async def _consumers(broker: Broker, handlers: Mapping[str, Handler], stop: asyncio.Event) -> list[Consumer] | None:
    """Consume from these queues, which are made first; None where `stop` was set before the broker could."""

    async def declare() -> bool:
        await broker.declare(core_topology())
        return True

    if await retrying(declare, what="the broker", errors=(BrokerUnavailable,), stop=stop) is None:
        return None
    consumers = []
    for queue, handler in handlers.items():

        async def consume(queue: str = queue, handler: Handler = handler) -> Consumer:
            return await broker.consume(queue, handler, prefetch=PREFETCH)

        consumer = await retrying(
            consume, what=f"the queue {queue}", errors=(BrokerUnavailable, QueueMissing), stop=stop
        )
        if consumer is None:
            return None
        consumers.append(consumer)
    return consumers
