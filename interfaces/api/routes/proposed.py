"""The answer of a command that is too large for one person: 202 with a proposal, for a second one to decide."""

from collections.abc import Iterable
from datetime import datetime

from domain.money import Amount
from interfaces.api.ask import Ask
from interfaces.api.fields import Shown


class MadeProposal(Shown):
    """A proposal that waits for a second person."""

    id: str
    status: str
    expires_at: datetime


class Proposed(Shown):
    """What is too large for one person."""

    proposal: MadeProposal


def needs_two(ask: Ask, moved: Iterable[Amount]) -> bool:
    """Tell whether two people are needed: where an amount comes above what the settings say of its asset."""
    above = ask.parts.settings.second_person_entries
    return any(
        amount > Amount.parse(above[amount.asset.code], amount.asset) for amount in moved if amount.asset.code in above
    )
