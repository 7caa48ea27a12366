"""What time it is where a number is.

A number's zone follows from its leading digits (:mod:`smsagg.routing.zone_prefixes`); where a country's numbers do not
tell its zones apart it is the zone of most of them. A number of no known zone has UTC. A handset abroad is none of
this table's business: it keeps its home's time here.

The offset of a zone is asked of the zone database once in a quarter of an hour, for no zone changes its offset within
one; between, a look-up is two dictionaries. Memory: one entry for each zone in use, some 300 at most.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from smsagg.routing.prefix import PrefixTable
from smsagg.routing.zone_prefixes import ZONES

MINUTES_A_DAY = 1_440
MINUTES_A_WEEK = 7 * MINUTES_A_DAY
QUARTER_MS = 900_000
_MINUTE_MS = 60_000
_EPOCH_MINUTE_OF_WEEK = 3 * MINUTES_A_DAY
"""1970-01-01 was a Thursday; weeks begin on Monday here."""

zone_of = PrefixTable(ZONES, "").find
"""The name of the time zone of E.164 digits (no plus) in the zone database, ``""`` when unknown."""


class LocalTimes:
    """Offsets of zones, each kept for the quarter of an hour that was asked for last."""

    __slots__ = ("_offsets",)

    def __init__(self) -> None:
        self._offsets: dict[str, tuple[int, int]] = {}
        """(quarter since 1970, minutes east of UTC in it)."""

    def offset_min(self, zone: str, now: int) -> int:
        """Minutes that clocks in ``zone`` are ahead of UTC at ``now`` (UTC milliseconds); 0 for an unknown zone."""
        quarter = now // QUARTER_MS
        known = self._offsets.get(zone)
        if known is None or known[0] != quarter:
            known = self._offsets[zone] = quarter, _offset_min(zone, quarter)
        return known[1]

    def minute_of_week(self, digits: str, now: int) -> int:
        """Minutes since Monday 00:00, by the clocks where ``digits`` are at ``now``; 0 to 10,079."""
        return (now // _MINUTE_MS + _EPOCH_MINUTE_OF_WEEK + self.offset_min(zone_of(digits), now)) % MINUTES_A_WEEK


def _offset_min(zone: str, quarter: int) -> int:
    if not zone:
        return 0
    try:
        there = datetime.fromtimestamp(quarter * QUARTER_MS / 1000, UTC).astimezone(ZoneInfo(zone))
    except ZoneInfoNotFoundError:  # the system's zone database lacks it
        return 0
    offset = there.utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) // 60
