"""Accounts that are frozen: nothing is taken from them, and what waits of theirs goes nowhere until they are let go on.

Theory of operation. That an account is frozen is an entity in the store; what waits is held in the store by its
``next_attempt_at`` (:data:`~smsagg.model.FROZEN_UNTIL`). The two are brought together step by step, and each step may
be the last before a crash:

* freezing writes the entity, then takes the account's messages out of the queues in memory, a batch at a time. What
  comes to be ready later (retries, scheduled and parked messages) is held then, by :class:`Waiting`;
* letting go deletes the entity, then claims what is held, a batch at a time, and lets it wait by its own time again.
  Whatever is held of accounts that are not frozen is let go at the start.

What a carrier has already is not called back.
"""

from collections.abc import Awaitable, Callable, Iterable

import orjson
import structlog
import trio
from attrs import define

from smsagg.engine.core import Changes, Core, update_of
from smsagg.engine.queues.waiting import Waiting
from smsagg.model import FROZEN_UNTIL, Message, MessageState
from smsagg.model.trail import with_note
from smsagg.store.base import EntityUpdate

KIND = "frozen_account"
ALL = ""
"""Stands for every account."""
BATCH = 1_000

log = structlog.get_logger("smsagg.audit")


@define(frozen=True)
class Frozen:
    """Why, and since when (UTC milliseconds)."""

    at: int
    reason: str
    by: str
    """Who did it: ``guard``, or an operator's user id."""


class Freezing:
    """Runs one task."""

    def __init__(self, core: Core, waiting: Waiting) -> None:
        self._core = core
        self._waiting = waiting
        self.frozen: dict[str, Frozen] = {}
        self._to_hold: set[str] = set()
        self._to_release: set[str] = set()
        self._wake = trio.Event()

    def recovered(self, entities: Iterable[tuple[str, bytes]], is_any_held: bool) -> None:
        """Go on with the accounts that the last run left frozen, and let go what it left held of others."""
        for name, value in entities:
            self.frozen[name] = Frozen(**orjson.loads(value))
        self._core.frozen.update(self.frozen)
        if is_any_held:
            self._to_release.add(ALL)

    def freeze(self, account: str, reason: str, by: str) -> bool:
        """Freeze ``account`` from now on; False: it is frozen already."""
        if account in self.frozen:
            return False
        frozen = Frozen(self._core.clock.now_ms(), reason, by)
        self.frozen[account] = frozen
        self._core.frozen.add(account)
        value = orjson.dumps({"at": frozen.at, "reason": reason, "by": by})
        self._core.store.write(Changes(entities=[EntityUpdate(KIND, account, value)]))
        log.warning("account_frozen", account=account, reason=reason, by=by)
        self._to_release.discard(account)
        self._to_hold.add(account)
        self._wake.set()
        return True

    def unfreeze(self, account: str, by: str) -> bool:
        """Let ``account`` go on; False: it is not frozen."""
        frozen = self.frozen.pop(account, None)
        if frozen is None:
            return False
        self._core.frozen.discard(account)
        self._core.store.write(Changes(entities=[EntityUpdate(KIND, account, None)]))
        log.warning("account_unfrozen", account=account, reason=frozen.reason, by=by)
        self._to_hold.discard(account)
        self._to_release.add(account)
        self._wake.set()
        return True

    async def run(self) -> None:
        """Bring queues and store to what was said, until cancelled."""
        while True:
            self._wake = trio.Event()
            for account in list(self._to_hold):
                await self._hold(account)
                self._to_hold.discard(account)
            for account in list(self._to_release):
                await self._until_done(lambda account=account: self._release(account))  # type: ignore[misc]
            if not (self._to_hold or self._to_release):
                await self._wake.wait()

    async def _until_done(self, ask: Callable[[], Awaitable[None]]) -> None:
        while not await self._core.store_permitting(ask):
            pass  # it has waited a moment

    async def _hold(self, account: str) -> None:
        """Take what waits in memory to the store."""
        waiting = self._waiting.of_account(account)
        for start in range(0, len(waiting), BATCH):
            if account not in self.frozen:
                return
            changes = Changes()
            for message in waiting[start : start + BATCH]:
                is_its = message.account == account and self._core.live.get(message.seq) is message
                if is_its and message.state is MessageState.QUEUED and self._waiting.withdraw(message):
                    self._waiting.freeze(message, changes)
            if not changes.is_empty():
                self._core.store.write(changes)
            await trio.lowlevel.checkpoint()

    async def _release(self, account: str) -> None:
        """What is held of ``account``, or of all, unless it is frozen."""
        after_seq, are_all = 0, False
        while not are_all:
            found = await self._core.store.find_held(FROZEN_UNTIL, BATCH, after_seq, account)
            await self.release([message for message in found if message.account not in self.frozen])
            are_all = len(found) < BATCH
            after_seq = found[-1].seq if found else 0
        self._to_release.discard(account)

    async def release(self, held: Iterable[Message], note: str = "") -> list[Message]:
        """Have held messages wait by their own time again, with ``note`` in their trail; those that did. Raises
        StoreError, and then they stay held."""
        core = self._core
        with core.watching_finishes() as finished_meanwhile:
            claimed = await core.store.claim_by_key([message.seq for message in held])
            core.groups.adopt(claimed)
        now = core.clock.now_ms()
        gone = finished_meanwhile | core.settling
        released = [message for message in claimed if message.seq not in gone]
        for message in released:
            message.next_attempt_at = max(message.not_before, now)
            if note:
                message.trail = with_note(message.trail, now - message.accepted_at, note)
        if released:
            core.store.write(Changes(message_updates=[update_of(message) for message in released]))
            for message in released:
                self._waiting.come_back(message, now)
            core.wake_dispatcher()
        return released
