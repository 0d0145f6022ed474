"""The answer of a command that is too large for one person: 202 with a proposal, for a second one to decide."""

from datetime import datetime

from interfaces.api.fields import Shown


class MadeProposal(Shown):
    """A proposal that waits for a second person."""

    id: str
    status: str
    expires_at: datetime


class Proposed(Shown):
    """What is too large for one person."""

    proposal: MadeProposal
