"""A user downloads the own branch and checks it with sixty lines of plain Python; what was falsified does not hold."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from domain.users import Role
from interfaces.audit.notes import VerifierKey
from interfaces.audit.proofs import ProofFails, check_proof
from tests.interfaces.api.answers import body, problem
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.entries import top_up
from tests.interfaces.api.installation import House, Installation

PROOF = "proofs/liabilities"
CHECKER = Path(__file__).parents[3] / "docs" / "check_liabilities.py"
MOST_LINES = 60


def lastro(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "interfaces.cli.main", *arguments]
    environment = {**os.environ, **installation.settings}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)


def sealed(installation: Installation) -> str:
    """Have the trees made and signed, as an operator does; return the public key, as it is handed out."""
    done = lastro(installation, "audit", "checkpoint")
    assert done.returncode == 0, done.stderr
    return next(line.removeprefix("key: ") for line in done.stderr.splitlines() if line.startswith("key: "))


def checked(proof: Mapping[str, Any], at: Path, *key: str) -> subprocess.CompletedProcess[str]:
    """Run the checker as its user does: a process of its own, isolated from everything that is installed here."""
    at.write_text(json.dumps(proof))
    return subprocess.run(
        [sys.executable, "-I", "-S", str(CHECKER), str(at), *key],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def paid(house: House) -> Caller:
    """A trader who is owed 12.50, among others, and not in the only tenant."""
    assert house.installation.a_house().trader.user
    for caller, value in (
        (house.person(Role.TRADER), "7.00"),
        (house.trader, "12.50"),
        (house.person(Role.TRADER), "1"),
    ):
        body(house.finance.post("ledger/entries", top_up(caller.user, value)), 201)
    return house.trader


@pytest.fixture
def key(house: House, paid: Caller) -> str:  # noqa: ARG001 - what is owed is owed before it is sealed
    return sealed(house.installation)


@pytest.fixture
def proof(paid: Caller, key: str) -> dict[str, Any]:  # noqa: ARG001 - it is sealed first
    return body(paid.get(PROOF))


def test_the_checker_has_at_most_sixty_lines_and_imports_nothing_of_ours() -> None:
    lines = CHECKER.read_text().splitlines()
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= 120
    assert {line.split()[1] for line in lines if line.startswith(("import", "from"))} <= {
        "base64,",
        "decimal",
        "hashlib",
    }


def test_a_user_downloads_the_own_branch_and_checks_it(
    *, paid: Caller, house: House, key: str, proof: dict[str, Any], tmp_path: Path
) -> None:
    assert (proof["user"], proof["tenant"]) == (paid.user, house.tenant)
    assert proof["amounts"] == [{"value": "12.50", "asset": "USD"}]
    done = checked(proof, tmp_path / "proof.json", key)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        f"user {paid.user} of {house.tenant} is owed 12.50 USD at log position {proof['log_position']}" in done.stdout
    )
    assert f"all {proof['size']} users together 20.50 USD" in done.stdout
    assert checked(proof, tmp_path / "proof.json").returncode == 0, "with the key in the proof"
    said = check_proof(json.dumps(proof), VerifierKey.parse(key))
    assert f"is owed 12.50 USD, and all {proof['size']} users together 20.50 USD" in said
    assert int(paid.get(PROOF).headers["X-Log-Position"]) == proof["log_position"]


def other(value: object) -> object:
    """Return something that is like a value and not the same."""
    match value:
        case int():
            return value + 1
        case str() if value.isdecimal() or value.replace(".", "").isdecimal():
            return value[:-1] + str((int(value[-1]) + 1) % 10)
        case str() if len(value) in {32, 64}:
            return value[:-1] + ("0" if value[-1] != "0" else "1")
        case str():
            return "X" + value[1:]
        case _:
            raise TypeError(value)


def places(value: object, *way: str | int) -> Iterator[tuple[str | int, ...]]:
    """Name every single value inside a proof."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from places(part, *way, name)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from places(part, *way, number)
    else:
        yield way


def changed(proof: Mapping[str, Any], *way: str | int) -> dict[str, Any]:
    forged = copy.deepcopy(dict(proof))
    inner: Any = forged
    for step in way[:-1]:
        inner = inner[step]
    inner[way[-1]] = other(inner[way[-1]])
    return forged


def forgeries(proof: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Change every value, and then whatever a cheat would try."""
    for way in places(proof):
        if way[0] not in {"proves", "key"}:  # the name of the form, and what is compared with the own copy
            yield f"{way} is another", changed(proof, *way)
    first, *rest = proof["path"]
    money = [{"value": "1.00", "asset": "USD"}]
    changes: dict[str, dict[str, object]] = {
        "nothing is owed to me": {"amounts": []},
        "more is owed to me": {"amounts": [{"value": "13.00", "asset": "USD"}]},
        "less than nothing beside me": {"path": [{**first, "amounts": [{"value": "-1.00", "asset": "USD"}]}, *rest]},
        "nothing beside me": {"path": [{**step, "amounts": []} for step in proof["path"]]},
        "an asset more beside me": {"path": [{**first, "amounts": [{"value": "1.00", "asset": "AAA"}, *money]}, *rest]},
        "an asset twice": {"amounts": [*proof["amounts"], *proof["amounts"]]},
        "another scale": {"amounts": [{"value": "12.500", "asset": "USD"}]},
        "as a number": {"amounts": [{"value": 12.5, "asset": "USD"}]},
        "beyond the limit": {"path": [{**first, "amounts": [{"value": "9" * 48, "asset": "USD"}]}, *rest]},
        "neighbours swapped": {"path": proof["path"][::-1]},
        "a branch cut short": {"path": proof["path"][1:]},
        "a branch grown": {"path": [*proof["path"], first]},
        "the other side": {"index": proof["index"] ^ 1},
        "a smaller tree": {"size": proof["size"] - 1},
        "no such leaf": {"index": proof["size"]},
        "a leaf before the first": {"index": -1},
        "a tree of one": {"size": 1, "index": 0, "path": []},
        "a level too high": {"tenants_path": [*proof["tenants_path"], {"level": 64, "hash": "0" * 64}]},
        "no other tenants": {"tenants_path": []},
        "a note without signature": {"checkpoint": proof["checkpoint"].partition("\n\n")[0] + "\n\n"},
        "a note of another log": {"checkpoint": "X" + proof["checkpoint"][1:]},
        "no note": {"checkpoint": ""},
    }
    for what, change in changes.items():
        yield what, {**proof, **change}


def test_what_was_falsified_does_not_hold(key: str, proof: dict[str, Any], tmp_path: Path) -> None:
    assert len(proof["path"]) > 1
    assert proof["tenants_path"], "there are other tenants"
    own, tried = VerifierKey.parse(key), 0
    for what, forged in forgeries(proof):
        done = checked(forged, tmp_path / "proof.json", key)
        assert done.returncode == 1, f"{what}: {done.stdout}"
        assert not done.stdout, what
        with pytest.raises(ProofFails):
            check_proof(json.dumps(forged), own)
        tried += 1
    assert tried > 30


def test_a_proof_signed_by_somebody_else_does_not_hold_with_the_own_copy_of_the_key(
    house: House, proof: dict[str, Any], tmp_path: Path
) -> None:
    del house
    stranger = VerifierKey(name=proof["key"].split("+")[0], public=bytes(range(32)))
    assert checked(proof, tmp_path / "proof.json", str(stranger)).returncode == 1
    assert checked({**proof, "key": str(stranger)}, tmp_path / "proof.json").returncode == 1


def test_everybody_gets_the_own_branch_and_nobody_elses(house: House, paid: Caller, key: str) -> None:
    assert key
    nothing = house.person(Role.VIEWER)
    stranger = house.installation.a_house().trader
    for late in (nothing, stranger):
        problem(late.get(PROOF), 404, "no_liability_proof")
    sealed(house.installation)
    proofs = [body(caller.get(PROOF)) for caller in (paid, nothing, stranger)]
    assert [one["user"] for one in proofs] == [paid.user, nothing.user, stranger.user]
    assert [one["amounts"] for one in proofs] == [[{"value": "12.50", "asset": "USD"}], [], []]
    assert proofs[2]["size"] == 1
    assert paid.user not in json.dumps(proofs[1:])
    for role in (Role.FINANCE, Role.AUDITOR, Role.ADMIN):
        problem(house.the(role).get(PROOF), 403, "role_not_allowed")
    with_query = paid.get(PROOF, user=nothing.user)
    assert with_query.json()["user"] == paid.user


def test_a_tree_that_has_not_come_so_far_is_not_waited_for(paid: Caller, key: str, house: House) -> None:
    assert key
    body(paid.get(PROOF, after=1))
    answer = paid.get(PROOF, after=house.head() + 1_000_000)
    problem(answer, 503, "position_not_reached")


def test_an_operator_sees_all_trees_and_that_they_are_the_ledgers(
    house: House, key: str, proof: dict[str, Any]
) -> None:
    assert key
    done = lastro(house.installation, "audit", "liabilities", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["sound"]
    assert said["findings"] == []
    assert said["log_position"] >= proof["log_position"]
    tree = next(each for each in said["tenants"] if each["tenant"] == house.tenant)
    assert tree["users"] == proof["size"]
    assert tree["totals"] == [{"value": "20.50", "asset": "USD"}]
    people = lastro(house.installation, "audit", "liabilities")
    assert f"{house.tenant}: {proof['size']} users are owed 20.50 USD" in people.stdout
