"""``smsagg trace`` against a running server."""

import subprocess
import sys
from pathlib import Path

from integration_processes import Esme, Process, serving

GB = "447700900123"


def test_following_an_account(tmp_path: Path) -> None:
    """The bind, the submit, what was decided, the receipt; no text, no password; and a capture beside it."""
    with serving(tmp_path) as server:
        capture = tmp_path / "trace.pcap"
        arguments = ("trace", "--account", "demo", "--config", str(tmp_path / "smsagg.toml"), "--pcap", str(capture))
        trace = Process(*arguments, log=tmp_path / "trace.log")
        try:
            trace.wait_for_line("(following)")
            with Esme(server.smpp) as esme:
                esme.submit(GB)
                esme.read_until(lambda: len(esme.receipts) == 1)
            bind = trace.wait_for_line("(bind_transceiver.*)")
            submit = trace.wait_for_line("(submit_sm #.*)")
            trace.wait_for_line("(committed  country GB, pool .*)")
            trace.wait_for_line("(taken  by .*)")
            receipt = trace.wait_for_line("(deliver_sm #.*)")
        finally:
            trace.close()
        assert "password='********'" in bind
        assert f"destination_addr='{GB}'" in submit
        assert "short_message='<5 octets>'" in submit
        assert "stat:DELIVRD" in receipt
        assert "hello" not in receipt
        assert capture.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1"


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """Says where it looked, with exit status 1."""
    command = [sys.executable, "-m", "smsagg", "trace", "--account", "demo", "--socket", str(tmp_path / "none")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "no server answers at" in ended.stderr
