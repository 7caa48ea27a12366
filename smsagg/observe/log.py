"""Structured logs: one JSON object a line, or coloured text on a terminal; and what must never stand in them.

Every line passes the same processors: what could tell a person's number or text is masked (:func:`mask_private`),
control characters are escaped so that no address or text of a peer can forge a line or drive a terminal, and
tracebacks come without the values of local variables. A log that cannot be written (disk full, pipe closed) is counted
and dropped: it never ends what wanted to log.

Whoever logs what a peer can provoke at will uses :class:`RateLimitedLog`, which lets one line an interval through.
"""

import logging
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from io import StringIO
from typing import Any, BinaryIO, TextIO

import orjson
import structlog
from structlog.processors import ExceptionRenderer, JSONRenderer, TimeStamper, add_log_level
from structlog.tracebacks import ExceptionDictTransformer

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

SHOWN_DIGITS = 5
MASK = "•••"
HIDDEN = "(hidden)"

NUMBER_KEYS = frozenset({"msisdn", "source_addr", "destination_addr"})
"""Keys whose values are masked numbers in every line."""
SECRET_KEYS = frozenset({"body", "short_message", "message_payload", "text", "password", "password_hash"})
"""Keys whose values stand in no line."""

_NUMBER = re.compile(r"\+?[0-9]{7,}")
"""What may be somebody's number."""

EventDict = MutableMapping[str, Any]


def configure_logging(level: str = "info", format: str = "auto", stream: TextIO | None = None) -> None:
    """Set up structlog for the process: lines of ``level`` and above go to ``stream`` (default: standard error).

    ``format`` is ``json``, ``console``, or ``auto``: console when the stream is a terminal. The words are those of
    ``[log]`` in the configuration file.
    """
    set_log_level(level)
    stream = stream or sys.stderr
    console = format == "console" or (format == "auto" and stream.isatty())
    first: list[Any] = [
        drop_below_level,
        structlog.contextvars.merge_contextvars,
        add_log_level,
        mask_private,
        TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[*first, *(_console(stream) if console else _json())],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.BytesLoggerFactory(LossyFile(stream.buffer)),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[LibraryHandler()], level=logging.WARNING, force=True)


def set_log_level(level: str) -> None:
    """Write lines of ``level`` and above from now on, whoever's logger it is."""
    _Level.least = LEVELS[level]


class _Level:
    """Loggers are kept where they are used; what they share can change."""

    least = logging.INFO


def drop_below_level(_logger: Any, name: str, event: EventDict) -> EventDict:
    """Processor: stop what is below the level in force. ``name`` is that of the method."""
    if LEVELS.get(name, logging.ERROR) < _Level.least:
        raise structlog.DropEvent
    return event


def _json() -> list[Any]:
    """Control characters need no care here: JSON escapes them."""
    tracebacks = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    return [tracebacks, JSONRenderer(serializer=_dumps)]


def _dumps(event: EventDict, default: Callable[[Any], Any]) -> bytes:
    return orjson.dumps(event, default=default, option=orjson.OPT_NON_STR_KEYS)


def _console(stream: TextIO) -> list[Any]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), timestamp_key="at", exception_formatter=_plain_traceback
    )

    def encoded(logger: Any, name: str, event: EventDict) -> bytes:
        return str(renderer(logger, name, event)).encode(errors="backslashreplace")

    return [escape_controls, encoded]


def _plain_traceback(out: TextIO, exc_info: Any) -> None:
    """Without local variables, and without what a peer may have put into an exception's text."""
    text = StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    out.write("\n".join(map(_printable, text.getvalue().split("\n"))))


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class LossyFile:
    """A binary file whose failing writes are dropped and counted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.lines_lost = 0

    def write(self, data: bytes) -> int:
        """Write, or drop; never raises :class:`OSError`."""
        try:
            return self._file.write(data)
        except (OSError, ValueError):
            self.lines_lost += 1
            return len(data)

    def flush(self) -> None:
        """Flush, or not; never raises :class:`OSError`."""
        try:
            self._file.flush()
        except (OSError, ValueError):
            self.lines_lost += 1


def masked(msisdn: str) -> str:
    """A number as a log may show it: the first five characters (``"+8490•••"``), enough for country and network."""
    return msisdn if len(msisdn) <= SHOWN_DIGITS else msisdn[:SHOWN_DIGITS] + MASK


def with_masked_numbers(text: str) -> str:
    """Text of a peer's with all numbers in it as a log may show them."""
    return _NUMBER.sub(lambda found: masked(found.group()), text)


def mask_private(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Processor: mask numbers and hide texts and secrets by the names of their keys, wherever a line was written."""
    for key in event.keys() & NUMBER_KEYS:
        event[key] = masked(str(event[key]))
    for key in event.keys() & SECRET_KEYS:
        event[key] = HIDDEN
    return event


def escape_controls(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Processor: CR, LF, ESC and their like in strings become ``\\n``, ``\\x1b`` and so on (CWE-117)."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _printable(value)
    return event


class LibraryHandler(logging.Handler):
    """Passes what libraries log through the standard library on to structlog, each message once an interval."""

    def __init__(self) -> None:
        super().__init__()
        self._repeated = RateLimitedLog(structlog.get_logger("library"))

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record; levels below warning do not come here."""
        level = self._repeated.error if record.levelno >= logging.ERROR else self._repeated.warning
        level(
            "library_message",
            key=f"{record.name} {record.msg}",
            logger=record.name,
            message=record.getMessage(),
            exc_info=record.exc_info,
        )


class RateLimitedLog:
    """Lets one line in an interval through for each event and key, and says in the next how many were held back.

    At most ``keys_max`` pairs are remembered; the one that was let through longest ago is forgotten first.
    """

    def __init__(
        self, log: Any, interval_s: float = 10.0, keys_max: int = 1_000, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._interval_s = interval_s
        self._keys_max = keys_max
        self._now = now
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def info(self, event: str, key: str = "", **context: Any) -> None:
        """Log at level info, or count; ``key`` tells repeated events apart (a carrier, an address)."""
        self._once(self._log.info, event, key, context)

    def warning(self, event: str, key: str = "", **context: Any) -> None:
        """The same at level warning."""
        self._once(self._log.warning, event, key, context)

    def error(self, event: str, key: str = "", **context: Any) -> None:
        """The same at level error."""
        self._once(self._log.error, event, key, context)

    def exception(self, event: str, key: str = "", **context: Any) -> None:
        """At level error with the exception that is being handled, whose type is the key unless one is given."""
        context["exc_info"] = error = sys.exc_info()[1]
        self._once(self._log.error, event, key or type(error).__name__, context)

    def _once(self, log: Callable[..., Any], event: str, key: str, context: dict[str, Any]) -> None:
        pair, now = (event, key), self._now()
        logged_at, suppressed = self._seen.get(pair, (-self._interval_s, 0))
        if pair in self._seen and now - logged_at < self._interval_s:
            self._seen[pair] = (logged_at, suppressed + 1)
            return
        self._seen.pop(pair, None)
        while len(self._seen) >= self._keys_max:
            del self._seen[next(iter(self._seen))]
        self._seen[pair] = (now, 0)
        if suppressed:
            context["suppressed"] = suppressed
        log(event, **context)
