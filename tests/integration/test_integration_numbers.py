"""Number pools of a real server: used over SMPP, and killed again and again while numbers are leased and sent from."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integration_processes import PATIENCE_S, Esme, Server, make_config

from smsagg.cli.numbers_call import ask_for, call
from smsagg.errors import SmsaggError

RECIPIENTS = [f"44770090020{place}" for place in range(5)]
LIVES = 2
LEASE = {"do": "lease", "pool": "otp", "count": 1, "account": "demo", "for": "1h"}
CARRIERS = """
[carriers.albion]
type = "simulated"
latency = { min = "1ms", max = "5ms" }
mo = { rate = "20/s", sources = ["447700900200"], destinations = ["447400000000"], texts = ["yes"] }

[accounts.demo.senders]
from_pool = "otp"
"""


def write_config(directory: Path, carriers: str) -> Path:
    text = make_config(directory, carriers=carriers)
    for name in ("vn", "uz"):
        start = text.index(f"[pools.{name}]")
        text = text[:start] + text[text.index("\n\n" if name == "vn" else "\n[carriers", start) :]
    config = directory / "smsagg.toml"
    config.write_text(text)
    return config


@contextmanager
def serving(config: Path) -> Iterator[Server]:
    """One life; it ends by SIGKILL."""
    server = Server(config, config.parent / "serve.log")
    try:
        yield server
    finally:
        server.process.close()


def stock(config: Path, count: int) -> None:
    with serving(config):
        pass  # the first start makes the store
    rows = "".join(f"4474000000{place:02d},long,otp\n" for place in range(count))
    ask_for(config, {"do": "pool_set", "name": "otp", "rotation": "sticky"})
    call(config, {"do": "import", "file": "f"}, lambda _: None, f"number,type,pool\n{rows}".encode())


def test_from_an_empty_inventory_to_an_answer(tmp_path: Path) -> None:
    """Numbers are put in while no server runs; a client that names no sender gets one of them, and what is written to
    that number comes back to the client."""
    config = write_config(tmp_path, CARRIERS)
    stock(config, 1)
    ask_for(config, {"do": "assign", "pool": "otp", "count": 1, "account": "demo"})
    with serving(config) as server, Esme(server.smpp) as esme:
        esme.submit(RECIPIENTS[0], source_addr=b"", registered_delivery=0)
        esme.read_until(lambda: bool(esme.accepted and esme.receipts))
        answer = esme.receipts[0]
        assert (answer.source_addr, answer.destination_addr) == (b"447700900200", b"447400000000")
        assert server.metrics("smsagg_number_senders_total", account="demo", pool="otp") == 1
        assert server.metrics("smsagg_number_stock", status="assigned") == 1


class Leaser(threading.Thread):
    """Leases one number after the other, as long as somebody answers."""

    def __init__(self, config: Path) -> None:
        super().__init__(daemon=True)
        self._config = config
        self.told: list[dict[str, Any]] = []
        self.enough = threading.Event()
        self.is_over = False

    def run(self) -> None:
        try:
            while not self.is_over:
                self.told += ask_for(self._config, LEASE)
                if len(self.told) >= 4:
                    self.enough.set()
        except SmsaggError:
            pass
        self.enough.set()


def test_what_was_told_survives_kill_9(tmp_path: Path) -> None:
    """Every lease that was told is there exactly, no number was leased twice, and recipients keep their number."""
    config = write_config(tmp_path, CARRIERS.replace('mo = { rate = "20/s", ', 'mo = { rate = "1/h", '))
    stock(config, 99)
    told: list[dict[str, Any]] = ask_for(config, LEASE | {"count": 2})
    kept: dict[str, str] = {}
    accepted = dict.fromkeys(RECIPIENTS, 0)
    for _ in range(LIVES):
        leaser = Leaser(config)
        with serving(config) as server, Esme(server.smpp) as esme:
            leaser.start()
            asked = {esme.submit(one, source_addr=b"", registered_delivery=0): one for one in RECIPIENTS}
            esme.read_until(lambda answered=esme.accepted: len(answered) == len(RECIPIENTS))  # type: ignore[misc]
            for number in esme.accepted:
                accepted[asked[number]] += 1
            assert leaser.enough.wait(PATIENCE_S)
        leaser.is_over = True
        leaser.join(PATIENCE_S)
        told += leaser.told
        assert len({lease["name"] for lease in told}) == len(told), "a number was leased twice"
        there = {record["name"]: record for record in ask_for(config, {"do": "list", "account": "demo"})}
        assert all(there[lease["name"]] == lease for lease in told)
        assert len(there) - len(told) in (0, 1), "at most the lease that was being told"
        told += [record for name, record in there.items() if name not in {lease["name"] for lease in told}]
        for record in ask_for(config, {"do": "conversations", "recipients": RECIPIENTS}):
            (use,) = record["uses"]
            assert kept.setdefault(record["recipient"], use["number"]) == use["number"]
        assert len(kept) == len(RECIPIENTS)
    assert all(count == LIVES for count in accepted.values())
