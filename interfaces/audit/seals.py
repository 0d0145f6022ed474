"""What seals are checked with: the keys of an installation, as far as they lie where the audit runs."""

from collections.abc import Sequence
from pathlib import Path

from interfaces.audit.evidence import Seals
from interfaces.audit.notary import load_notary
from interfaces.postgres.vault_crypto import load_master_key


def seals_of(evidence_key: Path, master_key: Path, kept_outside: Sequence[str] = ()) -> Seals:
    """Return the keys in these files, as far as there are any, and checkpoints that were kept elsewhere."""
    key = load_notary(evidence_key, create=False).key if evidence_key.exists() else None
    nonces = load_master_key(master_key) if master_key.exists() else None
    return Seals(key=key, nonces=nonces, kept_outside=tuple(kept_outside))
