"""How an endpoint stands: whether it is told anything, and how it has been answering. Pure.

::

                 410 (gone) · nothing taken for too long (failing) · somebody wants it so (asked)
    enabled ─────────────────────────────────────────────────────────────────────────────────▶ disabled
       ▲                                                                                          │
       └──── enabled again by somebody; gone and failing also when its settings become others ────┘

What happens while it is disabled is owed to it still, for as long as events are kept.
"""

from enum import StrEnum
from typing import Any

import orjson
from attrs import asdict, define, evolve

SAVE_AFTER_MS = 60_000
"""What changes nothing but times is kept this often."""
ERROR_CHARACTERS_MAX = 200


class Disabled(StrEnum):
    """Why an endpoint is told nothing."""

    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """It took nothing for longer than ``webhooks.disable_after``."""
    ASKED = "asked"
    """Somebody wants it so."""


@define(frozen=True)
class Standing:
    """Of one endpoint. Instants are UTC milliseconds, 0 for none."""

    last_success_at: int = 0
    last_failure_at: int = 0
    last_error: str = ""
    """Of the last failure."""
    failing_since: int = 0
    """The first failure after the last success."""
    disabled_at: int = 0
    disabled_for: Disabled | None = None
    settings: str = ""
    """Digest of the settings under which it was disabled."""

    @property
    def is_disabled(self) -> bool:
        return self.disabled_for is not None

    def succeeded(self, now: int) -> "Standing":
        """It took something. Should it be disabled meanwhile, it stays so."""
        return evolve(self, last_success_at=now, failing_since=0)

    def failed(self, now: int, error: str, disable_after_ms: int, settings: str) -> "Standing":
        """It did not take something; after too long a time without a success it is disabled."""
        failed = evolve(
            self,
            last_failure_at=now,
            last_error=error[:ERROR_CHARACTERS_MAX],
            failing_since=self.failing_since or now,
        )
        if now - failed.failing_since < disable_after_ms:
            return failed
        return failed.disabled(Disabled.FAILING, now, settings)

    def disabled(self, why: Disabled, now: int, settings: str) -> "Standing":
        """It is told nothing from now on; what was so before stays the reason."""
        return self if self.is_disabled else evolve(self, disabled_for=why, disabled_at=now, settings=settings)

    def enabled(self) -> "Standing":
        """It is told again, and has its time to fail anew."""
        return evolve(self, disabled_for=None, disabled_at=0, settings="", failing_since=0)

    def under(self, settings: str) -> "Standing":
        """As it stands with these settings: what the ones before led to is over."""
        is_moot = self.is_disabled and self.disabled_for is not Disabled.ASKED and self.settings != settings
        return self.enabled() if is_moot else self

    def is_worth_saving(self, saved: "Standing") -> bool:
        """Whether a restart must not forget what has changed since ``saved``."""
        if (self.disabled_for, self.failing_since) != (saved.disabled_for, saved.failing_since):
            return True
        latest = max(self.last_success_at, self.last_failure_at)
        return latest - max(saved.last_success_at, saved.last_failure_at) >= SAVE_AFTER_MS

    def to_record(self) -> bytes:
        return orjson.dumps(asdict(self))


def standing_from_record(record: bytes) -> Standing:
    values: dict[str, Any] = orjson.loads(record)
    why = values.pop("disabled_for")
    return Standing(**values, disabled_for=None if why is None else Disabled(why))
