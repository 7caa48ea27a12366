"""Reading routes files: every problem with its line, and the rules when there is none."""

import pytest

from smsagg.config.csv_rows import FileProblems
from smsagg.routing.rules import Blocked, Rule
from smsagg.routing.rules.read import Names, read_routes

NAMES = Names(["acme", "bank"], ["default", "otp"], ["gb", "world"])


def read(text: str) -> tuple[list[Rule], list[str], list[str]]:
    """``(rules, problems, warnings)``."""
    problems, warnings = FileProblems("r"), FileProblems("r")
    return read_routes(text, NAMES, problems, warnings), problems.lines, warnings.lines


def rule(**values: str) -> str:
    """A table of a rule, each value as TOML writes it."""
    keys = {"name": '"a"', "pool": '"gb"'} | {key.removesuffix("_"): value for key, value in values.items()}
    return "[[routes]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value)


def test_a_file_of_every_key_is_read() -> None:
    """And the rules keep their order."""
    rules, problems, warnings = read(
        '[[routes]]\nname = "all"\ncomment = "c"\nenabled = false\nvalid_from = 2024-01-01T00:00:00Z\n'
        'valid_until = 2025-01-01T00:00:00+01:00\naccounts = ["acme"]\nclasses = ["otp"]\nprefixes = ["44", "4477"]\n'
        'countries = ["GB"]\nnetworks = ["234", "23415"]\nsenders = ["ACME", "4477*"]\nsender_pattern = "^A"\n'
        'content_pattern = "code"\ntimes = ["22:00-07:00"]\nweekdays = ["mon-fri"]\ntags = ["vip"]\n'
        'block = "closed"\ncommand_status = "ESME_RTHROTTLED"\n'
        '[[routes]]\nname = "set"\ncontinue = true\nset_class = "otp"\nset_tag = "t"\nset_priority = 3\n'
        + rule(name='"last"')
    )
    assert (problems, warnings) == ([], [])
    assert [one.name for one in rules] == ["all", "set", "last"]
    assert rules[0].decision == Blocked("all", "closed", 0x58)
    assert rules[0].prefixes == ("44",), "the longer one adds nothing"
    assert (rules[0].valid_from, rules[0].valid_until) == (1_704_067_200_000, 1_735_686_000_000)
    assert not rules[0].enabled
    assert rules[1].decision is None


def test_an_empty_file_has_no_rules() -> None:
    """Which is no error."""
    assert read("") == ([], [], [])


@pytest.mark.parametrize(
    ("keys", "line", "said"),
    [
        ({"countries": '["GB", "XX"]'}, 4, 'route "a": countries[1]: "XX" is no country code'),
        ({"accounts": '["acmee"]'}, 4, 'accounts[0]: the configuration has no account "acmee"; did you mean "acme"?'),
        ({"classes": '["x"]'}, 4, 'no message class "x"'),
        ({"pool": '"gbb"'}, 3, 'pool: the configuration has no pool "gbb"; did you mean "gb"?'),
        ({"set_class": '"opt"'}, 4, 'no message class "opt"; did you mean "otp"?'),
        (
            {"prefixes": '["+44"]'},
            4,
            'prefixes[0]: must be the leading digits of an international number such as "4477"',
        ),
        ({"prefixes": '[""]'}, 4, "prefixes[0]: must be the leading digits"),
        ({"prefixes": '["044"]'}, 4, 'not "044"'),
        ({"prefixes": "[44]"}, 4, "prefixes[0]: must be a string, not 44"),
        ({"networks": '["23"]'}, 4, "networks[0]: must be a network such as"),
        ({"senders": '["*x"]'}, 4, "senders[0]: must be a sender such as"),
        ({"sender_pattern": '"(a"'}, 4, "sender_pattern: is no pattern of RE2: missing )"),
        ({"content_pattern": "'(?=a)'"}, 4, "content_pattern: is no pattern of RE2"),
        ({"times": '["22:00"]'}, 4, 'times[0]: must be a window such as "22:00-07:00"'),
        ({"weekdays": '["funday"]'}, 4, 'weekdays[0]: must be a weekday such as "mon"'),
        ({"tags": '["a b"]'}, 4, "tags[0]: must be 1 to 64 letters"),
        ({"valid_from": "2024-01-01T00:00:00"}, 4, 'must say its offset from UTC, such as "2024-01-01T00:00:00Z"'),
        ({"valid_from": "2024-01-01"}, 4, "must be a date and time with its offset"),
        (
            {"valid_from": "2024-01-01T00:00:00Z", "valid_until": "2024-01-01T00:00:00Z"},
            5,
            "valid_until: must be after valid_from",
        ),
        ({"set_priority": "4"}, 4, "set_priority: must be from 0 to 3, not 4"),
        ({"name": ""}, 1, "name: is required"),
        ({"name": '"default"'}, 2, '"default" is what messages are counted by'),
        ({"name": '"a b"'}, 2, "name: must be 1 to 64 letters"),
        ({"pool": ""}, 1, "must say what happens: pool, block (with a reason) or continue = true"),
        ({"block": '"x"'}, 4, "block: is too much: pool says already what happens"),
        ({"continue_": "true"}, 4, "continue: is too much"),
        ({"pool": "", "continue_": "true"}, 3, "continue: does nothing without set_class, set_tag or set_priority"),
        ({"command_status": "8"}, 4, "command_status: means nothing without block"),
        ({"pool": "", "block": '"x"', "set_tag": '"t"'}, 4, "set_tag: means nothing for a message that is refused"),
        ({"pool": "", "block": '"x"', "command_status": "0"}, 4, "command_status: must be a command_status"),
        ({"nmae": '"x"'}, 4, 'nmae: is unknown; did you mean "name"?'),
        ({"continue_": '"yes"'}, 4, "continue: must be true or false"),
    ],
)
def test_a_problem_is_told_with_its_line_and_reason(keys: dict[str, str], line: int, said: str) -> None:
    """And no rule is taken from such a file."""
    rules, problems, _ = read(rule(**keys))
    assert rules == []
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"r:{line}: "), problems
    assert said in problems[0]


def test_all_problems_of_a_file_are_told_at_once() -> None:
    """Wrong values do not hide what else is wrong with their rule, or with others, or with the file."""
    text = "x = 1\n" + rule(times='["x", "y"]', countries='["XX"]') + rule(name='"b"', pool='"no"') + rule(name='"b"')
    _, problems, _ = read(text)
    assert [problem.split(":")[1] for problem in problems] == ["1", "5", "5", "6", "9", "11"]
    assert 'another route is called "b"' in problems[-1]


def test_what_is_no_toml_is_told() -> None:
    """With the parser's own words."""
    assert read("[[routes]\n")[1][0].startswith("r: is not TOML: ")


@pytest.mark.parametrize("text", ["routes = 1", "routes = [1]", "routes = {}", "[routes]\nname = 'a'"])
def test_routes_are_an_array_of_tables(text: str) -> None:
    """Other shapes are refused."""
    rules, problems, _ = read(text)
    assert rules == []
    assert "must be" in problems[0]


def test_a_rule_that_nothing_reaches_is_a_warning() -> None:
    """The rules are good all the same."""
    rules, problems, warnings = read(rule() + rule(name='"b"', countries='["GB"]'))
    assert len(rules) == 2
    assert problems == []
    assert warnings == ['r:4: route "b" is never reached: route "a" decides all that it would']
