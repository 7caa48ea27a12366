"""Our own answers to handsets: messages of the account that was written to, from the very number that was.

They are admitted, priced and charged like all that the account sends, and go to suppressed numbers too. One that is not
admitted (no route, no credit) is not sent, and counted as refused.
"""

from smsagg.config.schema import MessageClassSettings
from smsagg.engine.admission.admission import Admission
from smsagg.engine.admission.intake import Intake
from smsagg.engine.core import Core
from smsagg.model import CarrierMo, Message, Refusal
from smsagg.model.message import ANSWERED
from smsagg.policy.encoding import encoding_rules
from smsagg.policy.submit_rules import end_of_life
from smsagg.routing.destination import NPI_ISDN, TON_INTERNATIONAL
from smsagg.smpp.status import name_of
from smsagg.text import Rules, encode_text

PAYLOAD_OCTETS = 254


class Answers:
    """Sends them."""

    def __init__(self, core: Core, admission: Admission, intake: Intake) -> None:
        self._core = core
        self._admission = admission
        self._intake = intake

    def send(self, account_name: str, mo: CarrierMo, recipient: str, text: str, now: int) -> None:
        """Answer ``mo`` with ``text``: to the E.164 number ``recipient`` (no plus)."""
        account = self._core.accounts.get(account_name)
        if account is None:
            return
        settings, classes = account.settings, self._core.config.message_classes
        message_class = classes.get(settings.message_class, MessageClassSettings())
        body, data_coding, esm_class = encode_text(text, encoding_rules(settings, message_class) or Rules())
        message = Message(
            seq=0,
            message_id="",
            account=account_name,
            message_class=settings.message_class,
            service_type="",
            source_addr_ton=mo.dest_addr_ton,
            source_addr_npi=mo.dest_addr_npi,
            source_addr=mo.destination_addr,
            dest_addr_ton=TON_INTERNATIONAL,
            dest_addr_npi=NPI_ISDN,
            destination_addr=recipient,
            esm_class=esm_class,
            protocol_id=0,
            priority=0,
            registered_delivery=0,
            data_coding=data_coding,
            sm_default_msg_id=0,
            body=body,
            in_payload=len(body) > PAYLOAD_OCTETS,
            tlvs=b"",
            country="",
            pool="",
            accepted_at=now,
            not_before=now,
            expires_at=end_of_life(now, None, message_class),
            origin=ANSWERED,
        )
        refusal = self._admission.admit(account, message, recipient, now)
        taken = refusal or self._intake.take(account, message, now)
        if isinstance(taken, Refusal):
            reason = taken.reason or name_of(taken.command_status).removeprefix("ESME_").lower()
            self._core.metrics.refused(account_name, reason)
            return
        self._intake.number(taken)
        self._intake.commit(taken, lambda _status: None)
