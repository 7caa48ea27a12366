"""Queues in memory and the rates at which they drain. Pure: time is an argument, every queue has a bound."""

from smsagg.queueing.aimd import AimdRate
from smsagg.queueing.assembly import Assembly, Bundle
from smsagg.queueing.bundles import Bundles
from smsagg.queueing.rate import TokenBucket
from smsagg.queueing.ready import ReadyQueue
from smsagg.queueing.references import References
from smsagg.queueing.scheduled import ScheduledQueue
from smsagg.queueing.siblings import OpenGroups

__all__ = [
    "AimdRate",
    "Assembly",
    "Bundle",
    "Bundles",
    "OpenGroups",
    "ReadyQueue",
    "References",
    "ScheduledQueue",
    "TokenBucket",
]
