"""Receipts that match nothing, as the store keeps them."""

from smsagg.model import CarrierReceipt
from smsagg.store.base import ParkedReceipt


def receipt_of(row: ParkedReceipt) -> CarrierReceipt:
    """A receipt as it was parked."""
    return CarrierReceipt(
        row.carrier_message_id,
        row.state,
        row.error_code,
        row.done_at,
        None,
        row.cause,
        row.raw_id,
        row.text,
        row.msisdn,
        "",
        row.carrier_message_id,
        row.parked_at,
        row.matched_as,
    )


def row_of(carrier: str, receipt: CarrierReceipt) -> ParkedReceipt:
    """What the store keeps of it."""
    return ParkedReceipt(
        carrier,
        receipt.parked_as,
        receipt.state,
        receipt.error_code,
        receipt.done_at,
        receipt.parked_at,
        raw_id_of(receipt),
        receipt.cause,
        receipt.text,
        receipt.msisdn,
    )


def raw_id_of(receipt: CarrierReceipt) -> str:
    """The id as the carrier wrote it."""
    return receipt.raw_id or receipt.carrier_message_id
