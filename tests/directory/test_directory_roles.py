"""Roles and scopes."""

import pytest

from smsagg.directory.roles import (
    ACCOUNTS_ROLES,
    ACCOUNTS_SCOPES,
    OPERATORS_ROLES,
    OPERATORS_SCOPES,
    SCOPES_OF,
    scopes_of,
)


@pytest.mark.parametrize("role", ACCOUNTS_ROLES)
def test_nobody_of_an_account_has_a_scope_of_the_operators(role: str) -> None:
    assert scopes_of(role, "acme") <= set(ACCOUNTS_SCOPES)
    assert not scopes_of(role, "acme") & set(OPERATORS_SCOPES)


@pytest.mark.parametrize("role", OPERATORS_ROLES)
def test_all_of_the_operators_own_may_look(role: str) -> None:
    assert "admin:read" in scopes_of(role, "")


def test_an_analyst_reads_and_sees_no_texts() -> None:
    assert all(scope.endswith(":read") for scope in SCOPES_OF["analyst"])
    assert "texts:read" not in SCOPES_OF["analyst"]


def test_a_developer_makes_no_users_and_erases_nobody() -> None:
    assert not SCOPES_OF["developer"] & {"users:write", "personal-data:write"}


def test_only_an_operator_changes_what_is_the_operators() -> None:
    assert [role for role in SCOPES_OF if "admin:write" in SCOPES_OF[role]] == ["operator"]
