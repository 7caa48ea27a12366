"""``smsagg carrier`` and ``smsagg drill`` on a terminal: what a running server answers, as people read it."""

from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from smsagg.cli import carrier as carrier_module
from smsagg.cli import drill as drill_module
from smsagg.cli.carrier_view import detail_of, drill_of, overview_of

LINK = {
    "name": "alpha/1", "bound": True, "window": 10, "in_flight": 3, "circuit": "open", "silent": True,
    "rate_contracted": 100.0, "rate_paced": 12.5,
}  # fmt: skip
RECORD: dict[str, Any] = {
    "carrier": "alpha",
    "state": "restricted",
    "links": [LINK],
    "in_flight": 3,
    "countries": [
        {"country": "VN", "circuit": "open", "judged_by_receipts": True, "held": ["slowed to 5/s by busy: errors 90%"]}
    ],
    "held": ["drained: their upgrade"],
    "drained_since": 1_800_000_000_000,
    "actions": [
        {
            "source": "rule busy",
            "country": "VN",
            "action": "slow",
            "reason": "busy: errors 90%",
            "ends_in_s": 42.0,
        }
    ],
    "over_s": 600.0,
    "taken": 1234,
    "errors": 0.016,
    "delivery": 0.5,
    "receipts": 1000,
    "receipt_s": 4.0,
    "response_ms": 80.0,
}
REPORT: dict[str, Any] = {
    "carrier": "alpha",
    "country": "",
    "kind": "outage",
    "ended_by": "time",
    "lasted_s": 600.0,
    "ends_in_s": 0.0,
    "refused": 0,
    "countries": [
        {"country": "GB", "total": 900, "moved": 450, "to": {"beta": 440, "gamma": 10}, "wait_before_s": 0.1,
         "wait_during_s": 0.35}
    ],
}  # fmt: skip


def printed(renderable: Any) -> str:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(renderable)
    return console.export_text()


def test_all_carriers() -> None:
    """A line each, and below what holds them back, why, and for how long."""
    text = printed(overview_of([RECORD]))
    assert "alpha" in text
    assert "1.6%" in text
    assert "VN: circuit open, judged by receipts" in text
    assert "VN: slowed to 5/s by busy: errors 90%, for another 42 s" in text
    assert "drained since 2027-01-15 08:00:00 UTC" in text


def test_one_carrier() -> None:
    """Each link with its window, rates and circuit."""
    text = printed(detail_of(RECORD))
    assert "alpha/1" in text
    assert "12.5" in text
    assert "open (nothing is answered)" in text
    assert "last 10m: taken 1234" in text


def test_the_report_of_a_drill() -> None:
    """What moved where, and the delay that it cost."""
    text = printed(drill_of(REPORT))
    assert "lasted 10m, ended by time" in text
    assert "beta 440, gamma 10" in text
    assert "0.2 s" in text


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Requests that reached the server, which answers what fits."""
    requests: list[dict[str, Any]] = []

    def ask_server(_path: Any, _socket: str, request: dict[str, Any]) -> list[dict[str, Any]]:
        requests.append(request)
        if request["command"] == "drill":
            return [REPORT | ({"ended_by": "", "ends_in_s": 0.01} if request["do"] == "start" else {})]
        answers: dict[str, Any] = {
            "status": RECORD | {"in_flight": 0},
            "drain": {"carrier": "alpha", "pools_left": ["gb"], "in_flight": 3},
            "resume": {"carrier": "alpha", "was_drained": True, "actions_ended": 1},
        }
        return [answers[request["do"]]]

    monkeypatch.setattr(carrier_module, "ask_server", ask_server)
    monkeypatch.setattr(drill_module, "ask_server", ask_server)
    return requests


def test_carrier_commands(asked: list[dict[str, Any]]) -> None:
    """Status, drain and resume ask for what they say."""
    run = CliRunner().invoke
    assert run(carrier_module.carrier, ["status", "--config", "x", "--json"]).output.startswith('{"carrier": "alpha"')
    drained = run(carrier_module.carrier, ["drain", "alpha", "--config", "x", "--reason", "upgrade", "--wait"])
    assert "no carrier is left for the pools gb" in drained.output
    assert "alpha has nothing outstanding" in drained.output
    assert "1 action of rules ended" in run(carrier_module.carrier, ["resume", "alpha", "--config", "x"]).output
    assert [request["do"] for request in asked] == ["status", "drain", "status", "resume"]
    assert asked[1]["reason"] == "upgrade"


def test_drill_commands(asked: list[dict[str, Any]]) -> None:
    """A drill is waited for, stopped, looked at; a duration without its unit is refused."""
    run = CliRunner().invoke
    result = run(drill_module.drill, ["carrier", "alpha", "--config", "x", "--for", "10m", "--country", "VN"])
    assert "lasted 10m" in result.output
    assert [request["do"] for request in asked] == ["start", "report"]
    assert asked[0] | {"for_s": 600.0, "country": "VN", "kind": "outage"} == asked[0]
    assert run(drill_module.drill, ["stop", "alpha", "--config", "x", "--json"]).output.startswith("{")
    assert run(drill_module.drill, ["carrier", "alpha", "--config", "x", "--for", "10"]).exit_code == 2
