"""All checks of one account, from cheap to dear; those that no setting asks for are not there.

::

    takeover ─▶ countries ─▶ numbers ─▶ blocked prefixes ─▶ content ─▶ duplicates ─▶ sequences ─▶ limits

What is found suspicious is reported as a :class:`Finding`; whoever hears of it raises the alarm. A finding whose action
is ``freeze`` asks that nothing more be taken from the account.

Memory: each check has its own bound (:mod:`smsagg.abuse.bounded`); blocked prefixes are at most
:data:`BLOCKED_MAX`, of which those that end first are given up first.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from attrs import define

from smsagg.abuse.bodies import PartTexts
from smsagg.abuse.collapse import Collapses, CountryTallies
from smsagg.abuse.content import CompiledContent, ContentMatch
from smsagg.abuse.duplicates import NOT_ARRIVED, Digest, Duplicates, bare_digits, digest_of
from smsagg.abuse.reputation import Reputation
from smsagg.abuse.rules import AbuseRules
from smsagg.abuse.sequences import Sequences
from smsagg.abuse.usage import UsageWatch
from smsagg.abuse.validity import rule_for
from smsagg.abuse.velocity import LimitTable, Velocity
from smsagg.config.abuse import AbuseSettings
from smsagg.config.units import MessageLimit, format_message_limit
from smsagg.model import HELD_UNTIL, Message, MessageState, Refusal
from smsagg.model.trail import with_note
from smsagg.smpp.concatenation import UDHI
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK, ESME_RSUBMITFAIL, ESME_RTHROTTLED
from smsagg.text import text_of

T = TypeVar("T")

BLOCKED_MAX = 10_000
HELD_BY = "held by content rule "
"""In the first line of a held message's trail; the rule's name follows."""
FROZEN = Refusal(ESME_RTHROTTLED, "frozen")
_COUNTRY = Refusal(ESME_RINVDSTADR, "country_not_enabled")
_NUMBER = Refusal(ESME_RINVDSTADR, "number_not_valid")
_PREFIX = Refusal(ESME_RTHROTTLED, "prefix_blocked")
_VELOCITY = Refusal(ESME_RTHROTTLED, "velocity")
_CONTENT = Refusal(ESME_RSUBMITFAIL, "content")
_DUPLICATE = Refusal(ESME_RSUBMITFAIL, "duplicate")
_DUPLICATE_OF_PENDING = Refusal(ESME_RTHROTTLED, "duplicate")
_ACCOUNT, _BY_COUNTRY, _BY_PREFIX = 0, 1, 2
_SCOPES = ("account", "country", "prefix")
_OF_SEQUENCES = ("sequences_numbers", "sequences_gap", "sequences_window")
_OF_REPUTATION = ("bounces", "bounces_share", "opt_outs", "opt_outs_share", "reputation_messages")
_OF_COLLAPSES = ("delivery_collapse_share", "delivery_collapse_messages", "prefix_digits")
_FAILED = frozenset(
    {MessageState.UNDELIVERABLE, MessageState.EXPIRED, MessageState.UNKNOWN, MessageState.REJECTED},
)


class Finding(NamedTuple):
    """Something suspicious."""

    kind: str
    """A word from a closed set: ``velocity``, ``sequence``, ``collapse``, ``content``, ``volume``, ``country``,
    ``network``, ``conversion``."""
    account: str
    subject: str
    """What it is about: a prefix, a country, a rule, a network."""
    detail: str
    action: str
    """What was done about it: ``refuse``, ``monitor``, ``throttle``, ``block``, ``flag``, ``hold``, ``freeze``."""


Report = Callable[[Finding], None]


@define
class BlockedPrefix:
    """What is done to a prefix for a while."""

    kind: str
    """Of the finding that led to it."""
    since: int
    until: int
    throttle: Velocity | None
    """``None``: nothing passes."""


class Shared:
    """What the checks of all accounts have in common; what ``before`` counted under the same settings goes on."""

    def __init__(self, settings: AbuseSettings, before: "Shared | None" = None) -> None:
        self.settings = settings
        self.countries: CountryTallies = CountryTallies() if before is None else before.countries
        kept: dict[MessageLimit, LimitTable] = {}
        if before is not None and before.settings.tracked_max == settings.tracked_max:
            kept = {table.limit: table for table in before.limits_of_all}
        self.limits_of_all: list[LimitTable] = [
            kept[limit] if limit in kept else LimitTable(limit, settings.tracked_max)
            for limit in settings.prefix_limits_all
        ]


class Checks:
    """Of one account."""

    def __init__(
        self,
        account: str,
        rules: AbuseRules,
        shared: Shared,
        content: CompiledContent | None,
        usage: UsageWatch | None,
        report: Report,
    ) -> None:
        """``usage`` is there when the rules ask for it."""
        self.account = account
        self.rules = rules
        self.content = content
        self.usage = usage
        self.is_frozen = False
        """Nothing is taken from the account."""
        self._report = report
        self._shared = shared
        self.blocked: dict[str, BlockedPrefix] = {}
        tracked_max = shared.settings.tracked_max
        self._enabled = None if rules.countries is None else frozenset(rules.countries)
        self._disabled = frozenset(rules.countries_blocked)
        self._is_taken = rule_for(rules.numbers)
        self.duplicates: Duplicates | None = None
        if rules.duplicates != "off":
            self.duplicates = Duplicates(rules.duplicates_period, shared.settings.duplicates_max)
        self._sequences: Sequences | None = None
        if rules.sequences != "off":
            self._sequences = Sequences(
                rules.sequences_numbers, rules.sequences_gap, rules.sequences_window, tracked_max
            )
        self._collapses: Collapses | None = None
        if rules.delivery_collapse != "off":
            self._collapses = Collapses(
                rules.delivery_collapse_share, rules.delivery_collapse_messages, shared.countries, tracked_max
            )
        self._reputation: Reputation | None = None
        if (rules.bounces, rules.opt_outs) != ("off", "off"):
            self._reputation = Reputation(
                None if rules.bounces == "off" else rules.bounces_share,
                None if rules.opt_outs == "off" else rules.opt_outs_share,
                rules.reputation_messages,
            )
        self._tables = [
            (place, LimitTable(limit, tracked_max))
            for place, limits in (
                (_ACCOUNT, rules.limits),
                (_BY_COUNTRY, rules.country_limits),
                (_BY_PREFIX, rules.prefix_limits),
            )
            for limit in limits
        ]
        self._make_velocity()
        self._part_texts = PartTexts()
        self._looked_at: Message | None = None
        self._digest: Digest = b""

    @property
    def are_needed(self) -> bool:
        """Whether there is anything to check."""
        return (
            self._enabled is not None
            or bool(self._disabled)
            or self._is_taken is not None
            or self.content is not None
            or self.duplicates is not None
            or self._sequences is not None
            or self._collapses is not None
            or self._reputation is not None
            or self._velocity is not None
            or self.usage is not None
        )

    @property
    def watches_ends(self) -> bool:
        """Whether :meth:`finished` is to be told."""
        return self._collapses is not None or self.duplicates is not None or self._reputation is not None

    def check(self, message: Message, digits: str, now: int) -> Refusal | None:
        """Why ``message`` to E.164 ``digits``, whose country is known, is not taken in; ``None``: it may be.

        A message that is to be held for an operator gets :data:`~smsagg.model.HELD_UNTIL` as its next attempt.
        ``now`` is UTC milliseconds.
        """
        rules, country = self.rules, message.country
        if self.is_frozen or (self.usage is not None and self._breaks_with_its_ways(country, now)):
            return FROZEN
        if not self.takes_country(country):
            return _COUNTRY
        if self._is_taken is not None and not self._is_taken(digits, country):
            return _NUMBER
        prefix = digits[: rules.prefix_digits]
        if self.blocked and self._is_blocked(prefix, now):
            return _PREFIX
        if self.content is not None and self.content_action(message, now) == "block":
            return _CONTENT
        if self.duplicates is not None:
            repeated = self._find_repeated(message, self.duplicates, now)
            if repeated is not None:
                return repeated
        if self._sequences is not None and self._is_in_run(self._sequences, digits, prefix, now):
            return _PREFIX
        if self._velocity is not None and self._exceeds_limit(self._velocity, country, prefix, now):
            return _VELOCITY
        return None

    def takes_country(self, country: str) -> bool:
        """Whether messages to ``country`` are taken."""
        return country not in self._disabled and (self._enabled is None or country in self._enabled)

    def foresee(self, message: Message, digits: str, now: int) -> Refusal | None:
        """What :meth:`check` would say, but for what depends on its counts. Nothing is counted or reported."""
        country, block = message.country, self.blocked.get(digits[: self.rules.prefix_digits])
        if self.is_frozen:
            return FROZEN
        if not self.takes_country(country):
            return _COUNTRY
        if self._is_taken is not None and not self._is_taken(digits, country):
            return _NUMBER
        if block is not None and block.throttle is None and now < block.until:
            return _PREFIX
        match = self.foresee_content(message)
        if match is not None and match.action == "block":
            return _CONTENT
        if self.duplicates is not None and self.duplicates.find(digest_of(message), now) is not None:
            return _DUPLICATE
        return None

    def foresee_content(self, message: Message) -> ContentMatch | None:
        """What the rules on content would say of ``message`` by itself. Nothing is reported."""
        if self.content is None:
            return None
        text = text_of(message.body, message.data_coding, bool(message.esm_class & UDHI))
        return self.content.find(text, message.country, message.message_class) if text else None

    def content_action(self, message: Message, now: int) -> str:
        """What the rules on content say of ``message`` (``block``, ``hold``, ``flag``, or ``""``), which is marked to
        be held when they say so."""
        if self.content is None:
            return ""
        text = self._part_texts.read(message, now)
        match = self.content.find(text, message.country, message.message_class) if text else None
        if match is None:
            return ""
        self._report(Finding("content", self.account, match.rule, "", match.action))
        if match.action == "hold":
            message.next_attempt_at = HELD_UNTIL
            message.trail = with_note("", 0, f"{HELD_BY}{match.rule}")
        return match.action

    def digest_of(self, message: Message) -> Digest:
        """What ``message`` is known by among duplicates; of the one that was checked last it is known already."""
        return self._digest if self._looked_at is message else digest_of(message)

    def finished(self, message: Message, now: int) -> None:
        """``message`` is over. One that did not arrive may be sent again; what a sandbox simulates says nothing of
        anybody."""
        is_delivered = message.state is MessageState.DELIVERED
        if self.duplicates is not None and message.state in NOT_ARRIVED:
            self.duplicates.ended(message)
        if not message.carrier or not (is_delivered or message.state in _FAILED) or message.is_sandbox:
            return
        if self._collapses is not None:
            self._note_end(self._collapses, message, is_delivered, now)
        if self._reputation is not None:
            share = self._reputation.ended(is_delivered, now)
            if share is not None:
                detail = f"{share:.0%} of its messages do not arrive"
                self._report(Finding("bounces", self.account, "", detail, self.rules.bounces))

    def opted_out(self, now: int) -> None:
        """Somebody wrote STOP to the account, at ``now`` (UTC milliseconds)."""
        share = None if self._reputation is None else self._reputation.opted_out(now)
        if share is not None:
            detail = f"{share:.1%} of its messages are answered with a STOP"
            self._report(Finding("opt_outs", self.account, "", detail, self.rules.opt_outs))

    def _note_end(self, collapses: Collapses, message: Message, is_delivered: bool, now: int) -> None:
        rules = self.rules
        prefix = bare_digits(message.destination_addr)[: rules.prefix_digits]
        rates = collapses.note(prefix, message.country, is_delivered, now)
        if rates is None or prefix in self.blocked:
            return
        detail = f"{rates[0]:.0%} delivered, {rates[1]:.0%} elsewhere in {message.country}"
        if rules.delivery_collapse == "block":
            self._block(prefix, "collapse", now, None)
        self._report(Finding("collapse", self.account, prefix, detail, rules.delivery_collapse))

    def bound_from(self, address: str, now: int) -> None:
        """An ESME of the account bound from this IP address."""
        network = self.usage.note_network(address, now) if self.usage is not None else ""
        if network:
            self._report(Finding("network", self.account, network, "not seen before", self._action_on("network")))

    def adopt(self, old: "Checks") -> None:
        """Go on where ``old``, under earlier rules of this account, was: each check whose settings are the same."""
        ours, theirs = self._shared.settings, old._shared.settings

        def is_same(*names: str) -> bool:
            return all(getattr(self.rules, name) == getattr(old.rules, name) for name in names)

        self._part_texts = old._part_texts
        self._reputation = _either(self._reputation, old._reputation, is_same(*_OF_REPUTATION))
        if is_same("prefix_digits"):
            self.blocked = old.blocked
        if ours.duplicates_max == theirs.duplicates_max:
            self.duplicates = _either(self.duplicates, old.duplicates, is_same("duplicates_period"))
        if ours.tracked_max != theirs.tracked_max:
            return
        self._sequences = _either(self._sequences, old._sequences, is_same(*_OF_SEQUENCES))
        self._collapses = _either(self._collapses, old._collapses, is_same(*_OF_COLLAPSES))
        kept = {(place, table.limit): table for place, table in old._tables}
        if not is_same("prefix_digits"):
            kept = {key: table for key, table in kept.items() if key[0] != _BY_PREFIX}
        self._tables = [(place, kept.get((place, table.limit), table)) for place, table in self._tables]
        self._make_velocity()

    def end_blocks(self, now: int) -> None:
        """Let prefixes go on whose time is over, and to which nothing comes."""
        for prefix in [prefix for prefix, block in self.blocked.items() if now >= block.until]:
            self.unblock(prefix)

    def unblock(self, prefix: str) -> bool:
        """Let a prefix go on, and begin anew to look at what it was blocked for; whether it was blocked."""
        if self._sequences is not None:
            self._sequences.forget(prefix)
        if self._collapses is not None:
            self._collapses.forget(prefix)
        return self.blocked.pop(prefix, None) is not None

    def counted(self) -> dict[str, int]:
        """How much each check remembers, and how much it has forgotten for want of room, for operators."""
        counted: dict[str, int] = {}
        checks: list[tuple[str, LimitTable | Sequences | Collapses | Duplicates | None]] = [
            (f"limits by {_SCOPES[place]} {format_message_limit(table.limit)}", table) for place, table in self._tables
        ]
        checks += [
            ("sequences", self._sequences),
            ("delivery_collapse", self._collapses),
            ("duplicates", self.duplicates),
        ]
        for name, check in checks:
            if check is not None:
                counted[name] = len(check)
                if check.forgotten:
                    counted[f"{name}, forgotten"] = check.forgotten
        return counted

    # --- the steps ---

    def _breaks_with_its_ways(self, country: str, now: int) -> bool:
        assert self.usage is not None
        is_frozen = False
        for sign in self.usage.note_message(country, now):
            usage = self.usage.usage
            subject = country or "unknown" if sign == "country" else "hour"
            detail = f"{usage.count} messages this hour, {usage.average:.0f} is usual" if sign == "volume" else "new"
            action = self._action_on(sign)
            is_frozen |= action == "freeze"
            self._report(Finding(sign, self.account, subject, detail, action))
        return is_frozen

    def _action_on(self, sign: str) -> str:
        return "freeze" if self.rules.takeover == "freeze" and sign in self.rules.takeover_freeze_on else "monitor"

    def _is_blocked(self, prefix: str, now: int) -> bool:
        block = self.blocked.get(prefix)
        if block is None:
            return False
        if now >= block.until:
            self.unblock(prefix)
            return False
        return block.throttle is None or block.throttle.count((prefix,), now) is not None

    def _find_repeated(self, message: Message, duplicates: Duplicates, now: int) -> Refusal | None:
        self._looked_at, self._digest = message, digest_of(message)
        message_id = duplicates.find(self._digest, now)
        if message_id is None:
            return None
        if self.rules.duplicates == "refuse":
            return _DUPLICATE
        return Refusal(ESME_ROK, "duplicate", message_id) if message_id else _DUPLICATE_OF_PENDING

    def _is_in_run(self, sequences: Sequences, digits: str, prefix: str, now: int) -> bool:
        """Whether it is refused for the run that it belongs to."""
        rules = self.rules
        if rules.sequences_exempt and digits.startswith(rules.sequences_exempt):
            return False
        count = sequences.note(digits, now)
        if not count or prefix in self.blocked:
            return False
        self._report(Finding("sequence", self.account, prefix, f"{count} neighbouring numbers", rules.sequences))
        if rules.sequences == "monitor":
            return False
        throttle = rules.throttle_to if rules.sequences == "throttle" else None
        self._block(prefix, "sequence", now, throttle)
        return self._is_blocked(prefix, now)

    def _exceeds_limit(self, velocity: Velocity, country: str, prefix: str, now: int) -> bool:
        keys = (self.account, country, prefix)
        exceeded = velocity.count(keys, now)
        if exceeded is None:
            return False
        place = next((place for place, table in self._tables if table is exceeded), _BY_PREFIX)
        detail = f"more than {format_message_limit(exceeded.limit)} by {_SCOPES[place]}"
        self._report(Finding("velocity", self.account, keys[place] or "unknown", detail, "refuse"))
        return True

    def _block(self, prefix: str, kind: str, now: int, throttle: MessageLimit | None) -> None:
        if len(self.blocked) >= BLOCKED_MAX:
            del self.blocked[min(self.blocked, key=lambda key: self.blocked[key].until)]
        until = now + int(self.rules.block_for * 1000)
        slow = Velocity([(0, LimitTable(throttle, 2))]) if throttle is not None else None
        self.blocked[prefix] = BlockedPrefix(kind, now, until, slow)

    def _make_velocity(self) -> None:
        tables = [*self._tables, *((_BY_PREFIX, table) for table in self._shared.limits_of_all)]
        self._velocity = Velocity(tables) if tables else None


def _either(new: T | None, old: T | None, is_same: bool) -> T | None:
    """What knows more already, if there is to be one at all."""
    return old if new is not None and old is not None and is_same else new
