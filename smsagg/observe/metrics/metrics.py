"""All areas together, and their exposition."""

import platform
from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from smsagg.observe.family import Family
from smsagg.observe.metrics.abuse import AbuseMetrics
from smsagg.observe.metrics.carriers import CarrierMetrics
from smsagg.observe.metrics.deliveries import DeliveryMetrics
from smsagg.observe.metrics.messages import MessageMetrics
from smsagg.observe.metrics.money import MoneyMetrics
from smsagg.observe.metrics.numbers import NumberMetrics
from smsagg.observe.metrics.process import ProcessMetrics
from smsagg.observe.metrics.receipts import ReceiptMetrics
from smsagg.observe.metrics.routing import RoutingMetrics
from smsagg.observe.metrics.smpp import SmppMetrics
from smsagg.observe.metrics.verification import VerificationMetrics


class Metrics(
    SmppMetrics,
    MessageMetrics,
    RoutingMetrics,
    MoneyMetrics,
    CarrierMetrics,
    ReceiptMetrics,
    AbuseMetrics,
    NumberMetrics,
    VerificationMetrics,
    DeliveryMetrics,
    ProcessMetrics,
):
    """All families. Keys of children are the label values in the order of the names given in their areas."""

    def __init__(self, version: str) -> None:
        super().__init__()
        build = self._gauge("smsagg_build_info", "Always 1; version of smsagg and of Python.", "version", "python")
        build[version, platform.python_version()].n = 1
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(_Exposition(self._families))
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def refresh(self) -> None:
        """Ask all sources for their values; on the loop, before :meth:`render`."""
        for family in self._families:
            family.refresh()

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """``(body, content type)`` of the exposition that an ``Accept`` header asks for; from any thread."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


class _Exposition(Collector):
    """All families as one collector of prometheus_client."""

    def __init__(self, families: Sequence[Family[Any]]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            yield from family.collect()
