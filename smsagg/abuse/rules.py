"""What holds for one account, once ``[accounts.NAME.abuse]``, ``[abuse]`` and the defaults have had their say."""

from attrs import define, field, fields

from smsagg.config.abuse import AccountAbuseSettings
from smsagg.config.schema import Config
from smsagg.config.units import Duration, MessageLimit

_THROTTLED = MessageLimit(10, 60.0)


@define(frozen=True)
class AbuseRules:
    """The keys of :class:`~smsagg.config.abuse.AccountAbuseSettings`, and what they are when nobody says."""

    countries: tuple[str, ...] | None = None
    countries_blocked: tuple[str, ...] = ()
    numbers: str = "off"
    limits: tuple[MessageLimit, ...] = ()
    country_limits: tuple[MessageLimit, ...] = ()
    prefix_limits: tuple[MessageLimit, ...] = ()
    prefix_digits: int = 7
    sequences: str = "off"
    sequences_numbers: int = 50
    sequences_gap: int = 2
    sequences_window: Duration = Duration(600.0)
    sequences_exempt: tuple[str, ...] = ()
    delivery_collapse: str = "off"
    delivery_collapse_share: float = 0.3
    delivery_collapse_messages: int = 50
    bounces: str = "off"
    bounces_share: float = 0.3
    opt_outs: str = "off"
    opt_outs_share: float = 0.05
    reputation_messages: int = 200
    block_for: Duration = Duration(3_600.0)
    throttle_to: MessageLimit = field(default=_THROTTLED)
    duplicates: str = "off"
    duplicates_period: Duration = Duration(300.0)
    takeover: str = "off"
    takeover_freeze_on: tuple[str, ...] = ("volume",)
    takeover_factor: float = 20.0
    takeover_messages: int = 1_000
    takeover_after: Duration = Duration(86_400.0)


_NAMES = [attribute.name for attribute in fields(AccountAbuseSettings)]


def rules_of(config: Config, account: str) -> AbuseRules:
    """The rules of one account of ``config``; the account's own table goes first, key by key."""
    own = config.accounts[account].abuse
    said: dict[str, object] = {}
    for settings in (config.abuse, own):
        if settings is not None:
            values = {name: getattr(settings, name) for name in _NAMES}
            said.update((name, value) for name, value in values.items() if value is not None)
    return AbuseRules(**said)  # type: ignore[arg-type]
