"""Real processes of the ``smsagg`` command and real clients of them: smpplib, HTTP, and a raw one for what it lacks."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import smpplib.client
import smpplib.consts
import smpplib.exceptions
from prometheus_client.parser import text_string_to_metric_families

from smsagg.config.passwords import hash_of
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.pdu import Pdu

PATIENCE_S = 20.0
PASSWORD = "demo-pw"


class Process:
    """A running ``smsagg`` command; ``kill`` at the end in any case."""

    def __init__(self, *arguments: str, log: Path) -> None:
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "smsagg", *arguments], stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._lines: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def wait_for_line(self, pattern: str) -> str:
        """The first group of ``pattern`` in the first line that has it."""
        deadline = time.monotonic() + PATIENCE_S
        seen: list[str] = []
        while True:
            try:
                seen.append(self._lines.get(timeout=max(0.0, deadline - time.monotonic())))
            except Empty:
                raise AssertionError(f"no {pattern!r} in {seen}, exit status {self._process.poll()}") from None
            if found := re.search(pattern, seen[-1]):
                return found.group(1)

    def signal_end(self) -> None:
        """SIGTERM, and no waiting."""
        self._process.send_signal(signal.SIGTERM)

    def signal_reload(self) -> None:
        """SIGHUP."""
        self._process.send_signal(signal.SIGHUP)

    def wait(self) -> int:
        """The exit status, when it has ended."""
        return self._process.wait(PATIENCE_S)

    def terminate(self) -> int:
        """SIGTERM; the exit status."""
        self.signal_end()
        return self.wait()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Server:
    """``smsagg serve`` and where it listens."""

    def __init__(self, config: Path, log: Path) -> None:
        self.log = log
        self.process = Process("serve", "--config", str(config), log=log)
        try:
            self._read_addresses()
        except BaseException:
            self.process.close()
            raise

    def _read_addresses(self) -> None:
        self.smpp = _host_port(self.process.wait_for_line(r"SMPP +(\S+)  "))
        line = self.process.wait_for_line(r"(SMPP TLS +\S+|HTTP +\S+)")
        self.smpp_tls = _host_port(line.split()[-1]) if "TLS" in line else None
        http = self.process.wait_for_line(r"HTTP +(\S+)") if "TLS" in line else line.split()[-1]
        self.http = http.removesuffix("/v1")

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of an HTTP GET."""
        try:
            with urllib.request.urlopen(self.http + path, timeout=PATIENCE_S) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels."""
        _, text = self.get("/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


@contextlib.contextmanager
def serving(directory: Path, **sections: Any) -> Iterator[Server]:
    """A server with :data:`CONFIG`, in ``directory``."""
    config = directory / "smsagg.toml"
    config.write_text(make_config(directory, **sections))
    log = directory / "serve.log"
    server = Server(config, log)
    try:
        yield server
    finally:
        server.process.close()


@contextlib.contextmanager
def simulating(directory: Path, *options: str) -> Iterator[tuple[str, Path]]:
    """``smsagg simulate``: its address and its journal."""
    journal = directory / "journal.jsonl"
    process = Process("simulate", "--port", "0", "--log", str(journal), *options, log=directory / "simulate.log")
    try:
        yield process.wait_for_line(r"listening on (\S+)"), journal
    finally:
        process.close()


def smpp_carriers(address: str, **settings: str) -> str:
    """``[carriers.NAME]`` for the three pools, all of them bound to ``address``; further TOML by name."""
    return "".join(
        f"""
[carriers.{name}]
type = "smpp"
address = "{address}"
system_id = "{name}"
password = "pw"
reconnect_first = "100ms"
{settings.get(name, "")}
"""
        for name in ("albion", "hanoi", "tashkent")
    )


def journal_of(path: Path) -> list[dict[str, Any]]:
    """The events so far."""
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def make_config(directory: Path, carriers: str | None = None, server: str = "", session: str = "") -> str:
    """A configuration in TOML: accounts demo and other, pools for GB, VN and UZ, free ports."""
    return f"""
[server]
smpp_listen = "127.0.0.1:0"
http_listen = "127.0.0.1:0"
{server or 'shutdown_deadline = "5s"'}

[session]
enquire_link_interval = "1s"
session_init_timeout = "2s"
{session or 'response_timeout = "2s"'}

[store]
path = "{directory / "smsagg.db"}"

[log]
format = "json"

[accounts.demo]
system_id = "demo"
password_hash = "{hash_of(PASSWORD)}"

[accounts.other]
system_id = "other"
password_hash = "{hash_of(PASSWORD)}"

[pools.gb]
countries = ["GB"]
carriers = ["albion"]

[pools.vn]
countries = ["VN"]
carriers = ["hanoi"]

[pools.uz]
countries = ["UZ"]
carriers = ["tashkent"]
{carriers or "".join(_simulated(name) for name in ("albion", "hanoi", "tashkent"))}
"""


def _simulated(name: str) -> str:
    return f"""
[carriers.{name}]
type = "simulated"
latency = {{ min = "1ms", max = "5ms" }}
receipts = {{ delay = {{ min = "1ms", max = "20ms" }} }}
"""


def _host_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


class Esme:
    """An smpplib client that keeps what it hears."""

    def __init__(
        self, address: tuple[str, int], bind: str = "transceiver", system_id: str = "demo", password: str = PASSWORD
    ) -> None:
        self.receipts: list[Any] = []
        self.accepted: dict[int, str] = {}
        """message_id by sequence number."""
        self.refused: list[tuple[str, int]] = []
        self.queried: list[Any] = []
        self._client = smpplib.client.Client(*address, timeout=0.2, allow_unknown_opt_params=True)
        self._client.set_message_received_handler(lambda pdu: self.receipts.append(pdu))
        self._client.set_message_sent_handler(self._sent)
        self._client.set_query_resp_handler(self.queried.append)
        self._bind = bind
        self._system_id = system_id
        self._password = password

    def __enter__(self) -> "Esme":
        self._client.connect()
        self._client._socket.settimeout(PATIENCE_S)
        try:
            getattr(self._client, f"bind_{self._bind}")(system_id=self._system_id, password=self._password)
        except smpplib.exceptions.PDUError:
            self.__exit__()
            raise
        self._client._socket.settimeout(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        if self._client._socket is not None:
            self._client.state = smpplib.consts.SMPP_CLIENT_STATE_OPEN
            self._client.disconnect()

    def _sent(self, pdu: Any) -> None:
        self.accepted[pdu.sequence] = pdu.message_id.decode()

    def submit(self, destination_addr: str, short_message: bytes = b"hello", **fields: Any) -> int:
        """Send a submit_sm; its sequence number."""
        values: dict[str, Any] = {
            "source_addr_ton": 5,
            "source_addr": "ACME",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": destination_addr,
            "short_message": short_message,
            "registered_delivery": 1,
        }
        return int(self._client.send_message(**(values | fields)).sequence)

    def query(self, message_id: str) -> Any:
        """The query_sm_resp."""
        count = len(self.queried)
        self._client.query_message(message_id=message_id, source_addr_ton=5, source_addr_npi=0, source_addr="ACME")
        self.read_until(lambda: len(self.queried) > count)
        return self.queried[-1]

    def read_until(self, condition: Callable[[], bool]) -> None:
        """Serve the connection until ``condition()``."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "too slow"
            with contextlib.suppress(TimeoutError):
                self._client.read_once(auto_send_enquire_link=False)

    def read_to_the_end(self) -> list[str]:
        """Serve the connection until it ends, answering the unbind; the commands received."""
        commands: list[str] = []
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert time.monotonic() < deadline, "too slow"
            try:
                pdu = self._client.read_pdu()
            except TimeoutError:
                continue
            except smpplib.exceptions.ConnectionError:
                return commands
            commands.append(pdu.command)
            if pdu.command == "unbind":
                response = smpplib.smpp.make_pdu("unbind_resp", client=self._client)
                response.sequence = pdu.sequence
                self._client.send_pdu(response)
            elif pdu.command == "submit_sm_resp" and not pdu.is_error():
                self._sent(pdu)

    def unbind(self) -> None:
        self._client.unbind()


class RawEsme:
    """A client with our own codec, over any socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._socket.settimeout(PATIENCE_S)
        self._frames = FrameBuffer(1 << 20)
        self._pdus: list[Pdu] = []

    def ask(self, pdu: Pdu) -> Pdu:
        """Send a PDU, and return the next one that comes."""
        self._socket.sendall(encode(pdu))
        while not self._pdus:
            octets = self._socket.recv(65_536)
            if not octets:
                raise EOFError
            self._pdus += [decode(frame) for frame in self._frames.feed(octets)]
        return self._pdus.pop(0)

    def close(self) -> None:
        self._socket.close()
