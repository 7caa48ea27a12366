"""``make interop``: every client and the carrier that nobody here wrote, a matrix of what works, JSON beside it.

    python -m tools.interop [--only NAME]... [--no-install] [--json FILE]

Exit status 1 when a check failed. What cannot run here is shown as skipped, with the reason.
"""

import argparse
import json
import platform
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import Factory, define
from rich.console import Console
from rich.table import Table

from tools.interop.capture import Capture, Dissection
from tools.interop.install import Tools, install
from tools.interop.judge import CarrierLog, judge, judge_unbinds
from tools.interop.kannel import run_kannel
from tools.interop.plan import CHECKS, plan_for
from tools.interop.world import (
    CLIENTS,
    HOST,
    SIMULATED_CARRIER,
    Server,
    free_port,
    run_client,
    running,
    serving,
    smpp_carrier,
)

FOLDER = Path("var/interop")
MARKS = {"passed": "[green]yes[/]", "failed": "[red]NO[/]", "cannot": "–", "skipped": "[yellow]skip[/]"}


@define
class Peer:
    """A client: its name, its command, what it needs, what to show."""

    name: str
    title: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()


PEERS = (
    Peer("smpplib", "smpplib (Python)", (sys.executable, str(CLIENTS / "smpplib_client.py"))),
    Peer("aiosmpplib", "aiosmpplib (Python)", (sys.executable, str(CLIENTS / "aiosmpplib_client.py"))),
    Peer("npm", "smpp (npm)", ("node", str(CLIENTS / "npm_client.js")), ("node", "npm smpp")),
    Peer("perl", "Net::SMPP (Perl)", ("perl", str(CLIENTS / "net_smpp.pl")), ("Net::SMPP",)),
    Peer("kannel", "Kannel", (), ("bearerbox", "smsbox", "fakesmsc")),
)


@define
class Run:
    """What was found: peer → check → ``{"ok", "detail"}``, ``ok`` ``None`` for what it cannot, ``"skipped"`` …"""

    tools: Tools
    results: dict[str, dict[str, dict[str, Any]]] = Factory(dict)
    skipped: dict[str, str] = Factory(dict)
    """Peer or part → the reason."""
    dissection: Dissection | None = None
    carrier: str = ""

    def counts(self) -> dict[str, int]:
        states = [state_of(result) for peer in self.results.values() for result in peer.values()]
        counts = {state: states.count(state) for state in ("passed", "failed", "cannot")}
        if self.dissection is not None:
            counts["failed" if self.dissection.malformed or not self.dissection.total else "passed"] += 1
        return counts | {"skipped": len(self.skipped)}


def state_of(result: dict[str, Any]) -> str:
    return {True: "passed", False: "failed", None: "cannot"}[result["ok"]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.interop")
    parser.add_argument("--only", action="append", choices=[peer.name for peer in PEERS])
    parser.add_argument("--no-install", action="store_true")
    parser.add_argument("--json", type=Path, default=Path("var/interop.json"))
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    console = Console()
    run = Run(install(FOLDER, may_install=not options.no_install))
    peers = [peer for peer in PEERS if not options.only or peer.name in options.only]
    play(run, peers, console)
    show(run, console)
    counts = run.counts()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report(run), indent=1, ensure_ascii=False) + "\n")
    console.print(", ".join(f"{count} {state}" for state, count in counts.items()) + f"; written to {options.json}")
    return 1 if counts["failed"] else 0


def play(run: Run, peers: list[Peer], console: Console) -> None:
    """Carrier, server and capture once; the clients one after another."""
    folder = FOLDER / "run"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    port, carrier_port = free_port(), free_port()
    with ExitStack() as stack:
        capture = start_capture(run, [port, carrier_port], stack)
        carrier_log = None
        carrier = SIMULATED_CARRIER
        if why := run.tools.why_not("node", "npm smpp"):
            run.skipped["carrier: smpp (npm)"] = why
        else:
            command = ["node", str(CLIENTS / "carrier.js"), str(carrier_port)]
            child = stack.enter_context(running(command, folder / "carrier.log", run.tools.node_env))
            child.wait_for(r"listening on (\d+)")
            carrier, carrier_log = smpp_carrier(carrier_port), CarrierLog(child)
            run.carrier = "smpp (npm)"
        server = stack.enter_context(serving(folder, [peer.name for peer in PEERS], carrier, port))
        for peer in peers:
            if why := run.tools.why_not(*peer.needs):
                run.skipped[peer.title] = why
                continue
            console.print(f"{peer.title} …")
            play_peer(run, peer, server, folder, carrier_log)
    if capture is not None:
        run.dissection = capture.dissect()


def start_capture(run: Run, ports: list[int], stack: ExitStack) -> Capture | None:
    why = run.tools.why_not("tshark", "dumpcap")
    if not why:
        capture = Capture(FOLDER / "run.pcapng", ports)
        why = capture.reason
        if not why:
            stack.callback(capture.stop)
            return capture
    run.skipped["tshark"] = why
    return None


def play_peer(run: Run, peer: Peer, server: Server, folder: Path, carrier_log: CarrierLog | None) -> None:
    plan = plan_for(PEERS.index(peer), peer.name, HOST, server.port, has_mo=carrier_log is not None)
    unbound = server.unbound()
    if peer.name == "kannel":
        results = run_kannel(plan, folder, server)
    else:
        results = run_client(list(peer.command), plan, folder / f"{peer.name}.log", env=run.tools.node_env)
    if carrier_log is not None:
        judge(results, plan, carrier_log)
    if peer.name != "kannel":
        judge_unbinds(results, lambda: server.unbound() - unbound)
    for check in CHECKS:
        results.setdefault(check, {"check": check, "ok": False, "detail": "no result"})
    run.results[peer.title] = results


def show(run: Run, console: Console) -> None:
    table = Table(title=f"Clients, through smsagg to {run.carrier or 'a simulated carrier'}")
    table.add_column("check", no_wrap=True)
    for title in run.results:
        table.add_column(title, justify="center")
    extra = [check for results in run.results.values() for check in results if check not in CHECKS]
    for check in (*CHECKS, *dict.fromkeys(extra)):
        cells = [results.get(check) for results in run.results.values()]
        table.add_row(check, *(MARKS[state_of(cell)] if cell else "" for cell in cells))
    console.print(table)
    for title, results in run.results.items():
        for check, result in results.items():
            if result["ok"] is not True:
                console.print(f"{title}, {check}: {'cannot' if result['ok'] is None else '[red]failed[/]'}: ", end="")
                console.print(result["detail"], markup=False, highlight=False)
    for what, why in run.skipped.items():
        console.print(f"[yellow]skipped[/] {what}: {why}")
    if run.dissection is not None:
        found = run.dissection
        console.print(f"tshark: {found.total:,} PDUs, {len(found.malformed)} malformed")
        for line in found.malformed[:20]:
            console.print(f"  [red]{line}[/]")


def report(run: Run) -> dict[str, Any]:
    """What ``--json`` writes."""
    found = run.dissection
    return {
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "carrier": run.carrier or "simulated",
        "clients": run.results,
        "skipped": run.skipped,
        "tshark": None if found is None else {"pdus": dict(found.pdus), "malformed": found.malformed},
        "counts": run.counts(),
    }


if __name__ == "__main__":
    sys.exit(main())
