"""What people say of being written to: keywords in messages from handsets, put in force and confirmed.

Theory of operation. A keyword is recorded in the transaction of the message that says it, so that a carrier which hears
yes need not repeat it; it is in force from the commit on. Then the first of its kind is answered, once, from the number
that was written to. An answer that a crash cuts off is not made up for: what was said counts, and an answer too many
would be worse. A number of ours that answers answers by itself is stopped after :data:`ANSWERS_MAX`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from attrs import define

from smsagg.config.schema import AccountConsentSettings
from smsagg.consent import Heard, Wish, sender_key
from smsagg.engine.core import Changes, Core
from smsagg.engine.inbound.answers import Answers
from smsagg.mo import LoopGuard, concatenation_of
from smsagg.model import CarrierMo
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.routing.prefix import country_of
from smsagg.smpp.concatenation import UDHI
from smsagg.text import text_of

KEYWORD = "keyword"
"""How an opt-out or opt-in came that was said in a message."""
BODY_OCTETS_MAX = 160
ANSWERS_MAX = 3
ANSWERS_WINDOW_MS = 3_600_000
"""So many answers in an hour to one handset from one number."""


class _Found(NamedTuple):
    """A keyword, its text as it was written, and who wrote it."""

    heard: Heard
    text: str
    recipient: str


@define(frozen=True)
class _Said:
    """A keyword, until its commit."""

    account: str
    """``""``: of several."""
    mo: CarrierMo
    recipient: str
    answer: str
    updates: tuple[ConsentUpdate, ...]


class Opting:
    """Hears keywords; of all accounts."""

    def __init__(self, core: Core, answers: Answers) -> None:
        self._core = core
        self._answers = answers
        self._said: list[_Said] = []
        self._answered = LoopGuard(ANSWERS_MAX, ANSWERS_WINDOW_MS)

    def hear(self, account: str, mo: CarrierMo, now: int, changes: Changes) -> None:
        """Note in ``changes`` what ``mo``, which goes to ``account``, asks for; :meth:`commit` puts it in force."""
        settings = self._settings(account)
        found = None if settings.opt_out == "off" else self._keyword(mo)
        if found is None:
            return
        heard, text, recipient = found
        updates: tuple[ConsentUpdate, ...] = ()
        if heard.wish is not Wish.HELP:
            written_to = sender_key(mo.destination_addr)
            sender = written_to if settings.opt_out == "sender" else ""
            kind = ConsentKind.SUPPRESSION if heard.wish is Wish.STOP else ConsentKind.OPT_IN
            said = ConsentRecord(kind, account, recipient, sender, now, KEYWORD, text)
            updates = (ConsentUpdate(said), *_ended_by(said, written_to))
            changes.consents += updates
            self._tell(account, said, changes, now)
        self._said.append(_Said(account, mo, recipient, _answer(settings, heard), updates))

    def hear_for_sharers(self, accounts: Sequence[str], mo: CarrierMo, now: int, changes: Changes) -> bool:
        """The same of ``mo`` to a number that ``accounts`` share, none of whom is known to have written last; whether
        it says anything.

        Somebody did, or will: a stop ends what each of them sends from that number, and a start lets it go on. It is
        nobody's opt-in, nobody answers it, and none of them is blamed for it.
        """
        accounts = [account for account in accounts if self._settings(account).opt_out != "off"]
        found = self._keyword(mo) if accounts else None
        if found is None or found.heard.wish is Wish.HELP:
            return False
        heard, text, recipient = found
        is_stop, sender = heard.wish is Wish.STOP, sender_key(mo.destination_addr)
        updates: list[ConsentUpdate] = []
        for account in accounts:
            said = ConsentRecord(ConsentKind.SUPPRESSION, account, recipient, sender, now, KEYWORD, text)
            updates.append(ConsentUpdate(said, is_kept=is_stop))
            if is_stop:
                self._tell(account, said, changes, now)
        changes.consents += updates
        self._said.append(_Said("", mo, recipient, "", tuple(updates)))
        return True

    def _settings(self, account: str) -> AccountConsentSettings:
        owner = self._core.config.accounts.get(account)
        return AccountConsentSettings() if owner is None else owner.consent

    def _keyword(self, mo: CarrierMo) -> _Found | None:
        if len(mo.body) > BODY_OCTETS_MAX or concatenation_of(mo) is not None:
            return None
        text = text_of(mo.body, mo.data_coding, bool(mo.esm_class & UDHI))
        if not text:
            return None
        recipient = self._core.numbers.recipient_of(mo.source_addr)
        heard = self._core.tables.keywords.find(text, country_of(recipient))
        return None if heard is None or not recipient.isdigit() else _Found(heard, text.strip(), recipient)

    def _tell(self, account: str, said: ConsentRecord, changes: Changes, now: int) -> None:
        is_in = said.kind is ConsentKind.OPT_IN
        self._core.events.opted(account, said.number, said.sender, said.evidence, changes, now, is_in=is_in)
        self._core.metrics.opted(account, "in" if is_in else "out")

    def commit(self) -> Callable[[], None] | None:
        """What is to be done once the transaction is in the store into which was noted since the last call; ``None``:
        nothing."""
        if not self._said:
            return None
        said, self._said = self._said, []

        def committed() -> None:
            now = self._core.clock.now_ms()
            for one in said:
                is_news = self._core.consents.committed(one.updates) > 0
                if is_news and one.updates[0].record.kind is ConsentKind.SUPPRESSION:
                    self._note_opt_out(one.account, now)
                if one.answer and (is_news or not one.updates) and self._may_answer(one, now):
                    self._answers.send(one.account, one.mo, one.recipient, one.answer, now)

        return committed

    def _note_opt_out(self, account: str, now: int) -> None:
        owner = self._core.accounts.get(account)
        if owner is not None and owner.guard is not None:
            owner.guard.opted_out(now)

    def _may_answer(self, said: _Said, now: int) -> bool:
        """Not to say that messages come again where the operator's list stops them still."""
        if said.updates and said.updates[0].record.kind is ConsentKind.OPT_IN:
            written_to = sender_key(said.mo.destination_addr)
            if self._core.consents.book.is_suppressed(said.account, written_to, said.recipient):
                return False
        return self._answered.admits(said.recipient, said.mo.destination_addr, now)


def _ended_by(said: ConsentRecord, written_to: str) -> list[ConsentUpdate]:
    """Of an opt-out the opt-in before it; of an opt-in whatever stopped messages from the number that was written
    to."""
    if said.kind is ConsentKind.SUPPRESSION:
        return [ConsentUpdate(said._replace(kind=ConsentKind.OPT_IN), is_kept=False)]
    stopped = said._replace(kind=ConsentKind.SUPPRESSION)
    return [ConsentUpdate(stopped._replace(sender=sender), is_kept=False) for sender in ("", written_to)]


def _answer(settings: AccountConsentSettings, heard: Heard) -> str:
    if heard.wish is Wish.HELP:
        return settings.help_text
    return heard.language.answers[heard.wish] if settings.confirm else ""
