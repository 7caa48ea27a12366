"""``smsagg send`` against a simulated SMSC in a process of its own, over smpplib."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner, Result
from smpplib import consts

from smsagg.cli import main
from smsagg.cli.send import encode_text, parse_number, parse_source
from smsagg.text import Language, Rules

START = "from smsagg.cli import main; main()"
Smsc = Callable[..., int]


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    """Starts simulators; gives their port."""
    processes = []

    def start(*options: str) -> int:
        command = [sys.executable, "-c", START, "simulate", "--port", "0", "--latency", "1ms", "--receipt-delay", "1ms"]
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        return int(process.stdout.readline().rpartition(":")[2])

    yield start
    for process in processes:
        process.terminate()
        process.communicate(timeout=10)


def send(port: int, *options: str, text: str = "hello") -> Result:
    arguments = ["send", "--port", str(port), "--to", "+447700900123", "--text", text, *options]
    return CliRunner().invoke(main, arguments)


def test_a_delivered_message_exits_0(smsc: Smsc) -> None:
    """Id and receipt are printed."""
    result = send(smsc(), "--wait")
    assert result.exit_code == 0, result.output
    assert "text: GSM 03.38, 1 segment, 5 septets, 155 left" in result.output
    assert "accepted: message id" in result.output
    assert "receipt: DELIVRD: id:" in result.output


def test_long_text_goes_in_parts_or_as_payload(smsc: Smsc) -> None:
    """300 characters are two parts, each with its receipt, or one message_payload."""
    port = smsc()
    in_parts, as_payload = send(port, "--wait", text="x" * 300), send(port, "--wait", "--payload", text="x" * 300)
    assert (in_parts.exit_code, in_parts.output.count("receipt: DELIVRD")) == (0, 2)
    assert (as_payload.exit_code, as_payload.output.count("receipt: DELIVRD")) == (0, 1)


def test_an_undelivered_message_exits_1(smsc: Smsc) -> None:
    """A receipt that is not DELIVRD is a failure."""
    result = send(smsc("--state", "UNDELIV=1"), "--wait")
    assert result.exit_code == 1
    assert "receipt: UNDELIV" in result.output


def test_a_missing_receipt_exits_1(smsc: Smsc) -> None:
    """Without a receipt in time the command says so and fails; without --wait it does not care."""
    port = smsc("--receipt-missing", "1")
    result = send(port, "--wait", "--timeout", "300ms")
    assert result.exit_code == 1
    assert "no receipt for" in result.output
    assert send(port).exit_code == 0


def test_a_refusal_names_the_status(smsc: Smsc) -> None:
    """ESME_RTHROTTLED is told by name and meaning."""
    result = send(smsc("--error", "ESME_RTHROTTLED=1"), "--wait")
    assert result.exit_code == 1
    assert "refused: ESME_RTHROTTLED (" in result.output
    assert "accepted" not in result.output


def test_a_refused_bind_names_the_status(smsc: Smsc) -> None:
    """Wrong credentials are told as such."""
    result = send(smsc("--account", "demo:other"))
    assert result.exit_code == 1
    assert "bind failed: ESME_RBINDFAIL" in result.output


def test_nobody_listens() -> None:
    """A refused connection is one line, not a traceback."""
    result = send(1)
    assert result.exit_code == 1
    assert "\nconnect failed: " in result.output


@pytest.mark.parametrize("text", ["", "44x", "+", "٤٤", "4" * 21])
def test_impossible_numbers_are_refused(text: str) -> None:
    """A destination is digits, with or without a plus."""
    with pytest.raises(click.UsageError):
        parse_number(text)


def test_sources_get_their_type_of_number() -> None:
    """International numbers, short codes and sender ids are told apart."""
    assert parse_source("+447700900123").ton == consts.SMPP_TON_INTL
    assert parse_source("447700900123").ton == consts.SMPP_TON_INTL
    assert parse_source("12345").ton == consts.SMPP_TON_NWSPEC
    assert parse_source("ACME").ton == consts.SMPP_TON_ALNUM
    for text in ("", "a sender too long", "é"):
        with pytest.raises(click.UsageError):
            parse_source(text)


def test_the_coding_follows_the_text() -> None:
    """GSM 03.38 where it can express the text, UCS-2 elsewhere, and an error when GSM was demanded in vain."""
    assert encode_text("hello €", "auto", False).data_coding == consts.SMPP_ENCODING_DEFAULT
    assert encode_text("привет", "auto", False).data_coding == consts.SMPP_ENCODING_ISO10646
    assert encode_text("hello", "ucs2", False).parts == ["hello".encode("utf-16-be")]
    with pytest.raises(click.UsageError):
        encode_text("привет", "gsm", False)
    with pytest.raises(click.UsageError):
        encode_text("x" * 60_000, "auto", False)


def test_no_part_ends_in_half_a_character() -> None:
    """A euro sign on the border of two parts is not cut between its escape and itself."""
    for length in range(150, 155):
        coded = encode_text("x" * length + "€" + "y" * 50, "auto", False)
        assert all(part[-1] != 0x1B for part in coded.parts)


def test_parts_share_a_reference() -> None:
    """Each says which it is, of how many; together they are the text."""
    parts = encode_text("x" * 160 + "€", "auto", False).parts
    assert [part[:3] for part in parts] == [b"\5\0\3", b"\5\0\3"]
    assert parts[0][3] == parts[1][3]
    assert [part[4:6] for part in parts] == [b"\2\1", b"\2\2"]
    assert b"".join(part[6:] for part in parts) == b"x" * 160 + b"\x1be"


def test_national_tables_are_named_in_each_part() -> None:
    """Beside the reference, and alone when there is one part."""
    rules = Rules(languages=(Language.TURKISH,))
    coded = encode_text("Şş" * 80, "auto", False, rules)
    assert (coded.data_coding, coded.esm_class, len(coded.parts)) == (0, 0x40, 2)
    assert all(part[:3] == bytes.fromhex("080003") and part[6:9] == bytes.fromhex("250101") for part in coded.parts)
    (part,) = encode_text("Şş" * 60, "auto", False, rules).parts
    assert part[:4] == bytes.fromhex("03250101")


def test_text_may_be_transliterated(smsc: Smsc) -> None:
    """What is sent is told before."""
    result = send(smsc(), "--transliterate", text="“Việt” 160")
    assert result.exit_code == 0
    assert "text: GSM 03.38, 1 segment, 10 septets, 150 left" in result.output
