"""Decides whether a history keeps the promises. Pure functions: a history in, violations and counts out.

Theory of operation. Each invariant is one function from the indexed history to the violations it found; the names S1 …
stand in ``docs/reliability.md``, one family a module. A violation is certain whatever else is unknown, so one is enough
for ``fail``. A run that was not drained can still fail but never pass: it is ``unknown``, since what is missing might
have come later.

Duplicates. A copy needs a reason: a fault between it and the copy before. It is charged to the first such fault, and
no fault may be charged with more copies than the windows that it cut. No fault, no copies.
"""

from tools.chaos.checker.decide import check as check
from tools.chaos.checker.states import ACCEPTED as ACCEPTED
from tools.chaos.checker.states import DELETED as DELETED
from tools.chaos.checker.states import DELIVERED as DELIVERED
from tools.chaos.checker.states import ENROUTE as ENROUTE
from tools.chaos.checker.states import EXPIRED as EXPIRED
from tools.chaos.checker.states import FINAL as FINAL
from tools.chaos.checker.states import REJECTED as REJECTED
from tools.chaos.checker.states import UNDELIVERABLE as UNDELIVERABLE
from tools.chaos.checker.states import UNKNOWN as UNKNOWN
from tools.chaos.checker.verdict import PROMISES as PROMISES
from tools.chaos.checker.verdict import Counts as Counts
from tools.chaos.checker.verdict import Report as Report
from tools.chaos.checker.verdict import Verdict as Verdict
from tools.chaos.checker.verdict import Violation as Violation
