"""Names and texts of commands and statuses, against smpplib's."""

import pytest
from smpplib import consts
from smpplib.command_codes import commands

from smsagg.smpp import command, status

SMPPLIB = {name[5:]: value for name, value in vars(consts).items() if name.startswith("SMPP_ESME_")}


@pytest.mark.parametrize("name", sorted(SMPPLIB))
def test_statuses_agree_with_smpplib(name: str) -> None:
    """Every status that smpplib names has the same number here, and a description."""
    assert getattr(status, name) == SMPPLIB[name]
    assert status.name_of(SMPPLIB[name]) == name
    assert status.describe(SMPPLIB[name]).startswith(f"{name} (")


@pytest.mark.parametrize("name", sorted(commands))
def test_commands_agree_with_smpplib(name: str) -> None:
    """Every command that smpplib names has the same number here."""
    assert command.CommandId[name.upper()] == commands[name]
    assert command.name_of(commands[name]) == name


def test_names_of_what_has_none() -> None:
    """Vendor and unknown values are given as numbers."""
    assert status.name_of(0x0000ABCD) == "0x0000ABCD"
    assert status.describe(0x0000ABCD) == "0x0000ABCD"
    assert status.describe(0x00000401) == "0x00000401 (vendor specific)"
    assert status.describe(status.ESME_RPROHIBITED) == "ESME_RPROHIBITED"
    assert command.name_of(0x12345678) == "0x12345678"
    assert status.is_vendor_specific(0x400)
    assert status.is_vendor_specific(0x4FF)
    assert not status.is_vendor_specific(0x500)


def test_names_for_labels_are_a_closed_set() -> None:
    """Whatever a peer answers: what nobody named is one name."""
    assert status.bounded_name_of(status.ESME_RTHROTTLED) == "ESME_RTHROTTLED"
    assert status.bounded_name_of(0x00000401) == "0x00000401"
    assert status.bounded_name_of(0x0000ABCD) == "other"
    assert status.bounded_name_of(0xFFFFFFFF) == "other"
