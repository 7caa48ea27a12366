"""What each area of the metrics makes its families with."""

from typing import Any

from smsagg.observe.family import CounterFamily, Family, GaugeFamily
from smsagg.observe.histogram import HistogramFamily


class Families:
    """All families of one exposition. An area is a class over this one whose attributes are its families."""

    def __init__(self) -> None:
        self._families: list[Family[Any]] = []

    def _counter(self, name: str, documentation: str, *labels: str) -> CounterFamily:
        family = CounterFamily(name, documentation, *labels)
        self._families.append(family)
        return family

    def _gauge(self, name: str, documentation: str, *labels: str) -> GaugeFamily:
        family = GaugeFamily(name, documentation, *labels)
        self._families.append(family)
        return family

    def _histogram(self, name: str, documentation: str, bounds: tuple[float, ...], *labels: str) -> HistogramFamily:
        family = HistogramFamily(name, documentation, bounds, *labels)
        self._families.append(family)
        return family
