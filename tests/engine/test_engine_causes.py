"""Why messages failed: told in metrics and, where the configuration says so, to the accounts."""

import pytest

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
