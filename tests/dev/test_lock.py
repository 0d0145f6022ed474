from dev.lock import command, digest, faults

PYPROJECT = """
[build-system]
requires = ["hatchling"]
[project]
name = "lastro"
requires-python = ">=3.11"
dependencies = ["pydantic>=2"]
[dependency-groups]
dev = ["ruff"]
"""
LOCK = f"""#    {command(PYPROJECT)}
pydantic==2.14.3 \\
    --hash=sha256:00
"""


def test_a_lock_of_these_dependencies_passes() -> None:
    assert faults(PYPROJECT, LOCK) == []


def test_a_lock_of_other_dependencies_is_stale() -> None:
    assert "make lock" in faults(PYPROJECT.replace("pydantic>=2", "pydantic[email]>=2"), LOCK)[0]
    assert "make lock" in faults(PYPROJECT.replace('dev = ["ruff"]', 'dev = ["ruff", "uv"]'), LOCK)[0]


def test_tool_configuration_does_not_make_a_lock_stale() -> None:
    assert digest(PYPROJECT + "[tool.ruff]\nline-length = 120\n") == digest(PYPROJECT)


def test_a_lock_holds_no_address() -> None:
    for line in ("--index-url mirror", "--find-links wheels", "a @ https://host/a.whl"):
        assert faults(PYPROJECT, f"{LOCK}{line}\n") == ["holds an address or a path: run `make lock`"]


def test_everything_in_a_lock_has_a_hash() -> None:
    assert faults(PYPROJECT, f"{LOCK}ruff==0.17.5\n") == ["ruff has no hash"]
