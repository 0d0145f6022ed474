"""`lastro projections`: how read models stand, and how a broken one is mended while the others go on."""

import httpx
import psycopg
import pytest

from interfaces.postgres.configuration import Urls
from projections.models import PROJECTIONS
from tests.interfaces.api.installation import free_port
from tests.interfaces.cli.command import Lastro

WITHIN_S = 120


def states(connection: psycopg.Connection) -> dict[str, str]:
    """What the followed generations say of themselves; commands say the same and take seconds to start."""
    return dict(connection.execute("SELECT name, state FROM worker.reports WHERE kind = 'projection'").fetchall())


@pytest.mark.timeout(300)
def test_read_models_are_made_compared_taken_back_and_dropped_by_commands(migrated: Lastro) -> None:
    before = migrated("projections", "list")
    made = migrated("projections", "rebuild", "--all", "--json").succeeded()
    nothing = migrated("projections", "compare", "users")
    again = migrated("projections", "rebuild", "users", "assets").succeeded()
    compared = migrated("projections", "compare", "users", "--json").succeeded().answer
    back = migrated("projections", "rollback", "users", "--json").succeeded().answer
    dropped = migrated("projections", "drop", "--all", "--json").succeeded().answer
    after = migrated("projections", "list", "--json")

    assert before.status == 1
    assert "missing" in before.said
    assert made.answer == {"live": [f"{name}_g1" for name in PROJECTIONS]}
    assert "rebuilding: 100 %" in made.errors
    assert (nothing.status, nothing.said) == (2, "")
    assert "no earlier generation" in nothing.errors
    assert again.said.startswith("users_g2 is live, at log position ")
    assert compared == {
        "compared": [{"model": "users", "generation": "users_g1", "role": "retired", "differences": []}]
    }
    assert back == {"live": ["users_g1"]}
    assert sorted(dropped["dropped"]) == ["assets_g1", "users_g2"]
    assert after.status == 1  # no worker follows them
    assert {one["state"] for one in after.answer["generations"]} == {"silent"}
    assert {one["lag"] for one in after.answer["generations"]} == {0}


@pytest.mark.parametrize("words", [("rebuild",), ("rebuild", "nothing"), ("rebuild", "--all", "users"), ("drop",)])
def test_words_that_name_no_model_are_refused_before_anything_starts(lastro: Lastro, words: tuple[str, ...]) -> None:
    done = lastro("projections", *words)
    assert (done.status, done.said) == (2, "")
    assert "Traceback" not in done.errors
    assert not lastro.server_runs


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_generations_that_differ_are_a_finding_and_an_operator_decides(migrated: Lastro, database: Urls) -> None:
    migrated("projections", "rebuild", "assets").succeeded()
    with psycopg.connect(database.owner) as connection:
        connection.execute("UPDATE assets_g1.assets SET portfolio_scale = 17 WHERE code = 'BTC'")
    found = migrated("projections", "rebuild", "assets", "--json")
    refused = migrated("projections", "switch", "assets")
    switched = migrated("projections", "switch", "assets", "--despite-differences", "--json").succeeded()

    assert found.status == 1
    assert found.answer["differs"] == "assets_g2"
    assert {one["row"]["portfolio_scale"] for one in found.answer["differences"]} == {17, 18}
    assert refused.status == 1
    assert "--despite-differences" in refused.said
    assert switched.answer == {"live": ["assets_g2"]}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_broken_model_stops_alone_is_seen_and_is_mended_by_a_rebuild(migrated: Lastro, database: Urls) -> None:
    """A real worker and a real API: the model cannot take the next event, and no other model notices."""
    port = free_port()
    with (
        migrated.started("worker", "--roles", "projections") as worker,
        migrated.started("api", "--port", str(port)),
        psycopg.connect(database.owner, autocommit=True) as connection,
    ):
        worker.until(lambda: states(connection).keys() == {f"{name}_g1" for name in PROJECTIONS}, within_s=WITHIN_S)
        connection.execute("ALTER TABLE assets_g1.assets ADD CONSTRAINT broken CHECK (code <> 'TST')")
        migrated("asset", "add", "TST").succeeded()
        worker.until(lambda: states(connection)["assets_g1"] == "stopped", within_s=WITHIN_S)
        listed = migrated("projections", "list", "--json")
        health, health_outside = (
            httpx.get(f"http://127.0.0.1:{port}/health/ready", headers=said, trust_env=False).json()["parts"]
            for said in ({}, {"X-Forwarded-For": "203.0.113.7"})
        )
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text

        migrated("projections", "rebuild", "assets").succeeded()
        worker.until(lambda: states(connection).get("assets_g2") == "running", within_s=WITHIN_S)
        migrated("projections", "drop", "assets").succeeded()
        worker.until(lambda: set(states(connection).values()) == {"running"}, within_s=WITHIN_S)
        migrated("projections", "list").succeeded()
        shown = connection.execute("SELECT count(*) FROM read.assets WHERE code = 'TST'").fetchone()

    assert listed.status == 1
    stopped = [one for one in listed.answer["generations"] if one["state"] != "running"]
    assert [one["model"] for one in stopped] == ["assets"]
    assert "broken" in stopped[0]["error"]
    assert [(one["name"], one["error"]) for one in health if one["state"] == "stopped"] == [
        ("assets_g1", stopped[0]["error"])
    ]
    assert [(one["name"], one["error"]) for one in health_outside if one["state"] == "stopped"] == [("assets_g1", None)]
    assert 'lastro_follower_running{kind="projection",name="assets_g1"} 0.0' in metrics
    assert 'lastro_follower_running{kind="projection",name="users_g1"} 1.0' in metrics
    assert shown == (1,)
    assert any(event["event"] == "projection.stopped" for event in worker.events)
