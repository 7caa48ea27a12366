"""Logs: nothing private in them, no line forged through them, nobody harmed by them."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from smsagg.observe.log import LossyFile, RateLimitedLog, configure_logging, escape_controls, masked, set_log_level

OTP = "your code is 471199"
NUMBER = "+84901234567"


class Stream(io.TextIOWrapper):
    """Standard error, kept in memory."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")

    @property
    def text(self) -> str:
        buffer: Any = self.buffer
        return str(buffer.getvalue().decode())


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave the process's logging as it was."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def stream() -> Stream:
    return Stream()


def test_a_json_line_is_one_object_with_instant_level_and_context(stream: Stream) -> None:
    """One line an event; bound context stands in it."""
    configure_logging("info", "json", stream)
    structlog.get_logger().bind(session=7).info("session_bound", account="acme")
    line = json.loads(stream.text)
    assert line.pop("at").endswith("Z")
    assert line == {"event": "session_bound", "level": "info", "account": "acme", "session": 7}


def test_lines_below_the_level_are_not_written(stream: Stream) -> None:
    """At level warning an info is nothing."""
    configure_logging("warning", "json", stream)
    structlog.get_logger().info("chatter")
    assert stream.text == ""


def test_what_is_no_terminal_gets_json(stream: Stream) -> None:
    """auto means console on a terminal only."""
    configure_logging("info", "auto", stream)
    structlog.get_logger().info("started")
    assert json.loads(stream.text)["event"] == "started"


@pytest.mark.parametrize("format_", ["json", "console"])
def test_no_number_no_text_and_no_password_stands_in_a_line(stream: Stream, format_: str) -> None:
    """Keys that could carry them are masked, and tracebacks show no local variable."""
    configure_logging("info", format_, stream)
    log = structlog.get_logger()
    log.info("submitted", destination_addr=NUMBER, msisdn=NUMBER, short_message=OTP.encode(), body=OTP, password=OTP)

    def crash(body: str) -> None:
        secret = body + NUMBER
        raise RuntimeError("crashed" + secret[:0])

    try:
        crash(OTP)
    except RuntimeError:
        log.exception("session_crashed")
    assert "+8490•••" in stream.text
    assert "RuntimeError" in stream.text
    assert OTP not in stream.text
    assert NUMBER[:6] not in stream.text


@pytest.mark.parametrize("format_", ["json", "console"])
def test_a_peer_cannot_forge_a_line(stream: Stream, format_: str) -> None:
    """CR, LF and ANSI sequences in values, event and exceptions come out escaped."""
    configure_logging("info", format_, stream)
    evil = "x\r\n2026-01-01 [info] all_is_well\x1b[2J"
    structlog.get_logger().info("connection_refused", peer=evil)
    assert stream.text.count("\n") == 1
    try:
        raise RuntimeError(evil)
    except RuntimeError:
        structlog.get_logger().exception("failed")
    assert "\x1b" not in stream.text
    assert "\r" not in stream.text


@given(st.text())
def test_escaped_text_is_printable(text: str) -> None:
    """Whatever came in, a terminal is not driven by it."""
    assert escape_controls(None, "", {"x": text})["x"].isprintable()


@given(st.text(alphabet="+0123456789", max_size=20))
def test_a_masked_number_shows_five_characters_at_most(number: str) -> None:
    """Short codes stay, and a number keeps country and network."""
    shown = masked(number)
    assert shown == number if len(number) <= 5 else shown == number[:5] + "•••"


def test_a_log_that_cannot_be_written_harms_nobody(stream: Stream) -> None:
    """With the disk full or the pipe closed lines are dropped and counted."""

    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(28, "No space left on device")

    file = LossyFile(Full())
    assert file.write(b"line\n") == 5
    assert file.lines_lost == 1
    closed = io.BytesIO()
    closed.close()
    LossyFile(closed).flush()


def test_what_libraries_log_becomes_a_line_and_a_repeated_one_is_held_back(stream: Stream) -> None:
    """Warnings of the standard library's logging pass, chatter does not."""
    configure_logging("info", "json", stream)
    for _ in range(3):
        logging.getLogger("some.library").warning("odd %s", "thing")
    logging.getLogger("anything").info("chatter")
    (line,) = stream.text.splitlines()
    assert json.loads(line)["message"] == "odd thing"


class Recorder:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **context: Any) -> None:
        self.lines.append((event, context))

    info = error = warning


def test_a_repeated_event_is_one_line_an_interval_with_a_count() -> None:
    """A million failures are two lines, and the second says how many were held back."""
    now = 0.0
    recorder = Recorder()
    log = RateLimitedLog(recorder, interval_s=10, now=lambda: now)
    for _ in range(1000):
        log.warning("link_lost", key="acme", reason="reset")
        log.error("link_lost", key="other")
    now = 10.0
    log.warning("link_lost", key="acme", reason="reset")
    assert recorder.lines == [
        ("link_lost", {"reason": "reset"}),
        ("link_lost", {}),
        ("link_lost", {"reason": "reset", "suppressed": 999}),
    ]


def test_an_exception_is_told_apart_by_its_type() -> None:
    """Two kinds of failure of one event are two lines."""
    recorder = Recorder()
    log = RateLimitedLog(recorder)
    for kind in (OSError, OSError, ValueError):
        try:
            raise kind("x")
        except kind:
            log.exception("session_crashed")
    assert [type(context["exc_info"]) for _, context in recorder.lines] == [OSError, ValueError]


def test_the_memory_of_a_limited_log_is_bounded() -> None:
    """The key that was let through longest ago is forgotten, and then has its line again."""
    recorder = Recorder()
    log = RateLimitedLog(recorder, keys_max=2, now=lambda: 0.0)
    for key in ("a", "b", "c", "b", "a"):
        log.info("x", key=key, k=key)
    assert [context["k"] for _, context in recorder.lines] == ["a", "b", "c", "a"]


def test_the_level_can_change_for_loggers_that_are_in_use(stream: Stream) -> None:
    """Bound ones as well; a level up and down again."""
    configure_logging("error", "json", stream)
    log = structlog.get_logger().bind(session=7)
    log.info("chatter")
    set_log_level("info")
    log.info("heard")
    set_log_level("warning")
    log.info("chatter")
    log.exception("failed")
    assert [json.loads(line)["event"] for line in stream.text.splitlines()] == ["heard", "failed"]
