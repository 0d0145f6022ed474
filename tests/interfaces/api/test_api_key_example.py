"""The example in docs/ is run as it stands against a running server, with both kinds of keys."""

import os
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.interfaces.api.answers import items
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.signers import Signer, ed25519_key, hmac_key

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLE = DOCS / "api_key_example.py"
MOST_LINES = 45


def run(bot: Signer, proof: str) -> subprocess.CompletedProcess[str]:
    said = {"API_URL": str(bot.http.base_url).rstrip("/"), "API_KEY": bot.key, "API_PROOF": proof}
    command = [sys.executable, str(EXAMPLE)]
    return subprocess.run(command, env={**os.environ, **said}, capture_output=True, text=True, check=False, timeout=60)


def test_the_example_works_with_a_secret(trader: Caller) -> None:
    bot = hmac_key(trader, "read", "trade")
    assert isinstance(bot.proof, bytes)
    done = run(bot, bot.proof.decode())
    assert done.returncode == 0, done.stderr
    (opened,) = items(trader.get("connections"))
    assert done.stdout.splitlines()[0] == opened["id"]
    refused = run(bot, "another secret")
    assert "401 Unauthorized" in refused.stderr
    assert len(items(trader.get("connections"))) == 1


def test_the_example_works_with_a_private_key(trader: Caller, tmp_path: Path) -> None:
    bot = ed25519_key(trader, "read", "trade")
    assert isinstance(bot.proof, Ed25519PrivateKey)
    file = tmp_path / "key.pem"
    file.write_bytes(bot.proof.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    done = run(bot, str(file))
    assert done.returncode == 0, done.stderr
    (opened,) = items(trader.get("connections"))
    assert done.stdout.splitlines()[0] == opened["id"]


def test_the_example_stays_an_example() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= MOST_LINES
    assert EXAMPLE.name in (DOCS / "api-keys.md").read_text()
