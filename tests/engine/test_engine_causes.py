"""What receipts say beside the state: causes, contradictions and oddities, told in metrics and to the accounts."""

import pytest
from structlog.testing import capture_logs

from smsagg.config.schema import ReceiptSettings
from smsagg.model import CarrierReceipt, Cause, MessageState
from smsagg.testing.gateway import make_config, run_gateway


@pytest.mark.parametrize(("error_codes", "told"), [("carrier", 27), ("canonical", Cause.ABSENT_SUBSCRIBER)])
async def test_the_error_code_of_a_receipt(error_codes: str, told: int) -> None:
    """As the carrier wrote it, or our number for the cause; counted with its permanence."""
    config = make_config(receipts=ReceiptSettings(error_codes=error_codes))
    async with run_gateway(config) as gateway:
        sink = gateway.attach()
        await gateway.accept_one()
        await gateway.settle()
        (carrier_id,) = gateway.carrier.accept()
        failed = CarrierReceipt(carrier_id, MessageState.UNDELIVERABLE, 27, 0, cause=Cause.ABSENT_SUBSCRIBER)
        gateway.carrier.report(failed)
        await gateway.settle()
        (delivery,) = sink.received
        assert delivery.error_code == told
        assert f"err:{told:03d}".encode() in delivery.body
        assert gateway.metrics.carrier_failures["alpha", "absent_subscriber", "temporary"].n == 1


def test_causes_have_a_permanence() -> None:
    """A dead number stays dead, a phone that is off does not."""
    assert Cause.UNKNOWN_SUBSCRIBER.is_permanent
    assert not Cause.ABSENT_SUBSCRIBER.is_permanent
    assert not Cause.NONE.is_permanent


async def test_another_end_than_the_first_is_counted() -> None:
    """A carrier that contradicts itself is not one that repeats itself (D09, D11)."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        await gateway.accept_one()
        await gateway.settle()
        (carrier_id,) = gateway.carrier.accept()
        for state in (MessageState.DELIVERED, MessageState.DELIVERED, MessageState.ENROUTE, MessageState.UNDELIVERABLE):
            gateway.carrier.receipt(carrier_id, state=state)
            await gateway.settle()
        matches = gateway.metrics.carrier_receipt_matches
        assert [matches["alpha", result].n for result in ("matched", "duplicate", "contradicted")] == [1, 2, 1]
        assert len(sink.received) == 1


@pytest.mark.parametrize("oddity", ["ids_differ", "unknown_state"])
async def test_odd_receipts_are_counted_once(oddity: str) -> None:
    """However often they are looked up (D12, D15)."""
    async with run_gateway() as gateway:
        await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.report(CarrierReceipt("x", MessageState.ENROUTE, 0, 0, oddity=oddity))
        await gateway.settle()
        gateway.carrier.link.accept(ids=["x"])
        await gateway.settle()
        assert gateway.metrics.carrier_receipt_oddities["alpha", oddity].n == 1


async def test_odd_receipts_are_logged_without_whole_numbers_and_words() -> None:
    """What a carrier wrote beside the fields that are known may be anybody's number."""
    text = b"id:x to:+447700900123 stat:STRANGE text:Your code"
    async with run_gateway() as gateway:
        with capture_logs() as lines:
            gateway.carrier.report(CarrierReceipt("x", MessageState.ENROUTE, 0, 0, text=text, oddity="unknown_state"))
            await gateway.settle()
    (line,) = (line for line in lines if line["event"] == "receipt_odd")
    assert line["fields"] == "id:x to:+4477••• stat:STRANGE text:"
