"""Id rules that carriers' missed receipts have shown: told to operators, and in force where the carrier says ``learn``.

A rule in force changes nothing that is stored: messages keep the ids that their carriers gave. A receipt that names no
message by its id names the one whose id is equal under the rule, if there is exactly one.
"""

from collections.abc import Callable, Mapping

import structlog

from smsagg.carriers.base import Carrier
from smsagg.model import Message
from smsagg.receipts.dialect import IdDialect
from smsagg.receipts.learner import IdLearner, config_of, messages_named, resp_spellings

FindMessage = Callable[[str, str], Message | None]
"""The message that awaits a receipt of a carrier under an id."""


class ReceiptLearning:
    """Of all carriers; ``applies`` are those whose rule comes in force by itself."""

    def __init__(self, applies: frozenset[str], find: FindMessage) -> None:
        self._applies = applies
        self._find = find
        self._learners: dict[str, IdLearner] = {}
        self._log = structlog.get_logger("smsagg.engine")
        self.in_force: dict[str, IdDialect] = {}
        self.proposed: dict[str, IdDialect] = {}

    def reconfigure(self, applies: frozenset[str]) -> list[str]:
        """Let the rules of these carriers come in force by themselves, from now on; of whom the rule in force has
        changed. What was shown by others is a proposal."""
        changed: list[str] = []
        for carrier in [carrier for carrier in self.in_force if carrier not in applies]:
            self.proposed[carrier] = self.in_force.pop(carrier)
            changed.append(carrier)
        for carrier in [carrier for carrier in self.proposed if carrier in applies - self._applies]:
            self.in_force[carrier] = self.proposed.pop(carrier)
            changed.append(carrier)
        self._applies = applies
        return changed

    def missed(self, carrier: str, receipt_id: str, matched: int) -> bool:
        """A receipt matched nothing; True when its carrier's rule has come in force just now.

        ``matched``: receipts of the carrier that ever named a message.
        """
        if carrier in self.in_force or carrier in self.proposed:
            return False
        learner = self._learners.get(carrier)
        if learner is None:
            learner = self._learners[carrier] = IdLearner()
        rule = learner.missed(receipt_id, matched, lambda one: self._find(carrier, one))
        if rule is None:
            return False
        is_applied = carrier in self._applies
        (self.in_force if is_applied else self.proposed)[carrier] = rule
        self._log.warning(
            "receipt_dialect_learned",
            carrier=carrier,
            keys=config_of(rule).replace("\n", ", "),
            pairs=learner.evidence[rule],
            applied=is_applied,
        )
        del self._learners[carrier]
        return is_applied

    def spellings(self, carrier: str, receipt_id: str) -> tuple[str, ...]:
        """Ids under which the message of a receipt may have been accepted, by the rule in force."""
        return tuple(resp_spellings(self.in_force[carrier], receipt_id))

    def message_named(self, carrier: str, receipt_id: str) -> Message | None:
        """The one message in memory that a receipt names by the rule in force; ``None`` for none and for several."""
        named = messages_named(self.in_force[carrier], receipt_id, lambda one: self._find(carrier, one))
        return named[0] if len(named) == 1 else None

    def receipt_key(self, carrier: str, receipt_id: str) -> str:
        """What a receipt that came before its message is kept under; ``""``: its own id, for no rule is in force."""
        rule = self.in_force.get(carrier)
        return "" if rule is None else rule.of_receipt(receipt_id)

    def message_key(self, message: Message) -> str:
        """What receipts that came before ``message`` are kept under, by the rule in force."""
        return self.in_force[message.carrier].of_submit_sm_resp(message.carrier_message_id)

    def told(self) -> Mapping[tuple[str, ...], float]:
        """For metrics: 1 for each (carrier, keys, what became of it)."""
        told: dict[tuple[str, ...], float] = {}
        for rules, result in ((self.in_force, "applied"), (self.proposed, "proposed")):
            for carrier, rule in rules.items():
                told[carrier, config_of(rule).replace("\n", ", "), result] = 1.0
        return told


def learning_carriers(carriers: Mapping[str, Carrier]) -> frozenset[str]:
    """Those whose settings say that a rule which shows comes in force by itself."""
    return frozenset(name for name, carrier in carriers.items() if getattr(carrier, "learns_ids", False))
