"""Sealing a house's log as the worker does, and looking at what an audit with the key finds."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from application.evidence.follower import Evidence, Liabilities
from interfaces.audit.evidence import Seals
from interfaces.audit.notary import FileNotary
from interfaces.audit.verify import verify
from interfaces.clock import SystemClock
from interfaces.postgres.configuration import Urls
from interfaces.postgres.vault_crypto import VaultKeys
from tests.interfaces.audit.forgery import Found
from tests.projections.house import House

OUR_KEY = Ed25519PrivateKey.from_private_bytes(b"a key of tests, 32 bytes long ..")
NOTARY = FileNotary(OUR_KEY)
KEYS = VaultKeys.derive(b"a master key of tests, 32 bytes.")


def evidence(
    house: House, notary: FileNotary = NOTARY, *, liabilities: bool = True, keys: VaultKeys = KEYS
) -> Evidence:
    owed = Liabilities(nonces=keys) if liabilities else None
    return Evidence(pool=house.app, notary=notary, clock=SystemClock(), liabilities=owed)


async def seal(house: House) -> str:
    """Sign all that is there; return the checkpoint."""
    await evidence(house).seal()
    ((note,),) = await house.execute("SELECT note FROM evidence.checkpoints ORDER BY number DESC LIMIT 1")
    return str(note)


def found_under_seal(urls: Urls, *kept_outside: str) -> Found:
    """Verify with the public key; return the checks that found something, and where."""
    seals = Seals(key=NOTARY.key, nonces=KEYS, kept_outside=kept_outside)
    return {(finding.check, finding.log_position) for finding in verify(urls.projector, seals=seals).findings}


def unsealed(urls: Urls) -> int:
    """Return how many events nobody has signed for."""
    checks = {check.check: check for check in verify(urls.projector, seals=Seals(key=NOTARY.key)).checks}
    return checks["evidence of events"].counts["unsealed"]
