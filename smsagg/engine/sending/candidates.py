"""What people are told of a carrier that could take a message, and why it is taken or not."""

from attrs import define


@define(frozen=True)
class Candidate:
    """One carrier of a message's pool or of its backups. Money is micro-units of the base currency."""

    carrier: str
    pool: str
    """The pool that it is a member of: the message's, or a backup."""
    price: int
    """What a segment of the message brings."""
    cost: int | None
    """What it would cost; ``None``: not known."""
    margin: int | None
    quality: str
    """Its score in the country, and what that is made of."""
    health: str
    """What holds it back; ``""``: nothing."""
    window: int
    """Messages that its links could take now."""
    rate: float
    """Messages a second that its links may send, ``inf`` for any number."""
    verdict: str
    """``taken``, ``could`` (has room, another one is preferred), ``full``, ``held`` (see ``health``), ``refused``."""
    why: str
