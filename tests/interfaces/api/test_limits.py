"""Requests are counted by user and by address, by role, and refused with when to come again."""

from pathlib import Path

import pytest

from domain.users import Role
from tests.interfaces.api.answers import problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import House, an_api

LIMITS = {"LASTRO_LIMIT_ANONYMOUS": "2", "LASTRO_LIMIT_USERS": "3", "LASTRO_LIMIT_ADMINS": "4"}


@pytest.mark.parametrize(("role", "limit"), [(Role.TRADER, 3), (Role.ADMIN, 4)])
def test_a_user_is_refused_beyond_the_limit_of_the_role_and_nobody_else(
    *, house: House, tmp_path: Path, role: Role, limit: int
) -> None:
    with an_api({**house.installation.settings, **LIMITS}, tmp_path) as api:
        person, other = (house.person(role).at(api) for _ in range(2))
        assert [person.get("me").status_code for _ in range(limit)] == [200] * limit
        refused = person.get("me")
        problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60
        assert other.get("me").status_code == 200


def test_finance_health_and_metrics_are_not_counted(house: House, tmp_path: Path) -> None:
    with an_api({**house.installation.settings, **LIMITS}, tmp_path) as api:
        finance, nobody = house.finance.at(api), Caller(http=api)
        assert {finance.get("me").status_code for _ in range(8)} == {200}
        assert {nobody.get("/health/live").status_code for _ in range(8)} == {200}


def test_strangers_are_counted_by_their_address(house: House, tmp_path: Path) -> None:
    with an_api({**house.installation.settings, **LIMITS}, tmp_path) as api:
        said = {"tenant": house.tenant, "email": "nobody@example.org", "password": "no such pass phrase"}
        answers = [Caller(http=api).post("auth/login", said, key=None) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
