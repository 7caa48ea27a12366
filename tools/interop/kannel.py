"""Kannel as the client: bearerbox binds to us three ways, smsbox takes requests by HTTP, receipts come back by HTTP.

What the other clients do in a program is done here from outside, by asking Kannel to:

* ``smsc = smpp`` groups are a transceiver, a transmitter and a receiver; another has a wrong password;
* texts go in by ``sendsms``, each with a ``dlr-url`` that names the check, the event and the id (``%F``), so that the
  id which Kannel had from our submit_sm_resp can be compared with the one in our receipt;
* messages of handsets come by a ``get-url`` service;
* ``fakesmsc`` writes messages of handsets to bearerbox, each of which a service answers; the answers go out through
  us, which is a steady traffic that Kannel itself paces.

Kannel has none of the other operations, and writes long texts with a user data header only; ``sar_*`` TLVs can be had
by ``meta-data``.
"""

import threading
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tools.interop.install import FAKESMSC
from tools.interop.plan import OPERATIONS, PATIENCE_S, SOURCE
from tools.interop.world import HOST, Server, free_port, running

TRAFFIC = 300
"""Messages of fakesmsc."""
DELIVERED, FAILED, REJECTED, ACCEPTED = 1, 2, 16, 8
"""Types of a Kannel DLR."""
UCS2 = "2"
"""Kannel's name for the coding."""
BOUND_S = 60.0
TRAFFIC_S = 120.0

Result = dict[str, Any]


class Listener:
    """Where Kannel reports: DLRs by check, and messages from handsets."""

    def __init__(self) -> None:
        self.dlrs: dict[str, list[tuple[int, str]]] = defaultdict(list)
        """By check: type and id."""
        self.mos: list[dict[str, str]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.take(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Nothing is logged."""

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.port = self.server.server_address[1]
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, path: str) -> None:
        url = urllib.parse.urlparse(path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True, encoding="latin-1"))
        if url.path == "/dlr":
            self.dlrs[query["check"]].append((int(query["type"]), query["id"]))
        else:
            coding = "utf-16-be" if query["coding"] == UCS2 else "latin-1"
            self.mos.append(query | {"text": query["text"].encode("latin-1").decode(coding)})

    def types(self, check: str) -> list[int]:
        return [kind for kind, _ in self.dlrs[check]]

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


class Kannel:
    """bearerbox and smsbox, running and bound."""

    def __init__(self, plan: Mapping[str, Any], server: Server, listener: Listener, sendsms_port: int) -> None:
        self.plan = plan
        self.server = server
        self.listener = listener
        self._sendsms_port = sendsms_port

    def until(self, condition: Callable[[], object], what: str, patience_s: float | None = None) -> None:
        deadline = time.monotonic() + (patience_s or self.plan["patience_s"])
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {what} in time")
            time.sleep(0.05)

    def sessions(self, bind_type: str) -> float:
        return self.server.metric("smsagg_smpp_sessions", account=self.plan["system_id"], bind_type=bind_type)

    def sendsms(self, check: str, text: str, **parameters: str) -> str:
        """Ask smsbox to send; its answer."""
        dlr_url = f"http://{HOST}:{self.listener.port}/dlr?check={check}&type=%d&id=%F"
        query = {
            "username": "interop",
            "password": "interop",
            "from": SOURCE,
            "to": self.plan["to"][check],
            "charset": "UTF-8",
            "dlr-mask": str(DELIVERED | FAILED | ACCEPTED | REJECTED),
            "dlr-url": dlr_url,
            "text": text,
        } | parameters
        url = f"http://{HOST}:{self._sendsms_port}/cgi-bin/sendsms?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=self.plan["patience_s"]) as response:
            return str(response.read().decode())

    def deliver(self, check: str, text: str, **parameters: str) -> str:
        """Send, and wait until it was reported delivered; of a text in parts Kannel asks for the last one's report."""
        answer = self.sendsms(check, text, **parameters)
        self.until(lambda: DELIVERED in self.listener.types(check), f"DLR ({answer})")
        return answer


def run_kannel(plan: Mapping[str, Any], folder: Path, server: Server) -> dict[str, Result]:
    """Every check that Kannel can do; results as a client's."""
    results: dict[str, Result] = {}

    def check(name: str, work: Callable[[], object]) -> None:
        try:
            detail = work()
        except Exception as error:  # noqa: BLE001  (whatever Kannel makes of our answers is the check's result)
            results[name] = {"check": name, "ok": False, "detail": f"{type(error).__name__} {error}"}
        else:
            results[name] = {"check": name, "ok": True, "detail": str(detail or "")}

    refused = server.metric("smsagg_smpp_binds_refused_total")
    unbound = server.unbound()
    with booted(plan, folder, server) as (kannel, fake_port):
        for name, bind_type in (("transmitter", "tx"), ("receiver", "rx"), ("transceiver", "trx")):
            check(
                f"bind_{name}",
                lambda kind=bind_type: kannel.until(lambda: kannel.sessions(kind) >= 1, f"{kind} session", BOUND_S),
            )
        check(
            "wrong_password",
            lambda: kannel.until(
                lambda: server.metric("smsagg_smpp_binds_refused_total") > refused, "refused bind", BOUND_S
            ),
        )
        check("enquire_link", lambda: kannel.until(lambda: enquire_links(server) > 0, "enquire_link"))
        texts = plan["texts"]
        check("plain", lambda: kannel.deliver("plain", texts["plain"]))
        for kind in ("vietnamese", "chinese", "emoji"):
            check(kind, lambda kind=kind: kannel.deliver(kind, texts[kind], coding="2"))
        check("long_udh", lambda: kannel.deliver("long_udh", texts["long"], coding="2"))
        check("long_sar", lambda: long_sar(kannel))
        check("receipt", lambda: receipt(kannel))
        if plan["short_code"]:
            check("mo", lambda: mo(kannel))
        else:
            results["mo"] = {"check": "mo", "ok": None, "detail": "this carrier has no handsets"}
        check("fakesmsc traffic", lambda: fakesmsc_traffic(kannel, fake_port, folder / "fakesmsc.log"))
    check("unbind", lambda: unbind(server, unbound))
    cannot = {
        "long_payload": "Kannel splits what is longer than one message",
    } | dict.fromkeys(OPERATIONS, "Kannel does not ask for it")
    for name, why in cannot.items():
        results[name] = {"check": name, "ok": None, "detail": why}
    return results


def long_sar(kannel: Kannel) -> int:
    text = kannel.plan["texts"]["long"]
    parts = [text[at : at + 60] for at in range(0, len(text), 60)]
    for number, part in enumerate(parts, 1):
        tlvs = f"?smpp?sar_msg_ref_num=78&sar_total_segments={len(parts)}&sar_segment_seqnum={number}"
        kannel.sendsms("long_sar", part, **{"coding": "2", "meta-data": tlvs})
    kannel.until(lambda: kannel.listener.types("long_sar").count(DELIVERED) >= len(parts), "DLR")
    return len(parts)


def receipt(kannel: Kannel) -> str:
    """The id of the submit_sm_resp is the id of the receipt."""
    kannel.deliver("receipt", kannel.plan["texts"]["plain"])
    dlrs = kannel.listener.dlrs["receipt"]
    kannel.until(lambda: {kind for kind, _ in dlrs} >= {ACCEPTED, DELIVERED}, "DLR of the submit_sm_resp")
    ids = {message_id for _, message_id in dlrs}
    assert len(ids) == 1, dlrs
    return ids.pop()


def mo(kannel: Kannel) -> str:
    plan = kannel.plan
    kannel.sendsms("mo", f"MO {plan['short_code']}")
    kannel.until(lambda: kannel.listener.mos, "MO")
    found = kannel.listener.mos[0]
    assert found["text"] == plan["texts"]["mo"], found
    assert found["to"] == plan["short_code"], found
    assert found["from"].removeprefix("+") == plan["to"]["mo"], found
    return found["text"]


def fakesmsc_traffic(kannel: Kannel, fake_port: int, log: Path) -> str:
    """Each message of fakesmsc is answered by a service, through us; we accept them all."""
    accepted = submits_accepted(kannel.server)
    message = f"{kannel.plan['to']['fakesmsc traffic']} 100 text hello %d"
    command = [str(FAKESMSC), "-H", HOST, "-r", str(fake_port), "-i", "0.002", "-m", str(TRAFFIC), message]
    with running(command, log):
        kannel.until(lambda: submits_accepted(kannel.server) - accepted >= TRAFFIC, "answers to fakesmsc", TRAFFIC_S)
    return f"{TRAFFIC} answers"


def unbind(server: Server, before: int) -> str:
    """The transceiver, the transmitter and the receiver were unbound when bearerbox stopped."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := server.unbound() - before) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found >= 3, f"{found} sessions ended by unbind"
    return str(found)


def submits_accepted(server: Server) -> float:
    return server.metric("smsagg_smpp_pdus_total", direction="out", command="submit_sm_resp", status="ESME_ROK")


def enquire_links(server: Server) -> float:
    return server.metric("smsagg_smpp_pdus_total", direction="in", command="enquire_link")


@contextmanager
def booted(plan: Mapping[str, Any], folder: Path, server: Server) -> Iterator[tuple[Kannel, int]]:
    """Kannel with the configuration below; and the port of its fake SMSC."""
    listener = Listener()
    ports = {name: free_port() for name in ("admin", "smsbox", "sendsms", "fake")}
    config = folder / "kannel.conf"
    config.write_text(config_of(plan, folder, server.port, ports, listener.port))
    try:
        with (
            running(["bearerbox", "-v", "1", str(config)], folder / "bearerbox.log"),
        ):
            kannel = Kannel(plan, server, listener, ports["sendsms"])
            kannel.until(lambda: is_listening(ports["smsbox"]), "bearerbox", BOUND_S)
            with running(["smsbox", "-v", "4", str(config)], folder / "smsbox.log"):
                kannel.until(lambda: is_listening(ports["sendsms"]), "smsbox", BOUND_S)
                yield kannel, ports["fake"]
    finally:
        listener.close()


def is_listening(port: int) -> bool:
    """Without a connection, which Kannel would take for a box: a row of the kernel's table in state LISTEN."""
    local = f":{port:04X} "
    return any(local in line and line.split()[3] == "0A" for line in Path("/proc/net/tcp").read_text().splitlines()[1:])


def config_of(plan: Mapping[str, Any], folder: Path, port: int, ports: Mapping[str, int], http_port: int) -> str:
    smpp = f"""
group = smsc
smsc = smpp
host = {HOST}
smsc-username = {plan["system_id"]}
system-type = ""
interface-version = 34
enquire-link-interval = 1
dest-addr-ton = 1
dest-addr-npi = 1
reconnect-delay = 1
"""
    tlvs = "".join(
        f"\ngroup = smpp-tlv\nname = {name}\ntag = {tag}\ntype = integer\nlength = {octets}\nsmsc-id = ours\n"
        for name, tag, octets in (
            ("sar_msg_ref_num", "0x020C", 2),
            ("sar_total_segments", "0x020E", 1),
            ("sar_segment_seqnum", "0x020F", 1),
        )
    )
    return f"""group = core
admin-port = {ports["admin"]}
admin-password = interop
admin-allow-ip = {HOST}
smsbox-port = {ports["smsbox"]}
smsbox-interface = {HOST}
box-allow-ip = {HOST}
dlr-storage = internal
{smpp}smsc-id = ours
smsc-password = {plan["password"]}
port = {port}
transceiver-mode = 1
{smpp}smsc-id = ours
smsc-password = {plan["password"]}
port = {port}
{smpp}smsc-id = ours
smsc-password = {plan["password"]}
receive-port = {port}
{smpp}smsc-id = stranger
smsc-password = wrong
port = {port}
transceiver-mode = 1
{tlvs}
group = smsc
smsc = fake
smsc-id = fake
port = {ports["fake"]}
connect-allow-ip = {HOST}
denied-smsc-id = fake

group = smsbox
bearerbox-host = {HOST}
sendsms-port = {ports["sendsms"]}
sendsms-interface = {HOST}

group = sendsms-user
username = interop
password = interop
concatenation = true
max-messages = 20

group = sms-service
keyword = default
accepted-smsc = fake
text = "You wrote: %r"

group = sms-service
keyword = default
accepted-smsc = ours
get-url = "http://{HOST}:{http_port}/mo?from=%p&to=%P&text=%a&coding=%c"
catch-all = true
max-messages = 0
"""
