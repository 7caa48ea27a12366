"""Where a message may go, which carrier gets it, and what a refusal means. Pure."""

from smsagg.routing.backoff import retry_delay_s
from smsagg.routing.choice import NONE, PoolPolicy, PriorityPolicy, WeightedPolicy, make_policy
from smsagg.routing.circuit import CircuitBreaker, CircuitState
from smsagg.routing.classify import StatusClassifier, Verdict
from smsagg.routing.destination import BadDestination, e164_digits
from smsagg.routing.prefix import PrefixTable, country_of
from smsagg.routing.router import NoRoute, Router

__all__ = [
    "NONE",
    "BadDestination",
    "CircuitBreaker",
    "CircuitState",
    "NoRoute",
    "PoolPolicy",
    "PrefixTable",
    "PriorityPolicy",
    "Router",
    "StatusClassifier",
    "Verdict",
    "WeightedPolicy",
    "country_of",
    "e164_digits",
    "make_policy",
    "retry_delay_s",
]
