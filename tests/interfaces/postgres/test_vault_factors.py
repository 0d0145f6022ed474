"""Second factors against a real server: sealed, replaced until confirmed, each step and each backup code good once."""

import asyncio

import pytest

from application.identity_ports import FactorIsOn
from application.ports import Clock, UnknownSubject
from domain.ids import SubjectId
from interfaces.postgres.connections import Pool, reading
from interfaces.postgres.vault import PostgresVault
from interfaces.postgres.vault_crypto import VaultKeys
from interfaces.postgres.vault_factors import PostgresSecondFactors

pytestmark = pytest.mark.anyio

ANA, BOB = SubjectId("a" * 32), SubjectId("b" * 32)
SECRET, OTHER = "JBSWY3DPEHPK3PXP", "GEZDGNBVGY3TQOJQ"


@pytest.fixture(autouse=True)
async def people(vault: PostgresVault) -> None:
    for subject in (ANA, BOB):
        await vault.create_subject("acme", subject, stream=f"acme:user-{subject}", fields={})


@pytest.fixture
def factors(source: Pool, keys: VaultKeys, clock: Clock) -> PostgresSecondFactors:
    return PostgresSecondFactors(source, keys, clock)


async def test_a_secret_is_replaced_until_it_is_confirmed_and_lies_sealed(
    factors: PostgresSecondFactors, source: Pool
) -> None:
    for secret in (OTHER, SECRET):
        await factors.begin_factor("acme", ANA, secret)
    found = await factors.get_factor("acme", ANA)
    assert found is not None
    assert (found.secret, found.is_confirmed) == (SECRET, False)
    assert SECRET not in repr(found)
    async with reading(source, "acme") as connection:
        rows = await (await connection.execute("select sealed from vault.second_factors")).fetchall()
    assert all(SECRET.encode() not in sealed for (sealed,) in rows)
    await factors.confirm_factor("acme", ANA, ["one"])
    with pytest.raises(FactorIsOn):
        await factors.begin_factor("acme", ANA, OTHER)
    assert await factors.get_factor("acme", BOB) is None
    assert await factors.get_factor("other", ANA) is None


async def test_of_many_who_use_a_step_at_once_one_does_and_none_goes_back(factors: PostgresSecondFactors) -> None:
    await factors.begin_factor("acme", ANA, SECRET)
    used = await asyncio.gather(*(factors.use_step("acme", ANA, 100) for _ in range(8)))
    assert sorted(used) == [False] * 7 + [True]
    assert [await factors.use_step("acme", ANA, step) for step in (99, 100, 101)] == [False, False, True]
    assert not await factors.use_step("acme", BOB, 200)


async def test_a_backup_code_is_good_once_for_its_owner(factors: PostgresSecondFactors) -> None:
    for subject in (ANA, BOB):
        await factors.begin_factor("acme", subject, SECRET)
    await factors.confirm_factor("acme", ANA, ["abcd-efgh", "ijkl-mnop"])
    assert not await factors.use_backup_code("acme", BOB, "abcd-efgh")
    used = await asyncio.gather(*(factors.use_backup_code("acme", ANA, "ABCD EFGH") for _ in range(8)))
    assert sorted(used) == [False] * 7 + [True]
    assert await factors.count_backup_codes("acme", ANA) == 1
    await factors.confirm_factor("acme", ANA, ["qrst-uvwx"])
    assert not await factors.use_backup_code("acme", ANA, "ijkl-mnop")
    await factors.remove_factor("acme", ANA)
    assert await factors.get_factor("acme", ANA) is None
    assert await factors.count_backup_codes("acme", ANA) == 0


async def test_erasing_a_person_takes_the_factor_along(factors: PostgresSecondFactors, vault: PostgresVault) -> None:
    await factors.begin_factor("acme", ANA, SECRET)
    await factors.confirm_factor("acme", ANA, ["abcd-efgh"])
    await vault.erase_subject("acme", ANA)
    assert await factors.get_factor("acme", ANA) is None
    assert await factors.count_backup_codes("acme", ANA) == 0
    with pytest.raises(UnknownSubject):
        await factors.begin_factor("acme", ANA, SECRET)
