"""The texts of a configuration: which files they are, and what is kept of secrets."""

import tomllib
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsagg.carriers.registry import carrier_types, settings_class
from smsagg.config.documents import (
    Documents,
    data_files,
    digest_of_all,
    digests_with,
    is_secret,
    name_of,
    read_documents,
    redacted,
    restored,
)
from smsagg.config.load import parse_config
from smsagg.config.schema import Config
from smsagg.errors import ConfigError
from smsagg.resolvers.http import HttpResolverSettings

DIGEST_OF = digests_with(b"key")

SPELLINGS = """
password_hash = "$argon2id$v=19$secret1"
password="secret2" # the old password = "secret3"
'password' = 'secret4'
"old_password_hash" = \"\"\"secret5\"\"\"
outbind = { address = "a:1", password = "secret6" }
api.keys.one.token = "secret7"
password_env = "NOT_SECRET"
passwords_allowed = "not secret either"
# password = "secret8
"""


def of(text: str) -> Documents:
    return Documents("smsagg.toml", {"smsagg.toml": text, "routes.toml": 'x = "password = 1"\n'})


@pytest.mark.parametrize("line", [line for line in SPELLINGS.splitlines() if line])
def test_no_spelling_of_a_secret_is_kept(line: str) -> None:
    """Whatever quotes it has, wherever it stands; what only looks like one stays."""
    text = redacted(of(line + "\n"), DIGEST_OF).texts["smsagg.toml"]
    if line.startswith(("password_env", "passwords_allowed")):
        assert text == line + "\n"
    elif not line.endswith("secret8"):  # an open quote in a comment is no value
        assert "secret" not in text
        assert text.count("redacted:") == line.count("secret")


def test_other_documents_stay_as_they_are() -> None:
    """Data files hold no secrets."""
    assert redacted(of(""), DIGEST_OF).texts["routes.toml"] == 'x = "password = 1"\n'


def test_an_empty_secret_is_no_secret() -> None:
    """It says that there is none."""
    assert redacted(of('password = ""\n'), DIGEST_OF).texts["smsagg.toml"] == 'password = ""\n'


def test_a_spelling_that_is_not_understood_keeps_nothing() -> None:
    """Rather no text than a secret in it: here the key has an escape."""
    text = redacted(of('"pass\\u0077ord" = "secret"\nx = 1\n'), DIGEST_OF).texts["smsagg.toml"]
    assert text.startswith("# smsagg.toml writes a secret in a way")
    assert "\n" not in text[:-1]


SECRETS = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1, max_size=12)


@given(st.lists(SECRETS, min_size=1, max_size=5))
@example(['a"b', "c\\d", "redacted:x"])
def test_a_text_is_whole_again_with_the_secrets_of_the_present_one(secrets: list[str]) -> None:
    """Wherever the present file has them; marks tell changed secrets from those that are the same."""
    literals = ['"' + secret.replace("\\", "\\\\").replace('"', '\\"') + '"' for secret in secrets]
    text = "".join(f"[accounts.a{i}]\npassword = {literal}\n" for i, literal in enumerate(literals))
    safe = redacted(of(text), DIGEST_OF).texts["smsagg.toml"]
    elsewhere = "".join(f"[x{i}]\nold_password_hash = {literal}\n" for i, literal in enumerate(reversed(literals)))
    assert tomllib.loads(restored(safe, elsewhere, DIGEST_OF)) == tomllib.loads(text)


def test_secrets_that_are_gone_are_named_by_their_lines() -> None:
    """Nothing is put in their place."""
    safe = redacted(of('a = 1\npassword = "one"\n[x]\npassword = "two"\n'), DIGEST_OF).texts["smsagg.toml"]
    with pytest.raises(ConfigError, match=r"not in the present file: line 2$"):
        restored(safe, 'password = "two"\n', DIGEST_OF)


def test_a_digest_tells_names_and_texts() -> None:
    """Of the whole: another name, another text, another file."""
    digests = {
        digest_of_all(texts) for texts in ({"a": "1"}, {"b": "1"}, {"a": "2"}, {"a": "1", "b": ""}, {"a": "", "b": "1"})
    }
    assert len(digests) == 5


CONFIG = """
[accounts.acme]
system_id = "acme"
password_hash = "$argon2id$v=19$m=19456,t=3,p=1$noX+Iw763ShLhVZnnser4A$M1DcfYGpzs4iR6ubb7HmTvh5JgrsN11OGA5JJIcDMMI"
price_list = "prices/acme.csv"
[carriers.alpha]
type = "simulated"
rate_card = "../cards/alpha.csv"
[pools.gb]
carriers = ["alpha"]
"""


def test_data_files_are_found_wherever_a_key_names_one(tmp_path: Path) -> None:
    """They are called by their paths as seen from the main file."""
    folder = tmp_path / "etc"
    for path in (folder / "prices", tmp_path / "cards"):
        path.mkdir(parents=True)
    main = folder / "smsagg.toml"
    main.write_text(CONFIG)
    (folder / "prices" / "acme.csv").write_text("acme\n")
    (tmp_path / "cards" / "alpha.csv").write_text("alpha\n")
    config = parse_config(CONFIG, str(main), settings_class)
    assert {name_of(main, file) for file in data_files(config)} == {"prices/acme.csv", "../cards/alpha.csv"}
    documents = read_documents(main, config)
    assert documents.main == "smsagg.toml"
    assert documents.texts == {"smsagg.toml": CONFIG, "prices/acme.csv": "acme\n", "../cards/alpha.csv": "alpha\n"}


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Its path and why."""
    main = tmp_path / "smsagg.toml"
    main.write_text(CONFIG)
    with pytest.raises(ConfigError, match=r"acme\.csv: cannot be read: No such file"):
        read_documents(main, parse_config(CONFIG, str(main), settings_class))


def tables_in(type_: Any, seen: set[Any]) -> set[Any]:
    """All attrs classes that a configuration may hold."""
    for one in (type_, *get_args(type_)):
        if attrs.has(one) and one not in seen:
            seen.add(one)
            for attribute in attrs.fields(attrs.resolve_types(one)):
                tables_in(attribute.type, seen)
        elif one is not type_:
            tables_in(one, seen)
    return seen


def test_whatever_the_schema_hides_is_secret() -> None:
    """A key that no log may show is kept in no version: it is called as secrets are."""
    types = [Config, *map(settings_class, carrier_types()), HttpResolverSettings]
    tables = set[Any]().union(*(tables_in(type_, set()) for type_ in types))
    hidden = {attribute.name for table in tables for attribute in attrs.fields(table) if not attribute.repr}
    assert {"password", "secret", "token", "url"} <= hidden
    assert [key for key in sorted(hidden) if not is_secret(key)] == []
