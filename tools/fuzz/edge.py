"""What the edge does with a PDU that was decoded: rules for submits, what carriers get of them, receipts and MO."""

from random import Random

from smsagg.carriers.smpp.settings import SmppSettings
from smsagg.carriers.smpp.translate import is_report, mo_of, receipt_of, submit_sm_of
from smsagg.config.schema import SenderSettings
from smsagg.config.units import parse_host_port
from smsagg.engine import Engine
from smsagg.esme.submission import Submission
from smsagg.model import Message, Refusal
from smsagg.observe.metrics import Metrics
from smsagg.receipts.dialect import IdDialect
from smsagg.receipts.rules import STANDARD, ReceiptRules
from smsagg.smpp import codec
from smsagg.smpp.concatenation import UDHI, read_sar, read_user_data, sar_tlvs, write_user_data
from smsagg.smpp.pdu import DataSm, DeliverSm, Pdu, ReplaceSm, SubmitSm
from smsagg.smpp.tlv import Tag, tlv_int, tlv_text
from smsagg.store.base import Recovered
from smsagg.store.memory import MemoryStore
from smsagg.testing.carrier import FakeCarrier
from smsagg.testing.gateway import account_settings, make_config
from smsagg.text import DefaultCoding

NOW_MS = 1_790_000_000_000
RULES = (
    STANDARD,
    ReceiptRules(IdDialect(submit_sm_resp="hex_to_decimal", strip_zeros=True), unmarked=True, id_from=("text",)),
    ReceiptRules(IdDialect(receipt="decimal_to_hex", letter_case="upper"), separators=",;", assignment="="),
)
_SMART = account_settings(
    "smart",
    encoding="smart",
    transliterate="all",
    national_languages=("turkish", "portuguese"),
    lenient=("odd_ton_npi",),
    data_coding_0="latin1",
    senders=SenderSettings(default="ACME", when_not_allowed="replace", set_ton_npi=True),
)
_CONFIG = make_config(accounts={"acme": account_settings("acme"), "smart": _SMART})
_DEFAULTS = tuple(DefaultCoding)


class _StoppedClock:
    """It is always the same moment."""

    def now_ms(self) -> int:
        return NOW_MS

    def monotonic_s(self) -> float:
        return 0.0


def _engine() -> Engine:
    """An engine that was put together and never runs: enough to admit messages."""
    clock, rng = _StoppedClock(), Random(1)
    engine = Engine(_CONFIG, MemoryStore(), clock, rng, Metrics("fuzz"))
    carriers = {
        name: FakeCarrier(name, settings.settings, engine, clock, rng) for name, settings in _CONFIG.carriers.items()
    }
    engine.connect(carriers, Recovered(0, 0, [], {}, {}, 0, {}, [], []))
    return engine


_ENGINE = _engine()
_SUBMISSION = Submission(_CONFIG, _ENGINE.admission)
_ACCOUNTS = tuple(_ENGINE.accounts.values())
_CARRIERS = tuple(
    SmppSettings(parse_host_port("127.0.0.1:1"), "x", data_coding_0=default.value, validity=validity)
    for default, validity in zip(DefaultCoding, ("none", "relative", "absolute", "none"), strict=True)
)


def check_use(pdu: Pdu) -> None:
    """Nothing that it leads to raises; what a carrier gets can be written.

    Which account, carrier and rules it meets its sequence_number says: an input is run often enough to meet them all.
    """
    for tag in (Tag.SC_INTERFACE_VERSION, Tag.SAR_MSG_REF_NUM):
        tlv_int(pdu.tlvs, tag)
    tlv_text(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID)
    _check_concatenation(pdu)
    number = pdu.sequence_number
    account = _ACCOUNTS[number % len(_ACCOUNTS)]
    match pdu:
        case SubmitSm():
            _check_message(_SUBMISSION.message_of(pdu, account, NOW_MS), number)
        case DataSm():
            _check_message(_SUBMISSION.message_of_data(pdu, account, NOW_MS), number)
        case ReplaceSm():
            _SUBMISSION.times_of(pdu, NOW_MS)
    if isinstance(pdu, DeliverSm | DataSm):
        default, rules = _DEFAULTS[number % len(_DEFAULTS)], RULES[number % len(RULES)]
        mo_of(pdu, None, default)
        is_report(pdu, rules)
        receipt_of(pdu, rules, None, default)


def _check_message(message: Message | Refusal, number: int) -> None:
    if isinstance(message, Refusal):
        assert message.command_status > 0
        return
    assert message.not_before < message.expires_at
    attempt = submit_sm_of(message, _CARRIERS[number // len(_ACCOUNTS) % len(_CARRIERS)], NOW_MS)
    codec.encode(attempt)


def _check_concatenation(pdu: Pdu) -> None:
    """What was taken apart is the same when it is put together and taken apart again."""
    sar = read_sar(pdu.tlvs)
    assert sar is None or read_sar(sar_tlvs(sar)) == sar
    if isinstance(pdu, SubmitSm | DeliverSm) and pdu.esm_class & UDHI:
        parts = read_user_data(pdu.short_message)
        if parts is not None and (parts.concatenation is not None or parts.elements):
            assert read_user_data(write_user_data(*parts)) == parts
