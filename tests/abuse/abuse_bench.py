"""Messages and checks for tests of abuse."""

from typing import Any

from smsagg.abuse import AbuseRules, Checks, ContentRule, ContentRules, Finding
from smsagg.abuse.checks import Shared
from smsagg.abuse.usage import HOUR_MS, Usage, UsageWatch
from smsagg.config.abuse import AbuseSettings
from smsagg.config.units import MessageLimit, parse_message_limit
from smsagg.model import Message, Refusal

NOW = 1_700_000_000_000


def limits(*texts: str) -> tuple[MessageLimit, ...]:
    return tuple(parse_message_limit(text) for text in texts)


def message(digits: str = "447700900123", text: bytes = b"hello", country: str = "GB", **changes: Any) -> Message:
    """As a front door would make it, its country known."""
    made = Message(
        0, "", "acme", "default", "", 5, 0, "ACME", 1, 1, digits, 0, 0, 0, 1, 0, 0, text, False, b"", country, "",
        NOW, NOW, NOW + 86_400_000,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(made, name, value)
    return made


class Bench:
    """The checks of one account, and what they found."""

    def __init__(
        self, settings: AbuseSettings | None = None, content: ContentRules | None = None, **rules: Any
    ) -> None:
        self.findings: list[Finding] = []
        made = AbuseRules(**rules)
        usage = UsageWatch(
            made.takeover_factor, made.takeover_messages, made.takeover_after, Usage(NOW, NOW // HOUR_MS)
        )
        self.shared = Shared(settings or AbuseSettings())
        self.checks = Checks(
            "acme",
            made,
            self.shared,
            content.compile("acme") if content is not None else None,
            usage if made.takeover != "off" else None,
            self.findings.append,
        )

    def send(self, digits: str = "447700900123", at_s: float = 0.0, **changes: Any) -> Refusal | None:
        """Check a message, and take it in if it may be."""
        made = message(digits, **changes)
        now = NOW + int(at_s * 1000)
        refusal = self.checks.check(made, digits, now)
        if refusal is None and self.checks.duplicates is not None:
            self.checks.duplicates.take(self.checks.digest_of(made), made, now)
            made.message_id = f"id-{at_s}"
            self.checks.duplicates.committed(made)
        return refusal

    @property
    def kinds(self) -> set[str]:
        return {finding.kind for finding in self.findings}


def rule(name: str, action: str = "block", *patterns: str, **changes: Any) -> ContentRule:
    return ContentRule(name, action, patterns, **changes)
