"""The command group, ``check-config`` and ``hash-password``."""

import subprocess
import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

import smsagg
from smsagg.cli import COMMANDS, main
from smsagg.config.passwords import HASHER

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


def test_help_lists_every_command_and_imports_none() -> None:
    """The list is quick whatever the commands need."""
    code = (
        "import sys; from click.testing import CliRunner; from smsagg.cli import main;"
        "print(CliRunner().invoke(main, ['--help']).output);"
        "print('imported', [m for m in sys.modules if m in ('trio', 'apsw', 'rich', 'structlog')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in COMMANDS)
    assert "imported []" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_exists_and_explains_itself(runner: CliRunner, name: str) -> None:
    """``smsagg COMMAND --help`` works for all."""
    result = runner.invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Usage: main {name}")


def test_the_version_is_the_packages(runner: CliRunner) -> None:
    """--version tells it."""
    assert smsagg.__version__ in runner.invoke(main, ["--version"]).output


def test_an_unknown_command_is_refused(runner: CliRunner) -> None:
    """With click's own words and status."""
    result = runner.invoke(main, ["srve"])
    assert result.exit_code == 2
    assert "No such command" in result.output


def test_a_good_file_is_shown(runner: CliRunner) -> None:
    """Accounts, pools with what goes to them, and carriers."""
    result = runner.invoke(main, ["check-config", str(CONFIGS / "dev.toml")])
    assert result.exit_code == 0
    for word in ("good", "demo", "albion", "all others", "127.0.0.1:2775"):
        assert word in result.output


def test_all_that_is_in_a_file_is_shown(runner: CliRunner, tmp_path: Path) -> None:
    """Classes, what becomes of texts, routes of messages from handsets in their order, routing rules, and prices."""
    (tmp_path / "card.csv").write_text("prefix,price,currency\n44,0.021,EUR\n84,0.0305,EUR\n")
    (tmp_path / "routes.toml").write_text(
        '[[routes]]\nname = "night"\ncountries = ["GB"]\ntimes = ["22:00-07:00"]\nblock = "quiet_hours"\n'
        'comment = "by law"\n[[routes]]\nname = "otp"\nclasses = ["otp"]\npool = "world"\nset_priority = 0\n'
    )
    file = tmp_path / "all.toml"
    text = (CONFIGS / "minimal.toml").read_text()
    text = text.replace("[carriers.anywhere]", '[carriers.anywhere]\nrate_card = "card.csv"')
    text = text.replace("[routing]", '[routing]\nroutes = "routes.toml"')
    text = text.replace("[accounts.demo]", '[accounts.demo]\nencoding = "smart"\nmo_numbers = ["12345", "447700*"]')
    file.write_text(
        text + '\n[message_classes.otp]\nttl = "5m"\n[[mo_routes]]\nnumber = "12345"\nkeyword = "stop"\n'
        'account = "demo"\n'
    )
    result = runner.invoke(main, ["check-config", str(file)], terminal_width=200, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    for line in (
        "otp 5m resend 20 2s to 5m as_is",
        "demo gsm smart latin none",
        "1 night countries GB; times 22:00-07:00 refused: quiet_hours by law",
        "2 otp classes otp pool world, priority 0",
        "carrier anywhere 2 EUR 0.021 0.0305 submitted",
    ):
        assert line in lines, result.output
    routes = [line.split()[0] for line in lines if line.endswith("as parts")]
    assert routes == ["12345", "12345", "447700*"]


def test_a_bad_file_is_refused_with_all_its_problems(runner: CliRunner, tmp_path: Path) -> None:
    """One line each on standard error, and no traceback."""
    file = tmp_path / "bad.toml"
    file.write_text((CONFIGS / "minimal.toml").read_text() + "\n[log]\nlevel = 5\ncolour = 1\n")
    result = runner.invoke(main, ["check-config", str(file)])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == ["log.colour", "log.level"]


def test_a_missing_file_is_refused(runner: CliRunner, tmp_path: Path) -> None:
    """By its name."""
    result = runner.invoke(main, ["check-config", str(tmp_path / "none.toml")])
    assert (result.exit_code, result.stderr) == (
        1,
        f"{tmp_path}/none.toml: cannot be read: No such file or directory\n",
    )


def test_a_password_from_standard_input_is_hashed(runner: CliRunner) -> None:
    """The hash verifies the password, and no two hashes are alike."""
    first, second = (runner.invoke(main, ["hash-password", "--password-stdin"], input="demo-pw\n") for _ in range(2))
    assert first.exit_code == 0
    assert PasswordHasher().verify(first.output.strip(), "demo-pw")
    assert not HASHER.check_needs_rehash(first.output.strip())
    assert first.output != second.output


def test_a_password_is_asked_for_twice_and_never_shown(runner: CliRunner) -> None:
    """The hash alone goes to standard output."""
    result = runner.invoke(main, ["hash-password"], input="demo-pw\ndemo-pw\n")
    assert result.exit_code == 0
    assert result.stdout.startswith("$argon2id$")
    assert result.stdout.count("\n") == 1
    assert "demo-pw" not in result.output


@pytest.mark.parametrize("password", ["", "123456789", "pässword", "a\tb"])
def test_a_password_that_no_bind_can_carry_is_refused(runner: CliRunner, password: str) -> None:
    """1 to 8 printable ASCII characters (SMPP 3.4 §5.2.2)."""
    result = runner.invoke(main, ["hash-password", "--password-stdin"], input=password + "\n")
    assert result.exit_code == 1
    assert "1 to 8 printable ASCII characters" in result.stderr


def test_the_environment_may_name_the_servers_file(runner: CliRunner, tmp_path: Path) -> None:
    """So that nobody has to write --config in every command; the option goes before it."""
    file = tmp_path / "smsagg.toml"
    for command in (["report"], ["numbers", "list"], ["held", "list"], ["trace", "--account", "demo"], ["serve"]):
        result = runner.invoke(main, command, env={"SMSAGG_CONFIG": str(file)})
        assert str(file) in result.output.replace("\n", ""), command
    result = runner.invoke(main, ["report", "--config", "other.toml"], env={"SMSAGG_CONFIG": str(file)})
    assert "other.toml" in result.output


def test_tables_of_a_configuration_break_no_word_on_a_narrow_terminal(runner: CliRunner) -> None:
    """Of eighty columns."""
    result = runner.invoke(main, ["check-config", str(CONFIGS / "dev.toml")], env={"COLUMNS": "80"})
    for word in ("system_id", "unlimited", "networks", "least_cost", "1000000"):
        assert word in result.output
