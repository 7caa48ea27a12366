"""Of what carriers send: receipts, and messages from handsets."""

from smsagg.observe.metrics.families import Families


class ReceiptMetrics(Families):
    """Families by attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.carrier_receipts = self._counter(
            "smsagg_carrier_receipts_total", "Receipts that carriers sent, by carrier and state.", "carrier", "state"
        )
        self.carrier_receipt_matches = self._counter(
            "smsagg_carrier_receipt_matches_total",
            "What became of carriers' receipts (matched, duplicate, contradicted, refused, parked; of the parked: "
            "early, orphan), by carrier.",
            "carrier",
            "result",
        )
        self.carrier_receipt_oddities = self._counter(
            "smsagg_carrier_receipt_oddities_total",
            "Receipts whose TLV and text name different messages (ids_differ), and those with a word for the state "
            "that no table knows (unknown_state), by carrier.",
            "carrier",
            "oddity",
        )
        self.parked_receipts = self._gauge(
            "smsagg_carrier_receipts_parked", "Receipts that wait for their submit_sm_resp."
        )
        self.receipt_dialects = self._gauge(
            "smsagg_receipt_dialect_learned",
            "1 for an id rule that a carrier's receipts have shown: the keys that say it, and whether it is in force "
            "(applied) or for the operator to set (proposed).",
            "carrier",
            "keys",
            "result",
        )
        self.id_collisions = self._counter(
            "smsagg_carrier_id_collisions_total",
            "Messages whose carrier gave them an id that another one awaits under.",
        )
        self.carrier_mo = self._counter(
            "smsagg_carrier_mo_total",
            "Messages from handsets, by carrier and result (taken, refused, looped).",
            "carrier",
            "result",
        )
        self.carrier_alerts = self._counter(
            "smsagg_carrier_alerts_total",
            "Handsets that can be reached again, by carrier and result (told, missed).",
            "carrier",
            "result",
        )
        self.mo_reassembled = self._counter(
            "smsagg_carrier_mo_reassembled_total",
            "Long messages from handsets that waited for their parts (whole, incomplete), and parts that came twice "
            "(repeated) or after the others were handed out (late), by carrier.",
            "carrier",
            "result",
        )
        self.mo_parts = self._gauge("smsagg_carrier_mo_parts", "Parts from handsets that wait for the others.")
