"""Values with units as the configuration file writes them, and their strict parsers.

A number without its unit is refused wherever a unit is meant: ``30`` could be seconds or milliseconds. Every parser
takes whatever TOML gave and returns the value, or raises :class:`ValueError` with the reason as the operator reads it.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, NewType

from smpplib import consts

Duration = NewType("Duration", float)
"""Seconds; in TOML a string with a unit: ``"500ms"``, ``"30s"``, ``"5m"``, ``"2h"``, ``"3d"``."""
Rate = NewType("Rate", float)
"""Events per second; in TOML ``"100/s"``, ``"600/m"``, ``"1000/h"``."""
Octets = NewType("Octets", int)
"""A size; in TOML an integer or ``"64KiB"``, ``"1MiB"``."""
HostPort = NewType("HostPort", str)
"""``host:port``; an IPv6 host in brackets; port 0 lets the system choose."""
DataFile = NewType("DataFile", str)
"""Path of a file with data; in TOML relative to the folder of the configuration file."""
BulkFile = NewType("BulkFile", str)
"""The same of a file that may be very large and that others write: versions of the configuration keep its digest."""
Instant = NewType("Instant", int)
"""UTC milliseconds; in TOML a string: ``"2027-01-31"`` (midnight UTC) or ``"2027-01-31T18:00:00+01:00"``."""
StatusCode = NewType("StatusCode", int)
"""A ``command_status``; in TOML an integer (``0x58``) or its name (``"ESME_RTHROTTLED"``)."""


class MessageLimit(NamedTuple):
    """At most ``messages`` within any ``window_s`` seconds; in TOML ``"100/m"``, ``"20/10s"``, ``"2000/h"``."""

    messages: int
    window_s: float


_NUMBER = r"(?P<number>\d{1,12}(?:\.\d{1,6})?)"
_DURATION = re.compile(_NUMBER + r"(?P<unit>ms|s|m|h|d)", re.ASCII)
_RATE = re.compile(_NUMBER + r"/(?P<unit>s|m|h)", re.ASCII)
_LIMIT = re.compile(r"(?P<messages>\d{1,9})/(?P<number>\d{0,6})(?P<unit>s|m|h|d)", re.ASCII)
_OCTETS = re.compile(r"(?P<number>\d{1,12})(?P<unit>B|KiB|MiB|GiB|TiB)", re.ASCII)
_NAMED_HOST = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.%a-z0-9]+\]):(?P<port>\d{1,5})", re.ASCII
)

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_OCTETS_PER = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

PORT_MAX = 65_535


def parse_duration(value: object) -> Duration:
    """Seconds from ``"500ms"``, ``"1.5s"``, ``"5m"``, ``"2h"`` or ``"3d"``; raises :class:`ValueError`."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(
            f'must be a duration with its unit, such as "500ms", "30s", "5m", "2h" or "3d", not {seen(value)}'
        )
    return Duration(float(match["number"]) * _SECONDS[match["unit"]])


def parse_rate(value: object) -> Rate:
    """Events per second from ``"100/s"``, ``"600/m"`` or ``"1000/h"``, above 0; raises :class:`ValueError`."""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'must be a rate with its unit, such as "100/s", "600/m" or "1000/h", not {seen(value)}')
    rate = float(match["number"]) / _SECONDS[match["unit"]]
    if rate <= 0:
        raise ValueError("must be a rate above 0")
    return Rate(rate)


def parse_message_limit(value: object) -> MessageLimit:
    """Messages within a window, from ``"100/m"``, ``"20/10s"`` or ``"2000/h"``; raises :class:`ValueError`."""
    match = _LIMIT.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match["number"] or 1):
        raise ValueError(
            f'must be a number of messages within a time, such as "100/m", "20/10s" or "2000/h", not {seen(value)}'
        )
    if not int(match["messages"]):
        raise ValueError("must be a limit above 0")
    return MessageLimit(int(match["messages"]), int(match["number"] or 1) * _SECONDS[match["unit"]])


def format_message_limit(limit: MessageLimit) -> str:
    """As the file writes it."""
    window = format_duration(limit.window_s)
    return f"{limit.messages}/{window[1:] if window[0] == '1' and window[1:].isalpha() else window}"


def parse_octets(value: object) -> Octets:
    """Octets from a whole number or ``"64KiB"``, ``"1MiB"``, ``"2GiB"``; raises :class:`ValueError`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Octets(value)
    match = _OCTETS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'must be a size in octets, such as 65536, "64KiB" or "1MiB", not {seen(value)}')
    return Octets(int(match["number"]) * _OCTETS_PER[match["unit"]])


def parse_host_port(value: object) -> HostPort:
    """A checked ``host:port``; an IPv6 host stands in brackets; raises :class:`ValueError`."""
    match = _NAMED_HOST.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'must be "host:port" ("[::1]:2775" for IPv6), not {seen(value)}')
    if int(match["port"]) > PORT_MAX:
        raise ValueError(f"must have a port from 0 to {PORT_MAX}, not {match['port']}")
    return HostPort(match[0])


def split_host_port(value: HostPort) -> tuple[str, int]:
    """``(host, port)`` of a parsed :data:`HostPort`, without the brackets of IPv6."""
    host, _, port = value.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def parse_status_code(value: object) -> StatusCode:
    """A ``command_status`` from its number or its name in SMPP 3.4 §5.1.3; raises :class:`ValueError`."""
    if isinstance(value, str) and value.startswith("ESME_"):
        value = getattr(consts, f"SMPP_{value}", value)
    elif isinstance(value, str) and re.fullmatch(r"0x[0-9A-Fa-f]{1,8}", value):  # a TOML key is always a string
        value = int(value, 16)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 0xFFFFFFFF:
        return StatusCode(value)
    raise ValueError(f'must be a command_status, such as 0x58 or "ESME_RTHROTTLED", not {seen(value)}')


def parse_instant(value: object) -> Instant:
    """UTC milliseconds of a date, or of a date and time with its zone (none: UTC); raises :class:`ValueError`."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None:
        raise ValueError(f'must be an instant such as "2027-01-31" or "2027-01-31T18:00:00+01:00", not {seen(value)}')
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return Instant(int(instant.timestamp() * 1000))


def parse_data_file(value: object, folder: str) -> DataFile:
    """The path, seen from ``folder`` when it is relative; raises :class:`ValueError`."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f"must be the path of a file, not {seen(value)}")
    return DataFile(str(Path(folder, value)))


def format_duration(seconds: float) -> str:
    """The shortest exact spelling of a duration in the units that the file takes."""
    milliseconds = round(seconds * 1_000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if milliseconds >= size and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def seen(value: object) -> str:
    """What stood there, short enough for a line and as TOML would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value[:40]}…"' if len(value) > 40 else f'"{value}"'
    if isinstance(value, (int, float)):
        return str(value)
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a date or time"
