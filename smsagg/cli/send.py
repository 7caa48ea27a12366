"""``smsagg send``: submit one message over SMPP with smpplib, and wait for its receipt if asked.

A client nobody here wrote, on purpose: what it can do with a server, other clients can. Only the text is encoded by us,
as ``smsagg text`` shows it: smpplib cuts characters in half.
"""

import logging
import re
import select
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

import click
from attrs import define, evolve, field
from smpplib import consts, exceptions
from smpplib.client import Client

from smsagg.cli.text import ALPHABETS, encoding_options, plan_text, rules_of, summary
from smsagg.config.units import parse_duration
from smsagg.errors import PeerError
from smsagg.receipts.format import ESM_CLASS_RECEIPT
from smsagg.smpp.concatenation import PARTS_MAX, UDHI, Concatenation, write_user_data
from smsagg.smpp.status import ESME_ROK, describe
from smsagg.text import Rules

T = TypeVar("T")

PASSWORD_OCTETS_MAX = 8
SYSTEM_ID_OCTETS_MAX = 15
SENDER_ID_OCTETS_MAX = 11
SHORT_CODE_DIGITS_MAX = 8
ADDRESS_DIGITS_MAX = 20
SHORT_MESSAGE_OCTETS_MAX = 254
SOCKET_TIMEOUT_S = 10.0
"""For the rest of a PDU that began to arrive, and for responses to bind and unbind."""

_TEXT_ID = re.compile(rb"\bid:(\S+)")
_TEXT_STAT = re.compile(rb"\bstat:(\S+)")
_STAT_BY_STATE = {2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 7: "UNKNOWN", 8: "REJECTD"}
AS_WRITTEN = Rules()


@define
class Address:
    """An address with its type of number and numbering plan (SMPP 3.4 §5.2.5)."""

    ton: int
    npi: int
    address: str


@define
class Coded:
    """A text as SMPP carries it."""

    parts: list[bytes]
    data_coding: int
    esm_class: int
    summary: str
    """Alphabet and segments, in one line."""


@define
class Sending:
    """What became of the parts so far."""

    ids: dict[int, str] = field(factory=dict)
    """Message id by the sequence_number of its submit_sm."""
    refused: dict[int, int] = field(factory=dict)
    """command_status by sequence_number."""
    receipts: dict[str, tuple[str, str]] = field(factory=dict)
    """(stat, text) of the final receipt by message id."""


class _Seconds(click.ParamType[float]):
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return value if isinstance(value, float) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("send")
@click.option("--to", "to_address", required=True, help="Number in international form, with or without +.")
@click.option("--from", "from_address", default="smsagg", show_default=True, help="Number or alphanumeric sender id.")
@click.option("--text", required=True)
@click.option("--coding", type=click.Choice(["auto", "gsm", "ucs2"]), default="auto", show_default=True)
@encoding_options
@click.option("--payload", is_flag=True, help="Carry the text whole in message_payload, not in parts.")
@click.option("--wait", is_flag=True, help="Wait for the receipt; exit 1 unless it says DELIVRD.")
@click.option("--timeout", type=_Seconds(), default="60s", show_default=True, help="How long to wait for it.")
@click.option("--host", default="127.0.0.1", show_default=True, envvar="SMSAGG_HOST")
@click.option("--port", default=2775, show_default=True, type=click.IntRange(1, 65_535), envvar="SMSAGG_PORT")
@click.option("--system-id", default="demo", show_default=True, envvar="SMSAGG_SYSTEM_ID")
@click.option("--password", default="demo-pw", envvar="SMSAGG_PASSWORD", prompt=True, prompt_required=False,
              hide_input=True, help="Asked for when no value follows; better in SMSAGG_PASSWORD.")  # fmt: skip
def send(
    to_address: str, from_address: str, text: str, coding: str, encoding: str | None, transliterate: str | None,
    languages: tuple[str, ...], payload: bool, wait: bool, timeout: float, host: str, port: int, system_id: str,
    password: str,
) -> None:  # fmt: skip
    """Submit one message over SMPP."""
    destination, source = parse_number(to_address), parse_source(from_address)
    coded = encode_text(text, coding, payload, rules_of(coding, encoding, transliterate, languages))
    if len(system_id.encode()) > SYSTEM_ID_OCTETS_MAX or len(password.encode()) > PASSWORD_OCTETS_MAX:
        raise click.UsageError("SMPP 3.4 allows a system_id of 15 octets and a password of 8.")
    click.echo(f"text: {coded.summary}")
    client = _quiet_client(host, port)
    try:
        _call("connect", client.connect)
        bind = client.bind_transceiver if wait else client.bind_transmitter
        _call("bind", lambda: bind(system_id=system_id, password=password))
        is_good = _send(client, source, destination, coded, wait, timeout)
        _unbind(client)
    finally:
        client.disconnect()
    sys.exit(0 if is_good else 1)


def _send(client: Client, source: Address, destination: Address, coded: Coded, wait: bool, timeout_s: float) -> bool:
    """Submit all parts, and await responses and, with ``wait``, receipts; whether all went well."""
    sending = Sending()
    client.set_message_sent_handler(lambda pdu: _note_response(sending, pdu))
    client.set_error_pdu_handler(lambda pdu: _note_response(sending, pdu))
    client.set_message_received_handler(lambda pdu: _note_receipt(sending, pdu))
    deadline = time.monotonic() + timeout_s
    numbers = [_submit(client, source, destination, coded, part, wait) for part in coded.parts]
    _read_until(client, deadline, lambda: len(sending.ids) + len(sending.refused) >= len(numbers))
    for number in numbers:
        if number in sending.refused:
            click.echo(f"refused: {describe(sending.refused[number])}", err=True)
        elif number in sending.ids:
            click.echo(f"accepted: message id {sending.ids[number]}")
        else:
            click.echo(f"no answer within {timeout_s:g} s", err=True)
    if len(sending.ids) < len(numbers):
        return False
    return _await_receipts(client, sending, deadline, timeout_s) if wait else True


def _await_receipts(client: Client, sending: Sending, deadline: float, timeout_s: float) -> bool:
    ids = list(sending.ids.values())
    _read_until(client, deadline, lambda: all(message_id in sending.receipts for message_id in ids))
    is_delivered = True
    for message_id in ids:
        if message_id not in sending.receipts:
            click.echo(f"no receipt for {message_id} within {timeout_s:g} s", err=True)
            is_delivered = False
            continue
        stat, text = sending.receipts[message_id]
        click.echo(f"receipt: {stat}: {text}")
        is_delivered = is_delivered and stat == "DELIVRD"
    return is_delivered


def _submit(client: Client, source: Address, destination: Address, coded: Coded, part: bytes, wait: bool) -> int:
    """Send one submit_sm; its sequence_number."""
    body = {"short_message": part} if len(part) <= SHORT_MESSAGE_OCTETS_MAX else {"message_payload": part}
    pdu = _call(
        "submit_sm",
        lambda: client.send_message(
            source_addr_ton=source.ton,
            source_addr_npi=source.npi,
            source_addr=source.address,
            dest_addr_ton=destination.ton,
            dest_addr_npi=destination.npi,
            destination_addr=destination.address,
            data_coding=coded.data_coding,
            esm_class=coded.esm_class,
            registered_delivery=1 if wait else 0,
            **body,
        ),
    )
    number: int = pdu.sequence
    return number


def _note_response(sending: Sending, pdu: Any) -> None:
    """Keep the answer to a submit_sm; smpplib hands an error to both of its handlers."""
    if pdu.status != ESME_ROK:
        sending.refused[pdu.sequence] = pdu.status
    else:
        sending.ids[pdu.sequence] = _string(pdu.message_id)


def _note_receipt(sending: Sending, pdu: Any) -> int:
    """Keep a final receipt; anything else is acknowledged and forgotten."""
    body = pdu.short_message or getattr(pdu, "message_payload", None) or b""
    by_text, stat_by_text = _TEXT_ID.search(body), _TEXT_STAT.search(body)
    message_id = _string(getattr(pdu, "receipted_message_id", None)) or _string(by_text[1] if by_text else b"")
    state = getattr(pdu, "message_state", None)
    stat = _string(stat_by_text[1]) if stat_by_text else _STAT_BY_STATE.get(state or 0, "")
    if pdu.esm_class & ESM_CLASS_RECEIPT and message_id:
        sending.receipts.setdefault(message_id, (stat, body.decode("latin-1")))
    return ESME_ROK


def _read_until(client: Client, deadline: float, is_done: Callable[[], bool]) -> None:
    """Serve PDUs until ``is_done()`` or the deadline."""
    while not is_done():
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0 or not select.select([client._socket], [], [], remaining_s)[0]:
            return
        _call("read", lambda: client.read_once(auto_send_enquire_link=False))


def _unbind(client: Client) -> None:
    """Unbind, whatever still comes meanwhile; a server that has gone needs none."""
    try:
        client.unbind()
    except (exceptions.PDUError, exceptions.ConnectionError, OSError):
        return


def _call(what: str, function: Callable[[], T]) -> T:
    """Call smpplib; its exceptions become a :class:`PeerError` that says what failed and why."""
    try:
        return function()
    except exceptions.PDUError as error:
        reason = describe(error.args[1]) if len(error.args) > 1 else str(error)
    except (exceptions.ConnectionError, OSError) as error:
        reason = str(error.__context__ or error) or "the connection was lost"
    except exceptions.UnknownCommandError as error:
        reason = f"unknown command {error}"
    raise PeerError(f"{what} failed: {reason}")


def _quiet_client(host: str, port: int) -> Client:
    """A client that does not log: what matters is printed."""
    logger = logging.getLogger("smsagg.send.smpplib")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return Client(host, port, timeout=SOCKET_TIMEOUT_S, logger_name=logger.name, allow_unknown_opt_params=True)


def _string(value: bytes | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else value.rstrip(b"\0").decode("latin-1")


def parse_number(text: str) -> Address:
    """An international number; raises :class:`click.UsageError` for anything else."""
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= ADDRESS_DIGITS_MAX):
        raise click.UsageError(f'--to "{text}": must be digits, with or without +, at most {ADDRESS_DIGITS_MAX}.')
    return Address(consts.SMPP_TON_INTL, consts.SMPP_NPI_ISDN, digits)


def parse_source(text: str) -> Address:
    """A number, a short code, or an alphanumeric sender id of up to 11 characters."""
    digits = text.removeprefix("+")
    if digits.isascii() and digits.isdecimal():
        if len(digits) <= SHORT_CODE_DIGITS_MAX and digits == text:
            return Address(consts.SMPP_TON_NWSPEC, consts.SMPP_NPI_UNK, digits)
        return parse_number(text)
    if not text or not text.isascii() or len(text) > SENDER_ID_OCTETS_MAX:
        raise click.UsageError(f'--from "{text}": a sender id has 1 to {SENDER_ID_OCTETS_MAX} ASCII characters.')
    return Address(consts.SMPP_TON_ALNUM, consts.SMPP_NPI_UNK, text)


def encode_text(text: str, coding: str, payload: bool, rules: Rules = AS_WRITTEN) -> Coded:
    """The text as :mod:`smsagg.text.planning` has it under ``rules``; long text in parts or, with ``payload``, whole.

    ``coding`` is ``auto``, ``gsm`` or ``ucs2``. Raises :class:`click.UsageError` when GSM 03.38 is demanded in vain, or
    255 parts do not do.
    """
    planned = plan_text(text, evolve(rules, alphabet=ALPHABETS[coding]))
    total = len(planned.bodies)
    if total > PARTS_MAX and not payload:
        raise click.UsageError(f"--text: needs more than {PARTS_MAX} parts.")
    if total == 1 or payload:
        parts = [write_user_data(None, planned.elements, b"".join(planned.bodies))]
    else:
        reference = zlib.crc32(text.encode("utf-8", "surrogatepass"))
        parts = [
            write_user_data(Concatenation(reference, total, number), planned.elements, body)
            for number, body in enumerate(planned.bodies, 1)
        ]
    has_header = bool(planned.elements) or len(parts) > 1
    return Coded(parts, planned.data_coding, UDHI if has_header else consts.SMPP_MSGTYPE_DEFAULT, summary(planned))
