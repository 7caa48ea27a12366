"""The README's first steps, as a newcomer takes them: its own client against the server that ``make run`` starts."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMSAGG = [sys.executable, "-c", "from smsagg.cli import main; main()"]


@pytest.fixture
def smpp_port(tmp_path: Path) -> Iterator[str]:
    """A server on the developers' configuration, with free ports and a store of its own."""
    text = (ROOT / "configs" / "dev.toml").read_text()
    text = re.sub(r'(_listen = )".*"', r'\1"127.0.0.1:0"', text).replace("var/smsagg.db", f"{tmp_path}/smsagg.db")
    (tmp_path / "gateway.toml").write_text(text)
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [*SMSAGG, "serve", "--config", "gateway.toml"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert server.stdout is not None
    try:
        said = map(re.compile(r"SMPP\s+127\.0\.0\.1:(\d+)").search, server.stdout)
        yield next(match[1] for match in said if match)
    finally:
        server.terminate()
        server.stdout.close()
        assert server.wait(20) == 0


def test_the_readmes_client_gets_three_receipts_for_three_messages(smpp_port: str, tmp_path: Path) -> None:
    """Bind, submit to GB, VN and UZ, and read receipts until every accepted id has one."""
    (script,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "first.py").write_text(script.replace("2775", smpp_port))
    done = subprocess.run([sys.executable, tmp_path / "first.py"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    accepted = re.findall(r"^accepted (\w+)$", done.stdout, re.MULTILINE)
    receipts = re.findall(r"^receipt  id:(\w+) .* stat:(?:DELIVRD|UNDELIV) ", done.stdout, re.MULTILINE)
    assert len(accepted) == 3
    assert sorted(accepted) == sorted(receipts)
