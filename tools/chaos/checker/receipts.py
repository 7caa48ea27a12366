"""S12: what was answered ESME_ROK to a carrier has its effect."""

from collections.abc import Iterable

from tools.chaos.checker.index import Index
from tools.chaos.checker.states import ENROUTE
from tools.chaos.checker.verdict import Violation


def carrier_receipts_kept(index: Index) -> Iterable[Violation]:
    """S12: a receipt that was answered ESME_ROK has its effect, whatever happened after."""
    parked = index.history.store.parked
    for row in index.history.store.messages:
        key = (row.carrier, row.carrier_message_id)
        if row.is_live and row.state == ENROUTE and key in index.acked and key not in parked:
            yield Violation("S12 receipts kept", row.nonce, f"awaits {key}, whose receipt was answered ESME_ROK")
