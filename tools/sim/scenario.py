"""What a seed decides before the clock starts, as values; :mod:`tools.sim.drawing` draws them."""

from math import inf

from attrs import define, field

from smsagg.config.schema import Config
from smsagg.tables import Tables
from tools.sim.disk import DiskPlan
from tools.sim.network import Weather
from tools.sim.user_data import Part

CARRIERS = ("alpha", "bravo", "charlie", "delta")
PREFIXES = {"GB": "447700900", "FR": "336123456", "DE": "491512345", "ES": "346123456"}
UNROUTED = "819012345"
"""A country that no pool names."""
PASSWORD = "secret"
SOURCE = "ACME"
"""Who sends all texts."""
SHOP = "SHOP"
"""The sender that some accounts get instead, by their rules."""
KEYWORD_NUMBER = "777"
"""A number that may have an owner for :data:`KEYWORD` alone."""
KEYWORD = "JOIN"
CARRIER_GRACE_S = 3.0
QUERIED_AFTER_S = (0.0, 6.0)


@define(frozen=True)
class PlannedSubmit:
    """One submit_sm, submit_multi or data_sm, and what its sender does about it later."""

    at: float
    nonce: str
    destinations: tuple[str, ...]
    """Several: a submit_multi."""
    registered_delivery: int
    validity_s: float = inf
    delay_s: int = 0
    """schedule_delivery_time, from the submit."""
    priority: int = 0
    in_payload: bool = False
    """The text goes as a message_payload TLV."""
    cancel_after_s: float | None = None
    """From its acknowledgement."""
    query_after_s: float | None = None
    replace_after_s: float | None = None
    octets: int = 0
    """Of a long text; 0: a short one."""
    part: Part | None = None
    """Of a message that its sender has cut."""
    is_data_sm: bool = False
    is_time_to_live: bool = False
    """Its life is a qos_time_to_live rather than a validity_period."""
    replaces: bool = False
    """replace_if_present_flag."""
    is_cancelled_by_addresses: bool = False
    """Its cancel_sm names no message_id."""


@define(frozen=True)
class PlannedMo:
    """What a handset writes: one part or more, each brought by itself."""

    number: str
    """That it writes to."""
    texts: tuple[str, ...]
    at: tuple[float, ...]
    """When each comes."""
    reference: int = 0
    form: str = "udh"


@define(frozen=True)
class CustomerPlan:
    """One account's systems."""

    account: str
    binds: tuple[int, ...]
    """command_id of each."""
    window: int
    messages: tuple[PlannedSubmit, ...]
    answer_s: tuple[float, float]
    """How soon a deliver_sm is answered."""
    again: float
    """Share of deliver_sm answered ESME_RX_T_APPN: come again."""
    never: float
    """Share never answered."""
    refused: float
    """Share answered ESME_RX_R_APPN: the last word."""
    at_most_once: bool
    mo_numbers: tuple[str, ...]
    """Whose MO are its own."""
    version: int = 0x34
    """interface_version."""
    failed_binds: int = 0
    """So many binds come with a wrong password first."""


@define(frozen=True)
class SupplierPlan:
    """One SMSC's moods. Shares are between 0 and 1."""

    latency_s: tuple[float, float]
    receipt_s: tuple[float, float]
    errors: tuple[tuple[int, float], ...] = ()
    response_lost: float = 0.0
    response_late: float = 0.0
    response_doubled: float = 0.0
    response_without_id: float = 0.0
    receipt_missing: float = 0.0
    receipt_early: float = 0.0
    receipt_doubled: float = 0.0
    receipt_out_of_order: float = 0.0
    receipt_contradicted: float = 0.0
    receipt_unknown: float = 0.0
    states: tuple[tuple[int, float], ...] = ((2, 1.0),)
    deliver_window: int = 10
    zero_ids: bool = False
    """Ids differ by their leading zeros."""
    hex_ids: bool = False
    """Ids are hexadecimal in responses and decimal in receipts."""
    mo: tuple[PlannedMo, ...] = ()
    is_data_sm: bool = False
    """Brings receipts and handsets' texts as data_sm."""
    response_timeout_s: float = 2.0
    """The gateway's, for its attempts."""


@define(frozen=True)
class PlannedFault:
    """Something goes wrong; the nemesis knows what ``kind`` means."""

    at: float
    kind: str
    lasting_s: float


@define(frozen=True)
class Scenario:
    """All that a seed decides before the clock starts."""

    seed: int
    configs: tuple[Config, ...]
    """The first life has the first, and so on, round and round: they differ in pools and in how
    carriers want long messages."""
    customers: tuple[CustomerPlan, ...]
    suppliers: dict[str, SupplierPlan]
    faults: tuple[PlannedFault, ...]
    failpoint: tuple[str, int] | None
    """Kill the gateway when it comes there for so many times."""
    kill_at_step: int | None
    """Kill it after so many steps of any task."""
    duration_s: float
    weather: Weather = field(factory=Weather)
    disk: DiskPlan = field(factory=DiskPlan)
    room_octets: int = 2_000

    is_fair: bool = False
    """Nothing goes wrong: no fault, no crash, and carriers without moods."""
    tables: Tables = field(factory=Tables)
    """Prices."""
    reloads: tuple[Config, ...] = ()
    """What the configuration of a running gateway becomes, one reload after the other, round and round."""

    @property
    def all_configs(self) -> tuple[Config, ...]:
        """Under which there were messages on their way."""
        return (*self.configs, *self.reloads)

    @property
    def is_calm(self) -> bool:
        """No fault and no crash; carriers may have their moods."""
        return not self.faults and self.failpoint is None and self.kill_at_step is None

    @property
    def config(self) -> Config:
        """For what they all share."""
        return self.configs[0]


FAULTS = {
    "kill": 5.0,
    "kill twice": 1.5,
    "stop": 1.0,
    "carrier reset": 3.0,
    "carrier dark": 1.5,
    "carrier pause": 1.5,
    "carrier unbind": 1.5,
    "carrier down": 1.5,
    "carrier silent": 1.5,
    "carrier refuses": 1.5,
    "carrier refuses binds": 1.0,
    "carrier mute": 1.0,
    "esme reset": 2.0,
    "esme dark": 1.0,
    "esme pause": 1.5,
    "esme unbind": 1.0,
    "disk full": 1.0,
    "disk failed": 1.0,
    "disk stalled": 1.5,
    "disk hiccup": 1.0,
    "clock jump": 1.0,
    "network slow": 1.0,
}
"""Kinds and how often each is drawn."""

FAILPOINTS = (
    "read submit_sm",
    "read submit_sm_resp",
    "read deliver_sm",
    "read deliver_sm_resp",
    "before commit",
    "commit accepted",
    "commit taken",
    "commit attempt",
    "commit finished",
    "commit delivered",
    "commit parked",
    "commit handset",
    "commit replaced",
    "before write submit_sm",
    "before write submit_sm_resp",
    "before write deliver_sm",
    "before write deliver_sm_resp",
    "after write submit_sm",
    "after write submit_sm_resp",
    "after write deliver_sm",
    "after write deliver_sm_resp",
)
"""Where a process can die; together the rows of crash and restart: around each read, commit and write."""
