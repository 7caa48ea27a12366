"""Clients that nobody here wrote against a real server: the fast part of ``make interop``."""

import sys
from pathlib import Path

import pytest

from tools.interop.judge import judge_unbinds
from tools.interop.plan import CHECKS, OPERATIONS, plan_for
from tools.interop.world import CLIENTS, HOST, SIMULATED_CARRIER, free_port, run_client, serving

CANNOT = {"smpplib": {*OPERATIONS, "mo"} - {"query"}, "aiosmpplib": {*OPERATIONS, "mo"}}
"""What the packages have no commands for; and a simulated carrier has no handsets."""


@pytest.mark.parametrize("name", CANNOT)
def test_a_client_finds_all_that_it_asks_for(name: str, tmp_path: Path) -> None:
    """Binds, plain text and UCS-2, three ways of long texts, receipts by their id, query, wrong password, unbind."""
    with serving(tmp_path, [name], SIMULATED_CARRIER, free_port()) as server:
        plan = plan_for(0, name, HOST, server.port, has_mo=False)
        results = run_client([sys.executable, str(CLIENTS / f"{name}_client.py")], plan, tmp_path / "client.log")
        judge_unbinds(results, server.unbound)
    assert not [result for result in results.values() if result["ok"] is False]
    assert {check for check in CHECKS if results[check]["ok"] is None} == CANNOT[name]
