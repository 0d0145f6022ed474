import sys
from pathlib import Path

import pytest

from dev.environment import STAMP, MissingPart, is_current, pinned

ROOT = Path(__file__).parents[2]


def test_uv_is_pinned_with_its_hashes() -> None:
    pin = pinned("uv", (ROOT / "requirements.lock").read_text())
    first, *hashes = pin.splitlines()
    assert first.startswith("uv==")
    assert hashes
    assert all(line.strip().startswith("--hash=sha256:") for line in hashes)
    assert not pin.endswith("\\\n")


def test_a_lock_without_a_pin_is_refused() -> None:
    with pytest.raises(MissingPart, match="does not pin uv"):
        pinned("uv", "uvicorn==0.54.0 \\\n    --hash=sha256:00\n")


def test_an_environment_is_current_only_where_it_was_made_and_while_its_python_runs(tmp_path: Path) -> None:
    environment = tmp_path / ".venv"
    (environment / "bin").mkdir(parents=True)
    assert not is_current(environment, tmp_path)
    (environment / "bin" / "python").symlink_to(sys.executable)
    (environment / STAMP).write_text(str(tmp_path))
    assert is_current(environment, tmp_path)
    assert not is_current(environment, tmp_path / "copy")
    (environment / "bin" / "python").unlink()
    (environment / "bin" / "python").symlink_to("gone")
    assert not is_current(environment, tmp_path)
