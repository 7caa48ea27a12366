"""The loader: a sound file becomes a Config, any other is refused with every problem named."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from smsagg.config.load import load_config, parse_config
from smsagg.config.schema import Config, MessageClassSettings, PoolMember
from smsagg.config.units import Duration, Rate, StatusCode
from smsagg.config.validators import at_least
from smsagg.errors import ConfigError

HASH = "$argon2id$v=19$m=19456,t=3,p=1$" + "A" * 22 + "$" + "B" * 43


@define(frozen=True)
class Delay:
    least: Duration = Duration(0.0)
    most: Duration = Duration(1.0)

    def __attrs_post_init__(self) -> None:
        if self.least > self.most:
            raise ValueError("least must be most or less")


@define(frozen=True)
class PluginSettings:
    host: str
    links: int = field(default=1, validator=at_least(1))
    rate: Rate | None = None
    pair: tuple[int, int] = (1, 2)
    shares: dict[StatusCode, float] = field(factory=dict)
    delay: Delay = field(factory=Delay)


def lookup(type_: str) -> type[Any]:
    if type_ != "plug":
        raise ConfigError(f'"{type_}" is no carrier type; installed: plug')
    return PluginSettings


SOUND = f"""
[accounts.acme]
system_id = "acme"
password_hash = "{HASH}"

[carriers.one]
type = "plug"
host = "smsc.example.com"

[pools.world]
carriers = ["one"]
"""


def parse(text: str) -> Config:
    return parse_config(text, "gw.toml", lookup)


def problems(text: str) -> list[str]:
    """The lines of the refusal, without the file's name."""
    with pytest.raises(ConfigError) as refusal:
        parse(text)
    lines = str(refusal.value).splitlines()
    assert all(line.startswith("gw.toml: ") for line in lines)
    return [line.removeprefix("gw.toml: ") for line in lines]


def test_a_sound_file_has_the_schemas_defaults_for_what_it_does_not_say() -> None:
    """The least file gives a whole Config."""
    config = parse(SOUND)
    assert config.server.smpp_listen == "127.0.0.1:2775"
    assert config.pools["world"].carriers == (PoolMember("one"),)
    assert config.carriers["one"].settings == PluginSettings("smsc.example.com")


def test_the_message_class_default_is_always_there() -> None:
    """Nobody who looks an account's class up needs a special case."""
    assert parse(SOUND).message_classes == {"default": MessageClassSettings()}
    assert parse(SOUND + '[message_classes.default]\nttl = "1h"\n').message_classes["default"].ttl == 3_600


def test_a_plugins_settings_use_the_same_types_and_units() -> None:
    """Durations, rates, statuses, tables and fixed tuples reach the plug-in's class converted."""
    text = (
        SOUND
        + """
[carriers.two]
type = "plug"
host = "h"
rate = "600/m"
pair = [3, 4]
shares = { ESME_RSYSERR = 0.5 }
throttled = ["ESME_RTHROTTLED", 0x0401]
delay = { least = "5ms" }
"""
    )
    carrier = parse(text).carriers["two"]
    assert carrier.settings == PluginSettings("h", 1, Rate(10.0), (3, 4), {StatusCode(8): 0.5}, Delay(Duration(0.005)))
    assert carrier.throttled == (0x58, 0x401)


def test_pool_members_are_names_or_tables() -> None:
    """Both forms may stand side by side."""
    text = SOUND.replace('["one"]', '["one", { carrier = "two", weight = 3 }]') + (
        '[carriers.two]\ntype = "plug"\nhost = "h"\n'
    )
    assert parse(text).pools["world"].carriers == (PoolMember("one"), PoolMember("two", weight=3))


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ('[sever]\nsystem_id = "x"', 'sever: is unknown; did you mean "server"?'),
        ("[log]\nzzz = 1", "log.zzz: is unknown; known here: format, level"),
        ("[session]\ntlvs_max = true", "session.tlvs_max: must be a whole number, not true"),
        ('[session]\ntlvs_max = "64"', 'session.tlvs_max: must be a whole number, not "64"'),
        ("[session]\ntlvs_max = 64.0", "session.tlvs_max: must be a whole number, not 64.0"),
        ("[session]\ntlvs_max = 0", "session.tlvs_max: must be 1 or more, not 0"),
        ("[session]\npdu_deadline = 10", "session.pdu_deadline: must be a duration with its unit, such as"),
        ('[session]\npdu_deadline = "0s"', "session.pdu_deadline: must be above 0, not 0.0"),
        ('server = "x"', 'server: must be a table, not "x"'),
        ('[log]\nlevel = "loud"', 'log.level: must be one of "debug", "info", "warning", "error", not "loud"'),
        ('[server]\nsystem_id = "longer_than_15_o"', "server.system_id: must have 0 to 15 octets, not 16"),
        ("[message_classes.x.retry]\njitter = nan", "message_classes.x.retry.jitter: must be a number, not nan"),
        ("[message_classes.x.retry]\njitter = 2", "message_classes.x.retry.jitter: must be from 0 to 1, not 2.0"),
        ('[message_classes.x]\nin_doubt = "ask"', 'message_classes.x.in_doubt: must be one of "resend", "fail"'),
        ("[pools.p]\ncarriers = []", "pools.p.carriers: must not be empty"),
        ("[pools.p]\ncarriers = [5]", "pools.p.carriers[0]: must be a table, not 5"),
        ('[pools.p]\ncarriers = "one"', 'pools.p.carriers: must be a list, not "one"'),
        ('[pools.p]\npolicy = "weighted"', "pools.p.carriers: is required"),
        ('[pools.p]\ncarriers = [{carrier="one", weight=0}]', "pools.p.carriers[0].weight: must be 1 or more"),
        ('[carriers.c]\nhost = "h"', "carriers.c.type: is required"),
        ('[carriers.c]\ntype = "nope"', 'carriers.c.type: "nope" is no carrier type; installed: plug'),
        ('[carriers.c]\ntype = "plug"', "carriers.c.host: is required"),
        ('[carriers.c]\ntype = "plug"\nhost = "h"\nhots = 1', 'carriers.c.hots: is unknown; did you mean "host"?'),
        ('[carriers.c]\ntype = "plug"\nhost = "h"\nlinks = 0', "carriers.c.links: must be 1 or more, not 0"),
        ('[carriers.c]\ntype = "plug"\nhost = "h"\npair = [1]', "carriers.c.pair: must have 2 elements, not 1"),
        ('[carriers.c]\ntype = "plug"\nhost = "h"\nshares.ESME_RNO = 1', "carriers.c.shares.ESME_RNO: must be a comm"),
        ('[carriers.c]\ntype = "plug"\nhost = "h"\ndelay.least = "9s"', "carriers.c.delay: least must be most or less"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(wrong: str, problem: str) -> None:
    """One mistake gives one line: key path, then reason."""
    text = f"{wrong}\n{SOUND}" if not wrong.startswith("[") else f"{SOUND}\n{wrong}\n"
    (line,) = problems(text)
    assert line.startswith(problem)


def test_all_problems_are_told_at_once_those_between_values_included() -> None:
    """A file with wrong single values is still cross-checked in what is left of it."""
    found = problems(
        SOUND
        + """
[routing]
default_pool = "wrold"
[log]
level = 5
colour = true
[pools.gb]
carriers = ["on"]
queue_max = -1
"""
    )
    assert 'routing.default_pool: "wrold" is no pool in this file; did you mean "world"?' in found
    assert sorted(line.split(":")[0] for line in found) == [
        "log.colour",
        "log.level",
        "pools.gb.carriers[0]",
        "pools.gb.queue_max",
        "routing.default_pool",
    ]


def test_a_file_that_is_no_toml_is_refused_with_its_line() -> None:
    """The parser's own words carry line and column."""
    (line,) = problems("[server]\nsystem_id = \n")
    assert line.startswith("is not TOML: ")
    assert "line 2" in line


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A missing file and one that is no text say so."""
    with pytest.raises(ConfigError, match=r"none.toml: cannot be read: No such file"):
        load_config(tmp_path / "none.toml", lookup)
    (tmp_path / "latin.toml").write_bytes(b'[log]\nlevel = "\xe9"\n')
    with pytest.raises(ConfigError, match=r"latin.toml: is not UTF-8: .* at octet 15"):
        load_config(tmp_path / "latin.toml", lookup)


def test_a_problem_never_shows_a_password_hash() -> None:
    """Neither the refusal of a wrong hash nor the printed account shows what stood there."""
    (line,) = problems(SOUND.replace(HASH, "hunter2"))
    assert line == "accounts.acme.password_hash: must be an argon2 hash as `smsagg hash-password` prints it"
    assert HASH not in repr(parse(SOUND))


TOML_VALUES = st.sampled_from(["5", "-1", "true", '""', '"x"', "[]", "[1]", "{}", '"5s"', "1979-05-27", "nan", "{a=1}"])
KEYS = st.sampled_from(
    [
        "server",
        "server.smpp_listen",
        "session.tlvs_max",
        "accounts",
        "accounts.acme.rate",
        "carriers.one",
        "pools.world",
        "carriers.one.type",
        "carriers.one.pair",
        "pools.world.carriers",
        "message_classes.x.retry",
        "log.level",
        "x.y",
    ]
)


@settings(max_examples=200)
@given(KEYS, TOML_VALUES)
def test_any_value_at_any_key_is_taken_or_refused(key: str, value: str) -> None:
    """Nothing that TOML can say raises anything but ConfigError."""
    with suppress(ConfigError):
        parse(f"{key} = {value}\n{SOUND}")
