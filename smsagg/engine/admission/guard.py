"""The checks of abuse of all accounts: made when the configuration is, kept on the account, and what comes of findings.

An account that nothing is checked of has no guard (:attr:`Account.guard <smsagg.engine.accounts.Account>` is ``None``)
and costs nothing. What an account's ways are (:mod:`smsagg.abuse.usage`) is kept in the store, some seconds late; the
rest of what checks remember is in memory and begins anew with the process, but for duplicates, which are read back from
the messages.
"""

from collections.abc import Iterable

import orjson
import trio

from smsagg.abuse import Checks, Finding, rules_of
from smsagg.abuse.checks import Shared
from smsagg.abuse.usage import HOUR_MS, Usage, UsageWatch, usage_from_record
from smsagg.engine.admission.alarms import Alarms
from smsagg.engine.admission.freezing import Freezing
from smsagg.engine.core import Changes, Core
from smsagg.model import Message
from smsagg.store.base import EntityUpdate

USAGE_KIND = "account_usage"
SAVE_EVERY_S = 30.0
GUARD = "guard"
"""Who freezes an account for what was found."""


class Guard:
    """One task: :meth:`run`."""

    def __init__(self, core: Core, freezing: Freezing) -> None:
        self._core = core
        self._freezing = freezing
        self._shared = Shared(core.config.abuse)
        self._checks: dict[str, Checks] = {}
        """Of every account of the configuration."""
        self._usages: dict[str, Usage] = {}
        """Of accounts that are not checked for it now."""
        self.alarms = Alarms(core.metrics.metrics, core.config.abuse.alarm_interval)
        self.reconfigure()

    def reconfigure(self) -> None:
        """Make the checks that the configuration asks for; what goes on as before keeps what it has counted."""
        core, settings = self._core, self._core.config.abuse
        self._shared = Shared(settings, self._shared)
        self.alarms.reconfigure(settings.alarm_interval)
        before, self._checks = self._checks, {}
        for name, checks in before.items():
            if checks.usage is not None:
                self._usages[name] = checks.usage.usage
        for name in core.accounts:
            self._checks[name] = self._make(name, before.get(name))
            self._attach(name)
        watches_ends = any(checks.watches_ends for checks in self._checks.values())
        core.on_finished = self._finished if watches_ends else None

    def recovered(self, usages: Iterable[tuple[str, bytes]]) -> None:
        """Go on with what the last run learned, and with the accounts that it left frozen."""
        self._usages = {name: usage_from_record(orjson.loads(value)) for name, value in usages}
        for name, checks in self._checks.items():
            usage = self._usages.pop(name, None)
            if checks.usage is not None and usage is not None:
                checks.usage.usage = usage
            self._attach(name)

    @property
    def watching_duplicates(self) -> dict[str, Checks]:
        """The accounts whose duplicates are looked for."""
        return {name: checks for name, checks in self._checks.items() if checks.duplicates is not None}

    async def run(self) -> None:
        """Save what was learned, and end what is over, until cancelled."""
        while True:
            await trio.sleep(SAVE_EVERY_S)
            self.save()
            self._end_blocks()

    def save(self) -> None:
        """Have the store keep what was learned since the last time."""
        changes = Changes()
        for name, checks in self._checks.items():
            watch = checks.usage
            if watch is not None and watch.is_changed:
                watch.is_changed = False
                changes.entities.append(EntityUpdate(USAGE_KIND, name, orjson.dumps(watch.usage.to_record())))
        if changes.entities:
            self._core.store.write(changes)

    def bound(self, account: str, address: str) -> None:
        """An ESME bound from this IP address."""
        checks = self._checks.get(account)
        if checks is not None and checks.usage is not None:
            checks.bound_from(address, self._core.clock.now_ms())

    # --- for operators ---

    def freeze(self, account: str, reason: str, by: str) -> bool:
        """Take nothing more from ``account``, and hold what waits; False: it is so already."""
        is_new = self._freezing.freeze(account, reason, by)
        self._attach(account)
        return is_new

    def unfreeze(self, account: str, by: str) -> bool:
        """Let it go on; False: it is not frozen."""
        is_new = self._freezing.unfreeze(account, by)
        self._attach(account)
        return is_new

    def clear(self, account: str = "", prefix: str = "") -> int:
        """Unblock prefixes, one or all, of ``account`` or of all, and forget the alarms; how many prefixes."""
        count = 0
        for name, checks in self._checks.items():
            if account in ("", name):
                for blocked in [blocked for blocked in checks.blocked if prefix in ("", blocked)]:
                    checks.unblock(blocked)
                    count += 1
        if not prefix:
            self.alarms.clear(account)
        return count

    def checks(self) -> dict[str, Checks]:
        """Of each account of which something is checked, or that is frozen."""
        self._end_blocks()
        return {name: checks for name, checks in self._checks.items() if checks.are_needed or checks.is_frozen}

    def blocked_prefixes(self) -> dict[str, float]:
        """How many, by account."""
        return {name: len(checks.blocked) for name, checks in self._checks.items() if checks.blocked}

    # --- what is checked ---

    def _end_blocks(self) -> None:
        now = self._core.clock.now_ms()
        for checks in self._checks.values():
            if checks.blocked:
                checks.end_blocks(now)

    def _make(self, name: str, before: Checks | None) -> Checks:
        core = self._core
        rules = rules_of(core.config, name)
        watch = None
        if rules.takeover != "off":
            usage = self._usages.pop(name, None)
            if usage is None:
                now = core.clock.now_ms()
                usage = Usage(now, now // HOUR_MS)
            watch = UsageWatch(rules.takeover_factor, rules.takeover_messages, rules.takeover_after, usage)
        checks = Checks(name, rules, self._shared, core.tables.content.compile(name), watch, self.report)
        if before is not None:
            checks.adopt(before)
        return checks

    def _attach(self, name: str) -> None:
        """Have the account's messages checked if there is anything to check."""
        checks, account = self._checks.get(name), self._core.accounts.get(name)
        if checks is None or account is None:
            return
        checks.is_frozen = name in self._core.frozen
        account.guard = checks if checks.are_needed or checks.is_frozen else None

    def report(self, finding: Finding) -> None:
        """Something suspicious was found: raise the alarm, and do what it asks for."""
        if self.alarms.note(finding, self._core.clock.now_ms()):
            self._core.alert(finding.account, finding.kind, finding.subject, f"{finding.detail}: {finding.action}")
        if finding.action == "freeze":
            self.freeze(finding.account, f"{finding.kind}: {finding.subject}: {finding.detail}", GUARD)

    def _finished(self, message: Message) -> None:
        checks = self._checks.get(message.account)
        if checks is not None and checks.watches_ends:
            checks.finished(message, message.done_at)
