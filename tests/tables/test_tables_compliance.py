"""The file of countries' rules: read strictly, with the line's key and the reason."""

from pathlib import Path

import pytest

from smsagg.carriers.registry import settings_class
from smsagg.compliance import Senders
from smsagg.config.compliance_settings import ComplianceSettings
from smsagg.config.load import load_config
from smsagg.config.schema import DataFile
from smsagg.errors import ConfigError
from smsagg.tables import load_tables
from smsagg.testing.gateway import make_config

CONFIGS = Path(__file__).parents[2] / "configs"


def test_the_shipped_file_is_sound() -> None:
    """More than a dozen countries; texts of marketing alone are asked for anything by night."""
    compliance = load_tables(load_config(CONFIGS / "example.toml", settings_class)).compliance
    assert len(compliance.rules) >= 12
    assert all(set(rules.hours) <= {"marketing"} for rules in compliance.rules.values())
    france = compliance.of("FR")
    assert france is not None
    assert france.texts[0].is_in("Soldes! stop au 36200")
    assert compliance.needs_template_approval("IN", "otp")
    assert not compliance.needs_template_approval("GB", "otp")
    assert compliance.of("ZW") is None


def test_sections_and_their_default(tmp_path: Path) -> None:
    """Hours of one class add up; countries without a section have the default's rules."""
    file = tmp_path / "rules.toml"
    file.write_text(
        '[default]\nsenders = "registered"\n[GB]\n[[GB.hours]]\nclasses = ["default"]\nopen = ["08:00-12:00"]\n'
        '[[GB.hours]]\nclasses = ["default"]\ndays = ["sat"]\nopen = ["14:00-15:00"]\noutside = "refuse"\n'
    )
    compliance = load_tables(make_config(compliance=ComplianceSettings(DataFile(str(file))))).compliance
    default, britain = compliance.of("VN"), compliance.of("GB")
    assert default is not None
    assert britain is not None
    assert (default.senders, britain.senders) == (Senders.REGISTERED, Senders.ANY)
    hours = britain.hours["default"]
    assert (sum(hours.week), hours.holds) == (7 * 240 + 60, False)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[XX]\n", "XX: is no country code"),
        ('[GB]\nclasses = ["otpp"]\n', "GB.classes[0]"),
        ('[GB]\nholidays = ["tomorrow"]\n', "GB.holidays"),
        ('[[GB.hours]]\nclasses = ["otp"]\nopen = ["8-9"]\n', "GB.hours[0].open"),
        ("[[GB.hours]]\nclasses = []\n", "GB.hours[0].classes"),
        ('[[GB.texts]]\nclasses = ["otp"]\n', "GB.texts[0].has"),
        ('[GB]\nsenders = "all"\n', "GB.senders"),
        ("GB = 1\n", "GB"),
        ("[GB", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """With the file and the key."""
    file = tmp_path / "rules.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_tables(make_config(compliance=ComplianceSettings(DataFile(str(file)))))
    assert str(caught.value).startswith(str(file))
    assert problem in str(caught.value)
