"""What the ends of verifications say: whether the messages of a carrier reach people, and whether a prefix is pumped.

A code that is typed in came from the carrier of its message; one that is never typed in may never have come, whatever
the carrier reported. Both are told to the judge of carriers (:mod:`smsagg.routing.quality`). A prefix in which codes
are hardly ever typed in, while they are elsewhere in its country, raises an alarm: nobody reads what is sent there. A
verification that failed or was cancelled says nothing, nor does one of a sandbox.

Memory: :data:`UNTOLD_MAX` verifications whose carriers are yet to be looked up, beyond which the oldest are left out;
prefixes as ``abuse.tracked_max`` says for each account.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

import trio

from smsagg.abuse import Finding
from smsagg.abuse.collapse import Collapses, CountryTallies
from smsagg.engine.core import Core
from smsagg.errors import StoreError
from smsagg.model import Message, MessageState
from smsagg.verification import Verification, VerificationState

UNTOLD_MAX = 10_000
BATCH = 500
FindMessages = Callable[[str, str], Awaitable[Sequence[Message]]]
"""``(account, message_id)``: the message with this id."""
_MAY_HAVE_COME = frozenset(
    {MessageState.ENROUTE, MessageState.DELIVERED, MessageState.ACCEPTED, MessageState.UNKNOWN},
)


class _Untold(NamedTuple):
    """One message of a verification that is over."""

    account: str
    country: str
    message_id: str
    converted: bool


class Conversions:
    """Of all accounts."""

    def __init__(self, core: Core, find_messages: FindMessages, report: Callable[[Finding], None]) -> None:
        self._core = core
        self._find_messages = find_messages
        self._report = report
        self._untold: deque[_Untold] = deque(maxlen=UNTOLD_MAX)
        self._collapses: dict[str, Collapses] = {}
        self._bounds: tuple[float, int, int, int] | None = None
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration of the core from now on; tallies under other bounds begin anew."""
        settings = self._core.config.verification
        bounds = (
            settings.collapse_share, settings.collapse_codes, settings.prefix_digits,
            self._core.config.abuse.tracked_max,
        )  # fmt: skip
        if bounds != self._bounds:
            self._bounds = bounds
            self._collapses.clear()
        self._collapses = {name: kept for name, kept in self._collapses.items() if name in self._core.accounts}

    def over(self, verification: Verification, place: int | None) -> None:
        """``verification`` has come to its end, which is committed; ``place``: which of its messages brought it."""
        state, country = verification.state, verification.country
        self._core.metrics.metrics.verifications_ended[country, state].n += 1
        account = self._core.accounts.get(verification.account)
        if account is not None and account.settings.sandbox:
            return
        if state not in (VerificationState.APPROVED, VerificationState.EXPIRED):
            return
        for at, message_id in enumerate(verification.message_ids.split()):
            self._untold.append(_Untold(verification.account, country, message_id, at == place))
        self._note(verification, state is VerificationState.APPROVED)

    async def tell(self) -> None:
        """Tell the judge of carriers of what has ended since the last time, a batch at most."""
        batch = list(islice(self._untold, BATCH))
        async with trio.open_nursery() as nursery:
            for untold in batch:
                nursery.start_soon(self._tell, untold)
                self._untold.popleft()

    async def _tell(self, untold: _Untold) -> None:
        with suppress(StoreError):
            for message in (await self._find_messages(untold.account, untold.message_id))[:1]:
                if message.carrier and (untold.converted or message.state in _MAY_HAVE_COME):
                    self._core.experience.on_feedback(message.carrier, untold.country, untold.converted)

    def _note(self, verification: Verification, converted: bool) -> None:
        assert self._bounds is not None
        share, codes, prefix_digits, prefixes_max = self._bounds
        account, country = verification.account, verification.country
        collapses = self._collapses.get(account)
        if collapses is None:
            collapses = self._collapses[account] = Collapses(share, codes, CountryTallies(), prefixes_max)
        prefix = verification.recipient[:prefix_digits]
        rates = collapses.note(prefix, country, converted, self._core.clock.now_ms())
        if rates is not None:
            detail = f"{rates[0]:.0%} of codes typed in, {rates[1]:.0%} elsewhere in {country}"
            self._report(Finding("conversion", account, prefix, detail, "monitor"))
