import pytest

from domain import tenants
from domain.tenants import CreateTenant, MalformedTenantName, Tenant, TenantCreated, TenantExists
from tests.domain.given import given

ACME = TenantCreated(name="acme", open_registration=False, auto_approve=False)


def test_a_tenant_is_closed_to_strangers_unless_told_otherwise() -> None:
    given(tenants).when(CreateTenant(name="acme")).then(ACME)


def test_a_tenant_is_created_with_its_settings() -> None:
    given(tenants).when(CreateTenant(name="demo", open_registration=True, auto_approve=True)).then(
        TenantCreated(name="demo", open_registration=True, auto_approve=True)
    )
    state = given(tenants, TenantCreated(name="demo", open_registration=True, auto_approve=False)).state
    assert state == Tenant(name="demo", open_registration=True, auto_approve=False)


def test_a_name_is_taken_once() -> None:
    given(tenants, ACME).when(CreateTenant(name="acme")).raises(TenantExists, name="acme")


@pytest.mark.parametrize("name", ["", "a", "1a", "Acme", "a-b", "a_b", "acme ", "acme\n", "é1", "a" * 33, "a:b"])
def test_a_name_has_2_to_32_letters_and_digits_and_begins_with_a_letter(name: str) -> None:
    given(tenants).when(CreateTenant(name=name)).raises(MalformedTenantName, name=name)


def test_the_longest_and_the_shortest_name_are_legal() -> None:
    for name in ("a1", "a" * 32):
        given(tenants).when(CreateTenant(name=name)).then(
            TenantCreated(name=name, open_registration=False, auto_approve=False)
        )


def test_system_is_no_tenant() -> None:
    given(tenants).when(CreateTenant(name="system")).raises(MalformedTenantName, name="system")
