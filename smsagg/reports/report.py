"""Groups records by any combination of their properties and counts each group.

Memory is bounded by :data:`GROUPS_MAX`: what comes when so many groups are there, and belongs to none of them, is
counted in one group named :data:`OTHERS`. Nothing is left out of the totals.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from operator import itemgetter
from typing import Any

from smsagg.reports.tally import Tally
from smsagg.reports.traffic import DAYS, DIMENSIONS, HOURS, Traffic

GROUPS_MAX = 20_000
OTHERS = "(others)"
_QUARTER_MS = 900_000
"""Zones differ from UTC by whole quarters of an hour."""
_TIME_FORMATS = {DAYS: "%Y-%m-%d", HOURS: "%Y-%m-%d %H:00"}

Key = tuple[str, ...]


class Report:
    """Counts records by ``by``, names of :data:`~smsagg.reports.traffic.DIMENSIONS`; days and hours are those of
    ``zone``."""

    def __init__(self, by: Sequence[str], zone: tzinfo = UTC, groups_max: int = GROUPS_MAX) -> None:
        self.by = tuple(by)
        self._groups: dict[Key, Tally] = {}
        self._groups_max = groups_max
        self._key_of = _key_function(self.by, zone)

    def add(self, records: Iterable[Traffic]) -> None:
        """Count them."""
        groups, key_of = self._groups, self._key_of
        for record in records:
            key = key_of(record)
            tally = groups.get(key)
            if tally is None:
                tally = self._new_group(key)
            tally.add(record)

    def _new_group(self, key: Key) -> Tally:
        if len(self._groups) >= self._groups_max:
            key = (OTHERS,) * len(self.by)
            if key in self._groups:
                return self._groups[key]
        tally = self._groups[key] = Tally()
        return tally

    @property
    def total(self) -> Tally:
        """All groups together."""
        total = Tally()
        for tally in self._groups.values():
            total.merge(tally)
        return total

    def groups(self) -> list[tuple[Key, Tally]]:
        """In order of time when the first dimension is one, else the most traffic first; the others last."""
        rows: Iterator[tuple[Key, Tally]] = iter(self._groups.items())
        if self.by and self.by[0] in _TIME_FORMATS:
            return sorted(rows, key=lambda row: (row[0][0] == OTHERS, row[0][0], -row[1].accepted, row[0]))
        return sorted(rows, key=lambda row: (row[0][:1] == (OTHERS,), -row[1].accepted, row[0]))


def _key_function(by: Sequence[str], zone: tzinfo) -> Callable[[Traffic], Key]:
    places = [Traffic._fields.index(DIMENSIONS[name]) for name in by]
    labels = {place: _Labels(zone, _TIME_FORMATS[name]) for place, name in enumerate(by) if name in _TIME_FORMATS}
    if not by:
        return lambda _record: ()
    value_of: Callable[[Any], Any] = itemgetter(*places)
    if len(by) == 1:
        if labels:
            return lambda record: (labels[0][value_of(record) // _QUARTER_MS],)
        return lambda record: (value_of(record),)
    if not labels:
        return value_of

    def with_times(record: Traffic) -> Key:
        key: list[Any] = list(value_of(record))
        for place, label in labels.items():
            key[place] = label[key[place] // _QUARTER_MS]
        return tuple(key)

    return with_times


class _Labels(dict[int, str]):
    """What a quarter of an hour since 1970 is called; as many as the span has."""

    def __init__(self, zone: tzinfo, format: str) -> None:
        super().__init__()
        self._zone = zone
        self._format = format

    def __missing__(self, quarter: int) -> str:
        instant = datetime.fromtimestamp(quarter * (_QUARTER_MS // 1000), self._zone)
        label = self[quarter] = instant.strftime(self._format)
        return label
