"""Routes as data: ordered rules that give a message its pool, or refuse it. Pure."""

from smsagg.routing.rules.explain import RuleVerdict, Verdict
from smsagg.routing.rules.query import Blocked, Decision, Routed, RouteQuery
from smsagg.routing.rules.rule import Rule, rule_of
from smsagg.routing.rules.table import RouteTable

__all__ = ["Blocked", "Decision", "RouteQuery", "RouteTable", "Routed", "Rule", "RuleVerdict", "Verdict", "rule_of"]
