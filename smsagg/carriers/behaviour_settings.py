"""The configuration keys of a simulated SMSC's behaviour: distributions, shares, outages, ids, receipts, MO.

Every default is benign: with no key set everything is answered ESME_ROK within 20 ms and delivered within a second.
The same keys serve ``[carriers.NAME]`` of type ``simulated`` and the file that ``smsagg simulate --config`` reads::

    throttle_above = "500/s"
    response_lost = 0.001
    latency = { kind = "lognormal", median = "40ms", p99 = "400ms" }
    errors = { ESME_RSYSERR = 0.01, ESME_RMSGQFUL = 0.005, "0x0400" = 0.001 }
    ids = { form = "hex_upper", receipt_form = "decimal" }
    mo = { rate = "2/s", destinations = ["12345"], texts = ["STOP"] }

    [[outages]]
    every = "10m"
    lasting = "20s"
    kind = "drop"

    [receipts]
    delay = { min = "200ms", max = "3s" }
    states = { DELIVRD = 0.95, UNDELIV = 0.04, FAILED = 0.01 }
    missing = 0.001
    early = 0.01
    duplicate = 0.01
"""

from math import exp, log
from statistics import NormalDist

from attrs import Factory, define, field

from smsagg.config.schema import Duration, Rate, StatusCode
from smsagg.config.validators import at_least, between, not_empty, one_of

QUANTILES = 4_096
"""Entries of a distribution's table: nothing beyond the 99.98th percentile is ever drawn."""

DELAY_KINDS = ("constant", "uniform", "lognormal")
OUTAGE_KINDS = ("unbind", "drop", "refuse", "silent")
ID_FORMS = ("decimal", "zero_padded", "hex", "hex_upper", "uuid")


@define(frozen=True)
class DelaySettings:
    """A distribution of delays. Which keys count depends on ``kind``."""

    kind: str = field(default="uniform", validator=one_of(*DELAY_KINDS))
    """``constant`` (``value``), ``uniform`` (``min`` to ``max``) or ``lognormal`` (``median`` and ``p99``)."""
    value: Duration = field(default=Duration(0.0), validator=at_least(0))
    min: Duration = field(default=Duration(0.0), validator=at_least(0))
    max: Duration = field(default=Duration(0.0), validator=at_least(0))
    median: Duration = field(default=Duration(0.0), validator=at_least(0))
    p99: Duration = field(default=Duration(0.0), validator=at_least(0))

    def __attrs_post_init__(self) -> None:
        if self.kind == "uniform" and self.max < self.min:
            raise ValueError("max must not be less than min")
        if self.kind == "lognormal" and not 0 < self.median <= self.p99:
            raise ValueError("lognormal needs median > 0 and p99 >= median")

    def quantiles(self) -> tuple[float, ...]:
        """Equally likely delays in seconds, ascending: one for ``constant``, else :data:`QUANTILES` of them."""
        if self.kind == "constant":
            return (self.value,)
        steps = [(i + 0.5) / QUANTILES for i in range(QUANTILES)]
        if self.kind == "uniform":
            return tuple(self.min + (self.max - self.min) * q for q in steps)
        normal = NormalDist()
        sigma = log(self.p99 / self.median) / normal.inv_cdf(0.99)
        return tuple(self.median * exp(sigma * normal.inv_cdf(q)) for q in steps)


def _uniform(low: float, high: float) -> DelaySettings:
    return DelaySettings(kind="uniform", min=Duration(low), max=Duration(high))


@define(frozen=True)
class OutageSettings:
    """A fault that comes again and again."""

    every: Duration
    """From the start of one outage to the start of the next."""
    lasting: Duration
    kind: str = field(default="unbind", validator=one_of(*OUTAGE_KINDS))
    """``unbind``: the SMSC unbinds, and takes no bind until it is over. ``drop``: the same, but the connection is cut
    without a word. ``refuse``: binds stay, every submit_sm gets ESME_RSYSERR. ``silent``: binds stay, nothing is
    answered and nothing is taken."""
    first_after: Duration | None = field(default=None, validator=at_least(0))
    """From the start to the first outage; default: ``every``."""

    def __attrs_post_init__(self) -> None:
        if not 0 < self.lasting < self.every:
            raise ValueError("lasting must be more than 0 and less than every")

    def since_start(self, elapsed_s: float) -> tuple[bool, float]:
        """Whether it is on after ``elapsed_s``, and how many seconds later that changes."""
        phase = elapsed_s - (self.every if self.first_after is None else self.first_after)
        if phase < 0:
            return False, -phase
        phase %= self.every
        return (True, self.lasting - phase) if phase < self.lasting else (False, self.every - phase)


@define(frozen=True)
class ReceiptBehaviour:
    """``receipts``: what follows a submit_sm that was taken. Shares are between 0 and 1."""

    delay: DelaySettings = Factory(lambda: _uniform(0.1, 1.0))
    """From the response to the receipt."""
    states: dict[str, float] = Factory(lambda: {"DELIVRD": 1.0})
    """Weights of the final ``stat`` words; any word may stand here, also one that no specification knows."""
    missing: float = field(default=0.0, validator=between(0, 1))
    """Never sent."""
    early: float = field(default=0.0, validator=between(0, 1))
    """Sent before the submit_sm_resp."""
    late: float = field(default=0.0, validator=between(0, 1))
    """Sent after ``late_delay`` instead of ``delay``."""
    late_delay: DelaySettings = Factory(lambda: _uniform(60.0, 300.0))
    duplicate: float = field(default=0.0, validator=between(0, 1))
    """Sent twice."""
    out_of_order: float = field(default=0.0, validator=between(0, 1))
    """An ENROUTE report follows the final one."""
    contradicted: float = field(default=0.0, validator=between(0, 1))
    """Another final state follows the first (UNDELIV after DELIVRD, DELIVRD after anything else)."""
    retry_after: Duration = field(default=Duration(5.0), validator=at_least(0.001))
    """A receipt that was not answered ESME_ROK comes again so much later."""
    pending_max: int = field(default=1_000_000, validator=at_least(1))
    """Receipts held at a time; what exceeds it is lost."""

    def __attrs_post_init__(self) -> None:
        if not self.states or min(self.states.values()) < 0 or sum(self.states.values()) <= 0:
            raise ValueError("states must have a positive weight, and none below 0")


@define(frozen=True)
class IdBehaviour:
    """``ids``: how carrier message ids are written."""

    form: str = field(default="decimal", validator=one_of(*ID_FORMS))
    """In the submit_sm_resp: ``decimal``, ``zero_padded``, ``hex``, ``hex_upper`` or ``uuid``."""
    receipt_form: str | None = field(default=None, validator=one_of(*ID_FORMS))
    """In receipts, when it differs (not for ``uuid``); seen on the wire only."""
    width: int = field(default=20, validator=between(1, 64))
    """Digits of ``zero_padded``."""

    def __attrs_post_init__(self) -> None:
        if self.receipt_form and "uuid" in (self.form, self.receipt_form) and self.form != self.receipt_form:
            raise ValueError("a uuid has no other form")

    def write(self, number: int, form: str) -> str:
        """``number`` in ``form`` (a 128-bit number for ``uuid``)."""
        if form == "decimal":
            return str(number)
        if form == "zero_padded":
            return str(number).zfill(self.width)
        if form == "uuid":
            digits = f"{number:032x}"
            return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        return f"{number:X}" if form == "hex_upper" else f"{number:x}"


@define(frozen=True)
class MoBehaviour:
    """``mo``: messages from handsets, at random instants."""

    rate: Rate | None = None
    """None: no MO traffic."""
    sources: tuple[str, ...] = field(default=("447700900123", "84901234567", "998901234567"), validator=not_empty)
    destinations: tuple[str, ...] = field(default=("12345",), validator=not_empty)
    texts: tuple[str, ...] = field(default=("STOP", "YES", "Hello from a handset"), validator=not_empty)
    pending_max: int = field(default=1_000, validator=at_least(1))
    """Sent and unanswered; while so many are, no new one is made."""


@define(frozen=True)
class BehaviourSettings:
    """How a simulated SMSC behaves; with no key set it answers everything ESME_ROK and delivers everything."""

    latency: DelaySettings = Factory(lambda: _uniform(0.005, 0.020))
    """From submit_sm to submit_sm_resp."""
    errors: dict[StatusCode, float] = Factory(dict)
    """Share of each command_status, by name (``ESME_RSYSERR``)."""
    throttle_above: Rate | None = None
    """submit_sm above this rate get ESME_RTHROTTLED."""
    response_lost: float = field(default=0.0, validator=between(0, 1))
    """Share that is taken, and never answered."""
    outages: tuple[OutageSettings, ...] = ()
    """When several are on at once, the first of them counts."""
    receipts: ReceiptBehaviour = Factory(ReceiptBehaviour)
    ids: IdBehaviour = Factory(IdBehaviour)
    mo: MoBehaviour = Factory(MoBehaviour)

    def __attrs_post_init__(self) -> None:
        if any(not 0 <= share <= 1 for share in self.errors.values()) or sum(self.errors.values()) > 1 + 1e-9:
            raise ValueError("errors: each share must be from 0 to 1, and their sum at most 1")
