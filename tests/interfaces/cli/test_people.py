import pytest

from tests.interfaces.cli.command import Lastro


def test_a_user_is_made_with_a_password_that_is_shown_once(migrated: Lastro) -> None:
    made = migrated("user", "create", "--email", "ana@example.org", "--role", "finance", "--json").succeeded().answer
    again = migrated("user", "create", "--email", "ANA@example.org", "--role", "viewer", "--json")
    log = migrated("events", "tail", "--json").succeeded().said

    assert len(made["id"]) == 32
    assert len(made["password"]) >= 16
    assert (again.status, again.said) == (2, "")
    assert "taken" in again.errors
    assert f"main:user-{made['id']}" in log
    assert "ana@example.org" not in log
    assert made["password"] not in log


def test_a_given_password_is_not_repeated(migrated: Lastro) -> None:
    words = ("--email", "ana@example.org", "--role", "finance", "--role", "auditor", "--password", "correct horse")
    done = migrated("user", "create", *words, "--json").succeeded()
    assert list(done.answer) == ["id"]
    assert "correct horse" not in done.said + done.errors


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--email", "ana@example.org", "--role", "king"), "king: the roles are admin"),
        (("--email", "nobody", "--role", "viewer"), "no e-mail address"),
        (("--email", "ana@example.org", "--role", "viewer", "--password", "short"), "at least 8 characters"),
        (("--email", "ana@example.org"), "role"),
    ],
)
def test_wrong_words_are_refused_before_anything_starts(lastro: Lastro, words: tuple[str, ...], reason: str) -> None:
    done = lastro("user", "create", *words)
    assert (done.status, done.said) == (2, "")
    assert reason in done.errors
    assert "Traceback" not in done.errors
    assert not lastro.data.exists()


def test_tenants_and_assets_are_made_once(migrated: Lastro) -> None:
    assert migrated("tenant", "create", "acme", "--open-registration", "--json").succeeded().answer == {"name": "acme"}
    assert migrated("tenant", "create", "acme").status == 2
    assert migrated("tenant", "create", "Not A Name").status == 2
    assert migrated("asset", "add", "TST", "--scale", "6", "--json").succeeded().answer == {"asset": "TST", "scale": 6}
    assert migrated("asset", "add", "TST", "--scale", "8").status == 2
    assert migrated("user", "create", "--tenant", "acme", "--email", "b@example.org", "--role", "admin").status == 0
    nowhere = migrated("user", "create", "--tenant", "nowhere", "--email", "b@example.org", "--role", "admin")
    assert (nowhere.status, nowhere.errors) == (2, "lastro: There is no such tenant.\n")
