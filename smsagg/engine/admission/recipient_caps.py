"""Limits of what one destination number gets: one for all accounts together, own ones of accounts that have them."""

from smsagg.engine.accounts import Account
from smsagg.engine.core import Core
from smsagg.model import Refusal
from smsagg.shaping import RecipientCap
from smsagg.smpp.status import ESME_RTHROTTLED

REFUSAL = Refusal(ESME_RTHROTTLED, "per_recipient")

_Limit = tuple[float, int]
"""Messages per second, and at once."""


class RecipientCaps:
    """``[routing] per_recipient`` and ``[accounts.NAME] per_recipient``. Memory: see
    :class:`~smsagg.shaping.RecipientCap`, for each limit."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._shared: RecipientCap | None = None
        self._own: dict[str, RecipientCap] = {}
        self._limits: dict[str, _Limit] = {}
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the limits of ``core.config`` from now on; what a limit that stays has counted stays."""
        config, before = self._core.config, self._limits
        limits: dict[str, _Limit] = {}
        if config.routing.per_recipient is not None:
            limits[""] = config.routing.per_recipient, config.routing.per_recipient_burst
        for name, account in config.accounts.items():
            if account.per_recipient is not None:
                limits[name] = account.per_recipient, account.per_recipient_burst
        caps = self._own if self._shared is None else self._own | {"": self._shared}
        caps = {
            name: caps[name] if before.get(name) == limit else RecipientCap(*limit) for name, limit in limits.items()
        }
        self._shared, self._limits = caps.pop("", None), limits
        self._own = caps

    @property
    def is_needed(self) -> bool:
        """Whether there is any limit."""
        return bool(self._limits)

    def check(self, account: Account, digits: str, now: int) -> Refusal | None:
        """Count one more message to ``digits``; a refused one is not counted. ``now`` is UTC milliseconds."""
        cap = self._own.get(account.name, self._shared)
        return None if cap is None or cap.admits(digits, now) else REFUSAL

    def foresee(self, account: Account, digits: str, now: int) -> Refusal | None:
        """What :meth:`check` would say, without counting."""
        cap = self._own.get(account.name, self._shared)
        return None if cap is None or cap.would_admit(digits, now) else REFUSAL
