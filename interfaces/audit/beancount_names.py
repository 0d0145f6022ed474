"""Names as beancount has them, and back: capitalised components, no underscores, commodities that begin with a letter.

Our names are lower case, so that a capital letter inside a component is free to stand for an underscore before it:
`revenue:trading_commission` is `Revenue:TradingCommission`.
"""

import re

_ROOTS = {"memo": "Equity:ÜMemo", "portfolio": "Assets:ÜPortfolio"}
"""Our two realms beside the company's: beancount has five roots. No name of ours comes to begin with this letter."""
_BEFORE_A_LETTER = re.compile("_([a-z])")
_UNDERSCORE = "Ü"
"""Stands for an underscore that no letter follows."""
_WORDS = {"TRUE", "FALSE", "NULL"}
_FOREIGN = "X-"
"""Begins commodities whose code beancount would not take for one; none of our codes has a dash."""


def account_there(path: str) -> str:
    """Return the name of one of our accounts in beancount."""
    root, *rest = path.split(":")
    return ":".join((_ROOTS.get(root, root.capitalize()), *map(_component, rest)))


def account_here(name: str) -> str:
    """Return which of our accounts a name in beancount stands for."""
    for root, there in _ROOTS.items():
        if name.startswith(f"{there}:"):
            return ":".join((root, *map(_back, name.removeprefix(f"{there}:").split(":"))))
    root, *rest = name.split(":")
    return ":".join((root.lower(), *map(_back, rest)))


def commodity_there(code: str) -> str:
    """Return the name of one of our assets in beancount."""
    return f"{_FOREIGN}{code}" if code[0].isdigit() or code in _WORDS else code


def commodity_here(name: str) -> str:
    """Return which of our assets a commodity stands for."""
    return name.removeprefix(_FOREIGN)


def _component(ours: str) -> str:
    inner = _BEFORE_A_LETTER.sub(lambda found: found[1].upper(), ours[1:])
    return ours[0].upper() + inner.replace("_", _UNDERSCORE)


def _back(theirs: str) -> str:
    inner = re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", theirs[1:])
    return theirs[0].lower() + inner.replace(_UNDERSCORE, "_")
