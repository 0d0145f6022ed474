"""What must hold of the naive fold's balances at the end of every append, and at the end of the log.

As naive as the fold: dictionaries, and nothing imported from what wrote the log.
"""

from interfaces.audit.ledger_fold import Key, LedgerFold, describe

COMPANY = ("assets", "liabilities", "equity", "revenue", "expenses")


def end_append(fold: LedgerFold, position: int) -> None:
    """Look at the sums and books that the append touched, and forget them."""
    for (tenant, total, asset, _), moves in fold.moved.items():
        check = "memo" if total.startswith("memo:") else "clearing"
        left, times = sum(units for _, units in moves), sorted({effective_at for effective_at, _ in moves})
        if left:
            fold.findings[check, position] = f"{total} of {tenant} is left {left} {asset} from zero"
        elif check == "clearing" and len(times) > 1:
            fold.findings[check, position] = f"entries that meet in {total} of {tenant} take effect at {times}"
    for (tenant, _, asset, decimals), (_, user) in fold.touched.items():
        owed = fold.balances.get((tenant, f"assets:receivable:users:{user}", asset, decimals), 0)
        if owed > 0:
            for bucket in ("real", "commission"):
                path = f"liabilities:users:{user}:{bucket}:available"
                if fold.balances.get((tenant, path, asset, decimals)):
                    fold.findings["receivables", position] = (
                        f"{user} of {tenant} owes {owed} {asset} and has some on {path}"
                    )
    fold.moved.clear()
    fold.touched.clear()


def end_log(fold: LedgerFold) -> list[tuple[str, str, str]]:
    """Look at all balances together: zero per realm, and assets = liabilities + equity + revenue − expenses.

    Return check, tenant and sentence of what does not hold.
    """
    realms: dict[Key, int] = {}
    sides: dict[Key, int] = {}
    for (tenant, path, asset, decimals), units in fold.balances.items():
        realm, root = describe(path)[0], path.partition(":")[0]
        key = tenant, realm, asset, decimals
        realms[key] = realms.get(key, 0) + units
        if realm == "company":
            sides[key] = sides.get(key, 0) + (units if root in COMPANY else 0)
    return [
        ("totals", tenant, f"all {realm} accounts of {tenant} together hold {units} {asset}")
        for (tenant, realm, asset, _), units in realms.items()
        if units
    ] + [
        ("equation", tenant, f"the two sides of {tenant} differ by {units} {asset}")
        for (tenant, _, asset, _), units in sides.items()
        if units
    ]
