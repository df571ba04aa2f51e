"""What every broker adapter promises of queues that one process has to itself, as tests: part of the contract."""

from shared.broker.seam import PublishOutcome
from shared.broker.topology import EVENTS, REPLIES, events_queue, reply_key, reply_queue
from tests.support.broker_contract import BrokerWorld, Inbox, a_message, declared, until_published_is


class OwnQueuesContract:
    """Beside `BrokerContract`, with the same `world`."""

    async def test_an_answer_finds_who_asked_and_nobody_once_they_left(self, world: BrokerWorld) -> None:
        asker, answerer = await declared(world), await world.client()
        mine, theirs = reply_queue("api_gateway@here:1"), reply_queue("api_gateway@here:2")
        inbox, other_inbox = Inbox(), Inbox()
        consumer = await asker.consume(mine, inbox, prefetch=10, exclusive_reply=True)
        other = await asker.consume(theirs, other_inbox, prefetch=10, exclusive_reply=True)
        key = reply_key(mine, "1")
        await consumer.expect(key)
        await other.expect(reply_key(theirs, "1"))
        answer = a_message(exchange=REPLIES, routing_key=key)
        assert await answerer.publish([answer]) == [PublishOutcome.CONFIRMED]
        got = await inbox.next()
        assert got.message_id == answer.message_id
        await got.ack()
        assert other_inbox.arrived.empty()
        await consumer.close()
        await until_published_is(PublishOutcome.UNROUTABLE, answerer, answer)

    async def test_an_answer_with_a_key_nobody_gave_out_finds_nobody(self, world: BrokerWorld) -> None:
        asker, stranger = await declared(world), await world.client()
        mine, inbox = reply_queue("api_gateway@here:1"), Inbox()
        consumer = await asker.consume(mine, inbox, prefetch=10, exclusive_reply=True)
        expected = reply_key(mine, "secret")
        await consumer.expect(expected)
        guesses = [a_message(exchange=REPLIES, routing_key=key) for key in (mine, reply_key(mine, "guess"), "#", "")]
        assert await stranger.publish(guesses) == [PublishOutcome.UNROUTABLE] * 4
        answer = a_message(exchange=REPLIES, routing_key=expected)
        assert await stranger.publish([answer]) == [PublishOutcome.CONFIRMED]
        await (await inbox.next()).ack()
        await consumer.expect_no_more(expected)
        assert await stranger.publish([answer]) == [PublishOutcome.UNROUTABLE], "the question is over"
        assert await inbox.nothing_more()

    async def test_copies_go_to_everybody_who_listens_and_wait_for_nobody(self, world: BrokerWorld) -> None:
        teller, listener, neighbour = await declared(world), await world.client(), await world.client()
        early = a_message(exchange=EVENTS, routing_key="")
        assert await teller.publish([early]) == [PublishOutcome.UNROUTABLE]
        inbox, beside = Inbox(), Inbox()
        consumer = await listener.consume(
            events_queue("api_gateway@here:1"), inbox, prefetch=10, exclusive_copies_of=EVENTS
        )
        await neighbour.consume(events_queue("api_gateway@here:2"), beside, prefetch=10, exclusive_copies_of=EVENTS)
        news = a_message(exchange=EVENTS, routing_key="")
        assert await teller.publish([news]) == [PublishOutcome.CONFIRMED]
        for each in (inbox, beside):
            got = await each.next()
            assert got.message_id == news.message_id
            await got.ack()
        await consumer.close()
        later = a_message(exchange=EVENTS, routing_key="")
        assert await teller.publish([later]) == [PublishOutcome.CONFIRMED]
        assert (await beside.next()).message_id == later.message_id
        assert await inbox.nothing_more()
