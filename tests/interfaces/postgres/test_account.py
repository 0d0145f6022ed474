"""Which user the server runs under when we are root; nobody is made, and nothing runs, in these tests."""

import os
import pwd
from pathlib import Path

import pytest

from interfaces.postgres.account import Account, server_account


def pretend(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Be root on a machine that has these users."""
    users = {name: pwd.struct_passwd((name, "x", 900 + n, 900, "", "/", "")) for n, name in enumerate(names)}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", lambda name: users[name])


def test_who_is_not_root_runs_the_server_as_themselves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert server_account(tmp_path / "pg") == Account()


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_root_takes_the_first_unprivileged_user_that_exists(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: int
) -> None:
    users = ("postgres", "nobody", "lastro")[missing:]
    pretend(monkeypatch, *users, "somebody")
    assert server_account(tmp_path / "pg") == Account(user_id=900, group_id=900)


def test_a_cluster_that_exists_stays_with_its_owner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cluster = tmp_path / "pg"
    owner = server_account(cluster)
    cluster.mkdir()
    owner.own(cluster)
    pretend(monkeypatch, "postgres")
    assert server_account(cluster).user_id == cluster.stat().st_uid != 900
