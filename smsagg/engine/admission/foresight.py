"""What the steps of the admission that depend on the moment would say of a message that nobody submitted.

Nothing is counted, reported or reserved, so what counting this message itself would change is not foreseen: how fast an
account sends, and runs of neighbouring numbers.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from smsagg.abuse import Checks
from smsagg.compliance import Asked, CountryRules, Judge
from smsagg.config.amounts import format_micros
from smsagg.engine.engine import Engine
from smsagg.model import Message, Refusal
from smsagg.pricing.purse import UNLIMITED
from smsagg.sandbox import magic_of
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_RMSGQFUL

PASSED, REFUSED, WARNING, HELD = "passed", "refused", "warning", "held"


class Step(NamedTuple):
    """What one step of the admission says."""

    name: str
    says: str
    """``passed``, ``refused``, ``warning``, or ``held``: taken, to wait for an operator."""
    command_status: int = 0
    reason: str = ""


def guard_step(guard: Checks | None, message: Message, digits: str, now: int) -> Iterator[Step]:
    """The checks for abuse, when the account has any. ``message`` has its country."""
    if guard is not None:
        refusal, match = guard.foresee(message, digits, now), guard.foresee_content(message)
        if refusal is not None:
            yield Step("abuse", REFUSED, refusal.command_status, refusal.reason.replace("_", " "))
        elif match is None:
            yield Step("abuse", PASSED, 0, "nothing that can be told beforehand")
        elif match.action == "hold":
            yield Step("abuse", HELD, 0, f"until an operator releases it, by content rule {match.rule}")
        else:
            yield Step("abuse", WARNING, 0, f"an alarm, by content rule {match.rule}")


def sandbox_step(digits: str) -> Step:
    """What becomes of a message of a sandbox account."""
    magic = magic_of(digits)
    if magic.refusal is not None:
        return Step("sandbox", REFUSED, magic.refusal.command_status, magic.meaning)
    return Step("sandbox", PASSED, 0, magic.meaning)


def compliance_step(rules: CountryRules | None, asked: Asked, country: str, suppressed: bool = False) -> Iterator[Step]:
    """What the recipient said, and the rules of its country, if it has any."""
    if suppressed:
        yield Step("recipient", REFUSED, ESME_RINVDSTADR, "suppressed: its owner wants no such messages")
    if rules is None:
        return
    said = Judge().judge(rules, asked)
    if isinstance(said, Refusal):
        yield Step("compliance", REFUSED, said.command_status, f"{said.reason.replace('_', ' ')}, in {country}")
        return
    if said.opens_at > asked.not_before:
        opens = datetime.fromtimestamp(said.opens_at / 1000, UTC).isoformat(timespec="minutes")
        yield Step("compliance", HELD, 0, f"until the sending hours of {country} begin, at {opens}")
    elif said.add:
        yield Step("compliance", PASSED, 0, f'"{said.add}" is put behind its text')
    else:
        yield Step("compliance", PASSED, 0, f"the rules of {country}")


def later_steps(engine: Engine, message: Message, digits: str, segments: int, now: int) -> Iterator[Step]:
    """What comes after route and price. ``message`` has its price."""
    core = engine.core
    account = core.accounts[message.account]
    refusal = None if account.settings.sandbox else engine.admission.caps.foresee(account, digits, now)
    if refusal is not None:
        reason = "the number has had as many messages as it may for now"
        yield Step("recipient", REFUSED, refusal.command_status, reason)
    if account.queued >= account.settings.queue_max:
        yield Step("queue", REFUSED, ESME_RMSGQFUL, f"{account.queued} of its messages wait already")
    purse = account.purse
    if purse is None:
        return
    status = account.settings.no_credit_status
    if purse.spending is not None:
        limit = purse.spending.foresee(message.country, message.price * segments, segments, now)
        if limit is not None:
            yield Step("limits", REFUSED, status, f"it would exceed the account's {limit.value.replace('_', ' ')}")
    if not purse.is_billed or not message.price:
        return
    has = f"{format_micros(purse.available)} {purse.currency}"
    if purse.is_frozen:
        yield Step("money", REFUSED, status, f"its balance is in {purse.currency}, and its prices are not")
    elif message.price * segments > purse.available:
        yield Step("money", REFUSED, status, f"it takes more than the {has} that the account has")
    else:
        yield Step("money", PASSED, 0, "no credit limit" if purse.credit == UNLIMITED else f"the account has {has}")
