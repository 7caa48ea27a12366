"""What each outcome of an attempt does to its message.

| Outcome | Message | Attempt counts |
|---|---|---|
| Accepted | ENROUTE (ACCEPTED when no carrier receipt was asked for) | yes |
| Refused, throttled | front of its queue; the link slows down | no |
| Refused, temporary | retry after back-off, another carrier first | yes |
| Refused, permanent | REJECTED | yes |
| NotSent | front of its queue | no |
| InDoubt, class ``resend`` | retry (at once when the link was lost), another carrier first | yes |
| InDoubt, class ``fail`` | UNKNOWN: never sent twice | yes |

The parts of a long message that went as one share its outcome; the link it concerns once.

After ``attempts_max`` counted attempts a message is UNDELIVERABLE; past ``expires_at`` it is EXPIRED.
"""

from collections.abc import Sequence
from functools import partial

from smsagg.config.schema import MessageClassSettings
from smsagg.engine.admission.tariffs import Tariffs
from smsagg.engine.core import Changes, Core, update_of
from smsagg.engine.ending.finish import Finisher
from smsagg.engine.ending.reports import Reports
from smsagg.engine.queues.waiting import Waiting
from smsagg.engine.sending.pools import LinkState
from smsagg.errors import StoreError
from smsagg.model import Accepted, InDoubt, Message, MessageState, NotSent, Outcome, PartGroup, Refused
from smsagg.model.trail import with_late_outcome, with_outcome
from smsagg.routing.backoff import retry_delay_s
from smsagg.routing.classify import Verdict
from smsagg.smpp.status import ESME_RMSGQFUL, name_of

ERROR_IN_DOUBT = 0xFE
"""``err`` of a message that ends UNKNOWN because its carrier never answered."""

ACCEPTED = "accepted"
ACCEPTED_LATE = "accepted late"
NOT_SENT = "not sent"
TOGETHER_ATTEMPTS = 3
"""So often a part goes to the carrier that has its siblings, though that one has failed it."""

_SENDING, _ENROUTE = MessageState.SENDING, MessageState.ENROUTE  # an enum's attribute is slow to find
_DEFAULT_CLASS = MessageClassSettings()


class Outcomes:
    """Applies outcomes, a batch at a time."""

    def __init__(self, core: Core, waiting: Waiting, finisher: Finisher, reports: Reports, tariffs: Tariffs) -> None:
        self._core = core
        self._waiting = waiting
        self._finisher = finisher
        self._reports = reports
        self._tariffs = tariffs

    def apply(self, link: LinkState, outcomes: Sequence[Outcome]) -> None:
        """Take in one batch from ``link``; one write to the store holds all that must be durable."""
        core, now = self._core, self._core.clock.now_ms()
        changes = Changes()
        given_back: list[Message] = []
        accepted = sum(type(outcome) is Accepted for outcome in outcomes)
        is_mixed = 0 < accepted < len(outcomes)
        for outcome in outcomes:
            message = core.live.get(outcome.message.seq)
            kind = type(outcome)
            if message is not outcome.message or message.state is not _SENDING or message.carrier != link.carrier.name:
                if outcome.message.seq < 0:
                    self._probed(link, outcome, changes)
                elif outcome.message.joins:
                    self._apply_joined(link, outcome, now, changes, given_back)
                else:
                    self._late(link, outcome, now, changes)
            elif kind is Accepted:
                message.attempts += 1
                message.trail = with_outcome(message.trail, ACCEPTED)
                self._taken(message, outcome.carrier_message_id, now, changes)  # type: ignore[union-attr]
                if is_mixed:  # what failed before it and what fails after it are not in a row
                    self._heed_accepted(link, message)
            elif kind is Refused:
                self._refused(link, message, outcome.command_status, now, changes, given_back)  # type: ignore[union-attr]
            elif kind is NotSent:
                self._heed_not_sent(link, message)
                message.trail = with_outcome(message.trail, NOT_SENT)
                self._give_back(message, changes, given_back)
            else:
                self._in_doubt(link, message, outcome.link_lost, now, changes)  # type: ignore[union-attr]
        if accepted:
            monotonic = core.clock.monotonic_s()
            link.pacing.on_accepted(accepted, monotonic)
            if not is_mixed:
                core.health.on_accepted(link, outcomes, monotonic)
            core.metrics.attempts(link.carrier.name, "accepted", accepted)
        if accepted < len(outcomes) and any(type(o) is InDoubt and o.link_lost for o in outcomes):
            core.health.on_own_failure(link, core.clock.monotonic_s())  # one failure, however full the window was
        # But for those that a later outcome of this batch has settled.
        given_back = [message for message in given_back if message.state is MessageState.QUEUED]
        if accepted and not changes.is_empty():
            link.unrecorded += accepted
            self._finisher.commit(changes, partial(self._recorded, link, accepted))
        elif not changes.is_empty():
            self._finisher.commit(changes)
        if given_back:  # after what was noted of them: one whose pool has left may be parked
            self._waiting.give_back(given_back, now)
        core.sightings.on_outcomes(link, core.clock.monotonic_s())
        link.stir()
        core.wake_dispatcher()

    def _recorded(self, link: LinkState, accepted: int, _: StoreError | None) -> None:
        """The store has what the carrier took: those slots of the link's window are free."""
        link.unrecorded -= accepted
        link.stir()
        self._core.wake_dispatcher()

    def _taken(self, message: Message, carrier_message_id: str, now: int, changes: Changes) -> None:
        """The carrier that ``message`` names has it under this id."""
        message.carrier_message_id = carrier_message_id
        if self._tariffs.charge_submits:
            self._tariffs.taken(message, message.carrier, now)
        if self._core.watch.watcher is not None:
            self._core.decided(message, "taken", f"by {message.carrier} as {carrier_message_id!r}")
        if message.group is not None:
            self._part_taken(message, message.group, "", changes)
        if not self._core.events.is_quiet:
            self._core.events.taken(message, changes, now)
        if not message.asks_receipt:
            self._core.experience.cell(message.carrier, message.country).accepted += 1
            self._finisher.finish(message, MessageState.ACCEPTED, 0, now, changes)
            return
        self._await(message, now, changes)
        self._reports.await_receipt(message, now, changes)

    def _await(self, message: Message, now: int, changes: Changes) -> None:
        self._core.left_queue(message)
        experience, way = self._core.experience, (message.carrier, message.country)
        (experience.cells.get(way) or experience.cell(*way)).took(now)
        message.move_to(_ENROUTE)
        message.next_attempt_at = now
        changes.message_updates.append(update_of(message))

    def _part_taken(self, part: Message, group: PartGroup, joined_id: str, changes: Changes) -> None:
        """What went as one stays known by its carrier and id, whoever takes another part."""
        group.gone.add(part.part_number)
        is_news = group.joined_id != joined_id if joined_id else not group.joined_id and group.carrier != part.carrier
        if is_news:
            group.carrier, group.joined_id = part.carrier, joined_id
            self._core.groups.changed(group, changes)

    def _refused(
        self,
        link: LinkState,
        message: Message,
        command_status: int,
        now: int,
        changes: Changes,
        given_back: list[Message],
    ) -> None:
        verdict = self._heed_refusal(link, message, command_status)
        self._refused_as(verdict, link, message, command_status, now, changes, given_back)

    def _refused_as(
        self,
        verdict: Verdict,
        link: LinkState,
        message: Message,
        command_status: int,
        now: int,
        changes: Changes,
        given_back: list[Message],
    ) -> None:
        self._core.decided(message, "refused", link.link.name, name_of(command_status), verdict.value)
        message.trail = with_outcome(message.trail, f"{name_of(command_status)} {verdict.value}")
        cell = self._core.experience.cell(message.carrier, message.country)
        if verdict is Verdict.THROTTLED:
            cell.throttled += 1
            self._give_back(message, changes, given_back)
            return
        message.attempts += 1
        message.error_code = command_status
        if verdict is Verdict.PERMANENT:
            cell.permanent += 1
            self._finisher.finish(message, MessageState.REJECTED, command_status, now, changes)
            return
        cell.temporary += 1
        self._retry(link, message, now, changes, at_once=False)

    def _in_doubt(self, link: LinkState, message: Message, link_lost: bool, now: int, changes: Changes) -> None:
        self._heed_in_doubt(link, message, link_lost)
        self._doubted(link, message, link_lost, now, changes)

    def _doubted(self, link: LinkState, message: Message, link_lost: bool, now: int, changes: Changes) -> None:
        self._core.decided(message, "in doubt", link.link.name, "link lost" if link_lost else "no answer in time")
        message.trail = with_outcome(message.trail, "in doubt, link lost" if link_lost else "in doubt, no answer")
        self._core.experience.cell(message.carrier, message.country).in_doubt += 1
        message.attempts += 1
        if self._class_of(message).in_doubt == "fail":
            self._finisher.finish(message, MessageState.UNKNOWN, ERROR_IN_DOUBT, now, changes)
            return
        self._retry(link, message, now, changes, at_once=link_lost and message.attempts == 1)

    # Parts that went as one.

    def _apply_joined(
        self, link: LinkState, outcome: Outcome, now: int, changes: Changes, given_back: list[Message]
    ) -> None:
        """Each part whose attempt this was, heeding the link once; with none left it is news about the link only,
        unless the carrier has them after all."""
        live = self._core.live
        present = [
            part
            for part in outcome.message.joins
            if live.get(part.seq) is part and part.state is MessageState.SENDING and part.carrier == link.carrier.name
        ]
        if isinstance(outcome, Accepted):
            self._heed_accepted(link, outcome.message)
            if not present:
                self._core.metrics.attempts(link.carrier.name, "late")
            for part in present:
                part.attempts += 1
                part.trail = with_outcome(part.trail, ACCEPTED)
            late = self._withdraw_late(link, outcome.message, present)
            self._taken_joined([*present, *late], outcome, now, changes)
        elif isinstance(outcome, Refused):
            verdict = self._heed_refusal(link, outcome.message, outcome.command_status)
            for part in present:
                self._refused_as(verdict, link, part, outcome.command_status, now, changes, given_back)
        elif isinstance(outcome, NotSent):
            self._heed_not_sent(link, outcome.message)
            for part in present:
                part.trail = with_outcome(part.trail, NOT_SENT)
                self._give_back(part, changes, given_back)
        else:
            self._heed_in_doubt(link, outcome.message, outcome.link_lost)
            for part in present:
                self._doubted(link, part, outcome.link_lost, now, changes)

    def _withdraw_late(self, link: LinkState, whole: Message, present: list[Message]) -> list[Message]:
        """The attempt was given up, and the carrier has the parts: those that wait for another need it no more."""
        waiting = (MessageState.QUEUED, MessageState.SENDING)
        parts = [part for part in whole.joins if self._core.live.get(part.seq) is part and part not in present]
        parts = [part for part in parts if part.state in waiting]
        for part in parts:
            if part.state is MessageState.QUEUED:
                self._waiting.withdraw(part)
            part.carrier = link.carrier.name
            part.trail = with_late_outcome(part.trail, link.link.name, ACCEPTED_LATE)
            part.asks_receipt = whole.asks_receipt
        return parts

    def _taken_joined(self, parts: list[Message], outcome: Accepted, now: int, changes: Changes) -> None:
        for part in parts:
            part.carrier_message_id = outcome.carrier_message_id
            if self._tariffs.charge_submits:
                self._tariffs.taken(part, part.carrier, now)
            self._core.decided(part, "taken", "as one by", part.carrier, "as", repr(outcome.carrier_message_id))
            assert part.group is not None
            self._part_taken(part, part.group, outcome.carrier_message_id, changes)
            if not self._core.events.is_quiet:
                self._core.events.taken(part, changes, now)
            if part.asks_receipt:
                self._await(part, now, changes)
            else:
                self._core.experience.cell(part.carrier, part.country).accepted += 1
                self._finisher.finish(part, MessageState.ACCEPTED, 0, now, changes)
        awaiting = [part for part in parts if part.asks_receipt]
        if awaiting:
            self._reports.await_joined(awaiting, now, changes)

    def rehearse(self, link: LinkState, messages: Sequence[Message], is_throttled: bool) -> None:
        """Treat messages that were handed over as refused by the carrier, in a drill: throttled, or for now.

        No attempt is spent; the link and its way learn from it as from the carrier's own answer.
        """
        core, now, monotonic = self._core, self._core.clock.now_ms(), self._core.clock.monotonic_s()
        changes = Changes()
        given_back: list[Message] = []
        for message in messages:
            if is_throttled:
                link.pacing.on_throttled(monotonic)
                core.health.on_answered(link, message.country, monotonic)
            else:
                core.health.on_failure(link, message.country, monotonic)
            for row in message.joins or (message,):
                core.decided(row, "refused", link.link.name, "by a drill")
                row.trail = with_outcome(row.trail, "refused by a drill")
                if is_throttled:
                    self._give_back(row, changes, given_back)
                    continue
                retry_s = retry_delay_s(self._class_of(row).retry, 1, core.rng)
                row.move_to(MessageState.QUEUED)
                row.avoid = link.carrier.name
                if row.group is not None:
                    row.group.gone.discard(row.part_number)
                self._waiting.retry_at(row, min(now + int(retry_s * 1000), row.expires_at), now, changes)
        if not changes.is_empty():
            self._finisher.commit(changes)
        if given_back:
            self._waiting.give_back(given_back, now)

    # What an outcome says about its link, whatever became of the message meanwhile.

    def _heed_accepted(self, link: LinkState, message: Message) -> None:
        self._core.health.on_answered(link, message.country, self._core.clock.monotonic_s())

    def _heed_refusal(self, link: LinkState, message: Message, command_status: int) -> Verdict:
        carrier, health, monotonic = link.carrier, self._core.health, self._core.clock.monotonic_s()
        verdict = carrier.statuses.classify(command_status)
        self._core.metrics.refused_by_carrier(carrier.name, verdict.value, command_status)
        self._core.sightings.on_refused(carrier.name, message.country, command_status)
        if verdict is Verdict.THROTTLED:
            link.pacing.on_throttled(monotonic, queue_full=command_status == ESME_RMSGQFUL)
            health.on_answered(link, message.country, monotonic)  # it answers; its pace is the link's affair
        elif verdict is Verdict.PERMANENT:
            health.on_answered(link, message.country, monotonic)  # it works; it is this message that it does not take
        else:
            health.on_failure(link, message.country, monotonic)
        return verdict

    def _heed_not_sent(self, link: LinkState, message: Message) -> None:
        self._core.metrics.attempts(link.carrier.name, "not_sent")
        self._core.health.on_not_sent(link, (message.country,), self._core.clock.monotonic_s())

    def _heed_in_doubt(self, link: LinkState, message: Message, link_lost: bool) -> None:
        self._core.metrics.attempts(link.carrier.name, "in_doubt")
        self._core.health.on_in_doubt(link, message.country, link_lost, self._core.clock.monotonic_s())

    def _retry(self, link: LinkState, message: Message, now: int, changes: Changes, *, at_once: bool) -> None:
        retry = self._class_of(message).retry
        if message.attempts >= retry.attempts_max:
            self._finisher.finish(message, MessageState.UNDELIVERABLE, message.error_code, now, changes)
            return
        due_at = now if at_once else now + max(1, int(retry_delay_s(retry, message.attempts, self._core.rng) * 1000))
        if message.group is not None:
            due_at = self._retry_together(message, message.group, due_at, now)
        if due_at >= message.expires_at:
            due_at = message.expires_at
        if now >= message.expires_at:
            self._finisher.finish(message, MessageState.EXPIRED, message.error_code, now, changes)
            return
        message.move_to(MessageState.QUEUED)
        group = message.group
        stays = group is not None and group.carrier == link.carrier.name and message.attempts < TOGETHER_ATTEMPTS
        message.avoid = "" if stays else link.carrier.name
        self._core.decided(message, "retry", f"in {(due_at - now) / 1000:.1f} s")
        self._waiting.retry_at(message, due_at, now, changes)

    def _retry_together(self, part: Message, group: PartGroup, due_at: int, now: int) -> int:
        """When siblings that failed as often are due, if that is still to come."""
        group.gone.discard(part.part_number)
        attempts, together_at = group.retry
        if attempts == part.attempts and together_at >= now:
            return together_at
        group.retry = (part.attempts, due_at)
        return due_at

    def _give_back(self, message: Message, changes: Changes, given_back: list[Message]) -> None:
        """Back to its queue as if it had never left; a recorded attempt is unrecorded."""
        message.move_to(MessageState.QUEUED)
        message.next_attempt_at = self._core.clock.now_ms()
        if message.group is not None:
            message.group.gone.discard(message.part_number)
        if self._class_of(message).in_doubt == "fail":
            changes.message_updates.append(update_of(message))
        given_back.append(message)

    def _late(self, link: LinkState, outcome: Outcome, now: int, changes: Changes) -> None:
        """An outcome of an attempt that is not the message's present one.

        A response to an attempt that was given up as in doubt: the carrier has the message after all, so it is not
        tried again, and its receipt will name this id. When another attempt is under way already, that one's outcome
        comes here later and is news about its link only, and about what the message costs.
        """
        self._heed_elsewhere(link, outcome)
        if isinstance(outcome, Accepted):
            self._core.metrics.attempts(link.carrier.name, "late")
            message = self._core.live.get(outcome.message.seq)
            if message is None or message.state not in (MessageState.QUEUED, MessageState.SENDING):
                if message is not None and self._tariffs.charge_submits:
                    self._tariffs.taken(message, link.carrier.name, now)
                    changes.message_updates.append(update_of(message))
                return
            if message.state is MessageState.QUEUED:
                self._waiting.withdraw(message)
            message.carrier = link.carrier.name
            message.trail = with_late_outcome(message.trail, link.link.name, ACCEPTED_LATE)
            message.asks_receipt = link.carrier.asks_receipt(message)
            self._taken(message, outcome.carrier_message_id, now, changes)

    def _probed(self, link: LinkState, outcome: Outcome, changes: Changes) -> None:
        """An outcome of a message of our own, which is nobody's and in no store."""
        self._heed_elsewhere(link, outcome)
        if self._core.probes.on_outcome(outcome):
            self._reports.await_probe(outcome.message, changes)

    def _heed_elsewhere(self, link: LinkState, outcome: Outcome) -> None:
        """What an outcome says about its link when it says nothing of a message's present attempt."""
        if isinstance(outcome, Refused):
            self._heed_refusal(link, outcome.message, outcome.command_status)
        elif isinstance(outcome, NotSent):
            self._heed_not_sent(link, outcome.message)
        elif isinstance(outcome, Accepted):
            self._heed_accepted(link, outcome.message)
        else:
            self._heed_in_doubt(link, outcome.message, outcome.link_lost)

    def _class_of(self, message: Message) -> MessageClassSettings:
        return class_of(self._core, message)


def class_of(core: Core, message: Message) -> MessageClassSettings:
    """The settings of a message's class; its account's present ones when the class is configured no more, and the
    defaults when the account is gone too."""
    settings = core.config.message_classes.get(message.message_class)
    if settings is None:
        account = core.accounts.get(message.account)
        settings = _DEFAULT_CLASS if account is None else account.message_class
    return settings
