"""Bodies of journal entries as a client of the API writes them."""

from typing import Any

BANK = "assets:bank:client:main"
PSP = "assets:psp:stripe"


def wallet(user: str, bucket: str = "real") -> str:
    return f"liabilities:users:{user}:{bucket}:available"


def entry(*lines: tuple[object, str], kind: str = "top_up", asset: str = "USD", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever an entry may hold
    """Return an entry of (account, amount) lines."""
    return {"kind": kind, "postings": [posting(*line, asset=asset) for line in lines], **fields}


def posting(account: object, amount: object, *, asset: object = "USD") -> dict[str, Any]:
    return {"account": account, "asset": asset, "amount": amount}


def top_up(user: str, amount: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever an entry may hold
    """Return an entry that gives a user money."""
    return entry((BANK, amount), (wallet(user), f"-{amount}"), **fields)


def take(user: str, amount: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever an entry may hold
    """Return an entry that takes money from a user."""
    return entry((BANK, f"-{amount}"), (wallet(user), amount), **fields)


def capital(amount: str = "1.00", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever an entry may hold
    """Return an entry that touches no user's money."""
    return entry((BANK, amount), ("equity:owner", f"-{amount}"), **fields)
