"""Acknowledgements that come after the response timer: the receipt waits to go again, and need not."""

import trio

from smsagg.config.schema import Duration, ReceiptSettings
from smsagg.model import Delivery
from smsagg.testing.gateway import FakeGateway, make_config, run_gateway
from smsagg.testing.sink import FakeSink

AGAIN_S = 5.0
CONFIG = make_config(receipts=ReceiptSettings(retry_first=Duration(AGAIN_S)))


async def _one_given_up(gateway: FakeGateway, sink: FakeSink) -> Delivery:
    """A receipt that the session did not answer in time."""
    await _report_one(gateway)
    (delivery,) = sink.received
    sink.answer(None)
    await gateway.settle()
    return delivery


async def _report_one(gateway: FakeGateway) -> None:
    await gateway.accept_one()
    await gateway.settle()
    gateway.carrier.receipt(*gateway.carrier.accept())
    await gateway.settle()


async def test_late_acknowledgement_calls_back_a_receipt_that_waits_for_the_window() -> None:
    """A receipt that is due again and waits for room goes no more once it is acknowledged."""
    async with run_gateway(CONFIG) as gateway:
        sink = gateway.attach(window=1, status=None)
        delivery = await _one_given_up(gateway, sink)
        await _report_one(gateway)
        await gateway.until(lambda: gateway.engine.deliveries.pending()["acme"] == 2, AGAIN_S + 1)
        gateway.engine.deliveries.on_late_answers([delivery])
        sink.answer(0)
        await gateway.settle()
        assert [received.delivery_id for received in sink.received] == [1, 2]
        assert not gateway.engine.deliveries.pending()["acme"]
        gateway.assert_nothing_is_held()


async def test_late_acknowledgement_while_the_receipt_is_being_claimed() -> None:
    """A receipt that the store is just bringing up again goes no more either."""
    async with run_gateway(CONFIG) as gateway:
        sink = gateway.attach(status=None)
        delivery = await _one_given_up(gateway, sink)
        await trio.sleep(AGAIN_S - 0.5)
        gateway.store.hold()
        await trio.sleep(1.0)
        gateway.engine.deliveries.on_late_answers([delivery])
        gateway.store.release()
        await gateway.settle()
        assert len(sink.received) == 1
        gateway.assert_nothing_is_held()


async def test_late_acknowledgement_while_another_session_has_the_receipt() -> None:
    """A receipt that was tried with a second session, too, does not go to a third when that one ends."""
    async with run_gateway(CONFIG) as gateway:
        first = gateway.attach(window=1, status=None)
        delivery = await _one_given_up(gateway, first)
        first.window = 0
        second = gateway.attach(status=None)
        await gateway.until(lambda: len(second.received) == 1, AGAIN_S + 1)
        gateway.engine.deliveries.on_late_answers([delivery])
        third = gateway.attach(status=None)
        second.detach()
        await gateway.settle()
        assert not third.received
        gateway.assert_nothing_is_held()
