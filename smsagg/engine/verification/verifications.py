"""Verifications of all accounts: begun, checked, sent again, cancelled, and ended by time.

Theory of operation. The store alone knows how a verification stands; memory keeps none. Whatever changes one has a turn
with it: it asks the store, decides, and writes, and nobody else does meanwhile. The store answers and writes in the
order of asking, so the next turn sees what this one wrote, and a check is answered after its attempt is on disk: no
crash gives it back. Who goes away in the middle leaves nothing half done.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

import trio

from smsagg.abuse import Finding
from smsagg.config.units import format_message_limit
from smsagg.engine.accounts import Account
from smsagg.engine.core import Core
from smsagg.engine.verification.conversions import Conversions, FindMessages
from smsagg.engine.verification.turns import Turns
from smsagg.errors import StoreError, StoreFailed
from smsagg.model import Message
from smsagg.sandbox import CODE
from smsagg.store.base import Changes
from smsagg.verification import CodeLimits, Exceeded, Verification, VerificationState, digest_of, new_code, place_of

ID_OCTETS = 16
INTERVAL_S = 1.0
BATCH = 1_000
DROP_S = 60.0


class Begun(NamedTuple):
    """What a verification begins with, before it has a message."""

    verification_id: str
    code: str
    wording: str
    """How further messages are written, as JSON."""
    reference: str
    ttl_ms: int


class Checked(NamedTuple):
    """What became of a check."""

    verification: Verification
    """After it."""
    is_late: bool
    """It was over before; nothing was counted."""


class Verifications:
    """One task: :meth:`run`."""

    def __init__(
        self,
        core: Core,
        entropy: Callable[[int], bytes],
        find_messages: FindMessages,
        report: Callable[[Finding], None],
    ) -> None:
        self._core = core
        self._entropy = entropy
        self._report = report
        self._turns = Turns()
        self._conversions = Conversions(core, find_messages, report)
        self._limits: dict[str, CodeLimits] = {}
        self._limited_by: tuple[object, ...] = ()
        self._drop_at = 0.0
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration of the core from now on; what was counted under the same limits still counts."""
        settings, tracked_max = self._core.config.verification, self._core.config.abuse.tracked_max
        limits = (
            settings.recipient_limits, settings.prefix_limits, settings.country_limits, settings.account_limits,
            settings.prefix_digits, tracked_max,
        )  # fmt: skip
        if limits != self._limited_by:
            self._limited_by = limits
            self._limits.clear()
        self._limits = {name: kept for name, kept in self._limits.items() if name in self._core.accounts}
        self._conversions.reconfigure()

    # --- sending ---

    def new_id(self) -> str:
        """For a verification to come; nobody can guess it."""
        return f"ver_{self._entropy(ID_OCTETS).hex()}"

    def new_code(self, account: Account, alphabet: str, length: int) -> str:
        """One that nobody can guess; see :mod:`smsagg.verification.codes`. In a sandbox always the same."""
        return CODE[:length] if account.settings.sandbox else new_code(alphabet, length, self._entropy)

    def count(self, message: Message, now: int) -> Exceeded | None:
        """Count ``message``, which carries a code and has been admitted; or what limit it exceeds."""
        account, metrics = message.account, self._core.metrics.metrics
        limits = self._limits.get(account)
        if limits is None:
            limits = self._limits[account] = self._make_limits()
        exceeded = limits.count(message.destination_addr, message.country, now)
        if exceeded is not None:
            metrics.verification_limited[account, exceeded.scope].n += 1
            if exceeded.scope != "recipient":
                detail = f"more than {format_message_limit(exceeded.limit)} codes by {exceeded.scope}"
                self._report(Finding("velocity", account, exceeded.subject or "codes", detail, "refuse"))
        return exceeded

    def begin(self, begun: Begun, message: Message, changes: Changes, now: int) -> Verification:
        """Have ``changes``, which bring the first message, begin the verification, too."""
        verification = Verification(
            verification_id=begun.verification_id,
            account=message.account,
            recipient=message.destination_addr,
            country=message.country,
            state=VerificationState.PENDING,
            digests=self._digest_of(begun.verification_id, begun.code),
            attempts=0,
            attempts_max=self._core.config.verification.attempts_max,
            message_ids=message.message_id,
            last_sent_at=now,
            wording=begun.wording,
            reference=begun.reference,
            created_at=now,
            expires_at=now + begun.ttl_ms,
        )
        changes.verifications.append(verification)
        return verification

    def turn(self, verification_id: str) -> AbstractAsyncContextManager[None]:
        """Within the block nobody else changes it; for :meth:`send_again`."""
        return self._turns.turn(verification_id)

    def send_again(
        self, verification: Verification, code: str, message: Message, changes: Changes, now: int
    ) -> Verification:
        """Have ``changes``, which bring a further message, note its code, too. It is PENDING, as of ``now``."""
        digest = self._digest_of(verification.verification_id, code)
        after = verification.sent(message.message_id, digest, now)
        changes.verifications.append(after)
        return after

    def sent(self, verification: Verification) -> None:
        """The commit of its latest message has been reported."""
        metrics, country = self._core.metrics.metrics, verification.country
        metrics.verification_messages[country].n += 1
        if verification.sends == 1:
            metrics.verifications_started[country].n += 1

    # --- asking ---

    async def find(self, account: str, verification_id: str) -> Verification | None:
        """The account's verification with this id, as of now. Raises StoreError."""
        found = await self._core.store.find_verification(account, verification_id)
        return None if found is None else found.as_of(self._core.clock.now_ms())

    async def check(self, account: str, verification_id: str, code: str) -> Checked | None:
        """Somebody told ``code``; returns after the commit, ``None``: there is no such verification. Raises StoreError;
        the attempt may count then."""
        metrics = self._core.metrics.metrics
        async with self._turns.turn(verification_id):
            found = await self.find(account, verification_id)
            if found is None:
                return None
            if found.state is not VerificationState.PENDING:
                metrics.verification_checks[found.country, "late"].n += 1
                return Checked(found, is_late=True)
            place = place_of(self._core.store.cipher, verification_id, code, found.digests)
            after = found.checked(place is not None, self._core.clock.now_ms())
            written = self._write([after], place)
        await self._committed(written)
        metrics.verification_checks[found.country, "wrong" if place is None else "right"].n += 1
        return Checked(after, is_late=False)

    async def cancel(self, account: str, verification_id: str) -> Checked | None:
        """Its codes are of no use any more; returns after the commit, ``None``: there is no such verification. Raises
        StoreError."""
        async with self._turns.turn(verification_id):
            found = await self.find(account, verification_id)
            if found is None:
                return None
            if found.state is not VerificationState.PENDING:
                return Checked(found, is_late=True)
            after = found.cancelled(self._core.clock.now_ms())
            written = self._write([after])
        await self._committed(written)
        return Checked(after, is_late=False)

    # --- time ---

    async def run(self) -> None:
        """End what is over, tell what that means, and forget what is old, until cancelled."""
        while True:
            await self._core.store_permitting(self.sweep)
            await self._conversions.tell()
            await trio.sleep(INTERVAL_S)

    async def sweep(self) -> None:
        """One round. Raises StoreError."""
        store, now = self._core.store, self._core.clock.now_ms()
        due = await self._expire(now)
        while due == BATCH:
            due = await self._expire(now)
        if self._core.clock.monotonic_s() >= self._drop_at:
            over_before = now - int(self._core.config.verification.kept * 1000)
            while await store.drop_verifications(over_before, BATCH) == BATCH:
                pass
            self._drop_at = self._core.clock.monotonic_s() + DROP_S

    async def _expire(self, now: int) -> int:
        """End a batch of those whose life was over before ``now``; how many were found."""
        with self._turns.watching() as taken:
            due = await self._core.store.find_due_verifications(now, BATCH)
        over = [found.as_of(now) for found in due if found.verification_id not in taken]
        if over:
            self._write(over)
        return len(over)

    # --- the rest ---

    def _make_limits(self) -> CodeLimits:
        settings = self._core.config.verification
        scopes = (
            settings.recipient_limits, settings.prefix_limits, settings.country_limits, settings.account_limits,
        )  # fmt: skip
        return CodeLimits(scopes, settings.prefix_digits, self._core.config.abuse.tracked_max)

    def _digest_of(self, verification_id: str, code: str) -> bytes:
        return digest_of(self._core.store.cipher, verification_id, code)

    def _write(self, verifications: Sequence[Verification], place: int | None = None) -> "_Written":
        written = _Written()

        def committed(error: StoreError | None) -> None:
            if error is None:
                for verification in verifications:
                    if verification.state is not VerificationState.PENDING:
                        self._conversions.over(verification, place)
            written.error = error
            written.is_told.set()

        self._core.store.write(Changes(verifications=list(verifications)), committed)
        return written

    async def _committed(self, written: "_Written") -> None:
        with trio.move_on_after(self._core.config.server.accept_deadline):
            await written.is_told.wait()
        if not written.is_told.is_set():
            raise StoreFailed("the store takes too long")
        if written.error is not None:
            raise written.error


class _Written:
    """A write that is under way."""

    def __init__(self) -> None:
        self.is_told = trio.Event()
        self.error: StoreError | None = None
