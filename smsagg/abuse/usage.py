"""What is usual for an account: how much an hour, to which countries, from which networks; and what breaks with it.

Theory of operation. Stolen credentials show as a break with an account's ways. *Volume*: the messages of the current
hour, whether taken in or refused, against the largest of ``messages``, ``factor`` times the average hour and twice the
busiest one. The average weighs an hour by half for each week that it is old, the busiest hour fades by half in thirty
days; an hour that was a sign is learned only as far as it was none. *Country* and *network* (IPv4 /24, IPv6 /48 of a
bind): one that was not seen for ninety days. Nothing is a sign before the ways were learned for ``after_s``.

Some two hundred countries and :data:`NETWORKS_MAX` networks an account; the record is kept in the store.
"""

from ipaddress import ip_address, ip_network
from typing import Any

from attrs import define, field

HOUR_MS = 3_600_000
REMEMBERED_MS = 90 * 24 * HOUR_MS
NETWORKS_MAX = 64
_AVERAGED_HOURS = 168 / 0.6931471805599453
"""The mean age of what an average with a half-life of a week is made of."""
_PEAK_FADES = 0.5 ** (1 / (30 * 24))
_PEAKS = 2.0


@define
class Usage:
    """One account's ways. Instants are UTC milliseconds."""

    since: int
    """When learning began."""
    hour: int
    """The current one, since the epoch."""
    count: int = 0
    """Messages in it."""
    is_told: bool = False
    """Whether it was a sign already."""
    hours: int = 0
    """Whole hours that were learned."""
    average: float = 0.0
    peak: float = 0.0
    countries: dict[str, int] = field(factory=dict)
    """When each was last seen, to the hour."""
    networks: dict[str, int] = field(factory=dict)

    def to_record(self) -> dict[str, Any]:
        """For the store."""
        return {
            "since": self.since,
            "hour": self.hour,
            "count": self.count,
            "hours": self.hours,
            "average": self.average,
            "peak": self.peak,
            "countries": self.countries,
            "networks": self.networks,
        }


class UsageWatch:
    """Learns one account's ways and tells of breaks with them."""

    __slots__ = ("_after_ms", "_factor", "_messages", "is_changed", "usage")

    def __init__(self, factor: float, messages: int, after_s: float, usage: Usage) -> None:
        self._factor = factor
        self._messages = messages
        self._after_ms = int(after_s * 1000)
        self.usage = usage
        self.is_changed = False
        """Whether the record in the store is to be written anew: an hour is over, or something new was seen."""

    @property
    def volume_max(self) -> float:
        """Messages in an hour that are no sign."""
        usage = self.usage
        return max(self._messages, self._factor * usage.average, _PEAKS * usage.peak)

    def note_message(self, country: str, now: int) -> list[str]:
        """A message to ``country``; the signs that it gives: ``volume``, ``country``."""
        usage = self.usage
        if now // HOUR_MS > usage.hour:
            self._begin_hour(now // HOUR_MS)
        usage.count += 1
        signs = []
        if usage.count > self.volume_max and not usage.is_told and self._has_learned(now):
            usage.is_told = True
            signs.append("volume")
        seen_at = usage.countries.get(country)
        if seen_at is None or now - seen_at > HOUR_MS:
            usage.countries[country] = now
            if seen_at is None or now - seen_at > REMEMBERED_MS:
                self.is_changed = True
                if self._has_learned(now):
                    signs.append("country")
        return signs

    def note_network(self, address: str, now: int) -> str:
        """A bind from ``address``; its network when that is a sign, else ``""``."""
        network = network_of(address)
        networks = self.usage.networks
        seen_at = networks.pop(network, None)
        networks[network] = now
        while len(networks) > NETWORKS_MAX:
            del networks[next(iter(networks))]
        if seen_at is not None and now - seen_at <= REMEMBERED_MS:
            return ""
        self.is_changed = True
        return network if self._has_learned(now) else ""

    def _has_learned(self, now: int) -> bool:
        return now - self.usage.since >= self._after_ms

    def _begin_hour(self, hour: int) -> None:
        usage = self.usage
        counted: float = min(usage.count, self.volume_max) if usage.is_told else usage.count
        self._learn(counted, 1)
        self._learn(0.0, min(hour - usage.hour - 1, 24 * 90))
        usage.hour, usage.count, usage.is_told = hour, 0, False
        self.is_changed = True

    def _learn(self, counted: float, hours: int) -> None:
        usage = self.usage
        for _ in range(hours):
            usage.hours += 1
            usage.average += (counted - usage.average) / min(usage.hours, _AVERAGED_HOURS)
            usage.peak = max(usage.peak * _PEAK_FADES, counted)


def usage_from_record(record: dict[str, Any]) -> Usage:
    """What :meth:`Usage.to_record` gave."""
    return Usage(
        since=record["since"],
        hour=record["hour"],
        count=record["count"],
        hours=record["hours"],
        average=record["average"],
        peak=record["peak"],
        countries=dict(record["countries"]),
        networks=dict(record["networks"]),
    )


def network_of(address: str) -> str:
    """The network that an IP address is one of: where one customer's hosts change their addresses. An address that is
    none is a network of its own."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((ip, 24 if ip.version == 4 else 48), strict=False))
