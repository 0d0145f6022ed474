"""Writes requirements.lock and tells whether it still belongs to pyproject.toml.

The lock's header holds a digest of the declared dependencies, so that the check needs no network and the header holds
neither paths nor addresses.
"""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

LOCK = "requirements.lock"
ADDRESS = re.compile(r"://|--(extra-)?index-url|--find-links|--trusted-host|^-[ie] |@ file:", re.MULTILINE)


def digest(pyproject: str) -> str:
    """Return a digest of what decides the lock: Python version, dependencies, groups and the build's needs."""
    document = tomllib.loads(pyproject)
    project = document["project"]
    declared = [
        project["requires-python"],
        project["dependencies"],
        project.get("optional-dependencies", {}),
        document.get("dependency-groups", {}),
        document["build-system"]["requires"],
    ]
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:16]


def command(pyproject: str) -> str:
    """Return the line that stands in the lock's header in place of the command that wrote it."""
    return f"make lock (dependencies {digest(pyproject)})"


def faults(pyproject: str, lock: str) -> list[str]:
    """Say what is wrong with a lock: made for other dependencies, holding addresses, or holding an unhashed package."""
    found = []
    if command(pyproject) not in lock:
        found.append("does not belong to the dependencies in pyproject.toml: run `make lock`")
    if ADDRESS.search(lock):
        found.append("holds an address or a path: run `make lock`")
    found += [f"{name} has no hash" for name in re.findall(r"^([A-Za-z0-9_.-]+)==[^\\]*$", lock, re.MULTILINE)]
    return found


def write(root: Path, *options: str) -> None:
    """Resolve pyproject.toml for every platform, keeping the pins of the present lock unless told `--upgrade`."""
    header = command((root / "pyproject.toml").read_text())
    resolve = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    resolve += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", header]
    subprocess.run([*resolve, *options, "--group", "dev", "pyproject.toml", "-o", LOCK], cwd=root, check=True)


if __name__ == "__main__":
    write(Path.cwd(), *sys.argv[1:])
