"""What routes are asked about a message, and what they answer."""

from attrs import define, field

from smsagg.smpp.concatenation import UDHI
from smsagg.text.decode import text_of
from smsagg.text.folding import folded

NO_TAGS: frozenset[str] = frozenset()
_UNREAD = "\0unread"


@define(eq=False)
class RouteQuery:
    """One message as routes see it. Its text is decoded when the first rule asks for it."""

    account: str
    message_class: str
    digits: str
    """E.164 of the destination, no plus."""
    country: str
    """ISO 3166 of the destination, ``""`` when unknown."""
    network: str
    """MCC and MNC of the destination, ``""`` when unknown."""
    source_addr: str
    now: int
    """UTC milliseconds."""
    tags: frozenset[str] = NO_TAGS
    """Of the account."""
    tag: str = ""
    """Of the message."""
    body: bytes = b""
    data_coding: int = 0
    esm_class: int = 0
    minute: int = field(default=-1, init=False)
    """Of the week where the recipient is, once a rule has asked; -1 before."""
    _text: str | None = field(default=_UNREAD, init=False)

    @property
    def text(self) -> str | None:
        """``None`` for a binary body."""
        if self._text is _UNREAD:
            text = text_of(self.body, self.data_coding, bool(self.esm_class & UDHI))
            self._text = None if text is None else folded(text)
        return self._text


@define(frozen=True)
class Routed:
    """The message goes to ``pool``."""

    pool: str
    rule: str
    """Name of the rule that decided; ``""``: none did, its country's pool is the configured one."""
    message_class: str = ""
    """The class that a rule gave it; ``""``: it keeps its own. So with the next two."""
    tag: str = ""
    priority: int | None = None


@define(frozen=True)
class Blocked:
    """The message is refused."""

    rule: str
    """``""``: no rule decided, and no pool is there for its country."""
    reason: str
    """As the rule says it."""
    command_status: int


Decision = Routed | Blocked
