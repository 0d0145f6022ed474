"""`lastro audit liabilities`: the last trees of what is owed to users, tenant by tenant, compared with the ledger."""

from contextlib import closing
from typing import TYPE_CHECKING, Any

import typer

from interfaces.cli.options import Data, Json, show

if TYPE_CHECKING:
    from interfaces.audit.liabilities import StoredCut

FINDING = 1


def liabilities(data: Data = None, as_json: Json = False) -> None:
    """Show the last trees of what is owed: users, sums, roots. Exit 1 where they are not what ledger and seal say."""
    from interfaces.audit.findings import Tally
    from interfaces.audit.liabilities import check_liabilities, stored_cuts
    from interfaces.audit.proofs import CannotProve
    from interfaces.audit.snapshot import open_snapshot
    from interfaces.installation import migrated_database_of
    from interfaces.postgres.vault_crypto import load_master_key
    from interfaces.settings import Settings

    settings = Settings.load(data=data)
    nonces = load_master_key(settings.master_key) if settings.master_key.exists() else None
    with migrated_database_of(settings) as urls, closing(open_snapshot(urls.projector)) as snapshot:
        tally = check_liabilities(snapshot, nonces=nonces)["liabilities"]
        cuts = stored_cuts(snapshot, Tally("liabilities"))
    if not cuts and not tally.found:
        raise CannotProve("there are no trees yet: lastro audit checkpoint makes them now")
    found = [{"log_position": finding.log_position, "what": finding.what} for finding in tally.findings]
    shown = {"sound": not tally.found, "findings": found, **(_shown(cuts[-1]) if cuts else {})}
    show(shown, _text(shown), as_json=as_json)
    if tally.found:
        raise typer.Exit(FINDING)


def _shown(cut: "StoredCut") -> dict[str, Any]:
    from domain.liabilities.sums import written

    trees = [
        {
            "tenant": tree.tenant,
            "users": tree.users,
            "totals": written(tree.root.sums),
            "root": tree.root.hash.hex(),
        }
        for tree in cut.trees
    ]
    return {
        "checkpoint": cut.number,
        "log_position": cut.signed.events.size,
        "signed_at": cut.signed.signed_at.isoformat(),
        "root": (cut.signed.liabilities or b"").hex(),
        "tenants": trees,
    }


def _text(shown: dict[str, Any]) -> str:
    lines = []
    if "root" in shown:
        lines.append(f"checkpoint {shown['checkpoint']} at log position {shown['log_position']}, {shown['signed_at']}")
        lines.append(f"root {shown['root']}")
        for tree in shown["tenants"]:
            totals = ", ".join(f"{one['value']} {one['asset']}" for one in tree["totals"]) or "nothing"
            lines.append(f"{tree['tenant']}: {tree['users']} users are owed {totals} (root {tree['root']})")
    lines += [f"log position {one['log_position']}: {one['what']}" for one in shown["findings"]]
    lines.append("They are what ledger and seal say." if shown["sound"] else "They are not what ledger and seal say.")
    return "\n".join(lines)
