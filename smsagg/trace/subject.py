"""What an event is about, and who wants to see it."""

from typing import Any

from attrs import define, field

from smsagg.errors import ControlError

CONDITIONS = ("account", "msisdn", "message", "carrier")


@define
class Subject:
    """Everything by which an event may be found."""

    account: str = ""
    carrier: str = ""
    numbers: set[str] = field(factory=set)
    """Digits, without ``+`` or ``00``."""
    message_ids: set[str] = field(factory=set)
    is_secret: bool = False
    """Its text is nobody's but the recipient's."""

    def add(self, other: "Subject") -> None:
        """What is known of ``other`` is so of this one, too."""
        self.account = self.account or other.account
        self.carrier = self.carrier or other.carrier
        self.numbers |= other.numbers
        self.message_ids |= other.message_ids
        self.is_secret = self.is_secret or other.is_secret


@define(frozen=True)
class Filter:
    """Conditions that all must hold; one left empty always does."""

    account: str = ""
    msisdn: str = ""
    message: str = ""
    carrier: str = ""

    @classmethod
    def of(cls, arguments: Any) -> "Filter":
        """From what a client sent. Raises ControlError when nothing is asked for, or something that is no text."""
        values = {name: arguments.get(name, "") for name in CONDITIONS}
        if not all(isinstance(value, str) for value in values.values()):
            raise ControlError("account, msisdn, message and carrier are texts")
        if not any(values.values()):
            raise ControlError("say what to follow: account, msisdn, message or carrier")
        return cls(**{**values, "msisdn": digits_of(values["msisdn"])})

    def matches(self, subject: Subject) -> bool:
        return (
            self.account in ("", subject.account)
            and self.carrier in ("", subject.carrier)
            and (not self.msisdn or self.msisdn in subject.numbers)
            and (not self.message or self.message in subject.message_ids)
        )


def digits_of(address: str) -> str:
    """``+4477…`` and ``004477…`` as ``4477…``; what is no number stays as it is."""
    if address.startswith("+"):
        return address[1:]
    return address[2:] if address.startswith("00") else address
