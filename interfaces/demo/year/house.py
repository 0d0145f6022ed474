"""The simulated house: a tenant whose commands go through the real committer, with a clock that the year sets.

Commands are those of the use cases that the API calls, under derived ids, so that the same seed makes the same year.
What the books refuse is counted and never an error: people ask for what they cannot have.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.ids import derive, namespace
from application.ledger import post_entry
from application.streams import SYSTEM
from application.tenants import create_tenant
from application.users import register_user
from domain.ids import AccountPath, EntryId, SubjectId, UserId
from domain.ledger.entry import JournalEntry, Posting
from domain.money import Amount, Asset, asset_of
from domain.tenants import CreateTenant
from domain.users import RegisterUser, Role, Status

USD, BRL, EUR = asset_of("USD", 2), asset_of("BRL", 2), asset_of("EUR", 2)
ACTOR = "cli:year"
_YEAR = namespace("a year")


@dataclass(slots=True)
class House:
    """One tenant in the year: who is in it, what time it is, and how chance falls."""

    committer: Committer
    tenant: str
    seed: int
    now: datetime
    chance: random.Random = field(init=False)
    users: list[UserId] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    _number: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - a seeded year, no secret

    def id_of(self, *parts: str) -> str:
        """Return an id that is the same in every year of this seed."""
        return derive(_YEAR, self.tenant, str(self.seed), *parts)

    def next_id(self, thing: str) -> str:
        """Return the id of a new thing."""
        self._number += 1
        return self.id_of(thing, str(self._number))

    def envelope(self, *, actor: str = ACTOR, tenant: str | None = None) -> Envelope:
        """Return the envelope of a command at the year's time."""
        command_id = self.next_id("command")
        return Envelope(
            tenant=tenant or self.tenant,
            actor=actor,
            command_id=command_id,
            key=command_id,
            input_hash=sha256(command_id.encode()).hexdigest(),
            correlation_id=command_id,
            now=self.now,
        )

    async def do(self, command: Command) -> Body | None:
        """Submit a command; None where the books refuse it."""
        done = await self.committer.submit(command)
        (self.refused if done.refused else self.done)[command.name] += 1
        return None if done.refused else done.body

    async def open(self, users: int) -> None:
        """Create the tenant and its users."""
        await self.do(create_tenant(self.envelope(tenant=SYSTEM), CreateTenant(name=self.tenant)))
        for number in range(users):
            user = UserId(self.id_of("user", str(number)))
            register = RegisterUser(user=user, subject=SubjectId(user), roles=(Role.TRADER,), status=Status.ACTIVE)
            await self.do(register_user(self.envelope(), register, email_hmac=user))
            self.users.append(user)

    async def post(
        self, kind: str, *lines: tuple[str, int], asset: Asset = USD, effective_at: datetime | None = None
    ) -> str | None:
        """Post an entry by hand, in smallest units; return its id, or None where it is refused."""
        entry = EntryId(self.next_id("entry"))
        made = JournalEntry(
            id=entry,
            kind=kind,
            reference=entry,
            occurred_at=self.now,
            effective_at=effective_at or self.now,
            postings=tuple(Posting(AccountPath(account), Amount(units, asset)) for account, units in lines),
        )
        return None if await self.do(post_entry(self.envelope(), made)) is None else entry

    def later(self, **more: float) -> None:
        """Let time pass."""
        self.now += timedelta(**more)

    def cents(self, least: int, most: int) -> int:
        """Return a random number of cents, in steps that leave odd ones."""
        return self.chance.randint(least, most)
