"""The accounts as the engine sees them: their limits and how much of theirs is waiting."""

from collections.abc import Mapping

from smsagg.config.schema import AccountSettings, Config, MessageClassSettings
from smsagg.queueing.rate import TokenBucket


class Account:
    """One customer. ``queued`` counts messages accepted and not yet with a carrier, wherever they wait."""

    __slots__ = ("bucket", "burst", "message_class", "name", "queued", "settings")

    def __init__(self, name: str, settings: AccountSettings, message_class: MessageClassSettings, now: float) -> None:
        self.name = name
        self.settings = settings
        self.message_class = message_class
        self.queued = 0
        self.burst = 0
        """Messages that may come at once; 0: as many as will."""
        self.bucket: TokenBucket | None = None
        """Messages per second over all binds; ``None``: unlimited."""
        if settings.rate is not None:
            burst = settings.rate if settings.burst is None else settings.burst
            self.burst = int(max(burst, 1))
            self.bucket = TokenBucket(settings.rate, max(burst, 1), now)


def make_accounts(config: Config, now: float) -> Mapping[str, Account]:
    """Every account of the configuration, by name. ``now`` is monotonic."""
    default = MessageClassSettings()
    return {
        name: Account(name, settings, config.message_classes.get(settings.message_class, default), now)
        for name, settings in config.accounts.items()
    }
