"""Whether a message may be sent to its recipient at all, and when: by what the recipient said, and by what the rules of
the country ask for.

Our own answers to opt-outs are let through: the law asks for them.
"""

from collections.abc import Callable
from functools import partial

from smsagg.compliance import Asked, Judge, added
from smsagg.config.schema import AccountSettings, SenderSettings
from smsagg.config.senders import is_number
from smsagg.engine.accounts import Account
from smsagg.engine.admission.division import concatenation_of
from smsagg.engine.core import Core
from smsagg.engine.directory.approved_senders import ApprovedSenders
from smsagg.model import Message, Refusal
from smsagg.model.message import ANSWERED
from smsagg.smpp.concatenation import UDHI
from smsagg.smpp.status import ESME_RINVDSTADR
from smsagg.text import Rules, encode_text, text_of
from smsagg.text.header import says_languages_only, split_header

SUPPRESSED = Refusal(ESME_RINVDSTADR, "suppressed")
SHORT_MESSAGE_OCTETS = 254


class Permission:
    """A step of the admission, when sender and class of the message are final."""

    def __init__(self, core: Core, approved: ApprovedSenders | None) -> None:
        """``approved``: senders that count as registered beside those of the files and of the inventory."""
        self._core = core
        self._approved = approved
        self._judge = Judge()

    @property
    def is_needed(self) -> bool:
        """Whether there is anything that could forbid a message."""
        return self._core.consents.book.suppresses or self._core.tables.compliance.is_needed

    def check(self, account: Account, message: Message, digits: str) -> Refusal | None:
        """Why ``message`` is not to go to the E.164 number ``digits``; ``None``: it may.

        One that has to wait gets a later ``not_before``, and what its text has to say is added to it.
        """
        consents = self._core.consents
        if consents.book.suppresses and consents.is_suppressed(message, digits):
            return SUPPRESSED
        rules = self._core.tables.compliance.of(message.country)
        if rules is None or message.origin == ANSWERED:
            return None
        said = self._judge.judge(rules, self.asked(account, message, digits))
        if isinstance(said, Refusal):
            return said
        if said.opens_at > message.not_before:
            self._core.decided(message, "held", f"until the sending hours of {message.country} begin")
            message.not_before = said.opens_at
        if said.add:
            _add(message, said.add)
        return None

    def takes_text(self, message: Message) -> bool:
        """Whether the text of ``message``, which was put in the place of another, says what it has to."""
        rules = self._core.tables.compliance.of(message.country)
        return rules is None or added(rules, message.message_class, partial(_text_of, message)) == ""

    def asked(self, account: Account, message: Message, digits: str) -> Asked:
        """What rules ask about ``message``, with what the engine knows."""
        core = self._core
        asked = asked_of(account.settings, message, digits, partial(core.consents.has_opted_in, message, digits))
        if not asked.sender_is_name or asked.sender_is_registered:
            return asked
        name, now = message.source_addr, core.clock.now_ms()
        is_registered = (self._approved is not None and self._approved.has(account.name, name)) or (
            core.numbers.may_send(account.name, name, message.country, now)
        )
        return asked._replace(sender_is_registered=is_registered)


def asked_of(settings: AccountSettings, message: Message, digits: str, has_opted_in: Callable[[], bool]) -> Asked:
    """What rules of countries ask about ``message``, which an account with these settings sends."""
    sender = message.source_addr
    return Asked(
        message.message_class,
        digits,
        bool(sender) and not is_number(sender),
        _is_registered(settings.senders, sender),
        has_opted_in,
        partial(_text_of, message),
        message.not_before,
        message.expires_at,
    )


def _is_registered(senders: SenderSettings | None, name: str) -> bool:
    """Whether the operator has written this very name down for the account."""
    return senders is not None and (name == senders.default or name in (senders.allowed or ()))


def _text_of(message: Message) -> str | None:
    """``None`` also for parts that the customer cut, and for what is meant for a port of the handset."""
    if message.esm_class & UDHI and not says_languages_only(split_header(message.body)[0]):
        return None
    if concatenation_of(message) is not None:
        return None
    return text_of(message.body, message.data_coding, bool(message.esm_class & UDHI))


def _add(message: Message, words: str) -> None:
    text = (_text_of(message) or "") + words
    message.body, message.data_coding, header = encode_text(text, Rules(), message.data_coding)
    message.esm_class = message.esm_class & ~UDHI | header
    message.in_payload = message.in_payload or len(message.body) > SHORT_MESSAGE_OCTETS
