"""Entries as an accountant writes them: `psp:stripe +100.00 | user:real:available -100.00`, one such line per asset.

`user`, `affiliate`, `follower`, `leader`, `A` and `B` are users; a path begins below its root where that is clear.
"""

from datetime import UTC, datetime

from domain.assets import INITIAL as UNREGISTERED
from domain.assets import SEEDED, AssetRegistry
from domain.assets import decide as register
from domain.ids import AccountPath, EntryId, UserId
from domain.ledger.accounts import describe
from domain.ledger.entry import JournalEntry, Posting
from domain.money import Amount

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENTRY = EntryId("e" * 32)
_NAMES = ("user", "affiliate", "follower", "leader", "A", "B")
USERS = {name: UserId(f"{number:032x}") for number, name in enumerate(_NAMES, 1)}
USER = USERS["user"]

_ROOTS = {
    **dict.fromkeys(("psp", "transit", "bank", "custody"), "assets"),
    **dict.fromkeys(("withdrawals", "suspense", "deferred", "clearing", "taxes"), "liabilities"),
}
_NAMED = {"receivable": "assets:receivable:users", "payable": "liabilities:withdrawals:payable"}


def _registry() -> AssetRegistry:
    registry = AssetRegistry()
    for command in SEEDED:
        for event in register(UNREGISTERED, command):
            registry = registry.adding(event)
    return registry


ASSETS = _registry()


def path(text: str) -> AccountPath:
    """Return the path of an account written short: `user:real:available`, `receivable:user`, `bank:own`."""
    first, _, rest = text.partition(":")
    if first in USERS:
        root = "memo" if rest in {"bonus", "credits"} else "liabilities"
        return AccountPath(f"{root}:users:{USERS[first]}:{rest}")
    if first in _NAMED:
        return AccountPath(f"{_NAMED[first]}:{USERS[rest]}")
    if text in {"bank:client", "bank:own"}:
        text = f"{text}:main"
    return AccountPath(f"{_ROOTS[first]}:{text}" if first in _ROOTS else text)


def amount(text: str, asset: str, *, account: str = "assets:bank:own:main") -> Amount:
    """Return an amount at the scale of an account's realm."""
    return Amount.parse(text.removeprefix("+"), ASSETS.find(describe(account).realm, asset))


def postings(text: str, asset: str = "USD") -> tuple[Posting, ...]:
    """Return the postings of one line."""
    lines = (part.split() for part in text.split(" | "))
    return tuple(Posting(path(name), amount(value, asset, account=path(name))) for name, value in lines)


def entry(
    text: str = "psp:stripe +100.00 | user:real:available -100.00",
    *more: tuple[str, str],
    asset: str = "USD",
    kind: str = "adjustment",
    id: EntryId = ENTRY,
    effective_at: datetime = NOW,
) -> JournalEntry:
    """Return an entry of one line, and of more lines given as (asset, text)."""
    lines = (postings(text, asset), *(postings(other, code) for code, other in more))
    return JournalEntry(
        id=id,
        kind=kind,
        reference=id,
        occurred_at=NOW,
        effective_at=effective_at,
        postings=tuple(posting for line in lines for posting in line),
    )
