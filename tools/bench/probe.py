"""A quiet session beside the load that asks enquire_link ten times a second and notes how long each answer took."""

import socket
import threading
import time
from types import TracebackType

from smsagg.loadgen import wire
from smsagg.smpp.codec import encode
from smsagg.smpp.pdu import BindTransmitter

INTERVAL_S = 0.1
ANSWER_TIMEOUT_S = 30.0


class Probe:
    """Runs in a thread for the length of the block; ``latencies_s`` grows."""

    def __init__(self, port: int, system_id: str, password: str) -> None:
        self.latencies_s: list[float] = []
        self.error: str = ""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_S)
        bind = BindTransmitter(system_id=system_id, password=password, sequence_number=1)
        self._socket.sendall(encode(bind))
        self._receive()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Probe":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def percentile_ms(self, percent: float) -> float:
        """Of the answers so far, in milliseconds."""
        if not self.latencies_s:
            return float("nan")
        ordered = sorted(self.latencies_s)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] * 1e3

    def _run(self) -> None:
        number = 1
        try:
            while not self._over.wait(INTERVAL_S):
                number += 1
                began = time.monotonic()
                self._socket.sendall(wire.header_only(wire.ENQUIRE_LINK, number))
                while True:
                    command_id, answered = self._receive()
                    if command_id == wire.ENQUIRE_LINK_RESP and answered == number:
                        break
                    if command_id == wire.ENQUIRE_LINK:
                        self._socket.sendall(wire.header_only(wire.ENQUIRE_LINK_RESP, answered))
                self.latencies_s.append(time.monotonic() - began)
        except OSError as error:
            self.error = repr(error)

    def _receive(self) -> tuple[int, int]:
        """(command_id, sequence_number) of the next PDU."""
        length, command_id, _, number = wire.unpack_header(self._take(wire.HEADER_OCTETS))
        self._take(length - wire.HEADER_OCTETS)
        return command_id, number

    def _take(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            more = self._socket.recv(count - len(octets))
            if not more:
                raise ConnectionError("the server closed the probe's session")
            octets += more
        return octets
