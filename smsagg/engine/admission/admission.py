"""Whether a message is taken in, and where it goes: the checks that are the same for every front door.

A front door makes the message out of what its protocol says; :meth:`Admission.admit` fills in what we know of its
destination, chooses the pool, and says no with a :class:`~smsagg.model.Refusal`. Steps go from cheap to dear, and a
step that no setting asks for is not taken.
"""

from smsagg.config.sandbox import SANDBOX
from smsagg.config.schema import MessageClassSettings
from smsagg.engine.accounts import Account
from smsagg.engine.admission.frequency import FrequencyCaps
from smsagg.engine.admission.lookups import Lookups
from smsagg.engine.admission.permission import Permission
from smsagg.engine.admission.recipient_caps import RecipientCaps
from smsagg.engine.admission.routing import Routing
from smsagg.engine.admission.tariffs import Tariffs
from smsagg.engine.core import Core
from smsagg.engine.directory.approved_senders import ApprovedSenders
from smsagg.model import Message, Refusal
from smsagg.model.message import ANSWERED
from smsagg.policy.submit_rules import end_of_life
from smsagg.routing.prefix import country_of
from smsagg.sandbox import magic_of

_DEFAULT_CLASS = MessageClassSettings()


class Admission:
    """The one way to a pool."""

    def __init__(
        self,
        core: Core,
        tariffs: Tariffs | None = None,
        lookups: Lookups | None = None,
        approved: ApprovedSenders | None = None,
    ) -> None:
        """Without ``tariffs`` no account has a price list, without ``lookups`` no number is looked up, without
        ``approved`` no sender was approved at run time."""
        self._core = core
        self._lookups = lookups
        self.routing = Routing(core)
        self.permission = Permission(core, approved)
        self.caps = RecipientCaps(core)
        self._frequency = FrequencyCaps(core)
        self._tariffs = tariffs
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration and the tables of ``core`` from now on."""
        self._networks = self._core.tables.networks
        self.routing.reconfigure()
        self.caps.reconfigure()
        self._frequency.reconfigure()

    def admit(
        self, account: Account, message: Message, digits: str, now: int, asked_until: int | None = None
    ) -> Refusal | None:
        """Route ``message`` to the E.164 number ``digits`` (no plus); ``None``: it may be taken in.

        ``now`` is UTC milliseconds. A rule may give the message another class, and with that another life: until
        ``asked_until``, if its customer asked for an end, as far as that class lets it live. The message is not stored
        yet, and nothing is held for it but what the choice of its sender noted (``sender_use``), which goes with it
        through the intake.
        """
        message.country = country_of(digits)
        guard = account.guard
        if guard is not None:
            refusal = guard.check(message, digits, now)
            if refusal is not None:
                return refusal
        if self._networks is not None:
            message.network = self._networks.find(digits)
        is_sandbox = account.settings.sandbox
        if self._lookups is not None and self._lookups.is_on and not is_sandbox:
            message.network = self._lookups.network(digits, message.country) or message.network
        numbers = self._core.numbers
        refusal = None if message.origin == ANSWERED else numbers.sender_for(account, message, digits, now)
        if refusal is None:
            asked_class = message.message_class
            refusal = _play(message, digits) if is_sandbox else self.routing.route(message, digits, now)
            if message.message_class != asked_class:
                settings = self._core.config.message_classes.get(message.message_class, _DEFAULT_CLASS)
                message.expires_at = end_of_life(message.not_before, asked_until, settings)
        if refusal is None and self.permission.is_needed:
            refusal = self.permission.check(account, message, digits)
        if refusal is None and account.tariff is not None:
            assert self._tariffs is not None
            refusal = self._tariffs.price(account.tariff, message, digits, now)
        if refusal is None and self.caps.is_needed and not is_sandbox:
            refusal = self.caps.check(account, digits, now)
        if refusal is None and self._frequency.is_needed:
            refusal = self._frequency.check(message, digits, now)
        if refusal is not None:
            numbers.take_back((message,))
        return refusal

    def home_of(self, message: Message) -> str:
        """The pool that a message which was admitted before would go to now; ``""`` when there is none."""
        if message.is_sandbox:
            return SANDBOX if SANDBOX in self._core.pools else ""
        return self.routing.pool_again(message, self._core.clock.now_ms())


def _play(message: Message, digits: str) -> Refusal | None:
    """To a simulated handset, without asking any rule."""
    message.pool = SANDBOX
    return magic_of(digits).refusal
