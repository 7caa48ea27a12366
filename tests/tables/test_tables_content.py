"""Content rules from their file."""

from pathlib import Path

import pytest

from smsagg.carriers.registry import settings_class
from smsagg.config.load import load_config
from smsagg.errors import ConfigError
from smsagg.tables import load_tables
from smsagg.tables.content import load_content

EXAMPLE = Path(__file__).parents[2] / "configs" / "example.toml"


def loaded(folder: Path, content: str) -> tuple[list[str], object]:
    """The problems of a content file, and its rules."""
    text = EXAMPLE.read_text()
    (folder / "config.toml").write_text(text)
    (folder / "content.toml").write_text(content)
    problems: list[str] = []
    rules = load_content(load_config(folder / "config.toml", settings_class), problems)
    return [problem.replace(f"{folder}/", "") for problem in problems], rules


def test_the_shipped_rules_load() -> None:
    """The example's file is sound, and its rules find what they are for."""
    rules = load_tables(load_config(EXAMPLE, settings_class)).content
    compiled = rules.compile("acme")
    assert compiled is not None
    assert compiled.find("Your card has been BLOCKED, go to https://x.example", "GB", "default") == (
        "hold",
        "bank phishing",
    )
    assert compiled.find("see http://a.evil.example/", "FR", "default") == ("block", "blocked hosts")
    assert compiled.find("Your code is 123456", "FR", "default") == ("flag", "one-time password")
    assert compiled.find("See you at 12:30", "GB", "default") is None


def test_hosts_come_from_a_file_too(tmp_path: Path) -> None:
    """One a line, with comments, relative to the file that names it."""
    (tmp_path / "hosts.txt").write_text("# bad ones\nEvil.Example\n\n.bad.test.\n")
    problems, rules = loaded(tmp_path, '[[rules]]\nname = "h"\naction = "block"\nhosts_file = "hosts.txt"')
    assert problems == []
    assert rules.rules[0].hosts == {"evil.example", "bad.test"}  # type: ignore[attr-defined]


def test_every_problem_is_named(tmp_path: Path) -> None:
    """With the file, and the key or the line."""
    problems, _ = loaded(
        tmp_path,
        """
        colour = 1
        [[rules]]
        name = "a"
        action = "drop"
        patterns = ["(a", "b"]
        [[rules]]
        name = ""
        action = "block"
        hosts = ["https://evil.example/"]
        """,
    )
    assert problems == [
        "content.toml: colour: is unknown; known here: rules",
        'content.toml: rules[0].action: must be one of "block", "hold", "flag", not "drop"',
        'content.toml: rules[0].patterns: is no pattern of RE2: missing ): (a, in "(a"',
        'content.toml: rules[1].name: must be 1 to 60 printable characters, without "|", not ""',
        'content.toml: rules[1].hosts: must be a host such as "evil.example", which means all below it as well, not '
        '"https://evil.example/"',
    ]


def test_names_must_lead_somewhere(tmp_path: Path) -> None:
    """Accounts, classes and countries exist, names are unique, and a rule has something to look for."""
    (tmp_path / "hosts.txt").write_text("evil.example\nno host\n")
    problems, _ = loaded(
        tmp_path,
        """
        [[rules]]
        name = "a"
        action = "block"
        hosts_file = "hosts.txt"
        accounts = ["akme"]
        [[rules]]
        name = "a"
        action = "hold"
        countries = ["XX"]
        classes = ["opt"]
        """,
    )
    assert problems == [
        'content.toml: rules[0].accounts[0]: "akme" is no account in this file; did you mean "acme"?',
        'content.toml: rules[1].name: "a" is the name of another rule already',
        "content.toml: rules[1]: must have patterns, hosts or a hosts_file",
        'content.toml: rules[1].countries[0]: "XX" is no country code of ISO 3166 (two capital letters, such as "GB")',
        'content.toml: rules[1].classes[0]: "opt" is no message class in this file; did you mean "otp"?',
        'hosts.txt:2: must be a host such as "evil.example", which means all below it as well, not "no host"',
    ]


@pytest.mark.parametrize("content", ["[[rules]", "rules = 5"])
def test_a_file_that_is_no_rules_is_a_problem(tmp_path: Path, content: str) -> None:
    """TOML that cannot be read, or of another shape."""
    problems, _ = loaded(tmp_path, content)
    assert len(problems) == 1


def test_a_missing_file_stops_the_start(tmp_path: Path) -> None:
    """As every data file that is wrong."""
    (tmp_path / "config.toml").write_text(EXAMPLE.read_text())
    with pytest.raises(ConfigError, match=r"content\.toml: cannot be read"):
        load_tables(load_config(tmp_path / "config.toml", settings_class))


def test_rules_that_need_too_much_memory_are_a_problem(tmp_path: Path) -> None:
    """Said when they are loaded, not when the first message comes."""
    patterns = ", ".join(rf"'(\p{{L}}\p{{N}}){{1,30}}x{n}'" for n in range(20))
    problems, _ = loaded(tmp_path, f'[[rules]]\nname = "a"\naction = "block"\npatterns = [{patterns}]')
    assert problems
    assert "memory" in problems[0]
