"""What the rules of a country say of one message: whether it may be sent, when, and what has to be added to its text.

Rules are asked in the order of the table; the first that forbids the message is told.

===================  ================  =========================
Rule                 Status            Reason
===================  ================  =========================
class                ESME_RSUBMITFAIL  ``class_not_allowed``
sender               ESME_RINVSRCADR   ``sender_not_registered``
opt-in               ESME_RINVDSTADR   ``not_opted_in``
text                 ESME_RSUBMITFAIL  ``text_missing``
hours                ESME_RSUBMITFAIL  ``outside_sending_hours``
===================  ================  =========================
"""

from collections.abc import Callable
from typing import NamedTuple

from smsagg.compliance.hours import opens_at
from smsagg.compliance.rules import CountryRules, Senders
from smsagg.model import Refusal
from smsagg.routing.zones import LocalTimes, zone_of
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_RINVSRCADR, ESME_RSUBMITFAIL

CLASS = Refusal(ESME_RSUBMITFAIL, "class_not_allowed")
SENDER = Refusal(ESME_RINVSRCADR, "sender_not_registered")
OPT_IN = Refusal(ESME_RINVDSTADR, "not_opted_in")
TEXT = Refusal(ESME_RSUBMITFAIL, "text_missing")
HOURS = Refusal(ESME_RSUBMITFAIL, "outside_sending_hours")


class Asked(NamedTuple):
    """A message, as far as rules ask about it."""

    message_class: str
    digits: str
    """The recipient, E.164 without plus."""
    sender_is_name: bool
    sender_is_registered: bool
    has_opted_in: Callable[[], bool]
    """Asked only where it matters; likewise the next."""
    text: Callable[[], str | None]
    """``None``: it is no text, or a part of one, of which nothing is demanded."""
    not_before: int
    expires_at: int


class Allowed(NamedTuple):
    """It may be sent."""

    opens_at: int
    """From then on, UTC milliseconds; not before what was asked."""
    add: str = ""
    """Behind its text."""


class Judge:
    """Asks rules, and the clocks of all zones."""

    def __init__(self) -> None:
        self._now = LocalTimes()
        self._later = LocalTimes()

    def judge(self, rules: CountryRules, asked: Asked) -> Allowed | Refusal:
        """What ``rules`` say."""
        name = asked.message_class
        if rules.classes is not None and name not in rules.classes:
            return CLASS
        if asked.sender_is_name and not _takes_name(rules.senders, asked.sender_is_registered):
            return SENDER
        if name in rules.opt_in and not asked.has_opted_in():
            return OPT_IN
        words = added(rules, name, asked.text)
        if words is None:
            return TEXT
        at = self.opens_at(rules, name, asked.digits, asked.not_before)
        if at is None or at >= asked.expires_at or (at > asked.not_before and not rules.hours[name].holds):
            return HOURS
        return Allowed(at, words)

    def opens_at(self, rules: CountryRules, message_class: str, digits: str, at: int) -> int | None:
        """When a message of this class may be sent to ``digits``: ``at`` (UTC milliseconds), or the next instant after
        it; ``None``: never."""
        hours = rules.hours.get(message_class)
        if hours is None:
            return at
        zone = zone_of(digits)

        def offset_at(instant: int) -> int:
            return (self._now if instant == at else self._later).offset_min(zone, instant)

        return opens_at(hours, at, offset_at)


def _takes_name(senders: Senders, is_registered: bool) -> bool:
    return senders is Senders.ANY or (senders is Senders.REGISTERED and is_registered)


def added(rules: CountryRules, message_class: str, text: Callable[[], str | None]) -> str | None:
    """What has to be put behind the text of a message; ``None``: it is to be refused."""
    wanted = [required for required in rules.texts if message_class in required.classes]
    said = text() if wanted else None
    if said is None:
        return ""
    missing = [required for required in wanted if not required.is_in(said)]
    if any(not required.add for required in missing):
        return None
    return "".join(required.add for required in missing)
