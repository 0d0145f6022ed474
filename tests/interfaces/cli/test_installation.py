import json
import subprocess
import sys
import time

import pytest

from interfaces.postgres.configuration import Urls
from tests.interfaces.cli.command import ROOT, Lastro

NOWHERE = "postgresql://lastro:secret-word@127.0.0.1:1/lastro"


@pytest.mark.postgres
def test_migrate_makes_what_an_installation_begins_with_once(lastro: Lastro) -> None:
    first = lastro("migrate", "--json").succeeded().answer
    log = lastro("events", "tail", "--after", "0", "--json").succeeded().said
    second = lastro("migrate", "--json").succeeded().answer
    log_afterwards = lastro("events", "tail", "--after", "0", "--json").succeeded().said

    assert len(first["applied"]) >= 4
    assert second == {"applied": []}
    events = [json.loads(line) for line in log.splitlines()]
    assert events[0]["stream"] == "system:tenant-main"
    assert {event["actor"].partition(":")[0] for event in events} == {"cli"}
    assert log_afterwards == log
    assert not lastro.server_runs


@pytest.mark.parametrize(
    "words", [("api",), ("worker",), ("status",), ("events", "tail"), ("tenant", "create", "acme")]
)
def test_an_older_schema_is_exit_status_3(lastro: Lastro, empty_database: Urls, words: tuple[str, ...]) -> None:
    urls = {
        "LASTRO_DATABASE_URL": empty_database.app,
        "LASTRO_OWNER_URL": empty_database.owner,
        "LASTRO_PROJECTOR_URL": empty_database.projector,
    }
    done = lastro(*words, **urls)
    assert done.status == 3
    assert done.said == ""
    assert done.errors.endswith("lastro migrate\n")
    assert len(done.errors.splitlines()) == 1


def test_what_serves_or_only_looks_needs_the_application_role_alone(migrated: Lastro) -> None:
    others = dict.fromkeys(("LASTRO_OWNER_URL", "LASTRO_PROJECTOR_URL"), NOWHERE)
    assert migrated("status", "--json", **others).succeeded().answer["parts"] == []
    with migrated.started("api", "--port", "0", **others) as api:
        api.until(lambda: any(event["event"] == "api.listening" for event in api.events))
        assert api.drained()[0] == 0


@pytest.mark.postgres
def test_doctor_names_what_is_not_right(lastro: Lastro) -> None:
    sick = lastro("doctor", "--json", LASTRO_API_PROT="80")
    assert sick.status == 1
    assert "LASTRO_API_PROT" in sick.answer["findings"][0]
    assert any("lastro migrate" in finding for finding in sick.answer["findings"])


def test_an_installation_in_order_has_no_findings(migrated: Lastro) -> None:
    migrated("user", "create", "--email", "ana@example.org", "--role", "admin").succeeded()
    assert migrated("doctor", "--json").succeeded().answer == {"findings": []}
    assert migrated("status", "--json").succeeded().answer["parts"] == []


@pytest.mark.postgres
def test_psql_is_the_application_and_passes_its_status_on(lastro: Lastro) -> None:
    lastro("migrate").succeeded()
    assert lastro("psql", "--", "-Atc", "select current_user").succeeded().said.strip() == "lastro_app"
    assert lastro("psql", "--", "-c", "select broken").status == 1
    assert not lastro.server_runs


def test_config_masks_secrets(lastro: Lastro) -> None:
    urls = dict.fromkeys(("LASTRO_DATABASE_URL", "LASTRO_OWNER_URL", "LASTRO_PROJECTOR_URL"), NOWHERE)
    done = lastro("config", "--json", **urls).succeeded()
    assert done.answer["LASTRO_DATABASE_URL"] == NOWHERE.replace("secret-word", "***")
    assert "secret-word" not in done.said


def test_a_database_that_does_not_answer_is_one_sentence(lastro: Lastro) -> None:
    urls = dict.fromkeys(("LASTRO_DATABASE_URL", "LASTRO_OWNER_URL", "LASTRO_PROJECTOR_URL"), NOWHERE)
    done = lastro("status", **urls)
    assert done.status == 2
    assert done.errors.startswith("lastro: ")
    assert "Traceback" not in done.errors
    assert "secret-word" not in done.errors


def test_an_impossible_setting_is_named(lastro: Lastro) -> None:
    done = lastro("status", LASTRO_API_PORT="many")
    assert done.status == 2
    assert done.errors.startswith("lastro: LASTRO_API_PORT: ")


def test_help_is_quick_and_imports_nothing_that_runs() -> None:
    program = (
        "import sys; from interfaces.cli.main import app; "
        "print([name for name in ('fastapi', 'psycopg', 'pydantic', 'uvicorn') if name in sys.modules])"
    )
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert time.monotonic() - begun < 5
