"""S8: of a text that is replaced one version goes out at a time, and what is over for its sender stays at home."""

from collections.abc import Iterable
from math import inf

from tools.chaos.checker import Violation
from tools.chaos.history import Reply
from tools.sim.facts import Facts
from tools.sim.log import Sent
from tools.sim.texts import nonce_of, version_in
from tools.sim.wire import ESME_RINVMSGID, ESME_RREPLACEFAIL, ESME_RSYSERR, ESME_RTHROTTLED

IN_HAND_S = 0.5
"""A message that waits may be on its way to a link for so long, where no link is lost."""


def one_text(facts: Facts) -> Iterable[Violation]:
    """S8: what is sent is what the store said then, and replace_sm answers as it may."""
    for unit, attempts in facts.attempts().items():
        bodies = facts.tables.bodies.get(unit, [])
        if len(bodies) < 2:
            continue
        for attempt in attempts:
            asked_at = attempt.written.asked_at
            said = [body for at, body in bodies if at <= asked_at]
            if said and version_in(attempt.text) != version_in(said[-1]):
                text = (
                    f"{attempt.carrier} got {attempt.text.decode()} at {asked_at:.6f}, stored was {said[-1].decode()}"
                )
                yield Violation("S8 zombie", unit, text)
    for replace in facts.log.replaces:
        status = replace.command_status
        if status not in (None, 0, ESME_RREPLACEFAIL, ESME_RINVMSGID, ESME_RSYSERR, ESME_RTHROTTLED):
            yield Violation("S17 answers", replace.submit.nonce, f"replace_sm answered {status:#x}")


def nothing_that_was_replaced(facts: Facts) -> Iterable[Violation]:
    """S8: what waited when a submit with replace_if_present_flag, or a cancel_sm by addresses, was answered ESME_ROK
    is not sent after; where no link is lost, since else it may have been on its way."""
    if not facts.scenario.is_calm:
        return
    for submit in facts.log.sent:
        if submit.planned.replaces and submit.reply is Reply.OK:
            yield from _sent_after(facts, submit, submit.invoked_at, submit.answered_at, "replaced")
    for cancel in facts.log.cancels:
        if cancel.is_by_addresses and cancel.command_status == 0:
            yield from _sent_after(facts, cancel.submit, cancel.asked_at, cancel.answered_at, "cancelled")


def _sent_after(facts: Facts, by: Sent, asked_at: float, answered_at: float, how: str) -> Iterable[Violation]:
    attempts = facts.attempts()
    destination = by.planned.destinations[0]
    for row in facts.rows():
        unit = facts.unit_of(row)
        is_other = how == "cancelled" or nonce_of(unit) != by.nonce
        if not is_other or row.account != by.account or row.destination_addr != destination:
            continue
        first_at = min((attempt.written.asked_at for attempt in attempts.get(unit, ())), default=inf)
        if facts.tables.accepted_at[unit] < asked_at and answered_at + IN_HAND_S < first_at < inf:
            text = f"was {how} by {by.nonce}, answered at {answered_at:.6f}, and sent at {first_at:.6f}"
            yield Violation("S8 zombie", unit, text)
