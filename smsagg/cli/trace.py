"""``smsagg trace``: follow an account, a number, a message or a carrier through a running server."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import trio

from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import CONFIG_VARIABLE
from smsagg.cli.ungrouped import ungrouped
from smsagg.config.load import load_config
from smsagg.control import ask, socket_path
from smsagg.errors import ControlError
from smsagg.trace.pcap import PcapWriter

_ARROWS = {("esme", True): "esme → us", ("esme", False): "us → esme", ("carrier", True): "carrier → us"}


@click.command()
@click.option("--account", default="", help="Everything of this account.")
@click.option("--msisdn", default="", help="Everything to and from this number.")
@click.option("--message", default="", help="Everything about the message with this id.")
@click.option("--carrier", default="", help="Everything on this carrier's links.")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=CONFIG_VARIABLE,
    show_envvar=True,
    help="The server's file.",
)
@click.option("--socket", "socket_file", default="", help="The server's control socket, instead of --config.")
@click.option("--pcap", "pcap_path", type=click.Path(path_type=Path, dir_okay=False), help="Write PDUs for Wireshark.")
@click.option("--bodies", is_flag=True, help="Show texts. The server's log tells that you did.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each event.")
@click.option("--count", type=click.IntRange(1), help="End after so many events.")
def trace(
    account: str,
    msisdn: str,
    message: str,
    carrier: str,
    config_path: Path | None,
    socket_file: str,
    pcap_path: Path | None,
    bodies: bool,
    as_json: bool,
    count: int | None,
) -> None:
    """Print PDUs and decisions as they happen, until interrupted. Conditions given together must all hold."""
    wanted = {"account": account, "msisdn": msisdn, "message": message, "carrier": carrier}
    if not any(wanted.values()):
        raise click.UsageError("give at least one of --account, --msisdn, --message, --carrier")
    path = _path_of(config_path, socket_file)
    request = {"command": "trace", "bodies": bodies, **wanted}
    show: Callable[[dict[str, Any]], str] = json.dumps if as_json else line_of
    try:
        with ungrouped():
            trio.run(_follow, path, request, pcap_path, show, count)
    except* KeyboardInterrupt:
        pass


def _path_of(config_path: Path | None, socket_file: str) -> str:
    if socket_file:
        return socket_file
    if config_path is None:
        raise click.UsageError("give --config or --socket")
    path = socket_path(load_config(config_path, settings_class))
    if not path:
        raise ControlError(f"{config_path}: server.control_socket is empty: this server cannot be asked")
    return path


async def _follow(
    path: str,
    request: dict[str, Any],
    pcap_path: Path | None,
    show: Callable[[dict[str, Any]], str],
    count: int | None,
) -> None:
    sender, receiver = trio.open_memory_channel[dict[str, Any]](0)
    pcap_file = pcap_path.open("wb") if pcap_path is not None else None
    try:
        pcap = PcapWriter(pcap_file) if pcap_file is not None else None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, path, request, sender)
            seen = 0
            async for record in receiver:
                if pcap is not None:
                    pcap.add(record)
                click.echo(show(record))
                seen += record["kind"] != "began"
                if seen == count:
                    nursery.cancel_scope.cancel()
    finally:
        if pcap_file is not None:
            pcap_file.close()


def line_of(record: dict[str, Any]) -> str:
    """One event for people."""
    at = datetime.fromtimestamp(record["at"], UTC).strftime("%H:%M:%S.%f")[:-3]
    match record["kind"]:
        case "began":
            return f"{at} following; times are UTC"
        case "dropped":
            return f"{at} {record['count']} events dropped: they came faster than they could be read"
        case "decision":
            return f"{at} {record['message_id'] or '-':16}  {record['decision']}  {record['detail']}".rstrip()
    way = _ARROWS.get((record["side"], record["inbound"]), "us → carrier")
    fields = " ".join(f"{name}={value!r}" for name, value in record["fields"].items())
    status = "" if record["command_status"] == "ESME_ROK" else f" {record['command_status']}"
    where = f"{record['session']} {record['account']}".rstrip()
    return f"{at} {way:12}  {where}  {record['pdu']}{status} #{record['sequence_number']} {fields}".rstrip()
