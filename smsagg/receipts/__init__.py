"""Delivery receipts: what carriers write, which message they mean, what a customer asked for and is told. Pure."""

from smsagg.receipts.correlator import Correlator
from smsagg.receipts.dialect import AS_IS, IdDialect
from smsagg.receipts.format import make_receipt
from smsagg.receipts.parse import ParsedReceipt, parse_receipt
from smsagg.receipts.recent import RecentIds
from smsagg.receipts.registered import wants_intermediate, wants_receipt

__all__ = [
    "AS_IS",
    "Correlator",
    "IdDialect",
    "ParsedReceipt",
    "RecentIds",
    "make_receipt",
    "parse_receipt",
    "wants_intermediate",
    "wants_receipt",
]
