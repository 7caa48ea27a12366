"""What the server of a run is configured to be: its accounts, carriers, rates, and the file that says so."""

from hashlib import sha256
from pathlib import Path

from attrs import define

from smsagg.config.passwords import HASHER
from tools.chaos.endpoints import SECRETS
from tools.chaos.esme import Account

ACCEPT_DEADLINE_S = 2.0
"""A commit that takes longer is unwound."""
TIGHT_STORE = """
live_messages_in_memory_max = 50
scheduled_in_memory_max = 10
"""
TIGHT_ACCOUNT = "deliveries_in_memory_max = 20"
TIGHT_POOL = "queue_max = 40"

RESPONSE_TIMEOUT_S = 5.0
"""Of the server's links and sessions."""
ENQUIRE_LINK_INTERVAL_S = 2.0
PARKED_RECEIPT_TTL_S = 30.0
LINK_RATES_PER_S = {"alpha": 2_000, "beta": 2_000, "gamma": 200}
"""Contracted rate of each link; the last is met whenever there is a backlog."""
ACCOUNT_RATES = {"once": (250.0, 50.0)}
"""(messages per second, burst) of accounts that have a rate; less than they send."""
MO_OWNERS = {"53849": "main", "61001": "once"}
PRICE_LISTS = {
    "main": "prefix,price\n*,0.007\n",
    "once": "prefix,price,charge\n*,0.011,delivery\n",
    "web": "prefix,price,charge\n*,0.013,delivery\n",
}
"""Accounts that are billed, and what they pay; the others have no price."""
WATCH = Account("watch", "watch", "wt-9d4hx", binds=1)
"""Asks whether the server lives, and does nothing else."""
CARRIER_PASSWORD = "up-5f6jw"
WEB = "web"
"""The account that sends by HTTP, and whose events go to endpoints."""
API_KEY = "sk_8p2vnq6chaos"
FOLLOWED = tuple(f"message.{what}" for what in ("queued", "sent", "delivered", "failed", "expired", "cancelled"))
ENDPOINT_CONCURRENCY = 16
WEBHOOK_TIMEOUT_S = 1.0

ACCOUNTS = (
    Account("main", "main", "mn-2b8fq", binds=3),
    Account("once", "once", "on-7e3kz", binds=1, at_most_once=True),
    Account("old", "old", "ol-4c9rt", binds=1, interface_version=0x33),
)
CARRIERS = ("alpha", "beta", "gamma")
POOLS = {"world": ("alpha", "beta"), "gb": ("gamma",)}
"""The second has the first as its backup."""


@define(frozen=True)
class Sizes:
    """The windows of a run; they bound the copies that a fault may cause."""

    links: int = 2
    link_window: int = 10
    deliver_window: int = 50
    is_tight: bool = False
    """Memory for next to nothing: messages, receipts and correlations go through the store all the time."""

    @property
    def carrier_window(self) -> int:
        return self.links * self.link_window

    @property
    def copies_max(self) -> int:
        return self.carrier_window * len(CARRIERS)

    @property
    def receipts_max(self) -> int:
        return self.deliver_window * sum(account.binds for account in ACCOUNTS)


@define(frozen=True)
class Ports:
    """Of 127.0.0.1: where the server listens, where it finds its carriers and the application's endpoints."""

    smpp: int
    http: int
    carriers: dict[str, int]
    endpoints: int


def configuration(sizes: Sizes, ports: Ports, store_path: Path) -> str:
    """The file, in TOML."""
    parts = [
        f"""
        [server]
        smpp_listen = "127.0.0.1:{ports.smpp}"
        http_listen = "127.0.0.1:{ports.http}"
        accept_deadline = "{ACCEPT_DEADLINE_S:g}s"
        [session]
        deliver_window = {sizes.deliver_window}
        enquire_link_interval = "{ENQUIRE_LINK_INTERVAL_S:g}s"
        response_timeout = "{RESPONSE_TIMEOUT_S:g}s"
        write_deadline = "{RESPONSE_TIMEOUT_S:g}s"
        [store]
        path = "{store_path}"
        parked_receipt_ttl = "{PARKED_RECEIPT_TTL_S:g}s"
        {TIGHT_STORE if sizes.is_tight else ""}
        [log]
        level = "info"
        format = "json"
        [receipts]
        retry_first = "200ms"
        retry_max = "1s"
        [routing]
        default_pool = "world"
        [pools.world]
        carriers = {list(POOLS["world"])}
        policy = "weighted"
        {TIGHT_POOL if sizes.is_tight else ""}
        [pools.gb]
        countries = ["GB"]
        carriers = {list(POOLS["gb"])}
        backup = "world"
        {TIGHT_POOL if sizes.is_tight else ""}
        [message_classes.default.retry]
        first = "200ms"
        max = "1s"
        attempts_max = 1000
        [message_classes.once]
        in_doubt = "fail"
        [message_classes.once.retry]
        first = "200ms"
        max = "1s"
        attempts_max = 1000
        """
    ]
    parts.append(_web_account(ports.endpoints))
    for account in (*ACCOUNTS, WATCH):
        numbers = [number for number, owner in MO_OWNERS.items() if owner == account.name]
        rate_per_s, burst = ACCOUNT_RATES.get(account.name, (0.0, 0.0))
        parts.append(f"""
        [accounts.{account.name}]
        system_id = "{account.system_id}"
        password_hash = "{HASHER.hash(account.password)}"
        message_class = "{"once" if account.at_most_once else "default"}"
        binds_max = {account.binds}
        mo_numbers = {numbers}
        {f'rate = "{rate_per_s:g}/s"' if rate_per_s else ""}
        {f"burst = {burst:.0f}" if burst else ""}
        {f'price_list = "{account.name}.csv"' if account.name in PRICE_LISTS else ""}
        {'billing = "postpaid"' if account.name in PRICE_LISTS else ""}
        {TIGHT_ACCOUNT if sizes.is_tight else ""}
        """)
    for name, port in ports.carriers.items():
        parts.append(f"""
        [carriers.{name}]
        type = "smpp"
        address = "127.0.0.1:{port}"
        system_id = "smsagg"
        password = "{CARRIER_PASSWORD}"
        links = {sizes.links}
        window = {sizes.link_window}
        rate = "{LINK_RATES_PER_S[name]}/s"
        enquire_link_interval = "{ENQUIRE_LINK_INTERVAL_S:g}s"
        connect_timeout = "2s"
        reconnect_first = "100ms"
        reconnect_max = "500ms"
        response_timeout = "{RESPONSE_TIMEOUT_S:g}s"
        circuit_open = "500ms"
        """)
    return "\n".join(line.strip() for part in parts for line in part.splitlines())


def _web_account(endpoints_port: int) -> str:
    digest = sha256(API_KEY.encode()).hexdigest()
    hooks = "".join(
        f"""
        [accounts.{WEB}.webhooks.{name}]
        url = "http://127.0.0.1:{endpoints_port}/{name}"
        secret = "{secret}"
        events = {list(FOLLOWED)}
        concurrency = {ENDPOINT_CONCURRENCY}
        """
        for name, secret in SECRETS.items()
    )
    return f"""
        [webhooks]
        allowed_networks = ["127.0.0.0/8"]
        timeout = "{WEBHOOK_TIMEOUT_S:g}s"
        retry_first = "200ms"
        retry_max = "1s"
        [accounts.{WEB}]
        system_id = "{WEB}"
        password_hash = "{HASHER.hash(API_KEY)}"
        price_list = "{WEB}.csv"
        billing = "postpaid"
        api_keys = {{ app = {{ hash = "sha256:{digest}" }} }}
        {hooks}
        """
