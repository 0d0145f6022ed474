"""The drill: write, back up, lose everything, restore to a moment, and prove what is there; with real servers."""

import json
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest

from interfaces.postgres.backup import ship
from tests.interfaces.cli.command import Lastro

pytestmark = [pytest.mark.crash, pytest.mark.postgres, pytest.mark.timeout(900)]

WITHIN_S = 120
KEYS = ("master.key", "evidence.key")


def log_of(lastro: Lastro) -> list[dict[str, Any]]:
    said = lastro("events", "tail", "--after", "0", "--json").succeeded().said
    return [json.loads(line) for line in said.splitlines()]


def shipped(lastro: Lastro) -> None:
    """Have what is written archived now, as the server does by itself within a minute."""
    with psycopg.connect(lastro.layout.urls().owner, autocommit=True) as connection:
        ship(connection)


def person(lastro: Lastro, name: str) -> dict[str, Any]:
    words = ("--email", f"{name}@example.org", "--role", "finance", "--json")
    return lastro("user", "create", *words).succeeded().answer


@pytest.fixture
def kept(home: Path) -> Path:
    """Where keys and checkpoints are kept, apart from the installation and from its backups."""
    kept = home / "kept"
    kept.mkdir()
    return kept


@pytest.mark.slow
def test_a_destroyed_installation_is_restored_to_a_moment_and_proves_it(lastro: Lastro, home: Path, kept: Path) -> None:
    place = home / "backups"
    with lastro.started("up", "--port", "0") as up:
        up.ready()
        ana = person(lastro, "ana")
        backed_up = lastro("backup", str(place), "--json").succeeded().answer
        person(lastro, "bob")
        early = kept / "early.note"
        lastro("audit", "checkpoint", "--out", str(early)).succeeded()
        good = log_of(lastro)
        person(lastro, "carol")
        late = kept / "late.note"
        lastro("audit", "checkpoint", "--out", str(late)).succeeded()
        whole = log_of(lastro)
        shipped(lastro)
        assert up.drained()[0] == 0
    for name in KEYS:
        shutil.move(lastro.data / name, kept / name)
    assert not any(path.name in KEYS for path in place.rglob("*"))
    shutil.rmtree(lastro.data)

    to = good[-1]["recorded_at"]
    restored = lastro("restore", str(place), "--to", to, "--json").succeeded().answer
    assert restored["log_position"] == len(good) > backed_up["log_position"]
    assert restored["archived"] == len(whole)
    assert len(restored["missing_keys"]) == len(KEYS)
    refused = lastro("user", "create", "--email", "dora@example.org", "--role", "viewer", "--json")
    assert (refused.status, refused.said) == (2, "")
    for name in KEYS:
        (lastro.data / name).unlink(missing_ok=True)
        shutil.copy(kept / name, lastro.data / name)

    assert log_of(lastro) == good
    lastro("audit", "checkpoint").succeeded()  # the last seal came behind the moment, and is as lost as what it sealed
    lastro("audit", "verify", "--checkpoint", str(early)).succeeded()
    lost = lastro("audit", "verify", "--json", "--checkpoint", str(late))
    assert lost.status == 1
    assert {one["check"] for one in lost.answer["checks"] if one["found"]} == {"checkpoints"}
    _nothing_follows_before_it_is_confirmed(lastro, ana)


def _nothing_follows_before_it_is_confirmed(lastro: Lastro, ana: dict[str, Any]) -> None:
    with lastro.started("up", "--port", "0") as up:
        up.ready()
        up.until(lambda: _stopped(lastro), within_s=WITHIN_S)
        assert lastro("epoch", "list").status == 1
        person(lastro, "eve")
        assert lastro("projections", "list", "--json").status == 1
        confirmed = lastro("epoch", "confirm", "--json").succeeded().answer
        assert confirmed["confirmed_by"].startswith("cli:")
        up.until(lambda: lastro("status").status == 0, within_s=WITHIN_S)
        up.until(lambda: lastro("projections", "list").status == 0, within_s=WITHIN_S)
        assert lastro("epoch", "confirm").status == 1
        assert lastro("psql", "--", "-Atc", "select 1").succeeded().said == "1\n"
    assert ana["id"] in json.dumps(log_of(lastro))
    lastro("audit", "verify").succeeded()


def _stopped(lastro: Lastro) -> bool:
    parts = lastro("status", "--json").answer["parts"]
    said = {one["name"]: one["error"] or "" for one in parts if one["kind"] != "projection"}
    return bool(said) and all("waits for an operator" in error for error in said.values())


def test_a_moment_between_two_appends_can_be_restored_to(lastro: Lastro, home: Path) -> None:
    """No backup ends there: the server recovers to the transaction that committed the append before."""
    place, copy = home / "backups", Lastro(data=home / "copy")
    lastro("migrate").succeeded()
    with lastro.started("api", "--port", "0"):  # keeps the server, so that what is archived is complete at the end
        lastro("backup", str(place)).succeeded()
        for code in ("ONE", "TWO"):
            lastro("asset", "add", code).succeeded()
        log = log_of(lastro)
        shipped(lastro)
    restored = copy("restore", str(place), "--to", str(len(log) - 1), "--json").succeeded().answer
    assert (restored["log_position"], restored["archived"]) == (len(log) - 1, len(log))
    assert log_of(copy) == log[:-1]


@pytest.mark.slow
def test_every_moment_of_the_archive_can_be_restored_to_and_no_other(lastro: Lastro, home: Path) -> None:
    place = home / "backups"
    lastro("migrate").succeeded()
    before = len(log_of(lastro))
    with lastro.started("api", "--port", "0"):  # keeps the server, so that what is archived is complete at the end
        first = lastro("backup", str(place), "--json").succeeded().answer["log_position"]
        lastro("asset", "add", "ONE").succeeded()
        second = lastro("backup", str(place), "--json").succeeded().answer
        lastro("asset", "add", "TWO").succeeded()
        log = log_of(lastro)
        shipped(lastro)
    assert (first, second["log_position"], len(log)) == (before, before + 1, before + 2)
    assert second["backup"].endswith("base-2")

    wanted = {str(before): before, str(before + 1): before + 1, "": len(log), log[-2]["recorded_at"]: before + 1}
    for number, (to, position) in enumerate(wanted.items()):
        copy = Lastro(data=home / f"copy{number}")
        words = ("--to", to) if to else ()
        restored = copy("restore", str(place), *words, "--json").succeeded().answer
        assert restored["log_position"] == position, to
        assert log_of(copy) == log[:position]
    for to in (str(before - 1), "2001-01-01T00:00:00Z"):
        refused = Lastro(data=home / "never")("restore", str(place), "--to", to)
        assert (refused.status, refused.said) == (2, "")
        assert not (home / "never" / "pg").exists()
    again = lastro("restore", str(place))
    assert again.status == 2
    assert "is there already" in again.errors
