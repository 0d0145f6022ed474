"""Makes .venv from requirements.lock on a machine that has nothing but Python with venv.

It runs before anything is installed, so it imports the standard library only. Every package, uv itself included, must
have a hash that stands in the lock.
"""

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path

STAMP = ".setup"


class MissingPart(Exception):
    """The machine lacks something that only its owner can install."""


def pinned(package: str, lock: str) -> str:
    """Return the lines of the lock that pin one package, with its hashes."""
    lines = iter(lock.splitlines())
    for line in lines:
        if line.startswith(f"{package}=="):
            block = [line]
            while block[-1].endswith("\\"):
                block.append(next(lines))
            return "\n".join(block) + "\n"
    raise MissingPart(f"requirements.lock does not pin {package}")


def is_current(environment: Path, root: Path) -> bool:
    """Tell whether this virtual environment was made for this folder and its Python still runs."""
    stamp = environment / STAMP
    if not stamp.is_file() or stamp.read_text() != str(root):
        return False
    python = environment / "bin" / "python"
    return python.exists() and subprocess.run([python, "-c", ""], check=False).returncode == 0


def create(environment: Path) -> None:
    """Create an empty virtual environment with pip, in place of whatever stands there."""
    if importlib.util.find_spec("ensurepip") is None:
        raise MissingPart("this Python comes without venv; on Debian and Ubuntu: apt install python3-venv")
    print(f"Creating {environment.name} with Python {sys.version.split()[0]}", flush=True)
    venv.create(environment, clear=True, with_pip=True)


def install(environment: Path, root: Path) -> None:
    """Fetch the pinned uv through pip, install exactly what the lock says, then Lastro itself from its checkout."""
    python = str(environment / "bin" / "python")
    uv_pin = environment / "uv.txt"
    uv_pin.write_text(pinned("uv", (root / "requirements.lock").read_text()))
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    uv = [python, "-m", "uv", "pip"]
    sync = [*uv, "sync", "--quiet", "--python", python, "--require-hashes", "requirements.lock"]
    lastro = [*uv, "install", "--quiet", "--python", python, "--no-deps", "--no-build-isolation", "--editable", "."]

    subprocess.run([*pip, "install", "--require-hashes", "--no-deps", "--requirement", uv_pin], cwd=root, check=True)
    if subprocess.run(sync, cwd=root, check=False).returncode != 0:
        print("Once more with this machine's own certificates, as behind a company's proxy", flush=True)
        subprocess.run([*sync, "--system-certs"], cwd=root, check=True)
    # `sync` removes what the lock does not name, so Lastro comes last.
    subprocess.run(lastro, cwd=root, check=True)


def main() -> int:
    """Bring .venv up to date with the lock; say what is missing and return 2 where that is impossible."""
    root = Path.cwd()
    environment = root / ".venv"
    try:
        if not is_current(environment, root):
            create(environment)
        print("Installing the packages of requirements.lock (the first time this needs the network)", flush=True)
        install(environment, root)
    except (MissingPart, OSError, subprocess.CalledProcessError) as error:
        print(f"Setting up .venv failed: {error}", file=sys.stderr)
        return 2
    (environment / "run").mkdir(mode=0o700, exist_ok=True)
    (environment / STAMP).write_text(str(root))
    return 0


if __name__ == "__main__":
    sys.exit(main())
