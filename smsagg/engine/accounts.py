"""The accounts as the engine sees them: their limits and how much of theirs is waiting."""

from typing import TYPE_CHECKING

from smsagg.abuse import Checks
from smsagg.config.schema import AccountSettings, Config, MessageClassSettings
from smsagg.pricing.purse import Purse
from smsagg.queueing.rate import TokenBucket

if TYPE_CHECKING:
    from smsagg.engine.admission.tariffs import Tariff


class Account:
    """One customer. ``queued`` counts messages accepted and not yet with a carrier, wherever they wait.

    The object is the same for as long as the configuration names the account, whatever else changes in it.
    """

    __slots__ = ("bucket", "burst", "guard", "message_class", "name", "purse", "queued", "settings", "tariff")

    def __init__(self, name: str, settings: AccountSettings, message_class: MessageClassSettings, now: float) -> None:
        self.name = name
        self.queued = 0
        self.burst = 0
        """Messages that may come at once; 0: as many as will."""
        self.guard: Checks | None = None
        """What is checked of its messages; ``None``: nothing."""
        self.bucket: TokenBucket | None = None
        """Messages per second over all binds; ``None``: unlimited."""
        self.purse: Purse | None = None
        """Kept by :class:`~smsagg.engine.admission.money.Money`; ``None``: neither billed nor limited."""
        self.tariff: Tariff | None = None
        """Kept by :class:`~smsagg.engine.admission.tariffs.Tariffs`; ``None``: its messages have no price."""
        self.settings: AccountSettings
        self.message_class: MessageClassSettings
        self.reconfigure(settings, message_class, now)

    def reconfigure(self, settings: AccountSettings, message_class: MessageClassSettings, now: float) -> None:
        """Other settings from now on. Of what the bucket has gained the new burst's worth stays."""
        self.settings = settings
        self.message_class = message_class
        if settings.rate is None:
            self.bucket, self.burst = None, 0
            return
        burst = max(settings.rate if settings.burst is None else settings.burst, 1)
        self.burst = int(burst)
        if self.bucket is None:
            self.bucket = TokenBucket(settings.rate, burst, now)
        else:
            self.bucket.set_rate(settings.rate, burst, now)


def make_accounts(config: Config, now: float) -> dict[str, Account]:
    """Every account of the configuration, by name. ``now`` is monotonic."""
    return {
        name: Account(name, settings, _class_of(config, settings), now) for name, settings in config.accounts.items()
    }


def change_accounts(accounts: dict[str, Account], config: Config, now: float) -> tuple[list[Account], list[Account]]:
    """Make ``accounts`` those of another configuration, in its order, keeping those that stay. Those that came, and
    those that left."""
    before = dict(accounts)
    accounts.clear()
    for name, settings in config.accounts.items():
        account = before.get(name)
        if account is None:
            account = Account(name, settings, _class_of(config, settings), now)
        else:
            account.reconfigure(settings, _class_of(config, settings), now)
        accounts[name] = account
    added = [account for name, account in accounts.items() if name not in before]
    return added, [account for name, account in before.items() if name not in accounts]


def _class_of(config: Config, settings: AccountSettings) -> MessageClassSettings:
    return config.message_classes.get(settings.message_class) or MessageClassSettings()
