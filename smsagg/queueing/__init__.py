"""Queues in memory and the rates at which they drain. Pure: time is an argument, every queue has a bound."""

from smsagg.queueing.aimd import AimdRate
from smsagg.queueing.rate import TokenBucket
from smsagg.queueing.ready import ReadyQueue
from smsagg.queueing.scheduled import ScheduledQueue

__all__ = ["AimdRate", "ReadyQueue", "ScheduledQueue", "TokenBucket"]
